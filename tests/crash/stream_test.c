/* Changes of a stream, stopped at each persistent store: appends in place, into grown and into new chunks, deletions, trims, groups,
 * consumers and pending records with splits and merges of their trees, a copy, and the steps in which a stream is dropped.
 *
 * The heap's application roots: 0 the stream, 1 a stream that is being dropped, 2 and 3 the sums of the stream before and
 * after the operation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/stream_group.h"
#include "support/crash.h"
#include "support/long.h"
#include "util/assert.h"
#include "util/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOT_STREAM, ROOT_DROPPED, ROOT_BEFORE, ROOT_AFTER };

struct rig {
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
    struct stream stream;
    struct stream_scratch scratch;
};

struct stream_case {
    const char *name;
    void (*prepare)(struct rig *rig);
    void (*operate)(struct rig *rig);
    bool own_transactions; /* operate opens its own; they don't change what the stream holds */
    bool is_long;          /* stopped at every fourth store only, unless in long runs */
};

static void must(enum error error)
{
    if (error != ERROR_OK) fprintf(stderr, "unexpected: %s\n", error_text(error));
    ASSERT(error == ERROR_OK);
}

/* ---- what a stream holds, as a number ---- */

static uint64_t mix(uint64_t sum, const void *bytes, size_t len)
{
    return hash_bytes((struct slice){bytes, len}, sum);
}

static bool mix_parts(void *ctx, const struct slice *parts, size_t count)
{
    uint64_t *sum = ctx;
    for (size_t i = 0; i < count; i++)
        *sum = mix(*sum, parts[i].ptr, parts[i].len);
    return true;
}

static uint64_t sum_of_group(struct stream stream, struct stream_group_layout *group, uint64_t sum)
{
    struct slice name = stream_named(group);
    struct stream_pending_range range = stream_pending_from(stream, &group->pending, STREAM_ID_MIN);
    const struct stream_pending_layout *pending;
    sum = mix(mix(sum, name.ptr, name.len), &group->last, sizeof(group->last) + sizeof(group->entries_read));
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        const struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        struct slice own = stream_named(consumer);
        sum = mix(mix(sum, own.ptr, own.len), &consumer->seen_ms, 2 * sizeof(int64_t));
    }
    while ((pending = stream_pending_next(&range)) != NULL) {
        struct slice own = stream_named(stream_pending_consumer(stream, pending));
        sum = mix(mix(sum, &pending->id, sizeof(pending->id)), own.ptr, own.len);
        sum = mix(sum, &pending->delivered_ms, 2 * sizeof(int64_t));
    }
    return sum;
}

static uint64_t sum_of(const struct rig *rig)
{
    const struct stream_layout *root = rig->stream.root;
    uint64_t sum =
        mix(mix(1, &root->counts, sizeof(root->counts)), &root->max_deleted, sizeof(root->max_deleted));
    stream_ops.visit(rig->heap, heap_off_get(heap_root(rig->heap, ROOT_STREAM)), mix_parts, &sum);
    for (unsigned i = 0; i < stream_group_count(rig->stream); i++)
        sum = sum_of_group(rig->stream, stream_group_at(rig->stream, i), sum);
    return sum;
}

static void walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    const struct rig *rig = app;
    for (unsigned i = ROOT_STREAM; i <= ROOT_DROPPED; i++) {
        uint64_t root = heap_off_get(heap_root(rig->heap, i));
        if (root != 0) stream_ops.walk(rig->heap, root, own, ctx);
    }
}

static bool is_valid(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    uint64_t root = heap_off_get(heap_root(rig->heap, ROOT_STREAM));
    uint64_t dropped = heap_off_get(heap_root(rig->heap, ROOT_DROPPED));
    if (!stream_ops.is_valid(rig->heap, root, false, detail, sizeof(detail)) ||
        (dropped != 0 && !stream_ops.is_valid(rig->heap, dropped, true, detail, sizeof(detail)))) {
        fprintf(stderr, "%s\n", detail);
        return false;
    }
    if (heap_check(rig->heap, walk, rig, &result) == ERROR_OK) return true;
    fprintf(stderr, "heap: %s\n", result.detail);
    return false;
}

/* ---- small steps ---- */

