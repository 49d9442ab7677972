/* evict.c: sampling, the pool of candidates, and removal (evict.h).
 *
 * A *share* is a stripe of a database with the number of keys that may go from all stripes up to it: a random
 * number below the sum picks a stripe as often as its keys deserve. Shares are counted anew every so often.
 *
 * Crash table: each eviction is one transaction of keyspace_remove (keyspace_change.c).
 */
#include "db/evict.h"

#include "db/keyspace_internal.h"
#include "util/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define POOL_SIZE     16
#define PICKS_PER_SUM 256 /* samples between two counts of the shares */
#define STEP_TRIES    32  /* samples of one step before it gives up: candidates can all be stale */

struct candidate {
    uint64_t rank;
    uint64_t hash; /* of its name */
    uint64_t off;  /* of its entry; not to be read before V2 */
    uint32_t db;
    uint32_t stripe;
};

struct share {
    uint64_t up_to; /* keys in the shares up to this one */
    uint32_t db;
    uint32_t stripe;
};

struct evictor {
    struct keyspace *keyspace;
    struct heap_thread *thread;
    uint64_t random;
    /* what the pool and the shares were made for */
    uint64_t (*rank)(const void *arg, const struct entry *entry);
    bool volatile_only;
    unsigned candidate_count;
    struct candidate pool[POOL_SIZE]; /* by rank, ascending */
    struct share *shares;
    size_t share_count;
    size_t share_cap;
    unsigned picks_left;
};

enum error evict_open(struct keyspace *keyspace, struct heap_thread *thread, struct evictor **evictor_out)
{
    struct evictor *evictor = calloc(1, sizeof(*evictor));
    *evictor_out = evictor;
    if (evictor == NULL) return ERROR_MEMORY;
    evictor->keyspace = keyspace;
    evictor->thread = thread;
    evictor->random = keyspace->seed ^ (uint64_t)(uintptr_t)evictor; /* threads sample in different places */
    return ERROR_OK;
}

void evict_close(struct evictor *evictor)
{
    if (evictor == NULL) return;
    free(evictor->shares);
    free(evictor);
}

struct keyspace *evict_keyspace(const struct evictor *evictor)
{
    return evictor->keyspace;
}

struct heap_thread *evict_thread(const struct evictor *evictor)
{
    return evictor->thread;
}

static uint64_t next_random(struct evictor *evictor)
{
    uint64_t x = evictor->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

/* ---- shares ---- */

/* Room for the shares of one more database. */
static bool reserve_shares(struct evictor *evictor)
{
    if (evictor->share_cap - evictor->share_count >= KEYSPACE_STRIPES) return true;
    size_t cap = evictor->share_cap * 2 + KEYSPACE_STRIPES;
    struct share *shares = realloc(evictor->shares, cap * sizeof(*shares));
    if (shares == NULL) return false;
    evictor->shares = shares;
    evictor->share_cap = cap;
    return true;
}

static void count_shares(struct evictor *evictor)
{
    uint64_t sum = 0;
    evictor->share_count = 0;
    evictor->picks_left = PICKS_PER_SUM;
    for (unsigned db = 0; db < evictor->keyspace->databases; db++) {
        if (!reserve_shares(evictor)) return; /* what is counted serves */
        for (unsigned stripe = 0; stripe < KEYSPACE_STRIPES; stripe++) {
            const struct hashtable_layout *root = keyspace__root(evictor->keyspace, db, stripe);
            uint64_t count = evictor->volatile_only ? hashtable_volatile_count(root) : hashtable_count(root);
            if (count == 0) continue;
            sum += count;
            evictor->shares[evictor->share_count++] = (struct share){sum, db, stripe};
        }
    }
}

/* A stripe as often as it has keys; NULL when none has any. */
static const struct share *pick_share(struct evictor *evictor)
{
    if (evictor->picks_left == 0) count_shares(evictor);
    if (evictor->share_count == 0) {
        evictor->picks_left = 0;
        return NULL;
    }
    evictor->picks_left--;
    uint64_t rank = next_random(evictor) % evictor->shares[evictor->share_count - 1].up_to;
    size_t low = 0, high = evictor->share_count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rank < evictor->shares[middle].up_to) high = middle;
        else low = middle + 1;
    }
    return &evictor->shares[low];
}

/* ---- the pool ---- */

static void pool_insert(struct evictor *evictor, const struct candidate *candidate)
{
    struct candidate *pool = evictor->pool;
    for (unsigned i = 0; i < evictor->candidate_count; i++)
        if (pool[i].off == candidate->off) return;
    unsigned at = evictor->candidate_count;
    while (at > 0 && pool[at - 1].rank >= candidate->rank)
        at--;
    if (evictor->candidate_count < POOL_SIZE) {
        memmove(pool + at + 1, pool + at, (evictor->candidate_count - at) * sizeof(*pool));
        evictor->candidate_count++;
    } else if (at > 0) { /* the lowest leaves */
        at--;
        memmove(pool, pool + 1, at * sizeof(*pool));
    } else {
        return;
    }
    pool[at] = *candidate;
}

