/* script.h: tables of commands and replies, run under RESP2 and RESP3.
 *
 *     static const struct step steps[] = {
 *         {"SET k v", "+OK"},
 *         {"GET k", "'v'"},
 *         {"LCS a b IDX", "['matches', [], 'len', :0]", "{'matches': [], 'len': :0}"},
 *     };
 *     SCRIPT(server, steps);
 *
 * Each run starts with FLUSHALL on a new connection. A row is a command line as for client_ask, its reply
 * (client.h says how replies look; <*> stands for any text, <90..100> for an integer), and the reply under RESP3 where that differs.
 */
#ifndef CAIRN_TESTS_SUPPORT_SCRIPT_H
#define CAIRN_TESTS_SUPPORT_SCRIPT_H

#include "support/client.h"

struct step {
    const char
        *line; /* "sleep 20" in place of a command: wait for 20 ms; "await PING": until it has this reply */
    const char *reply;
    const char *reply3; /* NULL: the same as reply */
    bool cairn_only;    /* newer than the Redis that other machines have, or of our own */
};

#define CAIRN_ONLY .cairn_only = true

/* Rows may leave out their last fields. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Runs the rows of an array under both protocols; fails the test when a reply was not as expected. */
#define SCRIPT(server, steps)                                                                                \
    script_run((server), (steps), sizeof(steps) / sizeof((steps)[0]), __FILE__, __LINE__)
void script_run(struct server *server, const struct step *steps, size_t count, const char *file, int at_line);

/* For cmocka's groups: *state is a server of the group's own. */
int script_open_server(void **state);
int script_close_server(void **state);
/* A setup for tests that count listeners and waiters: the server has seen the connections of the test before end. */
int script_await_alone(void **state);

#endif
