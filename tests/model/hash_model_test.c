/* Random changes of hashes beside a plain model in memory: small and large ones, fields with times, expiry in the background,
 * aborts and restarts in between.
 *
 *     test_model_hash_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/hash.h"
#include "support/model_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASHES       6
#define FIELDS       300
#define PACKED_MAX   40 /* fields; above, a hash becomes large */
#define CHECK_EVERY  500
#define REOPEN_EVERY 5000
#define LONG_FACTOR  20

struct model_field {
    bool there;
    uint32_t value;
    int64_t time_ms; /* HASH_TIME_NONE: it stays */
};

struct model {
    struct model_field fields[HASHES][FIELDS];
};

struct rig {
    struct model_store store;
    struct hash_draft draft;
    struct model model, saved; /* saved: what an abort returns to */
    int64_t now_ms;
};

static uint64_t seed, operations = 20000;

static struct key key_of(struct rig *rig, unsigned hash)
{
    static const char *const names[HASHES] = {"a", "b", "c", "{b}d", "a longer name of a hash", "f"};
    return keyspace_key(rig->store.keyspace, slice_of(names[hash]));
}

static struct slice field_text(unsigned field, char text[32])
{
    return (struct slice){text, (size_t)snprintf(text, 32, field % 3 ? "field:%u" : "%u", field)};
}

/* Values of all sizes: integers, short texts, a few long ones. */
static struct slice value_text(uint32_t value, char text[3000])
{
    size_t len = (size_t)snprintf(text, 3000, value % 4 ? "value %u" : "%u", value);
    if (value % 61 == 1) {
        memset(text + len, 'v', value % 2900);
        len += value % 2900;
    }
    return (struct slice){text, len < 2999 ? len : 2999};
}

/* ---- the change of one field, as commands make it ---- */

enum action { SET, SET_KEEPING_TIME, SET_TIMED, RETIME, REMOVE, ACTIONS };

static bool is_live(const struct rig *rig, int64_t time_ms)
{
    return time_ms == HASH_TIME_NONE || time_ms > rig->now_ms;
}

static void change_model(struct rig *rig, enum action action, struct model_field *field, uint32_t value,
                         int64_t time_ms)
{
    bool live = field->there && is_live(rig, field->time_ms);
    switch (action) {
    case SET: *field = (struct model_field){true, value, HASH_TIME_NONE}; break;
    case SET_TIMED: *field = (struct model_field){true, value, time_ms}; break;
    case SET_KEEPING_TIME:
        *field = (struct model_field){true, value, live ? field->time_ms : HASH_TIME_NONE};
        break;
    case RETIME:
        if (live) field->time_ms = time_ms;
        break;
    default: field->there = false; break;
    }
}

static void change_packed(struct rig *rig, enum action action, struct slice name, struct slice value,
                          int64_t time_ms)
{
    struct hash_packed_place place;
    bool found = hash_packed_find(&rig->draft.now, name, &place);
    if (!found && action <= SET_TIMED) {
        hash_draft_add(&rig->draft, name, value, action == SET_TIMED ? time_ms : HASH_TIME_NONE);
        return;
    }
    if (!found) return;
    if (action == REMOVE) hash_draft_remove(&rig->draft, &place);
    if (action <= SET_TIMED) hash_draft_replace(&rig->draft, &place, value);
    if (action == SET) hash_draft_set_time(&rig->draft, place.index, HASH_TIME_NONE);
    if (action == SET_TIMED || action == RETIME) hash_draft_set_time(&rig->draft, place.index, time_ms);
}

static void change_rooted(struct rig *rig, uint64_t root, enum action action, struct slice name,
                          struct slice value, int64_t time_ms)
{
    struct entry *entry = hash_find(rig->store.heap, root, name);
    bool added, live = entry != NULL && !entry_is_expired(entry, rig->now_ms);
    if (action == SET) time_ms = HASH_TIME_NONE;
    if (action == SET_KEEPING_TIME) time_ms = HASH_TIME_KEEP;
    if (action <= SET_TIMED) {
        assert_int_equal(
            hash_put(rig->store.tx, rig->store.heap, root, name, value, time_ms, rig->now_ms, &added),
            ERROR_OK);
        assert_int_equal(added, !live);
    } else if (action == RETIME && live) {
        assert_int_equal(hash_set_time(rig->store.tx, rig->store.heap, root, name, time_ms), ERROR_OK);
    } else if (action == REMOVE) {
        assert_int_equal(hash_remove(rig->store.tx, rig->store.heap, root, name), ERROR_OK);
    }
}

