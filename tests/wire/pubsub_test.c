/* pubsub_test.c: channels, patterns and shard channels, over two workers. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The next thing that the client gets. */
#define GETS(client, expected) check_got((client), (expected), __LINE__)
static void check_got(struct client *client, const char *expected, int line)
{
    const char *got = client_read(client);
    if (!client_reply_is(expected, got)) fail_msg("line %d: got %s, not %s", line, got, expected);
}

/* Clients alternate between the workers. */
#define CLIENTS 4
struct clients {
    struct client *client[CLIENTS];
};

static struct clients open_clients(struct server *server, int proto)
{
    struct clients clients;
    for (int i = 0; i < CLIENTS; i++)
        clients.client[i] = client_open(server, proto);
    return clients;
}

static void close_clients(struct clients *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        client_close(clients->client[i]);
}

static void replies_to_subscribing(void **state)
{
    struct client *two = client_open(*state, 2), *three = client_open(*state, 3);
    EXPECT(two, "UNSUBSCRIBE", "['unsubscribe', nil, :0]");
    EXPECT(two, "SUBSCRIBE a b a", "['subscribe', 'a', :1]");
    GETS(two, "['subscribe', 'b', :2]");
    GETS(two, "['subscribe', 'a', :2]");
    EXPECT(two, "PSUBSCRIBE a*", "['psubscribe', 'a*', :3]");
    EXPECT(two, "SSUBSCRIBE s", "['ssubscribe', 's', :1]");
    EXPECT(two, "PING", "['pong', '']");
    EXPECT(two, "PING hi", "['pong', 'hi']");
    EXPECT(two, "GET k",
           "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
           "allowed in this context");
    EXPECT(two, "CLIENT ID", "-ERR Can't execute 'client|id': <*>");
    EXPECT(two, "SUBSCRIBE", "-ERR wrong number of arguments for 'subscribe' command");
    EXPECT(two, "UNSUBSCRIBE nope a", "['unsubscribe', 'nope', :3]");
    GETS(two, "['unsubscribe', 'a', :2]");
    EXPECT(two, "UNSUBSCRIBE", "['unsubscribe', 'b', :1]");
    EXPECT(two, "UNSUBSCRIBE", "['unsubscribe', nil, :1]");
    EXPECT(two, "PUNSUBSCRIBE", "['punsubscribe', 'a*', :0]");
    EXPECT(two, "PING", "['pong', '']");
    EXPECT(two, "SUNSUBSCRIBE", "['sunsubscribe', 's', :0]");
    EXPECT(two, "PING", "+PONG");
    EXPECT(three, "SUBSCRIBE a", ">['subscribe', 'a', :1]");
    EXPECT(three, "PING", "+PONG");
    EXPECT(three, "GET k", "nil");
    EXPECT(three, "UNSUBSCRIBE", ">['unsubscribe', 'a', :0]");
    EXPECT(three, "UNSUBSCRIBE", ">['unsubscribe', nil, :0]");
    client_close(two);
    client_close(three);
}

static void to_everybody(void **state)
{
    struct clients two = open_clients(*state, 2), three = open_clients(*state, 3);
    struct client *publisher = client_open(*state, 2);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(two.client[i], "SUBSCRIBE news", "['subscribe', 'news', :1]");
        EXPECT(three.client[i], "PSUBSCRIBE n?ws [^x]*", ">['psubscribe', 'n?ws', :1]");
        GETS(three.client[i], ">['psubscribe', '[^x]*', :2]");
    }
    EXPECT(publisher, "PUBLISH news one", ":12");
    EXPECT(publisher, "PUBLISH xnews none", ":0");
    EXPECT(publisher, "PUBLISH now \"\"", ":4");
    EXPECT(publisher, "PUBSUB NUMSUB news nothing", "['news', :4, 'nothing', :0]");
    EXPECT(publisher, "PUBSUB NUMSUB", "[]");
    EXPECT(publisher, "PUBSUB NUMPAT", ":2");
    EXPECT(publisher, "PUBSUB CHANNELS", "['news']");
    EXPECT(publisher, "PUBSUB CHANNELS x*", "[]");
    EXPECT(publisher, "PUBSUB CHANNELS x y",
           "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.");
    EXPECT(publisher, "INFO stats",
           "'<*>pubsub_channels:1\\r\\npubsub_patterns:2\\r\\npubsubshard_channels:0<*>'");
    for (int i = 0; i < CLIENTS; i++) {
        GETS(two.client[i], "['message', 'news', 'one']");
        GETS(three.client[i], ">['pmessage', 'n?ws', 'news', 'one']");
        GETS(three.client[i], ">['pmessage', '[^x]*', 'news', 'one']");
        GETS(three.client[i], ">['pmessage', '[^x]*', 'now', '']");
        EXPECT(three.client[i], "PING", "+PONG");
    }
    close_clients(&two);
    close_clients(&three);
    assert_true(WAIT_FOR(client_reply_is(":0", client_ask(publisher, "PUBLISH news two"))));
    EXPECT(publisher, "PUBSUB CHANNELS", "[]");
    client_close(publisher);
}

