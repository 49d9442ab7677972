/* watch.h: which connections watch which keys (WATCH), and which of them saw one change.
 *
 * Terms: a *watcher* is one connection's set of watched keys; it is *dirty* once one of them changed. A key is *stale* while
 * its time has come and it has not been removed yet: for a client it is not there.
 *
 * Invariants:
 * W1. A key is added, looked at and touched by a thread that holds the key's stripe, or is alone in the server: whether
 *     anybody watches is then one relaxed load. Removing takes the table's own lock alone.
 * W2. Lock order: a stripe of the keyspace, then the table's lock of that stripe, which is a leaf.
 * W3. A watcher is on the table's lists as long as it exists; only its own connection's thread adds to it or ends it.
 */
#ifndef CAIRN_COMMAND_WATCH_H
#define CAIRN_COMMAND_WATCH_H

#include "db/keyspace.h"
#include "util/spinlock.h"

#include <stdatomic.h>

struct watched_key;
struct watcher;

struct watch_stripe {
    struct spinlock lock;
    _Atomic uint32_t key_count;
    uint32_t bucket_count; /* a power of two, or 0 */
    struct watched_key **buckets;
};

struct watch_table {
    _Atomic uint64_t keys; /* of all stripes: one hot word while nobody watches */
    _Atomic uint64_t watchers;
    struct watch_stripe stripes[KEYSPACE_STRIPES];
};

/* A table is zeroed memory. No watcher is left. */
void watch_table_close(struct watch_table *table);

/* ---- one connection ---- */

/* Watches `key` of database `db`, once however often it is asked for; *watcher is created when it is NULL. `stale`: the
 * key is (W1). */
MUST_CHECK enum error watch_add(struct watcher **watcher, struct watch_table *table, unsigned db,
                                const struct key *key, bool stale);
/* Forgets all keys, and frees the watcher; NULL is fine. Any lock may be held but the table's. */
void watch_end(struct watcher **watcher);
/* NULL: no keys. */
size_t watch_key_count(const struct watcher *watcher);
size_t watch_bytes(const struct watcher *watcher); /* of memory */
uint64_t watch_stripes(const struct watcher *watcher);
/* True once a watched key was touched. */
bool watch_is_dirty(const struct watcher *watcher);
/* True when a key that was there has become stale since (W1, for all of watch_stripes). */
bool watch_is_stale(const struct watcher *watcher, const struct keyspace *keyspace, int64_t now_ms);
/* What was touched was taken back, and nobody else could touch anything meanwhile. */
void watch_forgive(struct watcher *watcher);

/* ---- changes ---- */

static inline bool watch_has_keys(const struct watch_table *table, unsigned stripe)
{
    return atomic_load_explicit(&table->keys, memory_order_relaxed) != 0 &&
           atomic_load_explicit(&table->stripes[stripe].key_count, memory_order_relaxed) != 0;
}

/* `key` changed; `expired`: it was stale and is removed, no change to who began to watch it then (W1). */
void watch_touch(struct watch_table *table, unsigned db, const struct key *key, bool expired);
/* The same, by name. */
void watch_touch_name(struct watch_table *table, const struct keyspace *keyspace, unsigned db,
                      struct slice name, bool expired);
/* Database `db` is about to be emptied. The caller is alone. */
void watch_flush(struct watch_table *table, const struct keyspace *keyspace, unsigned db);
/* Databases `a` and `b` are about to be exchanged. The caller is alone. */
void watch_swap(struct watch_table *table, const struct keyspace *keyspace, unsigned a, unsigned b,
                int64_t now_ms);

#endif
