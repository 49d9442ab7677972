/* journaled_test.c: a running heap changes its mode, and its accounts come along. */
#include "fixture.h"

#include "../../support/addresses.h"
#include "heap/heap_layout.h"
#include "heap/heap_state.h"
#include "journal/wal_internal.h"
#include "pmem/fault.h"

#include <fcntl.h>

#define ROUNDS                                                                                               \
    4 /* of begin and end: owners' selectors differ from those in the file in two of them at least */
#define BLOCKS_MAX 64
#define STEP_BYTES (UINT64_C(64) << 10)

struct blocks {
    uint64_t offs[BLOCKS_MAX];
    size_t count;
};

static void add_blocks(struct fixture *fixture, size_t wanted, struct blocks *blocks)
{
    for (size_t i = 0; i < wanted; i++) {
        assert_true(blocks->count < BLOCKS_MAX);
        blocks->offs[blocks->count++] = fixture_alloc(fixture, 100);
    }
}

static void begin(struct fixture *fixture)
{
    const struct heap_journal_options options = {.wanted = true, .policy = WAL_NO};
    char detail[256] = "";
    enum error error = heap_journal_begin(fixture->heap, &options, detail, sizeof detail);
    if (error) fail_msg("heap_journal_begin: %s: %s", error_text(error), detail);
    assert_int_equal(heap_journal_base(fixture->heap), ERROR_OK);
    assert_int_equal(heap_mode(fixture->heap), HEAP_MODE_JOURNALED);
}

static void end(struct fixture *fixture)
{
    char detail[256] = "";
    enum error error = heap_journal_end(fixture->heap, detail, sizeof detail);
    if (error) fail_msg("heap_journal_end: %s: %s", error_text(error), detail);
    assert_int_equal(heap_mode(fixture->heap), HEAP_MODE_SHARED);
}

/* An odd number of commits while the mapping is private: lanes in the file and their owners disagree afterwards. */
static void test_accounts_come_back_from_a_journal(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    fixture_open(fixture);
    for (size_t round = 0; round < ROUNDS; round++) {
        add_blocks(fixture, 1 + round % 2, &blocks);
        begin(fixture);
        add_blocks(fixture, 3, &blocks);
        fixture_check(fixture, blocks.offs, blocks.count);
        end(fixture);
        fixture_check(fixture, blocks.offs, blocks.count);
        add_blocks(fixture, 1, &blocks);
        fixture_check(fixture, blocks.offs, blocks.count);
    }
    fixture_reopen(fixture);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
}

struct onlooker {
    struct heap *heap;
    atomic_bool stops;
};

static void *look_on(void *arg)
{
    struct onlooker *onlooker = arg;
    struct heap_stats stats;
    uint64_t end = 0;
    for (unsigned turn = 0; !atomic_load_explicit(&onlooker->stops, memory_order_relaxed); turn++) {
        assert_true(heap_end(onlooker->heap) >= end);
        end = heap_end(onlooker->heap);
        if (turn % 1024 != 0) continue; /* the others take locks, which would order all of it */
        heap_stats(onlooker->heap, &stats);
        assert_true(heap_mode(onlooker->heap) != HEAP_MODE_DAX && stats.file_bytes > 0);
    }
    return NULL;
}

/* Both mappings show the same, and one takes the other's place at once. */
static void test_figures_are_there_while_the_mode_changes(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    pthread_t thread;
    fixture_open(fixture);
    add_blocks(fixture, 4, &blocks);
    struct onlooker onlooker = {.heap = fixture->heap};
    assert_int_equal(pthread_create(&thread, NULL, look_on, &onlooker), 0);
    for (size_t round = 0; round < ROUNDS; round++) {
        begin(fixture);
        add_blocks(fixture, 1, &blocks);
        end(fixture);
    }
    onlooker.stops = true;
    pthread_join(thread, NULL);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
}

/* One that was journaled from its first byte on gets its mark when that ends; the checking build (T3) knows of it. */
static void test_a_new_journaled_heap_leaves_its_journal(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    fixture->options.mode = HEAP_MODE_JOURNALED;
    fixture->options.journal = (struct heap_journal_options){.wanted = true, .policy = WAL_NO};
    for (unsigned round = 0; round < 2; round++) { /* the second time it was closed */
        fixture_open(fixture);
        assert_int_equal(heap_mode(fixture->heap), HEAP_MODE_JOURNALED);
        add_blocks(fixture, 3, &blocks);
        end(fixture);
        add_blocks(fixture, 3, &blocks);
        fixture_check(fixture, blocks.offs, blocks.count);
        begin(fixture);
        add_blocks(fixture, 1, &blocks);
        fixture_check(fixture, blocks.offs, blocks.count);
        fixture_close(fixture);
    }
}

/* A lane whose owner leaves after the change is found at rest by the next. */
static void test_a_lane_changes_hands_after_a_journal(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    fixture_open(fixture);
    begin(fixture);
    add_blocks(fixture, 3, &blocks);
    end(fixture);
    heap_thread_close(fixture->thread);
    assert_int_equal(heap_thread_open(fixture->heap, &fixture->thread), ERROR_OK);
    fixture->tx = heap_thread_tx(fixture->thread);
    add_blocks(fixture, 2, &blocks);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_reopen(fixture);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
}

