/* dispatch.c: from parsed requests to executed commands.
 *
 * Terms: a *stay* is the time a worker is inside the gate shared: a run of keyed commands of one batch.
 * *Outside* commands touch no keyspace and run between stays.
 *
 * What happens to a request, in this order: found and arity checked; authenticated; held by a pause; memory
 * checked (and made by eviction: no lock is held yet); into the gate; stripes locked,
 * ascending; transaction begun; handler; committed or taken back; unlocked; accounted.
 *
 * Invariants:
 * D1. Stripe locks are held from before the first lookup until the commit has returned (H3).
 * D2. A worker inside shared neither waits for the gate nor blocks on anything but a stripe.
 *     The redo journal's segments it may have to wait for only where a command logs far more than its arguments, or runs alone.
 * D3. A reply is complete before the next request's begins; what a failed command wrote is cut first.
 */
#include "command/dispatch.h"

#include "command/access.h"
#include "command/acl/session.h"
#include "command/batch.h"
#include "command/block.h"
#include "command/connection/connection_commands.h"
#include "command/dispatch_run.h"
#include "command/multi.h"
#include "command/notify.h"
#include "command/pubsub/pubsub_commands.h"
#include "command/push.h"
#include "command/transaction/transaction_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSEEN_BYTES_MAX      4096        /* of requests: then memory is looked at again */
#define LARGE_REPLIES_BYTES   (1u << 20)  /* sent before more are made: 64 replies could be 512 MiB each */
#define RECLAIM_STEP_BLOCKS   256         /* freed in one stay in the gate */
#define RECLAIM_STEPS         16          /* between two looks at whether there is room now */
#define TRACKING_EFFORT       1000        /* keys that are let go after a batch */
#define RECLAIM_ROUNDS        16          /* then a write is refused although more could be freed */
#define SMALL_RECORD_BYTES    (4u << 10)  /* a batch of them has room in the margin that the redo journal keeps, for every worker */
#define LARGE_RECORD_BYTES    (64u << 10) /* below it one has */
#define RECORD_ITEM_BYTES     64          /* that a record takes for an argument beyond its bytes */
#define RECORD_EXCESS_DIVISOR 8           /* and for each 8 of them */
#define CLOCK_STALE_NS        1000000     /* a command longer than this makes the wall clock be read again */

static void load_settings(struct run *run)
{
    const struct settings *settings = run->server->settings;
    int64_t slowlog_us = atomic_load_explicit(&settings->slowlog_slower_than_us, memory_order_relaxed);
    int64_t latency_ms = atomic_load_explicit(&settings->latency_threshold_ms, memory_order_relaxed);
    uint64_t from_ns = CLOCK_STALE_NS;
    if (slowlog_us >= 0 && (uint64_t)slowlog_us * 1000 < from_ns) from_ns = (uint64_t)slowlog_us * 1000;
    if (latency_ms > 0 && (uint64_t)latency_ms * 1000000 < from_ns) from_ns = (uint64_t)latency_ms * 1000000;
    run->note_from_ns = from_ns;
    run->track_latency = atomic_load_explicit(&settings->latency_tracking, memory_order_relaxed);
    run->memory_known = run->memory_stuck = false;
    run->wants = atomic_load_explicit(&run->server->wants, memory_order_relaxed);
    run->monitored = atomic_load_explicit(&run->server->monitors, memory_order_relaxed) > 0;
}

/* What is written from now on counts as used now; a frequency outlives the value it was counted for. */
static void note_time(const struct run *run)
{
    const struct settings *settings = run->server->settings;
    keyspace_set_access(run->worker->keyspace, access_new(settings, run->now_ms), !access_is_lfu(settings));
}

/* ---- the gate ---- */

void dispatch__enter_shared(struct run *run)
{
    if (run->inside) return;
    gate_enter_shared(&run->server->gate, run->worker->id);
    run->inside = true;
    run->ticks = clock_ticks(); /* waiting is not the command's time */
}

void dispatch__leave_shared(struct run *run)
{
    if (!run->inside) return;
    if (__builtin_expect(run->promised, 0)) tx_forgo(heap_thread_tx(run->worker->thread));
    run->promised = false;
    gate_leave_shared(&run->server->gate, run->worker->id);
    run->inside = false;
}

