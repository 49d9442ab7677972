/* hashtable_grow.c: how segments grow, split, merge and shrink, and the directory with them.
 *
 * A segment is rebuilt into new blocks: put together in process memory, written to the new block at once (a
 * new object: no undo), published by the words that name it, the old block freed at commit.
 *
 * Entries that come in the order of their hashes crowd a few buckets of a segment that is otherwise empty: it is split
 * until its parts hold them. Where the directory may not get deep enough for that yet, they go to a chain, which is taken
 * apart when there are more entries.
 *
 * Crash table (until commit a crash brings back the old words; new blocks vanish with their bits, H2):
 *   grow     new segment, words of its prefix, free of the old one
 *   split    [directory doubled, as often as needed], two or more new segments, words of their prefixes, number of
 *            segments, frees of the old one and of its chain
 *   shrink   new segment, words of its prefix, free of the old one
 *   merge    new segment, words of the parent prefix, number of segments, frees of both, [directory halved]
 *   double   new directory (a copy), root's word, free of the old directory
 */
#include "ds/entry_layout.h"
#include "ds/hashtable_segment.h"
#include "util/assert.h"
#include "util/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define PREFETCH_AHEAD 16  /* entries whose misses overlap while their names are hashed */
#define SPARSE_ENTRIES 128 /* mean entries per segment under which buddies merge */
#define MERGED_PERCENT 50  /* what a segment that was merged is filled to, at most */
#define HOLLOW_PERCENT 50  /* filled less, a large segment is built smaller ... */
#define FITTED_PERCENT 80  /* ... and then filled to this, at most */
#define HOLLOW_LEVEL   6   /* from here on segments are large */
#define HOLLOW_ODDS    32  /* one removal in so many counts what is left: that reads all of the segment */
#define CHAIN_LINKS    512 /* a longer chain is not taken apart: bounds what a command rebuilds */

/* Directory words at most, by segments or by entries: bounds what a run of equal prefixes costs. */
#define WORDS_PER_SEGMENT 64
#define WORDS_PER_ENTRY   8

struct item {
    uint64_t slot;
    uint64_t hash;
};

struct items {
    unsigned count;
    int64_t earliest_ms;
    struct item *item;
};

struct image {
    _Alignas(64) char bytes[SEGMENT_BYTES_MAX];
};

static const struct entry *item_entry(const struct hashtable *table, const struct item *item)
{
    return (const void *)(table->base + hashtable_slot_off(item->slot));
}

/* Adds what the segment holds, chain excluded; there must be room. */
static void collect(const struct hashtable *table, struct hashtable_segment_layout *segment,
                    struct items *items)
{
    unsigned first = items->count;
    for (unsigned i = 0; i < segment_slots(segment->level); i++) {
        uint64_t slot = segment->buckets[0].slots[i];
        if (hashtable_slot_off(slot) == 0) continue;
        struct item *item = &items->item[items->count++];
        item->slot = slot_bare(slot);
        if (items->count - first <= PREFETCH_AHEAD) prefetch_read(item_entry(table, item));
    }
    if (segment->earliest_ms < items->earliest_ms) items->earliest_ms = segment->earliest_ms;
    for (unsigned i = first; i < items->count; i++) {
        struct item *item = &items->item[i];
        if (i + PREFETCH_AHEAD < items->count) prefetch_read(item_entry(table, item + PREFETCH_AHEAD));
        item->hash = table->hash(entry_key_inline(item_entry(table, item)), table->seed);
    }
}

/* Puts together the segment of `prefix` from the items that belong to it; false when they don't fit at this
 * level. */
