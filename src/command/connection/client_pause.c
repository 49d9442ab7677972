/* client_pause.c: CLIENT PAUSE and UNPAUSE. */
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/server_state.h"
#include "util/number.h"

#define PAUSE_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)

static void pause_clients(struct call *call);
const struct command connection_client_pause = {
    .name = "pause",
    .handler = pause_clients,
    .arity = -3,
    .flags = PAUSE_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "3.0.0",
    .summary = "Holds back the requests of all connections for a while.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("timeout", ARG_INTEGER),
                           {.name = "mode",
                            .type = ARG_ONEOF,
                            .flags = ARG_OPTIONAL,
                            .since = "6.2.0",
                            .sub = ARGUMENTS(ARGUMENT_WORD("write", "WRITE"), ARGUMENT_WORD("all", "ALL"))}),
    .history = HISTORY("6.2.0", "The `WRITE` mode and the `mode` argument."),
};

/* The mode of argument 3; PAUSE_NONE after having replied the error. */
static enum pause_mode parse_mode(struct call *call)
{
    if (call->argc == 3) return PAUSE_ALL;
    if (call->argc > 4) {
        resp_error(call->out,
                   "ERR unknown subcommand or wrong number of arguments for 'pause'. Try CLIENT HELP.");
        return PAUSE_NONE;
    }
    if (call_arg_is(call, 3, "write")) return PAUSE_WRITE;
    if (call_arg_is(call, 3, "all")) return PAUSE_ALL;
    resp_error(call->out, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    return PAUSE_NONE;
}

static void pause_clients(struct call *call)
{
    const struct host *host = call->worker->host;
    enum pause_mode mode = parse_mode(call);
    int64_t timeout_ms, until_ms;
    if (mode == PAUSE_NONE) return;
    if (!number_parse_int(call->argv[2], &timeout_ms)) {
        resp_error(call->out, "ERR timeout is not an integer or out of range");
    } else if (timeout_ms < 0) {
        resp_error(call->out, "ERR timeout is negative");
    } else if (__builtin_add_overflow(call->now_ms, timeout_ms, &until_ms)) {
        resp_error(call->out, "ERR timeout is out of range");
    } else {
        server_state_pause(call->worker->server, mode, call->now_ms, until_ms);
        host->client_pause(host->app, mode, until_ms);
        resp_ok(call->out);
    }
}

static void unpause(struct call *call);
const struct command connection_client_unpause = {
    .name = "unpause",
    .handler = unpause,
    .arity = 2,
    .flags = PAUSE_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.2.0",
    .summary = "Ends a pause before its time.",
    .complexity = "O(N) Where N is the number of paused clients",
};

static void unpause(struct call *call)
{
    const struct host *host = call->worker->host;
    server_state_unpause(call->worker->server);
    host->client_pause(host->app, PAUSE_NONE, 0);
    resp_ok(call->out);
}
