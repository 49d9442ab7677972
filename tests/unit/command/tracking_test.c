/* tracking_test.c: client-side caching without memory: whoever has read what is not so any more is told, or loses his connection. */
#include "../../support/starve.h"
#include "server_fixture.h"

#define WORKERS 2
#define CLIENTS 3 /* who reads, who changes, and who is told instead of the reader */
#define TOLD    "invalidate"

enum { READER, WRITER, OTHER };

struct client {
    struct session session;
    unsigned worker;
    struct resp_out out;
    bool told; /* since it has read */
    bool ended;
};

struct bench {
    struct server_fixture *fixture;
    struct server_state server;
    struct heap_thread *threads[WORKERS];
    struct worker workers[WORKERS];
    struct client clients[CLIENTS];
    struct host host;
};

/* ---- what the host does ---- */

static struct client *client_of(struct session *session)
{
    return (struct client *)(void *)session;
}

static struct session *find(void *app, struct worker *worker, uint64_t session_id)
{
    struct bench *bench = app;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &bench->clients[i];
        if (client->session.id == session_id && client->worker == worker->id && !client->ended)
            return &client->session;
    }
    return NULL;
}

static bool find_worker(void *app, struct worker *worker, uint64_t session_id, unsigned *worker_id_out)
{
    struct bench *bench = app;
    (void)worker;
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (bench->clients[i].session.id != session_id) continue;
        *worker_id_out = bench->clients[i].worker;
        return true;
    }
    return false;
}

static void push(void *app, struct session *session, const char *bytes, size_t len)
{
    (void)app;
    if (memmem(bytes, len, TOLD, strlen(TOLD))) client_of(session)->told = true;
}

static void end(void *app, struct session *session)
{
    (void)app;
    client_of(session)->ended = true;
}

static void post(void *app, unsigned worker_id, struct worker_mail *mail)
{
    struct bench *bench = app;
    (void)mail; /* `settle` looks at all inboxes */
    atomic_store(&bench->workers[worker_id].inbox.woken, false);
}

static void flushed(void *app, uint64_t changes)
{
    (void)app, (void)changes;
}

static void settle(struct bench *bench)
{
    bool more = true;
    while (more) {
        more = false;
        for (unsigned i = 0; i < WORKERS; i++) {
            more |= inbox_has_mail(&bench->workers[i].inbox);
            inbox_settle(&bench->workers[i]);
        }
    }
}

/* ---- life ---- */

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    void *fixture;
    int status = server_setup(&fixture);
    bench->fixture = fixture;
    bench->host = bench->fixture->host;
    bench->host.app = bench;
    bench->host.session_find = find;
    bench->host.session_worker = find_worker;
    bench->host.push = push;
    bench->host.close = end;
    bench->host.post = post;
    bench->host.flushed = flushed;
    assert_int_equal(server_state_open(&bench->server, &bench->fixture->settings, WORKERS, 0), ERROR_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(heap_thread_open(bench->fixture->heap->heap, &bench->threads[i]), ERROR_OK);
        assert_int_equal(worker_open(&bench->workers[i], i, bench->threads[i], bench->fixture->keyspace,
                                     &bench->server, &bench->host),
                         ERROR_OK);
    }
    *state = bench;
    return status;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    void *fixture = bench->fixture;
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_close(&bench->workers[i]);
        heap_thread_close(bench->threads[i]);
    }
    server_state_close(&bench->server);
    free(bench);
    return server_teardown(&fixture);
}

static void connect_clients(struct bench *bench, const unsigned workers[CLIENTS])
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &bench->clients[i];
        *client = (struct client){.worker = workers[i],
                                  .session = {.id = 10 + i, .proto = 3, .authenticated = true}};
        resp_out_init(&client->out);
    }
}

static void disconnect_clients(struct bench *bench)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &bench->clients[i];
        session_end(&client->session, &bench->workers[client->worker]);
        session_free(&client->session);
        resp_out_free(&client->out);
    }
    settle(bench);
}

/* True when it was done and answered. */
static bool ask(struct bench *bench, unsigned who, const char *words)
{
    struct client *client = &bench->clients[who];
    struct slice argv[SERVER_ARGS_MAX];
    struct resp_request request = {.argv = argv, .bytes = strlen(words)};
    size_t done;
    for (const char *at = words; *at;) {
        size_t len = strcspn(at, " ");
        argv[request.argc++] = (struct slice){at, len};
        at += len + strspn(at + len, " ");
    }
    client->out.len = 0;
    client->out.failed = false;
    enum dispatch_stop stop =
        dispatch_batch(&bench->workers[client->worker], &client->session, &request, 1, &client->out, &done);
    if (stop == DISPATCH_CLOSE || client->out.failed) client->ended = true;
    if (client->ended || client->out.len == 0) return false;
    push(bench, &client->session, client->out.buf, client->out.len);
    return client->out.buf[0] != '-';
}

/* ---- the cases ---- */

struct way {
    const char *tracking; /* how the reader wants to be told */
    const char *change;
    unsigned told; /* who is */
    unsigned workers[CLIENTS];
};

static const struct way ways[] = {
    {"client tracking on", "set k new", READER, {0, 1, 0}},
    {"client tracking on", "set k new", READER, {0, 0, 0}},
    {"client tracking on", "flushall", READER, {0, 1, 0}},
    {"client tracking on redirect 12", "set k new", OTHER, {0, 1, 1}},
    {"client tracking on redirect 12", "set k new", OTHER, {0, 0, 1}},
    {"client tracking on redirect 12", "flushall", OTHER, {0, 0, 1}},
    {"client tracking on bcast", "set k new", READER, {0, 1, 0}},
    {"client tracking on bcast prefix k prefix x", "set k new", READER, {0, 0, 0}},
    {"client tracking on bcast redirect 12", "set k new", OTHER, {0, 1, 1}},
};

/* Whether an allocation failed. Nobody may be left with what is not so. */
static bool run(struct bench *bench, const struct way *way, unsigned long from, unsigned long many)
{
    connect_clients(bench, way->workers);
    struct client *reader = &bench->clients[READER], *told = &bench->clients[way->told];
    assert_true(ask(bench, WRITER, "set k old"));
    starve_begin(from, many);
    bool tracks = ask(bench, READER, way->tracking);
    told->told = false;
    bool read = tracks && ask(bench, READER, "get k");
    bool early = told->told; /* behind the reply */
    (void)ask(bench, WRITER, way->change);
    settle(bench);
    bool starved = starve_end();
    settle(bench);
    assert_true(ask(bench, OTHER, "exists k"));
    bool changed = bench->clients[OTHER].out.buf[1] == '0';
    if (!changed)
        changed = ask(bench, OTHER, "get k") &&
                  memmem(bench->clients[OTHER].out.buf, bench->clients[OTHER].out.len, "new", 3);
    if (read && changed && !early && !told->told && !told->ended && !reader->ended)
        fail_msg("%s, %s: nobody was told when allocation %lu and %lu more failed", way->tracking,
                 way->change, from, many - 1);
    if (!starved) assert_true(read && changed && told->told);
    disconnect_clients(bench);
    return starved;
}

static void who_cannot_be_told_is_told_to_forget(void **state)
{
    static const unsigned long many[] = {1, 2, 1000000};
    if (!STARVES) skip();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (size_t j = 0; j < sizeof many / sizeof *many; j++)
            for (unsigned long from = 1; run(*state, &ways[i], from, many[j]); from++)
                continue;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_cannot_be_told_is_told_to_forget, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
