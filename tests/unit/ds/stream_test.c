/* Streams: what chunks make of entries, what counters say, and what damaged bytes do. */
#include "ds/stream_group.h"
#include "open_heap.h"

static const struct stream_limits usual = {4096, 100};

static struct stream new_stream(struct fixture *fixture)
{
    uint64_t root;
    tx_begin(fixture->tx);
    assert_int_equal(stream_create(fixture->tx, &root), ERROR_OK);
    assert_int_equal(heap_root_set(fixture->tx, 0, heap_off_make(root, 0)), ERROR_OK);
    tx_commit(fixture->tx);
    return stream_at(fixture->heap, root);
}

static void append(struct fixture *fixture, struct stream stream, struct stream_id id,
                   const struct slice *words, size_t pairs, const struct stream_limits *limits)
{
    struct stream_scratch scratch = {0};
    tx_begin(fixture->tx);
    assert_int_equal(stream_append(fixture->tx, stream, id, words, pairs, limits, &scratch), ERROR_OK);
    tx_commit(fixture->tx);
    stream_scratch_free(&scratch);
}

static void append_many(struct fixture *fixture, struct stream stream, uint64_t from, uint64_t to,
                        const struct stream_limits *limits)
{
    const struct slice words[] = {SLICE("field"), SLICE("a value"), SLICE("other"), SLICE("1234567")};
    for (uint64_t ms = from; ms <= to; ms++)
        append(fixture, stream, (struct stream_id){ms, 0}, words, 2, limits);
}

static bool is_valid(struct fixture *fixture, struct stream stream)
{
    char detail[256];
    return stream_ops.is_valid(fixture->heap, (uint64_t)((char *)stream.root - stream.base), false, detail,
                               sizeof(detail));
}

/* ---- chunks ---- */

static void entries_of_one_shape_share_their_fields(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = new_stream(fixture);
    append_many(fixture, stream, 1, 100, &usual);
    assert_int_equal(stream.root->chunks.count, 1);
    const struct stream_chunk_layout *chunk = stream__chunk_at(stream.base, stream.root->tail);
    assert_in_range(chunk->used, 1, 100 * 19); /* 8 + 4 bytes of values, and 5 of their own */
    append_many(fixture, stream, 101, 101, &usual);
    assert_int_equal(stream.root->chunks.count, 2);
    assert_true(is_valid(fixture, stream));
}

static void limits_end_a_chunk(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = new_stream(fixture);
    struct stream_limits three = {0, 3}, small = {100, 0}, none = {0, 0};
    append_many(fixture, stream, 1, 9, &three);
    assert_int_equal(stream.root->chunks.count, 3);
    append_many(fixture, stream, 10, 10, &small);
    append_many(fixture, stream, 11, 20, &small);
    assert_in_range(stream.root->chunks.count, 4, 8);
    uint64_t before = stream.root->chunks.count;
    append_many(fixture, stream, 21, 1000, &none);
    assert_int_equal(stream.root->chunks.count, before);
    assert_true(is_valid(fixture, stream));
}

/* More items than a packed blob can count. */
static void an_entry_may_have_many_fields(void **state)
{
    enum { PAIRS = 40000 };
    struct fixture *fixture = *state;
    struct stream stream = new_stream(fixture);
    struct slice *words = malloc(2 * PAIRS * sizeof(*words));
    struct stream_item item;
    struct packed_item field, value;
    size_t pairs = 0;
    for (size_t i = 0; i < 2 * PAIRS; i++)
        words[i] = i % 2 ? SLICE("v") : SLICE("77");
    append(fixture, stream, (struct stream_id){1, 0}, words, PAIRS, &usual);
    append(fixture, stream, (struct stream_id){2, 0}, words, 0, &usual);
    assert_true(stream_find(stream, (struct stream_id){1, 0}, &item));
    assert_int_equal(item.pairs, PAIRS);
    for (; stream_item_next(&item, &field, &value); pairs++)
        assert_int_equal(field.number, 77);
    assert_int_equal(pairs, PAIRS);
    assert_true(is_valid(fixture, stream));
    free(words);
}

static void ids_of_every_size_are_found(void **state)
{
    static const struct stream_id ids[] = {
        {0, 1},
        {0, UINT64_MAX},
        {1, 0},
        {UINT64_C(1) << 20, 1u << 21},
        {UINT64_C(1) << 43, 5},
        {UINT64_C(1) << 44, 0},
        {UINT64_C(1) << 44, 9},
        {UINT64_MAX - 1, 3},
        {UINT64_MAX, 0},
        {UINT64_MAX, UINT64_MAX},
    };
    struct fixture *fixture = *state;
    struct stream stream = new_stream(fixture);
    const struct slice words[] = {SLICE("f"), SLICE("v")};
    struct stream_limits one = {0, 1};
    struct stream_item item;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        append(fixture, stream, ids[i], words, 1, i % 2 ? &one : &usual);
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        assert_true(stream_find(stream, ids[i], &item));
        assert_true(stream_id_equal(item.id, ids[i]));
    }
    assert_false(stream_find(stream, (struct stream_id){UINT64_C(1) << 44, 3}, &item));
    assert_true(is_valid(fixture, stream));
}

/* ---- counters ---- */