/* ---- accounting ---- */

static void count_error(struct run *run, size_t reply_at)
{
    stats_add(&run->worker->counters.error_replies, 1);
    const char *text = run->out->buf + reply_at + 1;
    stats_count_error(&run->server->errors, (struct slice){text, run->out->len - reply_at - 1});
}

static bool replied_error(const struct run *run, size_t reply_at)
{
    return run->out->len > reply_at && run->out->buf[reply_at] == '-';
}

/* The histogram of a command, made when it first runs; NULL when there is no memory for it. */
static struct histogram *histogram_of(struct command_stats *stats)
{
    struct histogram *histogram = atomic_load_explicit(&stats->histogram, memory_order_relaxed);
    if (__builtin_expect(histogram != NULL, 1)) return histogram;
    histogram = calloc(1, sizeof *histogram);
    atomic_store_explicit(&stats->histogram, histogram, memory_order_release);
    return histogram;
}

static void log_slow(struct run *run, const struct call *call, int64_t duration_us)
{
    struct slowlog_source source = {
        .argv = call->argv,
        .argc = call->argc,
        .redacted = call->redacted,
        .address = run->session->address,
        .client_name = run->session->name,
    };
    uint64_t max_len = atomic_load_explicit(&run->server->settings->slowlog_max_len, memory_order_relaxed);
    slowlog_add(&run->server->slowlog, max_len, &source, duration_us);
}

static void note_slow(struct run *run, const struct call *call, uint64_t duration_ns)
{
    uint32_t flags = call->command->flags;
    const struct settings *settings = run->server->settings;
    int64_t slowlog_us = atomic_load_explicit(&settings->slowlog_slower_than_us, memory_order_relaxed);
    int64_t latency_ms = atomic_load_explicit(&settings->latency_threshold_ms, memory_order_relaxed);
    int64_t duration_us = (int64_t)(duration_ns / 1000);
    if (slowlog_us >= 0 && duration_us >= slowlog_us && !(flags & COMMAND_SKIP_SLOWLOG))
        log_slow(run, call, duration_us);
    if (latency_ms > 0 && duration_us / 1000 >= latency_ms)
        latency_add(&run->server->latency, flags & COMMAND_FAST ? "fast-command" : "command",
                    duration_us / 1000);
    if (duration_ns >= CLOCK_STALE_NS) run->now_ms = clock_wall_ms();
}

void dispatch__account(struct run *run, const struct call *call, const struct command_entry *entry)
{
    uint64_t now = clock_ticks();
    uint64_t duration_ns = clock_ticks_ns(run->server->clock, now - run->ticks);
    run->ticks = now;
    struct command_stats *stats = &run->worker->stats[entry->id];
    stats_add(&stats->calls, 1);
    stats_add(&stats->duration_ns, duration_ns);
    if (run->track_latency) {
        struct histogram *histogram = histogram_of(stats);
        if (histogram) histogram_record(histogram, duration_ns);
    }
    if (__builtin_expect(replied_error(run, call->reply_at), 0)) {
        stats_add(&stats->failed, 1);
        count_error(run, call->reply_at);
    }
    if (__builtin_expect(duration_ns >= run->note_from_ns, 0)) note_slow(run, call, duration_ns);
    if (__builtin_expect(run->monitored, 0)) monitor_show(call);
}

void dispatch__account_refusal(struct run *run, const struct command_entry *entry, size_t reply_at)
{
    if (replied_error(run, reply_at)) count_error(run, reply_at);
    if (entry) stats_add(&run->worker->stats[entry->id].rejected, 1);
}

/* ---- what may keep a command from running ---- */

/* A refused command spoils the transaction it was meant for; a refused EXEC ends it. */
static void reply_refusal(struct run *run, const struct command_entry *entry, const char *text)
{
    if (!multi_is_open(run->session)) {
        resp_error(run->out, text);
        return;
    }
    run->session->multi->aborted = true;
    if (!entry || entry->command != &transaction_exec) {
        resp_error(run->out, text);
        return;
    }
    size_t code_len = strlen("ERR ");
    bool general = strncmp(text, "ERR ", code_len) == 0;
    resp_errorf(run->out, "EXECABORT Transaction discarded because of: %s", general ? text + code_len : text);
    multi_end(run->session);
}

