/* Random operations on a stream beside a plain model in memory; aborts, copies, drops and restarts in between.
 *
 *     test_model_stream_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/stream_group.h"
#include "support/model_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX  20000
#define GROUPS       3
#define CONSUMERS    4
#define PAIRS_MAX    40
#define CHECK_EVERY  1500 /* operations */
#define REOPEN_EVERY 4000

/* What an entry holds follows from its number. */
struct model_entry {
    struct stream_id id;
    uint64_t number;
};

struct model_pending {
    struct stream_id id;
    unsigned consumer;
    int64_t delivered_ms, deliveries;
};

struct model_group {
    bool exists;
    bool consumers[CONSUMERS];
    struct model_pending pending[ENTRIES_MAX];
    size_t count;
};

struct rig {
    struct model_store store;
    struct stream stream;
    struct stream_scratch scratch;
    struct model_entry entries[ENTRIES_MAX]; /* live ones */
    size_t count;
    struct stream_id last;
    struct model_group groups[GROUPS];
    uint64_t numbers;
};

static uint64_t seed = 0, operations = 40000;

static uint64_t root_of(const struct rig *rig)
{
    return heap_off_get(heap_root(rig->store.heap, 0));
}

static void open_rig(struct rig *rig)
{
    model_store_open(&rig->store, 0);
    if (root_of(rig) == 0) {
        uint64_t root;
        tx_begin(rig->store.tx);
        assert_int_equal(stream_create(rig->store.tx, &root), ERROR_OK);
        assert_int_equal(heap_root_set(rig->store.tx, 0, heap_off_make(root, 0)), ERROR_OK);
        tx_commit(rig->store.tx);
    }
    rig->stream = stream_at(rig->store.heap, root_of(rig));
}

/* ---- what entries hold ---- */

struct words {
    struct slice words[2 * PAIRS_MAX];
    char text[2 * PAIRS_MAX][64];
    size_t pairs;
    char *large;
};

static void words_of(uint64_t number, struct words *words)
{
    words->large = NULL;
    words->pairs = number % 7 == 0 ? number % PAIRS_MAX : 2; /* mostly the same fields */
    for (size_t i = 0; i < 2 * words->pairs; i++) {
        char *text = words->text[i];
        int len = i % 2 == 0 ? snprintf(text, 64, number % 11 == 0 ? "%zu" : "field-%zu", i)
                             : snprintf(text, 64, number % 3 ? "value %llu" : "%llu",
                                        (unsigned long long)(number * 7919));
        words->words[i] = (struct slice){text, (size_t)len};
    }
    if (number % 97 != 13) return;
    size_t len = 200 * (size_t)(number % 40);
    words->large = malloc(len + 1);
    assert_non_null(words->large);
    memset(words->large, 'a' + (int)(number % 26), len);
    words->words[1] = (struct slice){words->large, len};
}

static void compare_item(struct stream_item *item, const struct model_entry *entry)
{
    struct words *words = malloc(sizeof(*words));
    struct packed_item field, value;
    char text[PACKED_INT_TEXT_MAX];
    size_t i = 0;
    assert_non_null(words);
    words_of(entry->number, words);
    assert_true(stream_id_equal(item->id, entry->id));
    assert_int_equal(item->pairs, words->pairs);
    for (; stream_item_next(item, &field, &value); i++) {
        assert_true(slice_equal(packed_text(&field, text), words->words[2 * i]));
        assert_true(slice_equal(packed_text(&value, text), words->words[2 * i + 1]));
    }
    assert_int_equal(i, words->pairs);
    free(words->large);
    free(words);
}

/* ---- comparing ---- */

static void compare_range(struct rig *rig, size_t from, size_t to, bool reverse)
{
    struct stream_id first = STREAM_ID_MIN, last = STREAM_ID_MAX;
    struct stream_range range;
    struct stream_item item;
    if (from > 0) first = rig->entries[from].id;
    if (to < rig->count) last = rig->entries[to - 1].id;
    stream_range_begin(rig->stream, first, last, reverse, &range);
    for (size_t i = from; i < to; i++) {
        assert_true(stream_range_next(&range, &item));
        compare_item(&item, &rig->entries[reverse ? to - 1 - (i - from) : i]);
    }
    assert_false(stream_range_next(&range, &item));
}

