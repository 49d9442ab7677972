/* central.c: twins of spans, their lists, and the way of blocks in and out. */
#include "heap/central.h"

#include "util/assert.h"

#include <stdlib.h>

#define TWINS_PER_SLAB 32

/* Twins come from slabs, so that a span costs no malloc and closing needs no walk over all spans. */
struct twin_slab {
    struct twin_slab *next;
};

static unsigned taken_words(const struct sizeclass *class)
{
    return (class->blocks + 63u) / 64;
}

void central_open(struct central *central, unsigned class)
{
    *central = (struct central){.class = class};
    pthread_mutex_init(&central->lock, NULL);
}

void central_close(struct central *central)
{
    for (struct twin_slab *slab = central->slabs, *next; slab; slab = next) {
        next = slab->next;
        free(slab);
    }
    pthread_mutex_destroy(&central->lock);
}

/* ---- twins ---- */

static enum error add_slab(struct central *central)
{
    size_t bytes = sizeof(struct span) + taken_words(&sizeclass_table[central->class]) * sizeof(uint64_t);
    struct twin_slab *slab = malloc(sizeof(*slab) + TWINS_PER_SLAB * bytes);
    if (!slab) return ERROR_MEMORY;
    slab->next = central->slabs;
    central->slabs = slab;
    for (unsigned i = 0; i < TWINS_PER_SLAB; i++) {
        struct span *span = (struct span *)((char *)(slab + 1) + i * bytes);
        span->next = central->unused;
        central->unused = span;
    }
    return ERROR_OK;
}

/* A twin whose blocks are all free. */
static enum error make_twin(struct central *central, struct span **span_out)
{
    if (!central->unused) {
        enum error error = add_slab(central);
        if (error) return error;
    }
    const struct sizeclass *class = &sizeclass_table[central->class];
    struct span *span = central->unused;
    central->unused = span->next;
    *span = (struct span){.free = class->blocks};
    unsigned words = taken_words(class);
    memset(span->taken, 0, words * sizeof(uint64_t));
    if (class->blocks % 64) span->taken[words - 1] = ~UINT64_C(0) << class->blocks % 64;
    *span_out = span;
    return ERROR_OK;
}

static void drop_twin(struct central *central, struct span *span)
{
    span->next = central->unused;
    central->unused = span;
}

enum error central_twin(struct central *central, struct span **span_out)
{
    pthread_mutex_lock(&central->lock);
    enum error error = make_twin(central, span_out);
    pthread_mutex_unlock(&central->lock);
    return error;
}

void central_untwin(struct central *central, struct span *span)
{
    pthread_mutex_lock(&central->lock);
    drop_twin(central, span);
    pthread_mutex_unlock(&central->lock);
}

/* ---- lists ---- */

static void list_span(struct central *central, struct span *span)
{
    span->prev = NULL;
    span->next = central->partial;
    if (span->next) span->next->prev = span;
    central->partial = span;
    span->listed = true;
}

static void unlist_span(struct central *central, struct span *span)
{
    if (span->prev) span->prev->next = span->next;
    else central->partial = span->next;
    if (span->next) span->next->prev = span->prev;
    span->listed = false;
}

/* Words of caches are written under the lock of the class, and read by their owners as a hint without it. */
static void hold(struct span *span, struct span **held)
{
    span->holder = held;
    __atomic_store_n(held, span, __ATOMIC_RELAXED);
}

static void let_go(struct span *span)
{
    if (span->holder) __atomic_store_n(span->holder, NULL, __ATOMIC_RELAXED);
    span->holder = NULL;
}

void central_let_go(struct central *central, struct span **held)
{
    if (!__atomic_load_n(held, __ATOMIC_RELAXED)) return;
    pthread_mutex_lock(&central->lock);
    if (*held) let_go(*held);
    pthread_mutex_unlock(&central->lock);
}

static void release_span(struct central *central, struct pages *pages, struct span *span)
{
    unlist_span(central, span);
    let_go(span);
    pages_release(pages, span->page, sizeclass_table[central->class].pages, NULL);
    drop_twin(central, span);
}

/* A listed span has no taken block left (C4). */
static void span_is_empty(struct central *central, struct pages *pages, struct span *span)
{
    if (!central->spare) central->spare = span;
    else if (central->spare != span) release_span(central, pages, span);
}

void central_drop_spare(struct central *central, struct pages *pages)
{
    pthread_mutex_lock(&central->lock);
    if (central->spare) release_span(central, pages, central->spare);
    central->spare = NULL;
    pthread_mutex_unlock(&central->lock);
}