static void add(struct rig *rig, uint64_t ms, size_t value_len, uint64_t chunk_entries)
{
    static char filler[9000];
    memset(filler, 'v', sizeof(filler));
    struct slice words[] = {SLICE("field"), {filler, value_len}, SLICE("other"), SLICE("12345")};
    struct stream_limits limits = {4096, chunk_entries};
    must(stream_append(rig->tx, rig->stream, (struct stream_id){ms, 1}, words, 2, &limits, &rig->scratch));
}

static void add_many(struct rig *rig, uint64_t from, uint64_t to, uint64_t chunk_entries)
{
    for (uint64_t ms = from; ms <= to; ms++)
        add(rig, ms, 10, chunk_entries);
}

static struct stream_group_layout *group_of(struct rig *rig, const char *name)
{
    bool created;
    must(stream_group_create(rig->tx, rig->stream, slice_of(name), (struct stream_id){1, 1}, 1, &created));
    return stream_group_find(rig->stream, slice_of(name));
}

static struct stream_consumer_layout *consumer_of(struct rig *rig, struct stream_group_layout *group,
                                                  const char *name)
{
    struct stream_consumer_layout *consumer = stream_consumer_find(rig->stream, group, slice_of(name));
    if (!consumer) must(stream_consumer_create(rig->tx, rig->stream, group, slice_of(name), 5, &consumer));
    return consumer;
}

static void give(struct rig *rig, uint64_t from, uint64_t to, const char *consumer)
{
    struct stream_group_layout *group = group_of(rig, "group");
    struct stream_consumer_layout *to_whom = consumer_of(rig, group, consumer);
    struct stream_pending_layout *pending;
    for (uint64_t ms = from; ms <= to; ms++)
        must(stream_pending_add(rig->tx, rig->stream, group, to_whom, (struct stream_id){ms, 1}, 77, 1,
                                &pending));
}

static void acknowledge(struct rig *rig, uint64_t from, uint64_t to)
{
    struct stream_group_layout *group = group_of(rig, "group");
    for (uint64_t ms = from; ms <= to; ms++) {
        struct stream_pending_layout *pending =
            stream_pending_find(rig->stream, group, (struct stream_id){ms, 1});
        ASSERT(pending != NULL);
        must(stream_pending_remove(rig->tx, rig->stream, group, pending));
    }
}

static void erase(struct rig *rig, uint64_t ms)
{
    bool deleted;
    must(stream_delete(rig->tx, rig->stream, (struct stream_id){ms, 1}, &deleted));
    ASSERT(deleted);
}

static void trim(struct rig *rig, const struct stream_trim *how, uint64_t expected)
{
    uint64_t deleted;
    must(stream_trim(rig->tx, rig->stream, how, &deleted));
    ASSERT(deleted == expected);
}

/* ---- what stands before ---- */

static void prepare_nothing(struct rig *rig)
{
    (void)rig;
}

static void prepare_one_chunk(struct rig *rig)
{
    add_many(rig, 1, 10, 100);
}

/* The chunk has no room for another entry. */
static void prepare_full_block(struct rig *rig)
{
    add(rig, 1, 62, 100);
}

static void prepare_chunks(struct rig *rig)
{
    add_many(rig, 1, 28, 7);
}

/* One more chunk splits the leaf of their tree. */
static void prepare_full_leaf(struct rig *rig)
{
    add_many(rig, 1, BTREE_LEAF_SLOTS, 1);
}

static void prepare_two_leaves(struct rig *rig)
{
    add_many(rig, 1, BTREE_LEAF_SLOTS + 1, 1);
}

static void prepare_group(struct rig *rig)
{
    add_many(rig, 1, 40, 7);
    give(rig, 1, 5, "a");
    give(rig, 6, 8, "b");
}

static void prepare_full_pending(struct rig *rig)
{
    add_many(rig, 1, 40, 7);
    give(rig, 1, BTREE_LEAF_SLOTS, "a");
}

static void prepare_two_pending_leaves(struct rig *rig)
{
    add_many(rig, 1, 50, 7);
    give(rig, 1, BTREE_LEAF_SLOTS + 5, "a");
}

static void prepare_three_groups(struct rig *rig)
{
    group_of(rig, "b");
    group_of(rig, "d");
    group_of(rig, "f");
}

/* ---- operations ---- */

static void append_first(struct rig *rig)
{
    add(rig, 1, 10, 100);
}

static void append_in_place(struct rig *rig)
{
    add(rig, 100, 10, 100);
}