static bool build(struct image *image, unsigned level, unsigned depth, uint64_t prefix,
                  const struct items *items)
{
    struct hashtable_segment_layout *segment = (void *)image->bytes;
    memset(segment, 0, segment_bytes(level));
    segment->earliest_ms = items->earliest_ms;
    segment->prefix = prefix;
    segment->local_depth = depth;
    segment->level = level;
    for (unsigned i = 0; i < items->count; i++) {
        const struct item *item = &items->item[i];
        if (depth > 0 && item->hash >> (64 - depth) != prefix) continue;
        struct segment_plan plan;
        if (!hashtable__plan(segment, home_bucket(item->hash, depth, level), level, item->slot, &plan))
            return false;
        for (unsigned k = 0; k < plan.count; k++)
            *plan.slot[k] = plan.value[k];
    }
    return true;
}

/* The same at the lowest level from `level` on that holds them. */
static bool build_from(struct image *image, unsigned level, unsigned depth, uint64_t prefix,
                       const struct items *items)
{
    for (; level <= SEGMENT_LEVEL_MAX; level++)
        if (build(image, level, depth, prefix, items)) return true;
    return false;
}

/* The lowest level of which `count` entries fill at most `percent`. */
static unsigned level_for(unsigned count, unsigned percent)
{
    unsigned level = 0;
    while (level < SEGMENT_LEVEL_MAX && count * 100 > segment_slots(level) * percent)
        level++;
    return level;
}

/* Makes all words of the segment's prefix name it. */
static enum error publish(struct tx *tx, const struct hashtable *table, uint64_t prefix, unsigned depth,
                          uint64_t word)
{
    uint64_t top = table->root->directory;
    if (!word_is_directory(top)) return tx_store64(tx, &table->root->directory, word);
    unsigned spare = directory_depth(top) - depth;
    uint64_t *words = directory_at(table->base, top)->words + (prefix << spare);
    enum error error = tx_snapshot(tx, words, sizeof(*words) << spare);
    if (error != ERROR_OK) return error;
    for (uint64_t i = 0; i < UINT64_C(1) << spare; i++)
        tx_write64(tx, &words[i], word);
    return ERROR_OK;
}

static enum error store_image(struct tx *tx, const struct hashtable *table, const struct image *image)
{
    const struct hashtable_segment_layout *segment = (const void *)image->bytes;
    uint64_t off;
    enum error error = heap_alloc(tx, segment_bytes(segment->level), &off);
    if (error != ERROR_OK) return error;
    tx_write(tx, segment_at(table->base, off), segment, segment_bytes(segment->level));
    return publish(tx, table, segment->prefix, segment->local_depth,
                   segment_word(off, segment->local_depth, segment->level));
}

static enum error count_segments(struct tx *tx, const struct hashtable *table, int change)
{
    return tx_store64(tx, &table->root->segments, table->root->segments + (uint64_t)(int64_t)change);
}

/* A directory of 2^depth words, word i being word i * 2^old_depth / 2^depth of the old top. */
static enum error directory_resize(struct tx *tx, const struct hashtable *table, unsigned depth)
{
    uint64_t top = table->root->directory;
    unsigned old_depth = word_is_directory(top) ? directory_depth(top) : 0;
    const uint64_t *old_words = word_is_directory(top) ? directory_at(table->base, top)->words : &top;
    uint64_t word = old_words[0]; /* depth 0: the root names the only segment itself */
    if (depth > 0) {
        uint64_t off;
        enum error error =
            heap_alloc(tx, sizeof(struct hashtable_directory_layout) + (sizeof(uint64_t) << depth), &off);
        if (error != ERROR_OK) return error;
        word = heap_off_make(off, (uint16_t)(HASHTABLE_TAG_DIRECTORY | depth)).raw;
        struct hashtable_directory_layout *directory = directory_at(table->base, word);
        tx_fill(tx, directory, 0, sizeof(*directory));
        for (uint64_t i = 0; i < UINT64_C(1) << depth; i++)
            tx_write64(tx, &directory->words[i], old_words[depth > old_depth ? i >> 1 : i << 1]);
    }
    enum error error = tx_store64(tx, &table->root->directory, word);
    if (error == ERROR_OK && word_is_directory(top))
        error = heap_free(tx, heap_off_get((struct heap_off){top}));
    return error;
}

