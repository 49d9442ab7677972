/* basic.c: PING, ECHO, QUIT, RESET, SELECT. */
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/server_state.h"

#define SESSION_FLAGS                                                                                        \
    (COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH | COMMAND_ALLOW_BUSY)

static void ping(struct call *call);
const struct command connection_ping = {
    .name = "ping",
    .handler = ping,
    .arity = -1,
    .flags = COMMAND_FAST | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "1.0.0",
    .summary = "Answers PONG, or its argument.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "message", .type = ARG_STRING, .flags = ARG_OPTIONAL}),
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
};

/* A client that expects messages gets something like one. */
static void ping_subscriber(struct call *call)
{
    resp_array(call->out, 2);
    resp_bulk_text(call->out, "pong");
    resp_bulk_slice(call->out, call->argc == 2 ? call->argv[1] : SLICE(""));
}

static void ping(struct call *call)
{
    if (call->argc > 2) resp_error(call->out, "ERR wrong number of arguments for 'ping' command");
    else if (call->session->proto == 2 && session_is_subscribed(call->session)) ping_subscriber(call);
    else if (call->argc == 2) resp_bulk_slice(call->out, call->argv[1]);
    else resp_simple(call->out, "PONG");
}

static void echo(struct call *call);
const struct command connection_echo = {
    .name = "echo",
    .handler = echo,
    .arity = 2,
    .flags = COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "1.0.0",
    .summary = "Answers its argument.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("message", ARG_STRING)),
};

static void echo(struct call *call)
{
    resp_bulk_slice(call->out, call->argv[1]);
}

static void quit(struct call *call);
const struct command connection_quit = {
    .name = "quit",
    .handler = quit,
    .arity = -1,
    .flags = SESSION_FLAGS | COMMAND_UNQUEUED,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "1.0.0",
    .summary = "Ends the connection once its replies are out.",
    .complexity = "O(1)",
    .deprecated_since = "7.2.0",
    .replaced_by = "just closing the connection",
};

static void quit(struct call *call)
{
    resp_ok(call->out);
    call->session->close_after_reply = true;
}

static void reset(struct call *call);
const struct command connection_reset = {
    .name = "reset",
    .handler = reset,
    .arity = 1,
    .flags = SESSION_FLAGS | COMMAND_UNQUEUED,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.2.0",
    .summary = "Puts the connection back into the state of a new one.",
    .complexity = "O(1)",
};

static void reset(struct call *call)
{
    session_be_quiet(call->session, call->worker);
    session_reset(call->session);
    acl_session_begin(&call->worker->server->acl, call->session);
    call->out->proto = call->session->proto;
    call->out->discard = false;
    resp_simple(call->out, "RESET");
}

static void select_db(struct call *call);
const struct command connection_select = {
    .name = "select",
    .handler = select_db,
    .arity = 2,
    .flags = COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "1.0.0",
    .summary = "Chooses the connection's database.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("index", ARG_INTEGER)),
};

static void select_db(struct call *call)
{
    int64_t index;
    if (!call_int(call, 1, &index)) return;
    if (index < 0 || index >= (int64_t)keyspace_databases(call->keyspace)) {
        resp_error(call->out, "ERR DB index is out of range");
        return;
    }
    call->session->db = (unsigned)index;
    resp_ok(call->out);
}
