/* spinlock.h: a lock of one word for short holds: spins a little, then sleeps in the kernel.
 *
 * States: 0 free, 1 held, 2 held and somebody may sleep on it. Not recursive, not fair. Zeroed memory is a
 * free lock.
 */
#ifndef CAIRN_UTIL_SPINLOCK_H
#define CAIRN_UTIL_SPINLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    _Atomic uint32_t state;
};

void spinlock__wait(struct spinlock *lock);
void spinlock__wake(struct spinlock *lock);

static inline void spinlock_lock(struct spinlock *lock)
{
    uint32_t expected = 0;
    if (!atomic_compare_exchange_strong_explicit(&lock->state, &expected, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        spinlock__wait(lock);
}

static inline void spinlock_unlock(struct spinlock *lock)
{
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) spinlock__wake(lock);
}

#endif
