/* block_serve.c: commands executed on behalf of those who wait (block.h).
 *
 * Invariants: B2, B3.
 * V1. Serving ends: a waiter is executed once each time one of its keys was made ready, and what is executed makes a key ready only when it ends
 *     its wait, or removes a key whose time is over.
 */
#include "command/block.h"

#include "command/acl/session.h"
#include "command/dispatch_run.h"
#include "command/durability.h"

static enum entry_type type_of(enum block_kind kind)
{
    return kind == BLOCK_LIST ? ENTRY_LIST : kind == BLOCK_SORTED_SET ? ENTRY_ZSET : ENTRY_STREAM;
}

/* False when memory is short, or its user may not do that any more: as when the command had come now. */
static bool may_run(const struct run *run, struct waiter *waiter)
{
    const struct kept_command *command = waiter->command;
    char text[ACL_TEXT_BYTES];
    const char *refusal = acl_session_refuse_waiter(run->worker, &waiter->as_of, command->entry,
                                                    command->request.argv, command->request.argc, text);
    if (refusal) {
        resp_error(&waiter->reply, refusal);
        return false;
    }
    if (!run->memory_stuck || !(waiter->command->entry->command->flags & COMMAND_DENYOOM)) return true;
    resp_error(&waiter->reply, "OOM command not allowed when used memory > 'maxmemory'.");
    return false;
}

/* Executes the waiter's command; it goes on waiting if there is still nothing for it. */
static void serve(struct run *run, struct waiter *waiter)
{
    const struct kept_command *command = waiter->command;
    struct run own = dispatch__run(run->worker, &waiter->as_of, &waiter->reply);
    own.now_ms = run->now_ms;
    struct call call =
        dispatch__call(&own, command->entry->command, &command->request, command->keys, command->key_count);
    uint64_t ticks = clock_ticks();
    call.waiter = waiter;
    call.alone = true;
    waiter->refused = !may_run(run, waiter);
    if (!waiter->refused) dispatch__run_alone(&call);
    waiter->ticks += clock_ticks() - ticks;
    if (!call.blocked) block_finish(run->worker, waiter);
    changes_send(run->worker); /* behind the reply */
}

static bool concerns(const struct waiter *waiter, const struct entry *entry)
{
    return waiter->if_gone || (entry && entry_type(entry) == type_of(waiter->kind));
}

static void serve_queue(struct run *run, const struct wanted_key *wanted)
{
    const struct keyspace *keyspace = run->worker->keyspace;
    for (struct block_link *link = wanted->first, *next; link; link = next) {
        next = link->next;
        const struct entry *entry = keyspace_find(keyspace, wanted->db, &wanted->key);
        if (entry && entry_is_expired(entry, run->now_ms)) entry = NULL;
        if (!entry && wanted->if_gone == 0) return;
        if (concerns(link->waiter, entry)) serve(run, link->waiter);
    }
}

void block_serve(struct run *run)
{
    struct block_table *table = &run->server->blocks;
    struct wanted_key *wanted;
    if (!block_has_keys(table)) return;
    uint64_t ticks = clock_ticks();
    spinlock_lock(&table->lock);
    while ((wanted = block_table_take_ready(table)) != NULL) { /* V1 */
        serve_queue(run, wanted);
        block_table_let_go(table, wanted);
    }
    spinlock_unlock(&table->lock);
    run->ticks += clock_ticks() - ticks; /* not the time of the command that woke them */
}

/* WAITAOF */
static void serve_durable(struct worker *worker)
{
    struct block_table *table = &worker->server->blocks;
    spinlock_lock(&table->lock);
    for (struct block_link *link = table->durable.first, *next; link; link = next) {
        next = link->next;
        bool wanted = durability_is_wanted(worker); /* else it never comes */
        if (!wanted || durability_reached(worker, link->waiter->after)) block_end_unserved(worker, link->waiter);
    }
    spinlock_unlock(&table->lock);
}

void block_serve_mail(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    struct server_state *server = worker->server;
    spinlock_lock(&server->blocks.lock);
    server->blocks.serve_posted = false; /* before looking: what comes later posts again */
    bool ready = server->blocks.first_ready != NULL;
    spinlock_unlock(&server->blocks.lock);
    if (ready) {
        struct run run = dispatch__run(worker, NULL, NULL);
        gate_enter_exclusive(&server->gate);
        block_serve(&run);
        gate_leave_exclusive(&server->gate);
        inbox_settle(worker);
    }
    serve_durable(worker);
}
