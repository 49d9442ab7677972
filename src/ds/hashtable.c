/* hashtable.c: finding, adding, changing and removing entries.
 *
 * Crash table (all stores are logged words of the owner's transaction, so what stands at a crash is undone):
 *   insert   [displaced entry copied to its other bucket] [slot] [home's overflowed bit] [earliest] counts
 *   update   [slot] [counts] [earliest]
 *   remove   slot, counts
 * Within a line an entry is copied before its old slot is overwritten: readers of hints never miss a bucket.
 */
#include "ds/hashtable.h"
#include "ds/entry_layout.h"
#include "ds/hashtable_segment.h"
#include "util/assert.h"
#include "util/hash.h"

#include <string.h>

#define COUNT_VOLATILE (UINT64_C(1) << 32)

static inline uint64_t load64(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Names are short: comparing words in place beats a call. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
    if (len < sizeof(uint64_t)) {
        for (size_t i = 0; i < len; i++)
            if (a[i] != b[i]) return false;
        return true;
    }
    if (len > 64) return memcmp(a, b, len) == 0;
    for (size_t i = 0; i + sizeof(uint64_t) < len; i += sizeof(uint64_t))
        if (load64(a + i) != load64(b + i)) return false;
    return load64(a + len - sizeof(uint64_t)) == load64(b + len - sizeof(uint64_t));
}

static inline uint64_t *find_in_bucket(const char *base, struct hashtable_bucket_layout *bucket,
                                       uint64_t mark, struct slice name)
{
    for (unsigned i = 0; i < HASHTABLE_BUCKET_SLOTS; i++) {
        uint64_t slot = bucket->slots[i];
        if (slot >> HASHTABLE_SLOT_FINGERPRINT_SHIFT != mark) continue;
        struct slice key = entry_key_inline((const void *)(base + hashtable_slot_off(slot)));
        if (key.len == name.len && same_bytes(key.ptr, name.ptr, key.len)) return &bucket->slots[i];
    }
    return NULL;
}

/* Stash and chain: for the few buckets that overflowed. */
static uint64_t *find_overflowed(const char *base, struct hashtable_segment_layout *segment, unsigned level,
                                 uint64_t mark, struct slice name)
{
    for (;;) {
        struct hashtable_bucket_layout *stash = segment->buckets + hashtable__buckets[level];
        for (unsigned i = 0; i < hashtable__stash[level]; i++) {
            uint64_t *slot = find_in_bucket(base, stash + i, mark, name);
            if (slot != NULL) return slot;
        }
        if (segment->chain == 0) return NULL;
        segment = segment_at(base, segment->chain);
        level = HASHTABLE_LEVEL_OVERFLOW;
    }
}

struct entry *hashtable_find(const struct hashtable *table, uint64_t hash, struct slice name,
                             struct hashtable_place *place_out)
{
    if (table->root->directory == 0) return NULL;
    const char *base = table->base;
    struct segment_ref ref = segment_ref_of(hashtable__word(table, hash));
    struct hashtable_segment_layout *segment = segment_at(base, ref.off);
    uint64_t mark = fingerprint(hash);
    unsigned home = home_bucket(hash, ref.depth, ref.level);
    unsigned neighbour = home + 1 == hashtable__buckets[ref.level] ? 0 : home + 1;

    uint64_t *slot = find_in_bucket(base, &segment->buckets[home], mark, name);
    if (slot == NULL) slot = find_in_bucket(base, &segment->buckets[neighbour], mark, name);
    if (slot == NULL && segment->buckets[home].slots[0] & HASHTABLE_SLOT_OVERFLOWED)
        slot = find_overflowed(base, segment, ref.level, mark, name);
    if (slot == NULL) return NULL;
    *place_out = (struct hashtable_place){slot, segment};
    return (void *)(table->base + hashtable_slot_off(*slot));
}

struct hashtable hashtable_at(const struct heap *heap, struct hashtable_layout *root)
{
    struct hashtable table = {(struct heap *)(uintptr_t)heap, heap_base(heap), root, hash_bytes, 0};
    memcpy(&table.seed, heap_seed(heap), sizeof(table.seed));
    return table;
}

uint64_t *hashtable__empty_slot(struct hashtable_bucket_layout *bucket, unsigned buckets)
{
    for (unsigned i = 0; i < buckets * HASHTABLE_BUCKET_SLOTS; i++)
        if (hashtable_slot_off(bucket->slots[i]) == 0) return &bucket->slots[i];
    return NULL;
}

