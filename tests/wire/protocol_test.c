/* protocol_test.c: bytes on the wire: inline commands, pipelines, garbage, half commands, limits. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

static void *filled(size_t len, int byte)
{
    void *bytes = malloc(len);

    assert_non_null(bytes);
    memset(bytes, byte, len);
    return bytes;
}

static void send_text(struct client *client, const char *text)
{
    assert_int_equal(client_send_raw(client, text, strlen(text)), strlen(text));
}

static void inline_commands(void **state)
{
    struct client *client = client_open(*state, 2);

    send_text(client, "PING\r\n");
    assert_string_equal(client_read(client), "+PONG");
    send_text(client, "\r\n\r\n   \r\n ping  hello \r\n");
    assert_string_equal(client_read(client), "'hello'");
    send_text(client, "ECHO newline-only\n");
    assert_string_equal(client_read(client), "'newline-only'");
    send_text(client, "ECHO \"a b\\x41\\n\\\"\"\r\n");
    assert_string_equal(client_read(client), "'a bA\\n\"'");
    send_text(client, "ECHO 'a \\'b\\x41'\r\n");
    assert_string_equal(client_read(client), "'a \\'b\\\\x41'");
    send_text(client, "ECHO ''\r\nECHO \"\"\r\n");
    assert_string_equal(client_read(client), "''");
    assert_string_equal(client_read(client), "''");
    send_text(client, "ECHO 'open\r\n");
    assert_string_equal(client_read(client), "-ERR Protocol error: unbalanced quotes in request");
    assert_string_equal(client_read(client), "closed");
    client_close(client);
}

struct garbage {
    const char *bytes;
    const char *reply;
};

static void garbage(void **state)
{
    static const struct garbage rows[] = {
        {"*x\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*99999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*1\r\nPING\r\n", "-ERR Protocol error: expected '$', got 'P'"},
        {"*1\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'"},
        {"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*2\r\n$4\r\nECHO\r\n$1x\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*0\r\n*-1\r\nPING\r\n", "+PONG"},
        {"+OK\r\n", "-ERR unknown command '+OK', with args beginning with: "},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct client *client = client_open(*state, 2);
        send_text(client, rows[i].bytes);
        assert_string_equal(client_read(client), rows[i].reply);
        if (strstr(rows[i].reply, "Protocol")) assert_string_equal(client_read(client), "closed");
        client_close(client);
    }
}

/* Random bytes never harm the others. */
static void noise(void **state)
{
    struct client *witness = client_open(*state, 2);
    unsigned seed = 11;
    char bytes[2000];

    for (int round = 0; round < 100; round++) {
        struct client *client = client_open(*state, 2);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)rand_r(&seed);
        bytes[0] = "*$P\r"[round % 4];
        (void)client_send_raw(client, bytes, sizeof(bytes));
        client_close(client);
    }
    EXPECT(witness, "PING", "+PONG");
    client_close(witness);
}

static void lines_too_long(void **state)
{
    static const char *const starts[][2] = {
        {"", "-ERR Protocol error: too big inline request"},
        {"*", "-ERR Protocol error: too big mbulk count string"},
        {"*1\r\n$", "-ERR Protocol error: too big bulk count string"},
    };
    char *digits = filled(70 * KIB, '1');

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct client *client = client_open(*state, 2);
        send_text(client, starts[i][0]);
        (void)client_send_raw(client, digits, 70 * KIB);
        assert_string_equal(client_read(client), starts[i][1]);
        assert_string_equal(client_read(client), "closed");
        client_close(client);
    }
    free(digits);
}

static void web_browsers(void **state)
{
    static const char *const requests[] = {"POST / HTTP/1.1\r\n", "Host: example.org\r\n"};

    for (size_t i = 0; i < 2; i++) {
        struct client *client = client_open(*state, 2);
        send_text(client, requests[i]);
        assert_string_equal(client_read(client), "closed");
        client_close(client);
    }
}

static void byte_by_byte(void **state)
{
    static const char request[] =
        "*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$5\r\nv\r\nw!\r\n*2\r\n$3\r\nGET\r\n$4\r\nslow\r\n";
    struct client *client = client_open(*state, 2);

    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_int_equal(client_send_raw(client, request + i, 1), 1);
        usleep(300);
    }
    assert_string_equal(client_read(client), "+OK");
    assert_string_equal(client_read(client), "'v\\r\\nw!'");
    client_close(client);
}

