/* tracking_test.c: client-side caching, over two workers. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INVALID(keys) ">['invalidate', " keys "]"
/* The next thing that the client gets. */
#define GETS(client, expected) check_got((client), (expected), __LINE__)
static void check_got(struct client *client, const char *expected, int line)
{
    const char *got = client_read(client);
    if (!client_reply_is(expected, got)) fail_msg("line %d: got %s, not %s", line, got, expected);
}

/* Behind everything that it was told; one on each worker, and a writer. */
struct three {
    struct client *near, *far, *writer;
};

static struct three open_three(struct server *server)
{
    struct three three = {client_open(server, 3), client_open(server, 3), client_open(server, 2)};
    EXPECT(three.writer, "FLUSHALL", "+OK");
    return three;
}

static void close_three(struct three *three)
{
    client_close(three->near);
    client_close(three->far);
    client_close(three->writer);
}

static void keys_that_were_read(void **state)
{
    struct three three = open_three(*state);
    struct client *const readers[] = {three.near, three.far};
    EXPECT(three.writer, "MSET a 1 b 1 c 1", "+OK");
    for (int i = 0; i < 2; i++) {
        EXPECT(readers[i], "CLIENT TRACKING ON", "+OK");
        EXPECT(readers[i], "CLIENT TRACKINGINFO", "{'flags': ~['on'], 'redirect': :0, 'prefixes': []}");
        EXPECT(readers[i], "CLIENT GETREDIR", ":0");
        EXPECT(readers[i], "MGET a b", "['1', '1']");
        EXPECT(readers[i], "GET a", "'1'");
        EXPECT(readers[i], "GET nope", "nil");
    }
    EXPECT(three.writer, "INFO stats", "'<*>tracking_total_keys:3\\r\\ntracking_total_items:6\\r\\n<*>'");
    EXPECT(three.writer, "INFO clients", "'<*>tracking_clients:2\\r\\n<*>'");
    EXPECT(three.writer, "SET a 2", "+OK");
    EXPECT(three.writer, "SET a 3", "+OK"); /* not read since */
    EXPECT(three.writer, "SET c 2", "+OK");
    EXPECT(three.writer, "SET nope 1 EX 1000", "+OK");
    EXPECT(three.writer, "DEL b", ":1");
    for (int i = 0; i < 2; i++) {
        EXPECT(readers[i], "PING", INVALID("['a']"));
        GETS(readers[i], INVALID("['nope']"));
        GETS(readers[i], INVALID("['b']"));
        GETS(readers[i], "+PONG");
        EXPECT(readers[i], "GET a", "'3'");
    }
    EXPECT(three.writer, "FLUSHDB", "+OK");
    EXPECT(three.writer, "INFO stats", "'<*>tracking_total_keys:0\\r\\ntracking_total_items:0\\r\\n<*>'");
    for (int i = 0; i < 2; i++) {
        EXPECT(readers[i], "PING", INVALID("nil"));
        GETS(readers[i], "+PONG");
        EXPECT(readers[i], "GET a", "nil");
        EXPECT(readers[i], "CLIENT TRACKING OFF", "+OK");
    }
    EXPECT(three.writer, "SET a 2", "+OK");
    for (int i = 0; i < 2; i++)
        EXPECT(readers[i], "PING", "+PONG");
    close_three(&three);
}

/* One's own changes follow their reply; NOLOOP keeps them away. */
static void own_changes(void **state)
{
    struct three three = open_three(*state);
    EXPECT(three.near, "CLIENT TRACKING ON", "+OK");
    EXPECT(three.near, "GET k", "nil");
    EXPECT(three.near, "SET k 1", "+OK");
    GETS(three.near, INVALID("['k']"));
    EXPECT(three.near, "MULTI", "+OK");
    EXPECT(three.near, "SET k 2", "+QUEUED");
    EXPECT(three.near, "GET k", "+QUEUED"); /* read after the change: still tracked */
    EXPECT(three.near, "EXEC", "[+OK, '2']");
    EXPECT(three.near, "PING", "+PONG");
    EXPECT(three.near, "MULTI", "+OK");
    EXPECT(three.near, "INCR k", "+QUEUED");
    EXPECT(three.near, "PING", "+QUEUED");
    EXPECT(three.near, "EXEC", "[:3, +PONG]");
    GETS(three.near, INVALID("['k']"));
    EXPECT(three.near, "CLIENT TRACKING ON NOLOOP", "+OK");
    EXPECT(three.near, "GET k", "'3'");
    EXPECT(three.near, "SET k 4", "+OK");
    EXPECT(three.near, "GET k", "'4'");
    EXPECT(three.writer, "SET k 5", "+OK");
    EXPECT(three.near, "PING", INVALID("['k']"));
    GETS(three.near, "+PONG");
    close_three(&three);
}