static void compare_group(struct rig *rig, unsigned number)
{
    char name[2] = {(char)('a' + number), 0};
    const struct model_group *model = &rig->groups[number];
    struct stream_group_layout *group = stream_group_find(rig->stream, slice_of(name));
    assert_int_equal(group != NULL, model->exists);
    if (!group) return;
    assert_int_equal(group->pending.count, model->count);
    struct stream_pending_range range = stream_pending_from(rig->stream, &group->pending, STREAM_ID_MIN);
    for (size_t i = 0; i < model->count; i++) {
        const struct stream_pending_layout *pending = stream_pending_next(&range);
        assert_non_null(pending);
        assert_true(stream_id_equal(pending->id, model->pending[i].id));
        assert_int_equal(pending->delivered_ms, model->pending[i].delivered_ms);
        assert_int_equal(pending->deliveries, model->pending[i].deliveries);
        assert_int_equal(stream_named(stream_pending_consumer(rig->stream, pending)).ptr[0],
                         'A' + (int)model->pending[i].consumer);
    }
}

static void walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    const struct rig *rig = app;
    stream_ops.walk(rig->store.heap, root_of(rig), own, ctx);
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    assert_int_equal(stream_ops.count(rig->store.heap, root_of(rig)), rig->count);
    compare_range(rig, 0, rig->count, false);
    compare_range(rig, 0, rig->count, true);
    for (unsigned i = 0; i < GROUPS; i++)
        compare_group(rig, i);
    if (!stream_ops.is_valid(rig->store.heap, root_of(rig), false, detail, sizeof(detail)))
        fail_msg("%s", detail);
    if (heap_check(rig->store.heap, walk, rig, &result) != ERROR_OK) fail_msg("%s", result.detail);
}

/* ---- operations: each changes stream and model alike, in the open transaction ---- */

static void add(struct rig *rig)
{
    struct words *words = malloc(sizeof(*words));
    struct stream_limits limits = {model_random(&rig->store, 3) ? 4096 : 300,
                                   model_random(&rig->store, 3) ? 100 : 7};
    struct stream_id id = rig->last;
    if (rig->count == ENTRIES_MAX) {
        free(words);
        return;
    }
    if (model_random(&rig->store, 4) == 0)
        id = (struct stream_id){id.ms + 1 + model_random(&rig->store, 1000), model_random(&rig->store, 3)};
    else assert_true(stream_id_increment(&id));
    assert_non_null(words);
    words_of(rig->numbers, words);
    assert_int_equal(
        stream_append(rig->store.tx, rig->stream, id, words->words, words->pairs, &limits, &rig->scratch),
        ERROR_OK);
    rig->entries[rig->count++] = (struct model_entry){id, rig->numbers++};
    rig->last = id;
    free(words->large);
    free(words);
}

static void forget_entries(struct rig *rig, size_t from, size_t count)
{
    memmove(rig->entries + from, rig->entries + from + count,
            (rig->count - from - count) * sizeof(*rig->entries));
    rig->count -= count;
}

static void erase(struct rig *rig)
{
    bool deleted;
    if (rig->count == 0) return;
    size_t at = model_random(&rig->store, rig->count);
    assert_int_equal(stream_delete(rig->store.tx, rig->stream, rig->entries[at].id, &deleted), ERROR_OK);
    assert_true(deleted);
    assert_int_equal(stream_delete(rig->store.tx, rig->stream, rig->entries[at].id, &deleted), ERROR_OK);
    assert_false(deleted);
    forget_entries(rig, at, 1);
}

static void trim(struct rig *rig)
{
    struct stream_trim trim = {.by_id = model_random(&rig->store, 2),
                               .whole_chunks = model_random(&rig->store, 3) == 0};
    uint64_t deleted, exact;
    if (rig->count == 0) return;
    exact = model_random(&rig->store, model_random(&rig->store, 40) ? 20 : rig->count);
    if (exact >= rig->count) exact = rig->count - 1;
    if (trim.by_id) trim.min_id = rig->entries[exact].id;
    else trim.max_len = rig->count - exact;
    assert_int_equal(stream_trim(rig->store.tx, rig->stream, &trim, &deleted), ERROR_OK);
    if (trim.whole_chunks) assert_true(deleted <= exact);
    else assert_int_equal(deleted, exact);
    forget_entries(rig, 0, deleted);
}

