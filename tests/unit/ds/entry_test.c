/* Entries: sizes, encodings, overwriting in place, expiry slots, validity. */
#include "open_heap.h"

#include "ds/entry_edit.h"

static struct entry *create(struct fixture *fixture, const struct entry_image *image, size_t min_bytes)
{
    uint64_t off;
    assert_int_equal(entry_create(fixture->tx, image, min_bytes, &off), ERROR_OK);
    assert_true(entry_is_valid(fixture->heap, off));
    return heap_ptr(fixture->heap, off);
}

static struct entry_image text_image(struct slice key, struct slice value)
{
    return (struct entry_image){.encoding = ENTRY_EMBEDDED, .expire_at_ms = -1, .key = key, .value = value};
}

static void assert_slice(struct slice actual, struct slice expected)
{
    assert_int_equal(actual.len, expected.len);
    assert_memory_equal(actual.ptr, expected.ptr, expected.len);
}

static void a_small_entry_takes_56_bytes(void **state)
{
    struct fixture *fixture = *state;
    tx_begin(fixture->tx);
    struct entry_image image =
        text_image(SLICE("key:000000000001"), SLICE("0123456789abcdef0123456789abcdef"));
    assert_int_equal(entry_image_bytes(&image), 56);
    struct entry *entry = create(fixture, &image, 0);
    assert_int_equal(entry_bytes(entry), 56);
    assert_int_equal(entry_heap_bytes(fixture->heap, entry, 0), 56);
    char text[ENTRY_INT_TEXT_MAX];
    assert_slice(entry_key(entry), image.key);
    assert_slice(entry_string(fixture->heap, entry, text), image.value);
    assert_int_equal(entry_expire_ms(entry), -1);
    tx_commit(fixture->tx);
}

static void encodings_answer_as_redis_does(void **state)
{
    struct fixture *fixture = *state;
    char text[ENTRY_INT_TEXT_MAX];
    char long_text[45];
    memset(long_text, 'x', sizeof(long_text));
    tx_begin(fixture->tx);
    struct entry_image image = text_image(SLICE("k"), (struct slice){long_text, 44});
    assert_string_equal(entry_encoding_name(fixture->heap, create(fixture, &image, 0)), "embstr");
    image.value.len = 45;
    assert_string_equal(entry_encoding_name(fixture->heap, create(fixture, &image, 0)), "raw");
    image.value.len = 3;
    image.edited = true;
    assert_string_equal(entry_encoding_name(fixture->heap, create(fixture, &image, 0)), "raw");

    image = (struct entry_image){
        .encoding = ENTRY_WORD, .expire_at_ms = -1, .key = SLICE("k"), .number = INT64_MIN};
    struct entry *entry = create(fixture, &image, 0);
    int64_t number = 0;
    assert_string_equal(entry_encoding_name(fixture->heap, entry), "int");
    assert_true(entry_int(entry, &number));
    assert_true(number == INT64_MIN);
    assert_slice(entry_string(fixture->heap, entry, text), SLICE("-9223372036854775808"));
    assert_int_equal(entry_string_len(fixture->heap, entry), 20);

    image = (struct entry_image){.encoding = ENTRY_EXTERNAL, .expire_at_ms = -1, .key = SLICE("k")};
    assert_int_equal(entry_external_create(fixture->tx, SLICE("outside"), 100, &image.external), ERROR_OK);
    entry = create(fixture, &image, 0);
    assert_string_equal(entry_encoding_name(fixture->heap, entry), "raw");
    assert_slice(entry_string(fixture->heap, entry, text), SLICE("outside"));
    assert_int_equal(entry_heap_bytes(fixture->heap, entry, 0), heap_good_size(25) + heap_good_size(100));
    tx_commit(fixture->tx);
}

