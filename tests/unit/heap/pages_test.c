/* pages_test.c: page runs split and coalesce, growth, the limit, and the reserve (H10). */
#include "fixture.h"

#include "heap/grow.h"
#include "heap/heap_state.h"

#include <sys/statvfs.h>

#define RUN_BYTES 40960 /* ten pages: a large run */
#define RUNS      16

static uint64_t free_pages(struct fixture *fixture)
{
    struct heap_stats stats;
    heap_stats(fixture->heap, &stats);
    return stats.free_page_bytes / HEAP_PAGE_BYTES;
}

static struct page_layout entry_at(struct fixture *fixture, uint64_t off)
{
    return page_load(heap_base(fixture->heap), (uint32_t)(off >> HEAP_PAGE_SHIFT));
}

/* Runs that lie side by side, freed in each order that matters: the neighbours merge. */
static void test_neighbours_merge(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offs[RUNS];
    fixture_open(fixture);
    uint64_t free_before = free_pages(fixture);
    for (unsigned i = 0; i < RUNS; i++) {
        offs[i] = fixture_alloc(fixture, RUN_BYTES);
        if (i > 0) assert_int_equal(offs[i], offs[i - 1] + RUN_BYTES);
    }
    fixture_free(fixture, offs[4]); /* alone */
    assert_int_equal(entry_at(fixture, offs[4]).kind, PAGE_FREE_HEAD);
    assert_int_equal(entry_at(fixture, offs[4]).pages, 10);
    fixture_free(fixture, offs[5]); /* merges to the left */
    assert_int_equal(entry_at(fixture, offs[4]).pages, 20);
    fixture_free(fixture, offs[3]); /* merges to the right */
    assert_int_equal(entry_at(fixture, offs[3]).pages, 30);
    fixture_free(fixture, offs[7]);
    fixture_free(fixture, offs[6]); /* joins two */
    assert_int_equal(entry_at(fixture, offs[3]).pages, 50);
    fixture_check(fixture,
                  (uint64_t[]){offs[0], offs[1], offs[2], offs[8], offs[9], offs[10], offs[11], offs[12],
                               offs[13], offs[14], offs[15]},
                  11);
    for (unsigned i = 0; i < RUNS; i++)
        if (i < 3 || i > 7) fixture_free(fixture, offs[i]);
    fixture_check(fixture, NULL, 0);
    assert_true(free_pages(fixture) >= free_before);
    assert_int_equal(entry_at(fixture, offs[0]).pages, free_pages(fixture));
    fixture_close(fixture);
}

static void test_best_fit_splits(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offs[5];
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++)
        offs[i] = fixture_alloc(fixture, i == 1 ? 3 * RUN_BYTES : RUN_BYTES);
    fixture_free(fixture, offs[1]);
    fixture_free(fixture, offs[3]);
    assert_int_equal(fixture_alloc(fixture, RUN_BYTES), offs[3]); /* the shortest that fits */
    assert_int_equal(fixture_alloc(fixture, RUN_BYTES), offs[1]); /* then the front of the longer one */
    assert_int_equal(fixture_alloc(fixture, 2 * RUN_BYTES), offs[1] + RUN_BYTES);
    fixture_close(fixture);
}

/* Empty spans go back, but for one of their class. */
static void test_empty_spans_go_back(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 5000 };
    uint64_t *offs = calloc(COUNT, sizeof(*offs));
    fixture_open(fixture);
    for (unsigned i = 0; i < COUNT; i++)
        offs[i] = fixture_alloc(fixture, 64);
    uint64_t grown = grow_total(&fixture->heap->pages);
    for (unsigned i = 0; i < COUNT; i++)
        fixture_free(fixture, offs[i]);
    for (unsigned i = 0; i < 20; i++)
        heap_thread_trim(fixture->thread);
    fixture_check(fixture, NULL, 0);
    assert_int_equal(free_pages(fixture), grown - sizeclass_table[sizeclass_of(64)].pages);
    fixture_close(fixture);
    free(offs);
}