static void reject(struct run *run, const struct command_entry *entry, const char *text)
{
    size_t reply_at = run->out->len;
    reply_refusal(run, entry, text);
    dispatch__account_refusal(run, entry, reply_at);
}

/* A browser that was led to talk to this port must not get its later lines executed: they could be commands. */
static bool is_http(struct slice name)
{
    return slice_is_word(name, "post") || slice_is_word(name, "host:");
}

static void refuse_http(struct run *run)
{
    const struct host *host = run->worker->host;
    host->log(host->app, HOST_LOG_WARNING,
              "Possible SECURITY ATTACK detected: POST or Host: came as a command, as from a web browser "
              "that was led "
              "here to send commands of somebody else's. Connection from %s aborted.",
              run->session->address ? run->session->address : "an unknown address");
    run->session->close_after_reply = true;
}

/* Answers a request that names no command, or one with a wrong number of arguments. */
static void reject_unknown(struct run *run, const struct batch_item *item, const struct resp_request *request)
{
    char text[COMMAND_ERROR_BYTES];
    if (item->found == COMMAND_UNKNOWN && is_http(request->argv[0])) {
        refuse_http(run);
        return;
    }
    command_table_error(item->found, item->entry, request->argv, request->argc, text);
    reject(run, item->found == COMMAND_WRONG_ARITY ? item->entry : NULL, text);
}

static bool has_memory_limit(const struct run *run)
{
    return atomic_load_explicit(&run->server->settings->maxmemory_bytes, memory_order_relaxed) > 0;
}

bool dispatch__reclaim_some(struct run *run)
{
    unsigned steps = 0;
    bool more = keyspace_reclaim_pending(run->worker->keyspace) > 0;
    dispatch__leave_shared(run);
    while (more && steps < RECLAIM_STEPS) {
        dispatch__enter_shared(run);
        more = keyspace_reclaim_step(run->worker->keyspace, run->worker->thread, RECLAIM_STEP_BLOCKS);
        dispatch__leave_shared(run); /* whoever waits to be alone waits for one step at most */
        steps++;
    }
    return steps > 0;
}

/* What was evicted for a command is told before its reply: it may speak of the same keys. */
static void tell_evicted(struct run *run)
{
    struct worker *worker = run->worker;
    if (!inbox_has_mail(&worker->inbox)) return;
    inbox_drain(worker);
    push_end(worker, run->out);
    push_begin(worker, run->session);
}

/* Whether a command that may use more memory can run, after room was made. */
static bool memory_allows(struct run *run)
{
    if ((!run->memory_known || run->memory_stuck) && has_memory_limit(run)) {
        dispatch__leave_shared(run); /* M1 */
        run->bytes_unseen = 0;
        run->memory_stuck = memory_limit_enforce(run->server, run->worker->id, run->worker->evictor,
                                                 run->now_ms) == MEMORY_STUCK;
        tell_evicted(run);
    }
    run->memory_known = true;
    return !run->memory_stuck;
}

/* What the command may do: EXEC does what is queued, and to queue takes memory. */
static uint32_t effective_flags(const struct run *run, const struct command *command)
{
    if (!multi_is_open(run->session)) return command->flags;
    if (command == &transaction_exec) return command->flags | run->session->multi->flags;
    return command->flags & COMMAND_UNQUEUED ? command->flags : command->flags | COMMAND_DENYOOM;
}

static bool writes(const struct run *run, const struct command *command)
{
    return (effective_flags(run, command) & COMMAND_WRITE) != 0;
}

bool dispatch__journal_has_room(struct run *run, uint64_t command_bytes)
{
    if (__builtin_expect(command_bytes < SMALL_RECORD_BYTES, 1)) return true;
    if (command_bytes < LARGE_RECORD_BYTES) return heap_journal_room(run->worker->thread) == ERROR_OK;
    dispatch__enter_shared(run); /* the heap's mode stays */
    enum error error = tx_promise(heap_thread_tx(run->worker->thread),
                                  command_bytes + command_bytes / RECORD_EXCESS_DIVISOR);
    run->promised |= error == ERROR_OK;
    return error != ERROR_IN_USE; /* what else is wrong the transaction will say */
}

