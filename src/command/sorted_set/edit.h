/* edit.h: changing one sorted set: opened, changed in memory (small) or in place (large), and stored.
 *
 * The first error is kept and ends all further changes; sorted_set_close answers it. Replies of members go out before the set
 * is closed: a small set's members stand in the value that is replaced then.
 */
#ifndef CAIRN_COMMAND_SORTED_SET_EDIT_H
#define CAIRN_COMMAND_SORTED_SET_EDIT_H

#include "command/call.h"
#include "ds/zset_view.h"

struct sorted_set_edit {
    struct call *call;
    const struct key *key;
    bool existed;
    enum error error;
    struct zset_view view;
};

/* A member that was looked for; good until the set is changed. */
struct sorted_set_member {
    struct slice name;
    bool found;
    double score;            /* found */
    size_t index;            /* small */
    struct zset_place place; /* large */
};

/* The set at key `index`, or an empty one. False after an error was replied; else sorted_set_close is due. */
bool sorted_set_open(struct call *call, size_t index, struct sorted_set_edit *edit);
struct sorted_set_member sorted_set_find(const struct sorted_set_edit *edit, struct slice name);
/* Adds the member, or gives it another score. The name must stay where it is. */
void sorted_set_put(struct sorted_set_edit *edit, const struct sorted_set_member *member, double score);
void sorted_set_remove(struct sorted_set_edit *edit, const struct sorted_set_member *member);
/* Removes `count` items from rank `first` on; they are there. */
void sorted_set_remove_range(struct sorted_set_edit *edit, uint64_t first, uint64_t count);
/* Stores what was changed (event NULL: nothing was) and tells of it; the last item's removal removes the key. False after a
 * failure was replied. */
bool sorted_set_close(struct sorted_set_edit *edit, const char *event);

/* Makes items in order, each member once, the value of key `index`, whatever it held; none of them: removes it. Members may be
 * inside values of the keyspace. False after a failure was replied. */
bool sorted_set_store(struct call *call, size_t index, const struct zset_item *items, size_t count,
                      const char *event);

/* Opens the set at key `index` for reading everything; missing keys are empty sets. False after an error was replied;
 * else zset_view_close is due. */
bool sorted_set_read(struct call *call, size_t index, struct zset_view *view);
/* The same for counts and lookups alone; nothing is to be closed. */
bool sorted_set_peek(struct call *call, size_t index, struct zset_view *view);

#endif
