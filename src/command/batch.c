/* batch.c: requests into commands, keys and stripes. */
#include "command/batch.h"

#include "command/key_specs.h"
#include "util/assert.h"

#include <stdlib.h>

#define KEYS_FIRST_CAP    256
#define KEYS_KEPT_CAP     65536 /* what a huge command needed is given back when its batch is over */
#define PREFETCH_KEYS_MAX 128   /* more would evict each other before they are used */

struct batch *batch_new(void)
{
    return calloc(1, sizeof(struct batch));
}

void batch_free(struct batch *batch)
{
    if (!batch) return;
    free(batch->keys);
    free(batch);
}

static bool push_key(struct batch *batch, const struct keyspace *keyspace, struct slice name,
                     uint64_t *stripes)
{
    if (__builtin_expect(batch->key_count == batch->key_cap, 0)) {
        size_t cap = batch->key_cap ? batch->key_cap * 2 : KEYS_FIRST_CAP;
        struct key *keys = realloc(batch->keys, cap * sizeof *keys);
        if (!keys) return false;
        batch->keys = keys;
        batch->key_cap = cap;
    }
    struct key key = keyspace_key(keyspace, name);
    *stripes |= UINT64_C(1) << key.stripe;
    batch->keys[batch->key_count++] = key;
    return true;
}

struct collect {
    struct batch *batch;
    const struct keyspace *keyspace;
    const struct slice *argv;
    struct batch_item *item;
};

static bool collect_key(void *arg, size_t argv_index, uint32_t key_flags)
{
    (void)key_flags;
    struct collect *collect = arg;
    bool ok = push_key(collect->batch, collect->keyspace, collect->argv[argv_index], &collect->item->stripes);
    collect->item->no_memory = !ok;
    return ok;
}

static void resolve_keys(struct batch *batch, struct batch_item *item, const struct keyspace *keyspace,
                         const struct resp_request *request)
{
    const struct command_entry *entry = item->entry;
    if (entry->key_kind == COMMAND_KEYS_ONE) {
        item->no_memory = !push_key(batch, keyspace, request->argv[entry->one_key], &item->stripes);
    } else {
        struct collect collect = {batch, keyspace, request->argv, item};
        /* Where the count of keys makes no sense, some are missing: the handler says what is wrong before it
         * uses any. */
        (void)key_specs_visit(entry->command, request->argv, request->argc, collect_key, &collect);
    }
    item->key_count = batch->key_count - item->first_key;
}

void batch_resolve(struct batch *batch, const struct command_table *table, const struct keyspace *keyspace,
                   const struct resp_request *requests, size_t count)
{
    ASSERT(count <= DISPATCH_BATCH_MAX);
    if (batch->key_cap > KEYS_KEPT_CAP) {
        free(batch->keys);
        batch->keys = NULL;
        batch->key_cap = 0;
    }
    batch->count = count;
    batch->key_count = 0;
    batch->prefetched = 0;
    for (size_t i = 0; i < count; i++) {
        struct batch_item *item = &batch->items[i];
        *item = (struct batch_item){.first_key = batch->key_count};
        item->found = command_table_find(table, requests[i].argv, requests[i].argc, &item->entry);
        if (item->found != COMMAND_FOUND || item->entry->key_kind == COMMAND_KEYS_NONE) continue;
        resolve_keys(batch, item, keyspace, &requests[i]);
        unsigned element = item->entry->command->element;
        if (element > 0 && element < requests[i].argc && item->key_count > 0) item->element = requests[i].argv[element];
    }
}

/* Elements of the items from `item` on whose keys are before `key_end`, and on their way by now. */
static void prefetch_elements(struct batch *batch, const struct batch_item *item, size_t key_end, struct keyspace *keyspace,
                              unsigned db)
{
    const struct batch_item *items_end = batch->items + batch->count;
    struct keyspace_hint *hints = batch->hints;
    size_t count = 0;
    bool followed = false;
    for (; item < items_end && item->first_key < key_end; item++) {
        if (!item->element.ptr) continue;
        if (!followed) keyspace_follow_growth(keyspace);
        followed = true;
        hints[count] = keyspace_hint_element(keyspace, db, &batch->keys[item->first_key], item->element);
        count += hints[count].table != NULL;
    }
    if (count < 2) return; /* nothing to overlap with */
    for (size_t i = 0; i < count; i++)
        keyspace_prefetch_element_directory(keyspace, &hints[i]);
    for (size_t i = 0; i < count; i++)
        keyspace_prefetch_element_bucket(keyspace, &hints[i]);
    for (size_t i = 0; i < count; i++)
        keyspace_prefetch_element_entry(keyspace, &hints[i]);
}

void batch_prefetch(struct batch *batch, const struct batch_item *item, struct keyspace *keyspace, unsigned db)
{
    if (item->first_key + item->key_count <= batch->prefetched) return;
    size_t from = item->first_key;
    size_t end = batch->key_count - from < PREFETCH_KEYS_MAX ? batch->key_count : from + PREFETCH_KEYS_MAX;
    batch->prefetched = end;
    if (end - from < 2) return; /* nothing to overlap with */
    for (size_t i = from; i < end; i++)
        keyspace_prefetch_directory(keyspace, db, &batch->keys[i]);
    for (size_t i = from; i < end; i++)
        keyspace_prefetch_bucket(keyspace, db, &batch->keys[i]);
    for (size_t i = from; i < end; i++)
        keyspace_prefetch_entry(keyspace, db, &batch->keys[i]);
    prefetch_elements(batch, item, end, keyspace, db);
}
