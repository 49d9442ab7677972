/* wait.h: bounded waits for something to come true. No test may depend on how fast the machine is: what must come is waited for
 * with this patience, which only a failure ever uses up. */
#ifndef CAIRN_TESTS_SUPPORT_WAIT_H
#define CAIRN_TESTS_SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WAIT_SECONDS    60
#define WAIT_POLL_NS    2000000
#define WAIT_CHILD_SECS 600 /* the life of a helper process that something has gone wrong with */

static inline int64_t wait_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sleeps a little; false when the patience that began at `since_ms` is used up. */
static inline bool wait_more(int64_t since_ms)
{
    nanosleep(&(struct timespec){.tv_nsec = WAIT_POLL_NS}, NULL);
    return wait_now_ms() - since_ms < WAIT_SECONDS * 1000;
}

/* Evaluates the condition until it is true or the patience is used up; its last value. */
#define WAIT_FOR(condition)                                                                                  \
    ({                                                                                                       \
        int64_t wait_since_ms = wait_now_ms();                                                               \
        bool wait_done;                                                                                      \
        while (!(wait_done = (condition)) && wait_more(wait_since_ms))                                       \
            continue;                                                                                        \
        wait_done;                                                                                           \
    })

#endif
