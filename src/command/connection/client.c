/* client.c: CLIENT: the container, and the subcommands about the connection itself. */
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/help.h"
#include "command/host.h"

#include <stdlib.h>

#define OWN_FLAGS (COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)

#define ON_OFF_ARGUMENT                                                                                      \
    ARGUMENTS({.name = "enabled",                                                                            \
               .type = ARG_ONEOF,                                                                            \
               .sub = ARGUMENTS(ARGUMENT_WORD("on", "ON"), ARGUMENT_WORD("off", "OFF"))})

static const struct command *const subcommands[] = {
    &connection_client_caching,
    &connection_client_getname,
    &connection_client_getredir,
    &connection_client_help,
    &connection_client_id,
    &connection_client_info,
    &connection_client_kill,
    &connection_client_list,
    &connection_client_no_evict,
    &connection_client_no_touch,
    &connection_client_pause,
    &connection_client_reply,
    &connection_client_setinfo,
    &connection_client_setname,
    &connection_client_tracking,
    &connection_client_trackinginfo,
    &connection_client_unblock,
    &connection_client_unpause,
    NULL,
};

const struct command connection_client = {
    .name = "client",
    .arity = -2,
    .group = GROUP_CONNECTION,
    .since = "2.4.0",
    .summary = "Holds the commands about client connections.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

/* ---- texts of a session ---- */

bool connection_text_is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~') return false;
    return true;
}

bool connection_set_text(char **text_of_session, struct slice text)
{
    char *copy = NULL;
    if (text.len > 0) {
        copy = strndup(text.ptr, text.len);
        if (!copy) return false;
    }
    free(*text_of_session);
    *text_of_session = copy;
    return true;
}

bool connection_set_name(struct call *call, struct slice name)
{
    if (!connection_text_is_plain(name)) {
        resp_error(call->out, "ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    if (connection_set_text(&call->session->name, name)) return true;
    call_fail(call, ERROR_MEMORY);
    return false;
}

/* ---- subcommands ---- */

static void getname(struct call *call);
const struct command connection_client_getname = {
    .name = "getname",
    .handler = getname,
    .arity = 2,
    .flags = OWN_FLAGS | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "2.6.9",
    .summary = "Answers the connection's name.",
    .complexity = "O(1)",
};

static void getname(struct call *call)
{
    if (call->session->name) resp_bulk_text(call->out, call->session->name);
    else resp_null(call->out);
}

static void setname(struct call *call);
const struct command connection_client_setname = {
    .name = "setname",
    .handler = setname,
    .arity = 3,
    .flags = OWN_FLAGS | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "2.6.9",
    .summary = "Names the connection.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("connection-name", ARG_STRING)),
};

static void setname(struct call *call)
{
    if (connection_set_name(call, call->argv[2])) resp_ok(call->out);
}

static void setinfo(struct call *call);
const struct command connection_client_setinfo = {
    .name = "setinfo",
    .handler = setinfo,
    .arity = 4,
    .flags = OWN_FLAGS | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "7.2.0",
    .summary = "Notes the client library's name or version for CLIENT LIST.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "attr",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_AFTER("libname", ARG_STRING, "LIB-NAME"),
                                             ARGUMENT_AFTER("libver", ARG_STRING, "LIB-VER"))}),
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void setinfo(struct call *call)
{
    struct slice attribute = call->argv[2], value = call->argv[3];
    char **text;
    if (slice_is_word(attribute, "lib-name")) {
        text = &call->session->lib_name;
    } else if (slice_is_word(attribute, "lib-ver")) {
        text = &call->session->lib_ver;
    } else {
        resp_errorf(call->out, "ERR Unrecognized option '%.*s'", (int)attribute.len, attribute.ptr);
        return;
    }
    if (!connection_text_is_plain(value))
        resp_errorf(call->out, "ERR %.*s cannot contain spaces, newlines or special characters.",
                    (int)attribute.len, attribute.ptr);
    else if (!connection_set_text(text, value)) call_fail(call, ERROR_MEMORY);
    else resp_ok(call->out);
}

static void id(struct call *call);
const struct command connection_client_id = {
    .name = "id",
    .handler = id,
    .arity = 2,
    .flags = OWN_FLAGS | COMMAND_SESSION | COMMAND_ALOOF,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "5.0.0",
    .summary = "Answers the connection's unique number.",
    .complexity = "O(1)",
};

static void id(struct call *call)
{
    resp_int(call->out, (int64_t)call->session->id);
}

