/* Large runs whose bit is clear while somebody needs them: the rebuild beside must leave them alone. */
#include "../unit/heap/fixture.h"

#include <pthread.h>

#define VALUE_BYTES (UINT64_C(1) << 20)
#define ROUNDS      8
#define RUNS        400
#define RUN_BYTES   40000

static void rebuild(struct heap_thread *thread)
{
    for (unsigned i = 0; i < 100000 && heap_background_step(thread); i++)
        continue;
}

/* An overflow extent belongs to nobody's data, so its bit is clear; an abort reads it all the same. */
static void test_an_extent_outlives_the_rebuild(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    uint64_t offs[9] = {fixture_alloc(fixture, VALUE_BYTES)};
    tx_begin(fixture->tx);
    tx_fill(fixture->tx, heap_ptr(fixture->heap, offs[0]), 'a', VALUE_BYTES);
    tx_commit(fixture->tx);
    fixture_reopen(fixture);

    char *value = heap_ptr(fixture->heap, offs[0]);
    tx_begin(fixture->tx);
    for (size_t at = 0; at < VALUE_BYTES; at += 4096)
        assert_int_equal(tx_snapshot(fixture->tx, value + at, 4096), ERROR_OK);
    tx_fill(fixture->tx, value, 'b', VALUE_BYTES);

    struct heap_thread *other;
    assert_int_equal(heap_thread_open(fixture->heap, &other), ERROR_OK);
    rebuild(other);
    struct tx *tx = heap_thread_tx(other);
    tx_begin(tx);
    for (unsigned i = 1; i < 9; i++) {
        assert_int_equal(heap_alloc(tx, VALUE_BYTES / 4, &offs[i]), ERROR_OK);
        tx_fill(tx, heap_ptr(fixture->heap, offs[i]), 'c', VALUE_BYTES / 4);
    }
    tx_commit(tx);
    heap_thread_close(other);

    tx_abort(fixture->tx);
    for (size_t at = 0; at < VALUE_BYTES; at++)
        if (value[at] != 'a') fail_msg("byte %zu was not restored", at);
    fixture_check(fixture, offs, 9);
    fixture_close(fixture);
}

static void *rebuild_all(void *heap)
{
    struct heap_thread *thread;
    if (heap_thread_open(heap, &thread) != ERROR_OK) return NULL;
    rebuild(thread);
    heap_thread_close(thread);
    return NULL;
}

/* Between the clearing of a freed run's bit and its return it looks like what a crash left carved. */
static void test_freed_runs_go_back_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offs[RUNS];
    fixture_open(fixture);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < RUNS; i++)
            offs[i] = fixture_alloc(fixture, RUN_BYTES);
        fixture_reopen(fixture);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, rebuild_all, fixture->heap), 0);
        for (unsigned i = 0; i < RUNS; i++) /* towards the cursor and with it */
            fixture_free(fixture, offs[round % 2 ? i : RUNS - 1 - i]);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fixture_check(fixture, NULL, 0);
    }
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_extent_outlives_the_rebuild, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_freed_runs_go_back_once, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
