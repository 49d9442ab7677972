/* Changes of hashes, stopped at each persistent store: small and large ones, from one to the other, fields with times,
 * splits and merges of the table, copies, drops and what the reclaim list does with them. */
#include "keyspace_rig.h"

#include "ds/hash.h"

#define NOW_MS 1000

static const char name[] = "the hash";

static struct entry *hash_entry(struct rig *rig)
{
    struct key key = rig_key(rig, name);
    return keyspace_find(rig->keyspace, 0, &key);
}

static uint64_t root_of(struct rig *rig)
{
    return entry_root(hash_entry(rig), NULL);
}

static struct slice field_name(unsigned number, char text[32])
{
    return (struct slice){text, (size_t)snprintf(text, 32, "field:%u", number)};
}

/* ---- small hashes: one change through a draft, as a command makes it ---- */

static struct hash_draft draft;

static void begin(struct rig *rig)
{
    struct entry *entry = hash_entry(rig);
    struct slice blob = {"", 0};
    if (entry != NULL) ASSERT(entry_packed(rig->heap, entry, &blob));
    struct hash_packed packed = hash_packed_open(blob);
    hash_draft_begin(&draft, &packed, NOW_MS);
}

static void store(struct rig *rig)
{
    struct key key = rig_key(rig, name);
    struct slice blob = hash_draft_finish(&draft);
    ASSERT(!draft.failed);
    if (draft.now.fields == 0) rig_remove(rig, name);
    else must(keyspace_put_packed(rig->tx, rig->keyspace, 0, &key, ENTRY_HASH, blob, EXPIRY_KEEP));
    hash_draft_free(&draft);
}

static void draft_set(struct slice field, struct slice value, int64_t time_ms)
{
    struct hash_packed_place place;
    if (!hash_packed_find(&draft.now, field, &place)) {
        hash_draft_add(&draft, field, value, time_ms);
        return;
    }
    hash_draft_replace(&draft, &place, value);
    hash_draft_set_time(&draft, place.index, time_ms);
}

static void prepare_none(struct rig *rig)
{
    tx_begin(rig->tx);
    for (unsigned i = 0; i < 20; i++) {
        char other[32];
        snprintf(other, sizeof(other), "other %u", i);
        rig_put(rig, other, SLICE("other value"), i % 4 ? EXPIRY_NONE : 100000);
    }
    tx_commit(rig->tx);
}

static void prepare_fields(struct rig *rig, unsigned fields, int64_t time_ms)
{
    char text[32];
    prepare_none(rig);
    tx_begin(rig->tx);
    begin(rig);
    for (unsigned i = 0; i < fields; i++)
        draft_set(field_name(i, text), i % 2 ? SLICE("some value") : SLICE("1234"),
                  i % 3 ? HASH_TIME_NONE : time_ms);
    store(rig);
    tx_commit(rig->tx);
}

static void prepare_small(struct rig *rig)
{
    prepare_fields(rig, 5, HASH_TIME_NONE);
}

static void prepare_one(struct rig *rig)
{
    prepare_fields(rig, 1, HASH_TIME_NONE);
}

static void prepare_outside(struct rig *rig)
{
    prepare_fields(rig, 200, HASH_TIME_NONE);
}

static void prepare_timed(struct rig *rig)
{
    prepare_fields(rig, 5, 50000);
}

static void prepare_dead(struct rig *rig)
{
    prepare_fields(rig, 6, NOW_MS);
}

static void set_new(struct rig *rig)
{
    begin(rig);
    draft_set(SLICE("new"), SLICE("value"), HASH_TIME_NONE);
    draft_set(SLICE("field:1"), SLICE("othervalue"), HASH_TIME_NONE);
    store(rig);
}

static void set_same_length(struct rig *rig)
{
    begin(rig);
    draft_set(SLICE("field:1"), SLICE("SOME VALUE"), HASH_TIME_NONE);
    store(rig);
}

static void set_long(struct rig *rig)
{
    static char bytes[1200];
    memset(bytes, 'l', sizeof(bytes));
    begin(rig);
    draft_set(SLICE("field:1"), (struct slice){bytes, sizeof(bytes)}, HASH_TIME_NONE);
    store(rig);
}

static void set_timed(struct rig *rig)
{
    begin(rig);
    draft_set(SLICE("timed"), SLICE("value"), 40000);
    store(rig);
}

static void remove_some(struct rig *rig)
{
    char text[32];
    begin(rig);
    for (unsigned i = 0; i < 200; i += 2) {
        struct hash_packed_place place;
        if (hash_packed_find(&draft.now, field_name(i, text), &place)) hash_draft_remove(&draft, &place);
    }
    store(rig);
}

static void time_on(struct rig *rig)
{
    begin(rig);
    hash_draft_set_time(&draft, 2, 60000);
    store(rig);
}

static void times_off(struct rig *rig)
{
    begin(rig);
    for (size_t i = 0; i < draft.now.fields; i++)
        hash_draft_set_time(&draft, i, HASH_TIME_NONE);
    store(rig);
}

/* ---- large hashes ---- */

