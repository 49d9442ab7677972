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

struct news {
    struct chain_link by_name; /* first */
    struct news *next;
    uint64_t by;      /* the session that changed it; 0: several, or nobody */
    struct slice key; /* its bytes follow */
};

struct prefix {
    struct prefix *next;
    struct member *members;
    struct chains news;
    struct news *first;
    struct news *last;
    bool lost;         /* some of them: there was no memory */
    struct slice name; /* its bytes follow */
};

struct member {
    struct member *next;
    struct tracker *tracker;
};

/* ---- members ---- */

static struct prefix *prefix_named(const struct tracking_local *local, struct slice name)
{
    for (struct prefix *at = local->prefixes; at; at = at->next)
        if (slice_equal(at->name, name)) return at;
    return NULL;
}

static struct prefix *prefix_new(struct slice name)
{
    struct prefix *prefix = malloc(sizeof *prefix + name.len);
    if (!prefix) return NULL;
    char *bytes = (char *)(prefix + 1);
    if (name.len > 0) memcpy(bytes, name.ptr, name.len);
    *prefix = (struct prefix){.name = {bytes, name.len}};
    return prefix;
}

static void member_free(struct member *member)
{
    if (!member) return;
    tracking__unref(member->tracker);
    free(member);
}

static void drop_news(struct prefix *prefix)
{
    for (struct news *news = prefix->first, *next; news; news = next) {
        next = news->next;
        free(news);
    }
    chains_free(&prefix->news);
    prefix->first = prefix->last = NULL;
    prefix->lost = false;
}

static void prefix_free(struct prefix *prefix)
{
    for (struct member *member = prefix->members, *next; member; member = next) {
        next = member->next;
        member_free(member);
    }
    drop_news(prefix);
    free(prefix);
}

/* What the destination needs to know a prefix was had where its client could still be refused. */
struct joining {
    struct member *member; /* taken by the delivery; NULL then */
    struct prefix *prefix; /* with its name alone; NULL: taken, as it is the first of that name */
};

static void joining_free(struct joining *joining)
{
    member_free(joining->member);
    free(joining->prefix);
}

static void drop_joining(const struct inbox_message *message)
{
    joining_free(message->data);
}

static void deliver_join(const struct inbox_message *message, struct worker *worker)
{
    struct joining *joining = message->data; /* for this worker alone */
    struct prefix *prefix = prefix_named(&worker->tracking, joining->prefix->name);
    if (!prefix) {
        prefix = joining->prefix;
        joining->prefix = NULL;
        prefix->next = worker->tracking.prefixes;
        worker->tracking.prefixes = prefix;
    }
    joining->member->next = prefix->members;
    prefix->members = joining->member;
    joining->member = NULL;
}

struct inbox_message *tracking__join(const struct server_state *server, struct tracker *tracker,
                                     struct slice prefix)
{
    struct inbox_message *message = inbox_message_new(server, NULL, deliver_join, sizeof(struct joining));
    struct joining joining = {malloc(sizeof(struct member)), prefix_new(prefix)};
    if (joining.member) *joining.member = (struct member){.tracker = tracking__ref(tracker)};
    if (message && joining.member && joining.prefix) {
        *(struct joining *)message->data = joining;
        message->drop = drop_joining;
        return message;
    }
    if (message) inbox_message_free(message);
    joining_free(&joining);
    return NULL;
}

static void remove_member(struct prefix *prefix, const struct tracker *tracker)
{
    for (struct member **at = &prefix->members; *at;) {
        struct member *member = *at;
        if (member->tracker != tracker) {
            at = &member->next;
            continue;
        }
        *at = member->next;
        member_free(member);
    }
}

static void drop_leaving(const struct inbox_message *message)
{
    tracking__unref(*(struct tracker **)message->data);
}

static void deliver_leave(const struct inbox_message *message, struct worker *worker)
{
    const struct tracker *tracker = *(struct tracker **)message->data;
    tracking_tell_news(worker); /* what it was to hear until now */
    for (struct prefix **at = &worker->tracking.prefixes; *at;) {
        struct prefix *prefix = *at;
        remove_member(prefix, tracker);
        if (prefix->members) {
            at = &prefix->next;
            continue;
        }
        *at = prefix->next;
        prefix_free(prefix);
    }
}

struct inbox_message *tracking__leave(const struct server_state *server, struct tracker *tracker)
{
    struct inbox_message *message = inbox_message_new(server, NULL, deliver_leave, sizeof tracker);
    if (!message) return NULL;
    *(struct tracker **)message->data = tracking__ref(tracker);
    message->drop = drop_leaving;
    return message;
}

void tracking__free_prefixes(struct tracking_local *local)
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
    if (!news || !chains_insert(&prefix->news, &news->by_name, hash)) {
        free(news);
        prefix->lost = true;
        return;
    }
    char *bytes = (char *)(news + 1);
    if (change->key.len > 0) memcpy(bytes, change->key.ptr, change->key.len);
    news->next = NULL;
    news->by = change->by;
    news->key = (struct slice){bytes, change->key.len};
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
    if (!message) return tracking__raise_alarm(server);
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
    for (const struct member *member = prefix->members; member; member = member->next) {
        struct tracker *tracker = member->tracker;
        struct told told;
        bool noloop;
        struct resp_out *keys = &all;
        if (!follow(worker, tracker, &told, &noloop)) continue;
        if (noloop && !prefix->lost && made_some(prefix, tracker->session_id)) {
            if (encode_news(prefix, tracker->session_id, &some) == 0) continue;
            keys = &some;
        }
        bool all_keys = prefix->lost || keys->failed; /* there was no memory to name them */
        tracking__push(worker, &told,
                       all_keys ? (struct slice){NULL, 0} : (struct slice){keys->buf, keys->len});
    }
    resp_out_free(&all);
    resp_out_free(&some);
}

void tracking_tell_news(struct worker *worker)
{
    if (!worker->tracking.has_news) return;
    worker->tracking.has_news = false;
    for (struct prefix *prefix = worker->tracking.prefixes; prefix; prefix = prefix->next) {
        if (!prefix->first && !prefix->lost) continue;
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
