/* flush.c: whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
 *
 * A flush unlinks every key in one small transaction, and the memory is freed in the background: ASYNC and
 * SYNC differ in nothing that a client could see.
 */
#include "command/arguments.h"
#include "command/block.h"
#include "command/host.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"
#include "util/number.h"

static void dbsize(struct call *call);
const struct command server_dbsize = {
    .name = "dbsize",
    .handler = dbsize,
    .arity = 1,
    .flags = COMMAND_READONLY | COMMAND_FAST | COMMAND_SHARED,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Counts the keys of the database.",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_sum"),
};

static void dbsize(struct call *call)
{
    resp_int(call->out, (int64_t)keyspace_size(call->keyspace, call->db));
}

/* ---- flushing ---- */

#define FLUSH_ARGUMENTS                                                                                      \
    ARGUMENTS(                                                                                               \
        {.name = "flush-type",                                                                               \
         .type = ARG_ONEOF,                                                                                  \
         .flags = ARG_OPTIONAL,                                                                              \
         .sub = ARGUMENTS({.name = "async", .type = ARG_PURE_TOKEN, .token = "ASYNC", .since = "4.0.0"},     \
                          {.name = "sync", .type = ARG_PURE_TOKEN, .token = "SYNC", .since = "6.2.0"})})
#define FLUSH_HISTORY HISTORY("4.0.0", "The `ASYNC` mode.", "6.2.0", "The `SYNC` mode.")

/* Empties databases first .. end-1; false after having replied an error. */
static bool flush(struct call *call, unsigned first, unsigned end)
{
    bool plain = call->argc == 1;
    bool mode = call->argc == 2 && (call_arg_is(call, 1, "async") || call_arg_is(call, 1, "sync"));
    if (!plain && !mode) {
        call_syntax_error(call);
        return false;
    }
    for (unsigned db = first; db < end; db++) {
        watch_flush(&call->worker->server->watches, call->keyspace, db);
        block_flush(&call->worker->server->blocks, db);
        uint64_t keys = keyspace_size(call->keyspace, db);
        enum error error = keyspace_flush(call->tx, call->keyspace, db);
        if (error) {
            call_fail(call, error);
            return false;
        }
        call->changes += (unsigned)keys;
    }
    changes_note_flush(call);
    resp_ok(call->out);
    return true;
}

static void flushall(struct call *call)
{
    const struct host *host = call->worker->host;
    if (flush(call, 0, keyspace_databases(call->keyspace))) host->flushed(host->app, call->changes);
}

const struct command server_flushall = {
    .name = "flushall",
    .handler = flushall,
    .arity = -1,
    .flags = COMMAND_WRITE | COMMAND_EXCLUSIVE,
    .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Removes all keys of all databases.",
    .complexity = "O(N) where N is the total number of keys in all databases",
    .arguments = FLUSH_ARGUMENTS,
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .history = FLUSH_HISTORY,
};

static void flushdb(struct call *call)
{
    (void)flush(call, call->db, call->db + 1);
}

const struct command server_flushdb = {
    .name = "flushdb",
    .handler = flushdb,
    .arity = -1,
    .flags = COMMAND_WRITE | COMMAND_EXCLUSIVE,
    .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Removes all keys of the database.",
    .complexity = "O(N) where N is the number of keys in the selected database",
    .arguments = FLUSH_ARGUMENTS,
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .history = FLUSH_HISTORY,
};

/* ---- swapping ---- */

static void swapdb(struct call *call)
{
    int64_t a, b;
    int64_t databases = keyspace_databases(call->keyspace);
    if (!number_parse_int(call->argv[1], &a)) {
        resp_error(call->out, "ERR invalid first DB index");
    } else if (!number_parse_int(call->argv[2], &b)) {
        resp_error(call->out, "ERR invalid second DB index");
    } else if (a < 0 || a >= databases || b < 0 || b >= databases) {
        resp_error(call->out, "ERR DB index is out of range");
    } else {
        watch_swap(&call->worker->server->watches, call->keyspace, (unsigned)a, (unsigned)b, call->now_ms);
        block_swap(&call->worker->server->blocks, (unsigned)a, (unsigned)b);
        enum error error = keyspace_swap(call->tx, call->keyspace, (unsigned)a, (unsigned)b);
        if (error) {
            call_fail(call, error);
            return;
        }
        call->changes++;
        resp_ok(call->out);
    }
}

const struct command server_swapdb = {
    .name = "swapdb",
    .handler = swapdb,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_FAST | COMMAND_EXCLUSIVE,
    .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Exchanges two databases.",
    .complexity = "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    .arguments = ARGUMENTS(ARGUMENT("index1", ARG_INTEGER), ARGUMENT("index2", ARG_INTEGER)),
};
