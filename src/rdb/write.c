/* write.c: see write.h. */
#include "rdb/write.h"

#include "rdb/crc64.h"
#include "rdb/format.h"
#include "rdb/lzf.h"
#include "rdb/pack.h"
#include "util/number.h"

#include <stdlib.h>

#define CAP_FIRST        256
#define INT_TEXT_MAX     11 /* longer texts are no integers of 32 bits */
#define COMPRESS_FROM    21 /* bytes */
#define COMPRESS_GAIN    4
#define LISTPACK_HEAD    6
#define LISTPACK_COUNTED 0xffff /* items from here on are not counted in the head */

void rdb_out_free(struct rdb_out *out)
{
    free(out->buf);
    *out = (struct rdb_out){0};
}

/* Where the next `len` bytes go; NULL, having failed, without memory. */
static char *reserve(struct rdb_out *out, size_t len)
{
    if (out->failed) return NULL;
    if (len > out->cap - out->len) {
        size_t cap = out->cap < CAP_FIRST ? CAP_FIRST : 2 * out->cap;
        if (cap - out->len < len) cap = out->len + len;
        char *buf = realloc(out->buf, cap);
        out->failed = buf == NULL;
        if (out->failed) return NULL;
        out->buf = buf;
        out->cap = cap;
    }
    return out->buf + out->len;
}

void rdb_out_bytes(struct rdb_out *out, const void *bytes, size_t len)
{
    char *to = len > 0 ? reserve(out, len) : NULL;
    if (to == NULL) return;
    memcpy(to, bytes, len);
    out->len += len;
}

void rdb_out_u8(struct rdb_out *out, uint8_t byte)
{
    rdb_out_bytes(out, &byte, 1);
}

static void little_endian(struct rdb_out *out, uint64_t value, size_t len)
{
    char bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(uint8_t)(value >> 8 * i);
    rdb_out_bytes(out, bytes, len);
}

static void big_endian(struct rdb_out *out, uint64_t value, size_t len)
{
    char bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(uint8_t)(value >> 8 * (len - 1 - i));
    rdb_out_bytes(out, bytes, len);
}

void rdb_out_le64(struct rdb_out *out, uint64_t value)
{
    little_endian(out, value, 8);
}

void rdb_out_double(struct rdb_out *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    little_endian(out, bits, 8);
}

void rdb_out_length(struct rdb_out *out, uint64_t length)
{
    if (length < 1 << 6) {
        rdb_out_u8(out, (uint8_t)(RDB_LENGTH_6 << 6 | length));
    } else if (length < 1 << 14) {
        big_endian(out, (uint64_t)RDB_LENGTH_14 << 14 | length, 2);
    } else {
        bool is_short = length <= UINT32_MAX;
        rdb_out_u8(out, is_short ? RDB_LONG_4 : RDB_LONG_8);
        big_endian(out, length, is_short ? 4 : 8);
    }
}

/* ---- strings ---- */

static void put_encoded(struct rdb_out *out, enum rdb_encoded encoded, int64_t number, size_t len)
{
    rdb_out_u8(out, (uint8_t)(RDB_LENGTH_ENCODED << 6 | (unsigned)encoded));
    little_endian(out, (uint64_t)number, len);
}

/* False for numbers that stand as text. */
static bool put_short_int(struct rdb_out *out, int64_t number)
{
    if (number >= INT8_MIN && number <= INT8_MAX) put_encoded(out, RDB_INT_8, number, 1);
    else if (number >= INT16_MIN && number <= INT16_MAX) put_encoded(out, RDB_INT_16, number, 2);
    else if (number >= INT32_MIN && number <= INT32_MAX) put_encoded(out, RDB_INT_32, number, 4);
    else return false;
    return true;
}

