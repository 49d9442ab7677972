/* tracking_table.c: which trackers have read which keys (tracking.h).
 *
 * A key on the table has an array of pairs, one for each tracker; a hash of all pairs of the stripe finds out whether a tracker is among
 * them.
 */
#include "command/server_state.h"
#include "command/table.h"
#include "command/tracking_internal.h"
#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_FIRST_CAP 2

struct tracked_key {
    struct chain_link by_name; /* first; the hash is the key's */
    struct pair **pairs;
    uint32_t count;
    uint32_t cap;
    struct slice name; /* its bytes follow */
};

struct pair {
    struct chain_link by_both; /* first */
    struct tracked_key *key;
    struct tracker *tracker;
};

/* ---- a stripe's table, under its lock ---- */

static struct tracked_key *key_find(const struct tracking_stripe *stripe, const struct key *key)
{
    for (struct chain_link *at = chains_first(&stripe->keys, key->hash); at; at = chains_next(at)) {
        struct tracked_key *tracked = (struct tracked_key *)(void *)at;
        if (slice_equal(tracked->name, key->name)) return tracked;
    }
    return NULL;
}

static struct tracked_key *key_new(struct tracking *tracking, struct tracking_stripe *stripe,
                                   const struct key *key)
{
    struct tracked_key *tracked = malloc(sizeof *tracked + key->name.len);
    if (!tracked) return NULL;
    char *name = (char *)(tracked + 1);
    if (key->name.len > 0) memcpy(name, key->name.ptr, key->name.len);
    *tracked = (struct tracked_key){.name = {name, key->name.len}};
    if (!chains_insert(&stripe->keys, &tracked->by_name, key->hash)) {
        free(tracked);
        return NULL;
    }
    atomic_fetch_add_explicit(&stripe->key_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&tracking->keys, 1, memory_order_relaxed);
    return tracked;
}

static uint64_t pair_hash(const struct tracked_key *key, const struct tracker *tracker)
{
    return hash_mix((uint64_t)(uintptr_t)key ^ hash_mix((uint64_t)(uintptr_t)tracker));
}

static bool has_pair(const struct tracking_stripe *stripe, const struct tracked_key *key,
                     const struct tracker *tracker)
{
    for (struct chain_link *at = chains_first(&stripe->pairs, pair_hash(key, tracker)); at;
         at = chains_next(at)) {
        const struct pair *pair = (const struct pair *)(const void *)at;
        if (pair->key == key && pair->tracker == tracker) return true;
    }
    return false;
}

static bool pair_new(struct tracking *tracking, struct tracking_stripe *stripe, struct tracked_key *key,
                     struct tracker *tracker)
{
    if (key->count == key->cap) {
        uint32_t cap = key->cap ? key->cap * 2 : PAIRS_FIRST_CAP;
        struct pair **grown = realloc(key->pairs, cap * sizeof(struct pair *));
        if (!grown) return false;
        key->pairs = grown;
        key->cap = cap;
    }
    struct pair *pair = malloc(sizeof *pair);
    if (!pair) return false;
    *pair = (struct pair){.key = key, .tracker = tracker};
    if (!chains_insert(&stripe->pairs, &pair->by_both, pair_hash(key, tracker))) {
        free(pair);
        return false;
    }
    tracking__ref(tracker);
    key->pairs[key->count++] = pair;
    atomic_fetch_add_explicit(&tracking->items, 1, memory_order_relaxed);
    return true;
}

/* Off the table; its pairs are the caller's, with their references. */
static void key_detach(struct tracking *tracking, struct tracking_stripe *stripe, struct tracked_key *key)
{
    chains_remove(&stripe->keys, &key->by_name);
    for (uint32_t i = 0; i < key->count; i++)
        chains_remove(&stripe->pairs, &key->pairs[i]->by_both);
    atomic_fetch_sub_explicit(&stripe->key_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&tracking->keys, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&tracking->items, key->count, memory_order_relaxed);
}

static void key_free(struct tracked_key *key)
{
    for (uint32_t i = 0; i < key->count; i++)
        free(key->pairs[i]);
    free(key->pairs);
    free(key);
}

/* ---- reading ---- */

uint64_t tracking_remember(struct server_state *server, struct tracker *tracker, const struct key *key)
{
    struct tracking *tracking = &server->tracking;
    struct tracking_stripe *stripe = &tracking->stripes[key->stripe];
    spinlock_lock(&stripe->lock);
    struct tracked_key *tracked = key_find(stripe, key);
    if (!tracked) tracked = key_new(tracking, stripe, key);
    bool done =
        tracked && (has_pair(stripe, tracked, tracker) || pair_new(tracking, stripe, tracked, tracker));
    spinlock_unlock(&stripe->lock);
    if (done) return 0;
    return tracking__raise_alarm(server); /* else it would keep for ever what it has read now */
}