static void opting(void **state)
{
    struct three three = open_three(*state);
    EXPECT(three.near, "CLIENT CACHING YES", "-ERR CLIENT CACHING can be called only when <*>");
    EXPECT(three.near, "CLIENT TRACKING ON OPTIN", "+OK");
    EXPECT(three.near, "CLIENT CACHING NO",
           "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    EXPECT(three.near, "GET a", "nil");
    EXPECT(three.near, "CLIENT CACHING YES", "+OK");
    EXPECT(three.near, "CLIENT TRACKINGINFO",
           "{'flags': ~['on', 'optin', 'caching-yes'], 'redirect': :0, 'prefixes': []}");
    EXPECT(three.near, "GET b", "nil");
    EXPECT(three.near, "GET c", "nil");
    EXPECT(three.near, "CLIENT CACHING YES", "+OK");
    EXPECT(three.near, "MULTI", "+OK");
    EXPECT(three.near, "GET d", "+QUEUED");
    EXPECT(three.near, "GET e", "+QUEUED");
    EXPECT(three.near, "EXEC", "[nil, nil]");
    EXPECT(three.writer, "MSET a 1 b 1 c 1 d 1 e 1", "+OK");
    EXPECT(three.near, "PING", INVALID("['b']"));
    GETS(three.near, INVALID("['d']"));
    GETS(three.near, INVALID("['e']"));
    GETS(three.near, "+PONG");
    EXPECT(three.near, "CLIENT TRACKING ON OPTOUT", "-ERR You can't switch OPTIN/OPTOUT mode before <*>");
    EXPECT(three.near, "CLIENT TRACKING OFF", "+OK");
    EXPECT(three.near, "CLIENT TRACKING ON OPTOUT", "+OK");
    EXPECT(three.near, "CLIENT CACHING NO", "+OK");
    EXPECT(three.near, "GET a", "'1'");
    EXPECT(three.near, "GET b", "'1'");
    EXPECT(three.writer, "MSET a 2 b 2", "+OK");
    EXPECT(three.near, "PING", INVALID("['b']"));
    GETS(three.near, "+PONG");
    close_three(&three);
}

static void broadcasting(void **state)
{
    struct three three = open_three(*state);
    EXPECT(three.near, "CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "+OK");
    EXPECT(three.near, "CLIENT TRACKINGINFO",
           "{'flags': ~['on', 'bcast'], 'redirect': :0, 'prefixes': ['a:', 'b:']}");
    EXPECT(three.far, "CLIENT TRACKING ON BCAST NOLOOP", "+OK");
    EXPECT(three.near, "CLIENT TRACKING ON BCAST PREFIX b:x",
           "-ERR Prefix 'b:x' overlaps with an existing prefix 'b:'. <*>");
    EXPECT(three.near, "CLIENT TRACKING ON", "-ERR You can't switch BCAST mode on/off before <*>");
    EXPECT(three.near, "CLIENT TRACKING ON BCAST PREFIX z PREFIX z1",
           "-ERR Prefix 'z' overlaps with another provided prefix 'z1'. <*>");
    EXPECT(three.writer, "INFO stats", "'<*>tracking_total_prefixes:3\\r\\n<*>'");
    EXPECT(three.writer, "MSET a:1 1 a:2 1 c:1 1 b:1 1 a:1 2", "+OK");
    EXPECT(three.far, "PING", INVALID("['a:1', 'a:2', 'c:1', 'b:1']"));
    GETS(three.far, "+PONG");
    const char *got = client_ask(three.near, "PING");
    bool a_first = client_reply_is(INVALID("['a:1', 'a:2']"), got);
    assert_true(a_first || client_reply_is(INVALID("['b:1']"), got));
    GETS(three.near, a_first ? INVALID("['b:1']") : INVALID("['a:1', 'a:2']"));
    GETS(three.near, "+PONG");
    EXPECT(three.far, "SET own 1", "+OK");
    EXPECT(three.far, "PING", "+PONG");
    EXPECT(three.near, "CLIENT TRACKING OFF", "+OK");
    EXPECT(three.writer, "SET a:1 3", "+OK");
    EXPECT(three.near, "PING", "+PONG");
    EXPECT(three.far, "PING", INVALID("['a:1']"));
    GETS(three.far, "+PONG");
    EXPECT(three.far, "RESET", "+RESET");
    EXPECT(three.writer, "INFO stats", "'<*>tracking_total_prefixes:0\\r\\n<*>'");
    EXPECT(three.writer, "INFO clients", "'<*>tracking_clients:0\\r\\n<*>'");
    close_three(&three);
}

/* To a session of the same worker and of the other one; of either protocol. */
static void redirecting(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct three three = open_three(*state);
        struct client *target = i % 2 ? three.far : three.writer, *two = client_open(*state, 2),
                      *writer = client_open(*state, 2);
        struct client *to = i < 2 ? two : target;
        char line[64];
        if (i < 2) EXPECT(to, "SUBSCRIBE __redis__:invalidate", "['subscribe', '__redis__:invalidate', :1]");
        EXPECT(three.near, "CLIENT TRACKING ON REDIRECT 999999",
               "-ERR The client ID you want redirect to does not exist");
        if (i < 2) EXPECT(to, "PING", "['pong', '']");
        /* its number is asked for before it can only listen */
        struct client *numbered = client_open(*state, 3);
        snprintf(line, sizeof line, "CLIENT TRACKING ON REDIRECT %s", client_ask(numbered, "CLIENT ID") + 1);
        EXPECT(three.near, line, "+OK");
        EXPECT(three.near, "GET k", "nil");
        EXPECT(writer, "SET k 1", "+OK");
        GETS(numbered, INVALID("['k']"));
        EXPECT(numbered, "HELLO 2", "<*>");
        EXPECT(numbered, "SUBSCRIBE x", "<*>");
        EXPECT(three.near, "GET k", "'1'");
        EXPECT(writer, "SET k 2", "+OK");
        GETS(numbered, "<*>'message', '__redis__:invalidate', ['k']]");
        EXPECT(three.near, "PING", "+PONG");
        EXPECT(three.near, "GET k", "'2'");
        client_close(numbered);
        assert_true(WAIT_FOR(({
            (void)client_ask(three.near, "GET k");
            (void)client_ask(writer, "INCR k");
            strstr(client_ask(three.near, "CLIENT TRACKINGINFO"), "tracking-redir-broken") != NULL;
        })));
        client_close(two);
        client_close(writer);
        close_three(&three);
    }
}

static void limits_and_expiry(void **state)
{
    struct three three = open_three(*state);
    char line[32];
    EXPECT(three.near, "CLIENT TRACKING ON", "+OK");
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "GET k%d", i);
        EXPECT(three.near, line, "nil");
    }
    EXPECT(three.writer, "CONFIG SET tracking-table-max-keys 10", "+OK");
    for (int i = 0; i < 90; i++)
        GETS(three.near, INVALID("['k<*>']"));
    EXPECT(three.near, "PING", "+PONG");
    EXPECT(three.writer, "INFO stats", "'<*>tracking_total_keys:10\\r\\n<*>'");
    EXPECT(three.writer, "CONFIG SET tracking-table-max-keys 1000000", "+OK");
    EXPECT(three.writer, "SET short 1 PX 300", "+OK");
    (void)client_ask(three.near, "GET short");
    GETS(three.near, INVALID("['short']"));
    close_three(&three);
}

