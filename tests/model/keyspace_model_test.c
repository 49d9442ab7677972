/* Random operations on the keyspace beside a plain model in memory; aborts, rollbacks and restarts in between.
 *
 *     test_model_keyspace_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/model_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATABASES    3
#define NAMES        3000
#define VALUE_MAX    6000
#define CHECK_EVERY  3000 /* operations */
#define REOPEN_EVERY 7000
#define NOW_MS       1000000

struct model_value {
    char *bytes; /* NULL: absent */
    size_t len;
    int64_t expire_at_ms;
};

struct model {
    struct model_value values[DATABASES][NAMES];
};

struct rig {
    struct model_store store;
    struct model model;
    uint64_t names; /* in use now: grows and falls, so that tables do */
    bool failed;
};

static uint64_t seed = 0, operations = 60000;

/* Names of all lengths; every tenth shares a hash tag. */
static struct slice name_of(uint64_t number, char buffer[400])
{
    int len = snprintf(buffer, 400, number % 10 ? "name:%llu" : "{tag}%llu", (unsigned long long)number);
    if (number % 97 == 5) {
        memset(buffer + len, 'n', 300);
        len += 300;
    }
    return (struct slice){buffer, (size_t)len};
}

static void model_set(struct model_value *value, struct slice bytes, int64_t expire_at_ms)
{
    char *copy = malloc(bytes.len + 1);
    assert_non_null(copy);
    if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
    free(value->bytes);
    *value = (struct model_value){copy, bytes.len, expire_at_ms};
}

static void model_drop(struct model_value *value)
{
    free(value->bytes);
    *value = (struct model_value){NULL, 0, -1};
}

