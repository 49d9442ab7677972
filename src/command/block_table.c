/* block_table.c: chained hash tables of wanted keys and of waiters (block_table.h). */
#include "command/block_table.h"

#include "util/assert.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 16

static void count(_Atomic uint64_t *counter, int64_t change)
{
    atomic_fetch_add_explicit(counter, (uint64_t)change, memory_order_relaxed);
}

/* ---- buckets ---- */

static struct wanted_key **bucket_of(const struct block_table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static struct waiter **id_bucket_of(const struct block_table *table, uint64_t id)
{
    return &table->id_buckets[id & (table->id_bucket_count - 1)];
}

/* Without memory the chains grow longer instead; false when there are no buckets at all. */
static bool grow_keys(struct block_table *table)
{
    uint32_t old_count = table->bucket_count;
    struct wanted_key **old = table->buckets;
    if (atomic_load_explicit(&table->keys, memory_order_relaxed) < old_count) return true;
    uint32_t new_count = old_count ? old_count * 2 : BUCKETS_FIRST;
    struct wanted_key **buckets = calloc(new_count, sizeof(struct wanted_key *));
    if (!buckets) return old_count > 0;
    table->buckets = buckets;
    table->bucket_count = new_count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct wanted_key *wanted = old[i], *next; wanted; wanted = next) {
            next = wanted->next_in_bucket;
            struct wanted_key **bucket = bucket_of(table, wanted->key.hash);
            wanted->next_in_bucket = *bucket;
            *bucket = wanted;
        }
    }
    free(old);
    return true;
}

static bool grow_ids(struct block_table *table)
{
    uint32_t old_count = table->id_bucket_count;
    struct waiter **old = table->id_buckets;
    if (table->waiters < old_count) return true;
    uint32_t new_count = old_count ? old_count * 2 : BUCKETS_FIRST;
    struct waiter **buckets = calloc(new_count, sizeof(struct waiter *));
    if (!buckets) return old_count > 0;
    table->id_buckets = buckets;
    table->id_bucket_count = new_count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct waiter *waiter = old[i], *next; waiter; waiter = next) {
            next = waiter->next_of_id;
            struct waiter **bucket = id_bucket_of(table, waiter->as_of.id);
            waiter->next_of_id = *bucket;
            *bucket = waiter;
        }
    }
    free(old);
    return true;
}

/* ---- wanted keys ---- */

static bool is_name(const struct wanted_key *wanted, const struct key *key)
{
    return wanted->key.hash == key->hash && slice_equal(wanted->key.name, key->name);
}

struct wanted_key *block_table_find(const struct block_table *table, unsigned db, const struct key *key)
{
    if (table->bucket_count == 0) return NULL;
    for (struct wanted_key *at = *bucket_of(table, key->hash); at; at = at->next_in_bucket)
        if (at->db == db && is_name(at, key)) return at;
    return NULL;
}

bool block_table_wants(const struct block_table *table, const struct key *key)
{
    if (table->bucket_count == 0) return false;
    for (const struct wanted_key *at = *bucket_of(table, key->hash); at; at = at->next_in_bucket)
        if (is_name(at, key)) return true;
    return false;
}

static struct wanted_key *wanted_new(struct block_table *table, unsigned db, const struct key *key)
{
    struct wanted_key *wanted = malloc(sizeof *wanted + key->name.len);
    if (!wanted) return NULL;
    char *name = (char *)(wanted + 1);
    if (key->name.len > 0) memcpy(name, key->name.ptr, key->name.len);
    *wanted = (struct wanted_key){.db = db, .key = *key};
    wanted->key.name.ptr = name;
    struct wanted_key **bucket = bucket_of(table, key->hash);
    wanted->next_in_bucket = *bucket;
    *bucket = wanted;
    count(&table->keys, 1);
    atomic_fetch_add_explicit(&table->stripes[key->stripe].key_count, 1, memory_order_relaxed);
    return wanted;
}

static void unmark(struct block_table *table, struct wanted_key *wanted)
{
    if (!wanted->ready) return;
    *(wanted->prev_ready ? &wanted->prev_ready->next_ready : &table->first_ready) = wanted->next_ready;
    *(wanted->next_ready ? &wanted->next_ready->prev_ready : &table->last_ready) = wanted->prev_ready;
    wanted->ready = false;
}

/* K3 */
static void settle(struct block_table *table, struct wanted_key *wanted)
{
    if (wanted->first || wanted->kept || wanted == &table->durable) return;
    unmark(table, wanted);
    struct wanted_key **at = bucket_of(table, wanted->key.hash);
    while (*at != wanted)
        at = &(*at)->next_in_bucket;
    *at = wanted->next_in_bucket;
    count(&table->keys, -1);
    atomic_fetch_sub_explicit(&table->stripes[wanted->key.stripe].key_count, 1, memory_order_relaxed);
    free(wanted);
}

void block_table_mark_ready(struct block_table *table, struct wanted_key *wanted)
{
    if (wanted->ready) return;
    wanted->ready = true;
    wanted->next_ready = NULL;
    wanted->prev_ready = table->last_ready;
    *(table->last_ready ? &table->last_ready->next_ready : &table->first_ready) = wanted;
    table->last_ready = wanted;
}

