/* hashtable_visit.c: scans in hash order, random picks, and prefetch hints. */
#include "ds/entry_layout.h"
#include "ds/hashtable_segment.h"
#include "ds/members_layout.h"
#include "util/hash.h"
#include "util/prefetch.h"

#define RANDOM_TRIES      512 /* slots probed before the nearest entry in hash order is taken */
#define ENTRY_HINT_BYTES  32 /* of an entry: where the word of a root may stand */
#define BUCKETS_PER_ENTRY 10  /* visited at most for each entry asked for, however empty they are */

static_assert(32 - HASHTABLE_DEPTH_MAX >= HASHTABLE_CURSOR_DROPPED, "buckets begin at hashes that a cursor can hold");

uint64_t *hashtable_slots_next(const char *base, struct hashtable_slots *slots)
{
    while (slots->segment != NULL) {
        unsigned count = segment_slots(slots->segment->level);
        while (slots->index < count) {
            uint64_t *slot = &slots->segment->buckets[0].slots[slots->index++];
            if (hashtable_slot_off(*slot) != 0) return slot;
        }
        uint64_t chain = slots->segment->chain;
        slots->segment = chain == 0 ? NULL : segment_at(base, chain);
        slots->index = 0;
    }
    return NULL;
}

/* The first hash after the prefix of `depth` bits that `hash` has; 0 when it is the last. */
static uint64_t next_prefix(uint64_t hash, unsigned depth)
{
    return depth == 0 ? 0 : ((hash >> (64 - depth)) + 1) << (64 - depth);
}

struct hashtable_segment_layout *hashtable_segment_at(const struct hashtable *table, uint64_t *position)
{
    if (table->root->directory == 0) return NULL;
    struct segment_ref ref = segment_ref_of(hashtable__word(table, *position));
    *position = next_prefix(*position, ref.depth);
    return segment_at(table->base, ref.off);
}

/* The first hash whose home is bucket `home`, in the segment that `hash` belongs to. */
static uint64_t bucket_start(uint64_t hash, struct segment_ref ref, unsigned home)
{
    uint64_t buckets = hashtable__buckets[ref.level];
    uint64_t fraction = (((uint64_t)home << 32) + buckets - 1) / buckets;
    uint64_t prefix = ref.depth == 0 ? 0 : hash >> (64 - ref.depth) << (64 - ref.depth);
    return prefix | fraction << (32 - ref.depth);
}

/* Visits the slots of a bucket whose displaced bit is `displaced`. */
static bool visit_bucket(const struct hashtable *table, const struct hashtable_bucket_layout *bucket,
                         uint64_t displaced, hashtable_visit *visit, void *arg)
{
    for (unsigned i = 0; i < HASHTABLE_BUCKET_SLOTS; i++) {
        uint64_t slot = bucket->slots[i];
        if (hashtable_slot_off(slot) == 0 || (slot & HASHTABLE_SLOT_DISPLACED) != displaced) continue;
        if (!visit(arg, (void *)(table->base + hashtable_slot_off(slot)))) return false;
    }
    return true;
}

/* Visits the entries of bucket `home` that stand in stash or chain. */
static bool visit_overflowed(const struct hashtable *table, struct segment_ref ref, unsigned home,
                             hashtable_visit *visit, void *arg)
{
    struct hashtable_slots slots = {segment_at(table->base, ref.off),
                                    hashtable__buckets[ref.level] * HASHTABLE_BUCKET_SLOTS};
    for (uint64_t *slot; (slot = hashtable_slots_next(table->base, &slots)) != NULL;) {
        struct entry *entry = (void *)(table->base + hashtable_slot_off(*slot));
        uint64_t hash = table->hash(entry_key_inline(entry), table->seed);
        if (home_bucket(hash, ref.depth, ref.level) == home && !visit(arg, entry)) return false;
    }
    return true;
}

bool hashtable_scan(const struct hashtable *table, uint64_t *position, hashtable_visit *visit, void *arg)
{
    if (table->root->directory == 0) return false;
    struct segment_ref ref = segment_ref_of(hashtable__word(table, *position));
    const struct hashtable_segment_layout *segment = segment_at(table->base, ref.off);
    unsigned buckets = hashtable__buckets[ref.level];
    unsigned home = home_bucket(*position, ref.depth, ref.level);
    unsigned neighbour = home + 1 == buckets ? 0 : home + 1;
    if (!visit_bucket(table, &segment->buckets[home], 0, visit, arg)) return false;
    if (!visit_bucket(table, &segment->buckets[neighbour], HASHTABLE_SLOT_DISPLACED, visit, arg))
        return false;
    if ((segment->buckets[home].slots[0] & HASHTABLE_SLOT_OVERFLOWED) &&
        !visit_overflowed(table, ref, home, visit, arg))
        return false;
    uint64_t next =
        home + 1 == buckets ? next_prefix(*position, ref.depth) : bucket_start(*position, ref, home + 1);
    if (next == 0) return false;
    *position = next;
    return true;
}