/* D2 */
static bool journal_has_room(struct run *run, const struct command *command,
                             const struct resp_request *request)
{
    bool executes = command == &transaction_exec;
    if (multi_is_open(run->session) && !executes) return true; /* queued */
    if (__builtin_expect(!writes(run, command), 1)) return true;
    uint64_t bytes =
        executes ? run->session->multi->bytes : request->bytes + request->argc * RECORD_ITEM_BYTES;
    return dispatch__journal_has_room(run, bytes);
}

static bool is_paused(const struct run *run, const struct command *command)
{
    if (inbox_hold(&run->worker->sender)) return true;
    if (__builtin_expect(run->room == ERROR_IN_USE, 0) && writes(run, command))
        return true; /* the disk is slower than the writers */
    switch (server_state_paused(run->server, run->now_ms)) {
    case PAUSE_NONE: return false;
    case PAUSE_WRITE: return (effective_flags(run, command) & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) != 0;
    case PAUSE_ALL: return true;
    }
    return false;
}

static bool saves_fail(const struct run *run)
{
    return atomic_load_explicit(&run->server->save_failed, memory_order_relaxed) &&
           atomic_load_explicit(&run->server->settings->stop_on_save_error, memory_order_relaxed);
}

/* What can't be made durable is not begun. PING says so too, as in Redis, for those who watch. */
static bool medium_allows(struct run *run, const struct batch_item *item)
{
    const struct command *command = item->entry->command;
    bool journal_fails = run->room != ERROR_OK && run->room != ERROR_IN_USE;
    bool concerned = journal_fails || saves_fail(run);
    if (__builtin_expect(!concerned, 1) || (!writes(run, command) && strcmp(command->name, "ping") != 0))
        return true;
    if (journal_fails) {
        char text[COMMAND_ERROR_BYTES];
        snprintf(text, sizeof text, "MISCONF Errors writing to the AOF file: %s", error_text(run->room));
        reject(run, item->entry, text);
    } else {
        reject(run, item->entry,
               "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
               "disk. Commands that may "
               "modify the data set are disabled, because this instance is configured to report errors "
               "during writes if RDB "
               "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for "
               "details about the RDB error.");
    }
    return false;
}

/* False after having replied that the session's user may not do that. */
static bool user_may(struct run *run, const struct batch_item *item, const struct resp_request *request)
{
    char text[ACL_TEXT_BYTES];
    const char *refusal =
        acl_session_refuse(run->worker, run->session, item->entry, request->argv, request->argc, text);
    if (refusal && !run->session->close_after_reply)
        reject(run, item->entry, refusal); /* A3: else it hears no more */
    return !refusal;
}

bool dispatch__user_still_may(struct run *run, const struct kept_command *command)
{
    char text[ACL_TEXT_BYTES];
    const struct resp_request *request = &command->request;
    if (__builtin_expect(acl_session_is_plain(run->session), 1)) return true;
    const char *refusal = acl_session_refuse_queued(run->worker, run->session, command->entry, request->argv,
                                                    request->argc, text);
    if (!refusal) return true;
    size_t reply_at = run->out->len;
    resp_error(run->out, refusal);
    if (replied_error(run, reply_at)) count_error(run, reply_at);
    return false;
}

/* False after having replied why the command does not run. */
static bool may_run(struct run *run, const struct batch_item *item, const struct resp_request *request)
{
    if (__builtin_expect(item->found != COMMAND_FOUND, 0)) {
        reject_unknown(run, item, request);
        return false;
    }
    const struct command *command = item->entry->command;
    if (__builtin_expect(!acl_session_is_plain(run->session), 0) && !user_may(run, item, request))
        return false;
    if (__builtin_expect(!memory_allows(run), 0) && effective_flags(run, command) & COMMAND_DENYOOM) {
        reject(run, item->entry, "OOM command not allowed when used memory > 'maxmemory'.");
        return false;
    }
    if (!medium_allows(run, item)) return false;
    if (multi_is_open(run->session) && command->flags & COMMAND_NO_MULTI) {
        reject(run, item->entry, "ERR Command not allowed inside a transaction");
        return false;
    }
    if (__builtin_expect(item->no_memory, 0)) {
        reject(run, item->entry, "OOM out of process memory.");
        return false;
    }
    if (__builtin_expect(session_is_subscribed(run->session), 0) && !pubsub_allows(run->session, command)) {
        char text[COMMAND_ERROR_BYTES];
        snprintf(text, sizeof text,
                 "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                 "allowed in this "
                 "context",
                 item->entry->full_name);
        reject(run, item->entry, text);
        return false;
    }
    return true;
}

