/* Changes of single keys, stopped at each persistent store: SET in all its shapes, APPEND, SETRANGE, DEL,
 * RENAME, COPY, MOVE, EXPIRE, PERSIST, and several keys in one transaction. */
#include "keyspace_rig.h"

static char filler[40000];

static struct slice text_of(size_t len)
{
    memset(filler, 'f', sizeof(filler));
    return (struct slice){filler, len};
}

static const char key16[] = "key:000000000001";

/* The key, in the shape that the case begins with, among some others. */
static void prepare_with(struct rig *rig, struct slice value, int64_t expire_at_ms)
{
    tx_begin(rig->tx);
    for (unsigned i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "other %u", i);
        rig_put(rig, name, SLICE("other value"), i % 4 ? EXPIRY_NONE : 100000);
    }
    rig_put(rig, "second", text_of(3000), EXPIRY_NONE);
    if (value.ptr != NULL) rig_put(rig, key16, value, expire_at_ms);
    tx_commit(rig->tx);
}

static void prepare_absent(struct rig *rig)
{
    prepare_with(rig, (struct slice){NULL, 0}, EXPIRY_NONE);
}

static void prepare_32(struct rig *rig)
{
    prepare_with(rig, text_of(32), EXPIRY_NONE);
}

static void prepare_800(struct rig *rig)
{
    prepare_with(rig, text_of(800), EXPIRY_NONE);
}

static void prepare_int(struct rig *rig)
{
    prepare_with(rig, SLICE("1234"), EXPIRY_NONE);
}

static void prepare_5000(struct rig *rig)
{
    prepare_with(rig, text_of(5000), EXPIRY_NONE);
}

static void prepare_volatile(struct rig *rig)
{
    prepare_with(rig, text_of(32), 50000);
}

static void prepare_persisted(struct rig *rig)
{
    prepare_volatile(rig);
    tx_begin(rig->tx);
    rig_expire(rig, key16, EXPIRY_NONE);
    tx_commit(rig->tx);
}

/* With slack behind it. */
static void prepare_appended(struct rig *rig, struct slice value)
{
    prepare_with(rig, value, EXPIRY_NONE);
    tx_begin(rig->tx);
    rig_edit(rig, key16, value.len, text_of(200));
    tx_commit(rig->tx);
}

static void prepare_slack_embedded(struct rig *rig)
{
    prepare_appended(rig, text_of(100));
}

static void prepare_slack_external(struct rig *rig)
{
    prepare_appended(rig, text_of(5000));
}

static void set_32(struct rig *rig)
{
    rig_put(rig, key16, SLICE("0123456789abcdef0123456789abcdef"), EXPIRY_NONE);
}

static void set_28(struct rig *rig)
{
    rig_put(rig, key16, SLICE("0123456789abcdef0123456789ab"), EXPIRY_KEEP);
}

static void set_790(struct rig *rig)
{
    struct slice value = text_of(790);
    filler[3] = 'x';
    rig_put(rig, key16, value, EXPIRY_NONE);
}

static void set_300(struct rig *rig)
{
    rig_put(rig, key16, text_of(300), EXPIRY_NONE);
}

static void set_6000(struct rig *rig)
{
    rig_put(rig, key16, text_of(6000), EXPIRY_NONE);
}

static void set_int(struct rig *rig)
{
    rig_put(rig, key16, SLICE("-42"), EXPIRY_NONE);
}

static void set_volatile(struct rig *rig)
{
    rig_put(rig, key16, SLICE("0123456789abcdef0123456789abcdef"), 40000);
}

static void append_10(struct rig *rig)
{
    struct key key = rig_key(rig, key16);
    struct entry *entry = keyspace_find(rig->keyspace, 0, &key);
    rig_edit(rig, key16, entry == NULL ? 0 : entry_string_len(rig->heap, entry), SLICE("0123456789"));
}

static void append_2000(struct rig *rig)
{
    struct key key = rig_key(rig, key16);
    rig_edit(rig, key16, entry_string_len(rig->heap, keyspace_find(rig->keyspace, 0, &key)), text_of(2000));
}

static void setrange_middle(struct rig *rig)
{
    struct key key = rig_key(rig, key16);
    char *bytes;
    must(keyspace_edit_string(rig->tx, rig->keyspace, 0, &key, 7, 5, 0, &bytes));
    tx_write(rig->tx, bytes + 7, "RANGE", 5);
}

static void setrange_beyond(struct rig *rig)
{
    rig_edit(rig, key16, 310, SLICE("beyond"));
}

static void remove_key(struct rig *rig)
{
    rig_remove(rig, key16);
}

