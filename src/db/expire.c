/* expire.c: removes keys whose time has come, without visiting the others.
 *
 * A *pass* walks the segments of a stripe's tables and looks into those whose earliest_ms has come. Whoever
 * sets an expiry lowers both the stripe's earliest_ms and the pass's (keyspace__note_expiry), so at the end
 * of a pass its minimum becomes the stripe's, and until then nothing is due.
 *
 * Crash table: each batch is one transaction of removes (keyspace_change.c); the segment's earliest_ms is
 * stored with the last one. A bound that is too low costs a visit, no more.
 */
#include "db/keyspace_internal.h"
#include "util/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define STEP_WORK       2000 /* headers and volatile entries looked at; a segment begun is finished */
#define PREFETCH_AHEAD  12   /* slots whose entries' misses overlap */
#define NAMES_BYTES     512  /* the first room for names */
#define BATCH_KEYS      16   /* removed in one transaction */
#define SAMPLE_INTERVAL 16   /* steps of a stripe between two samples of the time to live */
#define SAMPLE_PICKS    4
#define SAMPLE_WEIGHT   8 /* share of a new sample in the mean: an eighth */

struct expiry {
    struct keyspace *keyspace;
    struct tx *tx;
    unsigned db;
    int64_t now_ms;
    unsigned max_keys;
    unsigned removed; /* committed */
    unsigned eased;   /* how often something was taken out of a collection */
    unsigned batch;   /* in the open transaction */
    unsigned work_left;
    char *names; /* of the keys in the open transaction: what happened, a length and the bytes of each */
    size_t names_len;
    size_t names_cap;
    keyspace_expired *callback;
    void *arg;
};

static void sample_ttl(struct keyspace *keyspace, unsigned db, int64_t ttl_ms)
{
    int64_t *mean = &keyspace->average_ttl_ms[db];
    int64_t old = __atomic_load_n(mean, __ATOMIC_RELAXED);
    __atomic_store_n(mean, old == 0 ? ttl_ms : old + (ttl_ms - old) / SAMPLE_WEIGHT, __ATOMIC_RELAXED);
}

struct note {
    enum keyspace_expiry how;
    size_t len; /* of the name, which follows */
};

/* Keeps the name of a key: what it stands in may be gone when it may be told. */
static enum error note_name(struct expiry *expiry, struct slice name, enum keyspace_expiry how)
{
    const struct note note = {how, name.len};
    size_t padded = (name.len + _Alignof(struct note) - 1) & ~(_Alignof(struct note) - 1);
    size_t needed = expiry->names_len + sizeof note + padded;
    if (expiry->callback == NULL) return ERROR_OK;
    if (needed > expiry->names_cap) {
        size_t cap = needed < NAMES_BYTES ? NAMES_BYTES : 2 * needed;
        char *grown = realloc(expiry->names, cap);
        if (grown == NULL) return ERROR_MEMORY;
        expiry->names = grown;
        expiry->names_cap = cap;
    }
    memcpy(expiry->names + expiry->names_len, &note, sizeof note);
    memcpy(expiry->names + expiry->names_len + sizeof note, name.ptr, name.len);
    expiry->names_len = needed;
    return ERROR_OK;
}

static void tell_names(struct expiry *expiry)
{
    for (size_t at = 0; at < expiry->names_len;) {
        const struct note *note = (const void *)(expiry->names + at);
        size_t padded = (note->len + _Alignof(struct note) - 1) & ~(_Alignof(struct note) - 1);
        expiry->callback(expiry->arg, expiry->db, (struct slice){(const char *)(note + 1), note->len}, note->how);
        at += sizeof *note + padded;
    }
    expiry->names_len = 0;
}

static void commit_batch(struct expiry *expiry)
{
    if (!tx_is_open(expiry->tx)) return;
    tx_commit(expiry->tx);
    tell_names(expiry);
    expiry->removed += expiry->batch;
    expiry->batch = 0;
}

