/* alloc.c: allocation and freeing inside a transaction, and what the journal asks of the heap. */
#include "heap/heap_state.h"

#include "util/assert.h"

#include <stdio.h>

static uint32_t pages_for(size_t size)
{
    return (uint32_t)((size + HEAP_PAGE_BYTES - 1) >> HEAP_PAGE_SHIFT);
}

/* A block or run that carries no set bit goes back to where it came from. */
static void give_up(struct heap_thread *thread, uint64_t off)
{
    struct block block = block_of(thread->heap->base, off);
    if (block.large) pages_release(&thread->heap->pages, block.page, pages_for(block.bytes), NULL);
    else thread_cache_push(thread, block.class, off);
}

static enum error reserve_run(struct heap_thread *thread, size_t size, uint64_t *off_out)
{
    uint32_t page;
    struct pages_request request = {.pages = pages_for(size), .kind = PAGE_RUN_HEAD, .note = {.known = 1}};
    enum error error = supply_run(thread->heap, &request, &page);
    if (error) {
        thread_cache_give_back(thread);
        error = supply_run(thread->heap, &request, &page);
    }
    if (!error) *off_out = page_off(page);
    return error;
}

/* Where no page is left for another span, a larger block serves: what was freed can be used, whatever its size. */
static enum error reserve_block(struct heap_thread *thread, size_t size, uint64_t *off_out)
{
    unsigned class = sizeclass_of(size);
    enum error error = thread_cache_pop(thread, class, off_out);
    if (!error) return ERROR_OK;
    for (unsigned larger = class + 1; larger < SIZECLASS_COUNT; larger++)
        if (thread_cache_pop_free(thread, larger, off_out)) return ERROR_OK;
    return error;
}

enum error heap_alloc(struct tx *tx, size_t size, uint64_t *off_out)
{
    struct heap_thread *thread = tx_thread(tx);
    ASSERT(size > 0);
    if (size > HEAP_OBJECT_MAX) return ERROR_TOO_LARGE;
    uint64_t off;
    enum error error =
        size <= SIZECLASS_MAX_BYTES ? reserve_block(thread, size, &off) : reserve_run(thread, size, &off);
    if (error) return error;
    struct block block = block_of(thread->heap->base, off);
    error = tx_new_object(tx, off, block.bytes, block.bytes, block.word, block.index % 64);
    if (error) give_up(thread, off);
    else *off_out = off;
    return error;
}

/* C1, and its counterpart for large runs (rebuild.c): before its bit may change, the heap knows the block. */
static enum error make_known(struct heap *heap, const struct block *block)
{
    struct pages *pages = &heap->pages;
    if (rebuild_is_complete(heap)) return ERROR_OK;
    if (!block->large) {
        if (central_span(pages, block->page)) return ERROR_OK;
        return central_adopt(&heap->centrals[block->class], pages, block->page, false);
    }
    pthread_mutex_lock(&pages->lock);
    pages->notes[block->page].known = 1;
    pthread_mutex_unlock(&pages->lock);
    return ERROR_OK;
}

enum error heap_free(struct tx *tx, uint64_t off)
{
    struct heap_thread *thread = tx_thread(tx);
    struct block block = block_of(thread->heap->base, off);
    ASSERT(block.off == off && block_is_allocated(&block));
    enum error error = make_known(thread->heap, &block);
    if (error) return error;
    return tx_defer_free(tx, off, block.bytes, block.word, block.index % 64);
}

size_t heap_usable_size(const struct heap *heap, uint64_t off)
{
    return block_of(heap->base, off).bytes;
}

size_t heap_good_size(size_t size)
{
    if (size <= SIZECLASS_MAX_BYTES) return sizeclass_table[sizeclass_of(size)].bytes;
    return page_off(pages_for(size));
}

bool heap_holds(const struct heap *heap, uint64_t off, size_t len)
{
    char *base = heap->base;
    uint64_t chunks = __atomic_load_n(&heap->pages.super->chunks, __ATOMIC_ACQUIRE);
    if (off >> HEAP_CHUNK_SHIFT >= chunks) return false;
    uint32_t page = (uint32_t)(off >> HEAP_PAGE_SHIFT);
    uint64_t chunk = page_chunk(page);
    uint32_t end = chunk_end(base, chunk);
    if (page < chunk_first(chunk) || page >= end) return false;

    /* An entry inside a run may be stale (L3): only the head it leads to can vouch for it. */
    struct page_layout entry = page_load(base, page);
    if (entry.kind == PAGE_SPAN && entry.distance > page - chunk_first(chunk)) return false;
    uint32_t head = entry.kind == PAGE_SPAN ? page - entry.distance : page;
    struct page_layout head_entry;
    if (head < chunk_first(chunk) || !page_map_is_run(base, head, end, &head_entry)) return false;
    if (head_entry.kind != entry.kind || head_entry.class != entry.class || page - head >= head_entry.pages)
        return false;
    if (entry.kind != PAGE_SPAN && entry.kind != PAGE_RUN_HEAD) return false;
    struct block block = block_of(base, off);
    if (!block.large && block.index >= sizeclass_table[block.class].blocks) return false;
    return block_is_allocated(&block) && len <= block.bytes - (off - block.off);
}

/* ---- for the journal ---- */

static void on_returned(void *thread, uint64_t off)
{
    give_up(thread, off);
}

/* H9, H10: the extent and the link to it appear together; its pages may come out of the reserve. Its bit
 * stays clear: it is no object. */
static enum error on_extent_alloc(void *thread, uint64_t *link, size_t min_bytes, size_t *size_out)
{
    uint32_t page;
    struct heap *heap = ((struct heap_thread *)thread)->heap;
    struct pages_request request = {.pages = pages_for(min_bytes),
                                    .kind = PAGE_RUN_HEAD,
                                    .system = true,
                                    .note = {.known = 1},
                                    .link = link};
    enum error error = supply_run(heap, &request, &page);
    if (!error) *size_out = page_off(request.pages);
    return error;
}

static void on_extent_free(void *thread, uint64_t *link, uint64_t next)
{
    struct heap *heap = ((struct heap_thread *)thread)->heap;
    struct block block = block_of(heap->base, *link);
    struct pages_stores stores = {.store = {{link, next}}, .count = 1};
    pages_release(&heap->pages, block.page, pages_for(block.bytes), &stores);
}

static void on_describe(void *heap, uint64_t off, char *buf, size_t cap)
{
    const struct heap *self = heap;
    if (!heap_holds(self, off, 1)) {
        snprintf(buf, cap, "no allocated block");
        return;
    }
    struct block block = block_of(self->base, off);
    if (block.large)
        snprintf(buf, cap, "large run of %llu bytes at %llu", (unsigned long long)block.bytes,
                 (unsigned long long)block.off);
    else
        snprintf(buf, cap, "span class %llu, block %u at %llu", (unsigned long long)block.bytes, block.index,
                 (unsigned long long)block.off);
}

const struct journal_ops alloc_journal_ops = {
    .freed = on_returned,
    .unreserved = on_returned,
    .extent_alloc = on_extent_alloc,
    .extent_free = on_extent_free,
    .describe = on_describe,
};
