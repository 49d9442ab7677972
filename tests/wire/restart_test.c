/* restart_test.c: what is there after a server has ended, in whatever way. Redis keeps nothing here: cairn
 * only. */
#include "support/script.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIP_OTHERS()                                                                                        \
    do {                                                                                                     \
        if (server_is_other()) skip();                                                                       \
    } while (0)

/* A bit of everything that strings can be. */
static void fill(struct client *client)
{
    char line[100];

    EXPECT(client, "FLUSHALL", "+OK");
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "SET key:%d value:%d", i, i);
        EXPECT(client, line, "+OK");
    }
    EXPECT(client, "SET number 41", "+OK");
    EXPECT(client, "INCR number", ":42");
    EXPECT(client, "SETRANGE large 3000000 end", ":3000003");
    EXPECT(client, "APPEND key:7 -longer-than-before-so-that-it-needs-another-block", ":<*>");
    EXPECT(client, "RENAME key:8 renamed", "+OK");
    EXPECT(client, "DEL key:9", ":1");
    EXPECT(client, "SET volatile v EX 1999", "+OK");
    EXPECT(client, "SET brief v PX 100", "+OK");
    EXPECT(client, "SELECT 9", "+OK");
    EXPECT(client, "SET elsewhere v", "+OK");
    EXPECT(client, "SELECT 0", "+OK");
}

static void verify(struct client *client)
{
    char line[100];
    char expected[100];

    for (int i = 10; i < 3000; i++) {
        snprintf(line, sizeof(line), "GET key:%d", i);
        snprintf(expected, sizeof(expected), "'value:%d'", i);
        EXPECT(client, line, expected);
    }
    EXPECT(client, "GET number", "'42'");
    EXPECT(client, "OBJECT ENCODING number", "'int'");
    EXPECT(client, "STRLEN large", ":3000003");
    EXPECT(client, "GETRANGE large 2999998 -1", "'\\x00\\x00end'");
    EXPECT(client, "GET key:7", "'value:7-longer-than-before-so-that-it-needs-another-block'");
    EXPECT(client, "MGET key:8 renamed key:9", "[nil, 'value:8', nil]");
    EXPECT(client, "TTL volatile", ":<1900..1999>");
    EXPECT(client, "GET brief", "nil");
    EXPECT(client, "DBSIZE", ":3002");
    EXPECT(client, "SELECT 9", "+OK");
    EXPECT(client, "GET elsewhere", "'v'");
    EXPECT(client, "SELECT 0", "+OK");
}

static void all_is_there_after(int signal_number)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);

    for (int round = 0; round < 3; round++) {
        fill(client);
        client_close(client);
        int status = server_stop(server, signal_number);
        if (signal_number == SIGKILL) assert_true(WIFSIGNALED(status));
        else assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        usleep(100000); /* the brief key's time comes while nobody is there to see it */
        server_start(server);
        client = client_open(server, 2);
        verify(client);
    }
    client_close(client);
    server_close(server);
}

static void after_kill(void **state)
{
    (void)state;
    SKIP_OTHERS();
    all_is_there_after(SIGKILL);
}

static void after_term(void **state)
{
    (void)state;
    SKIP_OTHERS();
    all_is_there_after(SIGTERM);
}

static void after_shutdown(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);

    (void)state;
    SKIP_OTHERS();
    EXPECT(client, "SHUTDOWN FOO", "-ERR syntax error");
    EXPECT(client, "SHUTDOWN SAVE NOSAVE", "-ERR syntax error");
    EXPECT(client, "SHUTDOWN ABORT", "-ERR No shutdown in progress.");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "SHUTDOWN", "closed");
    client_close(client);
    assert_int_equal(server_wait(server), 0);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "GET k", "'v'");
    EXPECT(client, "SHUTDOWN NOSAVE", "closed");
    client_close(client);
    assert_int_equal(server_wait(server), 0);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "GET k", "'v'");
    client_close(client);
    server_close(server);
}

/* Removals and flushes stay done. */
static void what_is_gone_stays_gone(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);

    (void)state;
    SKIP_OTHERS();
    fill(client);
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "GETDEL k", "'v'");
    client_close(client);
    (void)server_stop(server, SIGKILL);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "DBSIZE", ":0");
    EXPECT(client, "KEYS *", "[]");
    EXPECT(client, "SCAN 0 COUNT 1000", "['<*>', []]");
    client_close(client);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_kill),
        cmocka_unit_test(after_term),
        cmocka_unit_test(after_shutdown),
        cmocka_unit_test(what_is_gone_stays_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