static enum error remove_expired(struct expiry *expiry, const struct hashtable *table, unsigned stripe,
                                 struct hashtable_place place)
{
    struct entry *entry = (void *)(table->base + hashtable_slot_off(*place.slot));
    if (!tx_is_open(expiry->tx)) tx_begin(expiry->tx);
    enum error error = note_name(expiry, entry_key(entry), KEYSPACE_EXPIRED);
    if (error == ERROR_OK) error = keyspace__drop_entry(expiry->tx, expiry->keyspace, stripe, entry);
    if (error == ERROR_OK) error = hashtable_remove(expiry->tx, table, &place);
    if (error == ERROR_OK && ++expiry->batch == BATCH_KEYS) commit_batch(expiry);
    return error;
}

/* Moves the iterator that runs ahead. */
static void prefetch_next(const struct hashtable *table, struct hashtable_slots *ahead)
{
    const uint64_t *slot = hashtable_slots_next(table->base, ahead);
    if (slot != NULL && *slot & HASHTABLE_SLOT_VOLATILE)
        prefetch_read(table->base + hashtable_slot_off(*slot));
}

static bool is_full(const struct expiry *expiry)
{
    return expiry->removed + expiry->batch + expiry->eased >= expiry->max_keys;
}

/* Takes out of the collection at `place` what has expired inside it, in several transactions when it is much. *due_out: when
 * it is due again; INT64_MAX: never. */
static enum error ease(struct expiry *expiry, const struct hashtable *table, unsigned stripe,
                       struct hashtable_place place, int64_t *due_out)
{
    bool emptied = false;
    *due_out = expiry->now_ms;
    while (*due_out <= expiry->now_ms && !is_full(expiry)) {
        struct slice name = entry_key((const void *)(table->base + hashtable_slot_off(*place.slot)));
        struct key key = {name, hash_bytes(name, table->seed), stripe};
        if (!tx_is_open(expiry->tx)) tx_begin(expiry->tx);
        size_t names_before = expiry->names_len;
        enum error error = note_name(expiry, name, KEYSPACE_EASED);
        if (error == ERROR_OK)
            error = keyspace__expire_elements(expiry->tx, expiry->keyspace, expiry->db, table, &key, &place,
                                              expiry->now_ms, &emptied);
        if (error != ERROR_OK) return error;
        if (emptied && expiry->callback != NULL)
            ((struct note *)(void *)(expiry->names + names_before))->how = KEYSPACE_EMPTIED;
        *due_out = -1;
        if (!emptied)
            *due_out =
                entry_due_ms(table->heap, (const void *)(table->base + hashtable_slot_off(*place.slot)));
        if (*due_out < 0) *due_out = INT64_MAX;
        expiry->eased++;
        commit_batch(expiry);
    }
    return ERROR_OK;
}

/* Removes what has expired in one segment and corrects its earliest_ms. False: not done with it, come again.
 */
static bool expire_segment(struct expiry *expiry, const struct hashtable *table, unsigned stripe,
                           struct hashtable_segment_layout *segment)
{
    int64_t earliest_ms = INT64_MAX;
    struct hashtable_slots slots = {segment, 0}, ahead = slots;
    enum error error = ERROR_OK;
    for (unsigned i = 0; i < PREFETCH_AHEAD; i++)
        prefetch_next(table, &ahead);
    for (uint64_t *slot; (slot = hashtable_slots_next(table->base, &slots)) != NULL;) {
        prefetch_next(table, &ahead);
        if (!(*slot & HASHTABLE_SLOT_VOLATILE)) continue;
        if (expiry->work_left > 0) expiry->work_left--;
        struct hashtable_place place = {slot, segment};
        const struct entry *entry = (const void *)(table->base + hashtable_slot_off(*slot));
        int64_t at = entry_due_ms(table->heap, entry);
        bool expired = entry_is_expired(entry, expiry->now_ms);
        if (at <= expiry->now_ms && is_full(expiry)) {
            commit_batch(expiry);
            return false;
        }
        if (expired) error = remove_expired(expiry, table, stripe, place);
        else if (at <= expiry->now_ms) error = ease(expiry, table, stripe, place, &at);
        else if (entry_expire_ms(entry) >= 0)
            sample_ttl(expiry->keyspace, expiry->db, entry_expire_ms(entry) - expiry->now_ms);
        if (error != ERROR_OK) break;
        if (!expired && at < earliest_ms) earliest_ms = at;
    }
    if (error == ERROR_OK && earliest_ms != segment->earliest_ms) {
        if (!tx_is_open(expiry->tx)) tx_begin(expiry->tx);
        error = tx_store64(expiry->tx, (uint64_t *)(void *)&segment->earliest_ms, (uint64_t)earliest_ms);
    }
    if (error != ERROR_OK) {
        tx_abort(expiry->tx);
        expiry->batch = 0;
        expiry->names_len = 0;
        return false;
    }
    commit_batch(expiry);
    return true;
}

