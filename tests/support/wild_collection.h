/* wild_collection.h: the part of a wild model (wild_model.h) that is not strings: hashes, lists, sets, sorted sets and streams.
 *
 * Terms: an *element* is a small number with a text of its own: a field, a member or an item; in streams the milliseconds of an ID.
 * Items of lists and streams stand in their order, those of others by element.
 */
#ifndef CAIRN_SUPPORT_WILD_COLLECTION_H
#define CAIRN_SUPPORT_WILD_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WILD_TYPES         5
#define WILD_COLLECTIONS   (2 * WILD_TYPES) /* two keys of each type */
#define WILD_ELEMENTS      160
#define WILD_ELEMENT_TEXT  128
#define WILD_ELEMENTS_USED 3 /* by one command, at most */

enum wild_type { WILD_HASH, WILD_LIST, WILD_SORTED_SET, WILD_STREAM, WILD_PLAIN_SET };

struct wild_item {
    uint64_t element;
    int64_t value; /* of a field, a score, of a stream's field; else 0 */
};

/* Zero-initialised: there is no such key. */
struct wild_collection {
    struct wild_item *items; /* owned */
    size_t count, cap;
    bool is_stream; /* which exists without entries too */
};

static inline enum wild_type wild_type(unsigned collection)
{
    return (enum wild_type)(collection / 2);
}

static inline bool wild_is_sequence(enum wild_type type)
{
    return type == WILD_LIST || type == WILD_STREAM;
}

/* Numbers, words and a few long ones, so that every form of a collection comes up. Returns its length. */
size_t wild_element_text(uint64_t element, char text[WILD_ELEMENT_TEXT]);
uint64_t wild_element_parse(const char *text);

void wild_collection_append(struct wild_collection *collection, struct wild_item item);
/* Appends what a server tells in any order; wild_collection_sort then is due, unless it is a sequence. */
void wild_collection_sort(struct wild_collection *collection);
bool wild_collection_equals(const struct wild_collection *a, const struct wild_collection *b);
void wild_collection_drop(struct wild_collection *collection);

struct wild_command;
struct wild_reply;
/* Executes a command about collections (wild_model.h). */
struct wild_reply wild_collection_apply(struct wild_collection *key, struct wild_collection *other,
                                        const struct wild_command *command);

#endif
