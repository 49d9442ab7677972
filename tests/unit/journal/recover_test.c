/* Recovery: lanes left in each phase, orphans, and lanes that make no sense. */
#include "fake_heap.h"
#include "journal/lane.h"

static void overwrite_alloc_free(struct fake *fake)
{
    tx_begin(fake->tx);
    fake_overwrite(fake, 0, 0, "open");
    fake_alloc(fake, 5);
    fake_free(fake, 4);
}

static void alloc_block_4(struct fake *fake)
{
    tx_begin(fake->tx);
    fake_alloc(fake, 4);
    tx_commit(fake->tx);
}

static void test_open_transaction_is_undone(void **state)
{
    struct fake *fake = *state;
    alloc_block_4(fake);
    fake_crash_after(fake, overwrite_alloc_free);
    assert_int_equal(fake->recovery.undone, 1);
    assert_int_equal(fake->recovery.completed, 0);
    assert_int_equal(fake_block(fake, 0)[0], 0);
    assert_true(fake_is_set(fake, 4) && !fake_is_set(fake, 5));
    assert_int_equal(journal_used_bytes(fake->journal), 64);
}

/* The lane as tx_commit leaves it before the first bit is cleared. */
static void commit_without_frees(struct fake *fake)
{
    overwrite_alloc_free(fake);
    struct lane_layout *lane = fake_lane(fake, 1);
    lane->state = (lane->state & ~LANE_PHASE_MASK) | LANE_PHASE_COMMITTED;
}

static void test_committed_frees_are_finished(void **state)
{
    struct fake *fake = *state;
    alloc_block_4(fake);
    fake_crash_after(fake, commit_without_frees);
    assert_int_equal(fake->recovery.undone, 0);
    assert_int_equal(fake->recovery.completed, 1);
    assert_memory_equal(fake_block(fake, 0), "open", 4);
    assert_true(!fake_is_set(fake, 4) && fake_is_set(fake, 5));
    assert_int_equal(journal_used_bytes(fake->journal), 64); /* one came, one went */
}

static void overflow(struct fake *fake)
{
    tx_begin(fake->tx);
    for (unsigned i = 0; i < 8; i++) {
        ASSERT(tx_snapshot(fake->tx, fake_block(fake, 0), 60000) == ERROR_OK);
        tx_fill(fake->tx, fake_block(fake, 0), (int)i + 1, 60000);
    }
    ASSERT(fake->extents_alive == 3);
}

static void test_overflowed_lane_is_undone(void **state)
{
    struct fake *fake = *state;
    fake_crash_after(fake, overflow);
    assert_int_equal(fake->recovery.undone, 1);
    assert_int_equal(fake->orphans, 3);
    for (unsigned i = 0; i < 60000; i++)
        assert_int_equal(fake_block(fake, 0)[i], 0);
}

static void test_used_bytes_survive(void **state)
{
    struct fake *fake = *state;
    for (unsigned block = 0; block < 5; block++) {
        tx_begin(fake->tx);
        fake_alloc(fake, block);
        tx_commit(fake->tx);
    }
    fake_close(fake);
    fake_reopen(fake);
    assert_int_equal(journal_used_bytes(fake->journal), 5 * 64);
    struct tx *other; /* frees of another lane count against the same sum */
    assert_int_equal(journal_tx_open(fake->journal, 2, fake, &other), ERROR_OK);
    tx_begin(other);
    assert_int_equal(tx_defer_free(other, fake_block_off(0), 64, fake_word(fake, 0), 0), ERROR_OK);
    tx_commit(other);
    journal_tx_close(other);
    assert_int_equal(journal_used_bytes(fake->journal), 4 * 64);
}

static void test_lane_numbers(void **state)
{
    struct fake *fake = *state;
    struct tx *tx;
    assert_int_equal(journal_tx_open(fake->journal, JOURNAL_LANES, fake, &tx), ERROR_NO_LANE);
    assert_null(tx);
    assert_ptr_equal(tx_thread(fake->tx), fake);
}

/* ---- garbage ---- */

/* Puts lane 1 into the state `word` with its first entry word `entry`, and expects recovery to refuse it. */
static void assert_corrupt(struct fake *fake, uint64_t phase, uint64_t tail_bytes, uint64_t entry,
                           const char *why)
{
    struct lane_layout *lane = fake_lane(fake, 1);
    uint64_t first = lane_first(&fake->map, lane);
    char before[FAKE_BLOCK_BYTES];
    memcpy(before, fake_block(fake, 0), sizeof before);
    *(uint64_t *)(void *)(fake->map.base + first) = entry;
    lane->state = phase == LANE_PHASE_IDLE ? tail_bytes : (first + tail_bytes) | phase;
    assert_int_equal(fake_recover(fake), ERROR_CORRUPT);
    assert_non_null(strstr(fake->detail, why));
    assert_non_null(strstr(fake->detail, "lane 1"));
    assert_memory_equal(before, fake_block(fake, 0), sizeof before);
    lane->state = LANE_PHASE_IDLE;
}