static void plan_store(struct segment_plan *plan, uint64_t *slot, uint64_t value)
{
    plan->slot[plan->count] = slot;
    plan->value[plan->count++] = value | (*slot & HASHTABLE_SLOT_OVERFLOWED);
}

/* Moves one entry of bucket `from`, whose displaced bit is `displaced`, to the empty slot `to`, where the bit
 * is the other one, and gives its slot to `value`. */
static bool plan_displace(struct segment_plan *plan, struct hashtable_bucket_layout *from, uint64_t displaced,
                          uint64_t *to, uint64_t value)
{
    if (to == NULL) return false;
    for (unsigned i = 0; i < HASHTABLE_BUCKET_SLOTS; i++) {
        uint64_t moved = from->slots[i];
        if ((moved & HASHTABLE_SLOT_DISPLACED) != displaced) continue;
        plan_store(plan, to, slot_bare(moved) | (displaced ^ HASHTABLE_SLOT_DISPLACED));
        plan_store(plan, &from->slots[i], value);
        return true;
    }
    return false;
}

bool hashtable__plan(struct hashtable_segment_layout *segment, unsigned home, unsigned level, uint64_t slot,
                     struct segment_plan *plan_out)
{
    unsigned buckets = hashtable__buckets[level];
    unsigned next = home + 1 == buckets ? 0 : home + 1;
    unsigned after = next + 1 == buckets ? 0 : next + 1;
    unsigned before = home == 0 ? buckets - 1 : home - 1;
    struct hashtable_bucket_layout *bucket = segment->buckets;
    plan_out->count = 0;

    uint64_t *empty = hashtable__empty_slot(&bucket[home], 1);
    if (empty != NULL) {
        plan_store(plan_out, empty, slot);
        return true;
    }
    empty = hashtable__empty_slot(&bucket[next], 1);
    if (empty != NULL) {
        plan_store(plan_out, empty, slot | HASHTABLE_SLOT_DISPLACED);
        return true;
    }
    if (plan_displace(plan_out, &bucket[next], 0, hashtable__empty_slot(&bucket[after], 1),
                      slot | HASHTABLE_SLOT_DISPLACED))
        return true;
    if (plan_displace(plan_out, &bucket[home], HASHTABLE_SLOT_DISPLACED,
                      hashtable__empty_slot(&bucket[before], 1), slot))
        return true;
    empty = hashtable__empty_slot(&bucket[buckets], hashtable__stash[level]);
    if (empty == NULL) return false;
    plan_store(plan_out, empty, slot);
    plan_store(plan_out, &bucket[home].slots[0], bucket[home].slots[0] | HASHTABLE_SLOT_OVERFLOWED);
    return true;
}

static enum error apply_plan(struct tx *tx, const struct segment_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        if (*plan->slot[i] == plan->value[i]) continue;
        enum error error = tx_store64(tx, plan->slot[i], plan->value[i]);
        if (error != ERROR_OK) return error;
    }
    return ERROR_OK;
}

/* An empty slot in the segment's chain, or NULL. */
static uint64_t *chain_room(const struct hashtable *table, const struct hashtable_segment_layout *segment)
{
    unsigned stash = hashtable__stash[HASHTABLE_LEVEL_OVERFLOW];
    uint64_t *empty = NULL;
    for (uint64_t off = segment->chain; off != 0 && empty == NULL; off = segment_at(table->base, off)->chain)
        empty = hashtable__empty_slot(segment_at(table->base, off)->buckets, stash);
    return empty;
}

/* Into the chain, at `empty` or in a new link: for entries whose hashes share more than the depth can tell apart. */
static enum error chain_insert(struct tx *tx, const struct hashtable *table,
                               struct hashtable_segment_layout *segment, unsigned home, uint64_t *empty,
                               uint64_t slot)
{
    enum error error;
    if (empty != NULL) {
        error = tx_store64(tx, empty, slot);
    } else {
        uint64_t off;
        error = heap_alloc(tx, segment_bytes(HASHTABLE_LEVEL_OVERFLOW), &off);
        if (error != ERROR_OK) return error;
        struct hashtable_segment_layout *link = segment_at(table->base, off);
        tx_fill(tx, link, 0, segment_bytes(HASHTABLE_LEVEL_OVERFLOW));
        struct hashtable_segment_layout head = {.chain = segment->chain,
                                                .earliest_ms = INT64_MAX,
                                                .prefix = segment->prefix,
                                                .local_depth = segment->local_depth,
                                                .level = HASHTABLE_LEVEL_OVERFLOW};
        tx_write(tx, link, &head, sizeof(head));
        tx_write64(tx, &link->buckets[0].slots[0], slot);
        error = tx_store64(tx, &segment->chain, off);
    }
    uint64_t *first = &segment->buckets[home].slots[0];
    if (error == ERROR_OK && !(*first & HASHTABLE_SLOT_OVERFLOWED))
        error = tx_store64(tx, first, *first | HASHTABLE_SLOT_OVERFLOWED);
    return error;
}

