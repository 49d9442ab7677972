/* tracking_prefix.c: trackers that broadcast: prefixes, and the changed keys that have them (tracking.h).
 *
 * Terms: *news* are keys that changed since the inbox was last found empty; each prefix has its own. They are told together, in one
 * message for a prefix and a tracker.
 */
#include "command/server_state.h"
#include "command/tracking_internal.h"
#include "command/worker.h"
#include "util/assert.h"
#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_FIRST_CAP 2

struct news {
    struct chain_link by_name; /* first */
    struct news *next;
    uint64_t by;      /* the session that changed it; 0: several, or nobody */
    struct slice key; /* its bytes follow */
};

struct prefix {
    struct prefix *next;
    struct tracker **members;
    size_t count;
    size_t cap;
    struct chains news;
    struct news *first;
    struct news *last;
    struct slice name; /* its bytes follow */
};

/* ---- members ---- */

static struct prefix *prefix_named(struct tracking_local *local, struct slice name)
{
    for (struct prefix *at = local->prefixes; at; at = at->next)
        if (slice_equal(at->name, name)) return at;
    struct prefix *prefix = malloc(sizeof *prefix + name.len);
    ASSERT(prefix); /* as tracking__tell */
    char *bytes = (char *)(prefix + 1);
    if (name.len > 0) memcpy(bytes, name.ptr, name.len);
    *prefix = (struct prefix){.next = local->prefixes, .name = {bytes, name.len}};
    local->prefixes = prefix;
    return prefix;
}

static void drop_news(struct prefix *prefix)
{
    for (struct news *news = prefix->first, *next; news; news = next) {
        next = news->next;
        free(news);
    }
    chains_free(&prefix->news);
    prefix->first = prefix->last = NULL;
}

static void prefix_free(struct prefix *prefix)
{
    for (size_t i = 0; i < prefix->count; i++)
        tracking__unref(prefix->members[i]);
    drop_news(prefix);
    free(prefix->members);
    free(prefix);
}

struct joining {
    struct tracker *tracker;
    struct slice prefix; /* ptr NULL: it leaves; its bytes follow */
};

static void drop_joining(const struct inbox_message *message)
{
    tracking__unref(((const struct joining *)message->data)->tracker);
}

static void deliver_join(const struct inbox_message *message, struct worker *worker)
{
    const struct joining *joining = message->data;
    struct prefix *prefix = prefix_named(&worker->tracking, joining->prefix);
    if (prefix->count == prefix->cap) {
        prefix->cap = prefix->cap ? prefix->cap * 2 : MEMBERS_FIRST_CAP;
        struct tracker **grown = realloc(prefix->members, prefix->cap * sizeof(struct tracker *));
        ASSERT(grown); /* as tracking__tell */
        prefix->members = grown;
    }
    prefix->members[prefix->count++] = tracking__ref(joining->tracker);
}

struct inbox_message *tracking__join(const struct server_state *server, struct tracker *tracker,
                                     struct slice prefix)
{
    struct inbox_message *message =
        inbox_message_new(server, NULL, deliver_join, sizeof(struct joining) + prefix.len);
    if (!message) return NULL;
    struct joining *joining = message->data;
    char *bytes = (char *)(joining + 1);
    if (prefix.len > 0) memcpy(bytes, prefix.ptr, prefix.len);
    *joining = (struct joining){tracking__ref(tracker), {bytes, prefix.len}};
    message->drop = drop_joining;
    return message;
}

static void remove_member(struct prefix *prefix, const struct tracker *tracker)
{
    for (size_t i = 0; i < prefix->count; i++) {
        if (prefix->members[i] != tracker) continue;
        tracking__unref(prefix->members[i]);
        prefix->members[i--] = prefix->members[--prefix->count];
    }
}

static void deliver_leave(const struct inbox_message *message, struct worker *worker)
{
    const struct joining *joining = message->data;
    tracking_tell_news(worker); /* what it was to hear until now */
    for (struct prefix **at = &worker->tracking.prefixes; *at;) {
        struct prefix *prefix = *at;
        remove_member(prefix, joining->tracker);
        if (prefix->count > 0) {
            at = &prefix->next;
            continue;
        }
        *at = prefix->next;
        prefix_free(prefix);
    }
}

