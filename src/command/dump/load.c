/* load.c: values of all types but streams (load.h). */
#include "command/dump/load.h"

#include "command/hash/value.h"
#include "command/list/list_keys.h"
#include "command/set/value.h"
#include "command/sorted_set/edit.h"

#include <stdlib.h>

/* How each kind ends: what its own edit has not told of yet. */
static bool finish(struct call *call, enum error error, const char *event)
{
    if (error != ERROR_OK) call_fail(call, error);
    else call_notify(call, event, &call->keys[0]);
    return error == ERROR_OK;
}

static bool load_string(struct call *call, const struct rdb_value *value, const char *event)
{
    enum error error = keyspace_put_string(call->tx, call->keyspace, call->db, &call->keys[0],
                                           value->words.at[0], EXPIRY_NONE);
    return finish(call, error, event);
}

static bool load_list(struct call *call, const struct rdb_value *value, const char *event)
{
    struct list_limits limits = list_keys_limits(call);
    struct list list;
    enum error error = list_keys_create(call, 0, &list);
    if (error == ERROR_OK)
        error = list_push(call->tx, &list, &limits, LIST_TAIL, value->words.at, value->words.count);
    return finish(call, error, event);
}

static bool load_set(struct call *call, const struct rdb_value *value, const char *event)
{
    struct set_value set = set_value_new(call);
    bool added;
    for (size_t i = 0; i < value->words.count; i++) {
        enum error error = set_value_add(&set, value->words.at[i], &added);
        if (error != ERROR_OK) {
            call_fail(call, error);
            return false;
        }
    }
    return set_value_store(&set, 0, event);
}

static int compare_items(const void *a, const void *b)
{
    return zset_compare(a, b);
}

static bool load_zset(struct call *call, const struct rdb_value *value, const char *event)
{
    size_t count = value->words.count;
    struct zset_item *items = malloc(count * sizeof *items);
    if (items == NULL) {
        call_fail(call, ERROR_MEMORY);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = (struct zset_item){value->words.at[i], value->scores[i]};
    qsort(items, count, sizeof *items, compare_items);
    bool stored = sorted_set_store(call, 0, items, count, event);
    free(items);
    return stored;
}

static bool load_hash(struct call *call, const struct rdb_value *value, const char *event, bool *stored_out)
{
    struct hash_value hash;
    uint64_t live = 0;
    if (!hash_value_edit(call, &hash)) return false;
    for (size_t i = 0; i < value->words.count / 2; i++) {
        int64_t time_ms = value->times == NULL || value->times[i] == 0 ? HASH_TIME_NONE : value->times[i];
        if (time_ms != HASH_TIME_NONE && time_ms <= call->now_ms) continue;
        hash_value_set(&hash, value->words.at[2 * i], value->words.at[2 * i + 1], time_ms);
        live++;
    }
    *stored_out = live > 0;
    return live > 0 ? hash_value_store(&hash, event) : true;
}

bool dump_load(struct call *call, const struct rdb_value *value, const char *event, bool *stored_out)
{
    *stored_out = true;
    switch (value->kind) {
    case RDB_KIND_STRING: return load_string(call, value, event);
    case RDB_KIND_LIST: return load_list(call, value, event);
    case RDB_KIND_SET: return load_set(call, value, event);
    case RDB_KIND_ZSET: return load_zset(call, value, event);
    case RDB_KIND_HASH: return load_hash(call, value, event, stored_out);
    case RDB_KIND_STREAM: return finish(call, dump_load_stream(call, value), event);
    }
    return false;
}
