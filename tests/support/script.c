/* script.c: runs tables of commands and replies. */
#include "support/script.h"

#include "support/wait.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SLEEP_WORD "sleep "
#define AWAIT_WORD "await "

/* Runs the steps on one connection; returns how many replies were wrong. */
static unsigned run_proto(struct server *server, const struct step *steps, size_t count, int proto)
{
    struct client *client = client_open(server, proto);
    unsigned wrong = 0;

    client_expect(client, "FLUSHALL", "+OK", __FILE__, __LINE__);
    for (const struct step *step = steps; step < steps + count; step++) {
        if (strncmp(step->line, SLEEP_WORD, strlen(SLEEP_WORD)) == 0) {
            usleep((useconds_t)atoi(step->line + strlen(SLEEP_WORD)) * 1000);
            continue;
        }
        if (step->cairn_only && server_is_other()) continue;
        const char *expected = proto == 3 && step->reply3 ? step->reply3 : step->reply;
        bool patient = strncmp(step->line, AWAIT_WORD, strlen(AWAIT_WORD)) == 0;
        const char *line = patient ? step->line + strlen(AWAIT_WORD) : step->line;
        const char *reply = client_ask(client, line);
        if (patient)
            (void)WAIT_FOR(client_reply_is(expected, reply) || (reply = client_ask(client, line), false));
        if (client_reply_is(expected, reply)) continue;
        print_error("RESP%d  %s\n  expected  %s\n  got       %s\n", proto, step->line, expected, reply);
        wrong++;
    }
    client_close(client);
    return wrong;
}

void script_run(struct server *server, const struct step *steps, size_t count, const char *file, int at_line)
{
    unsigned wrong = run_proto(server, steps, count, 2) + run_proto(server, steps, count, 3);

    if (wrong == 0) return;
    print_error("%u unexpected replies\n", wrong);
    _fail(file, at_line);
}

int script_open_server(void **state)
{
    *state = server_open(NULL);
    return 0;
}

int script_close_server(void **state)
{
    server_close(*state);
    return 0;
}

int script_await_alone(void **state)
{
    static const char one[] = "connected_clients:1";
    struct client *client = client_open(*state, 2);
    const char *count;
    bool alone = WAIT_FOR((count = strstr(client_ask(client, "INFO clients"), one)) != NULL &&
                          !isdigit((unsigned char)count[strlen(one)]));
    client_close(client);
    return alone ? 0 : -1;
}
