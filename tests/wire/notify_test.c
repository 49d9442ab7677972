/* notify_test.c: keyspace notifications, over two workers. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A command, and what a listener to all events hears of it: "event key" for each. */
struct row {
    const char *line;
    const char *events[5];
};

static const struct row rows[] = {
    {"SET a 1", {"new a", "set a"}},
    {"SET a 2 EX 100", {"set a", "expire a"}},
    {"GETEX a PERSIST", {"persist a"}},
    {"GETDEL a", {"del a"}},
    {"GET a", {"keymiss a"}},
    {"EXISTS a b", {"keymiss a", "keymiss b"}},
    {"OBJECT ENCODING a", {NULL}},
    {"MSET m 1 n 2 m 3", {"new m", "set m", "new n", "set n", "set m"}},
    {"APPEND m x", {"append m"}},
    {"INCRBY n 5", {"incrby n"}},
    {"SETBIT n 1 1", {"setbit n"}},
    {"PFADD p x", {"new p", "pfadd p"}},
    {"DEL m n p q", {"del m", "del n", "del p"}},
    {"RPUSH l 1 2 3", {"new l", "rpush l"}},
    {"LMOVE l k LEFT RIGHT", {"new k", "rpush k", "lpop l"}},
    {"RPOP k", {"rpop k", "del k"}},
    {"LTRIM l 5 9", {"ltrim l", "del l"}},
    {"SADD s a b", {"new s", "sadd s"}},
    {"SMOVE s t a", {"srem s", "new t", "sadd t"}},
    {"SPOP s", {"spop s", "del s"}},
    {"SINTERSTORE t t nope", {"keymiss nope", "del t"}},
    {"HSET h f 1 g 2", {"new h", "hset h"}},
    {"HINCRBY h f 1", {"hincrby h"}},
    {"HDEL h f g", {"hdel h", "del h"}},
    {"ZADD z 1 a 2 b", {"new z", "zadd z"}},
    {"ZADD z INCR 1 a", {"zincr z"}},
    {"ZUNIONSTORE y 1 z", {"new y", "zunionstore y"}},
    {"ZPOPMIN y 2", {"zpopmin y", "del y"}},
    {"XADD x 1-1 f v", {"new x", "xadd x"}},
    {"XADD x MAXLEN 1 2-1 f v", {"xadd x", "xtrim x"}},
    {"XGROUP CREATE x g 0", {"xgroup-create x"}},
    {"XREADGROUP GROUP g c STREAMS x >", {"xgroup-createconsumer x"}},
    {"XGROUP DELCONSUMER x g c", {"xgroup-delconsumer x"}},
    {"XGROUP DESTROY x g", {"xgroup-destroy x"}},
    {"SET o 1", {"new o", "set o"}},
    {"RENAME o x", {"new x", "rename_from o", "rename_to x"}},
    {"COPY x c", {"new c", "copy_to c"}},
    {"SORT nope STORE c", {"keymiss nope", "del c"}},
    {"EXPIRE x 100", {"expire x"}},
    {"EXPIRE x -1", {"del x"}},
    {"SET a text", {"new a", "set a"}},
    {"INCR a", {NULL}},
    {"LPUSH a x", {NULL}},
};

static void expect_event(struct client *listener, const char *event, const char *line)
{
    char wanted[128];
    const char *space = strchr(event, ' ');
    snprintf(wanted, sizeof wanted, ">['pmessage', '*', '__keyevent@0__:%.*s', '%s']", (int)(space - event),
             event, space + 1);
    const char *got = client_read(listener);
    if (!client_reply_is(wanted, got)) fail_msg("%s: got %s, not %s", line, got, wanted);
}

static void by_command(void **state)
{
    struct client *client = client_open(*state, 2), *listener = client_open(*state, 3);
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "CONFIG SET notify-keyspace-events AEmn", "+OK");
    EXPECT(listener, "PSUBSCRIBE *", ">['psubscribe', '*', :1]");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)client_ask(client, rows[i].line);
        for (size_t k = 0; k < 5 && rows[i].events[k]; k++)
            expect_event(listener, rows[i].events[k], rows[i].line);
        EXPECT(listener, "PING", "+PONG"); /* and nothing else */
    }
    client_close(client);
    client_close(listener);
}

