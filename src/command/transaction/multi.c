/* multi.c: MULTI, DISCARD, WATCH, UNWATCH: what comes before EXEC. */
#include "command/multi.h"

#include "command/arguments.h"
#include "command/server_state.h"
#include "command/transaction/transaction_commands.h"

#define FLAGS (COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY)

static void multi(struct call *call);
const struct command transaction_multi = {
    .name = "multi",
    .handler = multi,
    .arity = 1,
    .flags = FLAGS | COMMAND_UNQUEUED,
    .categories = CATEGORY_TRANSACTION,
    .group = GROUP_TRANSACTIONS,
    .since = "1.2.0",
    .summary = "Begins a transaction: what follows is queued until EXEC.",
    .complexity = "O(1)",
};

static void multi(struct call *call)
{
    if (multi_is_open(call->session)) {
        resp_error(call->out, "ERR MULTI calls can not be nested");
        return;
    }
    enum error error = multi_begin(call->session);
    if (error) call_fail(call, error);
    else resp_ok(call->out);
}

static void discard(struct call *call);
const struct command transaction_discard = {
    .name = "discard",
    .handler = discard,
    .arity = 1,
    .flags = FLAGS | COMMAND_UNQUEUED,
    .categories = CATEGORY_TRANSACTION,
    .group = GROUP_TRANSACTIONS,
    .since = "2.0.0",
    .summary = "Forgets the queued commands and the watched keys.",
    .complexity = "O(N), when N is the number of queued commands",
};

static void discard(struct call *call)
{
    if (!multi_is_open(call->session)) {
        resp_error(call->out, "ERR DISCARD without MULTI");
        return;
    }
    multi_end(call->session);
    resp_ok(call->out);
}

static void watch(struct call *call);
const struct command transaction_watch = {
    .name = "watch",
    .handler = watch,
    .arity = -2,
    .flags = FLAGS | COMMAND_UNQUEUED,
    .categories = CATEGORY_TRANSACTION,
    .group = GROUP_TRANSACTIONS,
    .since = "2.2.0",
    .summary = "Makes the next EXEC do nothing if one of the keys changes before it.",
    .complexity = "O(1) for every key.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
};

static void watch(struct call *call)
{
    struct session *session = call->session;
    if (multi_is_open(session)) {
        resp_error(call->out, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    for (size_t i = 0; i < call->key_count && !watch_is_dirty(session->watcher); i++) {
        const struct key *key = &call->keys[i];
        const struct entry *entry = keyspace_find(call->keyspace, call->db, key);
        bool stale = entry && entry_is_expired(entry, call->now_ms);
        enum error error = watch_add(&session->watcher, &call->worker->server->watches, call->db, key, stale);
        if (error) {
            call_fail(call, error);
            return;
        }
    }
    resp_ok(call->out);
}

static void unwatch(struct call *call);
const struct command transaction_unwatch = {
    .name = "unwatch",
    .handler = unwatch,
    .arity = 1,
    .flags = FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_TRANSACTION,
    .group = GROUP_TRANSACTIONS,
    .since = "2.2.0",
    .summary = "Forgets the watched keys.",
    .complexity = "O(1)",
};

static void unwatch(struct call *call)
{
    watch_end(&call->session->watcher);
    resp_ok(call->out);
}
