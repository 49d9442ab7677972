/* pool_test.c: connections over a unix socket, served by two loops in this process. */
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

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char error[256];
    strcpy(f->dir, "/dev/shm/cairn-pool-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
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
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    client_pool_stop(f->pool);
    pthread_join(f->thread, NULL);
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
    return 0;
}

/* ---- a client ---- */

static int dial(struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, f->socket_path);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

static void hear(int fd, const char *text)
{
    char got[1024] = "";
    size_t len = strlen(text);
    assert_true(len < sizeof got);
    ssize_t count = recv(fd, got, len, MSG_WAITALL);
    assert_int_equal(count, len);
    assert_string_equal(got, text);
}

static void hear_end(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

/* ---- tests ---- */

static void requests_arrive_in_any_pieces(void **state)
{
    struct fixture *f = *state;
    static const char text[] =
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n";
    static const char reply[] = "+OK\r\n$5\r\nhello\r\n+PONG\r\n";
    size_t len = sizeof text - 1;
    int fd = dial(f);
    for (size_t cut = 1; cut < len; cut++) {
        assert_int_equal(send(fd, text, cut, MSG_NOSIGNAL), cut);
        say(fd, text + cut);
        hear(fd, reply);
    }
    close(fd);
}

static void a_long_pipeline_keeps_its_order(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 20000 };
    char *all = malloc(COUNT * 32);
    char expected[32];
    size_t len = 0;
    int fd = dial(f);
    for (int i = 0; i < COUNT; i++)
        len += (size_t)sprintf(all + len, "*2\r\n$4\r\nECHO\r\n$5\r\n%05d\r\n", i);
    assert_int_equal(send(fd, all, len, MSG_NOSIGNAL), len);
    for (int i = 0; i < COUNT; i++) {
        snprintf(expected, sizeof expected, "$5\r\n%05d\r\n", i);
        hear(fd, expected);
    }
    free(all);
    close(fd);
}

/* A reply of 8 MiB to a reader that waits first: it queues, and the connection goes on. */
static void large_values_travel_both_ways(void **state)
{
    struct fixture *f = *state;
    enum { BYTES = 8 << 20 };
    char *value = malloc(BYTES);
    memset(value, 'v', BYTES);
    int fd = dial(f);
    say(fd, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$8388608\r\n");
    assert_int_equal(send(fd, value, BYTES, MSG_NOSIGNAL), BYTES);
    say(fd, "\r\n");
    hear(fd, "+OK\r\n");
    say(fd, "GET b\r\nPING\r\n");
    usleep(20000);
    hear(fd, "$8388608\r\n");
    memset(value, 0, BYTES);
    assert_int_equal(recv(fd, value, BYTES, MSG_WAITALL), BYTES);
    assert_true(value[0] == 'v' && value[BYTES / 2] == 'v' && value[BYTES - 1] == 'v');
    hear(fd, "\r\n+PONG\r\n");
    free(value);
    close(fd);
}

static void protocol_errors_close(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(fd, "PING\r\n*1\r\nx\r\nPING\r\n");
    hear(fd, "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
    hear_end(fd);
    fd = dial(f);
    say(fd, "QUIT\r\nPING\r\n");
    hear(fd, "+OK\r\n");
    hear_end(fd);
}

/* As `printf ... | nc` does: what was asked is answered. */
static void a_peer_that_stops_sending_is_answered(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(fd, "PING\r\nECHO bye\r\n");
    shutdown(fd, SHUT_WR);
    hear(fd, "+PONG\r\n$3\r\nbye\r\n");
    hear_end(fd);
}

static void too_many_clients_are_refused(void **state)
{
    struct fixture *f = *state;
    int first = dial(f);
    say(first, "PING\r\n");
    hear(first, "+PONG\r\n");
    f->client_settings.maxclients = 1;
    int second = dial(f);
    hear(second, "-ERR max number of clients reached\r\n");
    hear_end(second);
    close(first);
}

static void connections_of_other_loops_are_killed(void **state)
{
    struct fixture *f = *state;
    int fds[6];
    for (size_t i = 0; i < 6; i++) {
        fds[i] = dial(f);
        say(fds[i], "PING\r\n");
        hear(fds[i], "+PONG\r\n");
    }
    say(fds[0], "CLIENT KILL TYPE normal\r\n");
    hear(fds[0], ":5\r\n");
    for (size_t i = 1; i < 6; i++)
        hear_end(fds[i]);
    say(fds[0], "PING\r\n");
    hear(fds[0], "+PONG\r\n");
    close(fds[0]);
}

static void paused_requests_go_on_at_the_end(void **state)
{
    struct fixture *f = *state;
    int self = dial(f);
    int other = dial(f);
    say(self, "CLIENT PAUSE 100000 WRITE\r\n");
    hear(self, "+OK\r\n");
    say(other, "PING\r\nSET a 1\r\nPING\r\n");
    hear(other, "+PONG\r\n");
    say(self, "EXISTS a\r\nCLIENT UNPAUSE\r\n");
    hear(self, ":0\r\n+OK\r\n");
    hear(other, "+OK\r\n+PONG\r\n");
    close(self);
    close(other);
}

static void unread_replies_meet_the_hard_limit(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 2000 };
    f->client_settings.output_hard_bytes = 64 * 1024;
    char value[1001];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    int fd = dial(f);
    say(fd, "SET v ");
    say(fd, value);
    say(fd, "\r\n");
    hear(fd, "+OK\r\n");
    for (int i = 0; i < COUNT; i++)
        if (send(fd, "GET v\r\n", 7, MSG_NOSIGNAL) < 0) break;
    struct client_pool_stats stats = {0};
    for (int i = 0; i < 2000 && stats.output_limit_disconnections == 0; i++) {
        usleep(1000);
        client_pool_stats(f->pool, &stats);
    }
    assert_int_equal(stats.output_limit_disconnections, 1);
    assert_int_equal(f->warnings, 1);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_arrive_in_any_pieces),         TEST(a_long_pipeline_keeps_its_order),
        TEST(large_values_travel_both_ways),         TEST(protocol_errors_close),
        TEST(a_peer_that_stops_sending_is_answered), TEST(too_many_clients_are_refused),
        TEST(connections_of_other_loops_are_killed), TEST(paused_requests_go_on_at_the_end),
        TEST(unread_replies_meet_the_hard_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
