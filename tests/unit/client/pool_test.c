/* pool_test.c: connections over a unix socket, served by two loops in this process. */
#include "pool_fixture.h"

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
    f->client_settings.output[OUTPUT_NORMAL].hard_bytes = 64 * 1024;
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
    (void)WAIT_FOR((client_pool_stats(f->pool, &stats), stats.output_limit_disconnections > 0));
    assert_int_equal(stats.output_limit_disconnections, 1);
    assert_int_equal(f->warnings, 1);
    close(fd);
}

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
