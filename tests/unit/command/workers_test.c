/* workers_test.c: several workers at once: counters add up whatever enters the gate in between. */
#include "server_fixture.h"

#include <pthread.h>

#define WORKERS  3
#define ROUNDS   1500
#define COUNTERS 8

struct thread_args {
    struct heap_thread *thread;
    struct worker worker;
};

static void run(struct worker *worker, struct session *session, struct resp_out *out, const char *words)
{
    struct slice argv[SERVER_ARGS_MAX];
    struct resp_request request = {.argv = argv, .bytes = strlen(words)};
    size_t done;
    for (const char *at = words; *at;) {
        size_t len = strcspn(at, " ");
        argv[request.argc++] = (struct slice){at, len};
        at += len + strspn(at + len, " ");
    }
    out->len = 0;
    if (dispatch_batch(worker, session, &request, 1, out, &done) != DISPATCH_DONE || out->buf[0] == '-') {
        fprintf(stderr, "%s: %.*s", words, (int)out->len, out->buf);
        abort();
    }
}

static void *work(void *arg)
{
    struct thread_args *args = arg;
    struct worker *worker = &args->worker;
    struct session session = {.id = worker->id, .proto = 2, .authenticated = true};
    struct resp_out out;
    char words[128];
    resp_out_init(&out);
    for (unsigned round = 0; round < ROUNDS; round++) {
        snprintf(words, sizeof words, "incr counter:%u", round % COUNTERS);
        run(worker, &session, &out, words);
        snprintf(words, sizeof words, "mset a:%u 1 b:%u 2 c:%u 3", round, round % 7, worker->id);
        run(worker, &session, &out, words);
        snprintf(words, sizeof words, "set short:%u x px 1", round % 16);
        run(worker, &session, &out, words);
        snprintf(words, sizeof words, "get short:%u", (round + 8) % 16);
        run(worker, &session, &out, words);
        if (round % 50 == worker->id) run(worker, &session, &out, "swapdb 1 2");
        if (round % 100 == worker->id) run(worker, &session, &out, "scan 0 count 20");
        if (round % 200 == worker->id) run(worker, &session, &out, "config resetstat");
        if (round % 200 == 100) run(worker, &session, &out, "slowlog get");
        if (round % 300 == worker->id) run(worker, &session, &out, "latency histogram");
        run(worker, &session, &out, "dbsize");
    }
    resp_out_free(&out);
    session_free(&session);
    return NULL;
}

static void test_counters_add_up(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_state *server = calloc(1, sizeof *server);
    struct thread_args args[WORKERS];
    pthread_t threads[WORKERS];
    atomic_store(&fixture->settings.slowlog_slower_than_us, 0);
    assert_int_equal(server_state_open(server, &fixture->settings, WORKERS, 0), ERROR_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(heap_thread_open(fixture->heap->heap, &args[i].thread), ERROR_OK);
        assert_int_equal(
            worker_open(&args[i].worker, i, args[i].thread, fixture->keyspace, server, &fixture->host),
            ERROR_OK);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &args[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_close(&args[i].worker);
        heap_thread_close(args[i].thread);
    }
    long sum = 0;
    for (unsigned i = 0; i < COUNTERS; i++) {
        char words[32];
        snprintf(words, sizeof words, "get counter:%u", i);
        sum += strtol(strchr(server_reply(fixture, words), '\n') + 1, NULL, 10);
    }
    assert_int_equal(sum, WORKERS * ROUNDS);
    char detail[256];
    if (!keyspace_is_valid(fixture->keyspace, detail, sizeof detail)) fail_msg("%s", detail);
    server_state_close(server);
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SERVER_TEST(test_counters_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
