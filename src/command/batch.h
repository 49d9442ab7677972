/* batch.h: the requests of one stay in the gate, resolved: commands, keys, stripes. The dispatcher's own.
 *
 * Terms: an *item* is one request of the batch. Items keep indexes into `keys`, which may move while the
 * batch is filled.
 */
#ifndef CAIRN_COMMAND_BATCH_H
#define CAIRN_COMMAND_BATCH_H

#include "command/dispatch.h"
#include "command/table.h"
#include "db/keyspace.h"

struct batch_item {
    const struct command_entry *entry; /* what `found` says */
    enum command_found found;
    bool no_memory; /* for its keys */
    size_t first_key;
    size_t key_count;
    uint64_t stripes; /* of its keys */
    struct slice element; /* of the collection at its first key; ptr NULL: none */
};

struct batch {
    struct batch_item items[DISPATCH_BATCH_MAX];
    size_t count;
    struct keyspace_hint hints[DISPATCH_BATCH_MAX]; /* batch_prefetch's own */
    struct key *keys;
    size_t key_count;
    size_t key_cap;
    size_t prefetched; /* keys before this one are on their way */
};

struct batch *batch_new(void);
void batch_free(struct batch *batch);

/* Fills the batch from at most DISPATCH_BATCH_MAX requests. */
void batch_resolve(struct batch *batch, const struct command_table *table, const struct keyspace *keyspace,
                   const struct resp_request *requests, size_t count);
/* Brings the cache lines of the next keys on their way, the item's first among them, stage by stage, so that their misses
 * overlap; then those of elements of large collections. Nothing to do when the item's are on their way already. */
void batch_prefetch(struct batch *batch, const struct batch_item *item, struct keyspace *keyspace, unsigned db);

#endif