static void test_growth_is_in_steps(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    uint64_t grown = grow_total(&fixture->heap->pages);
    assert_int_equal(grown, 256);
    for (unsigned i = 0; i < 2000; i++) {
        fixture_alloc(fixture, RUN_BYTES);
        uint64_t now = grow_total(&fixture->heap->pages);
        assert_true(now - grown <= 1024);
        assert_true(now == grown || now - grown >= 256);
        grown = now;
    }
    struct heap_stats stats;
    heap_stats(fixture->heap, &stats);
    assert_int_equal(stats.used_bytes, 2000 * RUN_BYTES);
    assert_true(stats.metadata_bytes * 50 <= stats.file_bytes + 50 * HEAP_LANES_BYTES); /* H6: 2 % */
    assert_true(free_pages(fixture) <= 1024 + 256);
    fixture_close(fixture);
}

static void test_background_grows_ahead(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (unsigned i = 0; i < 500; i++)
        fixture_alloc(fixture, RUN_BYTES);
    uint64_t seen = grow_total(&fixture->heap->pages);
    for (unsigned i = 0; heap_background_step(fixture->thread); i++) {
        uint64_t now = grow_total(&fixture->heap->pages);
        assert_true(now - seen <= 1024);
        seen = now;
        assert_true(i < 1000);
    }
    assert_true(free_pages(fixture) * 8 >= seen);
    fixture_close(fixture);
}

/* A full heap refuses, keeps working for frees, and gives again what was freed. */
static void test_limit(void **state)
{
    struct fixture *fixture = *state;
    enum { CAP = 100000 };
    uint64_t *offs = calloc(CAP, sizeof(*offs));
    unsigned count = 0;
    fixture->options.limit_bytes = 12 << 20;
    fixture_open(fixture);
    enum error error = ERROR_OK;
    while (!error && count < CAP) {
        tx_begin(fixture->tx);
        error = heap_alloc(fixture->tx, count % 10 ? 100 : 50000, &offs[count]);
        if (error) {
            tx_abort(fixture->tx);
        } else {
            tx_commit(fixture->tx);
            count++;
        }
    }
    assert_int_equal(error, ERROR_HEAP_FULL);
    struct heap_stats stats;
    heap_stats(fixture->heap, &stats);
    assert_true(stats.file_bytes <= stats.limit_bytes);
    assert_true(stats.used_bytes > 8 << 20);
    fixture_check(fixture, offs, count);

    /* The same after a restart, when nothing is known at first. */
    fixture_reopen(fixture);
    fixture_free(fixture, offs[0]);
    offs[0] = fixture_alloc(fixture, 50000);
    fixture_check(fixture, offs, count);
    heap_set_limit(fixture->heap, 0);
    offs[count++] = fixture_alloc(fixture, 5000000);
    fixture_check(fixture, offs, count);
    fixture_close(fixture);
    free(offs);
}

/* On a full heap a freed block serves whatever is smaller, and the caches of the thread go into a large run. */
static void test_full_heap_uses_what_is_free(void **state)
{
    struct fixture *fixture = *state;
    enum { CAP = 20000, SIZE = 1024 };
    uint64_t *offs = calloc(CAP, sizeof(*offs));
    unsigned count = 0;
    enum error error = ERROR_OK;
    fixture->options.limit_bytes = 8 << 20;
    fixture_open(fixture);
    while (!error && count < CAP) {
        tx_begin(fixture->tx);
        error = heap_alloc(fixture->tx, SIZE, &offs[count]);
        if (error) {
            tx_abort(fixture->tx);
        } else {
            tx_commit(fixture->tx);
            count++;
        }
    }
    assert_int_equal(error, ERROR_HEAP_FULL);
    fixture_free(fixture, offs[7]);
    offs[7] = fixture_alloc(fixture, 24);
    assert_true(heap_usable_size(fixture->heap, offs[7]) >= SIZE);
    fixture_check(fixture, offs, count);
    for (unsigned i = 0; i < count; i++)
        fixture_free(fixture, offs[i]);
    offs[0] = fixture_alloc(fixture, 2 << 20);
    fixture_check(fixture, offs, 1);
    fixture_close(fixture);
    free(offs);
}