/* Whether a segment of this depth may split: the depth is bounded, and the directory by what the table holds. */
static bool may_split(const struct hashtable *table, unsigned depth)
{
    uint64_t top = table->root->directory;
    unsigned top_depth = word_is_directory(top) ? directory_depth(top) : 0;
    if (depth < top_depth) return true;
    if (depth == HASHTABLE_DEPTH_MAX) return false;
    uint64_t words = UINT64_C(2) << depth;
    return words <= WORDS_PER_SEGMENT * table->root->segments ||
           words <= WORDS_PER_ENTRY * hashtable_count(table->root);
}

/* Stores a part of what is split; the directory gets as deep as the part is. */
static enum error store_part(struct tx *tx, const struct hashtable *table, const struct image *image)
{
    const struct hashtable_segment_layout *part = (const void *)image->bytes;
    enum error error = ERROR_OK;
    for (;;) {
        uint64_t top = table->root->directory;
        unsigned depth = word_is_directory(top) ? directory_depth(top) : 0;
        if (error != ERROR_OK || depth >= part->local_depth) break;
        error = directory_resize(tx, table, depth + 1);
    }
    return error == ERROR_OK ? store_image(tx, table, image) : error;
}

/* Brings the items whose hash bit below the prefix is 0 to the front: how many they are. */
static unsigned partition(const struct items *items, unsigned depth)
{
    unsigned zeros = 0;
    for (unsigned i = 0; i < items->count; i++) {
        struct item item = items->item[i];
        if (item.hash << depth >> 63 != 0) continue;
        items->item[i] = items->item[zeros];
        items->item[zeros++] = item;
    }
    return zeros;
}

/* Splits the items of a prefix in two, and each half that no segment can hold again. parts_out: grows by the segments
 * stored. *fits_out false: there is no way, something may have been stored. */
static enum error split(struct tx *tx, const struct hashtable *table, const struct items *items,
                        unsigned depth, uint64_t prefix, int *parts_out, bool *fits_out)
{
    *fits_out = may_split(table, depth);
    if (!*fits_out) return ERROR_OK;
    unsigned zeros = partition(items, depth);
    const struct items halves[2] = {{zeros, items->earliest_ms, items->item},
                                    {items->count - zeros, items->earliest_ms, items->item + zeros}};
    unsigned larger =
        zeros * 2 < items->count; /* first: whether there is a way is known before much is stored */
    for (unsigned i = 0; i < 2; i++) {
        struct image image;
        unsigned bit = larger ^ i, count = halves[bit].count;
        unsigned level = level_for(count * 2 < items->count ? count : items->count / 2, 90);
        enum error error;
        if (build_from(&image, level, depth + 1, prefix << 1 | bit, &halves[bit])) {
            error = store_part(tx, table, &image);
            ++*parts_out;
        } else {
            error = split(tx, table, &halves[bit], depth + 1, prefix << 1 | bit, parts_out, fits_out);
        }
        if (error != ERROR_OK || !*fits_out) return error;
    }
    return ERROR_OK;
}

static enum error free_segment(struct tx *tx, const struct hashtable *table, uint64_t off)
{
    enum error error = ERROR_OK;
    for (uint64_t next; off != 0 && error == ERROR_OK; off = next) {
        next = segment_at(table->base, off)->chain;
        error = heap_free(tx, off);
    }
    return error;
}

