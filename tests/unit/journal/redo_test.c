/* Redo records: applied to a copy of the heap as it was, they give the heap as it is (T2). */
#include "fake_heap.h"
#include "journal/redo.h"
#include "journal/redo_code.h"

static char *copy_of(const struct fake *fake)
{
    char *copy = malloc(FAKE_BYTES);
    assert_non_null(copy);
    memcpy(copy, fake->map.base, FAKE_BYTES);
    return copy;
}

/* Everything but the lanes, which no record covers. */
static void assert_same(const struct fake *fake, const char *copy, uint64_t end)
{
    assert_memory_equal(copy, fake->map.base, FAKE_LANES_OFF);
    assert_memory_equal(copy + FAKE_BITMAP_OFF, fake->map.base + FAKE_BITMAP_OFF, end - FAKE_BITMAP_OFF);
}

static void test_record_repeats_a_transaction(void **state)
{
    struct fake *fake = *state;
    tx_begin(fake->tx);
    fake_alloc(fake, 1);
    fake_alloc(fake, 2);
    tx_commit(fake->tx);
    char *copy = copy_of(fake);
    struct redo_record record = {0};

    tx_begin(fake->tx);
    fake_overwrite(fake, 1, 5, "changed");
    fake_overwrite(fake, 1, 7, "again");
    fake_alloc(fake, 3);
    tx_fill(fake->tx, fake_block(fake, 3), 'o', FAKE_BLOCK_BYTES);
    fake_alloc(fake, 4);
    fake_free(fake, 4);
    fake_free(fake, 2);
    assert_int_equal(tx_setbit(fake->tx, fake_word(fake, 128), 9), ERROR_OK);
    assert_int_equal(tx_clearbit(fake->tx, fake_word(fake, 128), 9), ERROR_OK);
    struct tx_mark mark = tx_savepoint(fake->tx);
    fake_alloc(fake, 5);
    fake_overwrite(fake, 6, 0, "lost");
    tx_rollback_to(fake->tx, mark);
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    tx_commit(fake->tx);

    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_OK);
    assert_same(fake, copy, FAKE_BYTES);
    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_OK); /* J9 */
    assert_same(fake, copy, FAKE_BYTES);
    struct redo_reader reader;
    int64_t used_delta = 1;
    assert_true(redo_code_open(&reader, record.bytes, record.len, &used_delta));
    assert_int_equal(used_delta, 0); /* two allocated, two freed */
    assert_int_equal(record.len % REDO_ALIGN, 0);
    redo_free(&record);
    free(copy);
}

static void test_long_ranges_and_overflow(void **state)
{
    struct fake *fake = *state;
    char *copy = copy_of(fake);
    struct redo_record record = {0};
    char *blocks = fake_block(fake, 0);
    tx_begin(fake->tx);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(tx_snapshot(fake->tx, blocks, (size_t)FAKE_BLOCKS * FAKE_BLOCK_BYTES), ERROR_OK);
    tx_fill(fake->tx, blocks, 7, (size_t)FAKE_BLOCKS * FAKE_BLOCK_BYTES);
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    tx_commit(fake->tx);
    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_OK);
    assert_same(fake, copy, FAKE_EXTENTS_OFF);
    redo_free(&record);
    free(copy);
}

static void test_damaged_records_are_refused(void **state)
{
    struct fake *fake = *state;
    struct redo_record record = {0};
    tx_begin(fake->tx);
    fake_overwrite(fake, 1, 0, "bytes");
    assert_int_equal(tx_setbit(fake->tx, fake_word(fake, 0), 63), ERROR_OK);
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    tx_abort(fake->tx);

    char *copy = copy_of(fake);
    assert_int_equal(redo_apply(copy, FAKE_BITMAP_OFF, &record),
                     ERROR_CORRUPT); /* an image that is too small */
    /* Cut inside an operation it is damaged; where it is cut between two, the journal's CRC tells. */
    size_t len = record.len;
    while (record.bytes[len - 1] == 0)
        len--; /* padding */
    unsigned whole = 0;
    for (record.len = 0; record.len < len; record.len++)
        whole += redo_apply(copy, FAKE_BYTES, &record) == ERROR_OK;
    assert_int_equal(whole, 2); /* without operations, with the first */
    memcpy(copy, fake->map.base, FAKE_BYTES);
    record.bytes[1] = (char)0xff; /* the head of the first operation: a range beyond the record */
    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_CORRUPT);
    assert_same(fake, copy, FAKE_BYTES);
    redo_free(&record);
    free(copy);
}

