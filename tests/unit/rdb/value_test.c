/* value_test.c: payloads of every encoding, whole and damaged. The bytes of old encodings are written out by hand from pack.h. */
#include "rdb/crc64.h"
#include "rdb/format.h"
#include "rdb/stream.h"
#include "rdb/value.h"
#include "rdb/write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The words of a value as text, with their scores and times: "a=1 b=2@5000". */
static const char *words_of(const struct rdb_value *value)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < value->words.count; i++) {
        struct slice word = value->words.at[i];
        bool is_value = value->kind == RDB_KIND_HASH && i % 2 == 1;
        const char *before = i == 0 ? "" : is_value ? "=" : " ";
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", before, (int)word.len, word.ptr);
        if (value->scores) len += (size_t)snprintf(text + len, sizeof text - len, "=%g", value->scores[i]);
        if (is_value && value->times && value->times[i / 2] > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "@%lld", (long long)value->times[i / 2]);
    }
    return text;
}

/* ---- every encoding ---- */

#define ZIPLIST_ABC                                                                                          \
    "\x13\x00\x00\x00\x0f\x00\x00\x00\x03\x00"                                                               \
    "\x00\x01"                                                                                               \
    "a"                                                                                                      \
    "\x03\xf5"                                                                                               \
    "\x02\xfe\x80"                                                                                           \
    "\xff"
#define ZIPLIST_PAIRS                                                                                        \
    "\x15\x00\x00\x00\x12\x00\x00\x00\x04\x00"                                                               \
    "\x00\x01"                                                                                               \
    "a"                                                                                                      \
    "\x03\xf2"                                                                                               \
    "\x02\x01"                                                                                               \
    "b"                                                                                                      \
    "\x03\xf3"                                                                                               \
    "\xff"
#define LISTPACK_PAIRS                                                                                       \
    "\x11\x00\x00\x00\x04\x00"                                                                               \
    "\x81"                                                                                                   \
    "a"                                                                                                      \
    "\x02\x01\x01"                                                                                           \
    "\x81"                                                                                                   \
    "b"                                                                                                      \
    "\x02\x02\x01"                                                                                           \
    "\xff"
#define LISTPACK_TIMES                                                                                       \
    "\x17\x00\x00\x00\x06\x00"                                                                               \
    "\x81"                                                                                                   \
    "a"                                                                                                      \
    "\x02\x01\x01\x00\x01"                                                                                   \
    "\x81"                                                                                                   \
    "b"                                                                                                      \
    "\x02\x02\x01\xf1\x88\x13\x03"                                                                           \
    "\xff"