/* H10: on a full heap a transaction that frees, with an undo log beyond its lane, goes through. */
static void test_reserve_serves_undo(void **state)
{
    struct fixture *fixture = *state;
    uint64_t big = 0;
    uint64_t off;
    fixture->options.limit_bytes = 8 << 20;
    fixture_open(fixture);
    big = fixture_alloc(fixture, 1 << 20);
    enum error error = ERROR_OK;
    unsigned fillers = 0;
    while (!error) {
        tx_begin(fixture->tx);
        error = heap_alloc(fixture->tx, fillers < 1000 ? 40960 : 16, &off);
        if (error && fillers < 1000) {
            fillers = 1000;
            error = ERROR_OK;
            tx_abort(fixture->tx);
        } else if (error) {
            tx_abort(fixture->tx);
        } else {
            fillers++;
            tx_commit(fixture->tx);
        }
    }
    assert_int_equal(error, ERROR_HEAP_FULL);
    uint64_t used = heap_used_bytes(fixture->heap);

    char *bytes = heap_ptr(fixture->heap, big);
    for (unsigned round = 0; round < 2; round++) {
        tx_begin(fixture->tx);
        for (unsigned i = 0; i < 100000; i += 100) {
            assert_int_equal(tx_snapshot(fixture->tx, bytes + i, 64), ERROR_OK);
            tx_fill(fixture->tx, bytes + i, 'x', 64);
        }
        assert_int_equal(heap_free(fixture->tx, big), ERROR_OK);
        if (round == 0) tx_abort(fixture->tx);
        else tx_commit(fixture->tx);
    }
    assert_int_equal(heap_used_bytes(fixture->heap), used - (1 << 20));
    fixture_alloc(fixture, 900000);
    struct heap_check_result result;
    assert_int_equal(heap_check(fixture->heap, NULL, NULL, &result), ERROR_OK);
    fixture_close(fixture);
}

/* Objects that don't fit into what is left of a chunk begin the next one; the rest stays of use. */
static void test_chunks(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offs[4];
    size_t half = 600u << 20;
    struct statvfs room;
    assert_int_equal(statvfs(fixture->folder, &room), 0);
    if (room.f_bavail * room.f_frsize < UINT64_C(2) << 30) skip(); /* it needs 1.5 GiB for a moment */
    fixture_open(fixture);
    offs[0] = fixture_alloc(fixture, 1000);
    offs[1] = fixture_alloc(fixture, half);
    offs[2] = fixture_alloc(fixture, half);
    assert_int_equal(page_chunk((uint32_t)(offs[1] >> HEAP_PAGE_SHIFT)), 0);
    assert_int_equal(page_chunk((uint32_t)(offs[2] >> HEAP_PAGE_SHIFT)), 1);
    offs[3] = fixture_alloc(fixture, 300u << 20); /* in what is left of chunk 0 */
    assert_int_equal(page_chunk((uint32_t)(offs[3] >> HEAP_PAGE_SHIFT)), 0);
    fixture_check(fixture, offs, 4);
    for (unsigned i = 1; i < 4; i++) {
        fixture_free(fixture, offs[i]);
        offs[i] = 0;
    }
    fixture_reopen(fixture);
    fixture_check(fixture, offs, 4);
    offs[1] = fixture_alloc(fixture, half);
    fixture_check(fixture, offs, 4);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_neighbours_merge, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_best_fit_splits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_empty_spans_go_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_growth_is_in_steps, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_background_grows_ahead, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_limit, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_full_heap_uses_what_is_free, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reserve_serves_undo, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_chunks, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
