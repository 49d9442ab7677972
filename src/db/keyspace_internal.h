/* keyspace_internal.h: the open keyspace, for the files of db/ only. */
#ifndef CAIRN_DB_KEYSPACE_INTERNAL_H
#define CAIRN_DB_KEYSPACE_INTERNAL_H

#include "db/keyspace.h"
#include "db/keyspace_layout.h"
#include "ds/entry_edit.h"
#include "ds/hashtable.h"
#include "util/assert.h"
#include "util/hash.h"
#include "util/spinlock.h"

#define KEYSPACE_PAGE_BYTES 4096 /* files are mapped in pages of at least this */

/* What a stripe knows for this run only. Lower bounds of expiry times stay true when a transaction is
 * aborted. */
struct keyspace_stripe {
    struct spinlock lock;
    uint32_t expire_db;          /* where the pass over the stripe's segments stands */
    uint64_t expire_position;    /* hash in that database */
    _Atomic int64_t earliest_ms; /* nothing in the stripe expires before; read without the lock */
    int64_t pass_earliest_ms; /* the same for what the pass has seen, and for what was set since it began */
    _Atomic unsigned expire_steps;
} __attribute__((aligned(64)));

struct keyspace {
    struct heap *heap;
    char *base;
    struct keyspace_layout *layout;
    uint64_t seed;
    unsigned databases;            /* visible ones: <= layout->databases */
    int64_t *average_ttl_ms;       /* per database, sampled; racy by nature: relaxed loads and stores */
    _Atomic uint64_t mapped_bytes; /* every offset below may be read (hints) */
    _Atomic uint64_t expired;
    _Atomic uint64_t random;
    _Atomic uint32_t access;         /* of values put now; bit 31: overwritten ones, too */
    _Atomic unsigned reclaim_stripe; /* where the next reclaim step begins */
    _Atomic uint64_t reclaimed;      /* values */
    struct keyspace_stripe stripes[KEYSPACE_STRIPES];
};

static inline struct hashtable_layout *keyspace__root(const struct keyspace *keyspace, unsigned db,
                                                      unsigned stripe)
{
    uint64_t off = __atomic_load_n(&keyspace->layout->database[db], __ATOMIC_RELAXED);
    return &((struct keyspace_database_layout *)(void *)(keyspace->base + off))->stripe[stripe].table;
}

static inline struct hashtable keyspace__table(const struct keyspace *keyspace, unsigned db, unsigned stripe)
{
    ASSERT(db < keyspace->databases && stripe < KEYSPACE_STRIPES);
    return (struct hashtable){keyspace->heap, keyspace->base, keyspace__root(keyspace, db, stripe),
                              hash_bytes, keyspace->seed};
}

/* Every store of an expiry time is followed by this, under the stripe's lock. */
static inline void keyspace__note_expiry(struct keyspace *keyspace, unsigned stripe, int64_t expire_at_ms)
{
    if (expire_at_ms < 0) return;
    struct keyspace_stripe *own = &keyspace->stripes[stripe];
    if (expire_at_ms < own->pass_earliest_ms) own->pass_earliest_ms = expire_at_ms;
    if (expire_at_ms < atomic_load_explicit(&own->earliest_ms, memory_order_relaxed))
        atomic_store_explicit(&own->earliest_ms, expire_at_ms, memory_order_relaxed);
}

/* Frees the value of an entry of `stripe` (keyspace__drop_entry: and the entry), in O(1): a large collection goes onto the stripe's
 * reclaim list. */
MUST_CHECK enum error keyspace__drop_value(struct tx *tx, struct keyspace *keyspace, unsigned stripe,
                                           const struct entry *entry);
MUST_CHECK enum error keyspace__drop_entry(struct tx *tx, struct keyspace *keyspace, unsigned stripe,
                                           struct entry *entry);

/* Gives the key, whose entry stands at `place` (NULL: absent), the image: its type, encoding and value are set. */
MUST_CHECK enum error keyspace__put_at(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                                       const struct key *key, const struct entry *entry,
                                       const struct hashtable_place *place, struct entry_image *image,
                                       int64_t expire_at_ms);
/* Whether a value of this length stands in its entry. */
/* Takes out of the collection at `place`, whose key is `key`, what has expired inside it, or a part of that; the key goes
 * when nothing is left. */
MUST_CHECK enum error keyspace__expire_elements(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                                const struct hashtable *table, const struct key *key,
                                                const struct hashtable_place *place, int64_t now_ms,
                                                bool *emptied_out);
bool keyspace__embeds(const struct key *key, size_t value_len);

/* Forgets what the stripes believe about expiry: after databases were exchanged. Caller is alone. */
void keyspace__restart_expiry(struct keyspace *keyspace);
/* A block at `off` was allocated: hints may read its page. */
static inline void keyspace__note_mapped(struct keyspace *keyspace, uint64_t off)
{
    if (off < atomic_load_explicit(&keyspace->mapped_bytes, memory_order_relaxed)) return;
    uint64_t page_end = (off | (KEYSPACE_PAGE_BYTES - 1)) + 1;
    atomic_store_explicit(&keyspace->mapped_bytes, page_end, memory_order_relaxed);
}

#endif
