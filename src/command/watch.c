/* watch.c: a chained hash table of watched keys for each stripe (watch.h).
 *
 * A watched key is on two lists: its bucket's, under the table's lock of its stripe, and its watcher's, which belongs to the
 * connection's thread.
 */
#include "command/watch.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 8

struct watched_key {
    struct watched_key *next_in_bucket;
    struct watched_key *next_of_watcher;
    struct watcher *watcher;
    struct key key; /* its name stands behind the struct */
    unsigned db;
    bool stale; /* since it is watched */
};

struct watcher {
    struct watch_table *table;
    struct watched_key *first;
    size_t key_count;
    size_t bytes; /* of all keys */
    uint64_t stripes;
    atomic_bool dirty;
};

void watch_table_close(struct watch_table *table)
{
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        free(table->stripes[i].buckets);
        table->stripes[i].buckets = NULL;
        table->stripes[i].bucket_count = 0;
    }
}

/* ---- buckets: under the stripe's lock ---- */

static struct watched_key **bucket_of(const struct watch_stripe *stripe, uint64_t hash)
{
    return &stripe->buckets[hash & (stripe->bucket_count - 1)];
}

/* Without memory the chains grow longer instead; false when there are no buckets at all. */
static bool grow(struct watch_stripe *stripe)
{
    uint32_t count = stripe->bucket_count ? stripe->bucket_count * 2 : BUCKETS_FIRST;
    struct watched_key **buckets = calloc(count, sizeof(struct watched_key *));
    struct watch_stripe grown = {.bucket_count = count, .buckets = buckets};
    if (!buckets) return stripe->bucket_count > 0;
    for (uint32_t i = 0; i < stripe->bucket_count; i++) {
        for (struct watched_key *watched = stripe->buckets[i], *next; watched; watched = next) {
            next = watched->next_in_bucket;
            struct watched_key **bucket = bucket_of(&grown, watched->key.hash);
            watched->next_in_bucket = *bucket;
            *bucket = watched;
        }
    }
    free(stripe->buckets);
    stripe->buckets = buckets;
    stripe->bucket_count = count;
    return true;
}

static bool is_key(const struct watched_key *watched, unsigned db, const struct key *key)
{
    return watched->key.hash == key->hash && watched->db == db && slice_equal(watched->key.name, key->name);
}

static bool is_watched_by(const struct watch_stripe *stripe, const struct watcher *watcher, unsigned db,
                          const struct key *key)
{
    if (stripe->bucket_count == 0) return false;
    for (const struct watched_key *at = *bucket_of(stripe, key->hash); at; at = at->next_in_bucket)
        if (at->watcher == watcher && is_key(at, db, key)) return true;
    return false;
}

/* ---- one connection ---- */

static struct watcher *watcher_new(struct watch_table *table)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher) return NULL;
    watcher->table = table;
    atomic_fetch_add_explicit(&table->watchers, 1, memory_order_relaxed);
    return watcher;
}

static struct watched_key *watched_key_new(struct watcher *watcher, unsigned db, const struct key *key,
                                           bool stale)
{
    struct watched_key *watched = malloc(sizeof *watched + key->name.len);
    if (!watched) return NULL;
    char *name = (char *)(watched + 1);
    memcpy(name, key->name.ptr, key->name.len);
    *watched = (struct watched_key){.watcher = watcher, .key = *key, .db = db, .stale = stale};
    watched->key.name.ptr = name;
    return watched;
}

/* On both lists. */
static void link_key(struct watcher *watcher, struct watch_stripe *stripe, struct watched_key *watched)
{
    struct watched_key **bucket = bucket_of(stripe, watched->key.hash);
    watched->next_in_bucket = *bucket;
    *bucket = watched;
    watched->next_of_watcher = watcher->first;
    watcher->first = watched;
    watcher->key_count++;
    watcher->bytes += sizeof *watched + watched->key.name.len;
    watcher->stripes |= UINT64_C(1) << watched->key.stripe;
    atomic_fetch_add_explicit(&stripe->key_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&watcher->table->keys, 1, memory_order_relaxed);
}

enum error watch_add(struct watcher **watcher, struct watch_table *table, unsigned db, const struct key *key,
                     bool stale)
{
    if (!*watcher) *watcher = watcher_new(table);
    if (!*watcher) return ERROR_MEMORY;
    struct watch_stripe *stripe = &table->stripes[key->stripe];
    enum error error = ERROR_OK;
    spinlock_lock(&stripe->lock);
    if (!is_watched_by(stripe, *watcher, db, key)) {
        bool full = atomic_load_explicit(&stripe->key_count, memory_order_relaxed) >= stripe->bucket_count;
        struct watched_key *watched =
            full && !grow(stripe) ? NULL : watched_key_new(*watcher, db, key, stale);
        if (watched) link_key(*watcher, stripe, watched);
        else error = ERROR_MEMORY;
    }
    spinlock_unlock(&stripe->lock);
    return error;
}

static void unlink_key(struct watch_table *table, struct watched_key *watched)
{
    struct watch_stripe *stripe = &table->stripes[watched->key.stripe];
    spinlock_lock(&stripe->lock);
    struct watched_key **at = bucket_of(stripe, watched->key.hash);
    while (*at != watched)
        at = &(*at)->next_in_bucket;
    *at = watched->next_in_bucket;
    atomic_fetch_sub_explicit(&stripe->key_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&table->keys, 1, memory_order_relaxed);
    spinlock_unlock(&stripe->lock);
}

