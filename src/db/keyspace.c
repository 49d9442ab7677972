/* keyspace.c: opening the keyspace, names and stripes, locks, hints, counts.
 *
 * Crash table
 *   create  databases' blocks and the root's block are new objects; heap root 0 publishes them
 *   widen   the same with a longer copy of the root's block; the old one is freed at commit
 */
#include "db/keyspace_internal.h"
#include "util/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define KEYSPACE_ROOT 0 /* of the heap */

static size_t layout_bytes(uint64_t databases)
{
    return sizeof(struct keyspace_layout) + (size_t)databases * sizeof(uint64_t);
}

static enum error new_database(struct tx *tx, uint64_t *off_out)
{
    enum error error = heap_alloc(tx, sizeof(struct keyspace_database_layout), off_out);
    if (error == ERROR_OK)
        tx_fill(tx, heap_ptr(heap_of(tx), *off_out), 0, sizeof(struct keyspace_database_layout));
    return error;
}

/* A root block for `databases`, taking over what `old` (or NULL) has. */
static enum error new_layout(struct tx *tx, const struct keyspace_layout *old, unsigned databases)
{
    struct heap *heap = heap_of(tx);
    uint64_t off, kept = old == NULL ? 0 : old->databases;
    enum error error = heap_alloc(tx, layout_bytes(databases), &off);
    if (error != ERROR_OK) return error;
    struct keyspace_layout *layout = heap_ptr(heap, off);
    struct keyspace_layout head = {.magic = KEYSPACE_MAGIC,
                                   .version = KEYSPACE_VERSION,
                                   .stripes = KEYSPACE_STRIPES,
                                   .databases = databases};
    if (old != NULL) memcpy(head.reclaim, old->reclaim, sizeof(head.reclaim));
    tx_write(tx, layout, &head, sizeof(head));
    if (kept > 0) tx_write(tx, layout->database, old->database, kept * sizeof(uint64_t));
    for (uint64_t i = kept; i < databases; i++) {
        uint64_t database;
        error = new_database(tx, &database);
        if (error != ERROR_OK) return error;
        tx_write64(tx, &layout->database[i], database);
    }
    return heap_root_set(tx, KEYSPACE_ROOT, heap_off_make(off, 0));
}

/* ERROR_CORRUPT unless the root and its databases make sense. O(databases). */
static enum error validate_layout(const struct heap *heap, uint64_t off)
{
    if (off % 8 != 0 || !heap_holds(heap, off, sizeof(struct keyspace_layout))) return ERROR_CORRUPT;
    const struct keyspace_layout *layout = heap_ptr(heap, off);
    if (layout->magic != KEYSPACE_MAGIC) return ERROR_CORRUPT;
    if (layout->version != KEYSPACE_VERSION || layout->stripes != KEYSPACE_STRIPES) return ERROR_VERSION;
    if (layout->databases == 0 || layout->databases > KEYSPACE_DATABASES_MAX ||
        !heap_holds(heap, off, layout_bytes(layout->databases)))
        return ERROR_CORRUPT;
    for (uint64_t i = 0; i < layout->databases; i++) {
        uint64_t database = layout->database[i];
        if (database == 0 || database % 8 != 0 ||
            !heap_holds(heap, database, sizeof(struct keyspace_database_layout)))
            return ERROR_CORRUPT;
    }
    return ERROR_OK;
}

/* Makes heap root 0 a valid layout with at least `databases`. */
static enum error open_layout(struct heap *heap, struct heap_thread *thread, unsigned databases)
{
    uint64_t off = heap_off_get(heap_root(heap, KEYSPACE_ROOT));
    const struct keyspace_layout *old = NULL;
    if (off != 0) {
        enum error error = validate_layout(heap, off);
        if (error != ERROR_OK) return error;
        old = heap_ptr(heap, off);
        if (old->databases >= databases) return ERROR_OK;
    }
    struct tx *tx = heap_thread_tx(thread);
    tx_begin(tx);
    enum error error = new_layout(tx, old, databases);
    if (error == ERROR_OK && old != NULL) error = heap_free(tx, off);
    if (error == ERROR_OK) tx_commit(tx);
    else tx_abort(tx);
    return error;
}

