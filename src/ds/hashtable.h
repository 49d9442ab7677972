/* hashtable.h: a persistent extendible hash table of entries, keyed by their names.
 *
 * The caller hashes and locks; the table neither frees nor allocates entries. Structural changes (growth,
 * split, merge, directory) run in the caller's transaction: a table has one owner, whose lock is held until
 * commit, so nobody can build on a structure that an abort takes back (H9 asks for transactions of their own
 * only where others could). Each insertion causes at most one rebuild of one segment (~1,000 slots, and those of
 * its chain, if any) and of the directory. Entries may come in the order of their hashes, as another table of the
 * heap gives them: they cost what others do.
 */
#ifndef CAIRN_DS_HASHTABLE_H
#define CAIRN_DS_HASHTABLE_H

#include "ds/entry.h"
#include "ds/hashtable_layout.h"
#include "util/error.h"

typedef uint64_t hashtable_hash(struct slice name, uint64_t seed);

/* A handle, by value; nothing of it persists. */
struct hashtable {
    struct heap *heap;
    char *base; /* heap_base */
    struct hashtable_layout *root;
    hashtable_hash *hash;
    uint64_t seed;
};

/* The handle of a table that hashes with the heap's seed, as all do. */
struct hashtable hashtable_at(const struct heap *heap, struct hashtable_layout *root);

/* Where an entry stands; good until the table is written. */
struct hashtable_place {
    uint64_t *slot;
    struct hashtable_segment_layout *segment;
};

static inline uint64_t hashtable_count(const struct hashtable_layout *root)
{
    return __atomic_load_n(&root->counts, __ATOMIC_RELAXED) & UINT32_MAX;
}

static inline uint64_t hashtable_volatile_count(const struct hashtable_layout *root)
{
    return __atomic_load_n(&root->counts, __ATOMIC_RELAXED) >> 32;
}

/* NULL when absent; place_out is set when found. */
struct entry *hashtable_find(const struct hashtable *table, uint64_t hash, struct slice name,
                             struct hashtable_place *place_out);
/* Adds an entry whose name is absent. expire_at_ms: its expiry or -1. Errors leave partial changes: roll
 * back. */
MUST_CHECK enum error hashtable_insert(struct tx *tx, const struct hashtable *table, uint64_t hash,
                                       uint64_t entry_off, int64_t expire_at_ms);
/* The entry at `place` stands at entry_off now (the same or another block), with this expiry or -1. */
MUST_CHECK enum error hashtable_update(struct tx *tx, const struct hashtable *table,
                                       const struct hashtable_place *place, uint64_t entry_off,
                                       int64_t expire_at_ms);
/* Empties the slot. Allocates nothing. */
MUST_CHECK enum error hashtable_remove(struct tx *tx, const struct hashtable *table,
                                       const struct hashtable_place *place);
/* After removals around `hash`: merges or shrinks the segment when it or the table is sparse. Optional: what fails
 * is rolled back and forgotten. */
void hashtable_shrink(struct tx *tx, const struct hashtable *table, uint64_t hash);

/* ---- visiting, in hash order ---- */

/* Returning false ends the visit. */
typedef bool hashtable_visit(void *arg, struct entry *entry);
/* Visits the entries whose home is the bucket of hash *position, and moves *position to the next bucket's
 * first hash. False at the end of the table, or when the visit was ended (*position then stays). */
bool hashtable_scan(const struct hashtable *table, uint64_t *position, hashtable_visit *visit, void *arg);
/* The segment that holds hash *position; moves it to the next segment's first hash, or to 0 after the last
 * one. NULL for an empty table. */
struct hashtable_segment_layout *hashtable_segment_at(const struct hashtable *table, uint64_t *position);
/* Visits about `count` entries from `cursor` on (0: the beginning) and returns where to go on, 0 at the end. What is there from the
 * first call to the last is visited at least once, whatever grows, splits or merges meanwhile. For SSCAN and its like. */
uint64_t hashtable_scan_some(const struct hashtable *table, uint64_t cursor, uint64_t count, hashtable_visit *visit, void *arg);
/* An entry, each with the same chance (but those in overflow chains, which are all but never there); NULL when the table is empty. */
struct entry *hashtable_random(const struct hashtable *table, uint64_t random);

/* Occupied slots of a segment and its chain, in no order. Begin with {segment, 0}. */
struct hashtable_slots {
    struct hashtable_segment_layout *segment;
    unsigned index;
};
uint64_t *hashtable_slots_next(const char *base, struct hashtable_slots *slots);
static inline uint64_t hashtable_slot_off(uint64_t slot)
{
    return slot & HASHTABLE_SLOT_OFF_MASK;
}

/* ---- choosing what to drop ---- */

#define HASHTABLE_SAMPLE_SEGMENTS 64
/* Offsets of up to `max` entries in buckets from one on that *position names, as a hash does, round at the end; with
 * `volatile_only` of volatile ones. Looks at HASHTABLE_SAMPLE_SEGMENTS segments at most: may find fewer, or an
 * entry twice in a small table. Moves *position to the segment to go on with. */
unsigned hashtable_sample(const struct hashtable *table, uint64_t *position, bool volatile_only, unsigned max,
                          uint64_t *offs_out);
/* Whether an entry stands at entry_off, in a place for `hash`. Reads slots only: entry_off may be stale. */
bool hashtable_holds(const struct hashtable *table, uint64_t hash, uint64_t entry_off);

/* ---- hints: reads that race; nothing read is trusted, offsets from mapped_bytes on are ignored ---- */
void hashtable_prefetch_directory(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes);
void hashtable_prefetch_bucket(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes);
void hashtable_prefetch_entry(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes);
/* The elements' table of the large hash, set or sorted set that seems to be at `hash` (ds/members_layout.h); NULL: none. May be
 * anything that can be read. */
struct hashtable_layout *hashtable_hint_elements(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes);

/* ---- dropping whole tables (H7) ---- */

/* Hangs the table's blocks onto a reclaim list (ds/reclaim.h), and empties the root. Allocates nothing. */
MUST_CHECK enum error hashtable_detach(struct tx *tx, const struct hashtable *table, uint64_t *list);
#define HASHTABLE_RECLAIM_MIN (7 * HASHTABLE_BUCKET_SLOTS) /* a link of a chain goes in one piece */
/* Frees a part of the table that the word `top` names and whose owner is gone: about *budget blocks, taken off *budget, which
 * falls to 0 when it is too small to go on (less than HASHTABLE_RECLAIM_MIN). Roots of its entries go onto `list`; NULL: a
 * table of elements, which have none. freed: grows by the entries freed that left no root. *done_out: all is freed. */
MUST_CHECK enum error hashtable_reclaim(struct tx *tx, uint64_t top, uint64_t *list, unsigned *budget,
                                        uint64_t *freed, bool *done_out);

/* ---- checking ---- */
bool hashtable_is_valid(const struct hashtable *table, char *detail, size_t detail_cap);
void hashtable_walk(const struct hashtable *table, collection_own *own, void *ctx);
/* The same for a table on a reclaim list, or in a root on one. */
bool hashtable_unowned_is_valid(const struct heap *heap, uint64_t top, char *detail, size_t detail_cap);
void hashtable_unowned_walk(const struct heap *heap, uint64_t top, collection_own *own, void *ctx);
/* Bytes of directory and segments, and slots in them. */
void hashtable_memory(const struct hashtable *table, uint64_t *bytes_out, uint64_t *slots_out);

#endif
