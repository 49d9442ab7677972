/* pubsub.c: registries of topics, and delivery to their sessions (pubsub.h). */
#include "command/pubsub.h"

#include "command/push.h"
#include "command/server_state.h"
#include "util/assert.h"
#include "util/glob.h"
#include "util/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBSCRIPTIONS_FIRST_CAP 4

struct topic {
    struct chain_link by_name; /* first */
    size_t at;                 /* in topics->all */
    struct subscription **subscriptions;
    uint32_t count;
    uint32_t cap;
    struct slice name; /* its bytes follow */
};

struct subscription {
    struct chain_link by_session; /* first */
    struct topic *topic;
    struct session *session;
    uint32_t at; /* in topic->subscriptions */
    enum pubsub_kind kind;
    struct subscription *prev; /* of the session's, of that kind */
    struct subscription *next;
};

static unsigned *count_of(struct session *session, enum pubsub_kind kind)
{
    switch (kind) {
    case PUBSUB_CHANNEL: return &session->subscribed.channels;
    case PUBSUB_PATTERN: return &session->subscribed.patterns;
    default: return &session->subscribed.shard_channels;
    }
}

/* ---- topics ---- */

static uint64_t name_hash(const struct server_state *server, struct slice name)
{
    return hash_bytes(name, server->seed);
}

static struct topic *topic_find(const struct topics *topics, struct slice name, uint64_t hash)
{
    for (struct chain_link *at = chains_first(&topics->by_name, hash); at; at = chains_next(at)) {
        struct topic *topic = (struct topic *)(void *)at;
        if (slice_equal(topic->name, name)) return topic;
    }
    return NULL;
}

static size_t topic_count(const struct topics *topics)
{
    return atomic_load_explicit(&topics->count, memory_order_relaxed);
}

static bool reserve_topic(struct topics *topics)
{
    if (topic_count(topics) < topics->cap) return true;
    size_t cap = topics->cap ? topics->cap * 2 : SUBSCRIPTIONS_FIRST_CAP;
    struct topic **all = realloc(topics->all, cap * sizeof(struct topic *));
    if (!all) return false;
    topics->all = all;
    topics->cap = cap;
    return true;
}

/* U1: the lock is held. */
static struct topic *topic_new(struct topics *topics, struct slice name, uint64_t hash)
{
    struct topic *topic = malloc(sizeof *topic + name.len);
    if (!topic) return NULL;
    char *bytes = (char *)(topic + 1);
    if (name.len > 0) memcpy(bytes, name.ptr, name.len);
    *topic = (struct topic){.name = {bytes, name.len}};
    if (!reserve_topic(topics) || !chains_insert(&topics->by_name, &topic->by_name, hash)) {
        free(topic);
        return NULL;
    }
    topic->at = topic_count(topics);
    topics->all[topic->at] = topic;
    atomic_store_explicit(&topics->count, topic->at + 1, memory_order_relaxed);
    return topic;
}

static void topic_free(struct topics *topics, struct topic *topic)
{
    size_t last = topic_count(topics) - 1;
    topics->all[topic->at] = topics->all[last];
    topics->all[topic->at]->at = topic->at;
    atomic_store_explicit(&topics->count, last, memory_order_relaxed);
    chains_remove(&topics->by_name, &topic->by_name);
    free(topic->subscriptions);
    free(topic);
}

static bool reserve_subscription(struct topic *topic)
{
    if (topic->count < topic->cap) return true;
    uint32_t cap = topic->cap ? topic->cap * 2 : SUBSCRIPTIONS_FIRST_CAP;
    struct subscription **grown = realloc(topic->subscriptions, cap * sizeof(struct subscription *));
    if (!grown) return false;
    topic->subscriptions = grown;
    topic->cap = cap;
    return true;
}

/* ---- subscriptions ---- */

static uint64_t pair_hash(const struct topic *topic, const struct session *session)
{
    return hash_mix((uint64_t)(uintptr_t)topic ^ hash_mix((uint64_t)(uintptr_t)session));
}

static struct subscription *subscription_find(const struct pubsub_registry *registry,
                                              const struct topic *topic, const struct session *session)
{
    uint64_t hash = pair_hash(topic, session);
    for (struct chain_link *at = chains_first(&registry->subscriptions, hash); at; at = chains_next(at)) {
        struct subscription *subscription = (struct subscription *)(void *)at;
        if (subscription->topic == topic && subscription->session == session) return subscription;
    }
    return NULL;
}

static void link_to_session(struct subscription *subscription)
{
    struct subscription **first = &subscription->session->subscribed.first[subscription->kind];
    subscription->next = *first;
    if (*first) (*first)->prev = subscription;
    *first = subscription;
    ++*count_of(subscription->session, subscription->kind);
}