static void shards(void **state)
{
    struct clients clients = open_clients(*state, 3);
    struct client *publisher = client_open(*state, 2);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(clients.client[i], "SSUBSCRIBE s t", ">['ssubscribe', 's', :1]");
        GETS(clients.client[i], ">['ssubscribe', 't', :2]");
        EXPECT(clients.client[i], "SUBSCRIBE s", ">['subscribe', 's', :1]");
    }
    EXPECT(publisher, "SPUBLISH s hello", ":4");
    EXPECT(publisher, "PUBLISH s hi", ":4");
    EXPECT(publisher, "PUBLISH t hi", ":0");
    EXPECT(publisher, "PUBSUB SHARDCHANNELS", "['s', 't']");
    EXPECT(publisher, "PUBSUB SHARDNUMSUB t s x", "['t', :4, 's', :4, 'x', :0]");
    for (int i = 0; i < CLIENTS; i++) {
        GETS(clients.client[i], ">['smessage', 's', 'hello']");
        GETS(clients.client[i], ">['message', 's', 'hi']");
    }
    close_clients(&clients);
    client_close(publisher);
}

/* What the publisher knows to be published comes before what it publishes next, whichever worker does it; and before the reply to what a
 * subscriber asks then. */
static void in_order(void **state)
{
    struct clients publishers = open_clients(*state, 2);
    struct client *two = client_open(*state, 2), *three = client_open(*state, 3);
    char line[64], message[64];
    EXPECT(two, "SUBSCRIBE c", "['subscribe', 'c', :1]");
    EXPECT(three, "SUBSCRIBE c", ">['subscribe', 'c', :1]");
    for (int i = 0; i < 400; i++) {
        snprintf(line, sizeof line, "PUBLISH c %d", i);
        EXPECT(publishers.client[i % CLIENTS], line, ":2");
        snprintf(message, sizeof message, ">['message', 'c', '%d']", i);
        EXPECT(three, "PING", message);
        GETS(three, "+PONG");
    }
    for (int i = 0; i < 400; i++) {
        snprintf(message, sizeof message, "['message', 'c', '%d']", i);
        GETS(two, message);
    }
    /* nothing from before it subscribed, everything until it unsubscribed */
    for (int i = 0; i < 100; i++) {
        struct client *late = publishers.client[0];
        EXPECT(publishers.client[1], "PUBLISH c before", ":2");
        EXPECT(late, "SUBSCRIBE c", "['subscribe', 'c', :1]");
        EXPECT(publishers.client[2], "PUBLISH c now", ":3");
        EXPECT(late, "UNSUBSCRIBE c", "['message', 'c', 'now']");
        GETS(late, "['unsubscribe', 'c', :0]");
        GETS(two, "['message', 'c', 'before']");
        GETS(two, "['message', 'c', 'now']");
        GETS(three, ">['message', 'c', 'before']");
        GETS(three, ">['message', 'c', 'now']");
    }
    close_clients(&publishers);
    client_close(two);
    client_close(three);
}

