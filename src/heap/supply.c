/* supply.c: where pages come from. */
#include "heap/grow.h"
#include "heap/heap_state.h"

#define SUPPLY_ATTEMPTS      64 /* others may take what we made free, but not for ever */
#define SUPPLY_AHEAD_BYTES   (UINT64_C(64) << 20)
#define SUPPLY_AHEAD_DIVISOR 8 /* of the heap's size */

/* All that can be had without growing: pages not looked at yet, and spare spans. */
static void scavenge(struct heap *heap)
{
    while (rebuild_step(heap)) { /* ends: the cursor moves through a finite heap */
    }
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        central_drop_spare(&heap->centrals[i], &heap->pages);
}

enum error supply_run(struct heap *heap, const struct pages_request *request, uint32_t *page_out)
{
    enum error error = ERROR_HEAP_FULL;
    bool scavenged = false;
    for (unsigned attempt = 0; attempt < SUPPLY_ATTEMPTS; attempt++) {
        uint64_t seen = grow_total(&heap->pages);
        enum pages_shortage shortage = pages_carve(&heap->pages, request, page_out);
        if (shortage == PAGES_ENOUGH) return ERROR_OK;
        error = grow_pages(&heap->pages, shortage == PAGES_NO_RUN ? request->pages : PAGES_RESERVE, seen);
        if (!error) continue;
        if (scavenged) break;
        scavenge(heap);
        scavenged = true;
    }
    return error;
}

bool supply_ahead(struct heap *heap)
{
    struct pages *pages = &heap->pages;
    uint64_t grown = grow_total(pages);
    uint64_t ahead = page_off((uint32_t)grown) / SUPPLY_AHEAD_DIVISOR;
    if (ahead > SUPPLY_AHEAD_BYTES) ahead = SUPPLY_AHEAD_BYTES;
    pthread_mutex_lock(&pages->lock);
    uint64_t free_bytes = pages->index.pages << HEAP_PAGE_SHIFT;
    pthread_mutex_unlock(&pages->lock);
    return free_bytes < ahead && grow_pages(pages, 1, grown) == ERROR_OK;
}