static void unlink_from_session(struct subscription *subscription)
{
    struct subscription **first = &subscription->session->subscribed.first[subscription->kind];
    *(subscription->prev ? &subscription->prev->next : first) = subscription->next;
    if (subscription->next) subscription->next->prev = subscription->prev;
    --*count_of(subscription->session, subscription->kind);
}

static bool subscription_new(struct pubsub_registry *registry, struct topic *topic, struct session *session,
                             enum pubsub_kind kind)
{
    struct subscription *subscription = malloc(sizeof *subscription);
    if (!subscription) return false;
    *subscription =
        (struct subscription){.topic = topic, .session = session, .at = topic->count, .kind = kind};
    if (!reserve_subscription(topic) ||
        !chains_insert(&registry->subscriptions, &subscription->by_session, pair_hash(topic, session))) {
        free(subscription);
        return false;
    }
    topic->subscriptions[topic->count++] = subscription;
    link_to_session(subscription);
    return true;
}

enum error pubsub_join(struct worker *worker, struct session *session, enum pubsub_kind kind,
                       struct slice name)
{
    struct pubsub_registry *registry = &worker->pubsub;
    struct topics *topics = &registry->topics[kind];
    uint64_t hash = name_hash(worker->server, name);
    struct topic *topic = topic_find(topics, name, hash);
    if (topic && subscription_find(registry, topic, session)) return ERROR_OK;
    ASSERT(!registry->delivering); /* U3 */
    spinlock_lock(&registry->lock);
    if (!topic) topic = topic_new(topics, name, hash);
    bool done = topic && subscription_new(registry, topic, session, kind);
    if (topic && topic->count == 0) topic_free(topics, topic);
    spinlock_unlock(&registry->lock);
    return done ? ERROR_OK : ERROR_MEMORY;
}

/* U1: the lock is held. */
static void cancel(struct pubsub_registry *registry, struct subscription *subscription)
{
    struct topic *topic = subscription->topic;
    ASSERT(!registry->delivering); /* U3 */
    unlink_from_session(subscription);
    chains_remove(&registry->subscriptions, &subscription->by_session);
    struct subscription *last = topic->subscriptions[--topic->count];
    topic->subscriptions[subscription->at] = last;
    last->at = subscription->at;
    if (topic->count == 0) topic_free(&registry->topics[subscription->kind], topic);
    free(subscription);
}

bool pubsub_leave(struct worker *worker, struct session *session, enum pubsub_kind kind, struct slice name)
{
    struct pubsub_registry *registry = &worker->pubsub;
    const struct topic *topic = topic_find(&registry->topics[kind], name, name_hash(worker->server, name));
    struct subscription *subscription = topic ? subscription_find(registry, topic, session) : NULL;
    if (!subscription) return false;
    spinlock_lock(&registry->lock);
    cancel(registry, subscription);
    spinlock_unlock(&registry->lock);
    return true;
}

struct slice pubsub_first(const struct session *session, enum pubsub_kind kind)
{
    const struct subscription *first = session->subscribed.first[kind];
    return first ? first->topic->name : (struct slice){NULL, 0};
}

bool pubsub_all(const struct session *session, pubsub_predicate *wanted, void *arg)
{
    for (enum pubsub_kind kind = 0; kind < PUBSUB_KINDS; kind++)
        for (const struct subscription *at = session->subscribed.first[kind]; at; at = at->next)
            if (!wanted(arg, kind, at->topic->name)) return false;
    return true;
}

size_t pubsub_bytes(const struct session *session)
{
    size_t count = session->subscribed.channels + session->subscribed.patterns + session->subscribed.shard_channels;
    return count * sizeof(struct subscription);
}

void pubsub_end(struct worker *worker, struct session *session)
{
    struct pubsub_registry *registry = &worker->pubsub;
    if (!session_is_subscribed(session)) return;
    spinlock_lock(&registry->lock);
    for (unsigned kind = 0; kind < PUBSUB_KINDS; kind++)
        while (session->subscribed.first[kind])
            cancel(registry, session->subscribed.first[kind]);
    spinlock_unlock(&registry->lock);
}

/* ---- delivery ---- */

/* What is sent: the tail of its encoding is the same whichever way it comes. */
struct published {
    bool shard;
    struct slice channel; /* inside `tail` */
    struct slice tail;    /* channel and payload, encoded */
};

#define KEEP_BYTES (1u << 20) /* a larger buffer is given back */

