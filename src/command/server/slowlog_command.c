/* slowlog_command.c: SLOWLOG. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#define SLOWLOG_FLAGS   (COMMAND_ADMIN | COMMAND_LOADING | COMMAND_STALE)
#define DEFAULT_ENTRIES 10

static const struct command slowlog_get, slowlog_help, slowlog_len, slowlog_reset;
static const struct command *const subcommands[] = {
    &slowlog_get, &slowlog_help, &slowlog_len, &slowlog_reset, NULL,
};

const struct command server_slowlog = {
    .name = "slowlog",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "2.2.12",
    .summary = "Holds the commands about the log of slow commands.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

static void get(struct call *call)
{
    int64_t count = DEFAULT_ENTRIES;
    if (call->argc > 3) {
        resp_error(call->out,
                   "ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.");
        return;
    }
    if (call->argc == 3 &&
        !call_int_range(call, 2, -1, INT64_MAX, "ERR count should be greater than or equal to -1", &count))
        return;
    slowlog_reply(&call->worker->server->slowlog, count, call->out);
}

static const struct command slowlog_get = {
    .name = "get",
    .handler = get,
    .arity = -2,
    .flags = SLOWLOG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.2.12",
    .summary = "Answers the newest slow commands.",
    .complexity = "O(N) where N is the number of entries returned",
    .arguments = ARGUMENTS({.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL}),
    .tips = TIPS("request_policy:all_nodes", "nondeterministic_output"),
    .history = HISTORY("4.0.0", "Answers the client's address and name, too."),
};

static void len(struct call *call)
{
    resp_int(call->out, (int64_t)slowlog_length(&call->worker->server->slowlog));
}

static const struct command slowlog_len = {
    .name = "len",
    .handler = len,
    .arity = 2,
    .flags = SLOWLOG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.2.12",
    .summary = "Counts the slow commands in the log.",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
};

static void reset(struct call *call)
{
    slowlog_clear(&call->worker->server->slowlog);
    resp_ok(call->out);
}

static const struct command slowlog_reset = {
    .name = "reset",
    .handler = reset,
    .arity = 2,
    .flags = SLOWLOG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.2.12",
    .summary = "Empties the log of slow commands.",
    .complexity = "O(N) where N is the number of entries in the slowlog",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    The newest <count> slow commands (default: 10, -1: all), each as",
        "    id, timestamp, microseconds, arguments, client IP and port, client name.",
        "LEN",
        "    How many slow commands the log holds.",
        "RESET",
        "    Empty the log.",
        NULL,
    };
    help_reply(call, "SLOWLOG", lines);
}

static const struct command slowlog_help = {HELP_ROW(help, GROUP_SERVER, 0, "6.2.0")};
