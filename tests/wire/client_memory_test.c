/* client_memory_test.c: what connections may use: output limits by class, maxmemory-clients, and what CLIENT LIST tells of it. */
#include "support/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB   ((size_t)1024)
#define MIB   (1024 * KIB)
#define TRIES 3000 /* of 20 ms */

static int open_server(void **state)
{
    *state = server_open((const char *const[]){"--io-threads", "2", "--enable-debug-command", "yes", NULL});
    return 0;
}

static int close_server(void **state)
{
    server_close(*state);
    return 0;
}

static char *filled(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, 'x', len);
    return bytes;
}

static struct client *named(struct server *server, const char *name, int proto)
{
    char line[64];
    struct client *client = client_open(server, proto);
    snprintf(line, sizeof line, "CLIENT SETNAME %s", name);
    EXPECT(client, line, "+OK");
    return client;
}

/* The line of the connection of that name in CLIENT LIST; NULL when there is none. */
static const char *line_of(struct client *admin, const char *name)
{
    char field[64];
    snprintf(field, sizeof field, " name=%s ", name);
    return strstr(client_ask(admin, "CLIENT LIST"), field);
}

/* A number in the line of the connection of that name; -1: there is none. */
static long long field_of(struct client *admin, const char *name, const char *field)
{
    char word[64];
    const char *line = line_of(admin, name);
    if (!line) return -1;
    snprintf(word, sizeof word, " %s=", field);
    const char *at = strstr(line, word);
    assert_non_null(at);
    return strtoll(at + strlen(word), NULL, 10);
}

static long long info_of(struct client *admin, const char *field)
{
    char word[64];
    snprintf(word, sizeof word, "\\n%s:", field);
    const char *at = strstr(client_ask(admin, "INFO"), word);
    assert_non_null(at);
    return strtoll(at + strlen(word), NULL, 10);
}

static void await_gone(struct client *admin, const char *name)
{
    for (int i = 0; i < TRIES && line_of(admin, name); i++)
        usleep(20000);
    assert_null(line_of(admin, name));
}

static void await_field(struct client *admin, const char *name, const char *field, long long least)
{
    for (int i = 0; i < TRIES && field_of(admin, name, field) < least; i++)
        usleep(20000);
    assert_true(field_of(admin, name, field) >= least);
}

