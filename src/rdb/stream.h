/* stream.h: streams in payloads: entries in listpacks, consumer groups, what is pending.
 *
 *     (first ID, listpack) ... | length, last ID, [first ID, largest deleted ID, entries ever added] | groups
 *     group: name, last ID, [entries read] | pending: (ID, when, how often) ... | consumers
 *     consumer: name, seen, [active] | IDs
 *
 *     listpack: count, deleted, number of fields, field ..., 0 | entry ...
 *     entry: flags, ms, seq, [number of fields], [field], value, ..., how many items it has before this one
 */
#ifndef CAIRN_RDB_STREAM_H
#define CAIRN_RDB_STREAM_H

#include "rdb/value.h"

enum { RDB_ENTRY_DELETED = 1, RDB_ENTRY_SAME_FIELDS = 2 };

struct rdb_id {
    uint64_t ms;
    uint64_t seq;
};

struct rdb_entry {
    struct rdb_id id;
    size_t first_word; /* field, value, field, value ... */
    size_t pairs;
};

struct rdb_pending {
    struct rdb_id id;
    int64_t delivered_ms;
    int64_t deliveries;
    size_t consumer; /* index in the group's */
};

struct rdb_consumer {
    struct slice name;
    int64_t seen_ms;
    int64_t active_ms; /* -1: never */
};

struct rdb_group {
    struct slice name;
    struct rdb_id last;
    int64_t entries_read; /* -1: unknown */
    struct rdb_consumer *consumers;
    size_t consumer_count;
    struct rdb_pending *pending; /* IDs ascend */
    size_t pending_count;
};

struct rdb_stream {
    struct rdb_entry *entries; /* IDs ascend; deleted ones are left out */
    size_t entry_count;
    struct rdb_id last; /* not below that of any entry */
    struct rdb_id max_deleted;
    uint64_t entries_added;
    bool is_old; /* from before Redis 7.0: entries read by groups were not counted */
    struct rdb_group *groups;
    size_t group_count;
};

int rdb_id_compare(struct rdb_id a, struct rdb_id b);

/* Reads a stream of type RDB_STREAM, RDB_STREAM_2 or RDB_STREAM_3 into the value. */
void rdb_stream_read(struct rdb_in *in, unsigned type, struct rdb_value *value);
void rdb_stream_free(struct rdb_stream *stream);

#endif
