/* gate_test.c: many inside together, one inside alone (G1, G2), under threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/gate.h"

#include <pthread.h>
#include <stdbool.h>

#define THREADS 4
#define ROUNDS  20000

struct gate_test {
    struct gate gate;
    uint64_t shared_cells[THREADS][16]; /* each written by its thread while inside shared: 128 bytes apart */
    uint64_t alone;                     /* written inside exclusively only; unprotected otherwise */
    atomic_uint inside_shared;
    atomic_uint faults;
};

struct thread_args {
    struct gate_test *test;
    unsigned slot;
};

/* Mostly shared; each tenth round alone, reading what all the others wrote. */
static void *work(void *arg)
{
    struct thread_args *args = arg;
    struct gate_test *test = args->test;
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % 10 != args->slot) {
            gate_enter_shared(&test->gate, args->slot);
            atomic_fetch_add_explicit(&test->inside_shared, 1, memory_order_relaxed);
            test->shared_cells[args->slot][0]++;
            if (test->alone > (uint64_t)ROUNDS * THREADS) atomic_fetch_add(&test->faults, 1);
            atomic_fetch_sub_explicit(&test->inside_shared, 1, memory_order_relaxed);
            gate_leave_shared(&test->gate, args->slot);
        } else {
            gate_enter_exclusive(&test->gate);
            if (atomic_load_explicit(&test->inside_shared, memory_order_relaxed) != 0)
                atomic_fetch_add(&test->faults, 1);
            uint64_t sum = test->alone;
            for (unsigned i = 0; i < THREADS; i++)
                sum += test->shared_cells[i][0];
            test->alone = sum > 0 ? test->alone + 1 : test->alone;
            gate_leave_exclusive(&test->gate);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static struct gate_test test;
    pthread_t threads[THREADS];
    struct thread_args args[THREADS];
    assert_int_equal(gate_open(&test.gate, THREADS), ERROR_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        args[i] = (struct thread_args){&test, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &args[i]), 0);
    }
    uint64_t shared = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        shared += test.shared_cells[i][0];
    }
    assert_int_equal(atomic_load(&test.faults), 0);
    assert_int_equal(shared, THREADS * ROUNDS / 10 * 9);
    assert_true(test.alone <= THREADS * ROUNDS / 10 && test.alone >= THREADS * ROUNDS / 10 - THREADS);
    gate_close(&test.gate);
}

static void *enter_alone(void *arg)
{
    struct gate *gate = arg;
    gate_enter_exclusive(gate);
    gate_leave_exclusive(gate);
    return NULL;
}

/* G2: an exclusive waits for the one inside, then all can go on. */
static void test_exclusive_waits(void **state)
{
    (void)state;
    struct gate gate;
    pthread_t thread;
    assert_int_equal(gate_open(&gate, 2), ERROR_OK);
    gate_enter_shared(&gate, 0);
    assert_int_equal(pthread_create(&thread, NULL, enter_alone, &gate), 0);
    while (atomic_load(&gate.closed) == 0)
        ;
    gate_leave_shared(&gate, 0);
    gate_enter_shared(&gate, 1);
    gate_leave_shared(&gate, 1);
    pthread_join(thread, NULL);
    gate_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_exclusive_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