static const struct {
    struct slice body;
    enum rdb_kind kind;
    const char *words;
} encodings[] = {
    {SLICE("\x00\x05hello"), RDB_KIND_STRING, "hello"},
    {SLICE("\x00\xc0\xf9"), RDB_KIND_STRING, "-7"},
    {SLICE("\x00\xc1\x39\x30"), RDB_KIND_STRING, "12345"},
    {SLICE("\x00\xc2\xff\xff\xff\x7f"), RDB_KIND_STRING, "2147483647"},
    {SLICE("\x00\xc3\x05\x0f\x00\x61\xe0\x05\x00"), RDB_KIND_STRING, "aaaaaaaaaaaaaaa"},
    {SLICE("\x00\x40\x03xyz"), RDB_KIND_STRING, "xyz"},
    {SLICE("\x00\x80\x00\x00\x00\x03xyz"), RDB_KIND_STRING, "xyz"},
    {SLICE("\x01\x02\x01"
           "a"
           "\xc0\x05"),
     RDB_KIND_LIST, "a 5"},
    {SLICE("\x02\x02\x01"
           "a\x01"
           "b"),
     RDB_KIND_SET, "a b"},
    {SLICE("\x03\x03\x01"
           "a\x03"
           "1.5\x01"
           "b\xfe\x01"
           "c\xff"),
     RDB_KIND_ZSET, "a=1.5 b=inf c=-inf"},
    {SLICE("\x04\x02\x01"
           "a\x01"
           "1\x01"
           "b\x01"
           "2"),
     RDB_KIND_HASH, "a=1 b=2"},
    {SLICE("\x05\x01\x01"
           "a\x00\x00\x00\x00\x00\x00\xf8\x3f"),
     RDB_KIND_ZSET, "a=1.5"},
    {SLICE("\x09\x0e\x02\x01"
           "a\x02\x00"
           "11"
           "\x01"
           "b\x01\x01"
           "2"
           "-"
           "\xff"),
     RDB_KIND_HASH, "a=11 b=2"},
    {SLICE("\x0a\x13" ZIPLIST_ABC), RDB_KIND_LIST, "a 4 -128"},
    {SLICE("\x0b\x0e\x02\x00\x00\x00\x03\x00\x00\x00\xff\xff\x01\x00\x00\x01"), RDB_KIND_SET, "-1 1 256"},
    {SLICE("\x0c\x15" ZIPLIST_PAIRS), RDB_KIND_ZSET, "a=1 b=2"},
    {SLICE("\x0d\x15" ZIPLIST_PAIRS), RDB_KIND_HASH, "a=1 b=2"},
    {SLICE("\x0e\x02\x13" ZIPLIST_ABC "\x13" ZIPLIST_ABC), RDB_KIND_LIST, "a 4 -128 a 4 -128"},
    {SLICE("\x10\x11" LISTPACK_PAIRS), RDB_KIND_HASH, "a=1 b=2"},
    {SLICE("\x11\x11" LISTPACK_PAIRS), RDB_KIND_ZSET, "a=1 b=2"},
    {SLICE("\x12\x02\x01\x03xyz\x02\x11" LISTPACK_PAIRS), RDB_KIND_LIST, "xyz a 1 b 2"},
    {SLICE("\x14\x11" LISTPACK_PAIRS), RDB_KIND_SET, "a 1 b 2"},
    {SLICE("\x18\x88\x13\x00\x00\x00\x00\x00\x00\x02\x00\x01"
           "a\x01"
           "1\x01\x01"
           "b\x01"
           "2"),
     RDB_KIND_HASH, "a=1 b=2@5000"},
    {SLICE("\x19\x88\x13\x00\x00\x00\x00\x00\x00\x17" LISTPACK_TIMES), RDB_KIND_HASH, "a=1 b=2@5000"},
};

static void every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        struct rdb_value value;
        print_message("type %u\n", (unsigned)(unsigned char)encodings[i].body.ptr[0]);
        assert_int_equal(rdb_value_read(encodings[i].body, &value), ERROR_OK);
        assert_int_equal(value.kind, encodings[i].kind);
        assert_string_equal(words_of(&value), encodings[i].words);
        rdb_value_free(&value);
    }
}

/* In a block of its own, so that a sanitizer sees each byte read behind it. */
static enum error read_copy(struct slice body)
{
    struct rdb_value value;
    char *copy = malloc(body.len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, body.ptr, body.len);
    enum error error = rdb_value_read((struct slice){copy + 1, body.len}, &value);
    rdb_value_free(&value);
    free(copy);
    return error;
}

/* Cut off anywhere it is refused; with any byte changed it is read or refused. */
static void damage(struct slice body)
{
    char copy[1024];
    assert_true(body.len <= sizeof copy);
    for (size_t cut = 0; cut < body.len; cut++)
        assert_int_equal(read_copy((struct slice){body.ptr, cut}), ERROR_CORRUPT);
    memcpy(copy, body.ptr, body.len);
    for (size_t at = 0; at < body.len; at++) {
        for (unsigned change = 1; change < 256; change++) {
            copy[at] = (char)((unsigned char)body.ptr[at] ^ change);
            enum error error = read_copy((struct slice){copy, body.len});
            assert_true(error == ERROR_OK || error == ERROR_CORRUPT);
        }
        copy[at] = body.ptr[at];
    }
}

static void damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        damage(encodings[i].body);
}

