/* rebuild_test.c: what a reopened heap knows, and how it learns the rest. */
#include "fixture.h"

#include "heap/grow.h"
#include "heap/heap_state.h"

#include <sys/wait.h>
#include <time.h>

#define SPANS  3000
#define BLOCKS (SPANS * 16) /* of 1024 bytes: 16 in a span */

static unsigned known_spans(struct fixture *fixture)
{
    unsigned known = 0;
    char *base = heap_base(fixture->heap);
    for (uint32_t page = chunk_first(0); page < chunk_end(base, 0); page++) {
        struct page_layout entry = page_load(base, page);
        if (entry.kind == PAGE_SPAN && entry.distance == 0)
            known += central_span(&fixture->heap->pages, page) != NULL;
    }
    return known;
}

/* A heap of many spans of which every block but the first of each span is free again. */
static uint64_t *make_sparse(struct fixture *fixture, unsigned *count_out)
{
    uint64_t *offs = calloc(BLOCKS, sizeof(*offs));
    fixture_open(fixture);
    for (unsigned i = 0; i < BLOCKS; i++)
        offs[i] = fixture_alloc(fixture, 1024);
    unsigned kept = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (offs[i] % (4 * HEAP_PAGE_BYTES) == offs[0] % (4 * HEAP_PAGE_BYTES)) offs[kept++] = offs[i];
        else fixture_free(fixture, offs[i]);
    }
    *count_out = kept;
    return offs;
}

static void test_open_scans_nothing(void **state)
{
    struct fixture *fixture = *state;
    unsigned count;
    uint64_t *offs = make_sparse(fixture, &count);
    assert_true(count >= SPANS);
    fixture_close(fixture);

    struct timespec start;
    struct timespec end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    fixture_open(fixture);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    long cpu_us = (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
    print_message("heap_open of %u spans: %ld us of CPU\n", count, cpu_us);
    assert_int_equal(known_spans(fixture), 0);

    /* A miss learns a few spans, no more; a free learns the span it touches. */
    uint64_t grown = grow_total(&fixture->heap->pages);
    uint64_t off = fixture_alloc(fixture, 1024);
    unsigned known = known_spans(fixture);
    assert_true(known >= 1 && known <= 16);
    fixture_free(fixture, offs[count - 1]);
    assert_int_equal(known_spans(fixture), known + 1);
    offs[count - 1] = off;

    unsigned steps = 0;
    while (heap_background_step(fixture->thread))
        assert_true(++steps < 10 * BLOCKS);
    assert_int_equal(known_spans(fixture), count);
    assert_true(rebuild_is_complete(fixture->heap));
    fixture_check(fixture, offs, count);

    /* All of it is of use again: no growth for what was free before. */
    for (unsigned i = 0; i < count * 14; i++)
        fixture_alloc(fixture, 1024);
    assert_true(grow_total(&fixture->heap->pages) <= grown + grown / 8 + 1024);
    fixture_close(fixture);
    free(offs);
}

/* Blocks freed before and while their spans become known are given out once. */
static void test_frees_race_the_rebuild(void **state)
{
    struct fixture *fixture = *state;
    unsigned count;
    uint64_t *offs = make_sparse(fixture, &count);
    uint32_t random = 99;
    fixture_reopen(fixture);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t *off = &offs[fixture_random(&random) % count];
        if (*off) {
            fixture_free(fixture, *off);
            *off = 0;
        } else {
            *off = fixture_alloc(fixture, 1024);
        }
        if (i % 64 == 0) heap_background_step(fixture->thread);
    }
    fixture_check(fixture, offs, count);
    fixture_close(fixture);
    free(offs);
}

/* What a process carved and did not commit is found and given back. */
static void test_leftovers_go_back(void **state)
{
    struct fixture *fixture = *state;
    pid_t pid = fork();
    if (pid == 0) {
        fixture_open(fixture);
        uint64_t off;
        tx_begin(fixture->tx);
        for (size_t size = 16; size < 300000; size += size / 4)
            if (heap_alloc(fixture->tx, size, &off)) _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_open(fixture);
    assert_int_equal(fixture->report.lanes_undone, 1);
    fixture_check(fixture, NULL, 0);
    while (rebuild_step(fixture->heap)) {
    }
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        central_drop_spare(&fixture->heap->centrals[i], &fixture->heap->pages);
    fixture_check(fixture, NULL, 0);
    struct heap_stats stats;
    heap_stats(fixture->heap, &stats);
    assert_int_equal(stats.used_bytes, 0);
    assert_int_equal(stats.free_page_bytes, page_off((uint32_t)grow_total(&fixture->heap->pages)));
    fixture_close(fixture);
}

/* Restarting again and again does not make the heap grow. */
static void test_restarts_cost_no_pages(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    uint64_t grown = 0;
    for (unsigned i = 0; i < 50; i++) {
        uint64_t off = fixture_alloc(fixture, 100);
        if (i == 1) grown = grow_total(&fixture->heap->pages);
        if (i > 1) assert_int_equal(grow_total(&fixture->heap->pages), grown);
        fixture_free(fixture, off);
        fixture_reopen(fixture);
    }
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_scans_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_frees_race_the_rebuild, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_leftovers_go_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_restarts_cost_no_pages, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