static void put(struct rig *rig, uint64_t root, struct slice field, struct slice value, int64_t time_ms)
{
    bool added;
    must(hash_put(rig->tx, rig->heap, root, field, value, time_ms, NOW_MS, &added));
}

static void note_due(struct rig *rig)
{
    struct key key = rig_key(rig, name);
    must(keyspace_note_due(rig->tx, rig->keyspace, 0, &key));
}

static void convert(struct rig *rig)
{
    struct key key = rig_key(rig, name);
    uint64_t root;
    char text[32];
    begin(rig);
    must(hash_create(rig->tx, rig->heap, &root));
    for (unsigned i = 0; i < draft.now.fields; i++)
        put(rig, root, field_name(i, text), SLICE("some value"), i % 3 ? HASH_TIME_NONE : 50000);
    must(keyspace_put_root(rig->tx, rig->keyspace, 0, &key, ENTRY_HASH, COLLECTION_HASH, root, EXPIRY_KEEP));
    hash_draft_free(&draft);
}

static void prepare_large(struct rig *rig, unsigned fields, int64_t time_ms)
{
    struct key key = rig_key(rig, name);
    uint64_t root;
    char text[32];
    prepare_none(rig);
    tx_begin(rig->tx);
    must(hash_create(rig->tx, rig->heap, &root));
    for (unsigned i = 0; i < fields; i++)
        put(rig, root, field_name(i, text), i % 2 ? SLICE("some value") : SLICE("1234"),
            i % 3 ? HASH_TIME_NONE : time_ms);
    must(keyspace_put_root(rig->tx, rig->keyspace, 0, &key, ENTRY_HASH, COLLECTION_HASH, root, EXPIRY_NONE));
    tx_commit(rig->tx);
}

static void prepare_rooted(struct rig *rig)
{
    prepare_large(rig, 20, HASH_TIME_NONE);
}

static void prepare_rooted_timed(struct rig *rig)
{
    prepare_large(rig, 20, 50000);
}

static void prepare_rooted_dead(struct rig *rig)
{
    prepare_large(rig, 20, NOW_MS);
}

/* Full enough for the next fields to split its only segment. */
static void prepare_full(struct rig *rig)
{
    prepare_large(rig, 850, HASH_TIME_NONE);
}

static void prepare_split(struct rig *rig)
{
    prepare_large(rig, 1200, 50000);
}

/* Of which all but a few have gone. */
static void prepare_sparse(struct rig *rig)
{
    char text[32];
    prepare_large(rig, 1200, HASH_TIME_NONE);
    tx_begin(rig->tx);
    struct hashtable table = hash_table(rig->heap, root_of(rig));
    for (unsigned i = 0; i < 1200 && hashtable_count(table.root) > 257; i++)
        must(hash_remove(rig->tx, rig->heap, root_of(rig), field_name(i, text)));
    tx_commit(rig->tx);
}

static void prepare_dropped(struct rig *rig)
{
    prepare_large(rig, 1200, 50000);
    tx_begin(rig->tx);
    rig_remove(rig, name);
    tx_commit(rig->tx);
}

static void rooted_set(struct rig *rig)
{
    uint64_t root = root_of(rig);
    put(rig, root, SLICE("new"), SLICE("value"), HASH_TIME_NONE);
    put(rig, root, SLICE("field:1"), SLICE("77"), HASH_TIME_NONE);
    put(rig, root, SLICE("field:2"), SLICE("text over an integer"), HASH_TIME_KEEP);
    put(rig, root, SLICE("field:3"), SLICE("SOME VALUE"), HASH_TIME_KEEP);
    note_due(rig);
}

static void rooted_set_outside(struct rig *rig)
{
    static char bytes[3000];
    memset(bytes, 'o', sizeof(bytes));
    for (unsigned i = 0; i < 2; i++)
        put(rig, root_of(rig), i ? SLICE("field:1") : SLICE("large"),
            (struct slice){bytes, sizeof(bytes) - i}, 40000);
    put(rig, root_of(rig), SLICE("large"), SLICE("small again"), HASH_TIME_NONE);
    note_due(rig);
}

static void rooted_times(struct rig *rig)
{
    must(hash_set_time(rig->tx, rig->heap, root_of(rig), SLICE("field:0"), 30000));
    must(hash_set_time(rig->tx, rig->heap, root_of(rig), SLICE("field:1"), 20000));
    must(hash_set_time(rig->tx, rig->heap, root_of(rig), SLICE("field:1"), HASH_TIME_NONE));
    note_due(rig);
}

static void rooted_remove(struct rig *rig)
{
    char text[32];
    for (unsigned i = 0; i < 3; i++)
        must(hash_remove(rig->tx, rig->heap, root_of(rig), field_name(i, text)));
}

/* Until the last segment but one was merged away. */
static void rooted_remove_to_merge(struct rig *rig)
{
    char text[32];
    struct hashtable table = hash_table(rig->heap, root_of(rig));
    uint64_t segments = table.root->segments;
    for (unsigned i = 0; i < 1200 && table.root->segments == segments; i++)
        must(hash_remove(rig->tx, rig->heap, root_of(rig), field_name(i, text)));
    ASSERT(table.root->segments < segments);
}