static void make_large(struct rig *rig, const struct key *key)
{
    struct hash_packed_iter iter = hash_packed_begin(&rig->draft.now);
    struct packed_item field, value;
    char texts[2][PACKED_INT_TEXT_MAX];
    int64_t time_ms;
    uint64_t root;
    bool added;
    assert_int_equal(hash_create(rig->store.tx, rig->store.heap, &root), ERROR_OK);
    while (hash_packed_next(&iter, &field, &value, &time_ms))
        assert_int_equal(hash_put(rig->store.tx, rig->store.heap, root, packed_text(&field, texts[0]),
                                  packed_text(&value, texts[1]), time_ms, rig->now_ms, &added),
                         ERROR_OK);
    assert_int_equal(keyspace_put_root(rig->store.tx, rig->store.keyspace, 0, key, ENTRY_HASH,
                                       COLLECTION_HASH, root, EXPIRY_KEEP),
                     ERROR_OK);
}

static void change(struct rig *rig, unsigned hash, enum action action, unsigned field, uint32_t number,
                   int64_t time_ms)
{
    char name_text[32], text[3000];
    struct slice name = field_text(field, name_text), value = value_text(number, text), blob = {"", 0};
    struct key key = key_of(rig, hash);
    struct entry *entry = keyspace_find(rig->store.keyspace, 0, &key);
    uint64_t root = entry == NULL ? 0 : entry_root(entry, NULL);
    bool removed;
    change_model(rig, action, &rig->model.fields[hash][field], number, time_ms);
    if (root != 0) {
        change_rooted(rig, root, action, name, value, time_ms);
        if (hash_ops.count(rig->store.heap, root) > 0)
            assert_int_equal(keyspace_note_due(rig->store.tx, rig->store.keyspace, 0, &key), ERROR_OK);
        else
            assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, 0, &key, &removed),
                             ERROR_OK);
        return;
    }
    if (entry != NULL) assert_true(entry_packed(rig->store.heap, entry, &blob));
    struct hash_packed packed = hash_packed_open(blob);
    hash_draft_begin(&rig->draft, &packed, rig->now_ms);
    change_packed(rig, action, name, value, time_ms);
    if (rig->draft.now.fields > PACKED_MAX) {
        make_large(rig, &key);
    } else if (rig->draft.now.fields == 0) {
        assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, 0, &key, &removed), ERROR_OK);
    } else if (rig->draft.changed) {
        blob = hash_draft_finish(&rig->draft);
        assert_false(rig->draft.failed);
        assert_true(hash_packed_is_valid(blob));
        assert_int_equal(
            keyspace_put_packed(rig->store.tx, rig->store.keyspace, 0, &key, ENTRY_HASH, blob, EXPIRY_KEEP),
            ERROR_OK);
    }
}

/* ---- comparing ---- */

