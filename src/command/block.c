/* block.c: how waits begin and end (block.h). Serving is in block_serve.c. */
#include "command/block.h"

#include "command/dispatch_run.h"
#include "command/durability.h"
#include "command/multi.h"
#include "util/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static struct block_table *table_of(const struct worker *worker)
{
    return &worker->server->blocks;
}

/* ---- for handlers ---- */

bool block_is_allowed(const struct call *call)
{
    return !multi_is_open(call->session);
}

/* Its end must be a time that can be told. */
static bool timeout_fits(struct call *call, int64_t timeout_ms)
{
    if (timeout_ms < 0) resp_error(call->out, "ERR timeout is negative");
    else if (timeout_ms > INT64_MAX - call->now_ms) resp_error(call->out, "ERR timeout is out of range");
    else return true;
    return false;
}

bool block_timeout_seconds(struct call *call, size_t arg, int64_t *timeout_ms_out)
{
    long double seconds;
    if (!number_parse_long_double(call->argv[arg], &seconds)) {
        resp_error(call->out, "ERR timeout is not a float or out of range");
        return false;
    }
    long double ms = ceill(seconds * 1000);
    if (ms >= (long double)INT64_MAX) {
        resp_error(call->out, "ERR timeout is out of range");
        return false;
    }
    *timeout_ms_out = ms < 0 ? -1 : (int64_t)ms;
    return timeout_fits(call, *timeout_ms_out);
}

bool block_timeout_ms(struct call *call, size_t arg, int64_t *timeout_ms_out)
{
    return call_int_range(call, arg, INT64_MIN, INT64_MAX, "ERR timeout is not an integer or out of range",
                          timeout_ms_out) &&
           timeout_fits(call, *timeout_ms_out);
}

static void come_home(const struct inbox_message *message, struct worker *worker);

static struct waiter *waiter_new(struct call *call, const struct block_wish *wish)
{
    size_t bytes;
    const struct command_entry *entry = command_table_entry(call->worker->server->table, call->command);
    struct kept_command *command = kept_copy(entry, wish->argv ? wish->argv : call->argv, call->argc,
                                             call->keys, call->key_count, &bytes);
    struct waiter *waiter = command ? block_table_waiter_new(command, wish->key_count) : NULL;
    if (!waiter) {
        free(command);
        return NULL;
    }
    waiter->home = inbox_message_new(call->worker->server, NULL, come_home, sizeof(struct waiter *));
    if (!waiter->home) {
        block_table_waiter_free(waiter);
        return NULL;
    }
    *(struct waiter **)waiter->home->data = waiter;
    waiter->kind = wish->kind;
    waiter->if_gone = wish->if_gone;
    waiter->worker_id = call->worker->id;
    waiter->session = call->session;
    waiter->as_of = *call->session;
    waiter->ticks = clock_ticks() - call->run->ticks;
    waiter->after = wish->after;
    waiter->deadline_ms = wish->timeout_ms > 0 ? monotonic_ms() + 1 + wish->timeout_ms : 0;
    waiter->discard = call->out->discard;
    waiter->reply.proto = call->out->proto;
    return waiter;
}

void block_wait(struct call *call, const struct block_wish *wish)
{
    struct worker *worker = call->worker;
    struct block_table *table = table_of(worker);
    call->blocked = true;
    if (call->waiter) return;
    struct waiter *waiter = block_timer_reserve(&worker->waits) ? waiter_new(call, wish) : NULL;
    bool waits = waiter != NULL;
    if (waits) {
        spinlock_lock(&table->lock);
        waits = block_table_add(table, waiter,
                                wish->key_count); /* B1: and may be claimed once the stripes are let go */
        spinlock_unlock(&table->lock);
    }
    if (!waits) {
        if (waiter) block_table_waiter_free(waiter);
        call->blocked = false;
        call_fail(call, ERROR_MEMORY);
        return;
    }
    call->session->waiter = waiter;
    waiter->timed = waiter->deadline_ms > 0;
    if (waiter->timed && block_timer_add(&worker->waits, waiter))
        worker->host->alarm(worker->host->app, worker, waiter->deadline_ms);
}

/* ---- ready keys ---- */

