/* thread_cache.c: reserved blocks, per thread and class: most blocks meet no lock and no shared cache line.
 *
 * A block in a cache is clear in its bitmap (H1) and taken in its span's twin. No store goes into the block.
 * Batches start at one block and double with each miss (slow start); a trim gives back what lay idle since
 * the last one and halves batch and limit.
 */
#include "heap/heap_state.h"

#include "util/assert.h"

#include <stdlib.h>

#define CACHE_BYTES        65536 /* per class and thread, at most */
#define CACHE_MAX          256   /* blocks */
#define CACHE_MIN          4
#define CACHE_LIMIT_MIN    8
#define REBUILD_PROBES_MAX 16 /* runs looked at on a miss before the heap grows instead */

static uint32_t cache_max(unsigned class)
{
    uint32_t max = CACHE_BYTES / sizeclass_table[class].bytes;
    if (max > CACHE_MAX) return CACHE_MAX;
    return max < CACHE_MIN ? CACHE_MIN : max;
}

static uint32_t at_most(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

static void set_count(struct cache *cache, uint32_t count)
{
    __atomic_store_n(&cache->count, count, __ATOMIC_RELAXED);
}

enum error thread_cache_open(struct heap_thread *thread)
{
    size_t slots = 0;
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        slots += cache_max(i);
    thread->slots = malloc(slots * sizeof(*thread->slots));
    if (!thread->slots) return ERROR_MEMORY;
    uint64_t *next = thread->slots;
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++) {
        uint32_t max = cache_max(i);
        thread->caches[i] =
            (struct cache){.limit = at_most(CACHE_LIMIT_MIN, max), .batch = 1, .max = max, .offs = next};
        next += max;
    }
    return ERROR_OK;
}

/* The `count` oldest blocks of a cache go back to the centre. */
static void give_back(struct heap_thread *thread, unsigned class, uint32_t count)
{
    struct cache *cache = &thread->caches[class];
    if (count == 0) return;
    central_give(&thread->heap->centrals[class], &thread->heap->pages, cache->offs, count);
    set_count(cache, cache->count - count);
    memmove(cache->offs, cache->offs + count, cache->count * sizeof(*cache->offs));
    cache->low = at_most(cache->low, cache->count);
}

void thread_cache_give_back(struct heap_thread *thread)
{
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++) {
        give_back(thread, i, thread->caches[i].count);
        central_let_go(&thread->heap->centrals[i], &thread->caches[i].held);
    }
}

void thread_cache_close(struct heap_thread *thread)
{
    thread_cache_give_back(thread);
    free(thread->slots);
}

void heap_thread_trim(struct heap_thread *thread)
{
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++) {
        struct cache *cache = &thread->caches[i];
        give_back(thread, i, cache->low);
        cache->low = cache->count;
        central_let_go(&thread->heap->centrals[i], &cache->held);
        if (cache->batch > 1) cache->batch /= 2;
        if (cache->limit / 2 >= at_most(CACHE_LIMIT_MIN, cache->max)) cache->limit /= 2;
    }
}

/* Blocks of a new span. */
static enum error carve_span(struct heap_thread *thread, unsigned class, uint32_t want, uint32_t *count_out)
{
    struct heap *heap = thread->heap;
    struct central *central = &heap->centrals[class];
    struct cache *cache = &thread->caches[class];
    struct span *span;
    uint32_t page;
    enum error error = central_twin(central, &span);
    if (error) return error;
    struct pages_request request = {.pages = sizeclass_table[class].pages,
                                    .kind = PAGE_SPAN,
                                    .class = (uint8_t) class,
                                    .note = {.span = span}};
    error = supply_run(heap, &request, &page);
    if (error) {
        /* Our own idle blocks may be all that keeps pages from being free. */
        thread_cache_give_back(thread);
        error = supply_run(heap, &request, &page);
    }
    if (error) central_untwin(central, span);
    else *count_out = central_add(central, span, page, &cache->held, want, cache->offs);
    return error;
}

static enum error refill(struct heap_thread *thread, unsigned class)
{
    struct heap *heap = thread->heap;
    struct central *central = &heap->centrals[class];
    struct cache *cache = &thread->caches[class];
    uint32_t want = cache->batch;
    uint32_t count = central_take(central, &cache->held, false, want, cache->offs);
    for (unsigned probe = 0; count == 0 && probe < REBUILD_PROBES_MAX && rebuild_step(heap); probe++)
        count = central_take(central, &cache->held, false, want, cache->offs);
    if (count == 0) {
        enum error error = carve_span(thread, class, want, &count);
        if (error) count = central_take(central, &cache->held, true, 1, cache->offs);
        if (count == 0) return error;
    }
    set_count(cache, count);
    cache->low = 0;
    cache->batch = at_most(want * 2, cache->max / 2);
    if (cache->limit < cache->batch * 2) cache->limit = cache->batch * 2;
    return ERROR_OK;
}

enum error thread_cache_pop(struct heap_thread *thread, unsigned class, uint64_t *off_out)
{
    struct cache *cache = &thread->caches[class];
    if (__builtin_expect(cache->count == 0, 0)) {
        enum error error = refill(thread, class);
        if (error) return error;
    }
    uint32_t count = cache->count - 1;
    set_count(cache, count);
    if (count < cache->low) cache->low = count;
    *off_out = cache->offs[count];
    return ERROR_OK;
}

bool thread_cache_pop_free(struct heap_thread *thread, unsigned class, uint64_t *off_out)
{
    struct cache *cache = &thread->caches[class];
    if (cache->count == 0) {
        struct central *central = &thread->heap->centrals[class];
        set_count(cache, central_take(central, &cache->held, true, 1, cache->offs));
        cache->low = 0;
    }
    return cache->count > 0 && thread_cache_pop(thread, class, off_out) == ERROR_OK;
}

void thread_cache_push(struct heap_thread *thread, unsigned class, uint64_t off)
{
    struct cache *cache = &thread->caches[class];
    if (__builtin_expect(cache->count >= cache->limit, 0)) {
        give_back(thread, class, cache->count / 2 + 1);
        cache->limit = at_most(cache->limit * 2, cache->max);
    }
    cache->offs[cache->count] = off;
    set_count(cache, cache->count + 1);
}

uint64_t thread_cache_bytes(const struct heap_thread *thread)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        bytes +=
            (uint64_t)__atomic_load_n(&thread->caches[i].count, __ATOMIC_RELAXED) * sizeclass_table[i].bytes;
    return bytes;
}