static void append_other_fields(struct rig *rig)
{
    struct slice words[] = {SLICE("x"), SLICE("y")};
    struct stream_limits limits = {4096, 100};
    must(stream_append(rig->tx, rig->stream, (struct stream_id){100, 1}, words, 1, &limits, &rig->scratch));
}

static void append_growing(struct rig *rig)
{
    add(rig, 100, 60, 100);
    add(rig, 101, 60, 100);
}

static void append_chunk(struct rig *rig)
{
    add(rig, 100, 10, 7);
}

static void append_growing_later(struct rig *rig)
{
    add(rig, 100, 10, 7);
    add(rig, 101, 600, 7);
}

static void append_large(struct rig *rig)
{
    add(rig, 100, 8000, 100);
}

static void append_several(struct rig *rig)
{
    struct stream_trim how = {.max_len = 20};
    add_many(rig, 100, 110, 7);
    trim(rig, &how, 19);
}

static void delete_one(struct rig *rig)
{
    erase(rig, 3);
}

static void delete_chunks(struct rig *rig)
{
    for (uint64_t ms = 22; ms <= 28; ms++) /* the tail's */
        erase(rig, ms);
    for (uint64_t ms = 1; ms <= 7; ms++)
        erase(rig, ms);
}

static void delete_everything(struct rig *rig)
{
    for (uint64_t ms = 1; ms <= 10; ms++)
        erase(rig, ms);
    add(rig, 200, 10, 100);
}

static void delete_merging(struct rig *rig)
{
    for (uint64_t ms = 5; ms <= 16; ms++)
        erase(rig, ms);
}

static void trim_exactly(struct rig *rig)
{
    struct stream_trim how = {.max_len = 11};
    trim(rig, &how, 17);
}

static void trim_by_id(struct rig *rig)
{
    struct stream_trim how = {.by_id = true, .min_id = {16, 0}};
    trim(rig, &how, 15);
}

static void trim_roughly(struct rig *rig)
{
    struct stream_trim how = {.max_len = 11, .whole_chunks = true};
    trim(rig, &how, 14);
}

static void trim_all(struct rig *rig)
{
    struct stream_trim how = {.max_len = 0};
    trim(rig, &how, 28);
}

static void set_last(struct rig *rig)
{
    uint64_t added = 1000;
    struct stream_id max_deleted = {90, 9};
    must(stream_set_last(rig->tx, rig->stream, (struct stream_id){99, 9}, &added, &max_deleted));
}

static void create_group(struct rig *rig)
{
    group_of(rig, "c");
}

static void create_consumer(struct rig *rig)
{
    consumer_of(rig, group_of(rig, "group"), "aa");
}

static void touch_consumer(struct rig *rig)
{
    must(stream_consumer_touch(rig->tx, consumer_of(rig, group_of(rig, "group"), "a"), 999, true));
    must(stream_group_set(rig->tx, group_of(rig, "group"), (struct stream_id){30, 1}, 30));
}

static void destroy_group(struct rig *rig)
{
    bool destroyed;
    must(stream_group_destroy(rig->tx, rig->stream, SLICE("group"), &destroyed));
    ASSERT(destroyed);
}

static void delete_consumer(struct rig *rig)
{
    must(stream_consumer_delete(rig->tx, rig->stream, group_of(rig, "group"), SLICE("a")));
}

static void give_first(struct rig *rig)
{
    give(rig, 1, 2, "a");
}

static void give_splitting(struct rig *rig)
{
    give(rig, BTREE_LEAF_SLOTS + 1, BTREE_LEAF_SLOTS + 2, "a");
}

static void take_over(struct rig *rig)
{
    struct stream_group_layout *group = group_of(rig, "group");
    struct stream_pending_layout *pending = stream_pending_find(rig->stream, group, (struct stream_id){3, 1});
    must(stream_pending_assign(rig->tx, rig->stream, pending, consumer_of(rig, group, "b"), 1234, 7));
    pending = stream_pending_find(rig->stream, group, (struct stream_id){4, 1});
    must(stream_pending_assign(rig->tx, rig->stream, pending, consumer_of(rig, group, "a"), 1234, 7));
}

static void acknowledge_some(struct rig *rig)
{
    acknowledge(rig, 2, 4);
    acknowledge(rig, 6, 8);
}

static void acknowledge_merging(struct rig *rig)
{
    acknowledge(rig, 1, 12);
}

