/* gate.c: the slow paths of the gate.
 *
 * Lock order: `exclusive` before nothing; it is held for as long as `closed` is set, so a shared entrant that
 * finds the gate closed waits by taking the mutex, and enters while it holds it: no exclusive can close the
 * gate in between.
 */
#include "command/gate.h"

#include "util/assert.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define SPINS_BEFORE_SLEEP 64
#define SLEEP_US           20

enum error gate_open(struct gate *gate, unsigned slots)
{
    gate->slots = aligned_alloc(GATE_CACHE_LINE, slots * sizeof *gate->slots);
    if (!gate->slots) return ERROR_MEMORY;
    gate->slot_count = slots;
    for (unsigned i = 0; i < slots; i++)
        atomic_init(&gate->slots[i].inside, 0);
    atomic_init(&gate->closed, 0);
    pthread_mutex_init(&gate->exclusive, NULL);
    return ERROR_OK;
}

void gate_close(struct gate *gate)
{
    if (!gate->slots) return;
    pthread_mutex_destroy(&gate->exclusive);
    free(gate->slots);
    gate->slots = NULL;
}

void gate_wait_shared(struct gate *gate, unsigned slot)
{
    atomic_store_explicit(&gate->slots[slot].inside, 0, memory_order_seq_cst); /* G2: let the exclusive in */
    pthread_mutex_lock(&gate->exclusive);
    ASSERT(atomic_load_explicit(&gate->closed, memory_order_relaxed) == 0);
    atomic_store_explicit(&gate->slots[slot].inside, 1, memory_order_seq_cst);
    pthread_mutex_unlock(&gate->exclusive);
}

void gate_enter_exclusive(struct gate *gate)
{
    pthread_mutex_lock(&gate->exclusive);
    atomic_store_explicit(&gate->closed, 1, memory_order_seq_cst);
    for (unsigned i = 0; i < gate->slot_count; i++) { /* G1; each stay inside is bounded, so this ends */
        for (unsigned spins = 0; atomic_load_explicit(&gate->slots[i].inside, memory_order_seq_cst) != 0;) {
            if (++spins < SPINS_BEFORE_SLEEP) sched_yield();
            else usleep(SLEEP_US);
        }
    }
}

void gate_leave_exclusive(struct gate *gate)
{
    atomic_store_explicit(&gate->closed, 0, memory_order_seq_cst);
    pthread_mutex_unlock(&gate->exclusive);
}
