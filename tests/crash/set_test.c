/* Changes of sets, stopped at each persistent store: in blobs and roots, from one to the other, dropped and reclaimed. */
#include "keyspace_rig.h"
#include "support/set_edit.h"

static const char name[] = "key:000000000001";

static struct slice member_of(const char *format, unsigned number, char text[32])
{
    return (struct slice){text, (size_t)snprintf(text, 32, format, number)};
}

/* Adds or removes the members first .. end-1 in the open transaction. */
static void change(struct rig *rig, const char *key, const char *format, unsigned first, unsigned end,
                   bool add)
{
    char text[32];
    struct set_edit edit = set_edit_open(rig->tx, rig->keyspace, 0, rig_key(rig, key));
    for (unsigned i = first; i < end; i++) {
        struct slice member = member_of(format, i, text);
        ASSERT(add ? set_edit_add(&edit, member) : set_edit_remove(&edit, member));
    }
    set_edit_close(&edit);
}

static void prepare_members(struct rig *rig, const char *format, unsigned count)
{
    tx_begin(rig->tx);
    rig_put(rig, "other", SLICE("value"), EXPIRY_NONE);
    change(rig, "second", "second %u", 0, 12, true);
    if (count > 0) change(rig, name, format, 0, count, true);
    tx_commit(rig->tx);
}

static void prepare_absent(struct rig *rig)
{
    prepare_members(rig, "%u", 0);
}

static void prepare_one(struct rig *rig)
{
    prepare_members(rig, "%u", 1);
}

static void prepare_ints(struct rig *rig)
{
    prepare_members(rig, "%u", 7);
}

static void prepare_full_ints(struct rig *rig)
{
    prepare_members(rig, "%u", 12);
}

static void prepare_packed(struct rig *rig)
{
    prepare_members(rig, "member %u", 8);
}

static void prepare_root(struct rig *rig)
{
    prepare_members(rig, "member %u", 20);
}

/* The next member but few makes the table's segment grow or split. */
static void prepare_segment(struct rig *rig)
{
    prepare_members(rig, "member %u", 850);
}

static void prepare_sparse(struct rig *rig)
{
    prepare_members(rig, "member %u", 1000);
    tx_begin(rig->tx);
    change(rig, name, "member %u", 260, 1000, false);
    tx_commit(rig->tx);
}

static void prepare_dropped(struct rig *rig)
{
    prepare_members(rig, "member %u", 1000);
    tx_begin(rig->tx);
    rig_remove(rig, name);
    tx_commit(rig->tx);
}

static void prepare_flushed(struct rig *rig)
{
    prepare_root(rig);
    tx_begin(rig->tx);
    must(keyspace_flush(rig->tx, rig->keyspace, 0));
    tx_commit(rig->tx);
}

static void prepare_volatile(struct rig *rig)
{
    prepare_root(rig);
    tx_begin(rig->tx);
    rig_expire(rig, name, 50000);
    tx_commit(rig->tx);
}

static void add_int(struct rig *rig)
{
    change(rig, name, "%u", 20, 21, true);
}

static void add_hundreds(struct rig *rig)
{
    change(rig, name, "more %u", 0, 100, true);
}

static void add_first_int(struct rig *rig)
{
    change(rig, name, "-%u", 5, 6, true);
}

static void add_wide_int(struct rig *rig)
{
    change(rig, name, "123456789%u", 5, 6, true);
}

static void add_text(struct rig *rig)
{
    change(rig, name, "text %u", 5, 6, true);
}

static void add_many(struct rig *rig)
{
    change(rig, name, "more %u", 0, 15, true);
}

static void remove_int(struct rig *rig)
{
    change(rig, name, "%u", 0, 1, false);
}

static void remove_text(struct rig *rig)
{
    change(rig, name, "member %u", 3, 4, false);
}

static void remove_some(struct rig *rig)
{
    change(rig, name, "member %u", 0, 14, false);
}

static void remove_hundreds(struct rig *rig)
{
    change(rig, name, "member %u", 0, 250, false);
}

static void remove_all(struct rig *rig)
{
    change(rig, name, "member %u", 0, 20, false);
}

static void remove_key(struct rig *rig)
{
    rig_remove(rig, name);
}

static void set_over(struct rig *rig)
{
    rig_put(rig, name, SLICE("a string"), EXPIRY_NONE);
}

