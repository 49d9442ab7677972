/* Transactions: commit, abort, savepoints, hooks, objects and frees, overflow, used bytes. */
#include "fake_heap.h"

#include <pthread.h>

static void test_commit_keeps(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    assert_true(tx_is_open(fake->tx));
    fake_overwrite(fake, 0, 3, "hello");
    assert_int_equal(tx_store64(fake->tx, (uint64_t *)(void *)fake_block(fake, 1), 77), ERROR_OK);
    tx_commit(fake->tx);
    assert_false(tx_is_open(fake->tx));
    assert_memory_equal(fake_block(fake, 0) + 3, "hello", 5);
    assert_int_equal(*(uint64_t *)(void *)fake_block(fake, 1), 77);
    assert_int_equal(fake_lane(fake, 1)->state, 0);
}

static void test_abort_restores(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "first");
    tx_commit(fake->tx);
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "other");
    fake_overwrite(fake, 0, 0, "third");
    assert_int_equal(tx_setbit(fake->tx, fake_word(fake, 100), 5), ERROR_OK);
    tx_abort(fake->tx);
    assert_memory_equal(fake_block(fake, 0), "first", 5);
    assert_int_equal(*fake_word(fake, 100), 0);
    assert_int_equal(fake_lane(fake, 1)->state & ~LANE_SELECTOR, 0);
}

static void test_stores(void **state)
{
    struct fake *fake = *state;
    char *block = fake_block(fake, 0);
    tx_begin(fake->tx);
    assert_int_equal(tx_snapshot(fake->tx, block, FAKE_BLOCK_BYTES), ERROR_OK);
    tx_fill(fake->tx, block, 'x', 8);
    tx_write(fake->tx, block + 8, "abcdefgh", 8);
    tx_move(fake->tx, block + 10, block + 8, 8);
    tx_write64(fake->tx, (uint64_t *)(void *)(block + 24), 9);
    tx_commit(fake->tx);
    assert_memory_equal(block, "xxxxxxxxababcdefgh", 18);
    tx_scratch(fake->tx, block, "clock", 5);
    assert_memory_equal(block, "clock", 5);
}

static void test_bits(void **state)
{
    struct fake *fake = *state;
    uint64_t *word = fake_word(fake, 0);
    tx_begin(fake->tx);
    assert_int_equal(tx_setbit(fake->tx, word, 3), ERROR_OK);
    assert_int_equal(tx_setbit(fake->tx, word, 3), ERROR_OK); /* nothing to undo */
    assert_int_equal(tx_clearbit(fake->tx, word, 4), ERROR_OK);
    tx_commit(fake->tx);
    assert_int_equal(*word, 8);
    tx_begin(fake->tx);
    assert_int_equal(tx_clearbit(fake->tx, word, 3), ERROR_OK);
    tx_begin(fake->system); /* another thread's bit stays (H3) */
    assert_int_equal(tx_setbit(fake->system, word, 0), ERROR_OK);
    tx_commit(fake->system);
    tx_abort(fake->tx);
    assert_int_equal(*word, 9);
}

static void test_objects_and_frees(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_alloc(fake, 7);
    assert_true(fake_is_set(fake, 7));
    tx_write(fake->tx, fake_block(fake, 7), "object", 6);
    tx_commit(fake->tx);
    assert_int_equal(journal_used_bytes(fake->journal), 64);
    assert_int_equal(fake->event_count, 0);

    tx_begin(fake->tx);
    fake_alloc(fake, 8);
    fake_free(fake, 7);
    assert_true(fake_is_set(fake, 7)); /* until the commit */
    tx_commit(fake->tx);
    assert_false(fake_is_set(fake, 7));
    assert_true(fake_is_set(fake, 8));
    assert_string_equal(fake->events[0], "freed 7");
    assert_int_equal(journal_used_bytes(fake->journal), 64);

    tx_begin(fake->tx);
    fake_alloc(fake, 9);
    fake_free(fake, 8);
    tx_abort(fake->tx);
    assert_true(fake_is_set(fake, 8));
    assert_false(fake_is_set(fake, 9));
    assert_string_equal(fake->events[1], "unreserved 9");
    assert_int_equal(fake->event_count, 2);
    assert_int_equal(journal_used_bytes(fake->journal), 64);
}

static void test_taken_block_is_corrupt(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_alloc(fake, 1);
    assert_int_equal(tx_new_object(fake->tx, fake_block_off(1), 64, 64, fake_word(fake, 1), 1),
                     ERROR_CORRUPT);
    assert_int_equal(tx_defer_free(fake->tx, fake_block_off(2), 64, fake_word(fake, 2), 2), ERROR_CORRUPT);
    tx_abort(fake->tx);
}