bool block_wakes(struct block_table *table, const struct command *command, const struct key *keys,
                 size_t key_count)
{
    if (!block_has_keys(table) || !(command->flags & COMMAND_WRITE)) return false;
    /* What blocks takes from the keys of its first spec, and puts nothing there. */
    size_t first = 0;
    if (command->flags & COMMAND_BLOCKING) first = command->specs[1].begin == KEY_BEGIN_NONE ? key_count : 1;
    bool wakes = false;
    for (size_t i = first; i < key_count && !wakes; i++) {
        if (atomic_load_explicit(&table->stripes[keys[i].stripe].key_count, memory_order_relaxed) == 0)
            continue;
        spinlock_lock(&table->lock);
        wakes = block_table_wants(table, &keys[i]);
        spinlock_unlock(&table->lock);
    }
    return wakes;
}

/* What happens inside of a stream ends no wait, but for new entries and groups that go. */
static bool may_end_a_wait(const char *event)
{
    return event[0] != 'x' || strcmp(event, "xadd") == 0 || strcmp(event, "xgroup-destroy") == 0;
}

/* The caller is not alone in the server: somebody else has to serve. */
static void post_serve(struct server_state *server)
{
    struct block_table *table = &server->blocks;
    const struct host *host = server->workers[0]->host;
    if (table->serve_posted) return;
    table->serve_posted = true;
    table->serve.run = block_serve_mail;
    host->post(host->app, 0, &table->serve);
}

void block_touch(struct call *call, const char *event, const struct key *key)
{
    struct server_state *server = call->worker->server;
    struct block_table *table = &server->blocks;
    if (!may_end_a_wait(event)) return;
    if (!call->waiter) spinlock_lock(&table->lock); /* else it is held already */
    struct wanted_key *wanted = block_table_find(table, call->db, key);
    if (wanted) block_table_mark_ready(table, wanted);
    if (wanted && !call->alone) post_serve(server);
    if (!call->waiter) spinlock_unlock(&table->lock);
}

void block_touch_removed(struct server_state *server, const struct keyspace *keyspace, unsigned db,
                         struct slice name)
{
    struct block_table *table = &server->blocks;
    if (atomic_load_explicit(&table->keys_if_gone, memory_order_relaxed) == 0) return;
    struct key key = keyspace_key(keyspace, name);
    spinlock_lock(&table->lock);
    struct wanted_key *wanted = block_table_find(table, db, &key);
    bool matters = wanted && wanted->if_gone > 0;
    if (matters) block_table_mark_ready(table, wanted);
    if (matters) post_serve(server);
    spinlock_unlock(&table->lock);
}

void block_durable_moved(struct server_state *server)
{
    struct block_table *table = &server->blocks;
    if (atomic_load(&table->waiting) == 0) return;
    spinlock_lock(&table->lock);
    if (table->durable.first) post_serve(server);
    spinlock_unlock(&table->lock);
}

struct databases {
    struct block_table *table;
    unsigned a, b;
    bool gone; /* only those matter who want to know when a key goes */
};

static void touch_database(void *arg, struct wanted_key *wanted)
{
    const struct databases *databases = arg;
    if (wanted->db != databases->a && wanted->db != databases->b) return;
    if (!databases->gone || wanted->if_gone > 0) block_table_mark_ready(databases->table, wanted);
}

static void touch_databases(struct databases databases)
{
    if (!block_has_keys(databases.table)) return;
    spinlock_lock(&databases.table->lock);
    block_table_visit(databases.table, touch_database, &databases);
    spinlock_unlock(&databases.table->lock);
}

void block_flush(struct block_table *table, unsigned db)
{
    touch_databases((struct databases){table, db, db, true});
}

void block_swap(struct block_table *table, unsigned a, unsigned b)
{
    touch_databases((struct databases){table, a, b, false});
}

/* ---- ends ---- */

/* The waiter is on the thread of its session, claimed. */
static void forget(struct worker *worker, struct waiter *waiter)
{
    struct block_table *table = table_of(worker);
    if (waiter->timed) block_timer_remove(&worker->waits, waiter);
    spinlock_lock(&table->lock);
    block_table_drop(table, waiter);
    spinlock_unlock(&table->lock);
}