void keyspace__restart_expiry(struct keyspace *keyspace)
{
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        struct keyspace_stripe *stripe = &keyspace->stripes[i];
        atomic_store_explicit(&stripe->earliest_ms, 0, memory_order_relaxed);
        stripe->expire_db = 0;
        stripe->expire_position = 0;
        stripe->pass_earliest_ms = INT64_MAX;
    }
}

enum error keyspace_open(struct heap *heap, struct heap_thread *thread, unsigned databases,
                         struct keyspace **keyspace_out)
{
    *keyspace_out = NULL;
    if (databases > KEYSPACE_DATABASES_MAX) return ERROR_TOO_LARGE;
    enum error error = open_layout(heap, thread, databases > 0 ? databases : 1);
    if (error != ERROR_OK) return error;
    struct keyspace_layout *layout = heap_ptr(heap, heap_off_get(heap_root(heap, KEYSPACE_ROOT)));
    if (databases == 0) databases = (unsigned)layout->databases;
    struct keyspace *keyspace = aligned_alloc(64, sizeof(*keyspace));
    int64_t *average_ttl_ms = calloc(databases, sizeof(*average_ttl_ms));
    if (keyspace == NULL || average_ttl_ms == NULL) {
        free(keyspace);
        free(average_ttl_ms);
        return ERROR_MEMORY;
    }
    memset(keyspace, 0, sizeof(*keyspace));
    keyspace->heap = heap;
    keyspace->base = heap_base(heap);
    keyspace->layout = layout;
    keyspace->databases = databases;
    keyspace->average_ttl_ms = average_ttl_ms;
    memcpy(&keyspace->seed, heap_seed(heap), sizeof(keyspace->seed));
    keyspace__restart_expiry(keyspace);
    atomic_store_explicit(&keyspace->mapped_bytes, heap_end(heap), memory_order_relaxed);
    *keyspace_out = keyspace;
    return ERROR_OK;
}

void keyspace_close(struct keyspace *keyspace)
{
    if (keyspace == NULL) return;
    free(keyspace->average_ttl_ms);
    free(keyspace);
}

unsigned keyspace_databases(const struct keyspace *keyspace)
{
    return keyspace->databases;
}

struct heap *keyspace_heap(const struct keyspace *keyspace)
{
    return keyspace->heap;
}

/* ---- names ---- */

/* The bytes between the first { and the next }, when there are any. */
static bool hash_tag(struct slice name, struct slice *tag_out)
{
    const char *open = memchr(name.ptr, '{', name.len);
    if (open == NULL) return false;
    size_t rest = name.len - (size_t)(open + 1 - name.ptr);
    const char *close = memchr(open + 1, '}', rest);
    if (close == NULL || close == open + 1) return false;
    *tag_out = (struct slice){open + 1, (size_t)(close - open - 1)};
    return true;
}

struct key keyspace_key(const struct keyspace *keyspace, struct slice name)
{
    struct key key = {.name = name, .hash = hash_bytes(name, keyspace->seed)};
    struct slice tag;
    uint64_t stripe = key.hash;
    if (name.len > 0 && hash_tag(name, &tag)) stripe = hash_bytes(tag, keyspace->seed);
    key.stripe = (unsigned)(stripe % KEYSPACE_STRIPES);
    return key;
}

/* ---- locks ---- */

void keyspace_lock(struct keyspace *keyspace, unsigned stripe)
{
    spinlock_lock(&keyspace->stripes[stripe].lock);
}

void keyspace_unlock(struct keyspace *keyspace, unsigned stripe)
{
    spinlock_unlock(&keyspace->stripes[stripe].lock);
}