static void hook(void *arg)
{
    fake_note(arg, "hook", 1);
}

static void other_hook(void *arg)
{
    fake_note(arg, "hook", 2);
}

static void test_hooks(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    assert_int_equal(tx_on_commit(fake->tx, hook, fake), ERROR_OK);
    fake_alloc(fake, 1);
    fake_free(fake, 1); /* allocated and freed by one transaction */
    assert_int_equal(tx_on_commit(fake->tx, other_hook, fake), ERROR_OK);
    tx_commit(fake->tx);
    assert_string_equal(fake->events[0], "freed 1");
    assert_string_equal(fake->events[1], "hook 1");
    assert_string_equal(fake->events[2], "hook 2");
    assert_false(fake_is_set(fake, 1));

    tx_begin(fake->tx); /* hooks run even if nothing was logged */
    assert_int_equal(tx_on_commit(fake->tx, hook, fake), ERROR_OK);
    tx_commit(fake->tx);
    assert_int_equal(fake->event_count, 4);
    tx_begin(fake->tx);
    assert_int_equal(tx_on_commit(fake->tx, hook, fake), ERROR_OK);
    tx_abort(fake->tx);
    assert_int_equal(fake->event_count, 4);
}

static void test_rollback_to_savepoint(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_alloc(fake, 20);
    tx_commit(fake->tx);
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "keep");
    fake_alloc(fake, 1);
    assert_int_equal(tx_on_commit(fake->tx, hook, fake), ERROR_OK);
    struct tx_mark mark = tx_savepoint(fake->tx);
    fake_overwrite(fake, 0, 0, "lose");
    fake_alloc(fake, 2);
    fake_free(fake, 20);
    assert_int_equal(tx_on_commit(fake->tx, other_hook, fake), ERROR_OK);
    tx_rollback_to(fake->tx, mark);
    tx_rollback_to(fake->tx, mark); /* nothing more to take back */
    assert_memory_equal(fake_block(fake, 0), "keep", 4);
    assert_string_equal(fake->events[0], "unreserved 2");
    tx_commit(fake->tx);
    assert_true(fake_is_set(fake, 1) && fake_is_set(fake, 20) && !fake_is_set(fake, 2));
    assert_string_equal(fake->events[1], "hook 1");
    assert_int_equal(fake->event_count, 2);
    assert_int_equal(journal_used_bytes(fake->journal), 128);
}

static void test_rollback_to_the_start(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    struct tx_mark mark = tx_savepoint(fake->tx);
    fake_overwrite(fake, 0, 0, "lose");
    tx_rollback_to(fake->tx, mark);
    assert_int_equal(fake_lane(fake, 1)->state, 0);
    fake_overwrite(fake, 1, 0, "keep");
    tx_commit(fake->tx);
    assert_int_equal(fake_block(fake, 0)[0], 0);
    assert_memory_equal(fake_block(fake, 1), "keep", 4);
}

static void test_arrays_grow(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    for (unsigned block = 0; block < 1000; block++)
        fake_alloc(fake, block);
    tx_commit(fake->tx);
    assert_int_equal(journal_used_bytes(fake->journal), 64000);
    tx_begin(fake->tx);
    fake->event_count = 0;
    for (unsigned block = 0; block < FAKE_EVENTS; block++)
        fake_free(fake, block);
    tx_commit(fake->tx);
    assert_int_equal(journal_used_bytes(fake->journal), 64000 - 64 * FAKE_EVENTS);
}

/* Overwrites every block `rounds` times: each round logs 144 KiB. */
static void overwrite_all(struct fake *fake, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned block = 0; block < FAKE_BLOCKS; block++) {
            assert_int_equal(tx_snapshot(fake->tx, fake_block(fake, block), FAKE_BLOCK_BYTES), ERROR_OK);
            tx_fill(fake->tx, fake_block(fake, block), (int)round + 1, FAKE_BLOCK_BYTES);
        }
}

static void assert_all(struct fake *fake, char byte)
{
    for (unsigned i = 0; i < FAKE_BLOCKS * FAKE_BLOCK_BYTES; i++)
        assert_int_equal(fake_block(fake, 0)[i], byte);
}

static void test_overflow(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    overwrite_all(fake, 5);
    assert_int_equal(fake->extents_alive, 3);
    tx_commit(fake->tx);
    assert_int_equal(fake->extents_alive, 0);
    assert_all(fake, 5);
    tx_begin(fake->tx);
    overwrite_all(fake, 4);
    tx_abort(fake->tx);
    assert_int_equal(fake->extents_alive, 0);
    assert_all(fake, 5);
}

