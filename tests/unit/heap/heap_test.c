/* heap_test.c: opening, allocating, freeing, and what survives closing. */
#include "fixture.h"

#include <sys/wait.h>

#define BLOCKS 4000

static void test_roots_and_seed_survive(void **state)
{
    struct fixture *fixture = *state;
    uint8_t seed[HEAP_SEED_BYTES];
    fixture_open(fixture);
    assert_true(fixture->report.created);
    memcpy(seed, heap_seed(fixture->heap), sizeof(seed));
    uint64_t off = fixture_alloc(fixture, 100);
    tx_begin(fixture->tx);
    assert_int_equal(heap_root_set(fixture->tx, HEAP_ROOTS - 1, heap_off_make(off, 7)), ERROR_OK);
    tx_commit(fixture->tx);
    tx_begin(fixture->tx);
    assert_int_equal(heap_root_set(fixture->tx, 0, heap_off_make(off, 1)), ERROR_OK);
    tx_abort(fixture->tx);

    fixture_reopen(fixture);
    assert_false(fixture->report.created);
    assert_true(fixture->report.was_clean);
    assert_memory_equal(seed, heap_seed(fixture->heap), sizeof(seed));
    assert_int_equal(heap_root(fixture->heap, 0).raw, 0);
    assert_int_equal(heap_off_get(heap_root(fixture->heap, HEAP_ROOTS - 1)), off);
    assert_int_equal(heap_off_tag(heap_root(fixture->heap, HEAP_ROOTS - 1)), 7);
    fixture_check(fixture, &off, 1);
    fixture_close(fixture);
}

static size_t random_size(uint32_t *random)
{
    uint32_t shape = fixture_random(random) % 100;
    if (shape < 70) return 1 + fixture_random(random) % 256;
    if (shape < 95) return 1 + fixture_random(random) % 32768;
    return 32769 + fixture_random(random) % 500000;
}

static void churn(struct fixture *fixture, uint64_t *offs, unsigned rounds, uint32_t *random)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t *off = &offs[fixture_random(random) % BLOCKS];
        tx_begin(fixture->tx);
        uint64_t old = *off;
        uint64_t new = 0;
        if (old) assert_int_equal(heap_free(fixture->tx, old), ERROR_OK);
        if (fixture_random(random) % 3) {
            size_t size = random_size(random);
            assert_int_equal(heap_alloc(fixture->tx, size, &new), ERROR_OK);
            assert_true(heap_usable_size(fixture->heap, new) >= size);
            assert_int_equal(heap_usable_size(fixture->heap, new), heap_good_size(size));
            tx_fill(fixture->tx, heap_ptr(fixture->heap, new), (int)(i & 255), size);
        }
        if (fixture_random(random) % 8 == 0) {
            tx_abort(fixture->tx);
        } else {
            tx_commit(fixture->tx);
            *off = new;
        }
        if (i % 1000 == 999) heap_thread_trim(fixture->thread);
    }
}

