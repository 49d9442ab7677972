/* pause_test.c: replies of clients that a pause has held reach the client that asked. */
#include "support/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS      5
#define LARGE_READS 40
#define LARGE_BYTES 1400000

/* Large replies of one client pass through the worker's buffer while another's small ones wait there for the end of the pause. */
static void held_replies_go_home(void **state)
{
    struct client *reader = client_open(*state, 2), *held = client_open(*state, 2);
    static char value[LARGE_BYTES];
    memset(value, 'v', sizeof(value));
    client_send_argv(reader, 3, (const char *[]){"SET", "large", value},
                     (const size_t[]){3, 5, sizeof(value)});
    assert_string_equal(client_read(reader), "+OK");
    for (int round = 0; round < ROUNDS; round++) {
        EXPECT(reader, "CLIENT PAUSE 1000000 WRITE", "+OK");
        client_send(held, "SET k v");
        client_send(held, "INCR n");
        for (int i = 0; i < LARGE_READS; i++) {
            const char *reply = client_ask(reader, "GET large");
            if (reply[0] != '\'') fail_msg("round %d: a foreign reply: %.40s", round, reply);
        }
        EXPECT(reader, "CLIENT UNPAUSE", "+OK");
        assert_string_equal(client_read(held), "+OK");
        char expected[8] = ":1";
        expected[1] = (char)('1' + round);
        assert_string_equal(client_read(held), expected);
    }
    client_close(held);
    client_close(reader);
}

static int start(void **state)
{
    static const char *const options[] = {"--io-threads", "1", NULL};
    *state = server_open(options);
    return *state == NULL;
}

static int stop(void **state)
{
    server_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held_replies_go_home)};
    return cmocka_run_group_tests(tests, start, stop);
}
