/* keyspace_visit.c: SCAN and RANDOMKEY.
 *
 * A SCAN cursor is the stripe in the high 8 bits and the highest 56 bits of the first hash not yet visited.
 * Tables are visited in hash order, and what grows, splits or merges keeps that order; a cursor that falls
 * inside a bucket visits the bucket again.
 */
#include "db/keyspace_internal.h"

#include <stdlib.h>
#include <string.h>

#define CURSOR_STRIPE_SHIFT 56
#define BUCKETS_PER_ENTRY   10  /* visited at most for each entry asked for, however empty they are */
#define RANDOM_PICKS        100 /* entries looked at before the stripes are searched for a live one */

struct scan {
    keyspace_visit *visit;
    void *arg;
    uint64_t visited;
    bool stopped;
};

static bool scan_entry(void *arg, struct entry *entry)
{
    struct scan *scan = arg;
    scan->visited++;
    scan->stopped = !scan->visit(scan->arg, entry);
    return !scan->stopped;
}

uint64_t keyspace_scan(struct keyspace *keyspace, unsigned db, uint64_t cursor, uint64_t count, bool locked,
                       keyspace_visit *visit, void *arg)
{
    struct scan scan = {.visit = visit, .arg = arg};
    uint64_t buckets_left = count < UINT64_MAX / BUCKETS_PER_ENTRY ? count * BUCKETS_PER_ENTRY : UINT64_MAX;
    uint64_t position = cursor << HASHTABLE_CURSOR_DROPPED;
    for (uint64_t stripe = cursor >> CURSOR_STRIPE_SHIFT; stripe < KEYSPACE_STRIPES; stripe++) {
        struct hashtable table = keyspace__table(keyspace, db, (unsigned)stripe);
        if (hashtable_count(table.root) > 0) {
            bool more = true, enough = false;
            if (!locked) keyspace_lock(keyspace, (unsigned)stripe);
            while (more && !enough) {
                more = hashtable_scan(&table, &position, scan_entry, &scan);
                enough = scan.visited >= count || --buckets_left == 0;
            }
            if (!locked) keyspace_unlock(keyspace, (unsigned)stripe);
            if (more || scan.stopped) return stripe << CURSOR_STRIPE_SHIFT | position >> HASHTABLE_CURSOR_DROPPED;
            if (enough) return (stripe + 1) % KEYSPACE_STRIPES << CURSOR_STRIPE_SHIFT;
        }
        position = 0;
    }
    return 0;
}

/* The next number of a splitmix64 sequence. */
static uint64_t next_random(struct keyspace *keyspace)
{
    return hash_mix(keyspace->seed + atomic_fetch_add_explicit(&keyspace->random, 1, memory_order_relaxed));
}

/* A stripe, weighted by its entries; KEYSPACE_STRIPES when all are empty. */
static unsigned random_stripe(struct keyspace *keyspace, unsigned db)
{
    uint64_t size = keyspace_size(keyspace, db);
    if (size == 0) return KEYSPACE_STRIPES;
    uint64_t rank = next_random(keyspace) % size;
    unsigned last = KEYSPACE_STRIPES;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        uint64_t count = hashtable_count(keyspace__root(keyspace, db, i));
        if (count == 0) continue;
        last = i;
        if (rank < count) break;
        rank -= count;
    }
    return last;
}

/* A live entry's name, copied for the caller of keyspace_random. */
struct pick {
    int64_t now_ms;
    char *name;
    size_t len;
};

/* Ends the visit at the first live entry. */
static bool pick_live(void *arg, struct entry *entry)
{
    struct pick *pick = arg;
    if (entry_is_expired(entry, pick->now_ms)) return true;
    struct slice key = entry_key(entry);
    pick->name = malloc(key.len + 1);
    if (pick->name == NULL) return true;
    memcpy(pick->name, key.ptr, key.len);
    pick->len = key.len;
    return false;
}

/* The first live entry of the stripe, when random ones were all expired. */
static void pick_first(const struct hashtable *table, struct pick *pick)
{
    uint64_t position = 0;
    while (hashtable_scan(table, &position, pick_live, pick)) {
    }
}

bool keyspace_random(struct keyspace *keyspace, unsigned db, bool locked, int64_t now_ms, char **name_out,
                     size_t *len_out)
{
    struct pick pick = {.now_ms = now_ms};
    for (unsigned i = 0; i < RANDOM_PICKS + KEYSPACE_STRIPES && pick.name == NULL; i++) {
        bool at_random = i < RANDOM_PICKS;
        unsigned stripe = at_random ? random_stripe(keyspace, db) : i - RANDOM_PICKS;
        if (stripe == KEYSPACE_STRIPES) return false;
        if (!locked) keyspace_lock(keyspace, stripe);
        struct hashtable table = keyspace__table(keyspace, db, stripe);
        struct entry *entry = at_random ? hashtable_random(&table, next_random(keyspace)) : NULL;
        if (entry != NULL) (void)pick_live(&pick, entry);
        else if (!at_random) pick_first(&table, &pick);
        if (!locked) keyspace_unlock(keyspace, stripe);
    }
    *name_out = pick.name;
    *len_out = pick.len;
    return pick.name != NULL;
}
