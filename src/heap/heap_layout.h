/* heap_layout.h: every byte that the heap keeps in its file, except what the journal keeps in the lanes.
 *
 * Terms: a *page* is 4 KiB. A *chunk* is 1 GiB of the file, aligned; its pages are counted from 0. A *run* is
 * a row of pages inside one chunk. A *span* is a run cut into blocks of one size class; a *large run* holds
 * one object. The pages of a chunk that exist on the medium, from its first data page on, are its *grown*
 * pages.
 *
 *   chunk   0 ........ 1 GiB                        chunk 0 only
 *   page    0          head: struct chunk_layout    superblock_layout in the first half; notes
 *           1          page map, 512 pages: struct page_layout for each page of the chunk
 *           513        bitmaps, 2,048 pages: 32 bytes for each page of the chunk
 *           2,561      data                         the lanes, 512 pages; data from 3,073 on
 *           262,144    end
 *
 * A span of n pages owns 32 * n bytes of bitmap, those of its own pages, and uses them densely: one bit per
 * block. (256 bits per page suffice for the smallest class, 16 bytes.) Of page map and bitmaps only the parts
 * that describe grown pages are allocated on the medium; the rest is a hole that nobody reads.
 *
 * All words are little endian. Metadata is 40 bytes per page: 1 %.
 *
 * Invariants:
 * L1. The grown data pages of a chunk are tiled by runs without a gap.
 * L2. No two free runs touch.
 * L3. First and last page of each run are described truly; so are all pages of a span. The inner pages of a
 *     free or large run keep whatever they said before: nobody may ask them, except who checks the head they
 *     lead to.
 * L4. The bitmap bytes of pages in no span or large run are zero.
 */
#ifndef CAIRN_HEAP_HEAP_LAYOUT_H
#define CAIRN_HEAP_HEAP_LAYOUT_H

#include "heap/heap.h"
#include "heap/heap_off.h"
#include "journal/journal.h"
#include "journal/wal.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little endian");

#define HEAP_MAGIC          UINT64_C(0x0a70686e72696163) /* "cairnhp\n" */
#define HEAP_FORMAT_VERSION 1
#define CHUNK_MAGIC         UINT64_C(0x6b6e7568636e7263) /* "crnchunk" */

#define HEAP_PAGE_SHIFT  12
#define HEAP_PAGE_BYTES  (UINT64_C(1) << HEAP_PAGE_SHIFT)
#define HEAP_CHUNK_SHIFT 30
#define HEAP_CHUNK_BYTES (UINT64_C(1) << HEAP_CHUNK_SHIFT)
#define HEAP_CHUNK_PAGES (1u << (HEAP_CHUNK_SHIFT - HEAP_PAGE_SHIFT))
#define HEAP_PAGES_MAX   (UINT64_C(1) << 31) /* 8 TiB: a page number and a flag fit in 32 bits */

#define HEAP_BITMAP_PAGE_BYTES 32 /* of bitmap per page */

#define HEAP_MAP_OFF        HEAP_PAGE_BYTES
#define HEAP_MAP_BYTES      (HEAP_CHUNK_PAGES * sizeof(struct page_layout))
#define HEAP_BITMAP_OFF     (HEAP_MAP_OFF + HEAP_MAP_BYTES)
#define HEAP_BITMAP_BYTES   (HEAP_CHUNK_PAGES * HEAP_BITMAP_PAGE_BYTES)
#define HEAP_METADATA_BYTES (HEAP_BITMAP_OFF + HEAP_BITMAP_BYTES)
#define HEAP_LANES_OFF      HEAP_METADATA_BYTES
#define HEAP_LANES_BYTES    ((uint64_t)JOURNAL_LANES * JOURNAL_LANE_BYTES)
#define HEAP_NOTES_OFF      2560 /* of the redo journal, in chunk 0: what it knows of the file (wal.h) */
#define HEAP_CHUNK_HEAD_OFF 2048 /* of struct chunk_layout, in every chunk */

/* The head of the file. All before `run` is written once and covered by the checksum. */
struct superblock_layout {
    uint64_t magic;
    uint32_t version;
    uint32_t page_bytes;
    uint64_t chunk_bytes;
    uint32_t lanes;
    uint32_t lane_bytes;
    uint64_t lanes_off;
    uint8_t seed[16];  /* random, of this heap alone: names it and seeds hashes */
    uint64_t checksum; /* XXH3 of the bytes before it */
    uint64_t run;      /* 0: closed cleanly. Else a mark of the boot in which the heap was opened last */
    /* Owned by the system lane: */
    uint64_t chunks;      /* in use; all but the file's holes in them are mapped */
    uint64_t grown_pages; /* in all chunks */
    uint64_t failed;      /* a mark of the boot in which a sync of the shared heap failed: its cached pages may be on no disk */
    uint8_t reserved[416];
    struct heap_off roots[HEAP_ROOTS];
};
static_assert(offsetof(struct superblock_layout, checksum) == 56, "checksum covers what is before it");
static_assert(offsetof(struct superblock_layout, run) == 64, "mutable words have a cache line of their own");
static_assert(offsetof(struct superblock_layout, roots) == 512, "room for new fields before the roots");
static_assert(sizeof(struct superblock_layout) <= HEAP_CHUNK_HEAD_OFF, "shares its page with chunk 0's head");

/* At HEAP_CHUNK_HEAD_OFF in each chunk; owned by the system lane. */
struct chunk_layout {
    uint64_t magic;
    uint64_t index;
    uint64_t grown_pages; /* data pages on the medium */
};
static_assert(sizeof(struct chunk_layout) == 24, "chunk head");

enum page_kind {
    PAGE_NONE,      /* not grown, metadata, or inside a run */
    PAGE_FREE_HEAD, /* first page of a free run (its last too when it has one page) */
    PAGE_FREE_TAIL, /* last page of a free run */
    PAGE_SPAN,      /* any page of a span */
    PAGE_RUN_HEAD,  /* first page of a large run */
    PAGE_RUN_TAIL,  /* last page of a large run of more than one page */
};

/* One page's entry in the page map; read and written as one word. */
struct page_layout {
    uint8_t kind;      /* enum page_kind */
    uint8_t class;     /* of a span */
    uint16_t distance; /* in a span: pages back to its first one */
    uint32_t pages;    /* length of the run */
};
static_assert(sizeof(struct page_layout) == 8, "a page is described by one word");

/* First data page of a chunk. */
static inline uint32_t chunk_first_page(uint64_t chunk)
{
    return (uint32_t)((HEAP_METADATA_BYTES + (chunk == 0 ? HEAP_LANES_BYTES : 0)) >> HEAP_PAGE_SHIFT);
}

static_assert(HEAP_METADATA_BYTES % HEAP_PAGE_BYTES == 0 && HEAP_LANES_BYTES % HEAP_PAGE_BYTES == 0,
              "data starts on a page");
static_assert(HEAP_CHUNK_HEAD_OFF + sizeof(struct chunk_layout) <= HEAP_NOTES_OFF &&
                  HEAP_NOTES_OFF + WAL_NOTE_BYTES <= HEAP_PAGE_BYTES,
              "the notes are the rest of the first page");
static_assert(HEAP_OBJECT_MAX == HEAP_CHUNK_BYTES - HEAP_METADATA_BYTES,
              "the largest run that a chunk holds");

#endif
