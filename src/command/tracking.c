/* tracking.c: trackers, and what they are told (tracking.h). */
#include "command/push.h"
#include "command/server_state.h"
#include "command/tracking_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trackers ---- */

struct tracker *tracking__ref(struct tracker *tracker)
{
    atomic_fetch_add_explicit(&tracker->refs, 1, memory_order_relaxed);
    return tracker;
}

void tracking__unref(struct tracker *tracker)
{
    if (atomic_fetch_sub_explicit(&tracker->refs, 1, memory_order_acq_rel) == 1) free(tracker);
}

static unsigned destination(const struct tracker *tracker)
{
    return tracker->redirect ? tracker->redirect_worker : tracker->worker_id;
}

static struct tracker *tracker_new(struct worker *worker, struct session *session)
{
    struct tracker *tracker = calloc(1, sizeof *tracker);
    if (!tracker) return NULL;
    atomic_init(&tracker->refs, 1);
    tracker->session_id = session->id;
    tracker->worker_id = worker->id;
    tracker->next = worker->tracking.first;
    if (tracker->next) tracker->next->prev = tracker;
    worker->tracking.first = tracker;
    session->tracker = tracker;
    return tracker;
}

/* ---- turning on and off ---- */

/* What others look at first: while nobody tracks, a change costs nothing. */
static void count_clients(struct server_state *server, int more)
{
    struct tracking *tracking = &server->tracking;
    spinlock_lock(&tracking->lock);
    uint64_t clients =
        atomic_load_explicit(&tracking->clients, memory_order_relaxed) + (uint64_t)(int64_t)more;
    atomic_store_explicit(&tracking->clients, clients, memory_order_relaxed);
    if (clients > 0) atomic_fetch_or_explicit(&server->wants, SERVER_WANTS_TRACKING, memory_order_relaxed);
    else atomic_fetch_and_explicit(&server->wants, ~SERVER_WANTS_TRACKING, memory_order_relaxed);
    spinlock_unlock(&tracking->lock);
}

static enum error send(struct worker *worker, struct inbox_message *message, unsigned to)
{
    if (!message) return ERROR_MEMORY;
    inbox_send(worker->server, message, UINT64_C(1) << to);
    worker->sent |= UINT64_C(1) << to;
    return ERROR_OK;
}

/* K4: its destination is told of its prefixes from the given one on. */
static enum error join(struct worker *worker, struct tracker *tracker, size_t first)
{
    enum error error = ERROR_OK;
    if (!(tracker->flags & TRACKING_BCAST)) return ERROR_OK;
    if (first == 0)
        atomic_fetch_add_explicit(&worker->server->tracking.bcast_workers[destination(tracker)], 1,
                                  memory_order_relaxed);
    for (size_t i = first; !error && i < tracker->prefix_count; i++)
        error =
            send(worker, tracking__join(worker->server, tracker, tracker->prefixes[i]), destination(tracker));
    return error;
}

static enum error leave(struct worker *worker, struct tracker *tracker)
{
    if (!(tracker->flags & TRACKING_BCAST)) return ERROR_OK;
    atomic_fetch_sub_explicit(&worker->server->tracking.bcast_workers[destination(tracker)], 1,
                              memory_order_relaxed);
    return send(worker, tracking__leave(worker->server, tracker), destination(tracker));
}

static bool has_prefix(const struct tracker *tracker, struct slice prefix)
{
    for (size_t i = 0; i < tracker->prefix_count; i++)
        if (slice_equal(tracker->prefixes[i], prefix)) return true;
    return false;
}

static enum error add_prefix(struct server_state *server, struct tracker *tracker, struct slice prefix)
{
    if (has_prefix(tracker, prefix)) return ERROR_OK;
    struct slice *grown = realloc(tracker->prefixes, (tracker->prefix_count + 1) * sizeof *grown);
    if (!grown) return ERROR_MEMORY;
    tracker->prefixes = grown;
    char *name = malloc(prefix.len + 1);
    if (!name || !tracking__name_prefix(server, prefix)) {
        free(name);
        return ERROR_MEMORY;
    }
    if (prefix.len > 0) memcpy(name, prefix.ptr, prefix.len);
    grown[tracker->prefix_count++] = (struct slice){name, prefix.len};
    tracker->prefix_bytes += sizeof *grown + prefix.len + 1;
    return ERROR_OK;
}

