/* The checking build (T3): undeclared stores abort and name their object, declared ones pass. */
#include "fake_heap.h"

#ifdef CAIRN_TXCHECK

#include "journal/redo.h"
#include "journal/shadow.h"

#include <signal.h>
#include <sys/wait.h>

static void test_declared_changes_pass(void **state)
{
    struct fake *fake = *state;
    for (unsigned round = 0; round < 500; round++) {
        tx_begin(fake->tx);
        unsigned block = round % 1000;
        fake_alloc(fake, block);
        tx_fill(fake->tx, fake_block(fake, block), (int)round, FAKE_BLOCK_BYTES);
        fake_overwrite(fake, 1500, 1, "overwritten");
        if (round > 0) fake_free(fake, block - 1);
        fake->event_count = 0;
        tx_commit(fake->tx);
        tx_scratch(fake->tx, fake_block(fake, 1600), "clock", 5);
    }
    journal_shadow_compare(fake->journal);
}

static void test_aborted_objects_and_extents_pass(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_alloc(fake, 3);
    tx_fill(fake->tx, fake_block(fake, 3), 'x', FAKE_BLOCK_BYTES);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(tx_snapshot(fake->tx, fake_block(fake, 10), 100000), ERROR_OK);
    tx_fill(fake->tx, fake_block(fake, 10), 'y', 100000);
    tx_abort(fake->tx);
    journal_shadow_compare(fake->journal);
}

#define CHANGED  "changed outside of any transaction"
#define TOO_SOON "appended before all of it was stored"

/* Runs `damage` in a child, which must abort, in the comparison after it if not before, and say that and where. */
static void assert_caught(struct fake *fake, void (*damage)(struct fake *fake), const char *what,
                          const char *where)
{
    fflush(NULL);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_fds[1], STDERR_FILENO);
        journal_shadow_compare(fake->journal); /* takes the signal back from the test runner */
        damage(fake);
        journal_shadow_compare(fake->journal);
        _exit(0);
    }
    close(pipe_fds[1]);
    char text[1024] = "";
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(pipe_fds[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    close(pipe_fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, what));
    assert_non_null(strstr(text, where));
}

static void store_without_tx(struct fake *fake)
{
    fake_block(fake, 12)[1] ^= 1;
}

static void write_without_snapshot(struct fake *fake)
{
    tx_begin(fake->tx);
    fake_overwrite(fake, 12, 0, "declared");
    tx_fill(fake->tx, fake_block(fake, 12) + 16, 'x', 8);
    tx_commit(fake->tx);
}

static void write_beyond_snapshot_then_abort(struct fake *fake)
{
    tx_begin(fake->tx);
    fake_overwrite(fake, 12, 0, "declared");
    fake_block(fake, 12)[8] ^= 1;
    tx_abort(fake->tx);
}

static void test_undeclared_changes_abort(void **state)
{
    assert_caught(*state, store_without_tx, CHANGED, "fake block 12");
}

static void test_missing_snapshot_aborts(void **state)
{
    assert_caught(*state, write_without_snapshot, CHANGED, "fake block 12");
}

static void test_short_snapshot_aborts(void **state)
{
    assert_caught(*state, write_beyond_snapshot_then_abort, CHANGED, "fake block 12");
}

static void store_behind_the_record(struct fake *fake)
{
    struct redo_record record = {0};
    tx_begin(fake->tx);
    fake_overwrite(fake, 12, 0, "declared");
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    fake_overwrite(fake, 12, 0, "too late");
    shadow_commit(fake->tx, &record);
}

/* The record clears the bits of what the transaction frees; the heap does not yet. */
static void clear_behind_the_record(struct fake *fake)
{
    struct redo_record record = {0};
    tx_begin(fake->tx);
    fake_alloc(fake, 12);
    tx_fill(fake->tx, fake_block(fake, 12), 'x', FAKE_BLOCK_BYTES);
    tx_commit(fake->tx);
    tx_begin(fake->tx);
    fake_free(fake, 12);
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    shadow_commit(fake->tx, &record);
}

static void test_late_stores_abort(void **state)
{
    assert_caught(*state, store_behind_the_record, TOO_SOON, "fake block 12");
    assert_caught(*state, clear_behind_the_record, TOO_SOON, "fake");
}

static void test_real_faults_still_end_the_process(void **state)
{
    struct fake *fake = *state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        journal_shadow_compare(fake->journal);
        *(volatile char *)8 = 1;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_declared_changes_pass),
        TEST(test_aborted_objects_and_extents_pass),
        TEST(test_undeclared_changes_abort),
        TEST(test_missing_snapshot_aborts),
        TEST(test_short_snapshot_aborts),
        TEST(test_late_stores_abort),
        TEST(test_real_faults_still_end_the_process),
    };
    return cmocka_run_group_tests_name("shadow", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: not a checking build (CAIRN_TXCHECK)");
    return 0;
}

#endif