/* Of what EXEC does, nothing before it is done, and nothing of what was taken back. */
static void in_transactions(void **state)
{
    struct client *client = client_open(*state, 2), *listener = client_open(*state, 3);
    EXPECT(client, "CONFIG SET notify-keyspace-events AE", "+OK");
    EXPECT(client, "DEL k l n", ":<*>");
    EXPECT(listener, "PSUBSCRIBE *", ">['psubscribe', '*', :1]");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "SET k text", "+QUEUED");
    EXPECT(client, "INCR k", "+QUEUED");
    EXPECT(client, "PUBLISH between x", "+QUEUED");
    EXPECT(client, "INCR n", "+QUEUED");
    EXPECT(client, "EXEC", "[+OK, -ERR value is not an integer or out of range, :1, :1]");
    expect_event(listener, "set k", "EXEC");
    EXPECT(listener, "PING", ">['pmessage', '*', 'between', 'x']");
    expect_event(listener, "incrby n", "EXEC");
    assert_string_equal(client_read(listener), "+PONG");
    EXPECT(client, "WATCH k", "+OK");
    EXPECT(client, "SET k 1", "+OK");
    expect_event(listener, "set k", "SET");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "SET k 2", "+QUEUED");
    EXPECT(client, "EXEC", "nil");
    EXPECT(listener, "PING", "+PONG");
    client_close(client);
    client_close(listener);
}

static void expired_and_evicted(void **state)
{
    struct client *client = client_open(*state, 2), *listener = client_open(*state, 3);
    EXPECT(client, "CONFIG SET notify-keyspace-events Exe", "+OK");
    EXPECT(listener, "PSUBSCRIBE *", ">['psubscribe', '*', :1]");
    EXPECT(client, "SET short 1 PX 1", "+OK"); /* removed by whoever is first */
    expect_event(listener, "expired short", "PX");
    EXPECT(client, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
    EXPECT(client, "SET short 1 PX 1", "+OK");
    assert_true(WAIT_FOR(strcmp(client_ask(client, "GET short"), "nil") == 0));
    expect_event(listener, "expired short", "PX");
    EXPECT(client, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "SET victim 1 EX 10000", "+OK");
    EXPECT(client, "CONFIG SET maxmemory-policy volatile-ttl maxmemory 1", "+OK");
    (void)client_ask(client, "GET victim");
    expect_event(listener, "evicted victim", "maxmemory");
    EXPECT(client, "CONFIG SET maxmemory 0 maxmemory-policy noeviction", "+OK");
    client_close(client);
    client_close(listener);
}

/* The classes, the databases and both kinds of channel. */
static void classes(void **state)
{
    struct client *client = client_open(*state, 2), *listener = client_open(*state, 3);
    EXPECT(listener, "PSUBSCRIBE *", ">['psubscribe', '*', :1]");
    EXPECT(client, "CONFIG SET notify-keyspace-events KEA", "+OK");
    EXPECT(client, "CONFIG GET notify-keyspace-events", "['notify-keyspace-events', 'AKE']");
    EXPECT(client, "SELECT 3", "+OK");
    EXPECT(client, "SET \"a\\x00b\" 1", "+OK");
    EXPECT(listener, "PING", ">['pmessage', '*', '__keyspace@3__:a\\x00b', 'set']");
    assert_string_equal(client_read(listener), ">['pmessage', '*', '__keyevent@3__:set', 'a\\x00b']");
    assert_string_equal(client_read(listener), "+PONG");
    EXPECT(client, "CONFIG SET notify-keyspace-events Kl$", "+OK");
    EXPECT(client, "SET k 1", "+OK");
    EXPECT(client, "EXPIRE k 100", ":1");
    EXPECT(client, "DEL k l", ":1");
    EXPECT(client, "RPUSH l 1", ":1");
    EXPECT(listener, "PING", ">['pmessage', '*', '__keyspace@3__:k', 'set']");
    assert_string_equal(client_read(listener), ">['pmessage', '*', '__keyspace@3__:l', 'rpush']");
    assert_string_equal(client_read(listener), "+PONG");
    EXPECT(client, "CONFIG SET notify-keyspace-events A", "+OK"); /* where to is not said */
    EXPECT(client, "SET k 1", "+OK");
    EXPECT(listener, "PING", "+PONG");
    EXPECT(client, "CONFIG SET notify-keyspace-events \"\"", "+OK");
    EXPECT(client, "SET k 1", "+OK");
    EXPECT(listener, "PING", "+PONG");
    client_close(client);
    client_close(listener);
}

static int open_server(void **state)
{
    static const char *const options[] = {"--io-threads", "2", "--enable-debug-command", "yes", NULL};
    *state = server_open(options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_command, script_await_alone),
        cmocka_unit_test_setup(in_transactions, script_await_alone),
        cmocka_unit_test_setup(expired_and_evicted, script_await_alone),
        cmocka_unit_test_setup(classes, script_await_alone),
    };
    return cmocka_run_group_tests(tests, open_server, script_close_server);
}