static void copy(struct rig *rig)
{
    uint64_t off;
    must(stream_ops.copy(rig->tx, rig->heap, heap_off_get(heap_root(rig->heap, ROOT_STREAM)), &off));
    must(heap_root_set(rig->tx, ROOT_DROPPED, heap_off_make(off, 0)));
}

static void prepare_dropped(struct rig *rig)
{
    prepare_two_pending_leaves(rig);
    give(rig, 40, 45, "b");
    give(rig, 46, 47, "c");
    group_of(rig, "other");
    copy(rig);
}

static void reclaim(struct rig *rig)
{
    uint64_t dropped = heap_off_get(heap_root(rig->heap, ROOT_DROPPED));
    bool done = false;
    for (unsigned i = 0; !done; i++) {
        unsigned budget = 1 + i % 5;
        ASSERT(i < 1000);
        tx_begin(rig->tx);
        must(stream_ops.reclaim(rig->tx, rig->heap, dropped, &budget, &done));
        if (done) must(heap_root_set(rig->tx, ROOT_DROPPED, (struct heap_off){0}));
        tx_commit(rig->tx);
    }
}

static const struct stream_case cases[] = {
    {.name = "first entry", .prepare = prepare_nothing, .operate = append_first},
    {.name = "entry in place", .prepare = prepare_one_chunk, .operate = append_in_place},
    {.name = "entry with other fields", .prepare = prepare_one_chunk, .operate = append_other_fields},
    {.name = "first chunk grows", .prepare = prepare_full_block, .operate = append_growing},
    {.name = "new chunk", .prepare = prepare_chunks, .operate = append_chunk},
    {.name = "later chunk grows", .prepare = prepare_chunks, .operate = append_growing_later},
    {.name = "large entry", .prepare = prepare_one_chunk, .operate = append_large},
    {.name = "new chunk splits a leaf", .prepare = prepare_full_leaf, .operate = append_chunk},
    {.name = "several entries and a trim in one",
     .prepare = prepare_chunks,
     .operate = append_several,
     .is_long = true},
    {.name = "deletion", .prepare = prepare_one_chunk, .operate = delete_one},
    {.name = "deletion of chunks", .prepare = prepare_chunks, .operate = delete_chunks, .is_long = true},
    {.name = "deletion of all, and a new entry",
     .prepare = prepare_one_chunk,
     .operate = delete_everything,
     .is_long = true},
    {.name = "deletions merge leaves",
     .prepare = prepare_two_leaves,
     .operate = delete_merging,
     .is_long = true},
    {.name = "trim to a length", .prepare = prepare_chunks, .operate = trim_exactly},
    {.name = "trim to an ID", .prepare = prepare_chunks, .operate = trim_by_id},
    {.name = "trim of whole chunks", .prepare = prepare_chunks, .operate = trim_roughly},
    {.name = "trim of all", .prepare = prepare_chunks, .operate = trim_all},
    {.name = "last ID", .prepare = prepare_one_chunk, .operate = set_last},
    {.name = "first group", .prepare = prepare_one_chunk, .operate = create_group},
    {.name = "list of groups grows", .prepare = prepare_three_groups, .operate = create_group},
    {.name = "consumer", .prepare = prepare_group, .operate = create_consumer},
    {.name = "consumer and group in use", .prepare = prepare_group, .operate = touch_consumer},
    {.name = "group with pending records goes", .prepare = prepare_group, .operate = destroy_group},
    {.name = "consumer with pending records goes", .prepare = prepare_group, .operate = delete_consumer},
    {.name = "first pending records", .prepare = prepare_one_chunk, .operate = give_first},
    {.name = "pending records split a leaf",
     .prepare = prepare_full_pending,
     .operate = give_splitting,
     .is_long = true},
    {.name = "pending records change hands", .prepare = prepare_group, .operate = take_over},
    {.name = "acknowledgement", .prepare = prepare_group, .operate = acknowledge_some, .is_long = true},
    {.name = "acknowledgement merges leaves",
     .prepare = prepare_two_pending_leaves,
     .operate = acknowledge_merging,
     .is_long = true},
    {.name = "copy", .prepare = prepare_group, .operate = copy, .is_long = true},
    {.name = "drop, step by step",
     .prepare = prepare_dropped,
     .operate = reclaim,
     .own_transactions = true,
     .is_long = true},
};
#define CASES (sizeof(cases) / sizeof(*cases))

/* ---- the callbacks of crash.h ---- */

static bool persistent_memory; /* of the case that runs */

