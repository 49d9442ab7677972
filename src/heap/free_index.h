/* free_index.h: the free page runs known in this run of the program, by length. Volatile.
 *
 * Runs hang in doubly linked lists, one per bin of lengths; the links are the notes of each run's first page,
 * so that a run is found, entered and removed in O(1) without memory of its own. Lengths come from the page
 * map. Bins are exact below 64 pages, then four to a doubling. Callers hold the lock of struct pages.
 */
#ifndef CAIRN_HEAP_FREE_INDEX_H
#define CAIRN_HEAP_FREE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#define FREE_INDEX_BINS 112

/* What is remembered about the first page of a run while the heap is open; what it means follows from the
 * page's kind. All zero: not seen in this run of the program. */
union page_note {
    struct {
        uint32_t next; /* page of the next run in the bin; 0: last */
        uint32_t prev; /* of the previous one; FREE_INDEX_FIRST | bin: first */
    } free;
    struct span *span; /* the twin of a span */
    uint64_t known;    /* 1: a large run that somebody has allocated or freed in this run */
};

struct free_index {
    char *base;
    union page_note *notes; /* one per page of the reserved address space, lazily touched */
    uint32_t reserve_pages; /* the length that makes a run count in reserve_runs */
    uint32_t reserve_runs;  /* indexed runs of at least reserve_pages */
    uint64_t pages;         /* in all indexed runs */
    uint64_t filled[2];     /* a bit per bin that is not empty */
    uint32_t first[FREE_INDEX_BINS];
};

void free_index_insert(struct free_index *index, uint32_t page, uint32_t pages);
void free_index_remove(struct free_index *index, uint32_t page, uint32_t pages);
/* True for the first page of a free run that is in the index. */
bool free_index_holds(const struct free_index *index, uint32_t page);
/* A run of at least `pages`, of a short one if there is a choice; 0 when none is known. */
uint32_t free_index_find(const struct free_index *index, uint32_t pages);

#endif