static void rooted_split(struct rig *rig)
{
    char text[32];
    struct hashtable table = hash_table(rig->heap, root_of(rig));
    for (unsigned i = 850; i < 1100 && table.root->segments == 1; i++)
        put(rig, root_of(rig), field_name(i, text), SLICE("some value"), HASH_TIME_NONE);
    ASSERT(table.root->segments > 1);
}

static void drop(struct rig *rig)
{
    rig_remove(rig, name);
}

static void overwrite(struct rig *rig)
{
    rig_put(rig, name, SLICE("a string now"), EXPIRY_NONE);
}

static void copy(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "other 3");
    must(keyspace_copy(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void rename_over(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "other 3");
    must(keyspace_move(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void expire_inside(struct rig *rig)
{
    struct entry *entry = hash_entry(rig);
    struct slice blob;
    unsigned budget = 100;
    if (!entry_packed(rig->heap, entry, &blob)) {
        must(hash_ops.expire(rig->tx, rig->heap, root_of(rig), NOW_MS, &budget));
        note_due(rig);
        return;
    }
    begin(rig); /* leaves out the dead */
    store(rig);
}

static void reclaim(struct rig *rig)
{
    for (unsigned i = 0; i < 400 && keyspace_reclaim_step(rig->keyspace, rig->thread, 100); i++)
        continue;
    ASSERT(keyspace_reclaim_pending(rig->keyspace) == 0);
}

static const struct rig_case cases[] = {
    {.name = "HSET new", .prepare = prepare_none, .operate = set_new},
    {.name = "HSET new with a time", .prepare = prepare_none, .operate = set_timed},
    {.name = "HSET another field", .prepare = prepare_small, .operate = set_new},
    {.name = "HSET over, equal length", .prepare = prepare_small, .operate = set_same_length},
    {.name = "HSET, blob leaves the entry", .prepare = prepare_small, .operate = set_long},
    {.name = "HSET in an outside blob", .prepare = prepare_outside, .operate = set_new},
    {.name = "HSETEX gives the first time", .prepare = prepare_small, .operate = set_timed},
    {.name = "HSETEX gives an earlier time", .prepare = prepare_timed, .operate = set_timed},
    {.name = "HEXPIRE", .prepare = prepare_small, .operate = time_on},
    {.name = "HPERSIST all", .prepare = prepare_timed, .operate = times_off},
    {.name = "HDEL", .prepare = prepare_timed, .operate = remove_some},
    {.name = "HDEL the last", .prepare = prepare_one, .operate = remove_some},
    {.name = "HDEL, blob returns to the entry", .prepare = prepare_outside, .operate = remove_some},
    {.name = "fields expire", .prepare = prepare_dead, .operate = expire_inside},
    {.name = "small to large", .prepare = prepare_small, .operate = convert},
    {.name = "DEL small", .prepare = prepare_timed, .operate = drop},
    {.name = "COPY small", .prepare = prepare_timed, .operate = copy},
    {.name = "RENAME small", .prepare = prepare_timed, .operate = rename_over},
    {.name = "large: HSET", .prepare = prepare_rooted_timed, .operate = rooted_set},
    {.name = "large: HSET outside", .prepare = prepare_rooted, .operate = rooted_set_outside},
    {.name = "large: HEXPIRE", .prepare = prepare_rooted, .operate = rooted_times},
    {.name = "large: HEXPIRE again", .prepare = prepare_rooted_timed, .operate = rooted_times},
    {.name = "large: HDEL", .prepare = prepare_rooted_timed, .operate = rooted_remove},
    {.name = "large: fields expire", .prepare = prepare_rooted_dead, .operate = expire_inside},
    {.name = "large: DEL", .prepare = prepare_rooted_timed, .operate = drop},
    {.name = "large: SET over", .prepare = prepare_rooted, .operate = overwrite},
    {.name = "large: RENAME", .prepare = prepare_rooted_timed, .operate = rename_over},
};
#define CASES (sizeof(cases) / sizeof(*cases))

/* With many stores each: a few dozen stops. */
static const struct rig_case long_cases[] = {
    {.name = "large: COPY", .prepare = prepare_rooted_timed, .operate = copy, .stride = 67},
    {.name = "small to large, outside", .prepare = prepare_outside, .operate = convert, .stride = 67},
    {.name = "large: split", .prepare = prepare_full, .operate = rooted_split, .stride = 67},
    {.name = "large: merge", .prepare = prepare_sparse, .operate = rooted_remove_to_merge, .stride = 67},
    {.name = "large: reclaim",
     .prepare = prepare_dropped,
     .operate = reclaim,
     .own_transactions = true,
     .stride = 67},
    {.name = "large: DEL of many", .prepare = prepare_split, .operate = drop, .stride = 67},
};
#define LONG_CASES (sizeof(long_cases) / sizeof(*long_cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
}

static void stops_in_long_operations_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("long operations", long_cases, LONG_CASES, 1, false);
}

/* Where unflushed cache lines may be lost. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("persistent memory", cases, CASES, 12, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(stops_in_long_operations_leave_all_or_nothing),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
