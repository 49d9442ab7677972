/* packed_test.c: packed blobs and intsets: what goes in comes out, edits, and damaged bytes. */
#include "../heap/fixture.h"

#include "ds/intset.h"
#include "ds/packed.h"
#include "ds/set.h"
#include "util/hash.h"

#include <stdio.h>

#define DAMAGES 20000

static const char *const texts[] = {
    "",
    "a",
    "hello",
    "0",
    "-0",
    "007",
    "1",
    "-1",
    "127",
    "128",
    "-128",
    "255",
    "32767",
    "-32769",
    "8388608",
    "2147483647",
    "-2147483649",
    "549755813888",
    "140737488355328",
    "36028797018963968",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "12 ",
};
#define TEXTS (sizeof(texts) / sizeof(*texts))

/* Texts of every length's form as well. */
static struct slice text_of(size_t i, char buffer[70000])
{
    static const size_t lens[] = {63, 64, 8191, 8192, 65536};
    if (i < TEXTS) return slice_of(texts[i]);
    memset(buffer, 'x', lens[i - TEXTS]);
    return (struct slice){buffer, lens[i - TEXTS]};
}
#define ALL_TEXTS (TEXTS + 5)

static char buffer[70000];

static void fill(struct packed_out *out)
{
    packed_out_reset(out);
    for (size_t i = 0; i < ALL_TEXTS; i++)
        packed_add(out, text_of(i, buffer));
    assert_false(out->failed);
}

static void assert_text(const struct packed_item *item, struct slice expected)
{
    char text[PACKED_INT_TEXT_MAX];
    assert_true(slice_equal(packed_text(item, text), expected));
    assert_int_equal(packed_text_len(item), expected.len);
}

static void items_come_back(void **state)
{
    (void)state;
    struct packed_out out = {0};
    struct packed_item item;
    fill(&out);
    struct slice blob = packed_out_blob(&out);
    assert_true(packed_is_valid(blob));
    assert_int_equal(packed_count(blob), ALL_TEXTS);
    struct packed_iter iter = packed_begin(blob);
    for (size_t i = 0; i < ALL_TEXTS; i++) {
        assert_true(packed_next(&iter, &item));
        assert_text(&item, text_of(i, buffer));
    }
    assert_false(packed_next(&iter, &item));
    for (size_t i = 0; i < ALL_TEXTS; i++) {
        struct packed_probe probe = packed_probe(text_of(i, buffer));
        iter = packed_begin(blob);
        assert_true(packed_find(&iter, &probe, 1));
        assert_int_equal(iter.index, i);
        assert_true(packed_next(&iter, &item) && packed_equals(&item, &probe));
        iter = packed_begin(blob);
        assert_int_equal(packed_find(&iter, &probe, 2), i % 2 == 0);
    }
    packed_out_free(&out);
}

static void small_items_are_small(void **state)
{
    (void)state;
    struct packed_out out = {0};
    packed_add(&out, SLICE("100"));
    packed_add(&out, SLICE("1000"));
    packed_add(&out, SLICE("member"));
    assert_int_equal(packed_out_blob(&out).len, 2 + 1 + 3 + 7);
    packed_out_free(&out);
}

static void cuts_and_kept_bytes(void **state)
{
    (void)state;
    struct packed_out out = {0}, copy = {0};
    fill(&out);
    for (size_t left = ALL_TEXTS; left > 0; left--) {
        struct packed_iter iter = packed_begin(packed_out_blob(&out));
        assert_true(packed_skip(&iter, left / 2));
        struct packed_iter next = iter;
        assert_true(packed_skip(&next, 1));
        packed_out_reset(&copy); /* the same cut by copying both sides */
        packed_keep(&copy, iter.blob, packed_begin(iter.blob).at, iter.at, iter.index);
        packed_keep(&copy, iter.blob, next.at, iter.blob.len, left - next.index);
        packed_cut(&out, iter, 1);
        assert_true(slice_equal(packed_out_blob(&out), packed_out_blob(&copy)));
        assert_true(packed_is_valid(packed_out_blob(&out)));
        assert_int_equal(packed_count(packed_out_blob(&out)), left - 1);
    }
    assert_int_equal(packed_out_blob(&out).len, 0);
    packed_out_free(&out);
    packed_out_free(&copy);
}

