/* wait.c: WAIT and WAITAOF: until the connection's writes are on replicas (there are none), or safe on the medium. */
#include "command/arguments.h"
#include "command/block.h"
#include "command/durability.h"
#include "command/server/server_commands.h"

static void wait_for_replicas(struct call *call);
const struct command server_wait = {
    .name = "wait",
    .handler = wait_for_replicas,
    .arity = 3,
    .flags = COMMAND_BLOCKING,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_GENERIC,
    .since = "3.0.0",
    .summary = "Waits until so many replicas have the connection's writes, and answers how many have: none.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("numreplicas", ARG_INTEGER), ARGUMENT("timeout", ARG_INTEGER)),
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
};

static void wait_for_replicas(struct call *call)
{
    int64_t replicas, timeout_ms;
    if (!call_int(call, 1, &replicas) || !block_timeout_ms(call, 2, &timeout_ms)) return;
    if (replicas > 0 && block_is_allowed(call))
        block_wait(call, &(struct block_wish){.kind = BLOCK_REPLICAS, .timeout_ms = timeout_ms});
    else resp_int(call->out, 0);
}

static void wait_until_durable(struct call *call);
const struct command server_waitaof = {
    .name = "waitaof",
    .handler = wait_until_durable,
    .arity = 4,
    .flags = COMMAND_BLOCKING,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_GENERIC,
    .since = "7.2.0",
    .summary = "Waits until all writes so far are safe from a loss of power here and on replicas, and "
               "answers where they are.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("numlocal", ARG_INTEGER), ARGUMENT("numreplicas", ARG_INTEGER),
                           ARGUMENT("timeout", ARG_INTEGER)),
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
};

static void wait_until_durable(struct call *call)
{
    int64_t local, replicas, timeout_ms;
    if (!call_int_range(call, 1, 0, 1, NULL, &local) ||
        !call_int_range(call, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &replicas) ||
        !block_timeout_ms(call, 3, &timeout_ms))
        return;
    if (local > 0 && !durability_is_wanted(call->worker)) {
        resp_error(call->out, DURABILITY_NOT_WANTED);
        return;
    }
    uint64_t mark = durability_mark(call->worker);
    bool durable = durability_reached(call->worker, mark);
    if ((replicas > 0 || local > durable) && block_is_allowed(call)) {
        block_wait(call, &(struct block_wish){.kind = replicas > 0 ? BLOCK_DURABLE_REPLICAS : BLOCK_DURABLE,
                                              .timeout_ms = timeout_ms,
                                              .after = mark});
        if (durability_reached(call->worker, mark)) block_durable_moved(call->worker->server); /* meanwhile */
        return;
    }
    resp_array(call->out, 2);
    resp_int(call->out, durable);
    resp_int(call->out, 0);
}
