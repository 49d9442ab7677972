/* replication.c: what a server without replicas answers: ROLE, REPLICAOF, SLAVEOF, FAILOVER. */
#include "command/arguments.h"
#include "command/server/server_commands.h"

#define REPLICATION_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_STALE)

static void role(struct call *call);
const struct command server_role = {
    .name = "role",
    .handler = role,
    .arity = 1,
    .flags = COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
    .categories = CATEGORY_ADMIN | CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "2.8.12",
    .summary = "Answers the server's part in replication.",
    .complexity = "O(1)",
};

static void role(struct call *call)
{
    resp_array(call->out, 3);
    resp_bulk_text(call->out, "master");
    resp_int(call->out, 0);
    resp_array(call->out, 0);
}

#define REPLICAOF_ARGUMENTS                                                                                  \
    ARGUMENTS(                                                                                               \
        {.name = "args",                                                                                     \
         .type = ARG_ONEOF,                                                                                  \
         .sub = ARGUMENTS({.name = "host-port",                                                              \
                           .type = ARG_BLOCK,                                                                \
                           .sub = ARGUMENTS(ARGUMENT("host", ARG_STRING), ARGUMENT("port", ARG_INTEGER))},   \
                          {.name = "no-one",                                                                 \
                           .type = ARG_BLOCK,                                                                \
                           .sub = ARGUMENTS(ARGUMENT_WORD("no", "NO"), ARGUMENT_WORD("one", "ONE"))})})

static void replicaof(struct call *call)
{
    if (call_arg_is(call, 1, "no") && call_arg_is(call, 2, "one")) resp_ok(call->out);
    else resp_error(call->out, "ERR replication is not supported");
}

const struct command server_replicaof = {
    .name = "replicaof",
    .handler = replicaof,
    .arity = 3,
    .flags = REPLICATION_FLAGS | COMMAND_NO_ASYNC_LOADING,
    .group = GROUP_SERVER,
    .since = "5.0.0",
    .summary = "Accepts NO ONE; a server to copy from is refused.",
    .complexity = "O(1)",
    .arguments = REPLICAOF_ARGUMENTS,
};

const struct command server_slaveof = {
    .name = "slaveof",
    .handler = replicaof,
    .arity = 3,
    .flags = REPLICATION_FLAGS | COMMAND_NO_ASYNC_LOADING,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "The old name of REPLICAOF.",
    .complexity = "O(1)",
    .arguments = REPLICAOF_ARGUMENTS,
    .deprecated_since = "5.0.0",
    .replaced_by = "`REPLICAOF`",
};

static void failover(struct call *call);
const struct command server_failover = {
    .name = "failover",
    .handler = failover,
    .arity = -1,
    .flags = REPLICATION_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.2.0",
    .summary = "Refuses: there are no replicas to hand over to.",
    .complexity = "O(1)",
    .arguments =
        ARGUMENTS({.name = "target",
                   .type = ARG_BLOCK,
                   .token = "TO",
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(
                       ARGUMENT("host", ARG_STRING), ARGUMENT("port", ARG_INTEGER),
                       {.name = "force", .type = ARG_PURE_TOKEN, .token = "FORCE", .flags = ARG_OPTIONAL})},
                  {.name = "abort", .type = ARG_PURE_TOKEN, .token = "ABORT", .flags = ARG_OPTIONAL},
                  {.name = "milliseconds", .type = ARG_INTEGER, .token = "TIMEOUT", .flags = ARG_OPTIONAL}),
};

static void failover(struct call *call)
{
    bool abort_only = call->argc == 2 && call_arg_is(call, 1, "abort");
    resp_error(call->out,
               abort_only ? "ERR No failover in progress." : "ERR FAILOVER requires connected replicas.");
}