/* Many at once, and the replies to them, in one read of the server. */
static void pipelines(void **state)
{
    struct client *publisher = client_open(*state, 2), *three = client_open(*state, 3);
    static char many[500 * 40];
    size_t len = 0;
    char message[64];
    EXPECT(three, "SUBSCRIBE many", ">['subscribe', 'many', :1]");
    for (int i = 0; i < 500; i++)
        len += (size_t)sprintf(many + len, "PUBLISH many message-%d\r\n", i);
    assert_int_equal(client_send_raw(publisher, many, len), len);
    for (int i = 0; i < 500; i++) {
        GETS(publisher, ":1");
        snprintf(message, sizeof message, ">['message', 'many', 'message-%d']", i);
        GETS(three, message);
    }
    /* P1: to oneself behind the reply */
    client_send(three, "PUBLISH many own");
    client_send(three, "PING");
    GETS(three, ":1");
    GETS(three, ">['message', 'many', 'own']");
    GETS(three, "+PONG");
    client_close(publisher);
    client_close(three);
}

static void transactions(void **state)
{
    struct client *own = client_open(*state, 3), *other = client_open(*state, 2);
    EXPECT(other, "SUBSCRIBE tx d", "['subscribe', 'tx', :1]");
    GETS(other, "['subscribe', 'd', :2]");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "SUBSCRIBE tx e", "+QUEUED");
    EXPECT(own, "PUBLISH tx one", "+QUEUED");
    EXPECT(own, "INCR n", "+QUEUED");
    EXPECT(own, "PUBLISH d two", "+QUEUED");
    EXPECT(own, "UNSUBSCRIBE e", "+QUEUED");
    client_send(own, "EXEC");
    GETS(own, "[>['subscribe', 'tx', :1], >['subscribe', 'e', :2], :2, :1, :1]");
    GETS(own, ">['unsubscribe', 'e', :1]");
    GETS(own, ">['message', 'tx', 'one']");
    GETS(other, "['message', 'tx', 'one']");
    GETS(other, "['message', 'd', 'two']");
    /* nothing of one that does not come about */
    EXPECT(own, "WATCH n", "+OK");
    EXPECT(own, "INCR n", ":2");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "PUBLISH d never", "+QUEUED");
    EXPECT(own, "EXEC", "nil");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "PUBLISH d never", "+QUEUED");
    EXPECT(own, "DISCARD", "+OK");
    EXPECT(own, "PUBLISH d three", ":1");
    GETS(other, "['message', 'd', 'three']");
    client_close(own);
    client_close(other);
}

static void reset_and_reply_off(void **state)
{
    struct client *own = client_open(*state, 3), *other = client_open(*state, 2);
    EXPECT(own, "SUBSCRIBE off", ">['subscribe', 'off', :1]");
    client_send(own, "CLIENT REPLY OFF");
    client_send(own, "PING");
    EXPECT(other, "PUBLISH off one", ":1");
    GETS(own, ">['message', 'off', 'one']"); /* P2 */
    EXPECT(own, "CLIENT REPLY ON", "+OK");
    EXPECT(own, "PSUBSCRIBE x*", ">['psubscribe', 'x*', :2]");
    EXPECT(own, "SSUBSCRIBE s", ">['ssubscribe', 's', :1]");
    EXPECT(own, "RESET", "+RESET");
    EXPECT(own, "GET k", "nil");
    EXPECT(other, "PUBLISH off two", ":0");
    EXPECT(other, "SPUBLISH s two", ":0");
    EXPECT(other, "PUBSUB NUMPAT", ":0");
    EXPECT(other, "QUIT", "+OK");
    client_close(own);
    client_close(other);
}

/* Any bytes are a name and a message, and large ones, too. */
static void bytes(void **state)
{
    struct client *own = client_open(*state, 2), *other = client_open(*state, 3);
    static char large[3 << 20];
    const char *argv[] = {"PUBLISH", "\xff\r\n\0x", large};
    const size_t lens[] = {7, 5, sizeof large};
    memset(large, 'v', sizeof large);
    EXPECT(other, "SUBSCRIBE \"\\xff\\r\\n\\x00x\" \"\"", ">['subscribe', '\\xff\\r\\n\\x00x', :1]");
    GETS(other, ">['subscribe', '', :2]");
    for (int i = 0; i < 3; i++) {
        client_send_argv(own, 3, argv, lens);
        GETS(own, ":1");
        const char *got = client_read(other);
        assert_true(strlen(got) > sizeof large &&
                    client_reply_is(">['message', '\\xff\\r\\n\\x00x', 'vvv<*>vvv']", got));
    }
    EXPECT(own, "PUBLISH \"\" \"\"", ":1");
    GETS(other, ">['message', '', '']");
    client_close(own);
    client_close(other);
}

