/* hashtable_check.c: validates tables without trusting a byte, and names their blocks. */
#include "ds/entry_edit.h"
#include "ds/hashtable_segment.h"

#include <stdarg.h>
#include <stdio.h>

#define CHAIN_MAX (UINT64_C(1) << 32) / 8 /* links: as many as entries could need */

struct check {
    const struct hashtable *table; /* NULL hash: entries' places are not checked (reclaim lists) */
    uint64_t entries;
    uint64_t volatiles;
    uint64_t segments;
    char *detail;
    size_t detail_cap;
};

__attribute__((format(printf, 2, 3))) static bool fault(struct check *check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(check->detail, check->detail_cap, format, args);
    va_end(args);
    return false;
}

/* S1 .. S3 for the slot `index` of `segment`, whose table segment is `ref`. */
static bool slot_is_valid(struct check *check, const struct hashtable_segment_layout *segment,
                          struct segment_ref ref, unsigned index, int64_t earliest_ms)
{
    const struct hashtable *table = check->table;
    uint64_t slot = segment->buckets[0].slots[index];
    uint64_t off = hashtable_slot_off(slot);
    if (off == 0)
        return (slot & ~HASHTABLE_SLOT_OVERFLOWED) == 0 || fault(check, "an empty slot has bits set");
    if (!entry_is_valid(table->heap, off)) return fault(check, "entry at %#llx", (unsigned long long)off);
    const struct entry *entry = heap_ptr(table->heap, off);
    if (!entry_value_is_valid(table->heap, entry, check->detail, check->detail_cap)) return false;
    int64_t due_ms = entry_due_ms(table->heap, entry);
    bool is_volatile = (slot & HASHTABLE_SLOT_VOLATILE) != 0;
    check->entries++;
    check->volatiles += is_volatile;
    if (is_volatile != (due_ms >= 0) || (is_volatile && due_ms < earliest_ms))
        return fault(check, "expiry of the entry at %#llx", (unsigned long long)off);
    if (table->hash == NULL) return true;

    uint64_t hash = table->hash(entry_key(entry), table->seed);
    const struct hashtable_segment_layout *own = segment_at(table->base, ref.off);
    unsigned home = home_bucket(hash, ref.depth, ref.level), buckets = hashtable__buckets[ref.level];
    bool ok = ref.depth == 0 || hash >> (64 - ref.depth) == own->prefix;
    ok = ok && slot >> HASHTABLE_SLOT_FINGERPRINT_SHIFT == fingerprint(hash);
    bool displaced = (slot & HASHTABLE_SLOT_DISPLACED) != 0;
    unsigned bucket = index / HASHTABLE_BUCKET_SLOTS;
    if (segment == own && bucket < buckets) ok = ok && bucket == (displaced ? (home + 1) % buckets : home);
    else ok = ok && !displaced && (own->buckets[home].slots[0] & HASHTABLE_SLOT_OVERFLOWED);
    return ok || fault(check, "entry at %#llx stands in the wrong place", (unsigned long long)off);
}

static bool segment_is_valid(struct check *check, struct segment_ref ref, uint64_t prefix)
{
    const struct hashtable *table = check->table;
    const struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    if (ref.off == 0 || ref.off % 8 != 0 || ref.level > SEGMENT_LEVEL_MAX ||
        !heap_holds(table->heap, ref.off, segment_bytes(ref.level)))
        return fault(check, "segment at %#llx", (unsigned long long)ref.off);
    if (segment->level != ref.level || segment->local_depth != ref.depth || segment->prefix != prefix)
        return fault(check, "segment at %#llx is not what its directory says", (unsigned long long)ref.off);
    int64_t earliest_ms = segment->earliest_ms;
    unsigned first = (unsigned)segment->node.progress; /* 0 but on reclaim lists */
    if (segment->node.progress > segment_slots(ref.level) || (table->hash != NULL && first != 0))
        return fault(check, "progress of the segment at %#llx", (unsigned long long)ref.off);
    unsigned level = ref.level;
    check->segments++;
    for (uint64_t links = 0;; links++) {
        for (unsigned i = first; i < segment_slots(level); i++)
            if (!slot_is_valid(check, segment, ref, i, earliest_ms)) return false;
        uint64_t chain = segment->chain;
        if (chain == 0) return true;
        first = 0;
        level = HASHTABLE_LEVEL_OVERFLOW;
        if (chain % 8 != 0 || !heap_holds(table->heap, chain, segment_bytes(level)) || links > CHAIN_MAX ||
            segment_at(table->base, chain)->level != level)
            return fault(check, "overflow segment at %#llx", (unsigned long long)chain);
        segment = segment_at(table->base, chain);
    }
}