void keyspace_lock_set(struct keyspace *keyspace, uint64_t stripes)
{
    for (; stripes != 0; stripes &= stripes - 1)
        keyspace_lock(keyspace, (unsigned)__builtin_ctzll(stripes));
}

void keyspace_unlock_set(struct keyspace *keyspace, uint64_t stripes)
{
    for (; stripes != 0; stripes &= stripes - 1)
        keyspace_unlock(keyspace, (unsigned)__builtin_ctzll(stripes));
}

/* ---- hints ---- */

static uint64_t mapped_bytes(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&keyspace->mapped_bytes, memory_order_relaxed);
}

void keyspace_prefetch_directory(const struct keyspace *keyspace, unsigned db, const struct key *key)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    hashtable_prefetch_directory(&table, key->hash, mapped_bytes(keyspace));
}

void keyspace_prefetch_bucket(const struct keyspace *keyspace, unsigned db, const struct key *key)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    hashtable_prefetch_bucket(&table, key->hash, mapped_bytes(keyspace));
}

void keyspace_prefetch_entry(const struct keyspace *keyspace, unsigned db, const struct key *key)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    hashtable_prefetch_entry(&table, key->hash, mapped_bytes(keyspace));
}

struct keyspace_hint keyspace_hint_element(const struct keyspace *keyspace, unsigned db, const struct key *key,
                                           struct slice element)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct keyspace_hint hint = {.table = hashtable_hint_elements(&table, key->hash, mapped_bytes(keyspace))};
    if (hint.table == NULL) return hint;
    hint.hash = hash_bytes(element, keyspace->seed);
    prefetch_read(hint.table);
    return hint;
}

static struct hashtable elements_of(const struct keyspace *keyspace, const struct keyspace_hint *hint)
{
    return (struct hashtable){keyspace->heap, keyspace->base, hint->table, hash_bytes, keyspace->seed};
}

void keyspace_prefetch_element_directory(const struct keyspace *keyspace, const struct keyspace_hint *hint)
{
    struct hashtable table = elements_of(keyspace, hint);
    hashtable_prefetch_directory(&table, hint->hash, mapped_bytes(keyspace));
}

void keyspace_prefetch_element_bucket(const struct keyspace *keyspace, const struct keyspace_hint *hint)
{
    struct hashtable table = elements_of(keyspace, hint);
    hashtable_prefetch_bucket(&table, hint->hash, mapped_bytes(keyspace));
}

void keyspace_prefetch_element_entry(const struct keyspace *keyspace, const struct keyspace_hint *hint)
{
    struct hashtable table = elements_of(keyspace, hint);
    hashtable_prefetch_entry(&table, hint->hash, mapped_bytes(keyspace));
}

void keyspace_follow_growth(struct keyspace *keyspace)
{
    uint64_t end = heap_end(keyspace->heap);
    if (end > 0) keyspace__note_mapped(keyspace, end - 1);
}

/* ---- lookup and counts ---- */

struct entry *keyspace_find(const struct keyspace *keyspace, unsigned db, const struct key *key)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    return hashtable_find(&table, key->hash, key->name, &place);
}

uint64_t keyspace_size(const struct keyspace *keyspace, unsigned db)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        sum += hashtable_count(keyspace__root(keyspace, db, i));
    return sum;
}

uint64_t keyspace_volatile_size(const struct keyspace *keyspace, unsigned db)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        sum += hashtable_volatile_count(keyspace__root(keyspace, db, i));
    return sum;
}

int64_t keyspace_average_ttl_ms(const struct keyspace *keyspace, unsigned db)
{
    if (keyspace_volatile_size(keyspace, db) == 0) return 0;
    return __atomic_load_n(&keyspace->average_ttl_ms[db], __ATOMIC_RELAXED);
}

uint64_t keyspace_expired_count(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&keyspace->expired, memory_order_relaxed);
}
