/* fixture.h: a heap in a folder of its own under /dev/shm, for the tests of this layer. */
#ifndef CAIRN_TESTS_UNIT_HEAP_FIXTURE_H
#define CAIRN_TESTS_UNIT_HEAP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../support/scratch.h"
#include "heap/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIXTURE_RESERVE_BYTES (UINT64_C(8) << 30)
#define FIXTURE_BOOT          "the boot of this test"

struct fixture {
    char folder[64];
    char path[96];
    struct heap_options options;
    struct heap_report report;
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
};

static inline void fixture_open(struct fixture *fixture)
{
    enum error error = heap_open(&fixture->options, &fixture->heap, &fixture->report);
    if (error) fail_msg("heap_open: %s: %s", error_text(error), fixture->report.detail);
    assert_int_equal(heap_thread_open(fixture->heap, &fixture->thread), ERROR_OK);
    fixture->tx = heap_thread_tx(fixture->thread);
}

static inline void fixture_close(struct fixture *fixture)
{
    heap_thread_close(fixture->thread);
    assert_int_equal(heap_close(fixture->heap), ERROR_OK);
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/dev/shm/cairn-heap-XXXXXX");
    if (!scratch_make(fixture->folder)) abort();
    snprintf(fixture->path, sizeof(fixture->path), "%s/heap", fixture->folder);
    fixture->options = (struct heap_options){.path = fixture->path,
                                             .mode = HEAP_MODE_SHARED,
                                             .on_unclean = HEAP_UNCLEAN_REFUSE,
                                             .reserve_bytes = FIXTURE_RESERVE_BYTES,
                                             .boot_id = FIXTURE_BOOT};
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    int status = system(command);
    free(fixture);
    return status;
}

/* A committed block. */
static inline uint64_t fixture_alloc(struct fixture *fixture, size_t size)
{
    uint64_t off = 0;
    tx_begin(fixture->tx);
    enum error error = heap_alloc(fixture->tx, size, &off);
    if (error) fail_msg("heap_alloc(%zu): %s", size, error_text(error));
    tx_commit(fixture->tx);
    return off;
}

static inline void fixture_free(struct fixture *fixture, uint64_t off)
{
    tx_begin(fixture->tx);
    assert_int_equal(heap_free(fixture->tx, off), ERROR_OK);
    tx_commit(fixture->tx);
}

/* Blocks that a walk names. */
struct fixture_blocks {
    const uint64_t *offs; /* 0: none */
    size_t count;
};

static inline void fixture_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    const struct fixture_blocks *blocks = app;
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->offs[i]) own(ctx, blocks->offs[i]);
}

/* The heap is valid and holds exactly these blocks. */
static inline void fixture_check(struct fixture *fixture, const uint64_t *offs, size_t count)
{
    struct heap_check_result result;
    struct fixture_blocks blocks = {offs, count};
    enum error error = heap_check(fixture->heap, fixture_walk, &blocks, &result);
    if (error) fail_msg("heap_check: %s", result.detail);
}

static inline uint32_t fixture_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
