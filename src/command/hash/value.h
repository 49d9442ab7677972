/* value.h: the hash at a command's key, packed or rooted, for the files of this group.
 *
 * Terms: an *edit* is all that one command does to a hash. A packed hash is edited in a draft of the worker, which
 * hash_value_store turns into a blob; it becomes a rooted one when it outgrows its limits. A rooted hash is edited in its place.
 * Fields whose time has come are never seen.
 */
#ifndef CAIRN_COMMAND_HASH_VALUE_H
#define CAIRN_COMMAND_HASH_VALUE_H

#include "command/call.h"
#include "ds/hash.h"

struct hash_value {
    struct call *call;
    struct heap *heap;
    struct entry *entry;       /* NULL: there is no such key */
    uint64_t root;             /* 0: packed, or no key */
    bool converted;            /* the root is new: the entry does not name it yet */
    int64_t due_ms;            /* when the edit began */
    struct hash_packed packed; /* reading a packed hash */
    struct hash_draft *draft;  /* editing one; NULL: reading */
    enum error error;          /* the first of the edit; nothing is done after it */
};

struct hash_field {
    int64_t time_ms; /* when it expires, or HASH_TIME_NONE */
    struct slice name;
    struct hash_packed_place place; /* packed */
    const struct entry *entry;      /* rooted */
};

/* Looks up key 0; false after having replied -WRONGTYPE. */
bool hash_value_read(struct call *call, struct hash_value *value_out);
/* The same for an edit. */
bool hash_value_edit(struct call *call, struct hash_value *value_out);

/* Live fields. */
uint64_t hash_value_count(const struct hash_value *value);
/* False when there is no such field. field_out is good until the hash is edited; `name` must stay. */
bool hash_value_find(const struct hash_value *value, struct slice name, struct hash_field *field_out);
/* A field's value as text; integers are formatted into `text`. */
struct slice hash_value_text(const struct hash_value *value, const struct hash_field *field,
                             char text[ENTRY_INT_TEXT_MAX]);
/* Replies with the field's value, or null when there is no such field. */
void hash_value_reply(const struct hash_value *value, struct slice name);

/* Visits the live fields; false ends the visit. */
typedef bool hash_value_visit(void *ctx, struct slice field, struct slice value);
void hash_value_each(const struct hash_value *value, hash_value_visit *visit, void *ctx);

/* ---- edits: the first error stays in value->error ---- */

/* Sets a field. time_ms: milliseconds, HASH_TIME_NONE or HASH_TIME_KEEP. True when it was not there before. */
bool hash_value_set(struct hash_value *value, struct slice name, struct slice bytes, int64_t time_ms);
void hash_value_set_time(struct hash_value *value, const struct hash_field *field, int64_t time_ms);
void hash_value_remove(struct hash_value *value, const struct hash_field *field);
/* Ends the edit: what has become of the hash stands at the key, which is removed with its last field. `event` (NULL: none) is
 * notified. False after call_fail. */
bool hash_value_store(struct hash_value *value, const char *event);

#endif
