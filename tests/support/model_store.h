/* model_store.h: what the programs of tests/model share: a heap with a keyspace in a folder of its own, a source of random numbers,
 * and their arguments.
 *
 *     PROGRAM [SEED [OPERATIONS]]
 */
#ifndef CAIRN_TESTS_SUPPORT_MODEL_STORE_H
#define CAIRN_TESTS_SUPPORT_MODEL_STORE_H

#include "db/keyspace.h"
#include "support/long.h"
#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct model_store {
    char folder[64];
    char path[96];
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
    struct keyspace *keyspace; /* NULL when opened with no databases */
    uint64_t random;
};

/* The seed is the time unless given; `operations` becomes `factor` times as many in long runs, or what is given. */
static inline void model_arguments(int argc, char **argv, unsigned factor, uint64_t *seed,
                                   uint64_t *operations)
{
    *seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    if (test_is_long()) *operations *= factor;
    if (argc > 2) *operations = strtoull(argv[2], NULL, 0);
    printf("seed %llu, %llu operations\n", (unsigned long long)*seed, (unsigned long long)*operations);
}

/* Below `limit`. */
static inline uint64_t model_random(struct model_store *store, uint64_t limit)
{
    store->random = store->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (store->random >> 33) % limit;
}

static inline void model_store_make(struct model_store *store, uint64_t seed)
{
    strcpy(store->folder, "/dev/shm/cairn-model-XXXXXX");
    assert_non_null(scratch_make(store->folder));
    snprintf(store->path, sizeof(store->path), "%s/heap", store->folder);
    store->random = seed;
}

static inline void model_store_open(struct model_store *store, unsigned databases)
{
    struct heap_report report;
    struct heap_options options = {.path = store->path,
                                   .mode = HEAP_MODE_SHARED,
                                   .reserve_bytes = UINT64_C(8) << 30,
                                   .boot_id = "one boot"};
    if (heap_open(&options, &store->heap, &report) != ERROR_OK) fail_msg("%s", report.detail);
    assert_int_equal(heap_thread_open(store->heap, &store->thread), ERROR_OK);
    store->tx = heap_thread_tx(store->thread);
    store->keyspace = NULL;
    if (databases > 0)
        assert_int_equal(keyspace_open(store->heap, store->thread, databases, &store->keyspace), ERROR_OK);
}

static inline void model_store_close(struct model_store *store)
{
    if (store->keyspace != NULL) keyspace_close(store->keyspace);
    heap_thread_close(store->thread);
    assert_int_equal(heap_close(store->heap), ERROR_OK);
}

static inline void model_store_remove(struct model_store *store)
{
    assert_int_equal(unlink(store->path), 0);
    assert_int_equal(rmdir(store->folder), 0);
}

#endif