/* ---- running ---- */

static void end_transaction(struct call *call)
{
    if (call->failed) {
        tx_abort(call->tx);
        changes_cut(&call->worker->changes, 0);
        return;
    }
    tx_commit(call->tx);
    if (!call->waiter) changes_send(call->worker); /* N2; else when its reply is on its way */
    if (call->changes) stats_add(&call->worker->counters.changes, call->changes);
}

static void lock_stripes(struct call *call, uint64_t stripes)
{
    if (call->key_count == 1) keyspace_lock(call->keyspace, call->keys[0].stripe);
    else if (stripes) keyspace_lock_set(call->keyspace, stripes);
}

static void unlock_stripes(struct call *call, uint64_t stripes)
{
    if (call->key_count == 1) keyspace_unlock(call->keyspace, call->keys[0].stripe);
    else if (stripes) keyspace_unlock_set(call->keyspace, stripes);
}

void dispatch__handle(struct call *call)
{
    if (__builtin_expect(call->run->wants & (NOTIFY_NEW | NOTIFY_EXPIRED), 0)) changes_look(call);
    call->command->handler(call);
    if (__builtin_expect(call->session->tracker != NULL, 0) && !call->failed) changes_note_reads(call);
}

/* False when nothing was done: somebody waits for what the command may put at its keys (B2). */
static bool run_shared(struct run *run, struct call *call, uint64_t stripes)
{
    dispatch__enter_shared(run);
    lock_stripes(call, stripes);
    bool wakes = block_wakes(&run->server->blocks, call->command, call->keys, call->key_count);
    if (__builtin_expect(!wakes, 1)) {
        tx_begin(call->tx);
        dispatch__handle(call);
        end_transaction(call);
    }
    unlock_stripes(call, stripes); /* D1 */
    return !wakes;
}

void dispatch__run_alone(struct call *call)
{
    call->alone = true;
    tx_begin(call->tx);
    dispatch__handle(call);
    end_transaction(call);
}

/* What a change of settings needs other threads for. Only CONFIG SET's own reply can still say that it failed. */
static void settle(struct run *run, struct call *call)
{
    const struct host *host = run->worker->host;
    char error[COMMAND_ERROR_BYTES];
    unsigned what = run->worker->unsettled;
    run->worker->unsettled = 0;
    if (host->config_settle(host->app, run->worker, what, error, sizeof error) ||
        call->command == &transaction_exec)
        return;
    call->out->len = call->reply_at;
    resp_error(call->out, error);
}

static void run_exclusive(struct run *run, struct call *call)
{
    dispatch__leave_shared(run); /* G3 */
    gate_enter_exclusive(&run->server->gate);
    run->ticks = clock_ticks();
    dispatch__run_alone(call);
    block_serve(run);
    gate_leave_exclusive(&run->server->gate);
    if (__builtin_expect(run->worker->unsettled, 0)) settle(run, call);
}

/* A command for which there was no room left nothing behind: it runs again when room could be made. */
static void run_inside(struct run *run, struct call *call, uint64_t stripes, bool alone)
{
    for (unsigned round = 0;; round++) {
        if (!alone) alone = !run_shared(run, call, stripes);
        if (alone) run_exclusive(run, call);
        if (__builtin_expect(!call->no_room, 1) || round == RECLAIM_ROUNDS || !dispatch__reclaim_some(run))
            return;
        call->out->len = call->reply_at;
        call->failed = call->no_room = false;
        call->changes = 0;
    }
}