/* Puts the items, which the segment of `ref` and its chain hold but the new one, into a larger segment or into several. */
static enum error rebuild_larger(struct tx *tx, const struct hashtable *table, struct segment_ref ref,
                                 const struct items *items, bool *grown_out)
{
    struct image image;
    uint64_t prefix = segment_at(table->base, ref.off)->prefix;
    enum error error;
    if (build_from(&image, ref.level + 1, ref.depth, prefix, items)) {
        error = store_image(tx, table, &image);
    } else {
        int parts = 0;
        struct tx_mark mark = tx_savepoint(tx);
        error = split(tx, table, items, ref.depth, prefix, &parts, grown_out);
        if (error == ERROR_OK && !*grown_out) {
            tx_rollback_to(tx, mark);
            return ERROR_OK;
        }
        if (error == ERROR_OK) error = count_segments(tx, table, parts - 1);
    }
    return error == ERROR_OK ? free_segment(tx, table, ref.off) : error;
}

/* The same with a chain. */
static enum error unchain(struct tx *tx, const struct hashtable *table, struct segment_ref ref,
                          struct item added, int64_t earliest_ms, bool *grown_out)
{
    unsigned links = 0;
    for (uint64_t off = segment_at(table->base, ref.off)->chain; off != 0 && links <= CHAIN_LINKS; links++)
        off = segment_at(table->base, off)->chain;
    *grown_out = links <= CHAIN_LINKS && may_split(table, ref.depth);
    if (!*grown_out) return ERROR_OK;
    size_t slots = segment_slots(ref.level) + (size_t)links * segment_slots(HASHTABLE_LEVEL_OVERFLOW);
    struct items items = {1, earliest_ms, malloc((slots + 1) * sizeof(struct item))};
    if (items.item == NULL) return ERROR_MEMORY;
    items.item[0] = added;
    for (uint64_t off = ref.off; off != 0; off = segment_at(table->base, off)->chain)
        collect(table, segment_at(table->base, off), &items);
    enum error error = rebuild_larger(tx, table, ref, &items, grown_out);
    free(items.item);
    return error;
}

enum error hashtable__grow(struct tx *tx, const struct hashtable *table, uint64_t hash, uint64_t slot,
                           int64_t expire_at_ms, bool *grown_out)
{
    struct item item[SEGMENT_SLOTS_MAX + 1];
    item[0] = (struct item){slot, hash};
    struct items items = {1, expire_at_ms >= 0 ? expire_at_ms : INT64_MAX, item};
    *grown_out = true;
    if (table->root->directory == 0) {
        struct image image;
        ASSERT(build(&image, 0, 0, 0, &items));
        enum error error = store_image(tx, table, &image);
        return error == ERROR_OK ? count_segments(tx, table, 1) : error;
    }
    struct segment_ref ref = segment_ref_of(hashtable__word(table, hash));
    struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    ASSERT(segment->level == ref.level);
    if (segment->chain != 0) return unchain(tx, table, ref, item[0], items.earliest_ms, grown_out);
    collect(table, segment, &items);
    return rebuild_larger(tx, table, ref, &items, grown_out);
}

/* Frees the links of the chain that are empty. */
static enum error trim_chain(struct tx *tx, const struct hashtable *table,
                             struct hashtable_segment_layout *segment)
{
    uint64_t *from = &segment->chain;
    while (*from != 0) {
        struct hashtable_segment_layout *link = segment_at(table->base, *from);
        struct hashtable_slots rest = {link, 0};
        uint64_t *used = hashtable_slots_next(table->base, &rest);
        if (used != NULL && rest.segment == link) {
            from = &link->chain;
            continue;
        }
        uint64_t off = *from;
        enum error error = tx_store64(tx, from, link->chain);
        if (error == ERROR_OK) error = heap_free(tx, off);
        if (error != ERROR_OK) return error;
    }
    return ERROR_OK;
}

static unsigned count_entries(struct hashtable_segment_layout *segment)
{
    unsigned count = 0;
    for (unsigned i = 0; i < segment_slots(segment->level); i++)
        count += hashtable_slot_off(segment->buckets[0].slots[i]) != 0;
    return count;
}

