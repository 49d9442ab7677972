/* free_index.c: bins of free runs. */
#include "heap/free_index.h"

#include "heap/page_map.h"
#include "util/assert.h"

#define FREE_INDEX_FIRST 0x80000000u
#define EXACT_BINS       63 /* lengths 1 .. 63 */
#define SCAN_MAX         16 /* runs looked at in a bin of mixed lengths */

static unsigned bin_of(uint32_t pages)
{
    if (pages <= EXACT_BINS) return pages - 1;
    unsigned log = 31u - (unsigned)__builtin_clz(pages);
    return EXACT_BINS + (log - 6) * 4 + (pages >> (log - 2) & 3);
}

void free_index_insert(struct free_index *index, uint32_t page, uint32_t pages)
{
    ASSERT(!free_index_holds(index, page));
    unsigned bin = bin_of(pages);
    uint32_t next = index->first[bin];
    index->notes[page].free.next = next;
    index->notes[page].free.prev = FREE_INDEX_FIRST | bin;
    if (next) index->notes[next].free.prev = page;
    index->first[bin] = page;
    index->filled[bin / 64] |= UINT64_C(1) << bin % 64;
    index->pages += pages;
    index->reserve_runs += pages >= index->reserve_pages;
}

void free_index_remove(struct free_index *index, uint32_t page, uint32_t pages)
{
    ASSERT(free_index_holds(index, page));
    union page_note *note = &index->notes[page];
    if (note->free.next) index->notes[note->free.next].free.prev = note->free.prev;
    if (note->free.prev & FREE_INDEX_FIRST) {
        unsigned bin = note->free.prev & ~FREE_INDEX_FIRST;
        index->first[bin] = note->free.next;
        if (!note->free.next) index->filled[bin / 64] &= ~(UINT64_C(1) << bin % 64);
    } else {
        index->notes[note->free.prev].free.next = note->free.next;
    }
    *note = (union page_note){.known = 0};
    index->pages -= pages;
    index->reserve_runs -= pages >= index->reserve_pages;
}

bool free_index_holds(const struct free_index *index, uint32_t page)
{
    return index->notes[page].free.prev != 0;
}

/* The first run of the first filled bin from `bin` on. */
static uint32_t first_from(const struct free_index *index, unsigned bin)
{
    for (unsigned word = bin / 64; word < 2; word++) {
        uint64_t filled = index->filled[word];
        if (word == bin / 64) filled &= ~UINT64_C(0) << bin % 64;
        if (filled) return index->first[word * 64 + (unsigned)__builtin_ctzl(filled)];
    }
    return 0;
}

uint32_t free_index_find(const struct free_index *index, uint32_t pages)
{
    unsigned bin = bin_of(pages);
    if (bin < EXACT_BINS) return first_from(index, bin);
    uint32_t page = index->first[bin];
    for (unsigned i = 0; page && i < SCAN_MAX; i++) {
        if (page_load(index->base, page).pages >= pages) return page;
        page = index->notes[page].free.next;
    }
    return first_from(index, bin + 1);
}
