/* monitor.c: a line for each command, to all who monitor (monitor.h). */
#include "command/monitor.h"

#include "command/call.h"
#include "command/changes.h"
#include "command/push.h"
#include "command/server_state.h"
#include "util/assert.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_FIRST_CAP 4
#define HEAD_BYTES         256
#define REDACTED_MAX       32 /* arguments that call->redacted knows */

static size_t count_of(const struct monitors *monitors)
{
    return atomic_load_explicit(&monitors->count, memory_order_relaxed);
}

static void set_count(struct worker *worker, size_t count)
{
    struct monitors *monitors = &worker->monitors;
    atomic_fetch_add_explicit(&worker->server->monitors, count - count_of(monitors), memory_order_relaxed);
    atomic_store_explicit(&monitors->count, count, memory_order_relaxed);
}

enum error monitor_begin(struct worker *worker, struct session *session)
{
    struct monitors *monitors = &worker->monitors;
    size_t count = count_of(monitors);
    ASSERT(!session->monitors);
    if (count == monitors->cap) {
        size_t cap = monitors->cap ? monitors->cap * 2 : SESSIONS_FIRST_CAP;
        struct session **grown = realloc(monitors->sessions, cap * sizeof(struct session *));
        if (!grown) return ERROR_MEMORY;
        monitors->sessions = grown;
        monitors->cap = cap;
    }
    monitors->sessions[count] = session;
    session->monitors = true;
    set_count(worker, count + 1);
    return ERROR_OK;
}

void monitor_end(struct worker *worker, struct session *session)
{
    struct monitors *monitors = &worker->monitors;
    size_t count = count_of(monitors), at = 0;
    if (!session->monitors) return;
    while (monitors->sessions[at] != session)
        at++;
    monitors->sessions[at] = monitors->sessions[count - 1];
    session->monitors = false;
    set_count(worker, count - 1);
}

void monitor_close(struct monitors *monitors)
{
    free(monitors->sessions);
    *monitors = (struct monitors){0};
}

/* ---- lines ---- */

static char *put_byte(char *to, unsigned char byte)
{
    static const char plain[] = "\\\"\n\r\t\a\b", letters[] = "\\\"nrtab";
    const char *escape = byte ? strchr(plain, byte) : NULL;
    if (escape) {
        *to++ = '\\';
        *to++ = letters[escape - plain];
    } else if (isprint(byte)) {
        *to++ = (char)byte;
    } else {
        to += sprintf(to, "\\x%02x", byte);
    }
    return to;
}

static char *put_argument(char *to, struct slice argument)
{
    *to++ = ' ';
    *to++ = '"';
    for (size_t i = 0; i < argument.len; i++)
        to = put_byte(to, (unsigned char)argument.ptr[i]);
    *to++ = '"';
    return to;
}

static struct slice argument_of(const struct call *call, size_t i)
{
    return i < REDACTED_MAX && call->redacted >> i & 1 ? SLICE("(redacted)") : call->argv[i];
}

/* Where the client is; a unix socket by its path. */
static size_t put_head(const struct call *call, char head[HEAD_BYTES])
{
    int64_t now_us = clock_wall_us();
    const char *address = call->session->address ? call->session->address : "?:0";
    bool local_socket = address[0] == '/';
    size_t len = local_socket ? (size_t)(strrchr(address, ':') - address) : strlen(address);
    return (size_t)snprintf(head, HEAD_BYTES, "+%lld.%06lld [%u %s%.*s]", (long long)(now_us / 1000000),
                            (long long)(now_us % 1000000), call->session->db, local_socket ? "unix:" : "",
                            (int)len, address);
}

static void deliver(const struct inbox_message *message, struct worker *worker)
{
    const struct slice *line = message->data;
    for (size_t i = 0; i < count_of(&worker->monitors); i++)
        push_send(worker, worker->monitors.sessions[i], line->ptr, line->len);
}

static uint64_t targets_of(const struct server_state *server)
{
    uint64_t targets = 0;
    for (unsigned i = 0; i < server->worker_count; i++)
        if (count_of(&server->workers[i]->monitors) > 0) targets |= UINT64_C(1) << i;
    return targets;
}

void monitor_show(const struct call *call)
{
    struct worker *worker = call->worker;
    uint64_t targets = targets_of(worker->server);
    size_t bytes = sizeof(struct slice) + HEAD_BYTES;
    char head[HEAD_BYTES];
    if (call->command->flags & (COMMAND_ADMIN | COMMAND_SKIP_MONITOR) || targets == 0) return;
    for (size_t i = 0; i < call->argc; i++)
        bytes += argument_of(call, i).len * strlen("\\x00") + strlen(" \"\"");
    struct inbox_message *message = inbox_message_new(worker->server, &worker->sender, deliver, bytes);
    if (!message) return; /* a line is missing when memory is out */
    struct slice *line = message->data;
    char *to = (char *)(line + 1);
    line->ptr = to;
    to = mempcpy(to, head, put_head(call, head));
    for (size_t i = 0; i < call->argc; i++)
        to = put_argument(to, argument_of(call, i));
    to = mempcpy(to, "\r\n", 2);
    line->len = (size_t)(to - line->ptr);
    enum error error = changes_note_message(call, message, targets);
    (void)error; /* likewise */
}