static void rename_over(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "second");
    must(keyspace_move(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void copy_over(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "second");
    must(keyspace_copy(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void move_database(struct rig *rig)
{
    struct key key = rig_key(rig, name);
    must(keyspace_move(rig->tx, rig->keyspace, 0, &key, 2, &key));
}

static void expire(struct rig *rig)
{
    rig_expire(rig, name, 30000);
}

/* A member from one set to the other in one transaction, as SMOVE does it. */
static void move_member(struct rig *rig)
{
    change(rig, name, "member %u", 7, 8, false);
    change(rig, "second", "member %u", 7, 8, true);
}

static void roll_back_and_go_on(struct rig *rig)
{
    struct tx_mark mark = tx_savepoint(rig->tx);
    add_many(rig);
    rig_remove(rig, "second");
    tx_rollback_to(rig->tx, mark);
    add_text(rig);
}

static void reclaim(struct rig *rig)
{
    while (keyspace_reclaim_step(rig->keyspace, rig->thread, 200))
        continue;
    ASSERT(keyspace_reclaim_pending(rig->keyspace) == 0);
}

static const struct rig_case cases[] = {
    {.name = "SADD new integer", .prepare = prepare_absent, .operate = add_int},
    {.name = "SADD new text", .prepare = prepare_absent, .operate = add_text},
    {.name = "SADD integer behind", .prepare = prepare_ints, .operate = add_int},
    {.name = "SADD integer before", .prepare = prepare_ints, .operate = add_first_int},
    {.name = "SADD wider integer", .prepare = prepare_ints, .operate = add_wide_int},
    {.name = "SADD text to integers", .prepare = prepare_ints, .operate = add_text},
    {.name = "SADD root", .prepare = prepare_root, .operate = add_text},
    {.name = "SREM integer", .prepare = prepare_ints, .operate = remove_int},
    {.name = "SREM the last", .prepare = prepare_one, .operate = remove_int},
    {.name = "SREM packed", .prepare = prepare_packed, .operate = remove_text},
    {.name = "SREM root", .prepare = prepare_root, .operate = remove_text},
    {.name = "SMOVE", .prepare = prepare_root, .operate = move_member},
    {.name = "DEL packed", .prepare = prepare_packed, .operate = remove_key},
    {.name = "DEL root", .prepare = prepare_root, .operate = remove_key},
    {.name = "SET over a root", .prepare = prepare_root, .operate = set_over},
    {.name = "RENAME root over root", .prepare = prepare_root, .operate = rename_over},
    {.name = "RENAME packed over root", .prepare = prepare_packed, .operate = rename_over},
    {.name = "COPY packed over root", .prepare = prepare_packed, .operate = copy_over},
    {.name = "MOVE root", .prepare = prepare_root, .operate = move_database},
    {.name = "EXPIRE root", .prepare = prepare_root, .operate = expire},
    {.name = "DEL volatile root", .prepare = prepare_volatile, .operate = remove_key},
};
#define CASES (sizeof(cases) / sizeof(*cases))

/* These have many stores. */
static const struct rig_case long_cases[] = {
    {.name = "SADD new, large at once", .prepare = prepare_absent, .operate = add_many, .stride = 11},
    {.name = "SADD integers to root", .prepare = prepare_full_ints, .operate = add_int, .stride = 11},
    {.name = "SADD packed to root", .prepare = prepare_packed, .operate = add_text, .stride = 11},
    {.name = "SADD root, many", .prepare = prepare_root, .operate = add_many, .stride = 11},
    {.name = "SREM root, shrinks", .prepare = prepare_root, .operate = remove_some, .stride = 11},
    {.name = "SREM root, all", .prepare = prepare_root, .operate = remove_all, .stride = 11},
    {.name = "COPY root over root", .prepare = prepare_root, .operate = copy_over, .stride = 11},
    {.name = "rollback to a savepoint",
     .prepare = prepare_packed,
     .operate = roll_back_and_go_on,
     .stride = 11},
    {.name = "reclaim after FLUSHDB",
     .prepare = prepare_flushed,
     .operate = reclaim,
     .own_transactions = true,
     .stride = 11},
    {.name = "SADD root, segment splits", .prepare = prepare_segment, .operate = add_hundreds, .stride = 149},
    {.name = "SREM root, segments merge",
     .prepare = prepare_sparse,
     .operate = remove_hundreds,
     .stride = 149},
    {.name = "reclaim after DEL",
     .prepare = prepare_dropped,
     .operate = reclaim,
     .own_transactions = true,
     .stride = 149},
};
#define LONG_CASES (sizeof(long_cases) / sizeof(*long_cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
}

static void large_sets(void **state)
{
    (void)state;
    rig_explore_cases("long operations", long_cases, LONG_CASES, 1, false);
}

/* Where unflushed cache lines may be lost: every seventh case, the others differ little. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("persistent memory", cases, CASES, 7, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(large_sets),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