static void drop_prefixes(struct server_state *server, struct tracker *tracker)
{
    for (size_t i = 0; i < tracker->prefix_count; i++) {
        tracking__unname_prefix(server, tracker->prefixes[i]);
        free((char *)tracker->prefixes[i].ptr);
    }
    free(tracker->prefixes);
    tracker->prefixes = NULL;
    tracker->prefix_count = 0;
    tracker->prefix_bytes = 0;
}

static void change(struct tracker *tracker, uint32_t flags, uint64_t redirect, unsigned redirect_worker)
{
    spinlock_lock(&tracker->lock);
    tracker->flags = flags;
    tracker->redirect = redirect;
    tracker->redirect_worker = redirect_worker;
    spinlock_unlock(&tracker->lock);
}

static bool adds_prefixes(const struct tracker *tracker, const struct tracking_options *options)
{
    return tracker->flags == (options->flags | TRACKING_ON) && options->flags & TRACKING_BCAST &&
           tracker->redirect == options->redirect && tracker->redirect_worker == options->redirect_worker;
}

enum error tracking_enable(struct worker *worker, struct session *session,
                           const struct tracking_options *options)
{
    struct tracker *tracker = session->tracker ? session->tracker : tracker_new(worker, session);
    if (!tracker) return ERROR_MEMORY;
    bool was_on = tracker->flags & TRACKING_ON;
    /* One who adds prefixes one by one: what is known stays known. */
    size_t known = adds_prefixes(tracker, options) ? tracker->prefix_count : 0;
    enum error error = was_on && known == 0 ? leave(worker, tracker) : ERROR_OK;
    if (!was_on) count_clients(worker->server, 1);
    change(tracker, options->flags | TRACKING_ON, options->redirect, options->redirect_worker);
    if (options->flags & TRACKING_BCAST) {
        if (options->prefix_count == 0 && !error) error = add_prefix(worker->server, tracker, SLICE(""));
        for (size_t i = 0; !error && i < options->prefix_count; i++)
            error = add_prefix(worker->server, tracker, options->prefixes[i]);
    }
    if (!error) error = join(worker, tracker, known);
    if (error) tracking_disable(worker, session);
    return error;
}

void tracking_disable(struct worker *worker, struct session *session)
{
    struct tracker *tracker = session->tracker;
    if (!tracker || !(tracker->flags & TRACKING_ON)) return;
    (void)leave(worker, tracker); /* without memory: its destination finds out that it is off */
    drop_prefixes(worker->server, tracker);
    change(tracker, 0, 0, 0);
    count_clients(worker->server, -1);
}

void tracking_end(struct worker *worker, struct session *session)
{
    struct tracker *tracker = session->tracker;
    if (!tracker) return;
    tracking_disable(worker, session);
    *(tracker->prev ? &tracker->prev->next : &worker->tracking.first) = tracker->next;
    if (tracker->next) tracker->next->prev = tracker->prev;
    session->tracker = NULL;
    tracking__unref(tracker);
}

uint32_t tracking_flags(const struct session *session)
{
    return session->tracker ? session->tracker->flags : 0;
}

uint64_t tracking_redirect(const struct session *session)
{
    return session->tracker ? session->tracker->redirect : 0;
}

void tracking_set_caching(struct session *session, bool caching)
{
    struct tracker *tracker = session->tracker;
    uint32_t flags = caching ? tracker->flags | TRACKING_CACHING : tracker->flags & ~TRACKING_CACHING;
    change(tracker, flags, tracker->redirect, tracker->redirect_worker);
}

size_t tracking_bytes(const struct session *session)
{
    const struct tracker *tracker = session->tracker;
    return tracker ? sizeof *tracker + tracker->prefix_bytes : 0;
}

size_t tracking_prefix_count(const struct session *session)
{
    return session->tracker ? session->tracker->prefix_count : 0;
}

struct slice tracking_prefix(const struct session *session, size_t index)
{
    return session->tracker->prefixes[index];
}

/* ---- telling: on the destination ---- */

static void push_keys(struct worker *worker, struct session *session, bool redirected, struct slice keys)
{
    struct resp_out *bytes = &worker->message;
    bytes->len = 0;
    if (session->proto == 3) {
        resp_raw(bytes, ">2\r\n", 4);
        resp_bulk_text(bytes, "invalidate");
    } else if (redirected && session_is_subscribed(session)) {
        resp_raw(bytes, "*3\r\n", 4);
        resp_bulk_text(bytes, "message");
        resp_bulk_text(bytes, "__redis__:invalidate");
    } else {
        return; /* the protocol has no way to tell it */
    }
    bytes->proto = session->proto;
    if (keys.ptr) resp_raw(bytes, keys.ptr, keys.len);
    else resp_null(bytes);
    if (bytes->failed)
        worker->host->close(worker->host->app, session); /* rather than leave it with what is not so */
    else push_send(worker, session, bytes->buf, bytes->len);
    bytes->failed = false;
}