static void look(struct rig *rig)
{
    if (rig->count == 0) return;
    size_t from = model_random(&rig->store, rig->count), left = rig->count - from;
    compare_range(rig, from, from + 1 + model_random(&rig->store, left < 150 ? left : 150),
                  model_random(&rig->store, 2));
}

/* ---- groups ---- */

struct target {
    struct model_group *model;
    struct stream_group_layout *group;
    struct stream_consumer_layout *consumer;
    unsigned number;
};

/* A group and a consumer of it, made when they are not there. */
static void pick(struct rig *rig, struct target *target)
{
    unsigned number = (unsigned)model_random(&rig->store, GROUPS);
    char name[2] = {(char)('a' + number), 0}, consumer[2];
    bool created;
    target->model = &rig->groups[number];
    target->number = (unsigned)model_random(&rig->store, CONSUMERS);
    assert_int_equal(stream_group_create(rig->store.tx, rig->stream, slice_of(name), STREAM_ID_MIN,
                                         STREAM_COUNT_UNKNOWN, &created),
                     ERROR_OK);
    assert_int_equal(created, !target->model->exists);
    target->model->exists = true;
    target->group = stream_group_find(rig->stream, slice_of(name));
    snprintf(consumer, sizeof(consumer), "%c", 'A' + (int)target->number);
    target->consumer = stream_consumer_find(rig->stream, target->group, slice_of(consumer));
    assert_int_equal(target->consumer != NULL, target->model->consumers[target->number]);
    target->model->consumers[target->number] = true;
    if (target->consumer) return;
    assert_int_equal(stream_consumer_create(rig->store.tx, rig->stream, target->group, slice_of(consumer), 5,
                                            &target->consumer),
                     ERROR_OK);
}

static size_t pending_place(const struct model_group *model, struct stream_id id)
{
    size_t at = 0;
    while (at < model->count && stream_id_compare(model->pending[at].id, id) < 0)
        at++;
    return at;
}

/* Gives some entries to a consumer, as XREADGROUP, XCLAIM and XACK do. */
static void give(struct rig *rig)
{
    struct target target;
    struct stream_pending_layout *pending;
    pick(rig, &target);
    struct model_group *model = target.model;
    size_t from = rig->count == 0 ? 0 : model_random(&rig->store, rig->count);
    size_t to = from + model_random(&rig->store, 40);
    for (size_t i = from; i < to && i < rig->count && model->count < ENTRIES_MAX; i++) {
        struct stream_id id = rig->entries[i].id;
        struct model_pending image = {id, target.number, (int64_t)model_random(&rig->store, 1000),
                                      (int64_t)i};
        size_t at = pending_place(model, id);
        pending = stream_pending_find(rig->stream, target.group, id);
        bool found = at < model->count && stream_id_equal(model->pending[at].id, id);
        assert_int_equal(pending != NULL, found);
        enum error error = found
                               ? stream_pending_assign(rig->store.tx, rig->stream, pending, target.consumer,
                                                       image.delivered_ms, image.deliveries)
                               : stream_pending_add(rig->store.tx, rig->stream, target.group, target.consumer,
                                                    id, image.delivered_ms, image.deliveries, &pending);
        assert_int_equal(error, ERROR_OK);
        if (!found)
            memmove(model->pending + at + 1, model->pending + at, (model->count++ - at) * sizeof(image));
        model->pending[at] = image;
    }
}

static void acknowledge(struct rig *rig)
{
    struct target target;
    pick(rig, &target);
    struct model_group *model = target.model;
    size_t at =
        model->count == 0 ? 0 : model_random(&rig->store, model_random(&rig->store, 2) ? 1 : model->count);
    for (uint64_t i = model_random(&rig->store, 50); i > 0 && at < model->count; i--) {
        struct stream_pending_layout *pending =
            stream_pending_find(rig->stream, target.group, model->pending[at].id);
        assert_non_null(pending);
        assert_int_equal(stream_pending_remove(rig->store.tx, rig->stream, target.group, pending), ERROR_OK);
        model->count--;
        memmove(model->pending + at, model->pending + at + 1, (model->count - at) * sizeof(*model->pending));
    }
}