static bool runs_alone(const struct command *command, const struct slice *argv, size_t argc)
{
    if (!(command->flags & COMMAND_EXCLUSIVE)) return false;
    return !command->may_share || !command->may_share(argv, argc);
}

static void run_outside(struct run *run, struct call *call)
{
    dispatch__leave_shared(run); /* D2: it may block */
    call->tx = NULL;
    call->command->handler(call);
}

struct call dispatch__call(struct run *run, const struct command *command, const struct resp_request *request,
                           const struct key *keys, size_t key_count)
{
    return (struct call){
        .command = command,
        .argv = request->argv,
        .argc = request->argc,
        .session = run->session,
        .worker = run->worker,
        .keyspace = run->worker->keyspace,
        .tx = heap_thread_tx(run->worker->thread),
        .out = run->out,
        .keys = keys,
        .key_count = key_count,
        .db = run->session->db,
        .now_ms = run->now_ms,
        .reply_at = run->out->len,
        .run = run,
    };
}

void dispatch__execute(struct run *run, struct call *call, const struct command_entry *entry,
                       uint64_t stripes)
{
    const struct command *command = call->command;
    run->session->last_command = command;
    run->session->last_command_ms = run->now_ms;
    run->session->commands++;
    stats_add(&run->worker->counters.commands, 1);
    bool keyed =
        !(command->flags & COMMAND_OUTSIDE) && (call->key_count > 0 || command->flags & COMMAND_SHARED);
    bool alone = runs_alone(command, call->argv, call->argc);
    if (alone || keyed) run_inside(run, call, stripes, alone);
    else run_outside(run, call);
    if (!keyed) { /* CONFIG: what it changed holds for its own accounting */
        stats_follow_reset(run->worker);
        load_settings(run);
    }
    if (!call->blocked) dispatch__account(run, call, entry); /* else when its wait has ended */
    else if (run->monitored) monitor_show(call);
}

/* Between MULTI and EXEC. */
static void queue(struct run *run, const struct batch_item *item, const struct resp_request *request,
                  const struct key *keys)
{
    const struct command *command = item->entry->command;
    struct multi *multi = run->session->multi;
    run->session->last_command = command;
    run->session->last_command_ms = run->now_ms;
    bool alone = runs_alone(command, request->argv, request->argc);
    bool useless = multi->aborted; /* nothing of it will run */
    if (!useless && multi_add(multi, item->entry, request, keys, item->key_count, alone) != ERROR_OK) {
        reject(run, item->entry, "OOM out of process memory.");
        return;
    }
    resp_simple(run->out, "QUEUED");
}

/* CLIENT CACHING holds for the command that follows, or for a transaction. */
static void end_caching(struct session *session, const struct command_entry *entry)
{
    bool caching = tracking_flags(session) & TRACKING_CACHING;
    if (!caching || multi_is_open(session) || entry->container == &connection_client) return;
    tracking_set_caching(session, false);
}

static void execute(struct run *run, const struct batch *batch, const struct batch_item *item,
                    const struct resp_request *request)
{
    const struct command *command = item->entry->command;
    const struct key *keys = batch->keys + item->first_key;
    if (multi_is_open(run->session) && !(command->flags & COMMAND_UNQUEUED)) {
        queue(run, item, request, keys);
        return;
    }
    struct call call = dispatch__call(run, command, request, keys, item->key_count);
    dispatch__execute(run, &call, item->entry, item->stripes);
    if (__builtin_expect(run->session->tracker != NULL, 0)) end_caching(run->session, item->entry);
    run->bytes_unseen += request->bytes;
    if (run->bytes_unseen >= UNSEEN_BYTES_MAX) run->memory_known = false;
}

/* CLIENT REPLY: whether the replies to the next request are dropped. */
static void begin_reply(struct run *run)
{
    enum session_reply reply = run->session->reply;
    run->out->discard = reply == SESSION_REPLY_OFF || reply == SESSION_REPLY_SKIP;
}

static void end_reply(struct run *run)
{
    run->out->discard = false;
    if (run->session->reply == SESSION_REPLY_SKIP) run->session->reply = SESSION_REPLY_ON;
    else if (run->session->reply == SESSION_REPLY_SKIP_NEXT) run->session->reply = SESSION_REPLY_SKIP;
}