static void *open_case(void *arg, const char *path)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct heap_report report;
    struct heap_options options = {.path = path,
                                   .mode = persistent_memory ? HEAP_MODE_DAX : HEAP_MODE_SHARED,
                                   .on_unclean = HEAP_UNCLEAN_REFUSE,
                                   .reserve_bytes = UINT64_C(8) << 30,
                                   .boot_id = "the boot of this test"};
    (void)arg;
    ASSERT(rig != NULL);
    must(heap_open(&options, &rig->heap, &report));
    must(heap_thread_open(rig->heap, &rig->thread));
    rig->tx = heap_thread_tx(rig->thread);
    uint64_t root = heap_off_get(heap_root(rig->heap, ROOT_STREAM));
    if (root != 0) rig->stream = stream_at(rig->heap, root);
    return rig;
}

static void close_case(void *arg, void *opened)
{
    struct rig *rig = opened;
    (void)arg;
    stream_scratch_free(&rig->scratch);
    heap_thread_close(rig->thread);
    must(heap_close(rig->heap));
    free(rig);
}

static void operate_case(void *arg, void *opened)
{
    const struct stream_case *own = arg;
    struct rig *rig = opened;
    if (!own->own_transactions) tx_begin(rig->tx);
    own->operate(rig);
    if (!own->own_transactions) tx_commit(rig->tx);
}

static void setup_case(void *arg, const char *path)
{
    const struct stream_case *own = arg;
    struct rig *rig = open_case(arg, path);
    uint64_t root;
    tx_begin(rig->tx);
    must(stream_create(rig->tx, &root));
    must(heap_root_set(rig->tx, ROOT_STREAM, heap_off_make(root, 0)));
    rig->stream = stream_at(rig->heap, root);
    own->prepare(rig);
    tx_commit(rig->tx);
    uint64_t before = sum_of(rig), after = before;
    if (!own->own_transactions) {
        tx_begin(rig->tx);
        own->operate(rig);
        after = sum_of(rig);
        tx_abort(rig->tx);
    }
    tx_begin(rig->tx);
    must(heap_root_set(rig->tx, ROOT_BEFORE, (struct heap_off){before}));
    must(heap_root_set(rig->tx, ROOT_AFTER, (struct heap_off){after}));
    tx_commit(rig->tx);
    close_case(arg, rig);
}

static bool verify_case(void *arg, void *opened, bool returned)
{
    struct rig *rig = opened;
    (void)arg;
    if (!is_valid(rig)) return false;
    uint64_t sum = sum_of(rig);
    bool is_before = sum == heap_root(rig->heap, ROOT_BEFORE).raw,
         is_after = sum == heap_root(rig->heap, ROOT_AFTER).raw;
    if (!(is_after || (is_before && !returned))) {
        fprintf(stderr, "neither whole nor absent\n");
        return false;
    }
    tx_begin(rig->tx); /* and life goes on */
    add(rig, 1000, 10, 100);
    tx_commit(rig->tx);
    return is_valid(rig);
}

static void explore(const struct stream_case *own, bool on_persistent_memory, struct crash_counts *counts)
{
    bool all = test_is_long();
    struct crash_case test = {.name = own->name,
                              .arg = (void *)(uintptr_t)own,
                              .setup = setup_case,
                              .open = open_case,
                              .operate = operate_case,
                              .verify = verify_case,
                              .close = close_case,
                              .persistent_memory = on_persistent_memory,
                              .image_bytes = (size_t)32 << 20,
                              .point_stride = own->is_long && !all ? 4 : 1,
                              .recovery_stride = on_persistent_memory ? 0
                                                 : all                ? 29
                                                                      : 97,
                              .samples = 2,
                              .seed = 20};
    persistent_memory = on_persistent_memory;
    if (!crash_explore(&test, counts)) fail_msg("%s", own->name);
}

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    for (size_t i = 0; i < CASES; i++)
        explore(&cases[i], false, &counts);
    print_message("%llu points, %llu states, %llu more of recovery\n", (unsigned long long)counts.points,
                  (unsigned long long)counts.states, (unsigned long long)counts.recovery_states);
}

/* Where unflushed cache lines may be lost: some cases, all of them in long runs. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    for (size_t i = 0; i < CASES; i += test_is_long() ? 1 : 12)
        explore(&cases[i], true, &counts);
    print_message("persistent memory: %llu points, %llu states\n", (unsigned long long)counts.points,
                  (unsigned long long)counts.states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
