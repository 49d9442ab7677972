/* list_keys.h: the lists at a command's keys, and what its handlers share. */
#ifndef CAIRN_COMMAND_LIST_LIST_KEYS_H
#define CAIRN_COMMAND_LIST_LIST_KEYS_H

#include "command/call.h"
#include "ds/list.h"

enum list_keys_found {
    LIST_KEYS_NONE,
    LIST_KEYS_LIST,
    LIST_KEYS_OTHER, /* another type: -WRONGTYPE has been replied */
};

/* The list at key `index`, for reading or for changing it. */
enum list_keys_found list_keys_read(struct call *call, size_t index, struct list *list_out);
enum list_keys_found list_keys_edit(struct call *call, size_t index, struct list *list_out);
/* A new list at key `index`, which holds nothing. */
MUST_CHECK enum error list_keys_create(struct call *call, size_t index, struct list *list_out);
MUST_CHECK enum error list_keys_remove(struct call *call, size_t index);
/* Removes key `index` if its list is empty now. */
MUST_CHECK enum error list_keys_settle(struct call *call, size_t index, const struct list *list);

struct list_limits list_keys_limits(const struct call *call);

/* Turns a client's range of indexes, both ends included and negative ones from the tail, into one of the
 * list; false: it is empty. */
bool list_keys_range(const struct list *list, int64_t *first, int64_t *last);
/* LEFT or RIGHT; false after having replied a syntax error. */
bool list_keys_end(struct call *call, size_t arg, enum list_end *end_out);
/* "lpush" or "rpush", "lpop" or "rpop". */
const char *list_keys_push_event(enum list_end end);
const char *list_keys_pop_event(enum list_end end);

/* Takes `count` items (at most all) off an end and replies them: an array, or with `single` one bulk
 * string. */
void list_keys_pop(struct call *call, size_t index, const struct list *list, enum list_end end,
                   uint64_t count, bool single);

#endif