static void half_a_command(void **state)
{
    struct client *client = client_open(*state, 2);

    EXPECT(client, "DEL half", ":<*>");
    send_text(client, "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$100\r\nonly a part of it");
    client_close(client);
    client = client_open(*state, 2);
    EXPECT(client, "EXISTS half", ":0");
    client_close(client);
}

static void pipeline(void **state)
{
    enum { COMMANDS = 20000 };
    struct client *client = client_open(*state, 2);
    char expected[32];

    EXPECT(client, "DEL n", ":<*>");
    char *requests = malloc(COMMANDS * 32);
    assert_non_null(requests);
    size_t len = 0;
    for (int i = 0; i < COMMANDS; i++)
        len += (size_t)sprintf(requests + len, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    assert_int_equal(client_send_raw(client, requests, len), len);
    for (int i = 1; i <= COMMANDS; i++) {
        snprintf(expected, sizeof(expected), ":%d", i);
        assert_string_equal(client_read(client), expected);
    }
    free(requests);
    client_close(client);
}

/* Someone sends a million commands and reads no reply: the others are served, and once he reads, all replies
 * are there. */
static void pipeline_without_reading(void **state)
{
    enum { COMMANDS = 1000000 };
    static const char request[] = "PING\r\n";
    struct client *client = client_open(*state, 2);
    struct client *other = client_open(*state, 2);
    char *requests = malloc(COMMANDS * (sizeof(request) - 1));

    assert_non_null(requests);
    for (size_t i = 0; i < COMMANDS; i++)
        memcpy(requests + i * 6, request, 6);
    client_set_timeout(client, 500); /* the server may stop reading */
    size_t sent = client_send_raw(client, requests, COMMANDS * 6);
    client_set_timeout(client, 0);
    EXPECT(other, "PING", "+PONG");
    for (size_t i = 0; i < sent / 6; i++)
        assert_string_equal(client_read(client), "+PONG");
    free(requests);
    client_close(client);
    client_close(other);
}

/* A reader that is slower than its replies: what waits for it is bounded, others are served, and nothing is lost. */
static void slow_reader(void **state)
{
    enum { GETS = 16 };
    const size_t len = 8 * MIB;
    struct client *client = client_open(*state, 2);
    struct client *other = client_open(*state, 2);
    char *value = filled(len, 'x');

    client_send_argv(client, 3, (const char *[]){"SET", "large", value}, (const size_t[]){3, 5, len});
    assert_string_equal(client_read(client), "+OK");
    free(value);
    EXPECT(client, "CLIENT SETNAME slow", "+OK");
    for (int i = 0; i < GETS; i++)
        client_send(client, "GET large");
    client_send(client, "ECHO done");
    EXPECT(other, "PING", "+PONG");
    const char *list = client_ask(other, "CLIENT LIST");
    const char *slow = strstr(list, "name=slow");
    assert_non_null(slow);
    if (!server_is_other()) assert_true(strtoull(strstr(slow, "omem=") + 5, NULL, 10) < 100 * MIB);
    for (int i = 0; i < GETS; i++)
        assert_int_equal(strlen(client_read(client)), len + 2);
    assert_string_equal(client_read(client), "'done'");
    EXPECT(client, "DEL large", ":1");
    client_close(client);
    client_close(other);
}

static void large_bulks(void **state)
{
    static const size_t sizes[] = {64 * KIB, 64 * KIB + 1, 1 * MIB, 40 * MIB};
    struct client *client = client_open(*state, 2);
    char expected[32];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *value = filled(sizes[i], 'x');
        const char *argv[] = {"SET", "large", value};
        const size_t lens[] = {3, 5, sizes[i]};
        client_send_argv(client, 3, argv, lens);
        assert_string_equal(client_read(client), "+OK");
        snprintf(expected, sizeof(expected), ":%zu", sizes[i]);
        EXPECT(client, "STRLEN large", expected);
        EXPECT(client, "GETRANGE large -3 -1", "'xxx'");
        free(value);
    }
    EXPECT(client, "DEL large", ":1");
    client_close(client);
}

