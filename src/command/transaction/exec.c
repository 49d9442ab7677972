/* exec.c: EXEC: the queued commands as one heap transaction.
 *
 * Terms: an *attempt* runs every command that runs inside the transaction (multi.h), from the gate to the commit.
 *
 * Invariants:
 * X1. The stripes of all keys that the commands and WATCH name are locked at once, ascending, before the first lookup, and
 *     until the commit has returned; or the worker is alone. Nobody sees a part of the transaction, and no watched key
 *     changes between the look at it and the commit.
 * X2. A command that fails is taken back to its savepoint and replies its error; the others stand.
 * X3. An attempt that found no room, while memory waits to be reclaimed, is taken back whole and made again: what it replied is
 *     cut, and the session's database is what it was.
 *
 * Crash table: all stores are the commands' own, in one transaction of the worker's lane: a crash before the commit leaves none
 * of them, one after it leaves all. Savepoints are volatile.
 */
#include "command/block.h"
#include "command/dispatch_run.h"
#include "command/multi.h"
#include "command/transaction/transaction_commands.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 16 /* X3; then errors for want of room stand */

static void exec(struct call *call);
const struct command transaction_exec = {
    .name = "exec",
    .handler = exec,
    .arity = 1,
    .flags = COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SKIP_SLOWLOG | COMMAND_UNQUEUED,
    .categories = CATEGORY_TRANSACTION,
    .group = GROUP_TRANSACTIONS,
    .since = "1.2.0",
    .summary = "Executes the queued commands: all of them, or none when a watched key has changed.",
    .complexity = "Depends on commands in the transaction",
};

enum outcome { COMMITTED, DIRTY, NO_ROOM };

struct attempt {
    struct run *run;
    const struct multi *multi;
    struct tx *tx;
    int64_t now_ms; /* one time for all commands */
    uint64_t stripes;
    unsigned changes;
    bool may_repeat;
    bool alone; /* in the server: a command needs it, or may end the wait of others */
};

/* ---- the gate ---- */

static bool wakes(const struct attempt *attempt)
{
    struct block_table *blocks = &attempt->run->server->blocks;
    if (!block_has_keys(blocks)) return false;
    for (size_t i = 0; i < attempt->multi->count; i++) {
        const struct kept_command *command = attempt->multi->commands[i];
        if (block_wakes(blocks, command->entry->command, command->keys, command->key_count)) return true;
    }
    return false;
}

static void unlock(struct attempt *attempt)
{
    keyspace_unlock_set(attempt->run->worker->keyspace, attempt->stripes);
    dispatch__leave_shared(attempt->run);
}

static void enter(struct attempt *attempt)
{
    struct run *run = attempt->run;
    if (!attempt->alone) {
        dispatch__enter_shared(run);
        (void)dispatch__journal_has_room(run, attempt->multi->bytes); /* it was there a moment ago */
        keyspace_lock_set(run->worker->keyspace, attempt->stripes);
        if (!wakes(attempt)) return;
        unlock(attempt); /* B2 */
        attempt->alone = true;
    }
    gate_enter_exclusive(&run->server->gate);
    run->ticks = clock_ticks(); /* waiting is not a command's time */
}

static void leave(struct attempt *attempt)
{
    struct run *run = attempt->run;
    if (!attempt->alone) {
        unlock(attempt); /* what comes after may block */
        return;
    }
    block_serve(run);
    gate_leave_exclusive(&run->server->gate);
}

/* ---- inside ---- */

/* False when there was no room, and another attempt could find some. */
static bool run_inside(struct attempt *attempt, const struct kept_command *command)
{
    struct run *run = attempt->run;
    if (!dispatch__user_still_may(run, command)) return true;
    struct call call =
        dispatch__call(run, command->entry->command, &command->request, command->keys, command->key_count);
    call.now_ms = attempt->now_ms;
    call.alone = attempt->alone;
    struct tx_mark mark = tx_savepoint(attempt->tx);
    size_t changes_before = changes_mark(&run->worker->changes);
    dispatch__handle(&call);
    if (call.failed) { /* X2 */
        tx_rollback_to(attempt->tx, mark);
        changes_cut(&run->worker->changes, changes_before);
    } else {
        attempt->changes += call.changes;
    }
    if (call.no_room && attempt->may_repeat && keyspace_reclaim_pending(call.keyspace) > 0) return false;
    run->session->commands++;
    stats_add(&run->worker->counters.commands, 1);
    dispatch__account(run, &call, command->entry);
    return true;
}