/* `head` begins with the byte in which the protocols differ. */
static void send_to_all(struct worker *worker, const struct topic *topic, struct slice head,
                        struct slice tail)
{
    struct resp_out *bytes = &worker->message;
    bytes->len = 0;
    resp_raw(bytes, head.ptr, head.len);
    resp_raw(bytes, tail.ptr, tail.len);
    if (bytes->failed) { /* one who misses a message would not know it */
        bytes->failed = false;
        for (uint32_t i = 0; i < topic->count; i++)
            worker->host->close(worker->host->app, topic->subscriptions[i]->session);
        return;
    }
    for (uint32_t i = 0; i < topic->count; i++) {
        struct session *session = topic->subscriptions[i]->session;
        bytes->buf[0] = session->proto == 3 ? '>' : '*';
        push_send(worker, session, bytes->buf, bytes->len);
    }
    if (bytes->cap > KEEP_BYTES) resp_out_free(bytes);
}

static void deliver_to_channel(struct worker *worker, const struct published *published)
{
    enum pubsub_kind kind = published->shard ? PUBSUB_SHARD : PUBSUB_CHANNEL;
    struct slice head =
        published->shard ? SLICE("*3\r\n$8\r\nsmessage\r\n") : SLICE("*3\r\n$7\r\nmessage\r\n");
    uint64_t hash = name_hash(worker->server, published->channel);
    const struct topic *topic = topic_find(&worker->pubsub.topics[kind], published->channel, hash);
    if (topic) send_to_all(worker, topic, head, published->tail);
}

static void deliver_to_patterns(struct worker *worker, const struct published *published)
{
    const struct topics *topics = &worker->pubsub.topics[PUBSUB_PATTERN];
    struct resp_out head;
    resp_out_init(&head);
    for (size_t i = 0; i < topic_count(topics); i++) {
        const struct topic *topic = topics->all[i];
        if (!glob_match(topic->name, published->channel)) continue;
        head.len = 0;
        resp_raw(&head, "*4\r\n$8\r\npmessage\r\n", strlen("*4\r\n$8\r\npmessage\r\n"));
        resp_bulk_slice(&head, topic->name);
        send_to_all(worker, topic, (struct slice){head.buf, head.len}, published->tail);
    }
    resp_out_free(&head);
}

static void deliver(const struct inbox_message *message, struct worker *worker)
{
    const struct published *published = message->data;
    struct pubsub_registry *registry = &worker->pubsub;
    registry->delivering = true;
    deliver_to_channel(worker, published);
    if (!published->shard) deliver_to_patterns(worker, published);
    registry->delivering = false;
}

/* ---- publishing ---- */

static uint64_t count_topic(const struct topics *topics, struct slice name, uint64_t hash)
{
    const struct topic *topic = topic_find(topics, name, hash);
    return topic ? topic->count : 0;
}

static uint64_t count_patterns(const struct topics *topics, struct slice channel)
{
    uint64_t count = 0;
    for (size_t i = 0; i < topic_count(topics); i++)
        if (glob_match(topics->all[i]->name, channel)) count += topics->all[i]->count;
    return count;
}

static bool has_topics(const struct pubsub_registry *registry, enum pubsub_kind kind)
{
    return topic_count(&registry->topics[kind]) > 0;
}

bool pubsub_has_subscribers(const struct server_state *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct pubsub_registry *registry = &server->workers[i]->pubsub;
        if (has_topics(registry, PUBSUB_CHANNEL) || has_topics(registry, PUBSUB_PATTERN)) return true;
    }
    return false;
}

static uint64_t count_receivers(struct pubsub_registry *registry, bool shard, struct slice channel,
                                uint64_t hash)
{
    bool channels = has_topics(registry, shard ? PUBSUB_SHARD : PUBSUB_CHANNEL);
    bool patterns = !shard && has_topics(registry, PUBSUB_PATTERN);
    if (!channels && !patterns) return 0;
    spinlock_lock(&registry->lock);
    uint64_t count = count_topic(&registry->topics[shard ? PUBSUB_SHARD : PUBSUB_CHANNEL], channel, hash);
    if (patterns) count += count_patterns(&registry->topics[PUBSUB_PATTERN], channel);
    spinlock_unlock(&registry->lock);
    return count;
}

static struct inbox_message *encode(const struct server_state *server, struct inbox_sender *sender,
                                    bool shard, struct slice channel, struct slice payload)
{
    char channel_head[32], payload_head[32];
    size_t channel_head_len = (size_t)snprintf(channel_head, sizeof channel_head, "$%zu\r\n", channel.len);
    size_t payload_head_len =
        (size_t)snprintf(payload_head, sizeof payload_head, "\r\n$%zu\r\n", payload.len);
    size_t len = channel_head_len + channel.len + payload_head_len + payload.len + strlen("\r\n");
    struct inbox_message *message =
        inbox_message_new(server, sender, deliver, sizeof(struct published) + len);
    if (!message) return NULL;
    struct published *published = message->data;
    char *to = (char *)(published + 1);
    *published = (struct published){shard, {to + channel_head_len, channel.len}, {to, len}};
    to = mempcpy(to, channel_head, channel_head_len);
    to = mempcpy(to, channel.ptr, channel.len);
    to = mempcpy(to, payload_head, payload_head_len);
    to = mempcpy(to, payload.ptr, payload.len);
    memcpy(to, "\r\n", 2);
    return message;
}