/* False when there is nothing to gain. */
static bool put_compressed(struct rdb_out *out, struct slice text)
{
    size_t cap = text.len - COMPRESS_GAIN;
    char *packed = malloc(cap);
    size_t len = packed == NULL ? 0 : rdb_lzf_compress(text, packed, cap);
    if (len > 0) {
        rdb_out_u8(out, RDB_LENGTH_ENCODED << 6 | RDB_LZF);
        rdb_out_length(out, len);
        rdb_out_length(out, text.len);
        rdb_out_bytes(out, packed, len);
    }
    free(packed);
    return len > 0;
}

void rdb_out_string(struct rdb_out *out, struct slice text)
{
    int64_t number;
    if (text.len <= INT_TEXT_MAX && number_parse_int(text, &number) && put_short_int(out, number)) return;
    if (out->compress && text.len >= COMPRESS_FROM && put_compressed(out, text)) return;
    rdb_out_length(out, text.len);
    rdb_out_bytes(out, text.ptr, text.len);
}

void rdb_out_int(struct rdb_out *out, int64_t number)
{
    char text[NUMBER_INT_TEXT_MAX];
    if (put_short_int(out, number)) return;
    size_t len = number_int_text(text, number);
    rdb_out_length(out, len);
    rdb_out_bytes(out, text, len);
}

void rdb_out_raw_id(struct rdb_out *out, uint64_t ms, uint64_t seq)
{
    big_endian(out, ms, 8);
    big_endian(out, seq, 8);
}

void rdb_out_footer(struct rdb_out *out, size_t begin, unsigned version)
{
    little_endian(out, version, 2);
    if (!out->failed) rdb_out_le64(out, rdb_crc64(0, (struct slice){out->buf + begin, out->len - begin}));
}

/* ---- listpacks (pack.h shows them) ---- */

void rdb_listpack_begin(struct rdb_out *out)
{
    out->len = 0;
    rdb_out_bytes(out, "\0\0\0\0\0\0", LISTPACK_HEAD);
}

/* Behind an item, which began at `begin`. */
static void put_back_length(struct rdb_out *out, size_t begin)
{
    char back[RDB_PACK_BACK_MAX];
    rdb_out_bytes(out, back, rdb_pack_back_length(back, out->len - begin));
}

void rdb_listpack_int(struct rdb_out *out, int64_t number)
{
    size_t begin = out->len;
    if (number >= 0 && number < 128) {
        rdb_out_u8(out, (uint8_t)number);
    } else if (number >= -4096 && number < 4096) {
        big_endian(out, 0xc000 | ((uint64_t)number & 0x1fff), 2);
    } else {
        static const uint8_t tags[] = {0xf1, 0xf2, 0xf3, 0xf4};
        static const uint8_t bytes[] = {2, 3, 4, 8};
        size_t size = 0;
        while (bytes[size] < 8 &&
               number != (int64_t)((uint64_t)number << (64 - 8 * bytes[size])) >> (64 - 8 * bytes[size]))
            size++;
        rdb_out_u8(out, tags[size]);
        little_endian(out, (uint64_t)number, bytes[size]);
    }
    put_back_length(out, begin);
}

void rdb_listpack_string(struct rdb_out *out, struct slice text)
{
    int64_t number;
    size_t begin = out->len;
    if (number_parse_int(text, &number)) {
        rdb_listpack_int(out, number);
        return;
    }
    if (text.len < 64) {
        rdb_out_u8(out, (uint8_t)(0x80 | text.len));
    } else if (text.len < 4096) {
        big_endian(out, 0xe000 | text.len, 2);
    } else {
        rdb_out_u8(out, 0xf0);
        little_endian(out, text.len, 4);
    }
    rdb_out_bytes(out, text.ptr, text.len);
    put_back_length(out, begin);
}

void rdb_listpack_end(struct rdb_out *out, size_t items)
{
    rdb_out_u8(out, 0xff);
    if (out->failed) return;
    uint64_t total = out->len, count = items < LISTPACK_COUNTED ? items : LISTPACK_COUNTED;
    for (size_t i = 0; i < 4; i++)
        out->buf[i] = (char)(uint8_t)(total >> 8 * i);
    for (size_t i = 0; i < 2; i++)
        out->buf[4 + i] = (char)(uint8_t)(count >> 8 * i);
}
