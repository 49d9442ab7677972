/* server_fixture.h: a worker on a heap of its own, with a host that does nothing, for tests that run
 * commands. */
#ifndef CAIRN_TESTS_UNIT_COMMAND_SERVER_FIXTURE_H
#define CAIRN_TESTS_UNIT_COMMAND_SERVER_FIXTURE_H

#include "../heap/fixture.h"

#include "command/dispatch.h"
#include "command/server_state.h"

#define SERVER_DATABASES 4
#define SERVER_ARGS_MAX  32

struct server_fixture {
    struct fixture *heap;
    struct keyspace *keyspace;
    struct settings settings;
    struct server_state server;
    struct host host;
    struct worker worker;
    struct session session;
    struct resp_out out;
    enum dispatch_stop stop; /* of the last request */
};

static inline void host_client_info(void *app, struct worker *worker, const struct session *session,
                                    struct resp_out *line_out)
{
    (void)app;
    (void)worker;
    (void)session;
    resp_raw(line_out, "id=1", 4);
}

static inline void host_client_pause(void *app, enum pause_mode mode, int64_t until_ms)
{
    (void)app;
    (void)mode;
    (void)until_ms;
}

static inline void host_reset_stats(void *app)
{
    (void)app;
}

static inline enum error host_save(void *app, enum host_save kind)
{
    (void)app;
    (void)kind;
    return ERROR_OK;
}

static inline int server_setup(void **state)
{
    struct server_fixture *fixture = calloc(1, sizeof *fixture);
    void *heap = NULL;
    int status = fixture_setup(&heap);
    fixture->heap = heap;
    fixture_open(fixture->heap);
    assert_int_equal(
        keyspace_open(fixture->heap->heap, fixture->heap->thread, SERVER_DATABASES, &fixture->keyspace),
        ERROR_OK);
    atomic_store(&fixture->settings.slowlog_slower_than_us, -1);
    atomic_store(&fixture->settings.slowlog_max_len, 16);
    atomic_store(&fixture->settings.latency_tracking, true);
    atomic_store(&fixture->settings.enable_debug_command, DEBUG_ANYBODY);
    atomic_store(&fixture->settings.max_bulk_bytes, 512 << 20);
    fixture->host = (struct host){.client_info = host_client_info,
                                  .client_pause = host_client_pause,
                                  .reset_stats = host_reset_stats,
                                  .save = host_save};
    assert_int_equal(server_state_open(&fixture->server, &fixture->settings, 1, 1), ERROR_OK);
    assert_int_equal(worker_open(&fixture->worker, 0, fixture->heap->thread, fixture->keyspace,
                                 &fixture->server, &fixture->host),
                     ERROR_OK);
    fixture->session = (struct session){.id = 7, .proto = 2, .authenticated = true};
    resp_out_init(&fixture->out);
    *state = fixture;
    return status;
}

static inline int server_teardown(void **state)
{
    struct server_fixture *fixture = *state;
    void *heap = fixture->heap;
    resp_out_free(&fixture->out);
    session_free(&fixture->session);
    worker_close(&fixture->worker);
    server_state_close(&fixture->server);
    keyspace_close(fixture->keyspace);
    fixture_close(fixture->heap);
    free(fixture);
    return fixture_teardown(&heap);
}

/* Runs one request of words without spaces and returns the bytes of the reply, good until the next. */
static inline const char *server_reply(struct server_fixture *fixture, const char *words)
{
    struct slice argv[SERVER_ARGS_MAX];
    struct resp_request request = {.argv = argv, .bytes = strlen(words)};
    size_t done;
    while (*words) {
        size_t len = strcspn(words, " ");
        argv[request.argc++] = (struct slice){words, len};
        words += len + strspn(words + len, " ");
    }
    fixture->out.len = 0;
    fixture->stop = dispatch_batch(&fixture->worker, &fixture->session, &request, 1, &fixture->out, &done);
    resp_raw(&fixture->out, "", 1);
    fixture->out.len--;
    return fixture->out.buf;
}

#define assert_reply(fixture, words, reply) assert_string_equal(server_reply((fixture), (words)), (reply))
#define SERVER_TEST(name)                   cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

#endif