static void test_overflow_and_rollback(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    overwrite_all(fake, 1);
    struct tx_mark in_extent = tx_savepoint(fake->tx);
    overwrite_all(fake, 4);
    tx_rollback_to(fake->tx, in_extent);
    assert_all(fake, 1);
    unsigned alive = fake->extents_alive;
    overwrite_all(fake, 3); /* in the extents that it still has */
    assert_int_equal(fake->extents_alive, alive);
    assert_all(fake, 3);
    tx_rollback_to(fake->tx, in_extent);
    assert_all(fake, 1);
    tx_abort(fake->tx);
    assert_all(fake, 0);
}

static void test_long_snapshot(void **state)
{
    struct fake *fake = *state;
    char *start = fake->map.base + FAKE_BYTES - (2 << 20);
    tx_begin(fake->tx);
    assert_int_equal(tx_snapshot(fake->tx, start, 2 << 20), ERROR_OK);
    assert_int_equal(fake->extents_alive, 1);
    tx_fill(fake->tx, start, 1, 2 << 20);
    tx_abort(fake->tx);
    for (unsigned i = 0; i < 2 << 20; i++)
        assert_int_equal(start[i], 0);
}

static void test_overflow_on_a_full_heap(void **state)
{
    struct fake *fake = *state;
    fake->extents_left = 1;
    tx_begin(fake->tx);
    overwrite_all(fake, 1);
    enum error error = ERROR_OK;
    unsigned calls = 0;
    while (error == ERROR_OK && ++calls < 10000)
        error = tx_snapshot(fake->tx, fake_block(fake, 0), FAKE_BLOCK_BYTES);
    assert_int_equal(error, ERROR_HEAP_FULL);
    assert_all(fake, 1);
    tx_abort(fake->tx);
    assert_all(fake, 0);
    assert_int_equal(fake->extents_alive, 0);
}

static void test_system_lane_never_overflows(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->system);
    enum error error = ERROR_OK;
    unsigned calls = 0;
    while (error == ERROR_OK && ++calls < 10000)
        error = tx_snapshot(fake->system, fake_block(fake, 0), FAKE_BLOCK_BYTES);
    assert_int_equal(error, ERROR_HEAP_FULL);
    tx_abort(fake->system);
}

#define THREADS 3
#define ROUNDS  3000

struct worker {
    struct fake *fake;
    unsigned number;
};

static void ignore_block(void *thread, uint64_t off)
{
    (void)thread, (void)off;
}

/* Blocks of all workers share words of the bitmap (H3). */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct fake *fake = worker->fake;
    struct tx *tx;
    ASSERT(journal_tx_open(fake->journal, 2 + worker->number, fake, &tx) == ERROR_OK);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned block = round % 100 * THREADS + worker->number;
        uint64_t off = fake_block_off(block);
        bool is_set = (__atomic_load_n(fake_word(fake, block), __ATOMIC_RELAXED) >> block % 64 & 1) != 0;
        tx_begin(tx);
        if (is_set) ASSERT(tx_defer_free(tx, off, 64, fake_word(fake, block), block % 64) == ERROR_OK);
        else ASSERT(tx_new_object(tx, off, 64, 64, fake_word(fake, block), block % 64) == ERROR_OK);
        tx_commit(tx);
        (void)journal_used_bytes(fake->journal);
        tx_begin(tx);
        ASSERT(tx_setbit(tx, fake_word(fake, FAKE_BLOCKS), worker->number) == ERROR_OK);
        tx_abort(tx);
    }
    journal_tx_close(tx);
    return NULL;
}

static void test_threads_share_words(void **state)
{
    struct fake *fake = *state;
    fake_close(fake);
    fake->ops.freed = ignore_block;
    fake_reopen(fake);
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){fake, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned block = 0; block < FAKE_BLOCKS + 64; block++)
        assert_false(fake_is_set(fake, block)); /* an even number of visits to each */
    assert_int_equal(journal_used_bytes(fake->journal), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_commit_keeps),
        TEST(test_abort_restores),
        TEST(test_stores),
        TEST(test_bits),
        TEST(test_objects_and_frees),
        TEST(test_taken_block_is_corrupt),
        TEST(test_hooks),
        TEST(test_rollback_to_savepoint),
        TEST(test_rollback_to_the_start),
        TEST(test_arrays_grow),
        TEST(test_overflow),
        TEST(test_overflow_and_rollback),
        TEST(test_long_snapshot),
        TEST(test_overflow_on_a_full_heap),
        TEST(test_system_lane_never_overflows),
        TEST(test_threads_share_words),
    };
    return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
