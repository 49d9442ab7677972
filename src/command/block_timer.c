/* block_timer.c: a binary heap; each waiter knows its place in it (block_timer.h). */
#include "command/block_timer.h"

#include "command/block_table.h"
#include "util/assert.h"

#include <stdlib.h>

#define FIRST_CAP 16

bool block_timer_reserve(struct block_timers *timers)
{
    if (timers->count < timers->cap) return true;
    size_t cap = timers->cap ? timers->cap * 2 : FIRST_CAP;
    struct waiter **heap = realloc(timers->heap, cap * sizeof *heap);
    if (!heap) return false;
    timers->heap = heap;
    timers->cap = cap;
    return true;
}

static void put(struct block_timers *timers, size_t at, struct waiter *waiter)
{
    timers->heap[at] = waiter;
    waiter->heap_index = at;
}

static size_t rise(struct block_timers *timers, size_t at, const struct waiter *waiter)
{
    while (at > 0 && timers->heap[(at - 1) / 2]->deadline_ms > waiter->deadline_ms) {
        put(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return at;
}

static size_t sink(struct block_timers *timers, size_t at, const struct waiter *waiter)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timers->count) return at;
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->deadline_ms < timers->heap[child]->deadline_ms)
            child++;
        if (timers->heap[child]->deadline_ms >= waiter->deadline_ms) return at;
        put(timers, at, timers->heap[child]);
        at = child;
    }
}

bool block_timer_add(struct block_timers *timers, struct waiter *waiter)
{
    ASSERT(timers->count < timers->cap);
    size_t at = rise(timers, timers->count++, waiter);
    put(timers, at, waiter);
    return at == 0;
}

void block_timer_remove(struct block_timers *timers, struct waiter *waiter)
{
    size_t at = waiter->heap_index;
    ASSERT(at < timers->count && timers->heap[at] == waiter);
    struct waiter *last = timers->heap[--timers->count];
    if (last == waiter) return;
    size_t risen = rise(timers, at, last);
    put(timers, risen == at ? sink(timers, at, last) : risen, last);
}

struct waiter *block_timer_first(const struct block_timers *timers)
{
    return timers->count > 0 ? timers->heap[0] : NULL;
}

void block_timer_free(struct block_timers *timers)
{
    free(timers->heap);
    *timers = (struct block_timers){0};
}