/* ---- blocks ---- */

/* From a listed span, which leaves the list when it has given its last block. */
static unsigned take_from(struct central *central, struct span *span, unsigned want, uint64_t *offs_out)
{
    const struct sizeclass *class = &sizeclass_table[central->class];
    unsigned count = 0;
    unsigned words = taken_words(class);
    uint64_t start = page_off(span->page);
    for (unsigned word = 0; word < words && count < want; word++) {
        uint64_t free = ~span->taken[word];
        while (free && count < want) {
            unsigned bit = (unsigned)__builtin_ctzl(free);
            free &= free - 1;
            offs_out[count++] = start + (uint64_t)(word * 64 + bit) * class->bytes;
        }
        span->taken[word] = ~free;
    }
    span->free = (uint16_t)(span->free - count);
    if (span->free == 0) {
        unlist_span(central, span);
        let_go(span);
    }
    return count;
}

/* A span to take from; at most one per thread is held, so the search is short. */
static struct span *choose_span(struct central *central, struct span **held, bool share)
{
    if (*held) return *held;
    struct span *span = central->partial;
    while (span && span->holder)
        span = span->next;
    if (span) hold(span, held);
    return span || !share ? span : central->partial;
}

unsigned central_take(struct central *central, struct span **held, bool share, unsigned want,
                      uint64_t *offs_out)
{
    unsigned count = 0;
    struct span *span;
    pthread_mutex_lock(&central->lock);
    while (count < want && (span = choose_span(central, held, share)) != NULL) {
        if (central->spare == span) central->spare = NULL;
        count += take_from(central, span, want - count, offs_out + count);
    }
    pthread_mutex_unlock(&central->lock);
    return count;
}

unsigned central_add(struct central *central, struct span *span, uint32_t page, struct span **held,
                     unsigned want, uint64_t *offs_out)
{
    pthread_mutex_lock(&central->lock);
    span->page = page;
    list_span(central, span);
    if (*held) let_go(*held);
    hold(span, held);
    unsigned count = take_from(central, span, want, offs_out);
    pthread_mutex_unlock(&central->lock);
    return count;
}

void central_give(struct central *central, struct pages *pages, const uint64_t *offs, unsigned count)
{
    const struct sizeclass *class = &sizeclass_table[central->class];
    pthread_mutex_lock(&central->lock);
    for (unsigned i = 0; i < count; i++) {
        struct block block = block_of(pages->base, offs[i]);
        struct span *span = central_span(pages, block.page);
        ASSERT(span && block.class == central->class &&
               (span->taken[block.index / 64] >> block.index % 64 & 1));
        span->taken[block.index / 64] &= ~(UINT64_C(1) << block.index % 64);
        span->free++;
        if (!span->listed) list_span(central, span);
        if (span->free == class->blocks) span_is_empty(central, pages, span);
    }
    pthread_mutex_unlock(&central->lock);
}

/* ---- spans from before this run ---- */

/* Copies the bitmap into a fresh twin. Bits beyond the last block are damage; the twin has them taken anyway.
 */
static void read_bitmap(const struct sizeclass *class, const uint64_t *bitmap, struct span *span)
{
    unsigned free = 0;
    unsigned words = taken_words(class);
    for (unsigned word = 0; word < words; word++) {
        span->taken[word] |= __atomic_load_n(&bitmap[word], __ATOMIC_RELAXED);
        free += 64u - (unsigned)__builtin_popcountl(span->taken[word]);
    }
    span->free = (uint16_t)free;
}

enum error central_adopt(struct central *central, struct pages *pages, uint32_t page, bool at_cursor)
{
    const struct sizeclass *class = &sizeclass_table[central->class];
    struct span *span = NULL;
    pthread_mutex_lock(&central->lock);
    pthread_mutex_lock(&pages->lock);
    struct page_layout entry = page_load(pages->base, page);
    bool stands = entry.kind == PAGE_SPAN && entry.distance == 0 && entry.class == central->class;
    enum error error = ERROR_OK;
    if (stands && !central_span(pages, page) && (!at_cursor || pages->cursor == page)) {
        error = make_twin(central, &span);
        if (!error) {
            span->page = page;
            read_bitmap(class, page_bitmap(pages->base, page), span);
            __atomic_store_n(&pages->notes[page].span, span, __ATOMIC_RELEASE);
        }
    }
    pthread_mutex_unlock(&pages->lock);
    if (span && span->free) list_span(central, span);
    if (span && span->free == class->blocks) span_is_empty(central, pages, span);
    pthread_mutex_unlock(&central->lock);
    return error;
}
