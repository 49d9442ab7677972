/* census.c: what stands in a heap, by size. For tools: it walks the whole page map. */
#include "heap/heap_state.h"

#include <string.h>

#define LARGE_LOG_MIN 4 /* the smallest large run has 9 pages, so at most 2^4 */

static_assert(SIZECLASS_COUNT + HEAP_CHUNK_SHIFT - HEAP_PAGE_SHIFT - LARGE_LOG_MIN < HEAP_CENSUS_ROWS,
              "a row for each class and each doubling of large runs");

static uint64_t count_bits(const uint64_t *bitmap, uint64_t words)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < words; i++)
        count += (unsigned)__builtin_popcountl(bitmap[i]);
    return count;
}

static void count_span(struct heap_census *census, char *base, uint32_t page, const struct page_layout *entry)
{
    struct heap_census_row *row = &census->rows[entry->class];
    row->bytes = sizeclass_table[entry->class].bytes;
    row->pages += entry->pages;
    row->blocks += sizeclass_table[entry->class].blocks;
    row->allocated += count_bits(page_bitmap(base, page), entry->pages * HEAP_BITMAP_PAGE_BYTES / 8);
}

static void count_large(struct heap_census *census, char *base, uint32_t page,
                        const struct page_layout *entry)
{
    unsigned log = LARGE_LOG_MIN;
    while (UINT32_C(1) << log < entry->pages)
        log++;
    struct heap_census_row *row = &census->rows[SIZECLASS_COUNT + log - LARGE_LOG_MIN];
    row->bytes = HEAP_PAGE_BYTES << log;
    row->pages += entry->pages;
    row->blocks++;
    row->allocated += *page_bitmap(base, page) & 1;
}

static void count_free(struct heap_census *census, uint32_t pages)
{
    census->free_runs++;
    census->free_pages += pages;
    if (census->longest_free_pages < pages) census->longest_free_pages = pages;
}

static void count_chunk(struct heap_census *census, char *base, uint64_t chunk)
{
    uint32_t end = chunk_end(base, chunk);
    struct page_layout entry;
    for (uint32_t page = chunk_first(chunk); page < end; page += entry.pages) {
        if (!page_map_is_run(base, page, end, &entry)) return; /* damaged: heap_check says where */
        if (entry.kind == PAGE_SPAN) count_span(census, base, page, &entry);
        else if (entry.kind == PAGE_RUN_HEAD) count_large(census, base, page, &entry);
        else count_free(census, entry.pages);
    }
}

void heap_census(const struct heap *heap, struct heap_census *census_out)
{
    memset(census_out, 0, sizeof *census_out);
    for (uint64_t chunk = 0; chunk < heap->pages.super->chunks; chunk++)
        count_chunk(census_out, heap->base, chunk);
}