static void images_come_back_whole(void **state)
{
    struct fixture *fixture = *state;
    static const size_t key_lens[] = {0, 1, 16, 255, 256, 70000};
    static char bytes[70000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    tx_begin(fixture->tx);
    for (size_t k = 0; k < sizeof(key_lens) / sizeof(*key_lens); k++) {
        for (unsigned form = 0; form < 8; form++) {
            struct entry_image image =
                text_image((struct slice){bytes, key_lens[k]}, (struct slice){bytes, 3 + form});
            image.encoding = form & 1 ? ENTRY_WORD : ENTRY_EMBEDDED;
            image.number = 77;
            image.expiry_slot = (form & 2) != 0;
            image.expire_at_ms = form & 2 ? 123456789 : -1;
            image.edited = (form & 4) != 0;
            image.access = 0xabcdef;
            struct entry_image back = entry_image_of(create(fixture, &image, 0));
            assert_int_equal(back.encoding, image.encoding);
            assert_slice(back.key, image.key);
            assert_true(back.expire_at_ms == image.expire_at_ms);
            assert_int_equal(back.edited, image.edited);
            assert_int_equal(back.access, image.access);
            if (form & 1) assert_true(back.number == 77);
            else assert_slice(back.value, image.value);
        }
    }
    tx_abort(fixture->tx);
}

static void overwriting_keeps_the_block(void **state)
{
    struct fixture *fixture = *state;
    static char filler[1000];
    memset(filler, 'f', sizeof(filler));
    char text[ENTRY_INT_TEXT_MAX];
    tx_begin(fixture->tx);
    for (size_t old_len = 1; old_len < 900; old_len += 37) {
        struct entry_image image = text_image(SLICE("some key"), (struct slice){filler, old_len});
        struct entry *entry = create(fixture, &image, 0);
        for (size_t new_len = 1; new_len < 900; new_len += 29) {
            struct entry_image next = text_image(SLICE("some key"), (struct slice){filler, new_len});
            if (!entry_fits(fixture->heap, entry, &next)) continue;
            assert_int_equal(entry_overwrite(fixture->tx, entry, &next), ERROR_OK);
            assert_slice(entry_string(fixture->heap, entry, text), next.value);
            assert_true(entry_is_valid(fixture->heap, entry_off(fixture->heap, entry)));
        }
    }
    struct entry_image big = text_image(SLICE("k"), (struct slice){filler, 900});
    struct entry_image tiny = text_image(SLICE("k"), (struct slice){filler, 9});
    assert_false(entry_fits(fixture->heap, create(fixture, &big, 0), &tiny)); /* would waste the block */
    tx_abort(fixture->tx);
}

static void an_expiry_takes_a_slot_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    bool done;
    tx_begin(fixture->tx);
    struct entry_image image =
        text_image(SLICE("key:000000000001"), SLICE("0123456789abcdef0123456789abcdef"));
    struct entry *entry = create(fixture, &image, 0);
    assert_int_equal(entry_set_expiry(fixture->tx, entry, 5, &done), ERROR_OK);
    assert_false(done); /* 56 bytes are full */
    entry = create(fixture, &image, 64);
    assert_int_equal(entry_set_expiry(fixture->tx, entry, 5, &done), ERROR_OK);
    assert_true(done);
    assert_true(entry_is_expired(entry, 5) && !entry_is_expired(entry, 4));
    char text[ENTRY_INT_TEXT_MAX];
    assert_slice(entry_key(entry), image.key);
    assert_slice(entry_string(fixture->heap, entry, text), image.value);
    assert_int_equal(entry_set_expiry(fixture->tx, entry, -1, &done), ERROR_OK);
    assert_true(done && entry_expire_ms(entry) == -1);
    assert_int_equal(entry_bytes(entry), 64); /* the slot stays */
    tx_abort(fixture->tx);
}

static void the_access_clock_stands_alone(void **state)
{
    struct fixture *fixture = *state;
    tx_begin(fixture->tx);
    struct entry_image image = text_image(SLICE("key"), SLICE("value"));
    struct entry *entry = create(fixture, &image, 0);
    entry_set_access(fixture->tx, entry, 0xfedcba);
    assert_int_equal(entry_access(entry), 0xfedcba);
    assert_slice(entry_key(entry), image.key);
    tx_commit(fixture->tx);
}

static void damage_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    tx_begin(fixture->tx);
    struct entry_image image = text_image(SLICE("key"), SLICE("value"));
    struct entry *entry = create(fixture, &image, 0);
    uint64_t off = entry_off(fixture->heap, entry);
    struct entry_layout good = entry->head, bad = good;
    bad.kind = 0xf0;
    tx_write(fixture->tx, entry, &bad, sizeof(bad));
    assert_false(entry_is_valid(fixture->heap, off));
    bad = good;
    bad.value_len = 60000;
    tx_write(fixture->tx, entry, &bad, sizeof(bad));
    assert_false(entry_is_valid(fixture->heap, off));
    bad = good;
    bad.flags = ENTRY_FLAG_LONG;
    tx_write(fixture->tx, entry, &bad, sizeof(bad));
    assert_false(entry_is_valid(fixture->heap, off));
    tx_write(fixture->tx, entry, &good, sizeof(good));
    assert_true(entry_is_valid(fixture->heap, off));
    assert_false(entry_is_valid(fixture->heap, off + 4));
    assert_false(entry_is_valid(fixture->heap, UINT64_C(1) << 47));
    tx_abort(fixture->tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(a_small_entry_takes_56_bytes),
        HEAP_TEST(encodings_answer_as_redis_does),
        HEAP_TEST(images_come_back_whole),
        HEAP_TEST(overwriting_keeps_the_block),
        HEAP_TEST(an_expiry_takes_a_slot_when_there_is_room),
        HEAP_TEST(the_access_clock_stands_alone),
        HEAP_TEST(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
