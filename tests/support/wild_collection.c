/* wild_collection.c: what commands do to collections of a wild model. */
#include "support/wild_collection.h"

#include "support/wild_model.h"
#include "util/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_EVERY 40

size_t wild_element_text(uint64_t element, char text[WILD_ELEMENT_TEXT])
{
    const char *form = element % LONG_EVERY == 3 ? "e%0100" PRIu64 : element % 2 ? "e%" PRIu64 : "%" PRIu64;
    return (size_t)snprintf(text, WILD_ELEMENT_TEXT, form, element);
}

uint64_t wild_element_parse(const char *text)
{
    return strtoull(text + (*text == 'e'), NULL, 10);
}

/* ---- items ---- */

static void insert(struct wild_collection *collection, size_t index, struct wild_item item)
{
    if (collection->count == collection->cap) {
        collection->cap = collection->cap * 2 + 16;
        collection->items = realloc(collection->items, collection->cap * sizeof(item));
        ASSERT(collection->items);
    }
    struct wild_item *at = collection->items + index;
    memmove(at + 1, at, (collection->count - index) * sizeof(item));
    *at = item;
    collection->count++;
}

static void cut(struct wild_collection *collection, size_t index, size_t count)
{
    if (count == 0) return;
    struct wild_item *at = collection->items + index;
    memmove(at, at + count, (collection->count - index - count) * sizeof(*at));
    collection->count -= count;
}

void wild_collection_append(struct wild_collection *collection, struct wild_item item)
{
    insert(collection, collection->count, item);
}

static int compare_elements(const void *a, const void *b)
{
    uint64_t x = ((const struct wild_item *)a)->element, y = ((const struct wild_item *)b)->element;
    return (x > y) - (x < y);
}

void wild_collection_sort(struct wild_collection *collection)
{
    if (collection->count > 0)
        qsort(collection->items, collection->count, sizeof(*collection->items), compare_elements);
}

bool wild_collection_equals(const struct wild_collection *a, const struct wild_collection *b)
{
    if (a->count != b->count) return false;
    return a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0;
}

void wild_collection_drop(struct wild_collection *collection)
{
    free(collection->items);
    *collection = (struct wild_collection){0};
}

/* False when it is not there; *index_out: where it stands or, by element, would. */
static bool find(const struct wild_collection *collection, uint64_t element, size_t *index_out)
{
    size_t i = 0;
    while (i < collection->count && collection->items[i].element < element)
        i++;
    *index_out = i;
    return i < collection->count && collection->items[i].element == element;
}

/* The item's value; new ones begin with 0. */
static int64_t *value_of(struct wild_collection *collection, uint64_t element, bool *added_out)
{
    size_t index;
    *added_out = !find(collection, element, &index);
    if (*added_out) insert(collection, index, (struct wild_item){element, 0});
    return &collection->items[index].value;
}

static bool exists(const struct wild_collection *collection)
{
    return collection->count > 0 || collection->is_stream;
}

static bool take(struct wild_collection *collection, uint64_t element)
{
    size_t index;
    bool found = find(collection, element, &index);
    if (found) cut(collection, index, 1);
    return found;
}

/* ---- commands ---- */

static struct wild_reply reply_text(const char *text, size_t len)
{
    struct wild_reply reply = {.type = WILD_REPLY_BYTES, .bytes = malloc(len + 1), .len = len};
    ASSERT(reply.bytes);
    memcpy(reply.bytes, text, len);
    return reply;
}

static struct wild_reply reply_element(uint64_t element)
{
    char text[WILD_ELEMENT_TEXT];
    return reply_text(text, wild_element_text(element, text));
}

/* The elements that the command names, in turn. */
static struct wild_reply change_each(struct wild_collection *key, const struct wild_command *command)
{
    bool changed, removes = command->op == WILD_HDEL || command->op == WILD_SREM || command->op == WILD_ZREM;
    struct wild_reply reply = {.type = WILD_REPLY_INTEGER};
    for (size_t i = 0; i < WILD_ELEMENTS_USED; i++) {
        uint64_t element = command->elements[i];
        if (removes) changed = take(key, element);
        else *value_of(key, element, &changed) = command->op == WILD_SADD ? 0 : command->number;
        reply.integer += changed;
    }
    return reply;
}

static struct wild_reply push(struct wild_collection *key, const struct wild_command *command)
{
    for (size_t i = 0; i < WILD_ELEMENTS_USED; i++)
        insert(key, command->op == WILD_LPUSH ? 0 : key->count, (struct wild_item){command->elements[i], 0});
    return (struct wild_reply){.type = WILD_REPLY_INTEGER, .integer = (int64_t)key->count};
}