static void test_random_churn(void **state)
{
    struct fixture *fixture = *state;
    uint64_t *offs = calloc(BLOCKS, sizeof(*offs));
    uint32_t random = 12345;
    fixture_open(fixture);
    for (unsigned round = 0; round < 6; round++) {
        churn(fixture, offs, 10000, &random);
        fixture_check(fixture, offs, BLOCKS);
        if (round % 2) fixture_reopen(fixture);
        for (unsigned i = 0; round == 3 && heap_background_step(fixture->thread); i++)
            assert_true(i < 1000000);
        fixture_check(fixture, offs, BLOCKS);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        if (offs[i]) fixture_free(fixture, offs[i]);
    assert_int_equal(heap_used_bytes(fixture->heap), 0);
    fixture_check(fixture, NULL, 0);
    fixture_close(fixture);
    free(offs);
}

static void test_alignment_and_limits(void **state)
{
    struct fixture *fixture = *state;
    uint64_t off;
    fixture_open(fixture);
    for (size_t size = 1; size <= 40000; size += 7) {
        tx_begin(fixture->tx);
        assert_int_equal(heap_alloc(fixture->tx, size, &off), ERROR_OK);
        assert_int_equal(off % 8, 0);
        if (heap_good_size(size) % 16 == 0) assert_int_equal(off % 16, 0);
        assert_true(heap_holds(fixture->heap, off, size));
        assert_false(heap_holds(fixture->heap, off, heap_good_size(size) + 1));
        tx_abort(fixture->tx);
        assert_false(heap_holds(fixture->heap, off, 1));
    }
    tx_begin(fixture->tx);
    assert_int_equal(heap_alloc(fixture->tx, HEAP_OBJECT_MAX + 1, &off), ERROR_TOO_LARGE);
    tx_abort(fixture->tx);
    assert_false(heap_holds(fixture->heap, 0, 1));
    assert_false(heap_holds(fixture->heap, 4096, 1));
    assert_false(heap_holds(fixture->heap, UINT64_C(1) << 47, 1));
    fixture_close(fixture);
}

static void test_check_finds_what_a_walk_misses(void **state)
{
    struct fixture *fixture = *state;
    struct heap_check_result result;
    fixture_open(fixture);
    uint64_t offs[3] = {fixture_alloc(fixture, 64), fixture_alloc(fixture, 64),
                        fixture_alloc(fixture, 100000)};

    struct fixture_blocks two = {offs, 2};
    assert_int_equal(heap_check(fixture->heap, fixture_walk, &two, &result), ERROR_CORRUPT);
    assert_int_equal(result.blocks, 3);
    assert_int_equal(result.leaked, 1);

    uint64_t wrong[5] = {offs[0], offs[1], offs[2], offs[0], offs[1] + 8};
    struct fixture_blocks five = {wrong, 5};
    assert_int_equal(heap_check(fixture->heap, fixture_walk, &five, &result), ERROR_CORRUPT);
    assert_int_equal(result.doubly_owned, 1);
    assert_int_equal(result.dangling, 1);
    assert_int_equal(result.leaked, 0);
    fixture_close(fixture);
}

/* A process that dies in the middle of things leaves what it committed. */
static void test_death_without_close(void **state)
{
    struct fixture *fixture = *state;
    pid_t pid = fork();
    if (pid == 0) {
        fixture_open(fixture);
        for (unsigned i = 0; i < 1000; i++) {
            uint64_t off;
            tx_begin(fixture->tx);
            if (heap_alloc(fixture->tx, 48, &off)) _exit(1);
            struct heap_off below = heap_root(fixture->heap, 0);
            tx_write(fixture->tx, heap_ptr(fixture->heap, off), &below, sizeof(below));
            if (heap_root_set(fixture->tx, 0, heap_off_make(off, 0))) _exit(1);
            if (i == 999) _exit(0); /* the last one is not committed */
            tx_commit(fixture->tx);
        }
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_open(fixture);
    assert_false(fixture->report.was_clean);
    assert_int_equal(fixture->report.lanes_undone, 1);
    uint64_t offs[1000];
    size_t count = 0;
    uint64_t off = heap_off_get(heap_root(fixture->heap, 0));
    while (off && count < 1000) {
        offs[count++] = off;
        off = heap_off_get(*(const struct heap_off *)heap_ptr(fixture->heap, off));
    }
    assert_int_equal(count, 999);
    fixture_check(fixture, offs, count);
    fixture_close(fixture);
}

static void test_second_process_is_kept_out(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    pid_t pid = fork();
    if (pid == 0) {
        struct heap *heap;
        struct heap_report report;
        enum error error = heap_open(&fixture->options, &heap, &report);
        _exit(error == ERROR_IN_USE && report.detail[0] ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_close(fixture);
}

static void test_lanes_run_out(void **state)
{
    struct fixture *fixture = *state;
    struct heap_thread *threads[80];
    unsigned count = 0;
    enum error error = ERROR_OK;
    fixture_open(fixture);
    while (count < 80 && !(error = heap_thread_open(fixture->heap, &threads[count])))
        count++;
    assert_int_equal(error, ERROR_NO_LANE);
    assert_int_equal(count, 62);
    while (count)
        heap_thread_close(threads[--count]);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roots_and_seed_survive, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_random_churn, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_alignment_and_limits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_check_finds_what_a_walk_misses, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_death_without_close, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_second_process_is_kept_out, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lanes_run_out, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
