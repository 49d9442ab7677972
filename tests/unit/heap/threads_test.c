/* threads_test.c: thread caches under many threads, frees on other threads, slow start and trim. */
#include "fixture.h"

#include "heap/heap_state.h"

#include <pthread.h>

#define THREADS_MAX 8
#define SLOTS       512
#define ROUNDS      20000

/* Slots that all threads take from and put into: each holds a block or 0. */
struct exchange {
    struct heap *heap;
    pthread_mutex_t locks[SLOTS];
    uint64_t slots[SLOTS];
    unsigned rounds;
};

struct worker {
    struct exchange *exchange;
    uint32_t random;
    pthread_t thread;
};

/* Frees what another thread has put there, and puts a block of its own. The block carries its own offset. */
static void exchange_one(struct worker *worker, struct tx *tx)
{
    struct exchange *exchange = worker->exchange;
    unsigned slot = fixture_random(&worker->random) % SLOTS;
    size_t size = 8 + fixture_random(&worker->random) % (slot % 16 ? 200 : 60000);
    pthread_mutex_lock(&exchange->locks[slot]);
    uint64_t old = exchange->slots[slot];
    uint64_t new = 0;
    enum error error = ERROR_OK;
    tx_begin(tx);
    if (old) {
        uint64_t mark = *(const uint64_t *)heap_ptr(exchange->heap, old);
        if (mark != old) abort(); /* someone else has written into our block */
        error = heap_free(tx, old);
    }
    if (!error && fixture_random(&worker->random) % 4) error = heap_alloc(tx, size, &new);
    if (error) abort();
    if (new) tx_write64(tx, heap_ptr(exchange->heap, new), new);
    if (fixture_random(&worker->random) % 16 == 0) {
        tx_abort(tx);
    } else {
        tx_commit(tx);
        exchange->slots[slot] = new;
    }
    pthread_mutex_unlock(&exchange->locks[slot]);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct heap_thread *thread;
    if (heap_thread_open(worker->exchange->heap, &thread)) abort();
    for (unsigned i = 0; i < worker->exchange->rounds; i++) {
        exchange_one(worker, heap_thread_tx(thread));
        if (i % 4096 == 4095) heap_thread_trim(thread);
    }
    heap_thread_close(thread);
    return NULL;
}

static void run_workers(struct exchange *exchange, unsigned threads)
{
    struct worker workers[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.exchange = exchange, .random = 77 + i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

/* The last of the rounds runs on a heap that was just reopened, with a background pass beside the workers. */
static void test_exchange(void **state)
{
    struct fixture *fixture = *state;
    static struct exchange exchange;
    exchange = (struct exchange){.rounds = ROUNDS};
    for (unsigned i = 0; i < SLOTS; i++)
        pthread_mutex_init(&exchange.locks[i], NULL);
    fixture_open(fixture);
    for (unsigned threads = 2; threads <= THREADS_MAX; threads *= 2) {
        exchange.heap = fixture->heap;
        exchange.rounds = ROUNDS / threads;
        run_workers(&exchange, threads);
        fixture_check(fixture, exchange.slots, SLOTS);
        fixture_reopen(fixture);
    }
    fixture_check(fixture, exchange.slots, SLOTS);
    fixture_close(fixture);
    for (unsigned i = 0; i < SLOTS; i++)
        pthread_mutex_destroy(&exchange.locks[i]);
}

struct background {
    struct fixture *fixture;
    bool stop;
};

static void *run_background(void *arg)
{
    struct background *background = arg;
    struct heap_thread *thread;
    if (heap_thread_open(background->fixture->heap, &thread)) abort();
    while (!__atomic_load_n(&background->stop, __ATOMIC_ACQUIRE)) {
        struct heap_stats stats;
        heap_background_step(thread);
        heap_stats(background->fixture->heap, &stats);
    }
    heap_thread_close(thread);
    return NULL;
}

static void test_rebuild_beside_workers(void **state)
{
    struct fixture *fixture = *state;
    static struct exchange exchange;
    struct background background = {.fixture = fixture};
    pthread_t thread;
    exchange = (struct exchange){.rounds = ROUNDS / 8};
    for (unsigned i = 0; i < SLOTS; i++)
        pthread_mutex_init(&exchange.locks[i], NULL);
    fixture_open(fixture);
    for (unsigned round = 0; round < 4; round++) {
        exchange.heap = fixture->heap;
        background.stop = false;
        assert_int_equal(pthread_create(&thread, NULL, run_background, &background), 0);
        run_workers(&exchange, 4);
        __atomic_store_n(&background.stop, true, __ATOMIC_RELEASE);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fixture_check(fixture, exchange.slots, SLOTS);
        fixture_reopen(fixture);
    }
    fixture_close(fixture);
    for (unsigned i = 0; i < SLOTS; i++)
        pthread_mutex_destroy(&exchange.locks[i]);
}

static uint64_t cached(struct fixture *fixture)
{
    struct heap_stats stats;
    heap_stats(fixture->heap, &stats);
    return stats.cached_bytes / 64;
}

static void test_slow_start_and_trim(void **state)
{
    struct fixture *fixture = *state;
    uint64_t offs[2000];
    fixture_open(fixture);
    /* Batches of 1, 2, 4, …: what is cached is never more than what was asked for, plus one. */
    for (unsigned i = 0; i < 2000; i++) {
        offs[i] = fixture_alloc(fixture, 64);
        assert_true(cached(fixture) <= i + 1u);
        assert_true(cached(fixture) < 128);
    }
    for (unsigned i = 0; i < 2000; i++) {
        fixture_free(fixture, offs[i]);
        assert_true(cached(fixture) <= 256);
    }
    assert_true(cached(fixture) > 0);
    heap_thread_trim(fixture->thread);
    heap_thread_trim(fixture->thread);
    assert_int_equal(cached(fixture), 0);

    /* What is in use stays. */
    for (unsigned i = 0; i < 100; i++)
        offs[i] = fixture_alloc(fixture, 64);
    for (unsigned i = 0; i < 100; i++)
        fixture_free(fixture, offs[i]);
    heap_thread_trim(fixture->thread);
    for (unsigned i = 0; i < 5; i++)
        offs[i] = fixture_alloc(fixture, 64);
    for (unsigned i = 0; i < 5; i++)
        fixture_free(fixture, offs[i]);
    heap_thread_trim(fixture->thread);
    assert_int_equal(cached(fixture), 5);
    fixture_check(fixture, NULL, 0);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slow_start_and_trim, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_exchange, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rebuild_beside_workers, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
