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

#include "db/keyspace.h"
#include "ds/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
    char folder[64];
    char path[96];
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
    struct keyspace *keyspace;
    struct hash_draft draft;
    struct model model, saved; /* saved: what an abort returns to */
    int64_t now_ms;
    uint64_t random;
};

static uint64_t seed, operations = 20000;

static uint64_t next_random(struct rig *rig, uint64_t limit)
{
    rig->random = rig->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (rig->random >> 33) % limit;
}

static void open_rig(struct rig *rig)
{
    struct heap_report report;
    struct heap_options options = {.path = rig->path,
                                   .mode = HEAP_MODE_SHARED,
                                   .reserve_bytes = UINT64_C(8) << 30,
                                   .boot_id = "one boot"};
    if (heap_open(&options, &rig->heap, &report) != ERROR_OK) fail_msg("%s", report.detail);
    assert_int_equal(heap_thread_open(rig->heap, &rig->thread), ERROR_OK);
    rig->tx = heap_thread_tx(rig->thread);
    assert_int_equal(keyspace_open(rig->heap, rig->thread, 1, &rig->keyspace), ERROR_OK);
}

static void close_rig(struct rig *rig)
{
    keyspace_close(rig->keyspace);
    heap_thread_close(rig->thread);
    assert_int_equal(heap_close(rig->heap), ERROR_OK);
}

