/* reclaim.c: frees what FLUSHDB, FLUSHALL and the dropping of large values have unlinked, a little at a time (H7). */
#include "db/keyspace_internal.h"
#include "ds/reclaim.h"

static uint64_t *head_of(const struct keyspace *keyspace, unsigned stripe)
{
    return &keyspace->layout->reclaim[stripe].head;
}

enum error keyspace__drop_value(struct tx *tx, struct keyspace *keyspace, unsigned stripe, const struct entry *entry)
{
    struct keyspace_reclaim_layout *reclaim = &keyspace->layout->reclaim[stripe];
    enum error error = ERROR_OK;
    if (entry_root(entry, NULL) != 0) error = tx_store64(tx, &reclaim->pending, reclaim->pending + 1);
    return error == ERROR_OK ? entry_free_value(tx, entry, &reclaim->head) : error;
}

enum error keyspace__drop_entry(struct tx *tx, struct keyspace *keyspace, unsigned stripe, struct entry *entry)
{
    enum error error = keyspace__drop_value(tx, keyspace, stripe, entry);
    return error == ERROR_OK ? heap_free(tx, entry_off(keyspace->heap, entry)) : error;
}

/* One transaction on the list of `stripe`, under its lock. */
static enum error reclaim_some(struct keyspace *keyspace, struct tx *tx, unsigned stripe, unsigned max_blocks)
{
    struct keyspace_reclaim_layout *reclaim = &keyspace->layout->reclaim[stripe];
    uint64_t freed = 0;
    tx_begin(tx);
    enum error error = reclaim_step(tx, &reclaim->head, max_blocks, &freed);
    if (error == ERROR_OK && freed > 0) error = tx_store64(tx, &reclaim->pending, reclaim->pending - freed);
    if (error == ERROR_OK) {
        tx_commit(tx);
        atomic_fetch_add_explicit(&keyspace->reclaimed, freed, memory_order_relaxed);
    } else {
        tx_abort(tx);
    }
    return error;
}

bool keyspace_reclaim_step(struct keyspace *keyspace, struct heap_thread *thread, unsigned max_blocks)
{
    unsigned first = atomic_load_explicit(&keyspace->reclaim_stripe, memory_order_relaxed);
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        unsigned stripe = (first + i) % KEYSPACE_STRIPES;
        if (__atomic_load_n(head_of(keyspace, stripe), __ATOMIC_RELAXED) == 0) continue;
        keyspace_lock(keyspace, stripe);
        enum error error = reclaim_some(keyspace, heap_thread_tx(thread), stripe, max_blocks);
        keyspace_unlock(keyspace, stripe);
        atomic_store_explicit(&keyspace->reclaim_stripe, stripe, memory_order_relaxed);
        return error == ERROR_OK; /* an error: no more for now, the list keeps */
    }
    return false;
}

uint64_t keyspace_reclaimed(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&keyspace->reclaimed, memory_order_relaxed);
}

void keyspace_reset_reclaimed(struct keyspace *keyspace)
{
    atomic_store_explicit(&keyspace->reclaimed, 0, memory_order_relaxed);
}

uint64_t keyspace_reclaim_pending(const struct keyspace *keyspace)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        sum += __atomic_load_n(&keyspace->layout->reclaim[i].pending, __ATOMIC_RELAXED);
    return sum;
}
