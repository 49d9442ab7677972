/* in.c: the pieces that payloads are made of (in.h). */
#include "rdb/in.h"

#include "rdb/format.h"
#include "rdb/lzf.h"
#include "util/number.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_BYTES 4096

/* ---- the arena ---- */

struct rdb_arena_block {
    struct rdb_arena_block *next;
    size_t size;
    char bytes[];
};

char *rdb_arena_take(struct rdb_arena *arena, size_t len)
{
    struct rdb_arena_block *block = arena->blocks;
    if (block == NULL || len > block->size - arena->used) {
        size_t size = len > BLOCK_BYTES ? len : BLOCK_BYTES;
        block = malloc(sizeof *block + size);
        if (block == NULL) return NULL;
        *block = (struct rdb_arena_block){arena->blocks, size};
        arena->blocks = block;
        arena->used = 0;
    }
    arena->used += len;
    return block->bytes + arena->used - len;
}

void rdb_arena_free(struct rdb_arena *arena)
{
    while (arena->blocks != NULL) {
        struct rdb_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}

/* ---- reading ---- */

void rdb_in_fail(struct rdb_in *in, enum error error)
{
    if (rdb_in_ok(in)) in->error = error;
    in->at = in->end;
}

struct slice rdb_in_bytes(struct rdb_in *in, size_t len)
{
    if (len > rdb_in_left(in)) rdb_in_fail(in, ERROR_CORRUPT);
    if (!rdb_in_ok(in)) return SLICE("");
    in->at += len;
    return (struct slice){in->at - len, len};
}

/* A number of `len` bytes; 0 after an error. */
static uint64_t little_endian(struct rdb_in *in, size_t len)
{
    struct slice bytes = rdb_in_bytes(in, len);
    uint64_t value = 0;
    for (size_t i = bytes.len; i > 0; i--)
        value = value << 8 | (unsigned char)bytes.ptr[i - 1];
    return value;
}

static uint64_t big_endian(struct rdb_in *in, size_t len)
{
    struct slice bytes = rdb_in_bytes(in, len);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

uint8_t rdb_in_u8(struct rdb_in *in)
{
    return (uint8_t)little_endian(in, 1);
}

uint64_t rdb_in_le64(struct rdb_in *in)
{
    return little_endian(in, 8);
}

/* A length; with *encoded the low bits of the byte that said that a string is encoded. */
static uint64_t read_length(struct rdb_in *in, bool *encoded)
{
    uint8_t first = rdb_in_u8(in), low = first & 0x3f;
    *encoded = false;
    switch (first >> 6) {
    case RDB_LENGTH_6: return low;
    case RDB_LENGTH_14: return (uint64_t)low << 8 | rdb_in_u8(in);
    case RDB_LENGTH_ENCODED: *encoded = true; return low;
    default:
        if (first == RDB_LONG_4) return big_endian(in, 4);
        if (first == RDB_LONG_8) return big_endian(in, 8);
        rdb_in_fail(in, ERROR_CORRUPT);
        return 0;
    }
}

uint64_t rdb_in_length(struct rdb_in *in)
{
    bool encoded;
    uint64_t length = read_length(in, &encoded);
    if (encoded) rdb_in_fail(in, ERROR_CORRUPT);
    return rdb_in_ok(in) ? length : 0;
}

double rdb_in_double(struct rdb_in *in)
{
    uint64_t bits = little_endian(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double rdb_in_text_double(struct rdb_in *in)
{
    double value = 0;
    uint8_t len = rdb_in_u8(in);
    switch (len) {
    case 253: return NAN;
    case 254: return INFINITY;
    case 255: return -INFINITY;
    default: break;
    }
    if (!number_parse_double(rdb_in_bytes(in, len), &value)) rdb_in_fail(in, ERROR_CORRUPT);
    return value;
}

struct slice rdb_in_int_text(struct rdb_in *in, int64_t number)
{
    char text[NUMBER_INT_TEXT_MAX];
    if (!rdb_in_ok(in)) return SLICE("");
    size_t len = number_int_text(text, number);
    char *copy = rdb_arena_take(in->arena, len);
    if (copy == NULL) {
        rdb_in_fail(in, ERROR_MEMORY);
        return SLICE("");
    }
    memcpy(copy, text, len);
    return (struct slice){copy, len};
}

/* What is compressed has its two lengths before it. */
static struct slice read_compressed(struct rdb_in *in)
{
    uint64_t packed_len = rdb_in_length(in), len = rdb_in_length(in);
    if (packed_len > rdb_in_left(in) || len > packed_len * RDB_LZF_RATIO_MAX) rdb_in_fail(in, ERROR_CORRUPT);
    struct slice packed = rdb_in_bytes(in, (size_t)packed_len);
    if (!rdb_in_ok(in)) return SLICE("");
    char *text = rdb_arena_take(in->arena, (size_t)len);
    if (text == NULL) rdb_in_fail(in, ERROR_MEMORY);
    else if (!rdb_lzf_expand(packed, text, (size_t)len)) rdb_in_fail(in, ERROR_CORRUPT);
    return rdb_in_ok(in) ? (struct slice){text, (size_t)len} : SLICE("");
}

struct slice rdb_in_string(struct rdb_in *in)
{
    bool encoded;
    uint64_t length = read_length(in, &encoded);
    if (!encoded) {
        if (length > rdb_in_left(in)) rdb_in_fail(in, ERROR_CORRUPT);
        return rdb_in_bytes(in, rdb_in_ok(in) ? (size_t)length : 0);
    }
    switch (length) {
    case RDB_INT_8: return rdb_in_int_text(in, (int8_t)little_endian(in, 1));
    case RDB_INT_16: return rdb_in_int_text(in, (int16_t)little_endian(in, 2));
    case RDB_INT_32: return rdb_in_int_text(in, (int32_t)little_endian(in, 4));
    case RDB_LZF: return read_compressed(in);
    default: rdb_in_fail(in, ERROR_CORRUPT); return SLICE("");
    }
}
