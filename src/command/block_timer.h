/* block_timer.h: when the waits of a worker's clients are over: a heap by deadline. The worker's thread alone.
 *
 * Invariant:
 * A1. A waiter with a deadline is in the heap of its worker from its beginning until it is home, claimed or not.
 */
#ifndef CAIRN_COMMAND_BLOCK_TIMER_H
#define CAIRN_COMMAND_BLOCK_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiter;

struct block_timers { /* zeroed memory is an empty heap */
    struct waiter **heap;
    size_t count;
    size_t cap;
};

/* Makes room for one more; false: no memory. */
bool block_timer_reserve(struct block_timers *timers);
/* True when it is the first one now. There is room. */
bool block_timer_add(struct block_timers *timers, struct waiter *waiter);
void block_timer_remove(struct block_timers *timers, struct waiter *waiter);
/* The one whose deadline comes first; NULL: none. */
struct waiter *block_timer_first(const struct block_timers *timers);
void block_timer_free(struct block_timers *timers);

#endif