/* The session that a tracker redirects to is gone. */
struct broken {
    struct tracker *tracker;
    uint64_t redirect;
};

static void tell_broken(struct worker *worker, struct tracker *tracker, uint64_t redirect)
{
    struct session *session = worker->host->session_find(worker->host->app, worker, tracker->session_id);
    struct resp_out *bytes = &worker->message;
    if (!session || session->tracker != tracker || tracker->redirect != redirect) return;
    change(tracker, tracker->flags | TRACKING_BROKEN, tracker->redirect, tracker->redirect_worker);
    if (session->proto != 3) return;
    bytes->len = 0;
    resp_raw(bytes, ">2\r\n", 4);
    resp_bulk_text(bytes, "tracking-redir-broken");
    resp_int(bytes, (int64_t)redirect);
    if (!bytes->failed) push_send(worker, session, bytes->buf, bytes->len);
    bytes->failed = false;
}

static void deliver_broken(const struct inbox_message *message, struct worker *worker)
{
    const struct broken *broken = message->data;
    tell_broken(worker, broken->tracker, broken->redirect);
}

static void drop_broken(const struct inbox_message *message)
{
    tracking__unref(((const struct broken *)message->data)->tracker);
}

static void note_broken(struct worker *worker, struct tracker *tracker, uint64_t redirect)
{
    if (tracker->worker_id == worker->id) {
        tell_broken(worker, tracker, redirect);
        return;
    }
    struct inbox_message *message =
        inbox_message_new(worker->server, NULL, deliver_broken, sizeof(struct broken));
    if (!message) return; /* the next invalidation says it again */
    message->drop = drop_broken;
    *(struct broken *)message->data = (struct broken){tracking__ref(tracker), redirect};
    (void)send(worker, message, tracker->worker_id);
}

void tracking__push(struct worker *worker, const struct told *told, struct slice keys)
{
    const struct host *host = worker->host;
    uint64_t id = told->redirect ? told->redirect : told->tracker->session_id;
    struct session *session = host->session_find(host->app, worker, id);
    if (session) push_keys(worker, session, told->redirect != 0, keys);
    else if (told->redirect) note_broken(worker, told->tracker, told->redirect);
}

/* ---- telling: to the destination ---- */

struct invalidation {
    struct slice keys; /* encoded, behind `told`; ptr NULL: all */
    size_t count;
    struct told told[];
};

static void deliver_invalidation(const struct inbox_message *message, struct worker *worker)
{
    const struct invalidation *invalidation = message->data;
    for (size_t i = 0; i < invalidation->count; i++)
        if (invalidation->told[i].worker_id == worker->id)
            tracking__push(worker, &invalidation->told[i], invalidation->keys);
}

static void drop_invalidation(const struct inbox_message *message)
{
    const struct invalidation *invalidation = message->data;
    for (size_t i = 0; i < invalidation->count; i++)
        tracking__unref(invalidation->told[i].tracker);
}

/* False without memory: nobody is told. Else takes over the references. */
static bool try_tell(struct server_state *server, struct inbox_sender *sender, struct slice key,
                     const struct told *told, size_t count, uint64_t *targets_out)
{
    char head[40];
    size_t head_len = key.ptr ? (size_t)snprintf(head, sizeof head, "*1\r\n$%zu\r\n", key.len) : 0;
    size_t keys_len = key.ptr ? head_len + key.len + strlen("\r\n") : 0;
    size_t bytes = sizeof(struct invalidation) + count * sizeof *told + keys_len;
    struct inbox_message *message = inbox_message_new(server, sender, deliver_invalidation, bytes);
    uint64_t targets = 0;
    if (!message) return false;
    struct invalidation *invalidation = message->data;
    message->drop = drop_invalidation;
    invalidation->count = count;
    memcpy(invalidation->told, told, count * sizeof *told);
    char *keys = (char *)(invalidation->told + count);
    invalidation->keys = (struct slice){key.ptr ? keys : NULL, keys_len};
    if (key.ptr) memcpy(mempcpy(mempcpy(keys, head, head_len), key.ptr, key.len), "\r\n", 2);
    for (size_t i = 0; i < count; i++)
        targets |= UINT64_C(1) << told[i].worker_id;
    inbox_send(server, message, targets);
    *targets_out = targets;
    return true;
}