#ifdef CAIRN_CRASHPOINTS
/* The journal's threads, as fast as can be. */
static void apply_all(void *arg)
{
    struct wal *wal = arg;
    wal_step_sync(wal);
    wal_step_apply(wal);
}
#endif

/* X6: a page that the private mapping has not copied yet shows the image, so nothing of a transaction may be left to store when the
 * applier can have its record. */
static void test_a_record_is_the_last_that_a_transaction_does(void **state)
{
#ifdef CAIRN_CRASHPOINTS
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    char detail[256] = "";
    const struct heap_journal_options options = {.wanted = true, .policy = WAL_NO, .no_threads = true};
    fixture_open(fixture);
    add_blocks(fixture, 2, &blocks);
    assert_int_equal(heap_journal_begin(fixture->heap, &options, detail, sizeof detail), ERROR_OK);
    assert_int_equal(heap_journal_base(fixture->heap), ERROR_OK);
    struct wal *wal = atomic_load(&fixture->heap->wal);
    tx_begin(fixture->tx);
    assert_int_equal(heap_free(fixture->tx, blocks.offs[--blocks.count]), ERROR_OK);
    pmem_fault_watch(apply_all, wal);
    tx_commit(fixture->tx); /* asserts that each freed block's bit was set */
    pmem_fault_watch(NULL, NULL);
    assert_true(atomic_load(&wal->applied) > 0);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
#else
    (void)state;
    skip();
#endif
}

static enum error begin_within(struct fixture *fixture, uint64_t more_addresses)
{
    const struct heap_journal_options options = {.wanted = true, .policy = WAL_NO, .segment_bytes = 65536};
    char detail[256] = "";
    struct rlimit before = addresses_limit(more_addresses);
    enum error error = heap_journal_begin(fixture->heap, &options, detail, sizeof detail);
    addresses_unlimit(&before);
    return error;
}

/* Without addresses for the image, then for a segment, for a thread, the next one: each time the heap stays as it was, and the
 * next try finds nothing in its way. */
static void test_a_journal_that_cannot_begin_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    unsigned failures = 0;
    if (!LIMITS_ADDRESSES) skip();
    fixture_open(fixture);
    add_blocks(fixture, 1, &blocks);
    uint64_t more = FIXTURE_RESERVE_BYTES;
    while (begin_within(fixture, more)) {
        assert_int_equal(heap_mode(fixture->heap), HEAP_MODE_SHARED);
        if (failures++ < BLOCKS_MAX / 2) add_blocks(fixture, 1, &blocks);
        fixture_check(fixture, blocks.offs, blocks.count);
        more += STEP_BYTES;
        assert_true(more < 2 * FIXTURE_RESERVE_BYTES);
    }
    assert_true(failures > 1);
    assert_int_equal(heap_journal_base(fixture->heap), ERROR_OK);
    add_blocks(fixture, 1, &blocks);
    end(fixture);
    fixture_reopen(fixture);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
}

/* The heap's addresses and as many for its journal are all there may be. */
static void test_a_journal_ends_without_more_addresses(void **state)
{
    struct fixture *fixture = *state;
    struct blocks blocks = {0};
    if (!LIMITS_ADDRESSES) skip();
    fixture_open(fixture);
    begin(fixture);
    add_blocks(fixture, 1, &blocks);
    struct rlimit before = addresses_limit(FIXTURE_RESERVE_BYTES / 2);
    end(fixture);
    addresses_unlimit(&before);
    add_blocks(fixture, 1, &blocks);
    fixture_check(fixture, blocks.offs, blocks.count);
    fixture_close(fixture);
}

/* A file that lost the notes of its journal is no clean heap, even if it was one before it got a journal. */
static void test_damaged_notes_are_not_trusted(void **state)
{
    struct fixture *fixture = *state;
    static const char zeros[WAL_NOTE_BYTES];
    fixture_open(fixture);
    fixture_close(fixture);
    fixture->options.mode = HEAP_MODE_JOURNALED;
    fixture->options.journal = (struct heap_journal_options){.wanted = true, .segment_bytes = 65536};
    fixture_open(fixture);
    fixture_alloc(fixture, 100);
    fixture_close(fixture);
    int fd = open(fixture->path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, HEAP_NOTES_OFF), sizeof zeros);
    close(fd);
    fixture->options.boot_id = "the boot after it";
    fixture->options.on_unclean = HEAP_UNCLEAN_REFUSE;
    assert_int_equal(heap_open(&fixture->options, &fixture->heap, &fixture->report), ERROR_UNCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first: libc keeps the stacks of threads that ended. */
        cmocka_unit_test_setup_teardown(test_a_journal_that_cannot_begin_leaves_nothing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_accounts_come_back_from_a_journal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_figures_are_there_while_the_mode_changes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_new_journaled_heap_leaves_its_journal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_lane_changes_hands_after_a_journal, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_journal_ends_without_more_addresses, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_notes_are_not_trusted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_record_is_the_last_that_a_transaction_does, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
