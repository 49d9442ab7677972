/* changes.c: the list of a transaction's changes, and sending it (changes.h). */
#include "command/changes.h"

#include "command/call.h"
#include "command/notify.h"
#include "command/server_state.h"
#include "command/tracking.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_FIRST_CAP 16
#define CHANGES_KEPT_CAP  4096 /* what a huge command needed is given back */

enum change_kind { CHANGE_KEY, CHANGE_EVENT, CHANGE_FLUSH, CHANGE_MESSAGE, CHANGE_READ };

struct change {
    enum change_kind kind;
    unsigned db;
    const char *event;
    struct key key; /* an argument of the command, which lives until it is sent */
    uint64_t by;    /* the session; 0: nobody */
    struct inbox_message *message;
    uint64_t targets;
    struct tracker *tracker; /* which has read it */
};

static uint32_t wants(const struct server_state *server)
{
    return atomic_load_explicit(&server->wants, memory_order_relaxed);
}

static enum error add(const struct call *call, struct change change)
{
    struct changes *changes = &call->worker->changes;
    if (changes->count == changes->cap) {
        size_t cap = changes->cap ? changes->cap * 2 : CHANGES_FIRST_CAP;
        struct change *grown = realloc(changes->list, cap * sizeof *grown);
        if (!grown) return ERROR_MEMORY;
        changes->list = grown;
        changes->cap = cap;
    }
    changes->list[changes->count++] = change;
    return ERROR_OK;
}

/* Without memory the command fails: what it does could not be told. */
static void add_or_fail(struct call *call, struct change change)
{
    enum error error = add(call, change);
    if (error) call_fail(call, error);
}

/* ---- new keys ---- */

void changes_look(struct call *call)
{
    struct changes *changes = &call->worker->changes;
    changes->absent_keys = NULL;
    if (!(call->command->flags & COMMAND_WRITE)) return;
    if (changes->absent_cap < call->key_count) {
        bool *grown = realloc(changes->absent, call->key_count);
        if (!grown) return; /* nobody is told that keys are new */
        changes->absent = grown;
        changes->absent_cap = call->key_count;
    }
    for (size_t i = 0; i < call->key_count; i++) {
        changes->absent[i] = call_peek(call, i) == NULL; /* SET does not look at what it overwrites */
    }
    changes->absent_keys = call->keys;
}

/* Whether the key was absent when the command began; it is not any more. */
static bool was_absent(struct call *call, const struct key *key)
{
    struct changes *changes = &call->worker->changes;
    bool absent = false;
    if (changes->absent_keys != call->keys) return false;
    for (size_t i = 0; i < call->key_count; i++) { /* it may be named twice */
        if (&call->keys[i] != key && !slice_equal(call->keys[i].name, key->name)) continue;
        absent |= changes->absent[i];
        changes->absent[i] = false;
    }
    return absent;
}

static bool is_new(struct call *call, const struct key *key)
{
    return keyspace_find(call->keyspace, call->db, key) && was_absent(call, key);
}

/* ---- while a command runs ---- */

void changes_note_event(struct call *call, const char *event, const struct key *key)
{
    if (!(wants(call->worker->server) & notify_class_of(event))) return;
    add_or_fail(call, (struct change){.kind = CHANGE_EVENT, .db = call->db, .event = event, .key = *key});
}

void changes_note_new(struct call *call, const struct key *key)
{
    (void)was_absent(call, key); /* this tells it */
    changes_note_event(call, "new", key);
}

void changes_note(struct call *call, const char *event, const struct key *key)
{
    uint32_t wanted = wants(call->worker->server);
    bool expired = strcmp(event, "expired") == 0;
    if (wanted & NOTIFY_NEW && is_new(call, key)) changes_note_event(call, "new", key);
    if (!(wanted & (SERVER_WANTS_TRACKING | notify_class_of(event)))) return;
    add_or_fail(call, (struct change){.kind = CHANGE_KEY,
                                      .db = call->db,
                                      .event = event,
                                      .key = *key,
                                      .by = expired ? 0 : call->session->id});
}

void changes_note_reads(struct call *call)
{
    struct tracker *tracker = call->session->tracker;
    if (!tracking_wants(call->session, call->command)) return;
    for (size_t i = 0; i < call->key_count && !call->failed; i++)
        add_or_fail(call, (struct change){.kind = CHANGE_READ, .key = call->keys[i], .tracker = tracker});
}

void changes_note_flush(struct call *call)
{
    if (wants(call->worker->server) & SERVER_WANTS_TRACKING)
        add_or_fail(call, (struct change){.kind = CHANGE_FLUSH});
}

enum error changes_note_message(const struct call *call, struct inbox_message *message, uint64_t targets)
{
    if (call->tx && tx_is_open(call->tx)) {
        enum error error =
            add(call, (struct change){.kind = CHANGE_MESSAGE, .message = message, .targets = targets});
        if (error) inbox_message_free(message);
        return error;
    }
    inbox_send(call->worker->server, message, targets);
    call->worker->sent |= targets;
    return ERROR_OK;
}

/* ---- the end of a transaction ---- */

void changes_cut(struct changes *changes, size_t mark)
{
    while (changes->count > mark) {
        const struct change *last = &changes->list[--changes->count];
        if (last->message) inbox_message_free(last->message);
    }
    changes->absent_keys = NULL;
}

static uint64_t send_change(struct server_state *server, struct inbox_sender *sender,
                            const struct change *change)
{
    uint64_t targets = 0;
    switch (change->kind) {
    case CHANGE_KEY:
        if (wants(server) & SERVER_WANTS_TRACKING)
            targets = tracking_changed(server, sender, &change->key, change->by);
        return targets | notify_send(server, sender, change->event, change->db, change->key.name);
    case CHANGE_EVENT: return notify_send(server, sender, change->event, change->db, change->key.name);
    case CHANGE_READ: return tracking_remember(server, change->tracker, &change->key);
    case CHANGE_FLUSH: return tracking_flushed(server, sender);
    case CHANGE_MESSAGE: inbox_send(server, change->message, change->targets); return change->targets;
    }
    return 0;
}

void changes_send(struct worker *worker)
{
    struct changes *changes = &worker->changes;
    for (size_t i = 0; i < changes->count; i++)
        worker->sent |= send_change(worker->server, &worker->sender, &changes->list[i]);
    changes->count = 0;
    changes->absent_keys = NULL;
    if (changes->cap <= CHANGES_KEPT_CAP) return;
    free(changes->list);
    changes->list = NULL;
    changes->cap = 0;
}

void changes_close(struct changes *changes)
{
    changes_cut(changes, 0);
    free(changes->list);
    free(changes->absent);
    *changes = (struct changes){0};
}

/* ---- expiry and eviction ---- */

void changes_tell_name(struct server_state *server, const struct keyspace *keyspace, const char *event,
                       unsigned db, struct slice name)
{
    if (wants(server) == 0) return; /* saves the hash */
    const struct change change = {
        .kind = CHANGE_KEY, .db = db, .event = event, .key = keyspace_key(keyspace, name)};
    inbox_wake(server, send_change(server, NULL, &change));
}