static void compare_field(struct rig *rig, const struct entry *entry, unsigned hash, unsigned field)
{
    const struct model_field *model = &rig->model.fields[hash][field];
    char name_text[32], text[3000], int_text[ENTRY_INT_TEXT_MAX];
    struct slice name = field_text(field, name_text), blob, value = {NULL, 0};
    int64_t time_ms = HASH_TIME_NONE;
    bool found = false;
    if (entry != NULL && entry_packed(rig->store.heap, entry, &blob)) {
        struct hash_packed packed = hash_packed_open(blob);
        struct hash_packed_place place;
        found = hash_packed_find(&packed, name, &place);
        if (found) value = packed_text(&place.item, int_text);
        if (found) time_ms = hash_packed_time(&packed, place.index);
    } else if (entry != NULL) {
        const struct entry *own = hash_find(rig->store.heap, entry_root(entry, NULL), name);
        found = own != NULL;
        if (found) value = entry_string(rig->store.heap, own, int_text);
        if (found) time_ms = entry_expire_ms(own);
    }
    found = found && is_live(rig, time_ms);
    assert_int_equal(found, model->there && is_live(rig, model->time_ms));
    if (!found) return;
    assert_int_equal(time_ms, model->time_ms);
    assert_true(slice_equal(value, value_text(model->value, text)));
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    if (!keyspace_is_valid(rig->store.keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->store.heap, keyspace_walk, rig->store.keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
    for (unsigned hash = 0; hash < HASHES; hash++) {
        struct key key = key_of(rig, hash);
        const struct entry *entry = keyspace_find(rig->store.keyspace, 0, &key);
        uint64_t live = 0, expected = 0;
        struct slice blob;
        for (unsigned field = 0; field < FIELDS; field++) {
            const struct model_field *model = &rig->model.fields[hash][field];
            compare_field(rig, entry, hash, field);
            expected += model->there && is_live(rig, model->time_ms);
        }
        if (entry != NULL && entry_packed(rig->store.heap, entry, &blob)) {
            struct hash_packed packed = hash_packed_open(blob);
            live = hash_packed_live(&packed, rig->now_ms);
        } else if (entry != NULL) {
            live = hash_live(rig->store.heap, entry_root(entry, NULL), rig->now_ms);
        }
        assert_int_equal(live, expected);
    }
}

/* Lets everything that is due expire; then nothing dead is left. */
static void expire_all(struct rig *rig)
{
    for (unsigned stripe = 0; stripe < KEYSPACE_STRIPES; stripe++)
        for (unsigned i = 0; i < 3; i++)
            keyspace_expire_step(rig->store.keyspace, rig->store.thread, stripe, rig->now_ms, 100, NULL,
                                 NULL);
    for (unsigned hash = 0; hash < HASHES; hash++) {
        struct key key = key_of(rig, hash);
        const struct entry *entry = keyspace_find(rig->store.keyspace, 0, &key);
        if (entry == NULL) continue;
        int64_t due_ms = entry_due_ms(rig->store.heap, entry);
        assert_true(due_ms < 0 || due_ms > rig->now_ms);
    }
}

static void operate(struct rig *rig)
{
    bool aborts = model_random(&rig->store, 10) == 0;
    unsigned hash = (unsigned)model_random(&rig->store, HASHES),
             changes = 1 + (unsigned)model_random(&rig->store, 4);
    /* Some hashes stay small, others swing between empty and large. */
    unsigned fields = hash < 2 ? 20 : FIELDS;
    bool shrinking = (rig->now_ms / 20000 + hash) % 3 == 0;
    rig->saved = rig->model;
    tx_begin(rig->store.tx);
    for (unsigned i = 0; i < changes; i++) {
        enum action action = (enum action)model_random(&rig->store, ACTIONS);
        if (shrinking && model_random(&rig->store, 2) == 0) action = REMOVE;
        change(rig, hash, action, (unsigned)model_random(&rig->store, fields),
               (uint32_t)model_random(&rig->store, 100000),
               rig->now_ms + 1 + (int64_t)model_random(&rig->store, 3000));
    }
    if (aborts) {
        tx_abort(rig->store.tx);
        rig->model = rig->saved;
    } else {
        tx_commit(rig->store.tx);
    }
    rig->now_ms += (int64_t)model_random(&rig->store, 20);
}

static void hashes_behave_as_the_model(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->now_ms = 1000000;
    model_store_make(&rig->store, seed);
    model_store_open(&rig->store, 1);
    for (uint64_t i = 1; i <= operations; i++) {
        operate(rig);
        if (model_random(&rig->store, 50) == 0) expire_all(rig);
        if (model_random(&rig->store, 100) == 0)
            keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 200);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            model_store_open(&rig->store, 1);
            compare_all(rig);
        }
    }
    model_store_close(&rig->store);
    model_store_remove(&rig->store);
    hash_draft_free(&rig->draft);
    free(rig);
}

int main(int argc, char **argv)
{
    model_arguments(argc, argv, LONG_FACTOR, &seed, &operations);
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_behave_as_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
