/* pool_fixture.h: a pool of two loops in this process, reached over a unix socket. */
#ifndef CAIRN_TESTS_CLIENT_POOL_FIXTURE_H
#define CAIRN_TESTS_CLIENT_POOL_FIXTURE_H

#include "../../support/scratch.h"
#include "../../support/wait.h"

#include "client/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 2 };

struct fixture {
    char dir[64];
    char socket_path[96];
    char heap_path[96];
    struct heap *heap;
    struct keyspace *keyspace;
    struct settings settings;
    struct client_settings client_settings;
    struct server_state server;
    struct host host;
    struct worker workers[WORKERS];
    struct client_pool *pool;
    pthread_t thread;
    _Atomic unsigned warnings;
};

/* ---- the server ---- */

static void count_warning(void *app, int level, const char *format, ...)
{
    struct fixture *f = app;
    (void)format;
    if (level == 3) f->warnings++;
}

static void list_clients(void *app, struct worker *worker, const struct client_filter *filter,
                         struct resp_out *out)
{
    client_pool_list(((struct fixture *)app)->pool, worker, filter, out);
}

static uint64_t kill_clients(void *app, struct worker *worker, struct session *self,
                             const struct client_filter *filter)
{
    return client_pool_kill(((struct fixture *)app)->pool, worker, self, filter);
}

static void resume_clients(void *app, enum pause_mode mode, int64_t until_ms)
{
    (void)mode;
    (void)until_ms;
    client_pool_resume(((struct fixture *)app)->pool);
}

static void *run(void *arg)
{
    struct fixture *f = arg;
    assert_int_equal(client_pool_run(f->pool), ERROR_OK);
    return NULL;
}

static void open_data(struct fixture *f)
{
    struct heap_report report;
    struct heap_thread *thread;
    const struct heap_options options = {.path = f->heap_path};
    assert_int_equal(heap_open(&options, &f->heap, &report), ERROR_OK);
    assert_int_equal(heap_thread_open(f->heap, &thread), ERROR_OK);
    assert_int_equal(keyspace_open(f->heap, thread, 1, &f->keyspace), ERROR_OK);
    heap_thread_close(thread);
}

/* It does not run yet. */
static inline struct fixture *open_pool(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    char error[256];
    strcpy(f->dir, "/dev/shm/cairn-pool-XXXXXX");
    assert_non_null(scratch_make(f->dir));
    snprintf(f->socket_path, sizeof f->socket_path, "%s/socket", f->dir);
    snprintf(f->heap_path, sizeof f->heap_path, "%s/heap", f->dir);
    open_data(f);
    f->settings.max_bulk_bytes = 512u << 20;
    f->client_settings.maxclients = 100;
    f->client_settings.query_limit_bytes = 1u << 30;
    f->host = (struct host){.app = f,
                            .client_list = list_clients,
                            .client_kill = kill_clients,
                            .client_pause = resume_clients,
                            .log = count_warning};
    assert_int_equal(server_state_open(&f->server, &f->settings, WORKERS, 0), ERROR_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct heap_thread *thread;
        assert_int_equal(heap_thread_open(f->heap, &thread), ERROR_OK);
        assert_int_equal(worker_open(&f->workers[i], i, thread, f->keyspace, &f->server, &f->host), ERROR_OK);
    }
    assert_int_equal(client_pool_open(&f->server, f->workers, &f->client_settings, &f->pool), ERROR_OK);
    const struct client_listen listen = {.unix_path = f->socket_path, .backlog = 16};
    assert_true(client_pool_listen(f->pool, &listen, error, sizeof error));
    return f;
}

static inline void close_pool(struct fixture *f)
{
    client_pool_close(f->pool);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct heap_thread *thread = f->workers[i].thread;
        worker_close(&f->workers[i]);
        heap_thread_close(thread);
    }
    server_state_close(&f->server);
    keyspace_close(f->keyspace);
    assert_int_equal(heap_close(f->heap), ERROR_OK);
    unlink(f->heap_path);
    rmdir(f->dir);
    free(f);
}

static inline int set_up(void **state)
{
    struct fixture *f = open_pool();
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    client_pool_stop(f->pool);
    pthread_join(f->thread, NULL);
    close_pool(f);
    return 0;
}

/* ---- a client ---- */

static inline int dial(struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = WAIT_SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, f->socket_path);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

static inline void hear(int fd, const char *text)
{
    char got[1024] = "";
    size_t len = strlen(text);
    assert_true(len < sizeof got);
    ssize_t count = recv(fd, got, len, MSG_WAITALL);
    assert_int_equal(count, len);
    assert_string_equal(got, text);
}

static inline void hear_end(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
