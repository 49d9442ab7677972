/* auth.c: AUTH and HELLO: who a connection is and which protocol it speaks. */
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/server_state.h"

/* False after having replied -WRONGPASS. */
static bool authenticate(struct call *call, struct slice user, struct slice password)
{
    if (acl_session_login(call->worker, call->session, call->argv[0], user, password)) return true;
    resp_error(call->out, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

static void auth(struct call *call);
const struct command connection_auth = {
    .name = "auth",
    .handler = auth,
    .arity = -2,
    .flags = COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH |
             COMMAND_ALLOW_BUSY | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "1.0.0",
    .summary = "Logs the connection in.",
    .complexity = "O(N) where N is the number of passwords defined for the user",
    .arguments = ARGUMENTS({.name = "username", .type = ARG_STRING, .flags = ARG_OPTIONAL, .since = "6.0.0"},
                           ARGUMENT("password", ARG_STRING)),
    .history = HISTORY("6.0.0", "Takes a username and a password (ACL style)."),
};

static void auth(struct call *call)
{
    for (size_t arg = 1; arg < call->argc; arg++)
        call_redact(call, arg);
    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    bool named = call->argc == 3;
    const struct acl *acl = &call->worker->server->acl;
    if (!named && atomic_load_explicit(&acl->nopass_default, memory_order_relaxed)) {
        resp_error(call->out,
                   "ERR AUTH <password> called without any password configured for the default user. "
                   "Are you sure your configuration is correct?");
        return;
    }
    struct slice user = named ? call->argv[1] : SLICE("default");
    if (authenticate(call, user, call->argv[call->argc - 1])) resp_ok(call->out);
}

static void hello(struct call *call);
const struct command connection_hello = {
    .name = "hello",
    .handler = hello,
    .arity = -1,
    .flags = COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_NO_AUTH |
             COMMAND_ALLOW_BUSY | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.0.0",
    .summary = "Chooses the protocol, logs in and names the connection in one step.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(
        {.name = "arguments",
         .type = ARG_BLOCK,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(
             ARGUMENT("protover", ARG_INTEGER),
             {.name = "auth",
              .type = ARG_BLOCK,
              .token = "AUTH",
              .flags = ARG_OPTIONAL,
              .sub = ARGUMENTS(ARGUMENT("username", ARG_STRING), ARGUMENT("password", ARG_STRING))},
             {.name = "clientname", .type = ARG_STRING, .token = "SETNAME", .flags = ARG_OPTIONAL})}),
    .history = HISTORY("6.2.0", "`protover` is optional; without it the connection's context is answered."),
};

struct hello_options {
    int proto; /* 0: keep */
    const struct slice *user;
    const struct slice *password;
    const struct slice *name;
};

/* False after having replied the error. */
static bool parse_hello(struct call *call, struct hello_options *options)
{
    int64_t version;
    if (call->argc > 1) {
        if (!call_int_range(call, 1, INT64_MIN, INT64_MAX,
                            "ERR Protocol version is not an integer or out of range", &version))
            return false;
        if (version < 2 || version > 3) {
            resp_error(call->out, "NOPROTO unsupported protocol version");
            return false;
        }
        options->proto = (int)version;
    }
    for (size_t i = 2; i < call->argc; i++) {
        size_t more = call->argc - 1 - i;
        if (more >= 2 && call_arg_is(call, i, "AUTH")) {
            options->user = &call->argv[i + 1];
            options->password = &call->argv[i + 2];
            call_redact(call, i + 1);
            call_redact(call, i + 2);
            i += 2;
        } else if (more >= 1 && call_arg_is(call, i, "SETNAME")) {
            options->name = &call->argv[++i];
        } else {
            resp_errorf(call->out, "ERR Syntax error in HELLO option '%.*s'", (int)call->argv[i].len,
                        call->argv[i].ptr);
            return false;
        }
    }
    return true;
}

static void reply_context(struct call *call)
{
    struct resp_out *out = call->out;
    resp_map(out, 7);
    resp_bulk_text(out, "server");
    resp_bulk_text(out, "redis");
    resp_bulk_text(out, "version");
    resp_bulk_text(out, SERVER_REDIS_VERSION);
    resp_bulk_text(out, "proto");
    resp_int(out, call->session->proto);
    resp_bulk_text(out, "id");
    resp_int(out, (int64_t)call->session->id);
    resp_bulk_text(out, "mode");
    resp_bulk_text(out, "standalone");
    resp_bulk_text(out, "role");
    resp_bulk_text(out, "master");
    resp_bulk_text(out, "modules");
    resp_array(out, 0);
}

static void hello(struct call *call)
{
    struct hello_options options = {0};
    if (!parse_hello(call, &options)) return;
    if (options.user && !authenticate(call, *options.user, *options.password)) return;
    if (acl_session_is_stranger(&call->worker->server->acl, call->session)) {
        resp_error(
            call->out,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
            "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
            "version at the same time");
        return;
    }
    if (options.name && !connection_set_name(call, *options.name)) return;
    if (options.proto) call->session->proto = call->out->proto = options.proto;
    reply_context(call);
}
