/* Random changes of sets beside a plain model in memory; aborts, drops and restarts in between.
 *
 *     test_model_set_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/model_store.h"
#include "support/set_edit.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS         8
#define MEMBERS      3000
#define CHECK_EVERY  1500 /* operations */
#define REOPEN_EVERY 4000

struct rig {
    struct model_store store;
    bool model[KEYS][MEMBERS];
};

static uint64_t seed = 0, operations = 30000;

static struct key key_of(struct rig *rig, unsigned number, char name[16])
{
    return keyspace_key(rig->store.keyspace,
                        (struct slice){name, (size_t)snprintf(name, 16, "set:%u", number)});
}

/* Half of the sets hold integers only; members of the others are short, long, or integers as well. */
static struct slice member_of(unsigned key, unsigned number, char text[64])
{
    const char *format = key % 2 == 0 || number % 5 == 0 ? "%u"
                         : number % 7 == 0               ? "a member that is rather long: %u"
                                                         : "m%u";
    return (struct slice){text, (size_t)snprintf(text, 64, format, number * (key % 4 == 0 ? 1U : 100000U))};
}

/* ---- comparing ---- */

static unsigned model_count(const struct rig *rig, unsigned key)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MEMBERS; i++)
        count += rig->model[key][i];
    return count;
}

static bool count_visit(void *ctx, const struct slice *parts, size_t count)
{
    assert_true(count == 1 && parts[0].len > 0);
    ++*(unsigned *)ctx;
    return true;
}

static void compare(struct rig *rig, unsigned number)
{
    char name[16], text[64];
    struct key key = key_of(rig, number, name);
    const struct entry *entry = keyspace_find(rig->store.keyspace, 0, &key);
    unsigned count = model_count(rig, number), visited = 0;
    assert_int_equal(entry != NULL, count > 0);
    if (entry == NULL) return;
    assert_int_equal(set_count(rig->store.heap, entry), count);
    entry_visit(rig->store.heap, entry, count_visit, &visited);
    assert_int_equal(visited, count);
    for (unsigned i = 0; i < MEMBERS; i++)
        if (set_contains(rig->store.heap, entry, member_of(number, i, text)) != rig->model[number][i])
            fail_msg("set %u, member %u", number, i);
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    for (unsigned i = 0; i < KEYS; i++)
        compare(rig, i);
    if (!keyspace_is_valid(rig->store.keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->store.heap, keyspace_walk, rig->store.keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
}

/* ---- operations, in the open transaction ---- */

/* A run of members, so that sets grow and fall; `known`: the model follows. */
static void change(struct rig *rig, unsigned number, bool add, bool known)
{
    char name[16], text[64];
    unsigned first = (unsigned)model_random(&rig->store, MEMBERS),
             run = 1 + (unsigned)model_random(&rig->store, model_random(&rig->store, 20) ? 8 : 600);
    struct set_edit edit = set_edit_open(rig->store.tx, rig->store.keyspace, 0, key_of(rig, number, name));
    for (unsigned i = 0; i < run; i++) {
        bool *has = &rig->model[number][(first + i * 7) % MEMBERS];
        struct slice member = member_of(number, (first + i * 7) % MEMBERS, text);
        bool done = add ? set_edit_add(&edit, member) : set_edit_remove(&edit, member);
        if (known) {
            assert_int_equal(done, *has != add);
            *has = add;
        }
    }
    set_edit_close(&edit);
}

static void erase(struct rig *rig, unsigned number)
{
    char name[16];
    bool removed;
    struct key key = key_of(rig, number, name);
    assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, 0, &key, &removed), ERROR_OK);
    memset(rig->model[number], 0, sizeof(rig->model[number]));
}

/* Between sets whose members look the same. */
static void copy_or_move(struct rig *rig, unsigned number, bool move)
{
    char name[16], other_name[16];
    unsigned other = (number + 4) % KEYS;
    struct key from = key_of(rig, number, name), to = key_of(rig, other, other_name);
    enum error error =
        (move ? keyspace_move : keyspace_copy)(rig->store.tx, rig->store.keyspace, 0, &from, 0, &to);
    assert_int_equal(error, model_count(rig, number) > 0 ? ERROR_OK : ERROR_NOT_FOUND);
    if (error != ERROR_OK) return;
    memcpy(rig->model[other], rig->model[number], sizeof(rig->model[other]));
    if (move) memset(rig->model[number], 0, sizeof(rig->model[number]));
}

static void operate(struct rig *rig)
{
    uint64_t kind = model_random(&rig->store, 100);
    unsigned number = (unsigned)model_random(&rig->store, KEYS);
    tx_begin(rig->store.tx);
    if (kind < 50) {
        change(rig, number, true, true);
    } else if (kind < 90) {
        change(rig, number, false, true);
    } else if (kind < 92) {
        erase(rig, number);
    } else if (kind < 96) {
        copy_or_move(rig, number, kind % 2);
    } else { /* taken back: the model knows nothing of it */
        struct tx_mark mark = tx_savepoint(rig->store.tx);
        change(rig, number, kind % 2, false);
        if (kind == 99) {
            tx_abort(rig->store.tx);
            return;
        }
        tx_rollback_to(rig->store.tx, mark);
    }
    tx_commit(rig->store.tx);
    if (kind == 0) keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 100);
}

static void random_changes_agree_with_the_model(void **state)
{
    struct rig *rig = *state;
    model_store_open(&rig->store, 1);
    for (uint64_t i = 1; i <= operations; i++) {
        operate(rig);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            model_store_open(&rig->store, 1);
            compare_all(rig);
        }
    }
    while (keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 1000))
        continue;
    assert_int_equal(keyspace_reclaim_pending(rig->store.keyspace), 0);
    compare_all(rig);
    model_store_close(&rig->store);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    model_store_make(&rig->store, seed);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    model_store_remove(&rig->store);
    free(rig);
    return 0;
}

int main(int argc, char **argv)
{
    model_arguments(argc, argv, 10, &seed, &operations);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_changes_agree_with_the_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