/* Leaves a request without its end. */
static void send_part(struct client *client, size_t len)
{
    char head[64];
    char *bytes = filled(len);
    snprintf(head, sizeof head, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", len);
    assert_int_equal(client_send_raw(client, head, strlen(head)), strlen(head));
    (void)client_send_raw(client, bytes, len); /* it may be closed meanwhile */
    free(bytes);
}

/* ---- output ---- */

/* Hundreds of megabytes are published to a subscriber that does not read: it goes, and the server never holds more than its limit. */
static void a_slow_subscriber_is_cut_off(void **state)
{
    enum { BYTES = 256 * 1024, COUNT = 1200, LIMIT = 32 << 20 };
    struct client *publisher = client_open(*state, 2);
    struct client *admin = client_open(*state, 2);
    struct client *subscribers[4];
    struct client *reader = client_open(*state, 2);
    char *message = filled(BYTES);
    const char *argv[] = {"PUBLISH", "news", message};
    const size_t lens[] = {7, 4, BYTES};
    long long before = info_of(admin, "client_output_buffer_limit_disconnections");
    for (int i = 0; i < 4; i++) {
        subscribers[i] = named(*state, "slow", 2);
        EXPECT(subscribers[i], "SUBSCRIBE news", "['subscribe', 'news', :1]");
    }
    EXPECT(reader, "SUBSCRIBE other", "['subscribe', 'other', :1]");
    long long most = 0;
    for (int i = 0; i < COUNT; i++) {
        client_send_argv(publisher, 3, argv, lens);
        (void)client_read(publisher);
        if (i % 16) continue;
        long long now = info_of(admin, "mem_clients_normal");
        if (now > most) most = now;
    }
    assert_true(most > LIMIT / 2);
    assert_true(most < 4 * (LIMIT + 2 * BYTES) + (long long)MIB);
    await_gone(admin, "slow");
    assert_int_equal(info_of(admin, "client_output_buffer_limit_disconnections") - before, 4);
    EXPECT(publisher, "PUBLISH other hi", ":1");
    assert_string_equal(client_read(reader), "['message', 'other', 'hi']");
    for (int i = 0; i < 4; i++)
        client_close(subscribers[i]);
    client_close(reader);
    client_close(admin);
    client_close(publisher);
    free(message);
}

/* The class of a connection is what it does now. */
static void limits_are_by_class(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *normal = named(*state, "normal", 2);
    struct client *pubsub = named(*state, "pubsub", 3);
    EXPECT(admin, "CONFIG SET client-output-buffer-limit \"normal 0 0 0 pubsub 100kb 0 0\"", "+OK");
    EXPECT(admin, "SETRANGE big 20000000 x", ":20000001");
    client_send(normal, "GET big");
    await_field(admin, "normal", "omem", 1000000);
    client_send(pubsub, "SUBSCRIBE c");
    client_send(pubsub, "GET big");
    await_gone(admin, "pubsub");
    assert_true(field_of(admin, "normal", "omem") > 1000000);
    client_close(pubsub);
    client_close(normal);
    EXPECT(admin, "CONFIG SET client-output-buffer-limit \"pubsub 32mb 8mb 60\"", "+OK");
    EXPECT(admin, "DEL big", ":1");
    client_close(admin);
}

static void soft_limits_count_time(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *slow = named(*state, "slow", 2);
    EXPECT(admin, "CONFIG SET client-output-buffer-limit \"normal 0 1mb 1\"", "+OK");
    EXPECT(admin, "SETRANGE big 20000000 x", ":20000001");
    client_send(slow, "GET big");
    await_gone(admin, "slow");
    client_close(slow);
    EXPECT(admin, "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"", "+OK");
    EXPECT(admin, "DEL big", ":1");
    client_close(admin);
}

/* ---- maxmemory-clients ---- */

static void the_largest_is_evicted(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *clients[3];
    static const char *const names[] = {"small", "middle", "large"};
    static const size_t sizes[] = {200 * KIB, MIB, 4 * MIB};
    long long before = info_of(admin, "evicted_clients");
    for (int i = 0; i < 3; i++) {
        clients[i] = named(*state, names[i], 2);
        send_part(clients[i], sizes[i]);
        await_field(admin, names[i], "qbuf", (long long)sizes[i]);
        assert_in_range(field_of(admin, names[i], "tot-mem"), sizes[i], sizes[i] + 70 * KIB);
    }
    assert_in_range(info_of(admin, "mem_clients_normal"), 5 * MIB, 6 * MIB);
    EXPECT(admin, "CONFIG SET maxmemory-clients 3mb", "+OK");
    assert_null(line_of(admin, "large")); /* at once */
    assert_non_null(line_of(admin, "middle"));
    assert_string_equal(client_read(clients[2]), "closed");
    EXPECT(admin, "CONFIG SET maxmemory-clients 600kb", "+OK");
    assert_null(line_of(admin, "middle"));
    assert_non_null(line_of(admin, "small"));
    assert_int_equal(info_of(admin, "evicted_clients") - before, 2);
    assert_true(server_logged(*state, "Evicting client id="));
    send_part(clients[0], 2 * MIB); /* grows over it by itself */
    await_gone(admin, "small");
    EXPECT(admin, "CONFIG SET maxmemory-clients 0", "+OK");
    for (int i = 0; i < 3; i++)
        client_close(clients[i]);
    client_close(admin);
}

static void who_may_not_be_evicted_stays(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *safe = named(*state, "safe", 2);
    EXPECT(safe, "CLIENT NO-EVICT ON", "+OK");
    EXPECT(admin, "CLIENT NO-EVICT ON", "+OK");
    EXPECT(admin, "CONFIG SET maxmemory-clients 1", "+OK"); /* 128 KiB at least */
    send_part(safe, MIB);
    await_field(admin, "safe", "qbuf", (long long)MIB);
    usleep(300000); /* some ticks of the clock */
    assert_non_null(line_of(admin, "safe"));
    assert_non_null(strstr(client_ask(admin, "CLIENT LIST"), "flags=e "));
    EXPECT(admin, "CONFIG SET maxmemory-clients 0", "+OK");
    client_close(safe);
    safe = named(*state, "safe", 2);
    EXPECT(safe, "CLIENT NO-EVICT ON", "+OK");
    EXPECT(admin, "SETRANGE big 20000000 x", ":20000001");
    client_send(safe, "GET big");
    client_send(safe, "CLIENT NO-EVICT OFF");
    await_field(admin, "safe", "omem", (long long)MIB);
    EXPECT(admin, "CONFIG SET maxmemory-clients 1mb", "+OK");
    await_gone(admin, "safe");
    EXPECT(admin, "CONFIG SET maxmemory-clients 0", "+OK");
    EXPECT(admin, "DEL big", ":1");
    client_close(safe);
    client_close(admin);
}

static void a_percentage_is_of_maxmemory(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *client = named(*state, "c", 2);
    EXPECT(admin, "CONFIG SET maxmemory-clients 10%", "+OK");
    EXPECT(admin, "CONFIG GET maxmemory-clients", "['maxmemory-clients', '10%']");
    send_part(client, 3 * MIB); /* no maxmemory: no limit */
    await_field(admin, "c", "qbuf", 3 * (long long)MIB);
    EXPECT(admin, "CONFIG SET maxmemory 100mb", "+OK");
    assert_non_null(line_of(admin, "c"));
    EXPECT(admin, "CONFIG SET maxmemory 20mb", "+OK");
    assert_null(line_of(admin, "c"));
    EXPECT(admin, "CONFIG SET maxmemory 0 maxmemory-clients 0", "+OK");
    client_close(client);
    client_close(admin);
}

/* What grows without a buffer of the connection's. */
static void watched_keys_and_queues_count(void **state)
{
    static const char *const lines[] = {"WATCH key:%d",
                                        "SUBSCRIBE channel:%d",
                                        "PSUBSCRIBE pattern:%d*",
                                        "SSUBSCRIBE channel:%d",
                                        "CLIENT TRACKING ON BCAST PREFIX prefix:%08d",
                                        "SET key:%d xxxxxxxxxxxxxxxx"};
    struct client *admin = client_open(*state, 2);
    EXPECT(admin, "CLIENT NO-EVICT ON", "+OK");
    EXPECT(admin, "CONFIG SET maxmemory-clients 128kb", "+OK");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[128];
        struct client *client = named(*state, "grows", i == 4 ? 3 : 2);
        if (i == 5) EXPECT(client, "MULTI", "+OK");
        int count = 0;
        for (; count < 20000; count++) {
            snprintf(line, sizeof line, lines[i], count);
            if (strcmp(client_ask(client, line), "closed") == 0) break;
        }
        if (count < 100 || count > 10000) fail_msg("%s: %d", lines[i], count);
        client_close(client);
    }
    EXPECT(admin, "CONFIG SET maxmemory-clients 0", "+OK");
    client_close(admin);
}

/* ---- CLIENT LIST ---- */

static void fields_tell_the_truth(void **state)
{
    struct client *admin = client_open(*state, 2);
    struct client *client = named(*state, "c", 2);
    EXPECT(client, "CLIENT INFO",
           "=txt:'id=<*> addr=127.0.0.1:<*> laddr=127.0.0.1:<*> fd=<*> name=c age=<*> idle=<*> flags=N db=0 "
           "sub=0 psub=0 ssub=0 "
           "multi=-1 qbuf=26 qbuf-free=<*> argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 "
           "tot-mem=<*> events=r "
           "cmd=client|info user=default redir=-1 resp=2 lib-name= lib-ver=\\n'" +
               5);
    EXPECT(client, "WATCH a b", "+OK");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "SET a 1", "+QUEUED");
    assert_int_equal(field_of(admin, "c", "multi"), 1);
    assert_true(field_of(admin, "c", "multi-mem") > 0);
    assert_non_null(strstr(line_of(admin, "c"), "flags=x "));
    EXPECT(admin, "SET a 2", "+OK");
    assert_non_null(strstr(line_of(admin, "c"), "flags=xd "));
    EXPECT(client, "DISCARD", "+OK");
    assert_int_equal(client_send_raw(client, "*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$10\r\nabc", 32), 32);
    await_field(admin, "c", "argv-mem", 8);
    assert_int_equal(field_of(admin, "c", "qbuf"), 3);
    client_send_raw(client, "defghij\r\n", 9);
    assert_string_equal(client_read(client), "+OK");
    EXPECT(client, "CLIENT TRACKING ON BCAST REDIRECT 1",
           "-ERR The client ID you want redirect to does not exist");
    client_close(client);
    client = named(*state, "c", 3);
    EXPECT(client, "CLIENT TRACKING ON BCAST", "+OK");
    assert_non_null(strstr(line_of(admin, "c"), "flags=tB "));
    assert_int_equal(field_of(admin, "c", "redir"), 0);
    EXPECT(client, "SUBSCRIBE s", ">['subscribe', 's', :1]");
    assert_non_null(strstr(line_of(admin, "c"), "flags=PtB "));
    assert_int_equal(field_of(admin, "c", "sub"), 1);
    EXPECT(admin, "CLIENT LIST TYPE pubsub", "'id=<*> name=c <*>'");
    EXPECT(admin, "CLIENT KILL TYPE pubsub", ":1");
    assert_string_equal(client_read(client), "closed");
    client_close(client);
    client = named(*state, "m", 2);
    EXPECT(client, "MONITOR", "+OK");
    assert_non_null(strstr(line_of(admin, "m"), "flags=O "));
    client_close(client);
    client = named(*state, "b", 2);
    client_send(client, "BLPOP nothing 0");
    for (int i = 0; i < TRIES && !strstr(line_of(admin, "b"), "flags=b "); i++)
        usleep(20000);
    assert_non_null(strstr(line_of(admin, "b"), "cmd=blpop "));
    client_close(client);
    await_gone(admin, "b"); /* a blocked client's end is seen at once */
    client = client_open_unix(*state);
    assert_non_null(strstr(client_ask(client, "CLIENT INFO"), " flags=U "));
    client_close(client);
    client_close(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_subscriber_is_cut_off),  cmocka_unit_test(limits_are_by_class),
        cmocka_unit_test(soft_limits_count_time),        cmocka_unit_test(the_largest_is_evicted),
        cmocka_unit_test(who_may_not_be_evicted_stays),  cmocka_unit_test(a_percentage_is_of_maxmemory),
        cmocka_unit_test(watched_keys_and_queues_count), cmocka_unit_test(fields_tell_the_truth),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
