/* Transactions of the journal alone, stopped at each persistent store, on page cache and on persistent
 * memory. */
#include "unit/journal/fake_heap.h"

#include "support/crash.h"

#define LONG_BYTES 40000 /* does not fit into a lane */

static void setup(void *arg, const char *path)
{
    (void)arg;
    struct fake *fake = calloc(1, sizeof *fake);
    ASSERT(fake != NULL);
    snprintf(fake->path, sizeof fake->path, "%s", path);
    fake_create(fake);
    tx_begin(fake->tx);
    for (unsigned block = 0; block < 4; block++) {
        fake_alloc(fake, block);
        tx_fill(fake->tx, fake_block(fake, block), 'a', FAKE_BLOCK_BYTES);
    }
    tx_commit(fake->tx);
    fake_close(fake);
    free(fake);
}

static void *open_fake(void *arg, const char *path)
{
    (void)arg;
    struct fake *fake = calloc(1, sizeof *fake);
    ASSERT(fake != NULL);
    snprintf(fake->path, sizeof fake->path, "%s", path);
    fake_reopen(fake);
    return fake;
}

static void close_fake(void *arg, void *opened)
{
    (void)arg;
    fake_close(opened);
    free(opened);
}

/* Every block of the bitmap counts as used, lanes are at rest, nothing is orphaned that should not be. */
static bool is_at_rest(struct fake *fake)
{
    uint64_t blocks = 0;
    for (unsigned block = 0; block < FAKE_BLOCKS; block++)
        blocks += fake_is_set(fake, block);
    if (journal_used_bytes(fake->journal) != blocks * FAKE_BLOCK_BYTES) return false;
    for (unsigned lane = 0; lane < JOURNAL_LANES; lane++)
        if ((fake_lane(fake, lane)->state & ~LANE_SELECTOR) != LANE_PHASE_IDLE) return false;
    return true;
}

static bool is_filled(struct fake *fake, unsigned block, char byte, size_t len)
{
    const char *bytes = fake_block(fake, block);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != byte) return false;
    return true;
}

/* Overwrites 0, replaces 1 by 70, frees 2, and takes back what it did to 3 and 71. */
static void operate_mixed(void *arg, void *opened)
{
    (void)arg;
    struct fake *fake = opened;
    tx_begin(fake->tx);
    ASSERT(tx_snapshot(fake->tx, fake_block(fake, 0), FAKE_BLOCK_BYTES) == ERROR_OK);
    tx_fill(fake->tx, fake_block(fake, 0), 'b', FAKE_BLOCK_BYTES);
    fake_alloc(fake, 70);
    tx_fill(fake->tx, fake_block(fake, 70), 'b', FAKE_BLOCK_BYTES);
    fake_free(fake, 1);
    struct tx_mark mark = tx_savepoint(fake->tx);
    fake_overwrite(fake, 3, 10, "taken back");
    fake_alloc(fake, 71);
    tx_rollback_to(fake->tx, mark);
    ASSERT(tx_setbit(fake->tx, fake_word(fake, FAKE_BLOCKS), 3) == ERROR_OK); /* a bit of no block */
    fake_free(fake, 2);
    tx_commit(fake->tx);
}

static bool verify_mixed(void *arg, void *opened, bool returned)
{
    (void)arg;
    struct fake *fake = opened;
    bool is_done = is_filled(fake, 0, 'b', FAKE_BLOCK_BYTES);
    if (returned && !is_done) return false;
    if (!is_done && !is_filled(fake, 0, 'a', FAKE_BLOCK_BYTES)) return false;
    if (is_done && !is_filled(fake, 70, 'b', FAKE_BLOCK_BYTES)) return false;
    return is_at_rest(fake) && fake_is_set(fake, 0) && fake_is_set(fake, 3) &&
           fake_is_set(fake, 1) == !is_done && fake_is_set(fake, 2) == !is_done &&
           fake_is_set(fake, 70) == is_done && !fake_is_set(fake, 71) &&
           is_filled(fake, 3, 'a', FAKE_BLOCK_BYTES) && (*fake_word(fake, FAKE_BLOCKS) == 8) == is_done;
}