static void counts_are_bounded(void **state)
{
    (void)state;
    struct packed_out out = {0};
    for (size_t i = 0; i < PACKED_COUNT_MAX; i++)
        packed_add_int(&out, 1);
    assert_false(out.failed);
    assert_false(intset_is(packed_out_blob(&out)));
    packed_add_int(&out, 1);
    assert_true(out.failed);
    packed_out_free(&out);
}

static void intsets_stay_sorted(void **state)
{
    (void)state;
    static const int64_t values[] = {5,         -5,        32767, -32768,    32768,     0,
                                     INT32_MAX, INT32_MIN, 77,    INT64_MAX, INT64_MIN, 1};
    size_t count = sizeof(values) / sizeof(*values), index;
    struct packed_out out = {0};
    for (size_t i = 0; i < count; i++) {
        assert_false(intset_find(packed_out_blob(&out), values[i], &index));
        intset_insert(&out, index, values[i]);
        assert_true(intset_is_valid(packed_out_blob(&out)));
        assert_int_equal(intset_count(packed_out_blob(&out)), i + 1);
        for (size_t k = 0; k <= i; k++) {
            assert_true(intset_find(packed_out_blob(&out), values[k], &index));
            assert_true(intset_at(packed_out_blob(&out), index) == values[k]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(intset_find(packed_out_blob(&out), values[i], &index));
        intset_remove(&out, index);
        assert_false(intset_find(packed_out_blob(&out), values[i], &index));
    }
    assert_int_equal(packed_out_blob(&out).len, 0);
    packed_out_free(&out);
}

static bool add_lengths(void *ctx, const struct slice *parts, size_t count)
{
    *(size_t *)ctx += parts[0].len + count;
    return true;
}

/* Reads everything that a blob says; sanitizers watch. */
static void read_all(struct slice blob)
{
    struct packed_probe probe = packed_probe(SLICE("hello"));
    struct packed_iter iter = packed_begin(blob);
    struct packed_item item;
    size_t bytes = 0;
    while (packed_next(&iter, &item))
        bytes += packed_text_len(&item);
    iter = packed_begin(blob);
    bytes += packed_find(&iter, &probe, 2);
    set_ops.packed_visit(blob, add_lengths, &bytes);
    assert_true(bytes < SIZE_MAX);
}

/* Damaged bytes are refused or read within their bounds; each blob stands at the end of a block of its own length. */
static void damaged_bytes_stay_inside(void **state)
{
    (void)state;
    struct packed_out out = {0};
    for (size_t i = 0; i < TEXTS; i++)
        packed_add(&out, slice_of(texts[i]));
    struct slice blob = packed_out_blob(&out);
    unsigned refused = 0;
    for (uint64_t i = 0; i < DAMAGES; i++) {
        size_t len = i % 4 == 0 ? hash_mix(i) % (blob.len + 1) : blob.len;
        char *copy = malloc(len + (len == 0));
        assert_non_null(copy);
        memcpy(copy, blob.ptr, len);
        for (uint64_t k = 0; len > 0 && k < 1 + i % 3; k++)
            copy[hash_mix(i * 8 + k) % len] = (char)hash_mix(i * 8 + k + 4);
        if (i % 5 == 0 && len > 1) copy[1] = (char)0xff; /* as intsets begin */
        struct slice damaged = {copy, len};
        refused += !packed_is_valid(damaged);
        read_all(damaged);
        if (intset_is(damaged) || packed_is_valid(damaged)) refused += !set_ops.packed_is_valid(damaged);
        free(copy);
    }
    assert_true(refused > DAMAGES / 4);
    packed_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_back),     cmocka_unit_test(small_items_are_small),
        cmocka_unit_test(cuts_and_kept_bytes), cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(intsets_stay_sorted), cmocka_unit_test(damaged_bytes_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