static enum error note_earliest(struct tx *tx, struct hashtable_segment_layout *segment, int64_t expire_at_ms)
{
    if (expire_at_ms < 0 || segment->earliest_ms <= expire_at_ms) return ERROR_OK;
    return tx_store64(tx, (uint64_t *)(void *)&segment->earliest_ms, (uint64_t)expire_at_ms);
}

static enum error insert_slot(struct tx *tx, const struct hashtable *table, uint64_t hash, uint64_t slot,
                              int64_t expire_at_ms)
{
    bool grown;
    if (table->root->directory == 0) return hashtable__grow(tx, table, hash, slot, expire_at_ms, &grown);
    struct segment_ref ref = segment_ref_of(hashtable__word(table, hash));
    struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    unsigned home = home_bucket(hash, ref.depth, ref.level);
    struct segment_plan plan;
    enum error error;
    if (hashtable__plan(segment, home, ref.level, slot, &plan)) {
        error = apply_plan(tx, &plan);
    } else {
        uint64_t *empty = chain_room(table, segment);
        grown = false;
        error = empty == NULL ? hashtable__grow(tx, table, hash, slot, expire_at_ms, &grown) : ERROR_OK;
        if (error != ERROR_OK || grown) return error;
        error = chain_insert(tx, table, segment, home, empty, slot);
    }
    return error == ERROR_OK ? note_earliest(tx, segment, expire_at_ms) : error;
}

enum error hashtable_insert(struct tx *tx, const struct hashtable *table, uint64_t hash, uint64_t entry_off,
                            int64_t expire_at_ms)
{
    bool is_volatile = expire_at_ms >= 0;
    ASSERT((entry_off & ~HASHTABLE_SLOT_OFF_MASK) == 0);
    if (hashtable_count(table->root) == UINT32_MAX) return ERROR_TOO_LARGE;
    enum error error = insert_slot(tx, table, hash, slot_make(hash, entry_off, is_volatile), expire_at_ms);
    if (error != ERROR_OK) return error;
    return tx_store64(tx, &table->root->counts, table->root->counts + 1 + (is_volatile ? COUNT_VOLATILE : 0));
}

enum error hashtable_update(struct tx *tx, const struct hashtable *table, const struct hashtable_place *place,
                            uint64_t entry_off, int64_t expire_at_ms)
{
    uint64_t old = *place->slot;
    bool was_volatile = (old & HASHTABLE_SLOT_VOLATILE) != 0, is_volatile = expire_at_ms >= 0;
    uint64_t slot = (old & ~(HASHTABLE_SLOT_OFF_MASK | HASHTABLE_SLOT_VOLATILE)) | entry_off |
                    (is_volatile ? HASHTABLE_SLOT_VOLATILE : 0);
    enum error error = ERROR_OK;
    if (slot != old) error = tx_store64(tx, place->slot, slot);
    if (error == ERROR_OK && was_volatile != is_volatile) {
        uint64_t counts = table->root->counts;
        error = tx_store64(tx, &table->root->counts,
                           is_volatile ? counts + COUNT_VOLATILE : counts - COUNT_VOLATILE);
    }
    return error == ERROR_OK ? note_earliest(tx, place->segment, expire_at_ms) : error;
}

enum error hashtable_remove(struct tx *tx, const struct hashtable *table, const struct hashtable_place *place)
{
    uint64_t old = *place->slot;
    enum error error = tx_store64(tx, place->slot, old & HASHTABLE_SLOT_OVERFLOWED);
    if (error != ERROR_OK) return error;
    uint64_t gone = 1 + (old & HASHTABLE_SLOT_VOLATILE ? COUNT_VOLATILE : 0);
    return tx_store64(tx, &table->root->counts, table->root->counts - gone);
}