static void many_arguments(void **state)
{
    enum { KEYS = 50000 };
    struct client *client = client_open(*state, 2);
    const char **argv = calloc(KEYS + 1, sizeof(*argv));
    size_t *lens = calloc(KEYS + 1, sizeof(*lens));
    char(*names)[16] = calloc(KEYS, sizeof(*names));

    assert_true(argv && lens && names);
    argv[0] = "EXISTS";
    lens[0] = 6;
    for (int i = 0; i < KEYS; i++) {
        lens[i + 1] = (size_t)snprintf(names[i], sizeof(names[i]), "many:%d", i);
        argv[i + 1] = names[i];
    }
    EXPECT(client, "SET many:777 v", "+OK");
    client_send_argv(client, KEYS + 1, argv, lens);
    assert_string_equal(client_read(client), ":1");
    free(argv);
    free(lens);
    free(names);
    client_close(client);
}

static void before_authentication(void **state)
{
    static const struct garbage rows[] = {
        {"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length"},
        {"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length"},
        {"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*11\r\n$4\r\nPING\r\n", "+OK"},
    };
    struct server *server = server_open((const char *const[]){"--requirepass", "secret", NULL});

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct client *client = client_open(server, 2);
        send_text(client, rows[i].bytes);
        assert_string_equal(client_read(client), rows[i].reply);
        client_close(client);
    }
    server_close(server);
}

static void max_clients(void **state)
{
    enum { MAX = 4 };
    struct server *server = server_open((const char *const[]){"--maxclients", "4", NULL});
    struct client *clients[MAX];

    (void)state;
    for (int i = 0; i < MAX; i++) {
        clients[i] = client_open(server, 2);
        AWAIT(clients[i], "INFO clients", i == 0 ? "<*>connected_clients:1\\r\\n<*>" : "<*>");
    }
    struct client *refused = client_open(server, 2);
    assert_string_equal(client_read(refused), "-ERR max number of clients reached");
    assert_string_equal(client_read(refused), "closed");
    client_close(refused);
    EXPECT(clients[0], "CONFIG SET maxclients 5", "+OK");
    struct client *fifth = client_open(server, 2);
    EXPECT(fifth, "PING", "+PONG");
    client_close(fifth);
    for (int i = 0; i < MAX; i++)
        client_close(clients[i]);
    server_close(server);
}

/* Replies pile up for someone who does not read: at the limit his connection is closed. */
static void output_limit(void **state)
{
    struct server *server =
        server_open((const char *const[]){"--client-output-buffer-limit", "normal 8mb 0 0", NULL});
    struct client *other = client_open(server, 2);
    struct client *client = client_open(server, 2);

    (void)state;
    EXPECT(other, "SETRANGE large 1048576 x", ":1048577");
    char requests[60 * sizeof("GET large\r\n")] = "";
    for (int i = 0; i < 60; i++)
        strcat(requests, "GET large\r\n");
    send_text(client, requests); /* at once: the server closes before it has answered all */
    AWAIT(other, "INFO clients", "<*>connected_clients:1\\r\\n<*>");
    int replies = 0;
    while (strcmp(client_read(client), "closed") != 0)
        assert_true(++replies < 60);
    client_close(client);
    client_close(other);
    server_close(server);
}

static void query_limit(void **state)
{
    struct server *server = server_open((const char *const[]){"--client-query-buffer-limit", "1mb", NULL});
    struct client *client = client_open(server, 2);
    char *bytes = filled(4 * MIB, 'x');

    (void)state;
    send_text(client, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4194304\r\n");
    (void)client_send_raw(client, bytes, 4 * MIB);
    assert_string_equal(client_read(client), "closed");
    free(bytes);
    client_close(client);
    client = client_open(server, 2);
    EXPECT(client, "EXISTS k", ":0");
    client_close(client);
    server_close(server);
}

static void idle_timeout(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);

    (void)state;
    EXPECT(client, "CONFIG SET timeout 1", "+OK");
    assert_string_equal(client_read(client), "closed");
    client_close(client);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inline_commands),
        cmocka_unit_test(garbage),
        cmocka_unit_test(noise),
        cmocka_unit_test(lines_too_long),
        cmocka_unit_test(web_browsers),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(half_a_command),
        cmocka_unit_test(pipeline),
        cmocka_unit_test(pipeline_without_reading),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(large_bulks),
        cmocka_unit_test(many_arguments),
        cmocka_unit_test(before_authentication),
        cmocka_unit_test(max_clients),
        cmocka_unit_test(output_limit),
        cmocka_unit_test(query_limit),
        cmocka_unit_test(idle_timeout),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
