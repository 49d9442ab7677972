/* hashtable_sample.c: some entries near a place, for choosing which to drop, and whether one is still there. */
#include "ds/hashtable_segment.h"
#include "util/prefetch.h"

/* Takes up to `max` entries of a bucket, any of them with the same chance: its first slots hold what came first, and what
 * took the place of what was dropped. */
static unsigned take(const struct hashtable_bucket_layout *bucket, bool volatile_only, uint64_t random,
                     unsigned max, uint64_t *offs_out)
{
    uint64_t offs[HASHTABLE_BUCKET_SLOTS];
    unsigned count = 0;
    for (unsigned i = 0; i < HASHTABLE_BUCKET_SLOTS; i++) {
        uint64_t slot = bucket->slots[i];
        if (hashtable_slot_off(slot) != 0 && (!volatile_only || slot & HASHTABLE_SLOT_VOLATILE))
            offs[count++] = hashtable_slot_off(slot);
    }
    unsigned taken = count < max ? count : max;
    for (unsigned i = 0; i < taken; i++)
        offs_out[i] = offs[(random + i) % count];
    return taken;
}

/* The same from bucket `first` of the segment on, and from its chain. */
static unsigned take_from_segment(const struct hashtable *table,
                                  const struct hashtable_segment_layout *segment, unsigned first,
                                  bool volatile_only, uint64_t random, unsigned max, uint64_t *offs_out)
{
    unsigned count = 0;
    for (;;) {
        unsigned buckets = segment_slots(segment->level) / HASHTABLE_BUCKET_SLOTS;
        for (unsigned i = first; i < buckets && count < max; i++)
            count += take(&segment->buckets[i], volatile_only, random, max - count, offs_out + count);
        if (count == max || segment->chain == 0) return count;
        segment = segment_at(table->base, segment->chain);
        first = 0;
    }
}

unsigned hashtable_sample(const struct hashtable *table, uint64_t *position, bool volatile_only, unsigned max,
                          uint64_t *offs_out)
{
    uint64_t random = *position;
    unsigned count = 0;
    if (table->root->directory == 0) return 0;
    uint64_t visits = table->root->segments + 1; /* the first one's beginning comes last */
    if (visits > HASHTABLE_SAMPLE_SEGMENTS) visits = HASHTABLE_SAMPLE_SEGMENTS;
    for (; visits > 0 && count < max; visits--) {
        struct segment_ref ref = segment_ref_of(hashtable__word(table, *position));
        uint64_t buckets = segment_slots(ref.level) / HASHTABLE_BUCKET_SLOTS;
        unsigned first = (unsigned)(hash_fraction(*position, ref.depth) * buckets >> 32);
        const struct hashtable_segment_layout *segment = hashtable_segment_at(table, position);
        prefetch_read(&segment->buckets[first]); /* beside the miss on the header */
        if (volatile_only && segment->earliest_ms == INT64_MAX) continue;
        count +=
            take_from_segment(table, segment, first, volatile_only, random, max - count, offs_out + count);
    }
    return count;
}

static bool holds(const struct hashtable_bucket_layout *bucket, uint64_t entry_off)
{
    for (unsigned i = 0; i < HASHTABLE_BUCKET_SLOTS; i++)
        if (hashtable_slot_off(bucket->slots[i]) == entry_off) return true;
    return false;
}

bool hashtable_holds(const struct hashtable *table, uint64_t hash, uint64_t entry_off)
{
    if (table->root->directory == 0) return false;
    struct segment_ref ref = segment_ref_of(hashtable__word(table, hash));
    struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    unsigned home = home_bucket(hash, ref.depth, ref.level);
    unsigned neighbour = home + 1 == hashtable__buckets[ref.level] ? 0 : home + 1;
    if (holds(&segment->buckets[home], entry_off) || holds(&segment->buckets[neighbour], entry_off))
        return true;
    if (!(segment->buckets[home].slots[0] & HASHTABLE_SLOT_OVERFLOWED)) return false;
    struct hashtable_slots slots = {segment, hashtable__buckets[ref.level] * HASHTABLE_BUCKET_SLOTS};
    for (const uint64_t *slot; (slot = hashtable_slots_next(table->base, &slots)) != NULL;)
        if (hashtable_slot_off(*slot) == entry_off) return true;
    return false;
}