static void test_unchanged_words_cost_nothing(void **state)
{
    struct fake *fake = *state;
    char *copy = copy_of(fake);
    struct redo_record record = {0};
    char *blocks = fake_block(fake, 0);
    tx_begin(fake->tx);
    assert_int_equal(tx_snapshot(fake->tx, blocks, 1024), ERROR_OK);
    tx_fill(fake->tx, blocks + 512, 7, 8);
    tx_fill(fake->tx, blocks + 528, 7, 8); /* a gap of one word is carried along */
    tx_fill(fake->tx, blocks + 1016, 7, 8);
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    assert_in_range(record.len, 4 * 8, 4 * 8 + 12);
    tx_commit(fake->tx);
    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_OK);
    assert_same(fake, copy, FAKE_BYTES);
    /* There and back again: the last value counts. */
    tx_begin(fake->tx);
    for (unsigned byte = 1; byte <= 7; byte++) {
        assert_int_equal(tx_snapshot(fake->tx, blocks, 64), ERROR_OK);
        tx_fill(fake->tx, blocks, (int)byte, 64);
    }
    assert_int_equal(redo_build(fake->tx, &record), ERROR_OK);
    tx_commit(fake->tx);
    assert_int_equal(redo_apply(copy, FAKE_BYTES, &record), ERROR_OK);
    assert_same(fake, copy, FAKE_BYTES);
    redo_free(&record);
    free(copy);
}

static void test_growth_is_read_as_whole_pages(void **state)
{
    (void)state;
    struct redo_record record = {0};
    struct redo_extent extents[] = {{4096, 8192}, {(UINT64_C(1) << 40) + 100, 4096}};
    assert_int_equal(redo_growth(&record, extents, 2), ERROR_OK);
    struct redo_reader reader;
    struct redo_operation operation;
    int64_t used_delta = 1;
    assert_true(redo_code_open(&reader, record.bytes, record.len, &used_delta));
    assert_int_equal(used_delta, 0);
    assert_int_equal(redo_code_next(&reader, &operation), REDO_READ_OPERATION);
    assert_int_equal(operation.kind, REDO_GROW);
    assert_int_equal(operation.off, 4096);
    assert_int_equal(operation.len, 8192);
    assert_int_equal(redo_code_next(&reader, &operation), REDO_READ_OPERATION);
    assert_int_equal(operation.off, UINT64_C(1) << 40);
    assert_int_equal(operation.len, 8192);
    assert_int_equal(redo_code_next(&reader, &operation), REDO_READ_END);
    redo_free(&record);
}

/* Whatever the bytes, nothing behind them is read, and no target lies outside of the limits. */
static void test_garbage_is_read_within_its_bounds(void **state)
{
    (void)state;
    uint64_t seed = 1;
    unsigned operations = 0;
    for (unsigned round = 0; round < 200000; round++) {
        size_t len = 1 + round % 48;
        char *bytes = malloc(len); /* exact, for the address sanitizer */
        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i] = (char)(seed >> 56 & (round % 3 == 0 ? 0xff : 0x1f)); /* small numbers get further */
        }
        struct redo_reader reader;
        struct redo_operation operation;
        int64_t used_delta;
        bool is_open = redo_code_open(&reader, bytes, len, &used_delta);
        while (is_open && redo_code_next(&reader, &operation) == REDO_READ_OPERATION) {
            operations++;
            assert_true(operation.off < REDO_OFF_LIMIT && operation.len > 0 &&
                        operation.len <= REDO_OFF_LIMIT);
            if (operation.kind != REDO_RANGE) continue;
            assert_true(operation.payload >= bytes && operation.payload + operation.len <= bytes + len);
        }
        free(bytes);
    }
    assert_true(operations > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_record_repeats_a_transaction),  TEST(test_long_ranges_and_overflow),
        TEST(test_damaged_records_are_refused),   TEST(test_unchanged_words_cost_nothing),
        TEST(test_growth_is_read_as_whole_pages), TEST(test_garbage_is_read_within_its_bounds),
    };
    return cmocka_run_group_tests_name("redo", tests, NULL, NULL);
}
