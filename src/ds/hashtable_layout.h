/* hashtable_layout.h: bytes of a hash table on media.
 *
 *     root ──> segment                                       one segment: no directory
 *     root ──> directory ──> segment, segment, ...           2^depth words, by the highest hash bits
 *
 *     segment:  header | bucket 0 | ... | bucket n-1 | stash buckets       a line of 64 bytes each
 *     bucket:   8 slots
 *     slot:     fingerprint:15 | volatile:1 | offset:45 (in 8-byte words) | 0:1 | overflowed:1 | displaced:1
 *
 * Terms: an entry's *home* is the bucket that the hash bits below the segment's prefix select, scaled by the
 * number of buckets; its *neighbour* is the bucket after it, round at the end. The *stash* and the *chain* of
 * overflow segments (no buckets, stash only) take what fits in neither.
 *
 * Invariants:
 * S1. An entry stands once: in its home, in the neighbour with the *displaced* bit, or in stash or chain;
 *     then slot 0 of its home bucket has the *overflowed* bit (which may stay set after it is gone).
 * S2. Fingerprints are never 0, so an empty slot matches none. They come from hash bits that select neither
 *     stripe, directory word nor bucket.
 * S3. The volatile bit is set exactly when the entry has an expiry time; earliest_ms of its segment is at
 *     most that.
 * S4. A segment of local depth l stands in the 2^(depth - l) directory words of its prefix, each with the
 *     same tag: local depth and level. Levels give the numbers of buckets and stash buckets.
 * S5. Words of a table belong to the stripe (or object) that owns the table (H3).
 */
#ifndef CAIRN_DS_HASHTABLE_LAYOUT_H
#define CAIRN_DS_HASHTABLE_LAYOUT_H

#include "ds/collection_layout.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define HASHTABLE_BUCKET_SLOTS   8
#define HASHTABLE_DEPTH_MAX      24 /* directory words take hash bits 63 .. 40 at most, buckets some below */
#define HASHTABLE_CURSOR_DROPPED 8  /* low hash bits that cursors need not hold: no bucket begins between */
#define HASHTABLE_LEVELS         8  /* of ordinary segments; one more for overflow segments */
#define HASHTABLE_LEVEL_OVERFLOW HASHTABLE_LEVELS

/* The table's root, inside a block of its owner. All zero: an empty table. */
struct hashtable_layout {
    uint64_t directory; /* struct heap_off: of the directory, or of the only segment */
    uint64_t counts;    /* entries in the low, volatile entries in the high 32 bits */
    uint64_t segments;
    uint64_t reserved;
};
static_assert(sizeof(struct hashtable_layout) == 32, "root");

/* Directory and segment begin with a node: a table without owner hangs on a reclaim list by it. Its progress counts
 * directory words or slots done. */
struct hashtable_directory_layout {
    struct collection_node_layout node;
    uint64_t words[]; /* struct heap_off of segments */
};
static_assert(offsetof(struct hashtable_directory_layout, words) == 16, "directory");

struct hashtable_bucket_layout {
    uint64_t slots[HASHTABLE_BUCKET_SLOTS];
};

struct hashtable_segment_layout {
    struct collection_node_layout node;
    int64_t earliest_ms; /* S3; INT64_MAX: none is volatile */
    uint64_t chain;      /* offset of the first overflow segment */
    uint64_t prefix;     /* the segment's hash prefix, in its local_depth low bits */
    uint32_t local_depth;
    uint32_t level;
    uint64_t reserved[2];
    struct hashtable_bucket_layout buckets[];
};
static_assert(offsetof(struct hashtable_segment_layout, earliest_ms) == 16, "segment");
static_assert(offsetof(struct hashtable_segment_layout, level) == 44, "segment");
static_assert(offsetof(struct hashtable_segment_layout, buckets) == 64, "segment header is a line");

/* Tags of the root's and the directory's words. */
#define HASHTABLE_TAG_DIRECTORY   0x8000u /* the word names a directory; depth in the low bits */
#define HASHTABLE_TAG_DEPTH_MASK  31u     /* (local) depth */
#define HASHTABLE_TAG_LEVEL_SHIFT 5
#define HASHTABLE_TAG_LEVEL_MASK  15u

/* Slots. */
#define HASHTABLE_SLOT_DISPLACED         UINT64_C(1)
#define HASHTABLE_SLOT_OVERFLOWED        UINT64_C(2) /* slot 0 of a bucket only; stands in an empty slot as well */
#define HASHTABLE_SLOT_OFF_MASK          ((UINT64_C(1) << 48) - 8)
#define HASHTABLE_SLOT_VOLATILE          (UINT64_C(1) << 48)
#define HASHTABLE_SLOT_FINGERPRINT_SHIFT 49

#endif
