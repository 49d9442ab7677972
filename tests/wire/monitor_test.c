/* monitor_test.c: MONITOR, over two workers. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GETS(client, expected) check_got((client), (expected), __LINE__)
static void check_got(struct client *client, const char *expected, int line)
{
    const char *got = client_read(client);
    if (!client_reply_is(expected, got)) fail_msg("line %d: got %s, not %s", line, got, expected);
}

static void shows_commands(void **state)
{
    struct client *near = client_open(*state, 2), *far = client_open(*state, 3),
                  *client = client_open(*state, 2);
    struct client *const monitors[] = {near, far};
    for (int i = 0; i < 2; i++)
        EXPECT(monitors[i], "MONITOR", "+OK");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "INCR k", "-ERR value is not an integer or out of range");
    EXPECT(client, "NOSUCH", "-ERR unknown command<*>");
    EXPECT(client, "GET", "-ERR wrong number<*>");
    EXPECT(client, "CONFIG GET port", "<*>"); /* an admin's */
    EXPECT(client, "SELECT 2", "+OK");
    EXPECT(client, "ECHO \"\\\"\\\\\\r\\n\\t\\x07\\x08\\x01\\xff x'\"", "<*>");
    EXPECT(client, "AUTH user secret", "-<*>");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "SET k 1", "+QUEUED");
    EXPECT(client, "PING", "+QUEUED");
    EXPECT(client, "EXEC", "[+OK, +PONG]");
    for (int i = 0; i < 2; i++) {
        GETS(monitors[i], "+<*>.<*> [0 127.0.0.1:<*>] \"SET\" \"k\" \"v\"");
        GETS(monitors[i], "+<*> [0 127.0.0.1:<*>] \"INCR\" \"k\"");
        GETS(monitors[i], "+<*> [2 127.0.0.1:<*>] \"SELECT\" \"2\"");
        GETS(monitors[i], "+<*> [2 <*>] \"ECHO\" \"\\\"\\\\\\r\\n\\t\\a\\b\\x01\\xff x'\"");
        GETS(monitors[i], "+<*> [2 <*>] \"AUTH\" \"(redacted)\" \"(redacted)\"");
        GETS(monitors[i], "+<*> [2 <*>] \"MULTI\"");
        GETS(monitors[i], "+<*> [2 <*>] \"SET\" \"k\" \"1\"");
        GETS(monitors[i], "+<*> [2 <*>] \"PING\"");
        GETS(monitors[i], "+<*> [2 <*>] \"EXEC\"");
    }
    /* its own commands follow their replies */
    EXPECT(near, "PING", "+PONG");
    GETS(near, "+<*> \"PING\"");
    GETS(far, "+<*> \"PING\"");
    EXPECT(client, "CLIENT LIST", "'<*>flags=O <*>'");
    EXPECT(near, "RESET", "+RESET");
    GETS(far, "+<*> \"RESET\"");
    EXPECT(client, "PING", "+PONG");
    GETS(far, "+<*> \"PING\"");
    EXPECT(near, "ECHO x", "'x'");
    GETS(far, "+<*> \"ECHO\" \"x\"");
    client_close(far);
    client_close(near);
    client_close(client);
}

static void not_in_transactions(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "MONITOR", "+QUEUED");
    EXPECT(client, "EXEC", "[-ERR MONITOR isn't allowed for DENY BLOCKING client]");
    client_close(client);
}

static void unix_sockets(void **state)
{
    struct client *monitor = client_open(*state, 2), *client = client_open_unix(*state);
    EXPECT(monitor, "MONITOR", "+OK");
    EXPECT(client, "PING", "+PONG");
    GETS(monitor, "+<*> [0 unix:/<*>] \"PING\"");
    client_close(client);
    client_close(monitor);
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
        cmocka_unit_test_setup(shows_commands, script_await_alone),
        cmocka_unit_test_setup(not_in_transactions, script_await_alone),
        cmocka_unit_test_setup(unix_sockets, script_await_alone),
    };
    return cmocka_run_group_tests(tests, open_server, script_close_server);
}
