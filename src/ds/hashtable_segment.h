/* hashtable_segment.h: segments and their buckets, for the files of the hash table only. */
#ifndef CAIRN_DS_HASHTABLE_SEGMENT_H
#define CAIRN_DS_HASHTABLE_SEGMENT_H

#include "ds/hashtable.h"

/* By level. Tiny tables double; from 64 buckets a segment grows by a third and a third again, then splits: a
 * block of the heap's classes is filled to the last line. The stash is what the block has left. */
static const uint8_t hashtable__buckets[HASHTABLE_LEVELS + 1] = {2, 4, 8, 16, 32, 64, 88, 120, 0};
static const uint8_t hashtable__stash[HASHTABLE_LEVELS + 1] = {1, 1, 1, 3, 3, 7, 7, 7, 7};
#define SEGMENT_LEVEL_MAX   (HASHTABLE_LEVELS - 1)
#define SEGMENT_BUCKETS_MAX 127 /* of the largest level, stash included */
#define SEGMENT_SLOTS_MAX   (SEGMENT_BUCKETS_MAX * HASHTABLE_BUCKET_SLOTS)
#define SEGMENT_BYTES_MAX   (sizeof(struct hashtable_segment_layout) + SEGMENT_BUCKETS_MAX * 64)

static inline unsigned segment_slots(unsigned level)
{
    return (unsigned)(hashtable__buckets[level] + hashtable__stash[level]) * HASHTABLE_BUCKET_SLOTS;
}

static inline size_t segment_bytes(unsigned level)
{
    return sizeof(struct hashtable_segment_layout) + segment_slots(level) * sizeof(uint64_t);
}

/* A word of root or directory, taken apart. */
struct segment_ref {
    uint64_t off;
    unsigned depth; /* local */
    unsigned level;
};

static inline struct segment_ref segment_ref_of(uint64_t word)
{
    unsigned tag = heap_off_tag((struct heap_off){word});
    return (struct segment_ref){heap_off_get((struct heap_off){word}), tag & HASHTABLE_TAG_DEPTH_MASK,
                                tag >> HASHTABLE_TAG_LEVEL_SHIFT & HASHTABLE_TAG_LEVEL_MASK};
}

static inline uint64_t segment_word(uint64_t off, unsigned depth, unsigned level)
{
    return heap_off_make(off, (uint16_t)(depth | level << HASHTABLE_TAG_LEVEL_SHIFT)).raw;
}

static inline bool word_is_directory(uint64_t word)
{
    return (word >> 63) != 0;
}

static inline unsigned directory_depth(uint64_t word)
{
    return (unsigned)(word >> HEAP_OFF_BITS) & HASHTABLE_TAG_DEPTH_MASK;
}

static inline struct hashtable_directory_layout *directory_at(const char *base, uint64_t word)
{
    return (void *)(uintptr_t)(base + heap_off_get((struct heap_off){word}));
}

static inline struct hashtable_segment_layout *segment_at(const char *base, uint64_t off)
{
    return (void *)(uintptr_t)(base + off);
}

/* The word of the segment that `hash` belongs to; the table must not be empty. */
static inline uint64_t hashtable__word(const struct hashtable *table, uint64_t hash)
{
    uint64_t word = table->root->directory;
    if (!word_is_directory(word)) return word;
    return directory_at(table->base, word)->words[hash >> (64 - directory_depth(word))];
}

/* The hash's bits below a prefix of `depth` bits, as a fraction of 2^32. */
static inline uint32_t hash_fraction(uint64_t hash, unsigned depth)
{
    return (uint32_t)((hash << depth) >> 32);
}

static inline unsigned home_bucket(uint64_t hash, unsigned depth, unsigned level)
{
    return (unsigned)((uint64_t)hash_fraction(hash, depth) * hashtable__buckets[level] >> 32);
}

/* S2: bits 6 .. 20; the lowest six are the stripe. */
static inline uint64_t fingerprint(uint64_t hash)
{
    uint64_t bits = hash >> 6 & 0x7fff;
    return bits + (bits == 0);
}

static inline uint64_t slot_make(uint64_t hash, uint64_t entry_off, bool is_volatile)
{
    return fingerprint(hash) << HASHTABLE_SLOT_FINGERPRINT_SHIFT |
           (is_volatile ? HASHTABLE_SLOT_VOLATILE : 0) | entry_off;
}

/* The slot without what depends on where it stands. */
static inline uint64_t slot_bare(uint64_t slot)
{
    return slot & ~UINT64_C(7);
}

/* The stores that put one entry in its place, in order. */
struct segment_plan {
    uint64_t *slot[2];
    uint64_t value[2];
    unsigned count;
};
/* Looks for room in home, neighbour, by displacing one entry, or in the stash; false when there is none. */
bool hashtable__plan(struct hashtable_segment_layout *segment, unsigned home, unsigned level, uint64_t slot,
                     struct segment_plan *plan_out);
/* An empty slot among the `buckets` from `bucket` on, or NULL. */
uint64_t *hashtable__empty_slot(struct hashtable_bucket_layout *bucket, unsigned buckets);

/* Makes room around `hash` by rebuilding its segment larger or as two, the new slot included. *grown_out
 * false: there is no way (too many equal prefixes), nothing was changed. */
MUST_CHECK enum error hashtable__grow(struct tx *tx, const struct hashtable *table, uint64_t hash,
                                      uint64_t slot, int64_t expire_at_ms, bool *grown_out);

#endif
