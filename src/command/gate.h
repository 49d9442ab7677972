/* gate.h: who may be in the keyspace: many at once (shared), or one alone (exclusive) (DESIGN §5).
 *
 * Terms: a *slot* belongs to one thread (a worker or a background thread) and is a cache line of its own; a
 * thread is *inside* while its slot says so.
 *
 * Invariants:
 * G1. While a thread is inside exclusively no slot is inside.
 * G2. An exclusive that waits for the slots to empty lets nobody new in.
 * G3. Nobody upgrades: a thread leaves before it enters in the other way, and holds no stripe lock when it
 *     enters.
 */
#ifndef CAIRN_COMMAND_GATE_H
#define CAIRN_COMMAND_GATE_H

#include "util/error.h"

#include <pthread.h>
#include <stdatomic.h>

#define GATE_CACHE_LINE 64

struct gate_slot {
    _Alignas(GATE_CACHE_LINE) atomic_uint inside;
};

struct gate {
    struct gate_slot *slots;
    unsigned slot_count;
    _Alignas(GATE_CACHE_LINE) atomic_uint closed; /* an exclusive is inside or waits for the slots */
    pthread_mutex_t exclusive;                    /* held while closed */
};

MUST_CHECK enum error gate_open(struct gate *gate, unsigned slots);
void gate_close(struct gate *gate);

void gate_wait_shared(struct gate *gate, unsigned slot);

/* One locked store and one load while no exclusive is about. */
static inline void gate_enter_shared(struct gate *gate, unsigned slot)
{
    atomic_store_explicit(&gate->slots[slot].inside, 1, memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&gate->closed, memory_order_seq_cst) != 0, 0))
        gate_wait_shared(gate, slot);
}

static inline void gate_leave_shared(struct gate *gate, unsigned slot)
{
    atomic_store_explicit(&gate->slots[slot].inside, 0, memory_order_release);
}

void gate_enter_exclusive(struct gate *gate);
void gate_leave_exclusive(struct gate *gate);

#endif