struct inbox_message *tracking__leave(const struct server_state *server, struct tracker *tracker)
{
    struct inbox_message *message = inbox_message_new(server, NULL, deliver_leave, sizeof(struct joining));
    if (!message) return NULL;
    *(struct joining *)message->data = (struct joining){.tracker = tracking__ref(tracker)};
    message->drop = drop_joining;
    return message;
}

void tracking_local_close(struct tracking_local *local)
{
    for (struct prefix *prefix = local->prefixes, *next; prefix; prefix = next) {
        next = prefix->next;
        prefix_free(prefix);
    }
    local->prefixes = NULL;
}

/* ---- changes ---- */

struct change_of_key {
    uint64_t by;
    struct slice key; /* its bytes follow */
};

static bool begins_with(struct slice text, struct slice prefix)
{
    return text.len >= prefix.len && (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

static struct news *news_of(const struct prefix *prefix, struct slice key, uint64_t hash)
{
    for (struct chain_link *at = chains_first(&prefix->news, hash); at; at = chains_next(at)) {
        struct news *news = (struct news *)(void *)at;
        if (slice_equal(news->key, key)) return news;
    }
    return NULL;
}

static void add_news(struct prefix *prefix, const struct change_of_key *change, uint64_t hash)
{
    struct news *news = news_of(prefix, change->key, hash);
    if (news) {
        if (news->by != change->by) news->by = 0;
        return;
    }
    news = malloc(sizeof *news + change->key.len);
    ASSERT(news); /* as tracking__tell */
    char *bytes = (char *)(news + 1);
    if (change->key.len > 0) memcpy(bytes, change->key.ptr, change->key.len);
    *news = (struct news){.by = change->by, .key = {bytes, change->key.len}};
    bool inserted = chains_insert(&prefix->news, &news->by_name, hash);
    ASSERT(inserted);
    *(prefix->last ? &prefix->last->next : &prefix->first) = news;
    prefix->last = news;
}

static void deliver_change(const struct inbox_message *message, struct worker *worker)
{
    const struct change_of_key *change = message->data;
    uint64_t hash = hash_bytes(change->key, worker->server->seed);
    for (struct prefix *prefix = worker->tracking.prefixes; prefix; prefix = prefix->next) {
        if (!begins_with(change->key, prefix->name)) continue;
        add_news(prefix, change, hash);
        worker->tracking.has_news = true;
    }
}

uint64_t tracking__broadcast(struct server_state *server, struct inbox_sender *sender, struct slice key,
                             uint64_t by)
{
    uint64_t targets = 0;
    for (unsigned i = 0; i < server->worker_count; i++)
        if (atomic_load_explicit(&server->tracking.bcast_workers[i], memory_order_relaxed) > 0)
            targets |= UINT64_C(1) << i;
    if (targets == 0) return 0;
    struct inbox_message *message =
        inbox_message_new(server, sender, deliver_change, sizeof(struct change_of_key) + key.len);
    ASSERT(message); /* as tracking__tell */
    struct change_of_key *change = message->data;
    char *bytes = (char *)(change + 1);
    if (key.len > 0) memcpy(bytes, key.ptr, key.len);
    *change = (struct change_of_key){by, {bytes, key.len}};
    inbox_send(server, message, targets);
    return targets;
}

/* The news as an encoded array, without those that session `except` made (0: all). Returns how many. */
static size_t encode_news(const struct prefix *prefix, uint64_t except, struct resp_out *out)
{
    size_t count = 0;
    out->len = 0;
    for (const struct news *news = prefix->first; news; news = news->next)
        count += except == 0 || news->by != except;
    resp_array(out, count);
    for (const struct news *news = prefix->first; news; news = news->next)
        if (except == 0 || news->by != except) resp_bulk_slice(out, news->key);
    return count;
}

static bool made_some(const struct prefix *prefix, uint64_t session_id)
{
    for (const struct news *news = prefix->first; news; news = news->next)
        if (news->by == session_id) return true;
    return false;
}

/* False when the tracker is off, or has gone elsewhere. */
static bool follow(struct worker *worker, struct tracker *tracker, struct told *told_out, bool *noloop_out)
{
    spinlock_lock(&tracker->lock);
    bool on = tracker->flags & TRACKING_ON && tracker->flags & TRACKING_BCAST;
    *noloop_out = tracker->flags & TRACKING_NOLOOP;
    *told_out = (struct told){tracker, tracker->redirect,
                              tracker->redirect ? tracker->redirect_worker : tracker->worker_id};
    spinlock_unlock(&tracker->lock);
    return on && told_out->worker_id == worker->id;
}

static void tell_members(struct worker *worker, const struct prefix *prefix)
{
    struct resp_out all, some;
    resp_out_init(&all);
    resp_out_init(&some);
    encode_news(prefix, 0, &all);
    for (size_t i = 0; i < prefix->count; i++) {
        struct tracker *tracker = prefix->members[i];
        struct told told;
        bool noloop;
        struct resp_out *keys = &all;
        if (!follow(worker, tracker, &told, &noloop)) continue;
        if (noloop && made_some(prefix, tracker->session_id)) {
            if (encode_news(prefix, tracker->session_id, &some) == 0) continue;
            keys = &some;
        }
        ASSERT(!keys->failed); /* as tracking__tell */
        tracking__push(worker, &told, (struct slice){keys->buf, keys->len});
    }
    resp_out_free(&all);
    resp_out_free(&some);
}

void tracking_tell_news(struct worker *worker)
{
    if (!worker->tracking.has_news) return;
    worker->tracking.has_news = false;
    for (struct prefix *prefix = worker->tracking.prefixes; prefix; prefix = prefix->next) {
        if (!prefix->first) continue;
        tell_members(worker, prefix);
        drop_news(prefix);
    }
}

/* ---- names, for INFO ---- */

struct prefix_name {
    struct chain_link by_name; /* first */
    size_t trackers;
    struct slice name; /* its bytes follow */
};

/* The lock is held. */
static struct prefix_name *find_name(const struct tracking *tracking, struct slice name, uint64_t hash)
{
    for (struct chain_link *at = chains_first(&tracking->prefixes, hash); at; at = chains_next(at)) {
        struct prefix_name *found = (struct prefix_name *)(void *)at;
        if (slice_equal(found->name, name)) return found;
    }
    return NULL;
}

static struct prefix_name *new_name(struct tracking *tracking, struct slice name, uint64_t hash)
{
    struct prefix_name *created = malloc(sizeof *created + name.len);
    if (!created) return NULL;
    char *bytes = (char *)(created + 1);
    if (name.len > 0) memcpy(bytes, name.ptr, name.len);
    *created = (struct prefix_name){.name = {bytes, name.len}};
    if (chains_insert(&tracking->prefixes, &created->by_name, hash)) return created;
    free(created);
    return NULL;
}

bool tracking__name_prefix(struct server_state *server, struct slice prefix)
{
    struct tracking *tracking = &server->tracking;
    uint64_t hash = hash_bytes(prefix, server->seed);
    spinlock_lock(&tracking->lock);
    struct prefix_name *name = find_name(tracking, prefix, hash);
    if (!name) name = new_name(tracking, prefix, hash);
    if (name) name->trackers++;
    spinlock_unlock(&tracking->lock);
    return name != NULL;
}

void tracking__unname_prefix(struct server_state *server, struct slice prefix)
{
    struct tracking *tracking = &server->tracking;
    spinlock_lock(&tracking->lock);
    struct prefix_name *name = find_name(tracking, prefix, hash_bytes(prefix, server->seed));
    ASSERT(name);
    if (--name->trackers == 0) {
        chains_remove(&tracking->prefixes, &name->by_name);
        free(name);
    }
    spinlock_unlock(&tracking->lock);
}

void tracking__forget_prefixes(struct tracking *tracking)
{
    ASSERT(tracking->prefixes.count == 0); /* no session is left */
    chains_free(&tracking->prefixes);
}

uint64_t tracking_prefixes(struct server_state *server)
{
    struct tracking *tracking = &server->tracking;
    spinlock_lock(&tracking->lock);
    uint64_t count = tracking->prefixes.count;
    spinlock_unlock(&tracking->lock);
    return count;
}