/* Replaces the segments (one, or both buddies) by one of the given depth and prefix, filled to `percent` at most. */
static enum error rebuild_smaller(struct tx *tx, const struct hashtable *table,
                                  struct hashtable_segment_layout *const *segments, unsigned count,
                                  unsigned depth, uint64_t prefix, unsigned percent)
{
    struct item item[SEGMENT_SLOTS_MAX + 1];
    struct items items = {0, INT64_MAX, item};
    struct image image;
    for (unsigned i = 0; i < count; i++)
        collect(table, segments[i], &items);
    if (!build_from(&image, level_for(items.count, percent), depth, prefix, &items)) return ERROR_OK;
    enum error error = store_image(tx, table, &image);
    if (error == ERROR_OK && count > 1) error = count_segments(tx, table, 1 - (int)count);
    for (unsigned i = 0; i < count && error == ERROR_OK; i++)
        error = heap_free(tx, (uint64_t)((char *)segments[i] - table->base));
    return error;
}

/* Halves the directory when no segment needs its last bit. */
static enum error directory_halve(struct tx *tx, const struct hashtable *table)
{
    uint64_t top = table->root->directory;
    unsigned depth = directory_depth(top);
    if (table->root->segments * 2 > UINT64_C(1) << depth) return ERROR_OK;
    const uint64_t *words = directory_at(table->base, top)->words;
    for (uint64_t i = 0; i < UINT64_C(1) << depth; i++)
        if (segment_ref_of(words[i]).depth == depth) return ERROR_OK;
    return directory_resize(tx, table, depth - 1);
}

static enum error merge(struct tx *tx, const struct hashtable *table, struct segment_ref ref,
                        struct hashtable_segment_layout *segment)
{
    uint64_t buddy_hash = (segment->prefix ^ 1) << (64 - ref.depth);
    struct segment_ref other = segment_ref_of(hashtable__word(table, buddy_hash));
    struct hashtable_segment_layout *pair[2] = {segment, segment_at(table->base, other.off)};
    if (other.depth != ref.depth || pair[0]->chain != 0 || pair[1]->chain != 0) return ERROR_OK;
    if (count_entries(pair[0]) + count_entries(pair[1]) > 3 * SPARSE_ENTRIES) return ERROR_OK;
    enum error error =
        rebuild_smaller(tx, table, pair, 2, ref.depth - 1, segment->prefix >> 1, MERGED_PERCENT);
    return error == ERROR_OK ? directory_halve(tx, table) : error;
}

/* Whether a segment that has lost an entry of `hash` is too large for the rest. */
static bool is_hollow(struct hashtable_segment_layout *segment, uint64_t hash)
{
    if (segment->level < HOLLOW_LEVEL || fingerprint(hash) % HOLLOW_ODDS != 0) return false;
    return count_entries(segment) * 100 < segment_slots(segment->level) * HOLLOW_PERCENT;
}

void hashtable_shrink(struct tx *tx, const struct hashtable *table, uint64_t hash)
{
    if (table->root->directory == 0) return;
    struct segment_ref ref = segment_ref_of(hashtable__word(table, hash));
    struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    uint64_t count = hashtable_count(table->root);
    bool sparse = ref.depth > 0 ? count < SPARSE_ENTRIES * table->root->segments
                                : ref.level > 0 && count * 4 < segment_slots(ref.level);
    bool hollow = !sparse && segment->chain == 0 && is_hollow(segment, hash);
    if (!sparse && !hollow && segment->chain == 0) return;

    struct tx_mark mark = tx_savepoint(tx);
    enum error error = ERROR_OK;
    if (segment->chain != 0) error = trim_chain(tx, table, segment);
    else if (hollow)
        error = rebuild_smaller(tx, table, &segment, 1, ref.depth, segment->prefix, FITTED_PERCENT);
    else if (ref.depth > 0) error = merge(tx, table, ref, segment);
    else error = rebuild_smaller(tx, table, &segment, 1, 0, 0, MERGED_PERCENT);
    if (error != ERROR_OK) tx_rollback_to(tx, mark);
}