void watch_end(struct watcher **watcher)
{
    if (!*watcher) return;
    struct watch_table *table = (*watcher)->table;
    for (struct watched_key *watched = (*watcher)->first, *next; watched; watched = next) {
        next = watched->next_of_watcher;
        unlink_key(table, watched);
        free(watched);
    }
    atomic_fetch_sub_explicit(&table->watchers, 1, memory_order_relaxed);
    free(*watcher);
    *watcher = NULL;
}

size_t watch_key_count(const struct watcher *watcher)
{
    return watcher ? watcher->key_count : 0;
}

size_t watch_bytes(const struct watcher *watcher)
{
    return watcher ? sizeof *watcher + watcher->bytes : 0;
}

uint64_t watch_stripes(const struct watcher *watcher)
{
    return watcher ? watcher->stripes : 0;
}

bool watch_is_dirty(const struct watcher *watcher)
{
    return watcher && atomic_load_explicit(&watcher->dirty, memory_order_relaxed);
}

static bool is_stale(const struct keyspace *keyspace, unsigned db, const struct key *key, int64_t now_ms)
{
    const struct entry *entry = keyspace_find(keyspace, db, key);
    return entry && entry_is_expired(entry, now_ms);
}

bool watch_is_stale(const struct watcher *watcher, const struct keyspace *keyspace, int64_t now_ms)
{
    if (!watcher) return false;
    for (const struct watched_key *at = watcher->first; at; at = at->next_of_watcher)
        if (!at->stale && is_stale(keyspace, at->db, &at->key, now_ms)) return true;
    return false;
}

static void set_dirty(struct watcher *watcher, bool dirty)
{
    atomic_store_explicit(&watcher->dirty, dirty, memory_order_relaxed);
}

void watch_forgive(struct watcher *watcher)
{
    if (watcher) set_dirty(watcher, false);
}

/* ---- changes ---- */

void watch_touch(struct watch_table *table, unsigned db, const struct key *key, bool expired)
{
    struct watch_stripe *stripe = &table->stripes[key->stripe];
    spinlock_lock(&stripe->lock);
    struct watched_key *at = stripe->bucket_count ? *bucket_of(stripe, key->hash) : NULL;
    for (; at; at = at->next_in_bucket) {
        if (!is_key(at, db, key)) continue;
        if (!at->stale || !expired) set_dirty(at->watcher, true);
        at->stale = false;
    }
    spinlock_unlock(&stripe->lock);
}

void watch_touch_name(struct watch_table *table, const struct keyspace *keyspace, unsigned db,
                      struct slice name, bool expired)
{
    if (atomic_load_explicit(&table->keys, memory_order_relaxed) == 0) return; /* saves the hash */
    struct key key = keyspace_key(keyspace, name);
    if (watch_has_keys(table, key.stripe)) watch_touch(table, db, &key, expired);
}

/* Calls change(arg, key) for each watched key of all databases. */
static void visit_all(struct watch_table *table, void (*change)(void *arg, struct watched_key *watched),
                      void *arg)
{
    if (atomic_load_explicit(&table->keys, memory_order_relaxed) == 0) return;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        struct watch_stripe *stripe = &table->stripes[i];
        spinlock_lock(&stripe->lock);
        for (uint32_t bucket = 0; bucket < stripe->bucket_count; bucket++)
            for (struct watched_key *at = stripe->buckets[bucket]; at; at = at->next_in_bucket)
                change(arg, at);
        spinlock_unlock(&stripe->lock);
    }
}

struct flush {
    const struct keyspace *keyspace;
    unsigned db;
};

static void flush_key(void *arg, struct watched_key *watched)
{
    const struct flush *flush = arg;
    if (watched->db != flush->db || !keyspace_find(flush->keyspace, watched->db, &watched->key)) return;
    if (!watched->stale) set_dirty(watched->watcher, true);
    watched->stale = false;
}

void watch_flush(struct watch_table *table, const struct keyspace *keyspace, unsigned db)
{
    visit_all(table, flush_key, &(struct flush){keyspace, db});
}

struct swap {
    const struct keyspace *keyspace;
    unsigned a, b;
    int64_t now_ms;
};

/* For the client a stale key is as good as none: one may take the place of the other. */
static void swap_key(void *arg, struct watched_key *watched)
{
    const struct swap *swap = arg;
    if (watched->db != swap->a && watched->db != swap->b) return;
    unsigned other = watched->db == swap->a ? swap->b : swap->a;
    bool was_there = keyspace_find(swap->keyspace, watched->db, &watched->key) != NULL;
    bool comes = keyspace_find(swap->keyspace, other, &watched->key) != NULL;
    bool comes_stale = is_stale(swap->keyspace, other, &watched->key, swap->now_ms);
    bool was_nothing = !was_there || watched->stale;
    bool is_nothing = !comes || comes_stale;
    if (!was_nothing || !is_nothing) set_dirty(watched->watcher, true);
    watched->stale = comes_stale;
}

void watch_swap(struct watch_table *table, const struct keyspace *keyspace, unsigned a, unsigned b,
                int64_t now_ms)
{
    if (a != b) visit_all(table, swap_key, &(struct swap){keyspace, a, b, now_ms});
}