struct some {
    hashtable_visit *visit;
    void *arg;
    uint64_t visited;
    bool stopped;
};

static bool visit_some(void *arg, struct entry *entry)
{
    struct some *some = arg;
    some->visited++;
    some->stopped = !some->visit(some->arg, entry);
    return !some->stopped;
}

uint64_t hashtable_scan_some(const struct hashtable *table, uint64_t cursor, uint64_t count, hashtable_visit *visit, void *arg)
{
    struct some some = {.visit = visit, .arg = arg};
    uint64_t buckets_left = count < UINT64_MAX / BUCKETS_PER_ENTRY ? count * BUCKETS_PER_ENTRY : UINT64_MAX;
    uint64_t position = cursor << HASHTABLE_CURSOR_DROPPED;
    bool more = true;
    while (more && some.visited < count && buckets_left-- > 0)
        more = hashtable_scan(table, &position, visit_some, &some);
    return more || some.stopped ? position >> HASHTABLE_CURSOR_DROPPED : 0;
}

static bool take_first(void *arg, struct entry *entry)
{
    *(struct entry **)arg = entry;
    return false;
}

/* A slot of a segment drawn so that all slots of the table have the same chance; 0: none this time, or an empty one. A segment
 * is taken by the first of its directory words only, and a slot among as many as the largest segments have. */
static uint64_t random_slot(const struct hashtable *table, uint64_t word_bits, uint64_t slot_bits)
{
    uint64_t top = table->root->directory, word = top, slots;
    if (word_is_directory(top)) {
        unsigned depth = directory_depth(top);
        uint64_t index = word_bits >> (64 - depth);
        word = directory_at(table->base, top)->words[index];
        if (index % (UINT64_C(1) << (depth - segment_ref_of(word).depth)) != 0) return 0;
        slots = SEGMENT_SLOTS_MAX;
    } else {
        slots = segment_slots(segment_ref_of(word).level);
    }
    struct segment_ref ref = segment_ref_of(word);
    uint64_t slot = (slot_bits >> 32) * slots >> 32;
    return slot < segment_slots(ref.level) ? segment_at(table->base, ref.off)->buckets[0].slots[slot] : 0;
}

struct entry *hashtable_random(const struct hashtable *table, uint64_t random)
{
    if (hashtable_count(table->root) == 0) return NULL;
    for (unsigned i = 0; i < RANDOM_TRIES; i++) {
        uint64_t word_bits = hash_mix(random + 2 * i), slot_bits = hash_mix(random + 2 * i + 1);
        uint64_t off = hashtable_slot_off(random_slot(table, word_bits, slot_bits));
        if (off != 0) return (void *)(table->base + off);
    }
    struct entry *entry = NULL;
    while (hashtable_scan(table, &random, take_first, &entry))
        continue;
    if (entry == NULL) {
        random = 0;
        while (hashtable_scan(table, &random, take_first, &entry))
            continue;
    }
    return entry;
}

/* ---- hints ----
 *
 * They read words that others write meanwhile, in blocks that may have been freed and given to something
 * else. Whatever is read is used as an address to prefetch, or is an offset checked against the mapping
 * before it is read through; so the worst outcome is a useless prefetch. ThreadSanitizer is told so. */
#define RACING __attribute__((no_sanitize("thread"), noinline))

/* Volatile, not atomic: the sanitizer watches atomics wherever they stand. */
__attribute__((no_sanitize("thread"))) static inline uint64_t racing_load(const uint64_t *word)
{
    return *(const volatile uint64_t *)word;
}

/* The address of the directory word for `hash`, or of the root's word when there is no directory; NULL: none.
 */