static struct key key_of(struct rig *rig, unsigned hash)
{
    static const char *const names[HASHES] = {"a", "b", "c", "{b}d", "a longer name of a hash", "f"};
    return keyspace_key(rig->keyspace, slice_of(names[hash]));
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
    struct entry *entry = hash_find(rig->heap, root, name);
    bool added, live = entry != NULL && !entry_is_expired(entry, rig->now_ms);
    if (action == SET) time_ms = HASH_TIME_NONE;
    if (action == SET_KEEPING_TIME) time_ms = HASH_TIME_KEEP;
    if (action <= SET_TIMED) {
        assert_int_equal(hash_put(rig->tx, rig->heap, root, name, value, time_ms, rig->now_ms, &added),
                         ERROR_OK);
        assert_int_equal(added, !live);
    } else if (action == RETIME && live) {
        assert_int_equal(hash_set_time(rig->tx, rig->heap, root, name, time_ms), ERROR_OK);
    } else if (action == REMOVE) {
        assert_int_equal(hash_remove(rig->tx, rig->heap, root, name), ERROR_OK);
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
    assert_int_equal(hash_create(rig->tx, rig->heap, &root), ERROR_OK);
    while (hash_packed_next(&iter, &field, &value, &time_ms))
        assert_int_equal(hash_put(rig->tx, rig->heap, root, packed_text(&field, texts[0]),
                                  packed_text(&value, texts[1]), time_ms, rig->now_ms, &added),
                         ERROR_OK);
    assert_int_equal(
        keyspace_put_root(rig->tx, rig->keyspace, 0, key, ENTRY_HASH, COLLECTION_HASH, root, EXPIRY_KEEP),
        ERROR_OK);
}

static void change(struct rig *rig, unsigned hash, enum action action, unsigned field, uint32_t number,
                   int64_t time_ms)
{
    char name_text[32], text[3000];
    struct slice name = field_text(field, name_text), value = value_text(number, text), blob = {"", 0};
    struct key key = key_of(rig, hash);
    struct entry *entry = keyspace_find(rig->keyspace, 0, &key);
    uint64_t root = entry == NULL ? 0 : entry_root(entry, NULL);
    bool removed;
    change_model(rig, action, &rig->model.fields[hash][field], number, time_ms);
    if (root != 0) {
        change_rooted(rig, root, action, name, value, time_ms);
        if (hash_ops.count(rig->heap, root) > 0)
            assert_int_equal(keyspace_note_due(rig->tx, rig->keyspace, 0, &key), ERROR_OK);
        else assert_int_equal(keyspace_remove(rig->tx, rig->keyspace, 0, &key, &removed), ERROR_OK);
        return;
    }
    if (entry != NULL) assert_true(entry_packed(rig->heap, entry, &blob));
    struct hash_packed packed = hash_packed_open(blob);
    hash_draft_begin(&rig->draft, &packed, rig->now_ms);
    change_packed(rig, action, name, value, time_ms);
    if (rig->draft.now.fields > PACKED_MAX) {
        make_large(rig, &key);
    } else if (rig->draft.now.fields == 0) {
        assert_int_equal(keyspace_remove(rig->tx, rig->keyspace, 0, &key, &removed), ERROR_OK);
    } else if (rig->draft.changed) {
        blob = hash_draft_finish(&rig->draft);
        assert_false(rig->draft.failed);
        assert_true(hash_packed_is_valid(blob));
        assert_int_equal(keyspace_put_packed(rig->tx, rig->keyspace, 0, &key, ENTRY_HASH, blob, EXPIRY_KEEP),
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
    if (entry != NULL && entry_packed(rig->heap, entry, &blob)) {
        struct hash_packed packed = hash_packed_open(blob);
        struct hash_packed_place place;
        found = hash_packed_find(&packed, name, &place);
        if (found) value = packed_text(&place.item, int_text);
        if (found) time_ms = hash_packed_time(&packed, place.index);
    } else if (entry != NULL) {
        const struct entry *own = hash_find(rig->heap, entry_root(entry, NULL), name);
        found = own != NULL;
        if (found) value = entry_string(rig->heap, own, int_text);
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
    if (!keyspace_is_valid(rig->keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->heap, keyspace_walk, rig->keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
    for (unsigned hash = 0; hash < HASHES; hash++) {
        struct key key = key_of(rig, hash);
        const struct entry *entry = keyspace_find(rig->keyspace, 0, &key);
        uint64_t live = 0, expected = 0;
        struct slice blob;
        for (unsigned field = 0; field < FIELDS; field++) {
            const struct model_field *model = &rig->model.fields[hash][field];
            compare_field(rig, entry, hash, field);
            expected += model->there && is_live(rig, model->time_ms);
        }
        if (entry != NULL && entry_packed(rig->heap, entry, &blob)) {
            struct hash_packed packed = hash_packed_open(blob);
            live = hash_packed_live(&packed, rig->now_ms);
        } else if (entry != NULL) {
            live = hash_live(rig->heap, entry_root(entry, NULL), rig->now_ms);
        }
        assert_int_equal(live, expected);
    }
}

/* Lets everything that is due expire; then nothing dead is left. */
static void expire_all(struct rig *rig)
{
    for (unsigned stripe = 0; stripe < KEYSPACE_STRIPES; stripe++)
        for (unsigned i = 0; i < 3; i++)
            keyspace_expire_step(rig->keyspace, rig->thread, stripe, rig->now_ms, 100, NULL, NULL);
    for (unsigned hash = 0; hash < HASHES; hash++) {
        struct key key = key_of(rig, hash);
        const struct entry *entry = keyspace_find(rig->keyspace, 0, &key);
        if (entry == NULL) continue;
        int64_t due_ms = entry_due_ms(rig->heap, entry);
        assert_true(due_ms < 0 || due_ms > rig->now_ms);
    }
}

static void operate(struct rig *rig)
{
    bool aborts = next_random(rig, 10) == 0;
    unsigned hash = (unsigned)next_random(rig, HASHES), changes = 1 + (unsigned)next_random(rig, 4);
    /* Some hashes stay small, others swing between empty and large. */
    unsigned fields = hash < 2 ? 20 : FIELDS;
    bool shrinking = (rig->now_ms / 20000 + hash) % 3 == 0;
    rig->saved = rig->model;
    tx_begin(rig->tx);
    for (unsigned i = 0; i < changes; i++) {
        enum action action = (enum action)next_random(rig, ACTIONS);
        if (shrinking && next_random(rig, 2) == 0) action = REMOVE;
        change(rig, hash, action, (unsigned)next_random(rig, fields), (uint32_t)next_random(rig, 100000),
               rig->now_ms + 1 + (int64_t)next_random(rig, 3000));
    }
    if (aborts) {
        tx_abort(rig->tx);
        rig->model = rig->saved;
    } else {
        tx_commit(rig->tx);
    }
    rig->now_ms += (int64_t)next_random(rig, 20);
}

static void hashes_behave_as_the_model(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->random = seed;
    rig->now_ms = 1000000;
    strcpy(rig->folder, "/dev/shm/cairn-model-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    snprintf(rig->path, sizeof(rig->path), "%s/heap", rig->folder);
    print_message("seed %llu, %llu operations\n", (unsigned long long)seed, (unsigned long long)operations);
    open_rig(rig);
    for (uint64_t i = 1; i <= operations; i++) {
        operate(rig);
        if (next_random(rig, 50) == 0) expire_all(rig);
        if (next_random(rig, 100) == 0) keyspace_reclaim_step(rig->keyspace, rig->thread, 200);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            close_rig(rig);
            open_rig(rig);
            compare_all(rig);
        }
    }
    close_rig(rig);
    unlink(rig->path);
    rmdir(rig->folder);
    hash_draft_free(&rig->draft);
    free(rig);
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    if (getenv("CAIRN_TEST_LONG")) operations *= LONG_FACTOR;
    if (argc > 2) operations = strtoull(argv[2], NULL, 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_behave_as_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