uint64_t tracking__tell(struct server_state *server, struct inbox_sender *sender, struct slice key,
                        const struct told *told, size_t count)
{
    uint64_t targets;
    if (try_tell(server, sender, key, told, count, &targets)) return targets;
    for (size_t i = 0; i < count; i++)
        tracking__unref(told[i].tracker);
    return tracking__raise_alarm(server);
}

/* ---- the alarm ---- */

static void send_alarm(struct worker *worker)
{
    if (!atomic_exchange(&worker->tracking.alarm.sent, true))
        inbox_send(worker->server, worker->tracking.alarm.message, UINT64_C(1) << worker->id);
}

uint64_t tracking__raise_alarm(struct server_state *server)
{
    uint64_t targets = 0;
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct worker *worker = server->workers[i];
        if (!worker) continue;
        atomic_fetch_add(&worker->tracking.alarm.count, 1);
        send_alarm(worker);
        targets |= UINT64_C(1) << i;
    }
    return targets;
}

/* One whose destination is another worker cannot be told from here without memory. Its client knows, when it loses the connection, that
 * nobody follows any more what it has read by that. */
static void alarm_elsewhere(struct worker *worker, const struct told *told)
{
    const struct host *host = worker->host;
    uint64_t targets = 0;
    tracking__ref(told->tracker);
    if (try_tell(worker->server, NULL, (struct slice){NULL, 0}, told, 1, &targets)) {
        worker->sent |= targets;
        return;
    }
    tracking__unref(told->tracker);
    struct session *session = host->session_find(host->app, worker, told->tracker->session_id);
    if (session) host->close(host->app, session);
}

static void deliver_alarm(const struct inbox_message *message, struct worker *worker)
{
    (void)message;
    worker->tracking.alarm.heard = atomic_load(&worker->tracking.alarm.count);
    for (struct tracker *tracker = worker->tracking.first; tracker; tracker = tracker->next) {
        if (!(tracker->flags & TRACKING_ON)) continue;
        const struct told told = {tracker, tracker->redirect, destination(tracker)};
        if (told.worker_id == worker->id) tracking__push(worker, &told, (struct slice){NULL, 0});
        else alarm_elsewhere(worker, &told);
    }
}

/* It can be sent again. Who raised the alarm since it was delivered has seen that it was under way. */
static void drop_alarm(const struct inbox_message *message)
{
    struct worker *worker = *(struct worker **)message->data;
    atomic_store(&worker->tracking.alarm.sent, false);
    if (atomic_load(&worker->tracking.alarm.count) != worker->tracking.alarm.heard) send_alarm(worker);
}

enum error tracking_local_open(struct worker *worker)
{
    struct inbox_message *message = inbox_message_new(worker->server, NULL, deliver_alarm, sizeof worker);
    if (!message) return ERROR_MEMORY;
    message->kept = true;
    message->drop = drop_alarm;
    *(struct worker **)message->data = worker;
    worker->tracking.alarm.message = message;
    return ERROR_OK;
}

void tracking_local_close(struct tracking_local *local)
{
    tracking__free_prefixes(local);
    free(local->alarm.message);
    local->alarm.message = NULL;
}

/* ---- flushes ---- */

static void deliver_flush(const struct inbox_message *message, struct worker *worker)
{
    (void)message;
    for (struct tracker *tracker = worker->tracking.first; tracker; tracker = tracker->next) {
        if (!(tracker->flags & TRACKING_ON)) continue;
        const struct told told = {tracker, tracker->redirect, destination(tracker)};
        if (told.worker_id == worker->id) {
            tracking__push(worker, &told, (struct slice){NULL, 0});
            continue;
        }
        tracking__ref(tracker);
        worker->sent |= tracking__tell(worker->server, NULL, (struct slice){NULL, 0}, &told, 1);
    }
}

uint64_t tracking_flushed(struct server_state *server, struct inbox_sender *sender)
{
    uint64_t targets = UINT64_MAX >> (64 - server->worker_count);
    struct inbox_message *message = inbox_message_new(server, sender, deliver_flush, 0);
    tracking__forget_keys(&server->tracking);
    if (!message) return tracking__raise_alarm(server);
    inbox_send(server, message, targets);
    return targets;
}