static void counters_are_known_until_entries_are_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = new_stream(fixture);
    bool deleted;
    assert_int_equal(stream_count_up_to(stream, STREAM_ID_MIN), 0);
    append_many(fixture, stream, 1, 10, &usual);
    assert_int_equal(stream_count_up_to(stream, STREAM_ID_MIN), 0);
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){1, 0}), 1);
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){5, 0}), STREAM_COUNT_UNKNOWN);
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){10, 0}), 10);
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){11, 0}), STREAM_COUNT_UNKNOWN);
    tx_begin(fixture->tx);
    assert_int_equal(stream_delete(fixture->tx, stream, (struct stream_id){4, 0}, &deleted), ERROR_OK);
    tx_commit(fixture->tx);
    assert_true(stream_has_tombstones_behind(stream, (struct stream_id){4, 0}));
    assert_false(stream_has_tombstones_behind(stream, (struct stream_id){5, 0}));
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){1, 0}), STREAM_COUNT_UNKNOWN);
    assert_int_equal(stream_count_up_to(stream, (struct stream_id){10, 0}), 10);
}

/* ---- damage ---- */

static void read_all(struct stream stream)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct stream_range range;
        struct stream_item item;
        unsigned bound = 0;
        stream_range_begin(stream, STREAM_ID_MIN, STREAM_ID_MAX, reverse, &range);
        while (bound++ < 10000 && stream_range_next(&range, &item)) {
            struct packed_item field, value;
            while (stream_item_next(&item, &field, &value))
                ;
        }
    }
}

struct blocks {
    uint64_t offs[64];
    size_t count;
};

static void note_block(void *ctx, uint64_t off)
{
    struct blocks *blocks = ctx;
    assert_in_range(blocks->count, 0, 63);
    blocks->offs[blocks->count++] = off;
}

static struct stream damaged_stream(struct fixture *fixture)
{
    struct stream stream = new_stream(fixture);
    struct stream_limits ten = {4096, 10};
    struct stream_consumer_layout *consumer;
    struct stream_pending_layout *pending;
    bool created;
    append_many(fixture, stream, 1, 50, &ten);
    tx_begin(fixture->tx);
    assert_int_equal(stream_group_create(fixture->tx, stream, SLICE("g"), STREAM_ID_MIN, 0, &created),
                     ERROR_OK);
    struct stream_group_layout *group = stream_group_find(stream, SLICE("g"));
    assert_int_equal(stream_consumer_create(fixture->tx, stream, group, SLICE("c"), 1, &consumer), ERROR_OK);
    for (uint64_t ms = 1; ms <= 20; ms++)
        assert_int_equal(stream_pending_add(fixture->tx, stream, group, consumer, (struct stream_id){ms, 0},
                                            1, 1, &pending),
                         ERROR_OK);
    tx_commit(fixture->tx);
    return stream;
}

/* Every bit of every block, one at a time: the validator comes back, as a live stream and as a dropped one. */
static void validators_survive_any_flipped_bit(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = damaged_stream(fixture);
    uint64_t root = (uint64_t)((char *)stream.root - stream.base);
    struct blocks blocks = {.count = 0};
    char detail[256];
    unsigned refused = 0;
    stream_ops.walk(fixture->heap, root, note_block, &blocks);
    assert_true(is_valid(fixture, stream));
    assert_true(stream_ops.is_valid(fixture->heap, root, true, detail, sizeof(detail)));
    for (size_t i = 0; i < blocks.count; i++) {
        size_t bits = 8 * heap_usable_size(fixture->heap, blocks.offs[i]);
        for (size_t bit = 0; bit < bits; bit++) {
            char *byte = stream.base + blocks.offs[i] + bit / 8;
            *byte = (char)(*byte ^ 1 << bit % 8);
            refused += !stream_ops.is_valid(fixture->heap, root, false, detail, sizeof(detail));
            (void)stream_ops.is_valid(fixture->heap, root, true, detail, sizeof(detail));
            *byte = (char)(*byte ^ 1 << bit % 8);
        }
    }
    assert_in_range(refused, 5000, UINT32_MAX);
    assert_true(is_valid(fixture, stream));
}

/* Readers bound themselves by the chunk's `used`, whatever stands inside. */
static void readers_survive_damaged_chunks(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = damaged_stream(fixture);
    struct stream_chunk_layout *tail = stream__chunk_at(stream.base, stream.root->tail);
    uint32_t random = 7;
    char kept[4096];
    assert_in_range(tail->used, 1, sizeof(kept));
    memcpy(kept, tail->bytes, tail->used);
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned flips = 1 + i % 4; flips > 0; flips--)
            tail->bytes[fixture_random(&random) % tail->used] = (char)fixture_random(&random);
        read_all(stream);
        memcpy(tail->bytes, kept, tail->used);
    }
    assert_true(is_valid(fixture, stream));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(entries_of_one_shape_share_their_fields),
        HEAP_TEST(limits_end_a_chunk),
        HEAP_TEST(an_entry_may_have_many_fields),
        HEAP_TEST(ids_of_every_size_are_found),
        HEAP_TEST(counters_are_known_until_entries_are_deleted),
        HEAP_TEST(validators_survive_any_flipped_bit),
        HEAP_TEST(readers_survive_damaged_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