static void compare(struct rig *rig, unsigned db, uint64_t number)
{
    char buffer[400], text[ENTRY_INT_TEXT_MAX];
    struct key key = keyspace_key(rig->store.keyspace, name_of(number, buffer));
    const struct model_value *expected = &rig->model.values[db][number];
    struct entry *entry = keyspace_find(rig->store.keyspace, db, &key);
    if (entry == NULL && expected->bytes == NULL) return;
    if ((entry == NULL) != (expected->bytes == NULL))
        fail_msg("db %u, name %llu: %s", db, (unsigned long long)number,
                 entry ? "should be absent" : "is missing");
    struct slice value = entry_string(rig->store.heap, entry, text);
    if (!slice_equal(value, (struct slice){expected->bytes, expected->len}) ||
        entry_expire_ms(entry) != expected->expire_at_ms)
        fail_msg("db %u, name %llu: another value or expiry", db, (unsigned long long)number);
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    for (unsigned db = 0; db < DATABASES; db++) {
        uint64_t count = 0, volatiles = 0;
        for (uint64_t i = 0; i < NAMES; i++) {
            compare(rig, db, i);
            count += rig->model.values[db][i].bytes != NULL;
            volatiles += rig->model.values[db][i].bytes != NULL && rig->model.values[db][i].expire_at_ms >= 0;
        }
        assert_int_equal(keyspace_size(rig->store.keyspace, db), count);
        assert_int_equal(keyspace_volatile_size(rig->store.keyspace, db), volatiles);
    }
    if (!keyspace_is_valid(rig->store.keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->store.heap, keyspace_walk, rig->store.keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
}

/* ---- operations: each changes keyspace and model alike, in the open transaction ---- */

struct target {
    unsigned db;
    uint64_t number;
    struct key key;
    struct model_value *value;
    char buffer[400];
};

static void pick(struct rig *rig, struct target *target)
{
    target->db = (unsigned)model_random(&rig->store, DATABASES);
    target->number = model_random(&rig->store, rig->names);
    target->key = keyspace_key(rig->store.keyspace, name_of(target->number, target->buffer));
    target->value = &rig->model.values[target->db][target->number];
}

static struct slice random_value(struct rig *rig, char bytes[VALUE_MAX])
{
    uint64_t kind = model_random(&rig->store, 10);
    if (kind == 0) {
        int64_t number = (int64_t)(model_random(&rig->store, UINT32_MAX) << model_random(&rig->store, 32));
        return (struct slice){bytes, (size_t)snprintf(bytes, 32, "%lld", (long long)number)};
    }
    size_t len = model_random(&rig->store, kind < 7 ? 60 : kind < 9 ? 1200 : VALUE_MAX);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + (i * 7 + rig->store.random) % 26);
    return (struct slice){bytes, len};
}

static int64_t random_expiry(struct rig *rig)
{
    return NOW_MS + (int64_t)model_random(&rig->store, 1000000) - 1000;
}

static void set(struct rig *rig)
{
    char bytes[VALUE_MAX];
    struct target target;
    pick(rig, &target);
    struct slice value = random_value(rig, bytes);
    int64_t expire_at_ms = model_random(&rig->store, 3) ? EXPIRY_NONE : random_expiry(rig);
    int64_t kept = target.value->bytes != NULL ? target.value->expire_at_ms : -1;
    bool keep = model_random(&rig->store, 5) == 0;
    assert_int_equal(keyspace_put_string(rig->store.tx, rig->store.keyspace, target.db, &target.key, value,
                                         keep ? EXPIRY_KEEP : expire_at_ms),
                     ERROR_OK);
    model_set(target.value, value, keep ? kept : expire_at_ms);
}

static void edit(struct rig *rig)
{
    char bytes[VALUE_MAX], whole[3 * VALUE_MAX] = {0}, *at = NULL;
    struct target target;
    pick(rig, &target);
    struct slice piece = random_value(rig, bytes);
    size_t old_len = target.value->bytes == NULL ? 0 : target.value->len;
    if (piece.len == 0 || old_len > VALUE_MAX) return;
    size_t off = model_random(&rig->store, 2) ? old_len : model_random(&rig->store, old_len + 50);
    size_t new_len = off + piece.len > old_len ? off + piece.len : old_len;
    int64_t expire_at_ms = target.value->bytes == NULL ? -1 : target.value->expire_at_ms;
    assert_int_equal(keyspace_edit_string(rig->store.tx, rig->store.keyspace, target.db, &target.key, off,
                                          piece.len, off + piece.len, &at),
                     ERROR_OK);
    tx_write(rig->store.tx, at + off, piece.ptr, piece.len);
    if (old_len > 0) memcpy(whole, target.value->bytes, old_len);
    memcpy(whole + off, piece.ptr, piece.len);
    model_set(target.value, (struct slice){whole, new_len}, expire_at_ms);
}

static void erase(struct rig *rig)
{
    struct target target;
    bool removed;
    pick(rig, &target);
    assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, target.db, &target.key, &removed),
                     ERROR_OK);
    assert_int_equal(removed, target.value->bytes != NULL);
    model_drop(target.value);
}

static void expire(struct rig *rig)
{
    struct target target;
    pick(rig, &target);
    int64_t expire_at_ms = model_random(&rig->store, 3) ? random_expiry(rig) : EXPIRY_NONE;
    enum error error =
        keyspace_set_expiry(rig->store.tx, rig->store.keyspace, target.db, &target.key, expire_at_ms);
    assert_int_equal(error, target.value->bytes != NULL ? ERROR_OK : ERROR_NOT_FOUND);
    if (error == ERROR_OK) target.value->expire_at_ms = expire_at_ms;
}

static void move_or_copy(struct rig *rig)
{
    struct target from, to;
    pick(rig, &from);
    pick(rig, &to);
    bool move = model_random(&rig->store, 2) == 0;
    enum error error = (move ? keyspace_move : keyspace_copy)(rig->store.tx, rig->store.keyspace, from.db,
                                                              &from.key, to.db, &to.key);
    assert_int_equal(error, from.value->bytes != NULL ? ERROR_OK : ERROR_NOT_FOUND);
    if (error != ERROR_OK || from.value == to.value) return;
    model_set(to.value, (struct slice){from.value->bytes, from.value->len}, from.value->expire_at_ms);
    if (move) model_drop(from.value);
}

static void flush(struct rig *rig)
{
    unsigned db = (unsigned)model_random(&rig->store, DATABASES);
    assert_int_equal(keyspace_flush(rig->store.tx, rig->store.keyspace, db), ERROR_OK);
    for (uint64_t i = 0; i < NAMES; i++)
        model_drop(&rig->model.values[db][i]);
}