/* ends[i]: where the reply of command i ends. */
static bool run_all_inside(struct attempt *attempt, size_t *ends)
{
    const struct multi *multi = attempt->multi;
    for (size_t i = 0; i < multi->count; i++) {
        if (multi->commands[i]->inside && !run_inside(attempt, multi->commands[i])) return false;
        ends[i] = attempt->run->out->len;
    }
    return true;
}

static enum outcome run_attempt(struct attempt *attempt, size_t *ends)
{
    struct run *run = attempt->run;
    struct watcher *watcher = run->session->watcher;
    enum outcome outcome = COMMITTED;
    enter(attempt); /* X1 */
    if (watch_is_dirty(watcher) || watch_is_stale(watcher, run->worker->keyspace, attempt->now_ms)) {
        outcome = DIRTY;
    } else {
        tx_begin(attempt->tx);
        if (run_all_inside(attempt, ends)) {
            tx_commit(attempt->tx);
            changes_send(run->worker);
        } else {
            tx_abort(attempt->tx); /* X3 */
            changes_cut(&run->worker->changes, 0);
            watch_forgive(watcher);
            outcome = NO_ROOM;
        }
    }
    leave(attempt);
    return outcome;
}

/* ---- after ---- */

static bool all_are_inside(const struct multi *multi)
{
    for (size_t i = 0; i < multi->count; i++)
        if (!multi->commands[i]->inside) return false;
    return true;
}

/* Runs what was left out, and puts the replies, which begin at `begin`, into the order of the queue. */
static void run_after(struct run *run, const struct multi *multi, size_t begin, const size_t *ends)
{
    struct resp_out *out = run->out;
    size_t len = out->len - begin;
    char *replies = malloc(len + 1);
    if (!replies) {
        out->failed = true;
        return;
    }
    if (len > 0) memcpy(replies, out->buf + begin, len);
    out->len = begin;
    for (size_t i = 0, at = begin; i < multi->count; at = ends[i++]) {
        const struct kept_command *command = multi->commands[i];
        if (command->inside) {
            bool discard = out->discard; /* CLIENT REPLY OFF may have come after this one */
            out->discard = false;
            resp_raw(out, replies + (at - begin), ends[i] - at);
            out->discard = discard;
            continue;
        }
        if (!dispatch__user_still_may(run, command)) continue;
        struct call call = dispatch__call(run, command->entry->command, &command->request, command->keys,
                                          command->key_count);
        dispatch__execute(run, &call, command->entry, command->stripes);
    }
    free(replies);
}

/* ---- EXEC ---- */

static void run_queue(struct call *call, size_t *ends)
{
    struct run *run = call->run;
    const struct multi *multi = call->session->multi;
    struct resp_out *out = call->out;
    struct attempt attempt = {.run = run,
                              .multi = multi,
                              .tx = heap_thread_tx(call->worker->thread),
                              .now_ms = call->now_ms,
                              .alone = multi->exclusive,
                              .stripes = multi->stripes | watch_stripes(call->session->watcher)};
    resp_array(out, multi->count);
    size_t begin = out->len;
    enum outcome outcome = NO_ROOM;
    for (unsigned i = 0; outcome == NO_ROOM; i++) {
        out->len = begin;
        call->session->db = call->db;
        attempt.changes = 0;
        attempt.may_repeat = i < ATTEMPTS;
        outcome = run_attempt(&attempt, ends);
        if (outcome == NO_ROOM) (void)dispatch__reclaim_some(run);
    }
    if (outcome == DIRTY) {
        out->len = call->reply_at;
        resp_null_array(out);
        return;
    }
    if (attempt.changes > 0) stats_add(&call->worker->counters.changes, attempt.changes);
    if (!all_are_inside(multi)) run_after(run, multi, begin, ends);
}

static void exec(struct call *call)
{
    const struct multi *multi = call->session->multi;
    uint64_t ticks = call->run->ticks;
    if (!multi) {
        resp_error(call->out, "ERR EXEC without MULTI");
        return;
    }
    if (multi->aborted) {
        resp_error(call->out, "EXECABORT Transaction discarded because of previous errors.");
        multi_end(call->session);
        return;
    }
    size_t *ends = malloc((multi->count + 1) * sizeof *ends);
    if (ends) run_queue(call, ends);
    else call_fail(call, ERROR_MEMORY);
    free(ends);
    multi_end(call->session);
    call->session->last_command = call->command;
    call->run->ticks = ticks; /* its time is that of all its commands */
}