/* Complete, and yet nothing that a key may hold. */
static void senseless(void **state)
{
    static const struct slice bodies[] = {
        SLICE(""),
        SLICE("\x06\x01"
              "a"),                                    /* a module's value */
        SLICE("\x01\x00"),                             /* empty */
        SLICE("\x14\x07\x07\x00\x00\x00\x00\x00\xff"), /* empty listpack */
        SLICE("\x02\x02\x01"
              "a\x01"
              "a"), /* twice the same member */
        SLICE("\x02\x02\x01"
              "5\xc0\x05"), /* the same in two forms */
        SLICE("\x04\x02\x01"
              "a\x01"
              "1\x01"
              "a\x01"
              "2"), /* field */
        SLICE("\x05\x01\x01"
              "a\x00\x00\x00\x00\x00\x00\xf8\x7f"), /* score NaN */
        SLICE("\x03\x01\x01"
              "a\xfd"), /* the same as text */
        SLICE("\x03\x01\x01"
              "a\x03"
              "abc"), /* no number */
        SLICE("\x11\x0c\x0c\x00\x00\x00\x02\x00\x81"
              "a\x02\x81"
              "b\x02\xff"), /* the same */
        SLICE("\x10\x0b\x0b\x00\x00\x00\x01\x00\x82"
              "ab\x03\xff"), /* a field without a value */
        SLICE("\x12\x01\x03\x01"
              "a"),                                                /* a node of no kind */
        SLICE("\x0b\x0a\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00"), /* integers of three bytes */
        SLICE("\x18\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x02\x01"
              "a\x01"
              "1"), /* a time out of bounds */
        SLICE(
            "\x18\x88\x13\x00\x00\x00\x00\x00\x00\x81\x7f\xff\xff\xff\xff\xff\xff\xff"), /* more than is there */
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        print_message("case %zu\n", i);
        assert_int_equal(read_copy(bodies[i]), ERROR_CORRUPT);
    }
}

static void footers(void **state)
{
    static const struct {
        unsigned version;
        bool valid;
    } versions[] = {{1, true}, {9, true}, {10, true}, {11, true}, {12, true}, {13, false}, {80, false}};
    struct slice body;
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct rdb_out out = {0};
        rdb_out_bytes(&out,
                      "\x00\x01"
                      "a",
                      3);
        rdb_out_footer(&out, 0, versions[i].version);
        assert_int_equal(out.len, 13);
        assert_int_equal(rdb_footer_is_valid((struct slice){out.buf, out.len}, false, &body),
                         versions[i].valid);
        for (size_t at = 0; at < out.len; at++) {
            out.buf[at] ^= 4;
            assert_false(rdb_footer_is_valid((struct slice){out.buf, out.len}, false, &body));
            out.buf[at] ^= 4;
        }
        for (size_t cut = 0; cut < out.len; cut++)
            assert_false(rdb_footer_is_valid((struct slice){out.buf, cut}, false, &body));
        rdb_out_free(&out);
    }
}

/* ---- streams ---- */

/* A listpack of two live entries and a deleted one: 5-1 {f: v}, 5-2 (deleted), 6-0 {g: w, h: 7}. */
static void put_chunk(struct rdb_out *out)
{
    struct rdb_out pack = {0};
    rdb_listpack_begin(&pack);
    rdb_listpack_int(&pack, 2);
    rdb_listpack_int(&pack, 1);
    rdb_listpack_int(&pack, 1);
    rdb_listpack_string(&pack, SLICE("f"));
    rdb_listpack_int(&pack, 0);
    static const struct {
        int flags, ms, seq;
        const char *value;
    } same[] = {{2, 0, 0, "v"}, {3, 0, 1, "gone"}};
    for (size_t i = 0; i < 2; i++) {
        rdb_listpack_int(&pack, same[i].flags);
        rdb_listpack_int(&pack, same[i].ms);
        rdb_listpack_int(&pack, same[i].seq);
        rdb_listpack_string(&pack, slice_of(same[i].value));
        rdb_listpack_int(&pack, 4);
    }
    rdb_listpack_int(&pack, 0);
    rdb_listpack_int(&pack, 1);
    rdb_listpack_int(&pack, -1);
    rdb_listpack_int(&pack, 2);
    for (size_t i = 0; i < 4; i++)
        rdb_listpack_string(&pack, slice_of((const char *[]){"g", "w", "h", "7"}[i]));
    rdb_listpack_int(&pack, 8);
    rdb_listpack_end(&pack, 5 + 2 * 5 + 9);
    rdb_out_length(out, 1);
    rdb_out_length(out, 16);
    rdb_out_raw_id(out, 5, 1);
    rdb_out_string(out, (struct slice){pack.buf, pack.len});
    rdb_out_free(&pack);
}