static void swap(struct rig *rig)
{
    static struct model_value other[NAMES];
    unsigned a = (unsigned)model_random(&rig->store, DATABASES),
             b = (unsigned)model_random(&rig->store, DATABASES);
    assert_int_equal(keyspace_swap(rig->store.tx, rig->store.keyspace, a, b), ERROR_OK);
    memcpy(other, rig->model.values[a], sizeof(other));
    memmove(rig->model.values[a], rig->model.values[b], sizeof(other));
    memcpy(rig->model.values[b], other, sizeof(other));
}

/* A command whose transaction, or part of it, is taken back: the model knows nothing of it. */
static void take_back(struct rig *rig, bool whole)
{
    char bytes[VALUE_MAX];
    struct target target;
    struct tx_mark mark = tx_savepoint(rig->store.tx);
    for (unsigned i = 0; i < 5; i++) {
        bool removed;
        pick(rig, &target);
        struct slice value = random_value(rig, bytes);
        assert_int_equal(
            keyspace_put_string(rig->store.tx, rig->store.keyspace, target.db, &target.key, value, NOW_MS),
            ERROR_OK);
        pick(rig, &target);
        assert_int_equal(
            keyspace_remove(rig->store.tx, rig->store.keyspace, target.db, &target.key, &removed), ERROR_OK);
    }
    if (whole) {
        tx_abort(rig->store.tx);
        tx_begin(rig->store.tx);
    } else {
        tx_rollback_to(rig->store.tx, mark);
    }
}

static void removed_in_background(void *arg, unsigned db, struct slice name, enum keyspace_expiry how)
{
    (void)how;
    struct rig *rig = arg;
    uint64_t number = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] >= '0' && name.ptr[i] <= '9') number = number * 10 + (uint64_t)(name.ptr[i] - '0');
    struct model_value *value = &rig->model.values[db][number];
    if (value->bytes == NULL || value->expire_at_ms < 0 || value->expire_at_ms > NOW_MS) rig->failed = true;
    model_drop(value);
}

static void background(struct rig *rig)
{
    for (unsigned stripe = 0; stripe < KEYSPACE_STRIPES; stripe++)
        keyspace_expire_step(rig->store.keyspace, rig->store.thread, stripe, NOW_MS, 3, removed_in_background,
                             rig);
    for (unsigned i = 0; i < 5; i++)
        keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 100);
    assert_false(rig->failed);
}

static void operate(struct rig *rig)
{
    uint64_t kind = model_random(&rig->store, 1000);
    tx_begin(rig->store.tx);
    uint64_t count =
        model_random(&rig->store, 4) == 0 ? model_random(&rig->store, 10) : 1; /* several commands: an EXEC */
    for (uint64_t i = 0; i < count; i++) {
        if (kind < 450) set(rig);
        else if (kind < 600) edit(rig);
        else if (kind < 780) erase(rig);
        else if (kind < 870) expire(rig);
        else if (kind < 960) move_or_copy(rig);
        else if (kind < 995) take_back(rig, kind % 2 && i == 0);
        else if (kind < 999) swap(rig);
        else flush(rig);
    }
    tx_commit(rig->store.tx);
    if (kind % 50 == 0) background(rig);
}

static void random_operations_agree_with_the_model(void **state)
{
    struct rig *rig = *state;
    model_store_open(&rig->store, DATABASES);
    for (uint64_t i = 1; i <= operations; i++) {
        if (i % 500 == 1)
            rig->names = 1 + model_random(&rig->store, model_random(&rig->store, 2) ? NAMES : 50);
        operate(rig);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            model_store_open(&rig->store, DATABASES);
            compare_all(rig);
        }
    }
    compare_all(rig);
    model_store_close(&rig->store);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    model_store_make(&rig->store, seed);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    for (unsigned db = 0; db < DATABASES; db++)
        for (uint64_t i = 0; i < NAMES; i++)
            model_drop(&rig->model.values[db][i]);
    model_store_remove(&rig->store);
    free(rig);
    return 0;
}

int main(int argc, char **argv)
{
    model_arguments(argc, argv, 10, &seed, &operations);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations_agree_with_the_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