static void operate_abort(void *arg, void *opened)
{
    (void)arg;
    struct fake *fake = opened;
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "twice");
    fake_overwrite(fake, 0, 2, "twice");
    fake_alloc(fake, 70);
    fake_free(fake, 1);
    tx_abort(fake->tx);
}

static bool verify_unchanged(void *arg, void *opened, bool returned)
{
    (void)arg, (void)returned;
    struct fake *fake = opened;
    for (unsigned block = 0; block < 4; block++)
        if (!is_filled(fake, block, 'a', FAKE_BLOCK_BYTES) || !fake_is_set(fake, block)) return false;
    return is_at_rest(fake) && !fake_is_set(fake, 70);
}

/* Two snapshots that need an extent, and a free beyond it. */
static void operate_overflow(void *arg, void *opened)
{
    (void)arg;
    struct fake *fake = opened;
    tx_begin(fake->tx);
    fake_overwrite(fake, 100, 0, "b");
    ASSERT(tx_snapshot(fake->tx, fake_block(fake, 100), LONG_BYTES) == ERROR_OK);
    tx_fill(fake->tx, fake_block(fake, 100), 'b', LONG_BYTES);
    fake_free(fake, 1);
    tx_commit(fake->tx);
}

static bool verify_overflow(void *arg, void *opened, bool returned)
{
    (void)arg;
    struct fake *fake = opened;
    bool is_done = is_filled(fake, 100, 'b', LONG_BYTES);
    if (returned && !is_done) return false;
    return is_at_rest(fake) && (is_done || is_filled(fake, 100, 0, LONG_BYTES)) &&
           fake_is_set(fake, 1) == !is_done;
}

static void operate_overflow_abort(void *arg, void *opened)
{
    (void)arg;
    struct fake *fake = opened;
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "b");
    struct tx_mark mark = tx_savepoint(fake->tx);
    ASSERT(tx_snapshot(fake->tx, fake_block(fake, 0), LONG_BYTES) == ERROR_OK);
    tx_fill(fake->tx, fake_block(fake, 0), 'b', LONG_BYTES);
    tx_rollback_to(fake->tx, mark);
    fake_overwrite(fake, 0, 1, "b");
    tx_abort(fake->tx);
}

static const struct crash_case cases[] = {
    {.name = "mixed", .operate = operate_mixed, .verify = verify_mixed},
    {.name = "abort", .operate = operate_abort, .verify = verify_unchanged},
    {.name = "overflow", .operate = operate_overflow, .verify = verify_overflow},
    {.name = "overflow, abort", .operate = operate_overflow_abort, .verify = verify_unchanged},
};

static void explore_all(bool persistent_memory, unsigned recovery_stride)
{
    struct crash_counts counts = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct crash_case test = cases[i];
        test.setup = setup;
        test.open = open_fake;
        test.close = close_fake;
        test.persistent_memory = persistent_memory;
        test.recovery_stride = recovery_stride;
        test.image_bytes = FAKE_BYTES;
        assert_true(crash_explore(&test, &counts));
    }
    printf("%llu states tried\n", (unsigned long long)(counts.states + counts.recovery_states));
}

static void test_page_cache(void **state)
{
    (void)state;
    explore_all(false, 1);
}

static void test_persistent_memory(void **state)
{
    (void)state;
    explore_all(true, 7);
}

static bool verify_never(void *arg, void *opened, bool returned)
{
    (void)arg, (void)opened;
    return !returned;
}

static void test_harness_notices(void **state)
{
    (void)state;
    if (!crash_is_built()) return;
    struct crash_counts counts = {0};
    struct crash_case test = {.name = "(fails on purpose)",
                              .setup = setup,
                              .open = open_fake,
                              .operate = operate_abort,
                              .verify = verify_never,
                              .discard_failed = true};
    assert_false(crash_explore(&test, &counts));
    assert_true(counts.points > 0 && counts.states == counts.points + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_cache),
        cmocka_unit_test(test_persistent_memory),
        cmocka_unit_test(test_harness_notices),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