/* A group with two consumers; each has one of two records, or `twice`: the first one has both, and the second one again. */
static void put_group(struct rdb_out *out, unsigned type, bool twice)
{
    rdb_out_length(out, 1);
    rdb_out_string(out, SLICE("group"));
    rdb_out_length(out, 6);
    rdb_out_length(out, 0);
    if (type != RDB_STREAM) rdb_out_length(out, UINT64_MAX);
    rdb_out_length(out, 2);
    for (uint64_t i = 0; i < 2; i++) {
        rdb_out_raw_id(out, 5 + i, 1 - i);
        rdb_out_le64(out, 1000 + i);
        rdb_out_length(out, 3 + i);
    }
    rdb_out_length(out, 2);
    for (uint64_t i = 0; i < 2; i++) {
        rdb_out_string(out, i == 0 ? SLICE("alice") : SLICE("bob"));
        rdb_out_le64(out, 2000 + i);
        if (type == RDB_STREAM_3) rdb_out_le64(out, 3000 + i);
        rdb_out_length(out, twice && i == 0 ? 2 : 1);
        if (twice && i == 0) rdb_out_raw_id(out, 6, 0);
        rdb_out_raw_id(out, 5 + i, 1 - i);
    }
}

static void put_stream(struct rdb_out *out, unsigned type, bool twice)
{
    rdb_out_u8(out, (uint8_t)type);
    put_chunk(out);
    rdb_out_length(out, 2);
    rdb_out_length(out, 6);
    rdb_out_length(out, 0);
    if (type != RDB_STREAM) {
        static const uint64_t rest[] = {5, 1, 5, 2, 3};
        for (size_t i = 0; i < 5; i++)
            rdb_out_length(out, rest[i]);
    }
    put_group(out, type, twice);
}

static void streams(void **state)
{
    static const unsigned types[] = {RDB_STREAM, RDB_STREAM_2, RDB_STREAM_3};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rdb_out out = {0};
        struct rdb_value value;
        put_stream(&out, types[i], false);
        struct slice body = {out.buf, out.len};
        assert_int_equal(rdb_value_read(body, &value), ERROR_OK);
        const struct rdb_stream *stream = value.stream;
        assert_string_equal(words_of(&value), "f v g w h 7");
        assert_int_equal(stream->entry_count, 2);
        assert_true(stream->entries[1].id.ms == 6 && stream->entries[1].id.seq == 0);
        assert_int_equal(stream->entries[1].pairs, 2);
        assert_int_equal(stream->entries_added, types[i] == RDB_STREAM ? 2 : 3);
        assert_int_equal(stream->max_deleted.seq, types[i] == RDB_STREAM ? 0 : 2);
        const struct rdb_group *group = &stream->groups[0];
        assert_int_equal(group->entries_read, -1);
        assert_int_equal(group->pending[1].consumer, 1);
        assert_int_equal(group->pending[1].deliveries, 4);
        assert_int_equal(group->consumers[1].active_ms, types[i] == RDB_STREAM_3 ? 3001 : 2001);
        rdb_value_free(&value);
        damage(body);
        rdb_out_free(&out);
    }
    struct rdb_out out = {0};
    put_stream(&out, RDB_STREAM_2, true);
    assert_int_equal(read_copy((struct slice){out.buf, out.len}), ERROR_CORRUPT);
    rdb_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding), cmocka_unit_test(damaged), cmocka_unit_test(senseless),
        cmocka_unit_test(footers),        cmocka_unit_test(streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
