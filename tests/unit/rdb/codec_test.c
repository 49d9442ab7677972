/* codec_test.c: checksum, compression, lengths, strings and listpacks: what is written, and that it is read back. */
#include "rdb/crc64.h"
#include "rdb/in.h"
#include "rdb/lzf.h"
#include "rdb/pack.h"
#include "rdb/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void checksum(void **state)
{
    char text[300];
    (void)state;
    assert_int_equal(rdb_crc64(0, SLICE("")), 0);
    assert_true(rdb_crc64(0, SLICE("123456789")) == UINT64_C(0xe9c6d914c4b8d9ca));
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    /* in two parts, cut anywhere, it is the same */
    uint64_t whole = rdb_crc64(0, (struct slice){text, sizeof text});
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        uint64_t head = rdb_crc64(0, (struct slice){text, cut});
        assert_true(rdb_crc64(head, (struct slice){text + cut, sizeof text - cut}) == whole);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

static void compression(void **state)
{
    static char text[20000], packed[20000], again[20000];
    uint32_t seed = 1;
    (void)state;
    for (size_t len = 0; len <= sizeof text; len += 1 + len / 3) {
        for (unsigned alphabet = 1; alphabet <= 256; alphabet *= 4) {
            for (size_t i = 0; i < len; i++)
                text[i] = (char)(next_random(&seed) % alphabet);
            size_t packed_len = rdb_lzf_compress((struct slice){text, len}, packed, sizeof packed);
            if (packed_len == 0) continue;
            assert_true(rdb_lzf_expand((struct slice){packed, packed_len}, again, len));
            assert_memory_equal(again, text, len);
            assert_false(rdb_lzf_expand((struct slice){packed, packed_len}, again, len + 1));
            if (len > 0) assert_false(rdb_lzf_expand((struct slice){packed, packed_len}, again, len - 1));
            if (alphabet == 1 && len > 1000) assert_true(packed_len < len / 50);
        }
    }
    assert_int_equal(rdb_lzf_compress(SLICE("abcdefgh"), packed, 4), 0);
}

/* Copies from before the beginning, beyond the end, and cut off anywhere. */
static void bad_compression(void **state)
{
    static const struct slice bad[] = {SLICE("\x20\x00"),
                                       SLICE("\x00"),
                                       SLICE("\x00\x61\x20"),
                                       SLICE("\x05\x61"),
                                       SLICE("\x00\x61\xe0"),
                                       SLICE("\x00\x61\x20\x01"),
                                       SLICE("\x00\x61\xe0\xff\x00")};
    char out[16];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t len = 0; len <= sizeof out; len++)
            assert_false(rdb_lzf_expand(bad[i], out, len));
    assert_true(rdb_lzf_expand(SLICE("\x00\x61\xe0\x05\x00"), out, 15));
    assert_memory_equal(out, "aaaaaaaaaaaaaaa", 15);
}

static void lengths(void **state)
{
    static const struct {
        uint64_t length;
        size_t bytes;
    } cases[] = {
        {0, 1},         {63, 1}, {64, 2}, {16383, 2}, {16384, 5}, {UINT32_MAX, 5}, {UINT32_MAX + 1ull, 9},
        {UINT64_MAX, 9}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rdb_out out = {0};
        rdb_out_length(&out, cases[i].length);
        assert_int_equal(out.len, cases[i].bytes);
        for (size_t cut = 0; cut <= out.len; cut++) {
            struct rdb_in in = {.at = out.buf, .end = out.buf + cut};
            uint64_t length = rdb_in_length(&in);
            assert_int_equal(in.error, cut == out.len ? ERROR_OK : ERROR_CORRUPT);
            assert_true(length == (cut == out.len ? cases[i].length : 0));
        }
        rdb_out_free(&out);
    }
}

