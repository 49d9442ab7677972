/* The spin lock: counting under it with more threads than CPUs, so that some sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/spinlock.h"

#include <pthread.h>
#include <sched.h>

#define THREADS 8
#define ROUNDS  20000

struct counter {
    struct spinlock lock;
    uint64_t count;
};

static void *count_up(void *arg)
{
    struct counter *counter = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        spinlock_lock(&counter->lock);
        uint64_t count = counter->count;
        if (i % 512 == 0) sched_yield(); /* held for long: the others go to sleep */
        counter->count = count + 1;
        spinlock_unlock(&counter->lock);
    }
    return NULL;
}

static void one_thread_at_a_time(void **state)
{
    (void)state;
    struct counter counter = {0};
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &counter), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(counter.count, THREADS * ROUNDS);
    assert_int_equal(counter.lock.state, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_thread_at_a_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
