/* Small hashes: what blobs look like with and without times, drafts, and readers that meet damaged bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/hash.h"

#include <stdlib.h>

static const struct hash_packed empty = {.blob = {"", 0}};

static void expect_field(const struct hash_packed *packed, const char *field, const char *value,
                         int64_t time_ms)
{
    struct hash_packed_place place;
    char text[PACKED_INT_TEXT_MAX];
    assert_true(hash_packed_find(packed, slice_of(field), &place));
    assert_true(slice_equal(packed_text(&place.item, text), slice_of(value)));
    assert_int_equal(hash_packed_time(packed, place.index), time_ms);
}

/* A copy of exactly the blob's bytes, so that a sanitizer sees who reads beyond them. */
static struct slice copy_of(struct slice blob)
{
    char *bytes = malloc(blob.len + (blob.len == 0));
    assert_non_null(bytes);
    memcpy(bytes, blob.ptr, blob.len);
    return (struct slice){bytes, blob.len};
}

static void a_hash_without_times_has_none_in_its_blob(void **state)
{
    (void)state;
    struct hash_draft draft = {0};
    hash_draft_begin(&draft, &empty, 0);
    hash_draft_add(&draft, SLICE("a"), SLICE("1"), HASH_TIME_NONE);
    hash_draft_add(&draft, SLICE("b"), SLICE("two"), HASH_TIME_NONE);
    struct slice blob = hash_draft_finish(&draft);
    assert_int_equal(blob.len, 2 + 2 + 1 + 2 + 4);
    struct hash_packed packed = hash_packed_open(blob);
    assert_int_equal(packed.fields, 2);
    assert_null(packed.times);
    expect_field(&packed, "a", "1", HASH_TIME_NONE);
    expect_field(&packed, "b", "two", HASH_TIME_NONE);
    assert_int_equal(hash_packed_due_ms(blob), HASH_TIME_NONE);
    hash_draft_free(&draft);
}

static void times_come_and_go(void **state)
{
    (void)state;
    struct hash_draft draft = {0};
    struct hash_packed_place place;
    hash_draft_begin(&draft, &empty, 0);
    hash_draft_add(&draft, SLICE("a"), SLICE("1"), HASH_TIME_NONE);
    hash_draft_add(&draft, SLICE("b"), SLICE("2"), 500);
    hash_draft_add(&draft, SLICE("c"), SLICE("3"), HASH_TIME_MAX);
    struct slice blob = copy_of(hash_draft_finish(&draft));
    assert_true(hash_packed_is_valid(blob));
    assert_int_equal(hash_packed_due_ms(blob), 500);
    struct hash_packed packed = hash_packed_open(blob);
    expect_field(&packed, "a", "1", HASH_TIME_NONE);
    expect_field(&packed, "c", "3", HASH_TIME_MAX);
    assert_int_equal(hash_packed_live(&packed, 499), 3);
    assert_int_equal(hash_packed_live(&packed, 500), 2);

    hash_draft_begin(&draft, &packed, 500); /* without b */
    assert_true(draft.changed);
    assert_false(hash_packed_find(&draft.now, SLICE("b"), &place));
    assert_true(hash_packed_find(&draft.now, SLICE("a"), &place));
    hash_draft_remove(&draft, &place);
    expect_field(&draft.now, "c", "3", HASH_TIME_MAX);
    hash_draft_set_time(&draft, 0, HASH_TIME_NONE);
    struct slice plain = hash_draft_finish(&draft);
    assert_null(hash_packed_open(plain).times);
    free((char *)(uintptr_t)blob.ptr);
    hash_draft_free(&draft);
}

static void the_item_of_times_is_no_field(void **state)
{
    (void)state;
    struct hash_draft draft = {0};
    struct hash_packed_place place;
    const char times[HASH_TIME_BYTES] = {5};
    hash_draft_begin(&draft, &empty, 0);
    hash_draft_add(&draft, SLICE("a"), SLICE("1"), 5);
    struct hash_packed packed = hash_packed_open(hash_draft_finish(&draft));
    assert_memory_equal(packed.times, times, sizeof(times));
    assert_false(hash_packed_find(&packed, (struct slice){times, sizeof(times)}, &place));
    hash_draft_free(&draft);
}

static bool count_parts(void *ctx, const struct slice *parts, size_t count)
{
    size_t *bytes = ctx;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i].len; k++)
            *bytes += (unsigned char)parts[i].ptr[k] & 1; /* touches each byte */
    return true;
}

/* Readers may find anything in damaged bytes, but nothing beyond them. */
static void damaged_blobs_are_read_within_their_bytes(void **state)
{
    (void)state;
    struct hash_draft draft = {0};
    uint64_t random = 7;
    size_t touched = 0;
    hash_draft_begin(&draft, &empty, 0);
    for (char name[2] = "a"; name[0] < 'p'; name[0]++)
        hash_draft_add(&draft, slice_of(name), SLICE("some value"),
                       name[0] % 2 ? 100 + name[0] : HASH_TIME_NONE);
    struct slice whole = hash_draft_finish(&draft);
    for (unsigned i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        struct slice blob =
            copy_of((struct slice){whole.ptr, i % 3 ? whole.len : (random >> 40) % whole.len});
        char *bytes = (char *)(uintptr_t)blob.ptr;
        for (unsigned k = 0; blob.len > 0 && k <= i % 4; k++)
            bytes[(random >> (8 + k)) % blob.len] = (char)(unsigned char)(random >> (32 + k));
        struct hash_packed packed = hash_packed_open(blob);
        struct hash_packed_place place;
        struct packed_out out = {0};
        bool valid = hash_packed_is_valid(blob);
        hash_packed_find(&packed, SLICE("o"), &place);
        hash_packed_due_ms(blob);
        hash_packed_live(&packed, 105);
        hash_ops.packed_visit(blob, count_parts, &touched);
        if (valid) hash_packed_expire(blob, 105, &out);
        packed_out_free(&out);
        free(bytes);
    }
    assert_true(touched > 0);
    hash_draft_free(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_without_times_has_none_in_its_blob),
        cmocka_unit_test(times_come_and_go),
        cmocka_unit_test(the_item_of_times_is_no_field),
        cmocka_unit_test(damaged_blobs_are_read_within_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
