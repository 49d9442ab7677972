/* page_map.h: arithmetic from page numbers and offsets to the metadata that describes them.
 *
 * A *page number* counts from the start of the file: offset >> 12. Page 0 is the superblock, so 0 means
 * "none". Entries are read as one word, without a lock: the entries of an allocated block's pages do not
 * change while it is allocated. Everything else needs the lock of struct pages.
 */
#ifndef CAIRN_HEAP_PAGE_MAP_H
#define CAIRN_HEAP_PAGE_MAP_H

#include "heap/heap_layout.h"
#include "heap/sizeclass.h"

#include <stdbool.h>
#include <string.h>

static inline uint64_t page_off(uint32_t page)
{
    return (uint64_t)page << HEAP_PAGE_SHIFT;
}

static inline uint64_t page_chunk(uint32_t page)
{
    return page / HEAP_CHUNK_PAGES;
}

static inline uint32_t page_in_chunk(uint32_t page)
{
    return page % HEAP_CHUNK_PAGES;
}

static inline struct chunk_layout *chunk_head(char *base, uint64_t chunk)
{
    return (struct chunk_layout *)(base + (chunk << HEAP_CHUNK_SHIFT) + HEAP_CHUNK_HEAD_OFF);
}

/* First data page of a chunk, counted from the start of the file. */
static inline uint32_t chunk_first(uint64_t chunk)
{
    return (uint32_t)(chunk * HEAP_CHUNK_PAGES) + chunk_first_page(chunk);
}

/* One past the last grown page of a chunk in use; never beyond the chunk, whatever its head says. */
static inline uint32_t chunk_end(char *base, uint64_t chunk)
{
    uint64_t grown = __atomic_load_n(&chunk_head(base, chunk)->grown_pages, __ATOMIC_ACQUIRE);
    uint64_t room = HEAP_CHUNK_PAGES - chunk_first_page(chunk);
    return chunk_first(chunk) + (uint32_t)(grown < room ? grown : room);
}

static inline uint64_t *page_word(char *base, uint32_t page)
{
    return (uint64_t *)(base + (page_chunk(page) << HEAP_CHUNK_SHIFT) + HEAP_MAP_OFF) + page_in_chunk(page);
}

static inline struct page_layout page_load(char *base, uint32_t page)
{
    uint64_t word = __atomic_load_n(page_word(base, page), __ATOMIC_RELAXED);
    struct page_layout entry;
    memcpy(&entry, &word, sizeof(entry));
    return entry;
}

/* The bitmap bytes of a page, and behind them those of the pages after it. */
static inline uint64_t *page_bitmap(char *base, uint32_t page)
{
    return (uint64_t *)(base + (page_chunk(page) << HEAP_CHUNK_SHIFT) + HEAP_BITMAP_OFF +
                        (uint64_t)page_in_chunk(page) * HEAP_BITMAP_PAGE_BYTES);
}

/* A block, found from an offset inside it. */
struct block {
    uint64_t off;   /* of its start */
    uint64_t bytes; /* it can hold */
    uint64_t *word; /* of the bitmap, with the block's bit */
    unsigned index; /* in its span; the bit is index % 64 */
    unsigned class;
    uint32_t page; /* first of its span or large run */
    bool large;
};

/* The block around `off`, which must lie in an allocated block (large: at its start page). */
static inline struct block block_of(char *base, uint64_t off)
{
    uint32_t page = (uint32_t)(off >> HEAP_PAGE_SHIFT);
    struct page_layout entry = page_load(base, page);
    if (entry.kind == PAGE_SPAN) {
        uint32_t head = page - entry.distance;
        const struct sizeclass *class = &sizeclass_table[entry.class];
        uint32_t index = sizeclass_index(class, (uint32_t)(off - page_off(head)));
        return (struct block){.off = page_off(head) + (uint64_t)index * class->bytes,
                              .bytes = class->bytes,
                              .word = page_bitmap(base, head) + index / 64,
                              .index = index,
                              .class = entry.class,
                              .page = head,
                              .large = false};
    }
    return (struct block){.off = page_off(page),
                          .bytes = page_off(entry.pages),
                          .word = page_bitmap(base, page),
                          .large = true,
                          .page = page};
}

static inline bool block_is_allocated(const struct block *block)
{
    return __atomic_load_n(block->word, __ATOMIC_RELAXED) >> block->index % 64 & 1;
}

/* True when the entry at `page` is the first of a run that fits its chunk, and says so consistently. For
 * bytes from media: what it says may be damaged. `end` is the chunk's grown end. */
bool page_map_is_run(char *base, uint32_t page, uint32_t end, struct page_layout *entry_out);

#endif