enum error pubsub_prepare(struct server_state *server, struct inbox_sender *sender, bool shard,
                          struct slice channel, struct slice payload, struct inbox_message **message_out,
                          uint64_t *targets_out, uint64_t *receivers_out)
{
    uint64_t hash = name_hash(server, channel);
    *message_out = NULL;
    *targets_out = 0;
    *receivers_out = 0;
    for (unsigned i = 0; i < server->worker_count; i++) {
        uint64_t count = count_receivers(&server->workers[i]->pubsub, shard, channel, hash);
        if (count > 0) *targets_out |= UINT64_C(1) << i;
        *receivers_out += count;
    }
    if (*targets_out == 0) return ERROR_OK;
    *message_out = encode(server, sender, shard, channel, payload);
    return *message_out ? ERROR_OK : ERROR_MEMORY;
}

/* ---- looking ---- */

uint64_t pubsub_count(struct server_state *server, enum pubsub_kind kind, struct slice name)
{
    uint64_t hash = name_hash(server, name);
    uint64_t count = 0;
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct pubsub_registry *registry = &server->workers[i]->pubsub;
        spinlock_lock(&registry->lock);
        count += count_topic(&registry->topics[kind], name, hash);
        spinlock_unlock(&registry->lock);
    }
    return count;
}

struct names {
    struct slice *names; /* each malloc'd */
    size_t count;
    size_t cap;
    bool failed;
};

static void add_name(struct names *names, struct slice name)
{
    if (names->count == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : SUBSCRIPTIONS_FIRST_CAP;
        struct slice *grown = realloc(names->names, cap * sizeof *grown);
        names->failed |= !grown;
        if (!grown) return;
        names->names = grown;
        names->cap = cap;
    }
    char *copy = malloc(name.len + 1);
    names->failed |= !copy;
    if (!copy) return;
    if (name.len > 0) memcpy(copy, name.ptr, name.len);
    names->names[names->count++] = (struct slice){copy, name.len};
}

static void add_names(struct names *names, struct pubsub_registry *registry, enum pubsub_kind kind,
                      struct slice pattern)
{
    const struct topics *topics = &registry->topics[kind];
    spinlock_lock(&registry->lock);
    for (size_t i = 0; i < topic_count(topics); i++) {
        struct slice name = topics->all[i]->name;
        if (!pattern.ptr || glob_match(pattern, name)) add_name(names, name);
    }
    spinlock_unlock(&registry->lock);
}

static int compare_names(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    size_t common = a->len < b->len ? a->len : b->len;
    int order = common > 0 ? memcmp(a->ptr, b->ptr, common) : 0;
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Topics of several workers stand there several times. */
static void drop_doubles(struct names *names)
{
    size_t kept = 0;
    qsort(names->names, names->count, sizeof *names->names, compare_names);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && slice_equal(names->names[kept - 1], names->names[i]))
            free((char *)names->names[i].ptr);
        else names->names[kept++] = names->names[i];
    }
    names->count = kept;
}

enum error pubsub_names(struct server_state *server, enum pubsub_kind kind, struct slice pattern,
                        struct slice **names_out, size_t *count_out)
{
    struct names names = {0};
    for (unsigned i = 0; i < server->worker_count; i++)
        add_names(&names, &server->workers[i]->pubsub, kind, pattern);
    if (names.count > 0 && server->worker_count > 1) drop_doubles(&names);
    *names_out = names.names;
    *count_out = names.count;
    if (!names.failed) return ERROR_OK;
    pubsub_names_free(names.names, names.count);
    return ERROR_MEMORY;
}

uint64_t pubsub_topics(struct server_state *server, enum pubsub_kind kind)
{
    struct slice *names;
    size_t count;
    if (server->worker_count == 1) return topic_count(&server->workers[0]->pubsub.topics[kind]);
    enum error error = pubsub_names(server, kind, (struct slice){NULL, 0}, &names, &count);
    if (error) return 0;
    pubsub_names_free(names, count);
    return count;
}

void pubsub_names_free(struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)names[i].ptr);
    free(names);
}

void pubsub_close(struct pubsub_registry *registry)
{
    ASSERT(registry->subscriptions.count == 0); /* U2 */
    for (unsigned kind = 0; kind < PUBSUB_KINDS; kind++) {
        free(registry->topics[kind].all);
        chains_free(&registry->topics[kind].by_name);
    }
    chains_free(&registry->subscriptions);
}