bool tracking_wants(const struct session *session, const struct command *command)
{
    struct tracker *tracker = session->tracker;
    spinlock_lock(&tracker->lock);
    uint32_t flags = tracker->flags;
    spinlock_unlock(&tracker->lock);
    bool caching = flags & TRACKING_CACHING;
    if (!(flags & TRACKING_ON) || flags & TRACKING_BCAST || !(command->flags & COMMAND_READONLY))
        return false;
    return !(flags & TRACKING_OPTIN && !caching) && !(flags & TRACKING_OPTOUT && caching);
}

/* ---- changes ---- */

/* Where the tracker is told, if it wants to hear of keys changed by `by`. */
static bool is_told(struct tracker *tracker, uint64_t by, struct told *told_out)
{
    spinlock_lock(&tracker->lock);
    bool wants = tracker->flags & TRACKING_ON && !(tracker->flags & TRACKING_BCAST) &&
                 !(tracker->flags & TRACKING_NOLOOP && tracker->session_id == by);
    *told_out = (struct told){tracker, tracker->redirect,
                              tracker->redirect ? tracker->redirect_worker : tracker->worker_id};
    spinlock_unlock(&tracker->lock);
    return wants;
}

/* Tells the trackers of a key that is off the table, and frees it. */
static uint64_t tell_and_free(struct server_state *server, struct inbox_sender *sender,
                              struct tracked_key *key, uint64_t by)
{
    struct told *told = malloc((key->count + 1) * sizeof *told);
    size_t count = 0;
    for (uint32_t i = 0; i < key->count; i++) {
        struct tracker *tracker = key->pairs[i]->tracker;
        if (told && is_told(tracker, by, &told[count])) count++;
        else tracking__unref(tracker);
    }
    uint64_t targets = count > 0 ? tracking__tell(server, sender, key->name, told, count) : 0;
    if (!told) targets = tracking__raise_alarm(server);
    free(told);
    key_free(key);
    return targets;
}

uint64_t tracking_changed(struct server_state *server, struct inbox_sender *sender, const struct key *key,
                          uint64_t by)
{
    struct tracking *tracking = &server->tracking;
    struct tracking_stripe *stripe = &tracking->stripes[key->stripe];
    uint64_t targets = tracking__broadcast(server, sender, key->name, by);
    if (atomic_load_explicit(&stripe->key_count, memory_order_relaxed) == 0) return targets;
    spinlock_lock(&stripe->lock);
    struct tracked_key *tracked = key_find(stripe, key);
    if (tracked) key_detach(tracking, stripe, tracked);
    spinlock_unlock(&stripe->lock);
    return tracked ? targets | tell_and_free(server, sender, tracked, by) : targets;
}

static struct tracked_key *any_key(const struct tracking_stripe *stripe, uint64_t start)
{
    const struct chains *keys = &stripe->keys;
    for (size_t i = 0; keys->count > 0 && i < keys->bucket_count; i++) {
        struct chain_link *link = keys->buckets[(start + i) & (keys->bucket_count - 1)];
        if (link) return (struct tracked_key *)(void *)link;
    }
    return NULL;
}

static void forget_all(struct tracking *tracking, struct tracking_stripe *stripe)
{
    spinlock_lock(&stripe->lock);
    for (struct tracked_key *key; (key = any_key(stripe, 0));) {
        key_detach(tracking, stripe, key);
        for (uint32_t i = 0; i < key->count; i++)
            tracking__unref(key->pairs[i]->tracker);
        key_free(key);
    }
    spinlock_unlock(&stripe->lock);
}

void tracking__forget_keys(struct tracking *tracking)
{
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        forget_all(tracking, &tracking->stripes[i]);
}

uint64_t tracking_limit(struct server_state *server, struct inbox_sender *sender, uint64_t max_keys,
                        unsigned effort)
{
    struct tracking *tracking = &server->tracking;
    uint64_t targets = 0;
    uint64_t random = clock_ticks();
    for (;
         effort > 0 && max_keys > 0 && atomic_load_explicit(&tracking->keys, memory_order_relaxed) > max_keys;
         effort--) {
        random = hash_mix(random);
        struct tracking_stripe *stripe = &tracking->stripes[random % KEYSPACE_STRIPES];
        if (atomic_load_explicit(&stripe->key_count, memory_order_relaxed) == 0) continue;
        spinlock_lock(&stripe->lock);
        struct tracked_key *key = any_key(stripe, random >> 32);
        if (key) key_detach(tracking, stripe, key);
        spinlock_unlock(&stripe->lock);
        if (key) targets |= tell_and_free(server, sender, key, 0);
    }
    return targets;
}

void tracking_close(struct tracking *tracking)
{
    tracking__forget_keys(tracking);
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        chains_free(&tracking->stripes[i].keys);
        chains_free(&tracking->stripes[i].pairs);
    }
    tracking__forget_prefixes(tracking);
}