static bool would_enter_pool(const struct evictor *evictor, uint64_t rank)
{
    return evictor->candidate_count < POOL_SIZE || rank > evictor->pool[0].rank;
}

static uint64_t rank_of(const struct evict_policy *policy, const struct entry *entry)
{
    return policy->rank == NULL ? 0 : policy->rank(policy->arg, entry);
}

/* A slot is marked volatile for what expires inside a value, too: that does not make its key a candidate. */
static bool may_go(const struct evict_policy *policy, const struct entry *entry)
{
    return !policy->volatile_only || entry_expire_ms(entry) >= 0;
}

/* Offsets of sampled entries of the table, whose stripe is locked. */
static unsigned sample_table(struct evictor *evictor, const struct evict_policy *policy,
                             const struct hashtable *table, unsigned max, uint64_t *offs)
{
    uint64_t position = next_random(evictor);
    uint64_t rounds = table->root->segments / HASHTABLE_SAMPLE_SEGMENTS + 1; /* once round the table */
    unsigned count = 0;
    for (; rounds > 0 && count == 0; rounds--)
        count = hashtable_sample(table, &position, policy->volatile_only, max, offs);
    return count;
}

/* Adds a sample to the pool. False when there is nothing to sample. */
static bool sample(struct evictor *evictor, const struct evict_policy *policy)
{
    uint64_t offs[EVICT_SAMPLES_MAX];
    const struct share *share = pick_share(evictor);
    if (share == NULL) return false;
    struct keyspace *keyspace = evictor->keyspace;
    unsigned max = policy->rank == NULL ? 1 : policy->samples;
    keyspace_lock(keyspace, share->stripe);
    struct hashtable table = keyspace__table(keyspace, share->db, share->stripe);
    unsigned count = sample_table(evictor, policy, &table, max, offs);
    for (unsigned i = 0; i < count; i++)
        prefetch_read(table.base + offs[i]);
    for (unsigned i = 0; i < count; i++) {
        const struct entry *entry = (const void *)(table.base + offs[i]);
        uint64_t rank = rank_of(policy, entry);
        if (!would_enter_pool(evictor, rank) || !may_go(policy, entry)) continue;
        struct candidate candidate = {rank, table.hash(entry_key(entry), table.seed), offs[i], share->db,
                                      share->stripe};
        pool_insert(evictor, &candidate);
    }
    keyspace_unlock(keyspace, share->stripe);
    if (count == 0) evictor->picks_left = 0; /* others were faster: count again */
    return true;
}

/* ---- removal ---- */

static bool remove_entry(struct evictor *evictor, const struct evict_policy *policy, unsigned db,
                         const struct entry *entry)
{
    struct tx *tx = heap_thread_tx(evictor->thread);
    struct key key = keyspace_key(evictor->keyspace, entry_key(entry));
    bool removed = false;
    char *name =
        policy->evicted != NULL ? malloc(key.name.len + 1) : NULL; /* the entry is gone when it may be told */
    if (policy->evicted != NULL && name == NULL) return false;
    if (name != NULL) memcpy(name, key.name.ptr, key.name.len);
    tx_begin(tx);
    if (keyspace_remove(tx, evictor->keyspace, db, &key, &removed) != ERROR_OK || !removed) {
        tx_abort(tx);
        removed = false;
    } else {
        tx_commit(tx);
        if (name != NULL) policy->evicted(policy->evicted_arg, db, (struct slice){name, key.name.len});
    }
    free(name);
    return removed;
}

/* Takes the best candidate out of the pool; it goes unless it is stale (V2). */
static bool evict_best(struct evictor *evictor, const struct evict_policy *policy)
{
    struct keyspace *keyspace = evictor->keyspace;
    const struct candidate best = evictor->pool[--evictor->candidate_count];
    bool removed = false;
    if (best.db >= keyspace->databases) return false;
    keyspace_lock(keyspace, best.stripe);
    struct hashtable table = keyspace__table(keyspace, best.db, best.stripe);
    if (hashtable_holds(&table, best.hash, best.off)) {
        const struct entry *entry = (const void *)(table.base + best.off);
        if (may_go(policy, entry) && rank_of(policy, entry) >= best.rank)
            removed = remove_entry(evictor, policy, best.db, entry);
    }
    keyspace_unlock(keyspace, best.stripe);
    return removed;
}

/* Candidates of another policy are worth nothing. */
static void follow_policy(struct evictor *evictor, const struct evict_policy *policy)
{
    if (evictor->rank == policy->rank && evictor->volatile_only == policy->volatile_only) return;
    evictor->rank = policy->rank;
    evictor->volatile_only = policy->volatile_only;
    evictor->candidate_count = 0;
    evictor->picks_left = 0;
}

bool evict_step(struct evictor *evictor, const struct evict_policy *policy)
{
    ASSERT(policy->samples > 0 && policy->samples <= EVICT_SAMPLES_MAX);
    follow_policy(evictor, policy);
    for (unsigned i = 0; i < STEP_TRIES; i++) {
        if (!sample(evictor, policy)) return false;
        while (evictor->candidate_count > 0)
            if (evict_best(evictor, policy)) return true;
    }
    return false;
}