/* A publisher that is faster than the other worker waits for it; nobody who reads is cut off. */
static void held_back(void **state)
{
    enum { COUNT = 600, BYTES = 32 << 10 };
    struct client *publisher = client_open(*state, 2), *listeners[2];
    const char *line = "PUBLISH flood ";
    size_t len = strlen(line) + BYTES + 2;
    char *many = malloc(COUNT * len);
    assert_non_null(many);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(many + i * len, line, strlen(line));
        memset(many + i * len + strlen(line), 'v', BYTES - 1);
        memcpy(many + (i + 1) * len - 3, "v\r\n", 3);
    }
    for (int i = 0; i < 2; i++) {
        listeners[i] = client_open(*state, 3);
        EXPECT(listeners[i], "SUBSCRIBE flood", ">['subscribe', 'flood', :1]");
    }
    for (int round = 0; round < 3; round++) {
        assert_int_equal(client_send_raw(publisher, many, COUNT * len), COUNT * len);
        for (int i = 0; i < COUNT; i++) {
            GETS(publisher, ":2");
            for (int k = 0; k < 2; k++)
                assert_true(strlen(client_read(listeners[k])) > BYTES);
        }
    }
    free(many);
    for (int i = 0; i < 2; i++)
        client_close(listeners[i]);
    client_close(publisher);
}

/* One who does not read is cut off by the limit of its class. */
static void slow_readers(void **state)
{
    struct client *publisher = client_open(*state, 2),
                  *slow[2] = {client_open(*state, 2), client_open(*state, 3)};
    static char large[1 << 20];
    const char *argv[] = {"PUBLISH", "slow", large};
    const size_t lens[] = {7, 4, sizeof large};
    memset(large, 'v', sizeof large);
    for (int i = 0; i < 2; i++)
        (void)client_ask(slow[i], "SUBSCRIBE slow");
    bool cut_off = false;
    for (int i = 0; i < 500 && !cut_off; i++) { /* the kernel takes some as well */
        client_send_argv(publisher, 3, argv, lens);
        cut_off = strcmp(client_read(publisher), ":0") == 0;
    }
    assert_true(cut_off);
    EXPECT(publisher, "PUBSUB NUMSUB slow", "['slow', :0]");
    for (int i = 0; i < 2; i++)
        client_close(slow[i]);
    client_close(publisher);
}

/* ---- churn ---- */

#define CHURN_ROUNDS 60
#define CHURNERS     3
#define STEADY       1500

/* Comes, listens, tracks, monitors, and goes, with or without saying so. */
static void churn(const struct server *server, int number)
{
    static const char *const lines[] = {"SUBSCRIBE steady a b",
                                        "PSUBSCRIBE st* x*",
                                        "SSUBSCRIBE s",
                                        "CLIENT TRACKING ON BCAST",
                                        "MONITOR",
                                        "GET k",
                                        "INCR k",
                                        "FLUSHALL",
                                        "PUBLISH a x",
                                        "UNSUBSCRIBE",
                                        "PUNSUBSCRIBE",
                                        "CLIENT TRACKING OFF",
                                        "PUBSUB CHANNELS",
                                        "CLIENT LIST",
                                        "RESET"};
    unsigned random = (unsigned)number * 7919 + 1;
    for (int round = 0; round < CHURN_ROUNDS; round++) {
        struct client *client = client_open(server, 3);
        for (int i = 0; i < 8; i++) {
            random = random * 1103515245 + 12345;
            client_send(client, lines[random / 65536 % (sizeof lines / sizeof *lines)]);
        }
        if (round % 2) (void)client_read(client);
        client_close(client);
    }
}