/* The segments of a directory from word `first` on. */
static bool directory_is_valid(struct check *check, uint64_t top)
{
    const struct hashtable *table = check->table;
    uint64_t off = heap_off_get((struct heap_off){top});
    unsigned depth = directory_depth(top);
    if (depth == 0 || depth > HASHTABLE_DEPTH_MAX || off % 8 != 0 ||
        !heap_holds(table->heap, off,
                    sizeof(struct hashtable_directory_layout) + (sizeof(uint64_t) << depth)))
        return fault(check, "directory at %#llx", (unsigned long long)off);
    const struct hashtable_directory_layout *directory = directory_at(table->base, top);
    uint64_t i = directory->node.progress;
    if (table->hash != NULL && i != 0)
        return fault(check, "progress of the directory at %#llx", (unsigned long long)off);
    while (i < UINT64_C(1) << depth) {
        struct segment_ref ref = segment_ref_of(directory->words[i]);
        if (ref.depth == 0 || ref.depth > depth)
            return fault(check, "depth in the directory at %#llx", (unsigned long long)off);
        uint64_t words = UINT64_C(1) << (depth - ref.depth);
        if (i % words != 0 || !segment_is_valid(check, ref, i / words)) /* S4 */
            return check->detail[0] == '\0' ? fault(check, "directory at %#llx", (unsigned long long)off)
                                            : false;
        for (uint64_t k = 1; k < words; k++)
            if (directory->words[i + k] != directory->words[i])
                return fault(check, "words of the directory at %#llx differ", (unsigned long long)off);
        i += words;
    }
    return i == UINT64_C(1) << depth ||
           fault(check, "progress of the directory at %#llx", (unsigned long long)off);
}

static bool top_is_valid(struct check *check, uint64_t top)
{
    if (word_is_directory(top)) return directory_is_valid(check, top);
    struct segment_ref ref = segment_ref_of(top);
    if (ref.depth != 0) return fault(check, "a lone segment has a prefix");
    return segment_is_valid(check, ref, 0);
}

bool hashtable_is_valid(const struct hashtable *table, char *detail, size_t detail_cap)
{
    struct check check = {.table = table, .detail = detail, .detail_cap = detail_cap};
    detail[0] = '\0';
    if (table->root->directory != 0 && !top_is_valid(&check, table->root->directory)) return false;
    if (check.entries != hashtable_count(table->root) ||
        check.volatiles != hashtable_volatile_count(table->root) || check.segments != table->root->segments)
        return fault(&check, "counts of a table: %llu entries, %llu volatile, %llu segments found",
                     (unsigned long long)check.entries, (unsigned long long)check.volatiles,
                     (unsigned long long)check.segments);
    return true;
}

bool hashtable_unowned_is_valid(const struct heap *heap, uint64_t top, char *detail, size_t detail_cap)
{
    struct hashtable table = {.heap = (struct heap *)(uintptr_t)heap, .base = heap_base(heap)};
    struct check check = {.table = &table, .detail = detail, .detail_cap = detail_cap};
    detail[0] = '\0';
    return top_is_valid(&check, top);
}

static void walk_segment(const struct heap *heap, uint64_t off, collection_own *own, void *ctx)
{
    const char *base = heap_base(heap);
    struct hashtable_segment_layout *segment = segment_at(base, off);
    struct hashtable_slots slots = {segment, (unsigned)segment->node.progress};
    for (uint64_t *slot; (slot = hashtable_slots_next(base, &slots)) != NULL;)
        entry_walk(heap, heap_ptr(heap, hashtable_slot_off(*slot)), own, ctx);
    for (uint64_t link = segment->chain; link != 0; link = segment_at(base, link)->chain)
        own(ctx, link);
    own(ctx, off);
}

void hashtable_unowned_walk(const struct heap *heap, uint64_t top, collection_own *own, void *ctx)
{
    uint64_t off = heap_off_get((struct heap_off){top});
    if (!word_is_directory(top)) {
        walk_segment(heap, off, own, ctx);
        return;
    }
    const struct hashtable_directory_layout *directory = directory_at(heap_base(heap), top);
    unsigned depth = directory_depth(top);
    for (uint64_t i = directory->node.progress; i < UINT64_C(1) << depth;) {
        struct segment_ref ref = segment_ref_of(directory->words[i]);
        walk_segment(heap, ref.off, own, ctx);
        i += UINT64_C(1) << (depth - ref.depth);
    }
    own(ctx, off);
}

void hashtable_walk(const struct hashtable *table, collection_own *own, void *ctx)
{
    if (table->root->directory != 0) hashtable_unowned_walk(table->heap, table->root->directory, own, ctx);
}

void hashtable_memory(const struct hashtable *table, uint64_t *bytes_out, uint64_t *slots_out)
{
    *bytes_out = *slots_out = 0;
    uint64_t top = table->root->directory, position = 0;
    if (top == 0) return;
    if (word_is_directory(top))
        *bytes_out += heap_usable_size(table->heap, heap_off_get((struct heap_off){top}));
    do {
        const struct hashtable_segment_layout *segment = hashtable_segment_at(table, &position);
        for (;;) {
            *bytes_out += segment_bytes(segment->level);
            *slots_out += segment_slots(segment->level);
            if (segment->chain == 0) break;
            segment = segment_at(table->base, segment->chain);
        }
    } while (position != 0);
}