static void info(struct call *call);
const struct command connection_client_info = {
    .name = "info",
    .handler = info,
    .arity = 2,
    .flags = OWN_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.2.0",
    .summary = "Describes the connection in one line.",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

static void info(struct call *call)
{
    const struct host *host = call->worker->host;
    struct resp_out line;
    resp_out_init(&line);
    host->client_info(host->app, call->worker, call->session, &line);
    resp_raw(&line, "\n", 1);
    resp_verbatim(call->out, "txt", (struct slice){line.buf, line.len});
    resp_out_free(&line);
}

static void reply_mode(struct call *call);
const struct command connection_client_reply = {
    .name = "reply",
    .handler = reply_mode,
    .arity = 3,
    .flags = OWN_FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "3.2.0",
    .summary = "Says whether the connection wants replies.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "action",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("on", "ON"), ARGUMENT_WORD("off", "OFF"),
                                             ARGUMENT_WORD("skip", "SKIP"))}),
};

static void reply_mode(struct call *call)
{
    struct session *session = call->session;
    if (call_arg_is(call, 2, "on")) {
        session->reply = SESSION_REPLY_ON;
        call->out->discard = false;
        resp_ok(call->out);
    } else if (call_arg_is(call, 2, "off")) {
        session->reply = SESSION_REPLY_OFF;
        call->out->discard = true; /* at once, also for what follows in EXEC */
    } else if (call_arg_is(call, 2, "skip")) {
        if (session->reply != SESSION_REPLY_OFF) session->reply = SESSION_REPLY_SKIP_NEXT;
    } else {
        call_syntax_error(call);
    }
}

/* Sets a switch of the session to ON or OFF as argument 2 says. */
static void set_switch(struct call *call, bool *value)
{
    bool on = call_arg_is(call, 2, "on");
    if (!on && !call_arg_is(call, 2, "off")) {
        call_syntax_error(call);
        return;
    }
    *value = on;
    resp_ok(call->out);
}

static void no_evict(struct call *call);
const struct command connection_client_no_evict = {
    .name = "no-evict",
    .handler = no_evict,
    .arity = 3,
    .flags = OWN_FLAGS | COMMAND_ADMIN | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "7.0.0",
    .summary = "Keeps the connection when client memory is short.",
    .complexity = "O(1)",
    .arguments = ON_OFF_ARGUMENT,
};

static void no_evict(struct call *call)
{
    set_switch(call, &call->session->no_evict);
}

static void no_touch(struct call *call);
const struct command connection_client_no_touch = {
    .name = "no-touch",
    .handler = no_touch,
    .arity = 3,
    .flags = OWN_FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "7.2.0",
    .summary = "Says whether this connection's reads count as use of the keys.",
    .complexity = "O(1)",
    .arguments = ON_OFF_ARGUMENT,
};

static void no_touch(struct call *call)
{
    set_switch(call, &call->session->no_touch);
}

static void help(struct call *call)
{
    static const char *const lines[] = {
        "CACHING (YES|NO)",
        "    Track, or do not track, the keys that the next command reads (OPTIN, OPTOUT).",
        "GETNAME",
        "    The name of this connection.",
        "GETREDIR",
        "    The connection that invalidations of this one go to; -1: it does not track.",
        "ID",
        "    The number of this connection.",
        "INFO",
        "    This connection in one line, as in LIST.",
        "KILL <ip:port>",
        "    End the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    End connections that match all options:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      The other end of the connection.",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      This end of the connection.",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      What the connection is used for.",
        "    * USER <username>",
        "      Who is logged in on it.",
        "    * ID <client-id>",
        "      Its number.",
        "    * SKIPME (YES|NO)",
        "      Spare this connection (default: yes).",
        "LIST [options ...]",
        "    All connections, one line each, or those that match:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      What the connection is used for.",
        "    * ID <client-id> [<client-id> ...]",
        "      Their numbers.",
        "NO-EVICT (ON|OFF)",
        "    Keep this connection when client memory is short.",
        "NO-TOUCH (ON|OFF)",
        "    Keep this connection's reads from counting as use of the keys.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back all requests, or those that write, for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Send replies, send none, or leave out the next one.",
        "SETINFO <option> <value>",
        "    Note LIB-NAME or LIB-VER, the client library, for LIST.",
        "SETNAME <name>",
        "    Name this connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Tell this connection, or another, when keys change that it has read.",
        "TRACKINGINFO",
        "    How this connection tracks.",
        "UNBLOCK <client-id> [TIMEOUT|ERROR]",
        "    End the wait of a connection: as when its time is over, or with an error.",
        "UNPAUSE",
        "    End a pause before its time.",
        NULL,
    };
    help_reply(call, "CLIENT", lines);
}
const struct command connection_client_help = {
    HELP_ROW(help, GROUP_CONNECTION, CATEGORY_CONNECTION, "5.0.0")};