static void rename_to(struct rig *rig, const char *name)
{
    struct key from = rig_key(rig, key16), to = rig_key(rig, name);
    must(keyspace_move(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void rename_new(struct rig *rig)
{
    rename_to(rig, "a new name");
}

static void rename_over(struct rig *rig)
{
    rename_to(rig, "second");
}

static void rename_in_stripe(struct rig *rig)
{
    rename_to(rig, "{key:000000000001}");
}

static void copy_over(struct rig *rig)
{
    struct key from = rig_key(rig, key16), to = rig_key(rig, "second");
    must(keyspace_copy(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void move_database(struct rig *rig)
{
    struct key key = rig_key(rig, key16);
    must(keyspace_move(rig->tx, rig->keyspace, 0, &key, 2, &key));
}

static void expire(struct rig *rig)
{
    rig_expire(rig, key16, 30000);
}

static void persist(struct rig *rig)
{
    rig_expire(rig, key16, EXPIRY_NONE);
}

static void set_many(struct rig *rig)
{
    for (unsigned i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof(name), i % 2 ? "other %u" : "new %u", i);
        rig_put(rig, name, i % 3 ? SLICE("many") : SLICE("12"), EXPIRY_NONE);
    }
    rig_remove(rig, "second");
}

/* A command that fails half-way inside a larger transaction. */
static void roll_back_and_go_on(struct rig *rig)
{
    set_32(rig);
    struct tx_mark mark = tx_savepoint(rig->tx);
    rig_remove(rig, "second");
    set_6000(rig);
    tx_rollback_to(rig->tx, mark);
    append_10(rig);
}

static const struct rig_case cases[] = {
    {.name = "SET new", .prepare = prepare_absent, .operate = set_32},
    {.name = "SET new integer", .prepare = prepare_absent, .operate = set_int},
    {.name = "SET new external", .prepare = prepare_absent, .operate = set_6000},
    {.name = "SET new with expiry", .prepare = prepare_absent, .operate = set_volatile},
    {.name = "SET over, equal length", .prepare = prepare_32, .operate = set_32},
    {.name = "SET over, shorter", .prepare = prepare_32, .operate = set_28},
    {.name = "SET over, long, in place", .prepare = prepare_800, .operate = set_790},
    {.name = "SET over, grows", .prepare = prepare_32, .operate = set_300},
    {.name = "SET over, shrinks", .prepare = prepare_800, .operate = set_32},
    {.name = "SET text over integer", .prepare = prepare_int, .operate = set_32},
    {.name = "SET integer over text", .prepare = prepare_800, .operate = set_int},
    {.name = "SET integer over integer", .prepare = prepare_int, .operate = set_int},
    {.name = "SET external over embedded", .prepare = prepare_32, .operate = set_6000},
    {.name = "SET external over external", .prepare = prepare_5000, .operate = set_6000},
    {.name = "SET embedded over external", .prepare = prepare_5000, .operate = set_32},
    {.name = "SET KEEPTTL", .prepare = prepare_volatile, .operate = set_28},
    {.name = "SET takes the expiry away", .prepare = prepare_volatile, .operate = set_32},
    {.name = "SET gives an expiry", .prepare = prepare_32, .operate = set_volatile},
    {.name = "SET gives an expiry, with slot", .prepare = prepare_persisted, .operate = set_volatile},
    {.name = "APPEND to nothing", .prepare = prepare_absent, .operate = append_10},
    {.name = "APPEND, new block", .prepare = prepare_32, .operate = append_10},
    {.name = "APPEND to an integer", .prepare = prepare_int, .operate = append_10},
    {.name = "APPEND in slack", .prepare = prepare_slack_embedded, .operate = append_10},
    {.name = "APPEND embedded to external", .prepare = prepare_slack_embedded, .operate = append_2000},
    {.name = "APPEND external, new block", .prepare = prepare_5000, .operate = append_2000},
    {.name = "APPEND external in slack", .prepare = prepare_slack_external, .operate = append_2000},
    {.name = "SETRANGE in the middle", .prepare = prepare_32, .operate = setrange_middle},
    {.name = "SETRANGE external", .prepare = prepare_slack_external, .operate = setrange_middle},
    {.name = "SETRANGE beyond the end, in slack",
     .prepare = prepare_slack_embedded,
     .operate = setrange_beyond},
    {.name = "DEL", .prepare = prepare_32, .operate = remove_key},
    {.name = "DEL external", .prepare = prepare_5000, .operate = remove_key},
    {.name = "DEL volatile", .prepare = prepare_volatile, .operate = remove_key},
    {.name = "RENAME", .prepare = prepare_volatile, .operate = rename_new},
    {.name = "RENAME over another", .prepare = prepare_5000, .operate = rename_over},
    {.name = "RENAME within the stripe", .prepare = prepare_32, .operate = rename_in_stripe},
    {.name = "COPY external over external", .prepare = prepare_5000, .operate = copy_over},
    {.name = "MOVE", .prepare = prepare_volatile, .operate = move_database},
    {.name = "EXPIRE without slot", .prepare = prepare_32, .operate = expire},
    {.name = "EXPIRE into slack", .prepare = prepare_slack_embedded, .operate = expire},
    {.name = "EXPIRE with slot", .prepare = prepare_persisted, .operate = expire},
    {.name = "EXPIRE again", .prepare = prepare_volatile, .operate = expire},
    {.name = "PERSIST", .prepare = prepare_volatile, .operate = persist},
    {.name = "MSET and DEL in one", .prepare = prepare_absent, .operate = set_many},
    {.name = "rollback to a savepoint", .prepare = prepare_32, .operate = roll_back_and_go_on},
};
#define CASES (sizeof(cases) / sizeof(*cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
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
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