static void delete_consumer(struct rig *rig)
{
    struct target target;
    pick(rig, &target);
    size_t kept = 0;
    char name[2] = {(char)('A' + (int)target.number), 0};
    assert_int_equal(stream_consumer_delete(rig->store.tx, rig->stream, target.group, slice_of(name)),
                     ERROR_OK);
    for (size_t i = 0; i < target.model->count; i++)
        if (target.model->pending[i].consumer != target.number)
            target.model->pending[kept++] = target.model->pending[i];
    target.model->count = kept;
    target.model->consumers[target.number] = false;
}

static void destroy_group(struct rig *rig)
{
    unsigned number = (unsigned)model_random(&rig->store, GROUPS);
    char name[2] = {(char)('a' + number), 0};
    bool destroyed;
    assert_int_equal(stream_group_destroy(rig->store.tx, rig->stream, slice_of(name), &destroyed), ERROR_OK);
    assert_int_equal(destroyed, rig->groups[number].exists);
    rig->groups[number].exists = false;
    rig->groups[number].count = 0;
    memset(rig->groups[number].consumers, 0, sizeof(rig->groups[number].consumers));
}

/* Goes on with a copy; the original is dropped in steps, the heap being whole after each. */
static void copy_and_drop(struct rig *rig)
{
    uint64_t old = root_of(rig), copy;
    bool done = false;
    assert_int_equal(stream_ops.copy(rig->store.tx, rig->store.heap, old, &copy), ERROR_OK);
    assert_int_equal(heap_root_set(rig->store.tx, 0, heap_off_make(copy, 0)), ERROR_OK);
    rig->stream = stream_at(rig->store.heap, copy);
    for (unsigned i = 0; !done; i++) {
        unsigned budget = 1 + (unsigned)model_random(&rig->store, 30);
        assert_in_range(i, 0, 100000);
        tx_commit(rig->store.tx);
        tx_begin(rig->store.tx);
        assert_int_equal(stream_ops.reclaim(rig->store.tx, rig->store.heap, old, &budget, &done), ERROR_OK);
    }
}

/* What is taken back, the model never sees. */
static void take_back(struct rig *rig)
{
    struct tx_mark mark = tx_savepoint(rig->store.tx);
    struct words words;
    struct stream_limits limits = {4096, 5};
    struct stream_id id = {rig->last.ms + 1, 0};
    struct stream_trim trim = {.max_len = rig->count / 2};
    uint64_t trimmed;
    words_of(3, &words);
    for (unsigned i = 0; i < 8; i++, id.seq++)
        assert_int_equal(
            stream_append(rig->store.tx, rig->stream, id, words.words, words.pairs, &limits, &rig->scratch),
            ERROR_OK);
    assert_int_equal(stream_trim(rig->store.tx, rig->stream, &trim, &trimmed), ERROR_OK);
    tx_rollback_to(rig->store.tx, mark);
}

static void operate(struct rig *rig)
{
    uint64_t kind = model_random(&rig->store, 1000);
    tx_begin(rig->store.tx);
    if (kind < 600)
        for (uint64_t i = model_random(&rig->store, 6); i > 0; i--)
            add(rig);
    else if (kind < 700) erase(rig);
    else if (kind < 720) trim(rig);
    else if (kind < 800) look(rig);
    else if (kind < 880) give(rig);
    else if (kind < 980) acknowledge(rig);
    else if (kind < 985) delete_consumer(rig);
    else if (kind < 986) destroy_group(rig);
    else if (kind < 987) copy_and_drop(rig);
    else take_back(rig);
    tx_commit(rig->store.tx);
}

static void random_operations_agree_with_the_model(void **state)
{
    struct rig *rig = *state;
    open_rig(rig);
    for (uint64_t i = 1; i <= operations; i++) {
        operate(rig);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            open_rig(rig);
            compare_all(rig);
        }
    }
    compare_all(rig);
    print_message("%zu entries in %llu chunks at the end\n", rig->count,
                  (unsigned long long)rig->stream.root->chunks.count);
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
    model_store_remove(&rig->store);
    stream_scratch_free(&rig->scratch);
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