static pid_t start_child(struct server *server, int number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0) return pid;
    alarm(WAIT_CHILD_SECS);
    if (number < CHURNERS) {
        churn(server, number);
        _exit(0);
    }
    struct client *publisher = client_open(server, 2);
    char line[32];
    for (int i = 0; i < STEADY; i++) {
        snprintf(line, sizeof line, "PUBLISH steady %d", i);
        if (client_ask(publisher, line)[0] != ':') _exit(1);
    }
    _exit(0);
}

/* Whoever comes and goes: who stays gets everything, in order. */
static void churning(void **state)
{
    struct client *steady[2] = {client_open(*state, 2), client_open(*state, 2)};
    pid_t pids[CHURNERS + 1];
    char message[64];
    for (int k = 0; k < 2; k++)
        EXPECT(steady[k], "SUBSCRIBE steady", "['subscribe', 'steady', :1]");
    for (int i = 0; i <= CHURNERS; i++)
        pids[i] = start_child(*state, i);
    for (int i = 0; i < STEADY; i++) {
        snprintf(message, sizeof message, "['message', 'steady', '%d']", i);
        for (int k = 0; k < 2; k++)
            GETS(steady[k], message);
    }
    for (int i = 0; i <= CHURNERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    for (int k = 0; k < 2; k++)
        client_close(steady[k]);
    struct client *client = client_open(*state, 2);
    assert_true(WAIT_FOR(strcmp(client_ask(client, "PUBSUB CHANNELS"), "[]") == 0));
    assert_true(
        WAIT_FOR(client_reply_is("'<*>tracking_clients:0\\r\\n<*>'", client_ask(client, "INFO clients"))));
    client_close(client);
}

/* Who was killed gets nothing any more, on whichever worker, and is not counted: not even by the very next command. */
static void killed(void **state)
{
    enum { ROUNDS = 50, SUBSCRIBERS = 4 };
    static const char requests[] = "CLIENT KILL TYPE pubsub\r\nPUBLISH news x\r\nPUBSUB NUMPAT\r\n"
                                   "PUBSUB SHARDNUMSUB news\r\nPUBSUB CHANNELS\r\n";
    if (server_is_other()) skip();
    struct client *killer = client_open(*state, 2);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct client *subscribers[SUBSCRIBERS];
        for (unsigned i = 0; i < SUBSCRIBERS; i++) {
            subscribers[i] = client_open(*state, 3);
            EXPECT(subscribers[i], "SUBSCRIBE news", ">['subscribe', 'news', :1]");
            EXPECT(subscribers[i], "PSUBSCRIBE n*", ">['psubscribe', 'n*', :2]");
            EXPECT(subscribers[i], "SSUBSCRIBE news", ">['ssubscribe', 'news', :1]");
        }
        EXPECT(killer, "PUBLISH news before", ":8");
        client_send_raw(killer, requests, strlen(requests));
        assert_string_equal(client_read(killer), ":4");
        assert_string_equal(client_read(killer), ":0");
        assert_string_equal(client_read(killer), ":0");
        assert_string_equal(client_read(killer), "['news', :0]");
        assert_string_equal(client_read(killer), "[]");
        for (unsigned i = 0; i < SUBSCRIBERS; i++) {
            const char *got = client_read(subscribers[i]);
            while (strstr(got, "before")) /* it may have been sent in time */
                got = client_read(subscribers[i]);
            assert_string_equal(got, "closed");
            client_close(subscribers[i]);
        }
    }
    client_close(killer);
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
        cmocka_unit_test_setup(replies_to_subscribing, script_await_alone),
        cmocka_unit_test_setup(to_everybody, script_await_alone),
        cmocka_unit_test_setup(shards, script_await_alone),
        cmocka_unit_test_setup(in_order, script_await_alone),
        cmocka_unit_test_setup(pipelines, script_await_alone),
        cmocka_unit_test_setup(transactions, script_await_alone),
        cmocka_unit_test_setup(held_back, script_await_alone),
        cmocka_unit_test_setup(slow_readers, script_await_alone),
        cmocka_unit_test_setup(churning, script_await_alone),
        cmocka_unit_test_setup(reset_and_reply_off, script_await_alone),
        cmocka_unit_test_setup(bytes, script_await_alone),
        cmocka_unit_test_setup(killed, script_await_alone),
    };
    return cmocka_run_group_tests(tests, open_server, script_close_server);
}
