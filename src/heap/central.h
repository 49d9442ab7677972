/* central.h: the spans of a size class that have free blocks. Volatile.
 *
 * Terms: the *twin* of a span is what this run of the program knows about it: which blocks are *taken*, that
 * is allocated, or reserved in a thread's cache. It is built once, from the bitmap, and is then the truth.
 *
 * Invariants:
 * C1. While a span has no twin, none of its bits changes: a block is freed only after its span got a twin
 *     (central_adopt in heap_free, before the transaction may clear the bit), and allocated only out of one.
 *     So a twin built from the bitmap never takes a block for free that is on its way into a cache.
 * C2. A set bit's block is taken. A taken block with a clear bit is in a cache, or its free is being
 *     committed.
 * C3. The twin of a span is the note of its first page; it appears and goes under the lock of struct pages
 *     and the class's lock.
 * C4. A class keeps at most one span without a taken block (the *spare*); others go back to the free runs.
 * C5. A cache draws from a span of its own while there is one to have (it *holds* the span), so that two
 *     threads do not write into the same line of a bitmap all the time. Holding is a hint: anyone may give
 *     blocks back, and when memory is short a held span serves others too.
 */
#ifndef CAIRN_HEAP_CENTRAL_H
#define CAIRN_HEAP_CENTRAL_H

#include "heap/pages.h"
#include "heap/sizeclass.h"

#include <pthread.h>

/* A span's twin. */
struct span {
    struct span *next; /* in the list of spans with free blocks, or of unused twins */
    struct span *prev;
    struct span **holder; /* the word of the cache that holds it, or NULL; both under the class's lock (C5) */
    uint32_t page;
    uint16_t free;
    bool listed;
    uint64_t taken[]; /* a bit per block; bits beyond the last block are set */
};

struct central {
    pthread_mutex_t lock;
    unsigned class;
    struct span *partial; /* spans with free blocks */
    struct span *spare;   /* the one of them that is all free, if any */
    struct span *unused;  /* twins for the spans to come */
    struct twin_slab *slabs;
} __attribute__((aligned(64)));

void central_open(struct central *central, unsigned class);
/* Frees all twins; no span may be asked for afterwards. */
void central_close(struct central *central);

/* Takes up to `want` blocks: of the span that *held names, else of one that nobody holds, which is then held,
 * else if `share` of any. Returns how many. */
unsigned central_take(struct central *central, struct span **held, bool share, unsigned want,
                      uint64_t *offs_out);
/* Lets go of the span that *held names, if any. */
void central_let_go(struct central *central, struct span **held);
/* Gives blocks of this class back, whose bits are clear. */
void central_give(struct central *central, struct pages *pages, const uint64_t *offs, unsigned count);
/* Makes the twin of a span from before this run, if it has none yet; `page` is its first. For an allocated
 * block's span at any time; else only with `at_cursor`: nothing happens then unless the rebuild's cursor
 * stands on it. */
MUST_CHECK enum error central_adopt(struct central *central, struct pages *pages, uint32_t page,
                                    bool at_cursor);
/* Gives the spare's pages back. */
void central_drop_spare(struct central *central, struct pages *pages);

/* A new span: get a twin, carve pages with it as their note, then add it. Adding holds it and takes up to
 * `want` of its blocks (at least one) for the caller and returns how many. */
MUST_CHECK enum error central_twin(struct central *central, struct span **span_out);
unsigned central_add(struct central *central, struct span *span, uint32_t page, struct span **held,
                     unsigned want, uint64_t *offs_out);
/* The twin was not needed after all. */
void central_untwin(struct central *central, struct span *span);

static inline struct span *central_span(const struct pages *pages, uint32_t page)
{
    return __atomic_load_n(&pages->notes[page].span, __ATOMIC_ACQUIRE);
}

#endif