static void strings(void **state)
{
    static const struct {
        struct slice text;
        size_t bytes; /* when written */
    } cases[] = {
        {SLICE(""), 1},
        {SLICE("a"), 2},
        {SLICE("0"), 2},
        {SLICE("-128"), 2},
        {SLICE("128"), 3},
        {SLICE("-32768"), 3},
        {SLICE("32768"), 5},
        {SLICE("2147483647"), 5},
        {SLICE("-2147483648"), 5},
        {SLICE("2147483648"), 11},
        {SLICE("007"), 4},
        {SLICE("-0"), 3},
        {SLICE("aaaaaaaaaaaaaaaaaaaa"), 21},
        {SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rdb_out out = {.compress = true};
        struct rdb_arena arena = {0};
        rdb_out_string(&out, cases[i].text);
        assert_int_equal(out.len, cases[i].bytes);
        struct rdb_in in = {.at = out.buf, .end = out.buf + out.len, .arena = &arena};
        assert_true(slice_equal(rdb_in_string(&in), cases[i].text));
        assert_true(rdb_in_ok(&in));
        assert_ptr_equal(in.at, in.end);
        for (size_t cut = 0; cut < out.len; cut++) {
            in = (struct rdb_in){.at = out.buf, .end = out.buf + cut, .arena = &arena};
            assert_int_equal(rdb_in_string(&in).len, 0);
            assert_false(rdb_in_ok(&in));
        }
        rdb_arena_free(&arena);
        rdb_out_free(&out);
    }
}

/* A short payload that says it is gigabytes long. */
static void claims(void **state)
{
    static const struct slice claims[] = {
        SLICE("\x81\xff\xff\xff\xff\xff\xff\xff\xff"),
        SLICE("\x80\xff\xff\xff\xff"),
        SLICE("\x82xxxxxxxx"),
        SLICE("\xc3\x02\x81\x00\x00\x00\xff\xff\xff\xff\xff\x00\x61"),
        SLICE("\xc4"),
        SLICE("\xff"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct rdb_arena arena = {0};
        struct rdb_in in = {.at = claims[i].ptr, .end = claims[i].ptr + claims[i].len, .arena = &arena};
        assert_int_equal(rdb_in_string(&in).len, 0);
        assert_int_equal(in.error, ERROR_CORRUPT);
        assert_null(arena.blocks);
    }
}

/* ---- listpacks ---- */

static const int64_t numbers[] = {0,        1,         127,       128,          -1,        4095,     4096,
                                  -4096,    -4097,     32767,     32768,        -32769,    8388607,  8388608,
                                  -8388609, INT32_MAX, INT32_MIN, 2147483648ll, INT64_MAX, INT64_MIN};
static const size_t text_lens[] = {0,     1,     63,    64,    4095,    4096,   16377,
                                   16378, 16379, 16380, 70000, 2097139, 2097151};

static void listpacks(void **state)
{
    const size_t number_count = sizeof numbers / sizeof *numbers,
                 text_count = sizeof text_lens / sizeof *text_lens;
    static char text[1 << 22];
    struct rdb_out out = {0};
    struct rdb_arena arena = {0};
    (void)state;
    memset(text, 't', sizeof text);
    rdb_listpack_begin(&out);
    for (size_t i = 0; i < number_count; i++)
        rdb_listpack_int(&out, numbers[i]);
    for (size_t i = 0; i < text_count; i++)
        rdb_listpack_string(&out, (struct slice){text, text_lens[i]});
    rdb_listpack_end(&out, number_count + text_count);
    assert_false(out.failed);
    struct rdb_in in = {.arena = &arena};
    struct rdb_pack pack = rdb_pack_open(&in, RDB_PACK_LISTPACK, (struct slice){out.buf, out.len});
    struct rdb_pack_item item;
    for (size_t i = 0; i < number_count; i++) {
        assert_true(rdb_pack_next(&pack, &item));
        assert_true(item.is_int && item.number == numbers[i]);
    }
    for (size_t i = 0; i < text_count; i++) {
        assert_true(rdb_pack_next(&pack, &item));
        assert_false(item.is_int);
        assert_int_equal(item.bytes.len, text_lens[i]);
    }
    assert_false(rdb_pack_next(&pack, &item));
    assert_true(rdb_in_ok(&in));
    rdb_out_free(&out);
}

/* How Redis writes some of them. */
static void listpack_bytes(void **state)
{
    static const char expected[] = "\x19\x00\x00\x00\x05\x00"
                                   "\x07\x01"
                                   "\xdf\xff\x02"
                                   "\xf1\x00\x20\x03"
                                   "\x82hi\x03"
                                   "\xf2\x00\x00\x80\x04"
                                   "\xff";
    struct rdb_out out = {0};
    (void)state;
    rdb_listpack_begin(&out);
    rdb_listpack_string(&out, SLICE("7"));
    rdb_listpack_int(&out, -1);
    rdb_listpack_int(&out, 8192);
    rdb_listpack_string(&out, SLICE("hi"));
    rdb_listpack_int(&out, -8388608);
    rdb_listpack_end(&out, 5);
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.buf, expected, out.len);
    rdb_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum),  cmocka_unit_test(compression),    cmocka_unit_test(bad_compression),
        cmocka_unit_test(lengths),   cmocka_unit_test(strings),        cmocka_unit_test(claims),
        cmocka_unit_test(listpacks), cmocka_unit_test(listpack_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