static void next_database(struct keyspace_stripe *stripe)
{
    stripe->expire_db++;
    stripe->expire_position = 0;
}

/* Looks at the segment where the pass stands and moves on. False: the step ends here. */
static bool expire_next(struct expiry *expiry, unsigned stripe)
{
    struct keyspace *keyspace = expiry->keyspace;
    struct keyspace_stripe *own = &keyspace->stripes[stripe];
    if (own->expire_db >= keyspace->databases) {
        atomic_store_explicit(&own->earliest_ms, own->pass_earliest_ms, memory_order_relaxed);
        own->pass_earliest_ms = INT64_MAX;
        own->expire_db = 0;
        return false;
    }
    expiry->work_left--;
    expiry->db = own->expire_db;
    struct hashtable table = keyspace__table(keyspace, expiry->db, stripe);
    if (hashtable_volatile_count(table.root) == 0) {
        next_database(own);
        return true;
    }
    uint64_t start = own->expire_position, next = start;
    struct hashtable_segment_layout *segment = hashtable_segment_at(&table, &next);
    bool due = segment->earliest_ms <= expiry->now_ms;
    if (due && !expire_segment(expiry, &table, stripe, segment)) return false;
    if (segment->earliest_ms < own->pass_earliest_ms) own->pass_earliest_ms = segment->earliest_ms;
    if (due) {
        tx_begin(expiry->tx);
        hashtable_shrink(expiry->tx, &table, start);
        tx_commit(expiry->tx);
    }
    own->expire_position = next;
    if (next == 0) next_database(own);
    return true;
}

/* Now and then looks at a few entries, so that the mean is known while nothing is due. */
static void sample_stripe(struct keyspace *keyspace, unsigned stripe, int64_t now_ms)
{
    struct keyspace_stripe *own = &keyspace->stripes[stripe];
    unsigned steps = atomic_fetch_add_explicit(&own->expire_steps, 1, memory_order_relaxed);
    if (steps % SAMPLE_INTERVAL != 0) return;
    for (unsigned db = 0; db < keyspace->databases; db++) {
        struct hashtable table = keyspace__table(keyspace, db, stripe);
        if (hashtable_volatile_count(table.root) == 0) continue;
        keyspace_lock(keyspace, stripe);
        for (unsigned i = 1; i <= SAMPLE_PICKS; i++) {
            const struct entry *entry =
                hashtable_random(&table, ((uint64_t)steps + i) * UINT64_C(0x9e3779b97f4a7c15));
            if (entry != NULL && entry_expire_ms(entry) > now_ms)
                sample_ttl(keyspace, db, entry_expire_ms(entry) - now_ms);
        }
        keyspace_unlock(keyspace, stripe);
    }
}

unsigned keyspace_expire_step(struct keyspace *keyspace, struct heap_thread *thread, unsigned stripe,
                              int64_t now_ms, unsigned max_keys, keyspace_expired *removed, void *arg)
{
    struct keyspace_stripe *own = &keyspace->stripes[stripe];
    sample_stripe(keyspace, stripe, now_ms);
    if (atomic_load_explicit(&own->earliest_ms, memory_order_relaxed) > now_ms || max_keys == 0) return 0;
    struct expiry expiry = {.keyspace = keyspace,
                            .tx = heap_thread_tx(thread),
                            .now_ms = now_ms,
                            .max_keys = max_keys,
                            .work_left = STEP_WORK,
                            .callback = removed,
                            .arg = arg};
    keyspace_lock(keyspace, stripe);
    while (expiry.work_left > 0 && expire_next(&expiry, stripe))
        continue;
    keyspace_unlock(keyspace, stripe);
    free(expiry.names);
    atomic_fetch_add_explicit(&keyspace->expired, expiry.removed, memory_order_relaxed);
    return expiry.removed + expiry.eased;
}
