/* Overflow chains and splits in many parts, stopped at each persistent store: tables in which all hashes are equal, or
 * in which names come in the order of their hashes. */
#include "keyspace_rig.h"

#include "ds/entry_edit.h"
#include "ds/hashtable.h"
#include "ds/reclaim.h"
#include "util/hash.h"

#include <string.h>

#define TABLE_ROOT 1

struct chain_case {
    const char *name;
    unsigned entries;
    unsigned removed;
    bool detached;
    void (*operate)(struct rig *rig);
    int change;             /* of the number of entries */
    uint64_t ordered_total; /* names that hashes leave room for; 0: all are equal */
    int parts;              /* the segment becomes so many at least; 0: no matter */
};

static const struct chain_case *current;
static uint64_t hash_name(struct slice name, uint64_t seed)
{
    uint64_t number = 0, total = current->ordered_total;
    if (total == 0) return UINT64_C(0x0123456789abcdef);
    for (size_t i = strlen("name "); i < name.len; i++)
        number = number * 10 + (uint64_t)(name.ptr[i] - '0');
    return number * (UINT64_MAX / total) + (hash_bytes(name, seed) & 0x1fffff);
}

/* The table's root stands in a block of its own, a reclaim list's head behind it. */
static struct hashtable table_of(struct rig *rig)
{
    return (struct hashtable){rig->heap, heap_base(rig->heap),
                              heap_ptr(rig->heap, heap_off_get(heap_root(rig->heap, TABLE_ROOT))), hash_name,
                              0};
}

static uint64_t *head_of(struct rig *rig)
{
    return (uint64_t *)(void *)(table_of(rig).root + 1);
}

static struct slice name_of(uint64_t number, char buffer[32])
{
    return (struct slice){buffer, (size_t)snprintf(buffer, 32, "name %llu", (unsigned long long)number)};
}

static void insert_next(struct rig *rig)
{
    struct hashtable table = table_of(rig);
    char buffer[32];
    uint64_t off;
    struct entry_image image = {.encoding = ENTRY_WORD,
                                .expiry_slot = true,
                                .expire_at_ms = 4000,
                                .key = name_of(hashtable_count(table.root), buffer)};
    must(entry_create(rig->tx, &image, 0, &off));
    must(hashtable_insert(rig->tx, &table, hash_name(image.key, 0), off, 4000));
}

static void remove_last(struct rig *rig)
{
    struct hashtable table = table_of(rig);
    struct hashtable_place place;
    char buffer[32];
    struct slice name = name_of(hashtable_count(table.root) - 1, buffer);
    struct entry *entry = hashtable_find(&table, hash_name(name, 0), name, &place);
    ASSERT(entry != NULL);
    must(entry_free(rig->tx, entry, NULL));
    must(hashtable_remove(rig->tx, &table, &place));
    hashtable_shrink(rig->tx, &table, hash_name(name, 0));
}

static void detach(struct rig *rig)
{
    struct hashtable table = table_of(rig);
    must(hashtable_detach(rig->tx, &table, head_of(rig)));
}

static void reclaim(struct rig *rig)
{
    uint64_t freed;
    must(reclaim_step(rig->tx, head_of(rig), 64, &freed));
}

static const struct rig_case no_rig_case = {.name = "chain"};

static void setup(void *arg, const char *path)
{
    (void)arg;
    struct rig *rig = rig_open(&rig_current, path);
    size_t bytes = sizeof(struct hashtable_layout) + sizeof(uint64_t);
    uint64_t off;
    tx_begin(rig->tx);
    must(heap_alloc(rig->tx, bytes, &off));
    tx_fill(rig->tx, heap_ptr(rig->heap, off), 0, bytes);
    must(heap_root_set(rig->tx, TABLE_ROOT, heap_off_make(off, 0)));
    for (unsigned i = 0; i < current->entries; i++)
        insert_next(rig);
    for (unsigned i = 0; i < current->removed; i++)
        remove_last(rig);
    if (current->detached) detach(rig);
    tx_commit(rig->tx);
    rig_note(rig, "before", (int64_t)hashtable_count(table_of(rig).root));
    rig_note(rig, "segments", (int64_t)table_of(rig).root->segments);
    rig_close(rig);
}

static void operate(void *arg, void *opened)
{
    (void)arg;
    struct rig *rig = opened;
    tx_begin(rig->tx);
    current->operate(rig);
    tx_commit(rig->tx);
}

static void walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    struct rig *rig = app;
    struct hashtable table = table_of(rig);
    own(ctx, heap_off_get(heap_root(rig->heap, TABLE_ROOT)));
    hashtable_walk(&table, own, ctx);
    reclaim_walk(rig->heap, *head_of(rig), own, ctx);
    keyspace_walk(rig->keyspace, own, ctx);
}

static bool verify(void *arg, void *opened, bool returned)
{
    (void)arg;
    struct rig *rig = opened;
    struct hashtable table = table_of(rig);
    struct heap_check_result result;
    char detail[256];
    if (!hashtable_is_valid(&table, detail, sizeof(detail)) ||
        !reclaim_is_valid(rig->heap, *head_of(rig), detail, sizeof(detail))) {
        fprintf(stderr, "%s\n", detail);
        return false;
    }
    if (heap_check(rig->heap, walk, rig, &result) != ERROR_OK) {
        fprintf(stderr, "%s\n", result.detail);
        return false;
    }
    int64_t change = (int64_t)hashtable_count(table.root) - rig_noted(rig, "before");
    if (change == 0 && current->change != 0) return !returned;
    int64_t more = (int64_t)table.root->segments - rig_noted(rig, "segments");
    return change == current->change && (current->parts == 0 || more + 1 >= current->parts);
}

static const struct chain_case cases[] = {
    {"split in many", 72, 0, false, insert_next, 1, 80000, 4},
    {"first link of a chain", 72, 0, false, insert_next, 1, 0, 0},
    {"into a link", 90, 0, false, insert_next, 1, 0, 0},
    {"second link", 72 + 56, 0, false, insert_next, 1, 0, 0},
    {"out of a link", 100, 0, false, remove_last, -1, 0, 0},
    {"last one out of a link", 72 + 57, 0, false, remove_last, -1, 0, 0},
    {"detach", 200, 0, false, detach, -200, 0, 0},
    {"reclaim a link", 200, 0, true, reclaim, 0, 0, 0},
    {"reclaim the segment", 60, 0, true, reclaim, 0, 0, 0},
};

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        current = &cases[i];
        rig_current = rig_crash_case(&no_rig_case, false);
        rig_current.name = current->name;
        rig_current.setup = setup;
        rig_current.operate = operate;
        rig_current.verify = verify;
        if (!crash_explore(&rig_current, &counts)) fail_msg("%s", current->name);
    }
    print_message("chains: %llu points, %llu states, %llu more of recovery\n",
                  (unsigned long long)counts.points, (unsigned long long)counts.states,
                  (unsigned long long)counts.recovery_states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_stop_leaves_all_or_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