static inline const uint64_t *racing_word(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes)
{
    uint64_t top = racing_load(&table->root->directory);
    if (!word_is_directory(top)) return &table->root->directory;
    unsigned depth = directory_depth(top);
    uint64_t off = heap_off_get((struct heap_off){top}) + sizeof(struct hashtable_directory_layout);
    if (depth == 0 || depth > HASHTABLE_DEPTH_MAX || off % sizeof(uint64_t) != 0) return NULL;
    off += (hash >> (64 - depth)) * sizeof(uint64_t);
    return off + sizeof(uint64_t) <= mapped_bytes ? (const void *)(table->base + off) : NULL;
}

/* The home bucket; NULL when what was read makes no sense. */
static inline const struct hashtable_bucket_layout *racing_bucket(const struct hashtable *table,
                                                                  uint64_t hash, uint64_t mapped_bytes)
{
    const uint64_t *word = racing_word(table, hash, mapped_bytes);
    if (word == NULL) return NULL;
    struct segment_ref ref = segment_ref_of(racing_load(word));
    if (ref.off == 0 || ref.off % sizeof(uint64_t) != 0 || ref.depth > HASHTABLE_DEPTH_MAX) return NULL;
    if (ref.level > SEGMENT_LEVEL_MAX || ref.off + SEGMENT_BYTES_MAX > mapped_bytes) return NULL;
    return &segment_at(table->base, ref.off)->buckets[home_bucket(hash, ref.depth, ref.level)];
}

RACING void hashtable_prefetch_directory(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes)
{
    const uint64_t *word = racing_word(table, hash, mapped_bytes);
    if (word != NULL) prefetch_read(word);
}

RACING void hashtable_prefetch_bucket(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes)
{
    const struct hashtable_bucket_layout *bucket = racing_bucket(table, hash, mapped_bytes);
    if (bucket == NULL) return;
    prefetch_read(bucket);
    prefetch_read(bucket + 1); /* the neighbour, nearly always */
}

/* The offset of a root, of a kind that has its elements' table where members_layout has it; 0: the entry holds none. */
__attribute__((no_sanitize("thread"))) static inline uint64_t racing_root(const struct hashtable *table, uint64_t entry_off,
                                                                          uint64_t mapped_bytes)
{
    if (entry_off == 0 || entry_off + ENTRY_HINT_BYTES > mapped_bytes) return 0;
    const uint64_t *words = (const void *)(table->base + entry_off);
    uint64_t head = racing_load(words); /* kind and flags are its first bytes */
    unsigned flags = (unsigned)(head >> 8) & ENTRY_FLAGS;
    if ((head >> 4 & 15) != ENTRY_WORD || (head & 15) == ENTRY_STRING) return 0;
    struct heap_off root = {racing_load(words + entry_prefix_bytes(flags, ENTRY_EMBEDDED) / sizeof(uint64_t))};
    uint64_t off = heap_off_get(root);
    bool has_table = heap_off_tag(root) >= COLLECTION_HASH && heap_off_tag(root) <= COLLECTION_ZSET;
    return has_table && off % sizeof(uint64_t) == 0 && off + sizeof(struct members_layout) <= mapped_bytes ? off : 0;
}

RACING struct hashtable_layout *hashtable_hint_elements(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes)
{
    const struct hashtable_bucket_layout *bucket = racing_bucket(table, hash, mapped_bytes);
    uint64_t mark = fingerprint(hash);
    for (unsigned i = 0; bucket != NULL && i < 2 * HASHTABLE_BUCKET_SLOTS; i++) {
        uint64_t slot = racing_load(&bucket->slots[0] + i);
        if (slot >> HASHTABLE_SLOT_FINGERPRINT_SHIFT != mark) continue;
        uint64_t root = racing_root(table, hashtable_slot_off(slot), mapped_bytes);
        if (root != 0) return &((struct members_layout *)(void *)(table->base + root))->table;
    }
    return NULL;
}

RACING void hashtable_prefetch_entry(const struct hashtable *table, uint64_t hash, uint64_t mapped_bytes)
{
    const struct hashtable_bucket_layout *bucket = racing_bucket(table, hash, mapped_bytes);
    if (bucket == NULL) return;
    uint64_t mark = fingerprint(hash);
    for (unsigned i = 0; i < 2 * HASHTABLE_BUCKET_SLOTS; i++) { /* home and neighbour are adjacent */
        uint64_t slot = racing_load(&bucket->slots[0] + i);
        if (slot >> HASHTABLE_SLOT_FINGERPRINT_SHIFT != mark) continue;
        const char *entry = table->base + hashtable_slot_off(slot);
        prefetch_read(entry);
        prefetch_read(entry + PREFETCH_LINE_BYTES); /* most entries reach into the next line */
    }
}
