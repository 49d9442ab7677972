/* rebuild.c: learning, bit by bit, what a heap from before this run holds.
 *
 * Opening scans nothing. A cursor walks the page map run by run, one step at a time: a few steps on each miss
 * of a thread, and to the end in the background. A free run enters the index, a span gets its twin, and what
 * a crash left carved but empty goes back: spans without a set bit, and large runs whose bit is clear and
 * that nobody has touched in this run of the program (see `known` in free_index.h).
 *
 * Why a large run that is not known and whose bit is clear belongs to nobody: the bit changes under a
 * transaction of a thread that allocated the run (carving marks it known) or frees it (heap_free marks it
 * first, under the lock of struct pages).
 */
#include "heap/heap_state.h"

void rebuild_open(struct heap *heap)
{
    heap->rebuild_end = chunk_end(heap->base, heap->pages.super->chunks - 1);
    heap->rebuilt = heap->pages.cursor >= heap->rebuild_end;
}

/* The cursor has seen the grown pages of a chunk; what it can still grow by becomes known. */
static void leave_chunk(struct pages *pages, uint64_t chunk, uint32_t end)
{
    if (end % HEAP_CHUNK_PAGES != 0 && chunk < pages->grow_chunk) pages->grow_chunk = chunk;
    pages->cursor = chunk_first(chunk + 1);
}

/* Visits the run at the cursor, under the lock. True when it is a span without a twin, which is left to the
 * caller. */
static bool visit_run(struct pages *pages)
{
    uint32_t page = pages->cursor;
    uint64_t chunk = page_chunk(page);
    uint32_t end = chunk_end(pages->base, chunk);
    struct page_layout entry;
    if (page >= end || !page_map_is_run(pages->base, page, end, &entry)) {
        leave_chunk(pages, chunk, end); /* a damaged map hides the rest of its chunk; heap_check reports it */
        return false;
    }
    if (entry.kind == PAGE_SPAN && !central_span(pages, page)) return true;
    if (entry.kind == PAGE_RUN_HEAD && !pages->notes[page].known && !(*page_bitmap(pages->base, page) & 1)) {
        pages_release_locked(pages, page, entry.pages, NULL);
        return false; /* the cursor stands on the free run now */
    }
    if (entry.kind == PAGE_FREE_HEAD && !free_index_holds(&pages->index, page))
        free_index_insert(&pages->index, page, entry.pages);
    pages->cursor = page + entry.pages;
    return false;
}

bool rebuild_step(struct heap *heap)
{
    struct pages *pages = &heap->pages;
    if (rebuild_is_complete(heap)) return false;
    pthread_mutex_lock(&pages->lock);
    uint32_t first = chunk_first(page_chunk(pages->cursor)); /* a full chunk ends where the next one begins */
    if (pages->cursor < first) pages->cursor = first;
    bool complete = pages->cursor >= heap->rebuild_end;
    bool adopt = !complete && visit_run(pages);
    uint32_t page = pages->cursor;
    pthread_mutex_unlock(&pages->lock);

    if (complete) __atomic_store_n(&heap->rebuilt, true, __ATOMIC_RELEASE);
    if (!adopt) return !complete;
    struct page_layout entry = page_load(heap->base, page);
    if (entry.kind != PAGE_SPAN || entry.class >= SIZECLASS_COUNT) return true; /* it changed meanwhile */
    return central_adopt(&heap->centrals[entry.class], pages, page, true) == ERROR_OK;
}