/* ---- messages ---- */

/* What others have sent to this worker's sessions comes before what these get from now on. */
static void deliver(struct run *run)
{
    dispatch__leave_shared(run); /* I2 */
    inbox_drain(run->worker);
}

static bool has_sent_to_itself(const struct worker *worker)
{
    return worker->sent >> worker->id & 1;
}

/* Tracked keys beyond their number are let go. */
static void limit_tracking(struct run *run)
{
    uint64_t max_keys = atomic_load_explicit(&run->server->settings->tracking_max_keys, memory_order_relaxed);
    run->worker->sent |= tracking_limit(run->server, &run->worker->sender, max_keys, TRACKING_EFFORT);
}

static bool replies_are_large(const struct run *run)
{
    return run->out->len - run->out_begin > LARGE_REPLIES_BYTES;
}

static enum dispatch_stop run_batch(struct run *run, struct batch *batch, const struct resp_request *requests,
                                    size_t *done)
{
    for (size_t i = 0; i < batch->count && !replies_are_large(run); i++) {
        const struct batch_item *item = &batch->items[i];
        if (item->found == COMMAND_FOUND && is_paused(run, item->entry->command)) return DISPATCH_PAUSED;
        begin_reply(run);
        push_begin(run->worker, run->session);
        batch_prefetch(batch, item, run->worker->keyspace, run->session->db);
        bool runs = may_run(run, item, &requests[i]);
        if (runs && !journal_has_room(run, item->entry->command, &requests[i])) {
            push_end(run->worker, run->out);
            run->out->discard = false;
            return DISPATCH_PAUSED;
        }
        if (!runs || multi_is_open(run->session) || !(item->entry->command->flags & COMMAND_ALOOF))
            run->worker->looked = true;
        if (runs) execute(run, batch, item, &requests[i]);
        if (__builtin_expect(has_sent_to_itself(run->worker), 0)) deliver(run);
        push_end(run->worker, run->out);
        end_reply(run);
        (*done)++;
        if (run->session->waiter) return DISPATCH_BLOCKED;
        if (run->session->close_after_reply || run->out->failed) return DISPATCH_CLOSE;
    }
    return DISPATCH_DONE;
}

struct run dispatch__run(struct worker *worker, struct session *session, struct resp_out *out)
{
    struct run run = {.worker = worker,
                      .server = worker->server,
                      .session = session,
                      .out = out,
                      .out_begin = out ? out->len : 0,
                      .room = heap_journal_room(worker->thread),
                      .now_ms = clock_wall_ms(),
                      .ticks = clock_ticks()};
    stats_follow_reset(worker);
    load_settings(&run);
    return run;
}

enum dispatch_stop dispatch_batch(struct worker *worker, struct session *session,
                                  const struct resp_request *requests, size_t count, struct resp_out *out,
                                  size_t *done_out)
{
    struct run run = dispatch__run(worker, session, out);
    enum dispatch_stop stop = DISPATCH_DONE;
    out->proto = session->proto;
    worker->looked = false;
    *done_out = 0;
    note_time(&run);
    if (__builtin_expect(inbox_has_mail(&worker->inbox), 0)) {
        push_begin(worker, session);
        deliver(&run);
        push_end(worker, out);
    }
    while (stop == DISPATCH_DONE && *done_out < count && !replies_are_large(&run)) {
        const struct resp_request *next = requests + *done_out;
        size_t size = count - *done_out < DISPATCH_BATCH_MAX ? count - *done_out : DISPATCH_BATCH_MAX;
        if (*done_out > 0) run.room = heap_journal_room(worker->thread);
        batch_resolve(worker->batch, run.server->table, worker->keyspace, next, size);
        run.ticks = clock_ticks();
        stop = run_batch(&run, worker->batch, next, done_out);
        dispatch__leave_shared(&run);
    }
    if (__builtin_expect(run.wants & SERVER_WANTS_TRACKING, 0)) limit_tracking(&run);
    if (__builtin_expect(worker->sent != 0, 0)) inbox_wake_sent(worker);
    return stop;
}
