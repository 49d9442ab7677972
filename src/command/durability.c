/* durability.c: what the heap's medium promises (durability.h). */
#include "command/durability.h"

#include "command/server_state.h"
#include "heap/heap.h"

bool durability_is_wanted(const struct worker *worker)
{
    return atomic_load_explicit(&worker->server->settings->appendonly, memory_order_relaxed);
}

uint64_t durability_mark(const struct worker *worker)
{
    return heap_lsn(worker->thread);
}

bool durability_reached(const struct worker *worker, uint64_t mark)
{
    const struct heap *heap = keyspace_heap(worker->keyspace);
    if (!durability_is_wanted(worker)) return heap_mode(heap) == HEAP_MODE_DAX;
    switch (heap_mode(heap)) {
    case HEAP_MODE_JOURNALED: return heap_await_durable(worker->thread, mark);
    case HEAP_MODE_DAX: return true;           /* durable when it has committed */
    default: return !heap_wants_journal(heap); /* in memory it is as durable as anything there: an fsync does nothing more */
    }
}
