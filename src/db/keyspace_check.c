/* keyspace_check.c: memory of keys and tables; validates the keyspace, and names its blocks. */
#include "db/keyspace_internal.h"
#include "ds/reclaim.h"

#include <stdio.h>

size_t keyspace_entry_bytes(const struct keyspace *keyspace, const struct entry *entry, size_t samples)
{
    return entry_heap_bytes(keyspace->heap, entry, samples) + sizeof(uint64_t);
}

void keyspace_memory(struct keyspace *keyspace, unsigned db, struct keyspace_memory *memory_out)
{
    *memory_out = (struct keyspace_memory){0};
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        struct hashtable table = keyspace__table(keyspace, db, i);
        uint64_t bytes, slots;
        keyspace_lock(keyspace, i);
        hashtable_memory(&table, &bytes, &slots);
        keyspace_unlock(keyspace, i);
        memory_out->table_bytes += bytes;
        memory_out->slots += slots;
    }
}

/* The databases that the layout has, hidden ones included. */
static struct hashtable table_of(const struct keyspace *keyspace, uint64_t db, unsigned stripe)
{
    struct keyspace_database_layout *database = heap_ptr(keyspace->heap, keyspace->layout->database[db]);
    return (struct hashtable){keyspace->heap, keyspace->base, &database->stripe[stripe].table, hash_bytes,
                              keyspace->seed};
}

struct stripe_check {
    const struct keyspace *keyspace;
    unsigned stripe;
    bool foreign; /* an entry of another stripe was met */
};

static bool check_stripe(void *arg, struct entry *entry)
{
    struct stripe_check *check = arg;
    check->foreign = keyspace_key(check->keyspace, entry_key(entry)).stripe != check->stripe;
    return !check->foreign;
}

static bool stripe_is_valid(const struct keyspace *keyspace, uint64_t db, unsigned stripe, char *detail,
                            size_t detail_cap)
{
    struct hashtable table = table_of(keyspace, db, stripe);
    if (!hashtable_is_valid(&table, detail, detail_cap)) return false;
    struct stripe_check check = {keyspace, stripe, false};
    uint64_t position = 0;
    while (hashtable_scan(&table, &position, check_stripe, &check))
        continue;
    if (check.foreign) /* K3 */
        snprintf(detail, detail_cap, "database %llu, stripe %u: an entry of another stripe",
                 (unsigned long long)db, stripe);
    return !check.foreign;
}

bool keyspace_is_valid(struct keyspace *keyspace, char *detail, size_t detail_cap)
{
    const struct keyspace_layout *layout = keyspace->layout;
    for (uint64_t db = 0; db < layout->databases; db++)
        for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
            if (!stripe_is_valid(keyspace, db, i, detail, detail_cap)) return false;
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        if (!reclaim_is_valid(keyspace->heap, layout->reclaim[i].head, detail, detail_cap))
            return false;
    return true;
}

void keyspace_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    const struct keyspace *keyspace = app;
    own(ctx, (uint64_t)((char *)keyspace->layout - keyspace->base));
    for (uint64_t db = 0; db < keyspace->layout->databases; db++) {
        own(ctx, keyspace->layout->database[db]);
        for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
            struct hashtable table = table_of(keyspace, db, i);
            hashtable_walk(&table, own, ctx);
        }
    }
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        reclaim_walk(keyspace->heap, keyspace->layout->reclaim[i].head, own, ctx);
}