/* LPOP, RPOP; LMOVE from the head of `key` to the tail of `to`. */
static struct wild_reply pop(struct wild_collection *key, struct wild_collection *to,
                             const struct wild_command *command)
{
    if (key->count == 0) return (struct wild_reply){.type = WILD_REPLY_NULL};
    size_t index = command->op == WILD_RPOP ? key->count - 1 : 0;
    struct wild_item item = key->items[index];
    cut(key, index, 1);
    if (command->op == WILD_LMOVE) wild_collection_append(to, item);
    return reply_element(item.element);
}

static struct wild_reply insert_before(struct wild_collection *key, const struct wild_command *command)
{
    struct wild_reply reply = {.type = WILD_REPLY_INTEGER, .integer = key->count > 0 ? -1 : 0};
    for (size_t i = 0; i < key->count; i++) {
        if (key->items[i].element != command->elements[0]) continue;
        insert(key, i, (struct wild_item){command->elements[1], 0});
        reply.integer = (int64_t)key->count;
        break;
    }
    return reply;
}

static struct wild_reply increment(struct wild_collection *key, const struct wild_command *command)
{
    bool added;
    int64_t *value = value_of(key, command->elements[0], &added);
    char text[32];
    *value += command->number;
    if (command->op == WILD_HINCRBY)
        return (struct wild_reply){.type = WILD_REPLY_INTEGER, .integer = *value};
    return reply_text(text, (size_t)snprintf(text, sizeof(text), "%" PRId64, *value));
}

static struct wild_reply move(struct wild_collection *key, struct wild_collection *to,
                              const struct wild_command *command)
{
    bool added, taken = take(key, command->elements[0]);
    if (taken) *value_of(to, command->elements[0], &added) = 0;
    return (struct wild_reply){.type = WILD_REPLY_INTEGER, .integer = taken};
}

static struct wild_reply add_entry(struct wild_collection *key, const struct wild_command *command)
{
    char text[32];
    key->is_stream = true;
    wild_collection_append(key, (struct wild_item){(uint64_t)command->number, (int64_t)command->elements[0]});
    return reply_text(text, (size_t)snprintf(text, sizeof(text), "%" PRId64 "-0", command->number));
}

/* Leaves `most` items: LTRIM the first ones, XTRIM the last. */
static struct wild_reply trim(struct wild_collection *key, const struct wild_command *command)
{
    size_t most = (size_t)command->number + (command->op == WILD_LTRIM);
    size_t over = key->count > most ? key->count - most : 0;
    cut(key, command->op == WILD_LTRIM ? most : 0, over);
    if (command->op == WILD_LTRIM) return (struct wild_reply){.type = WILD_REPLY_OK};
    return (struct wild_reply){.type = WILD_REPLY_INTEGER, .integer = (int64_t)over};
}

static void replace(struct wild_collection *to, const struct wild_collection *from)
{
    wild_collection_drop(to);
    to->is_stream = from->is_stream;
    for (size_t i = 0; i < from->count; i++)
        wild_collection_append(to, from->items[i]);
}

/* DEL, RENAME and COPY. */
static struct wild_reply apply_whole(struct wild_collection *key, struct wild_collection *other,
                                     const struct wild_command *command)
{
    struct wild_reply reply = {.type = WILD_REPLY_INTEGER, .integer = exists(key)};
    if (command->op == WILD_RENAME_COLLECTION) reply.type = exists(key) ? WILD_REPLY_OK : WILD_REPLY_ERROR;
    if (command->op != WILD_DEL_COLLECTION && exists(key)) replace(other, key);
    if (command->op != WILD_COPY_COLLECTION) wild_collection_drop(key);
    return reply;
}

struct wild_reply wild_collection_apply(struct wild_collection *key, struct wild_collection *other,
                                        const struct wild_command *command)
{
    switch (command->op) {
    case WILD_HSET:
    case WILD_HDEL:
    case WILD_SADD:
    case WILD_SREM:
    case WILD_ZADD:
    case WILD_ZREM: return change_each(key, command);
    case WILD_HINCRBY:
    case WILD_ZINCRBY: return increment(key, command);
    case WILD_LPUSH:
    case WILD_RPUSH: return push(key, command);
    case WILD_LPOP:
    case WILD_RPOP:
    case WILD_LMOVE: return pop(key, other, command);
    case WILD_LINSERT: return insert_before(key, command);
    case WILD_SMOVE: return move(key, other, command);
    case WILD_XADD: return add_entry(key, command);
    case WILD_XDEL:
        return (struct wild_reply){.type = WILD_REPLY_INTEGER,
                                   .integer = take(key, (uint64_t)command->number)};
    case WILD_LTRIM:
    case WILD_XTRIM: return trim(key, command);
    default: return apply_whole(key, other, command);
    }
}
