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
    (void)worker;
    return 0; /* there is one journal at most, and none yet that could be asked */
}

bool durability_reached(const struct worker *worker, uint64_t mark)
{
    (void)mark;
    return heap_mode(keyspace_heap(worker->keyspace)) == HEAP_MODE_DAX; /* durable when it has committed */
}
