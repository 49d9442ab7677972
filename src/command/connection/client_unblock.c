/* client_unblock.c: CLIENT UNBLOCK. */
#include "command/arguments.h"
#include "command/block.h"
#include "command/connection/connection_commands.h"

static void unblock(struct call *call);
const struct command connection_client_unblock = {
    .name = "unblock",
    .handler = unblock,
    .arity = -3,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "5.0.0",
    .summary = "Ends the wait of a connection that a command blocks.",
    .complexity = "O(log N) where N is the number of client connections",
    .arguments =
        ARGUMENTS(ARGUMENT("client-id", ARG_INTEGER),
                  {.name = "unblock-type",
                   .type = ARG_ONEOF,
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT_WORD("timeout", "TIMEOUT"), ARGUMENT_WORD("error", "ERROR"))}),
};

static void unblock(struct call *call)
{
    int64_t id;
    bool with_error = call_arg_is(call, 3, "error");
    if (call->argc > 4)
        resp_error(call->out,
                   "ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP.");
    else if (call->argc == 4 && !with_error && !call_arg_is(call, 3, "timeout"))
        resp_error(call->out, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    else if (call_int(call, 2, &id))
        resp_int(call->out, block_unblock(call->worker, (uint64_t)id, with_error));
}