struct wanted_key *block_table_take_ready(struct block_table *table)
{
    struct wanted_key *wanted = table->first_ready;
    if (!wanted) return NULL;
    unmark(table, wanted);
    wanted->kept = true;
    return wanted;
}

void block_table_let_go(struct block_table *table, struct wanted_key *wanted)
{
    wanted->kept = false;
    settle(table, wanted);
}

void block_table_visit(struct block_table *table, void (*visit)(void *arg, struct wanted_key *wanted),
                       void *arg)
{
    for (uint32_t i = 0; i < table->bucket_count; i++)
        for (struct wanted_key *at = table->buckets[i]; at; at = at->next_in_bucket)
            visit(arg, at);
}

/* ---- queues ---- */

static void enqueue(struct block_table *table, struct waiter *waiter, struct wanted_key *wanted)
{
    if (wanted->last && wanted->last->waiter == waiter) return; /* a key that was given twice (K2) */
    struct block_link *link = &waiter->links[waiter->link_count++];
    *link = (struct block_link){.prev = wanted->last, .wanted = wanted, .waiter = waiter};
    *(wanted->last ? &wanted->last->next : &wanted->first) = link;
    wanted->last = link;
    if (waiter->if_gone && wanted->if_gone++ == 0) count(&table->keys_if_gone, 1);
}

static void dequeue(struct block_table *table, struct block_link *link)
{
    struct wanted_key *wanted = link->wanted;
    *(link->prev ? &link->prev->next : &wanted->first) = link->next;
    *(link->next ? &link->next->prev : &wanted->last) = link->prev;
    if (link->waiter->if_gone && --wanted->if_gone == 0) count(&table->keys_if_gone, -1);
    settle(table, wanted);
}

static void leave_queues(struct block_table *table, struct waiter *waiter)
{
    for (size_t i = 0; i < waiter->link_count; i++)
        dequeue(table, &waiter->links[i]);
    waiter->link_count = 0;
}

/* ---- waiters ---- */

struct waiter *block_table_waiter_new(struct kept_command *command, size_t keys)
{
    struct waiter *waiter = calloc(1, sizeof *waiter + (keys + 1) * sizeof waiter->links[0]);
    if (!waiter) return NULL;
    waiter->command = command;
    resp_out_init(&waiter->reply);
    return waiter;
}

void block_table_waiter_free(struct waiter *waiter)
{
    if (waiter->home && !waiter->posted) inbox_message_free(waiter->home);
    free(waiter->command);
    resp_out_free(&waiter->reply);
    free(waiter);
}

bool block_table_add(struct block_table *table, struct waiter *waiter, size_t key_count)
{
    const struct key *keys = waiter->command->keys;
    bool room = grow_ids(table);
    for (size_t i = 0; room && i < key_count; i++) {
        room = grow_keys(table);
        struct wanted_key *wanted = room ? block_table_find(table, waiter->as_of.db, &keys[i]) : NULL;
        if (room && !wanted) wanted = wanted_new(table, waiter->as_of.db, &keys[i]);
        room = wanted != NULL;
        if (room) enqueue(table, waiter, wanted);
    }
    if (!room) {
        leave_queues(table, waiter);
        return false;
    }
    if (waiter->kind == BLOCK_DURABLE) enqueue(table, waiter, &table->durable);
    struct waiter **bucket = id_bucket_of(table, waiter->as_of.id);
    waiter->next_of_id = *bucket;
    *bucket = waiter;
    table->waiters++;
    waiter->waits = true;
    count(&table->waiting, 1);
    if (waiter->deadline_ms) count(&table->with_deadline, 1);
    return true;
}

void block_table_claim(struct block_table *table, struct waiter *waiter)
{
    ASSERT(waiter->waits);
    waiter->waits = false;
    leave_queues(table, waiter);
    count(&table->waiting, -1);
    if (waiter->deadline_ms) count(&table->with_deadline, -1);
}

struct waiter *block_table_of_session(const struct block_table *table, uint64_t session_id)
{
    if (table->id_bucket_count == 0) return NULL;
    for (struct waiter *at = *id_bucket_of(table, session_id); at; at = at->next_of_id)
        if (at->as_of.id == session_id && at->waits) return at;
    return NULL;
}

void block_table_drop(struct block_table *table, struct waiter *waiter)
{
    struct waiter **at = id_bucket_of(table, waiter->as_of.id);
    while (*at != waiter)
        at = &(*at)->next_of_id;
    *at = waiter->next_of_id;
    table->waiters--;
    block_table_waiter_free(waiter);
}

void block_table_close(struct block_table *table)
{
    for (uint32_t i = 0; i < table->id_bucket_count; i++) {
        for (struct waiter *waiter = table->id_buckets[i], *next; waiter; waiter = next) {
            next = waiter->next_of_id;
            if (waiter->waits) block_table_claim(table, waiter);
            block_table_waiter_free(waiter);
        }
    }
    free(table->buckets);
    free(table->id_buckets);
    table->buckets = NULL;
    table->id_buckets = NULL;
    table->bucket_count = table->id_bucket_count = 0;
}