/* Readers and writers on both workers: what a reader has last read or been told is never older than what was acknowledged before. */
static void no_stale_value(void **state)
{
    struct three three = open_three(*state);
    struct client *const readers[] = {three.near, three.far};
    char line[32], value[32];
    for (int i = 0; i < 2; i++)
        EXPECT(readers[i], "CLIENT TRACKING ON", "+OK");
    EXPECT(three.writer, "SET k 0", "+OK");
    for (int round = 1; round < 500; round++) {
        for (int i = 0; i < 2; i++) {
            snprintf(value, sizeof value, "'%d'", round - 1);
            EXPECT(readers[i], "GET k", value);
        }
        snprintf(line, sizeof line, "SET k %d", round);
        EXPECT(three.writer, line, "+OK");
        for (int i = 0; i < 2; i++) {
            EXPECT(readers[i], "PING", INVALID("['k']"));
            GETS(readers[i], "+PONG");
        }
    }
    close_three(&three);
}

static int open_server(void **state)
{
    static const char *const options[] = {"--io-threads", "2", NULL};
    *state = server_open(options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_that_were_read, script_await_alone),
        cmocka_unit_test_setup(own_changes, script_await_alone),
        cmocka_unit_test_setup(opting, script_await_alone),
        cmocka_unit_test_setup(broadcasting, script_await_alone),
        cmocka_unit_test_setup(redirecting, script_await_alone),
        cmocka_unit_test_setup(limits_and_expiry, script_await_alone),
        cmocka_unit_test_setup(no_stale_value, script_await_alone),
    };
    return cmocka_run_group_tests(tests, open_server, script_close_server);
}