static void test_garbage_lanes_are_corrupt(void **state)
{
    struct fake *fake = *state;
    fake_close(fake);
    fake_map(fake, false);
    uint64_t block = fake_block_off(0);
    const uint64_t active = LANE_PHASE_ACTIVE;
    assert_corrupt(fake, LANE_PHASE_IDLE, 64, 0, "an idle lane with entries");
    assert_corrupt(fake, 3, 8, 0, "an unknown state");
    assert_corrupt(fake, active, JOURNAL_LANE_BYTES, 0, "a tail outside");
    assert_corrupt(fake, active, FAKE_BYTES * 2, 0, "a tail outside");
    assert_corrupt(fake, active, 8, 0, "unknown kind");
    assert_corrupt(fake, active, 8, lane_word(LANE_SNAPSHOT, block, 1), "too long");
    assert_corrupt(fake, active, 8, lane_word(LANE_SNAPSHOT, FAKE_BYTES + 8, 0), "a wrong range");
    assert_corrupt(fake, active, 8, lane_word(LANE_SETBIT, block, 64), "a wrong bit");
    assert_corrupt(fake, active, 8, lane_word(LANE_SETBIT, FAKE_BYTES, 1), "a wrong bit");
    assert_corrupt(fake, active, 8, lane_word(LANE_SETBIT, FAKE_LANES_OFF, 1), "a wrong bit");
    assert_corrupt(fake, active, 8, lane_word(LANE_FREE, 0, 1), "a wrong bit");
    assert_corrupt(fake, active, 8, lane_word(LANE_BACK, block, 0), "a misplaced link");
    assert_int_equal(fake_recover(fake), ERROR_OK);
    fake_open_lanes(fake);
}

static void test_garbage_extents_are_corrupt(void **state)
{
    struct fake *fake = *state;
    fake_close(fake);
    fake_map(fake, false);
    struct lane_layout *lane = fake_lane(fake, 1);
    const uint64_t at = FAKE_EXTENTS_OFF;
    uint64_t *back = (uint64_t *)(void *)(fake->map.base + at);
    lane->extents[0] = (struct lane_extent_layout){at, 4096};
    lane->state = (at + 8) | LANE_PHASE_ACTIVE;
    *back = lane_word(LANE_BACK, at + 8, 0); /* a loop */
    assert_int_equal(fake_recover(fake), ERROR_CORRUPT);
    assert_non_null(strstr(fake->detail, "a wrong link"));
    *back = lane_word(LANE_BACK, lane_first(&fake->map, lane), 0);
    lane->extents[0].bytes = FAKE_BYTES; /* beyond the end of the file */
    assert_int_equal(fake_recover(fake), ERROR_CORRUPT);
    lane->extents[0].off = FAKE_LANES_OFF; /* over the lanes */
    assert_int_equal(fake_recover(fake), ERROR_CORRUPT);
    lane->extents[0] = (struct lane_extent_layout){at, 4096};
    assert_int_equal(fake_recover(fake), ERROR_OK);
    assert_int_equal(fake->orphans, 1);
    assert_int_equal(lane->extents[0].bytes, 0);
    fake_open_lanes(fake);
}

/* Fills lane 1 with random entries that are wrong more often than not. */
static void scribble(struct fake *fake)
{
    struct lane_layout *lane = fake_lane(fake, 1);
    uint64_t first = lane_first(&fake->map, lane);
    uint64_t *words = (uint64_t *)(void *)(fake->map.base + first);
    unsigned count = 1 + (unsigned)random() % 20;
    for (unsigned i = 0; i < count; i++) {
        uint64_t off = FAKE_BITMAP_OFF + (uint64_t)random() % 200000 / 8 * 8;
        words[i] = (uint64_t)random() % 7 | off | (uint64_t)random() % 80 << LANE_ARG_SHIFT;
    }
    lane->state = (first + count * 8) | (1 + (uint64_t)random() % 2);
}

/* A bounded walk inside the file, whatever stands in the lane. */
static void test_random_lanes(void **state)
{
    struct fake *fake = *state;
    fake_close(fake);
    fake_map(fake, false);
    srandom(42);
    unsigned refused = 0;
    for (unsigned round = 0; round < 1000; round++) {
        scribble(fake);
        if (fake_recover(fake) == ERROR_CORRUPT) {
            refused++;
            continue;
        }
        fake_unmap(fake);
        fake_map(fake, false);
    }
    assert_in_range(refused, 500, 999);
    fake_lane(fake, 1)->state = LANE_PHASE_IDLE;
    assert_int_equal(fake_recover(fake), ERROR_OK);
    fake_open_lanes(fake);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_open_transaction_is_undone),
        TEST(test_committed_frees_are_finished),
        TEST(test_overflowed_lane_is_undone),
        TEST(test_used_bytes_survive),
        TEST(test_lane_numbers),
        TEST(test_garbage_lanes_are_corrupt),
        TEST(test_garbage_extents_are_corrupt),
        TEST(test_random_lanes),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