static void come_home(const struct inbox_message *message, struct worker *worker)
{
    struct waiter *waiter = *(struct waiter **)message->data;
    struct session *session = waiter->session;
    const struct host *host = worker->host;
    if (session) {
        session->waiter = NULL;
        if (waiter->reply.failed) host->close(host->app, session);
        else if (!waiter->discard) host->push(host->app, session, waiter->reply.buf, waiter->reply.len);
        host->unblock(host->app, session);
    }
    forget(worker, waiter);
}

void block_finish(struct worker *worker, struct waiter *waiter)
{
    const struct kept_command *command = waiter->command;
    struct run run = dispatch__run(worker, &waiter->as_of, &waiter->reply);
    struct call call =
        dispatch__call(&run, command->entry->command, &command->request, command->keys, command->key_count);
    call.reply_at = 0;
    run.ticks = clock_ticks() - waiter->ticks;
    run.monitored = false; /* it was shown when it came */
    if (waiter->refused) dispatch__account_refusal(&run, command->entry, 0);
    else dispatch__account(&run, &call, command->entry);
    block_table_claim(table_of(worker), waiter);
    waiter->posted = true;
    inbox_send(worker->server, waiter->home, UINT64_C(1) << waiter->worker_id);
    inbox_wake(worker->server, UINT64_C(1) << waiter->worker_id);
}

static void reply_durable(const struct worker *worker, const struct waiter *waiter, struct resp_out *out)
{
    if (waiter->kind == BLOCK_DURABLE && !durability_is_wanted(worker)) {
        resp_error(out, DURABILITY_NOT_WANTED);
        return;
    }
    resp_array(out, 2);
    resp_int(out, durability_reached(worker, waiter->after));
    resp_int(out, 0);
}

/* How things stand. */
static void reply_unserved(const struct worker *worker, const struct waiter *waiter, struct resp_out *out)
{
    switch (waiter->kind) {
    case BLOCK_LIST:
    case BLOCK_SORTED_SET:
    case BLOCK_STREAM: resp_null_array(out); break;
    case BLOCK_REPLICAS: resp_int(out, 0); break;
    case BLOCK_DURABLE_REPLICAS:
    case BLOCK_DURABLE: reply_durable(worker, waiter, out); break;
    }
}

void block_end_unserved(struct worker *worker, struct waiter *waiter)
{
    reply_unserved(worker, waiter, &waiter->reply);
    block_finish(worker, waiter);
}

void block_expire(struct worker *worker)
{
    struct block_table *table = table_of(worker);
    struct waiter *waiter;
    int64_t now_ms = monotonic_ms();
    while ((waiter = block_timer_first(&worker->waits)) != NULL && waiter->deadline_ms <= now_ms) {
        block_timer_remove(&worker->waits, waiter);
        waiter->timed = false;
        spinlock_lock(&table->lock);
        if (waiter->waits) block_end_unserved(worker, waiter);
        spinlock_unlock(&table->lock);
    }
    if (waiter) worker->host->alarm(worker->host->app, worker, waiter->deadline_ms);
}

bool block_unblock(struct worker *worker, uint64_t session_id, bool with_error)
{
    struct block_table *table = table_of(worker);
    spinlock_lock(&table->lock);
    struct waiter *waiter = block_table_of_session(table, session_id);
    if (waiter && with_error) {
        resp_error(&waiter->reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
        block_finish(worker, waiter);
    } else if (waiter) {
        block_end_unserved(worker, waiter);
    }
    spinlock_unlock(&table->lock);
    return waiter != NULL;
}

void block_forget(struct server_state *server, uint64_t session_id)
{
    struct block_table *table = &server->blocks;
    if (atomic_load_explicit(&table->waiting, memory_order_relaxed) == 0) return;
    spinlock_lock(&table->lock);
    struct waiter *waiter = block_table_of_session(table, session_id);
    if (waiter) block_table_claim(table, waiter);
    spinlock_unlock(&table->lock);
}

void block_end(struct session *session, struct worker *worker)
{
    struct waiter *waiter = session->waiter;
    struct block_table *table = table_of(worker);
    if (!waiter) return;
    session->waiter = NULL;
    spinlock_lock(&table->lock);
    waiter->session = NULL;
    if (waiter->waits) block_table_claim(table, waiter);
    bool comes_home = waiter->posted;
    spinlock_unlock(&table->lock);
    if (!comes_home) forget(worker, waiter);
}
