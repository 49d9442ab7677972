/* lzf.c: both directions of LZF (lzf.h). */
#include "rdb/lzf.h"

#include <stdint.h>

#define LITERALS_MAX 32
#define DISTANCE_MAX (1u << 13)
#define MATCH_MIN    3
#define MATCH_MAX    264
#define SHORT_MATCH  8 /* the longest whose length stands in the first byte */
#define SLOTS_LOG    14

bool rdb_lzf_expand(struct slice from, char *to, size_t len)
{
    const unsigned char *at = (const unsigned char *)from.ptr, *end = at + from.len;
    size_t made = 0;
    while (at < end) {
        size_t head = *at++;
        if (head < LITERALS_MAX) {
            size_t count = head + 1;
            if (count > (size_t)(end - at) || count > len - made) return false;
            memcpy(to + made, at, count);
            at += count;
            made += count;
            continue;
        }
        size_t count = (head >> 5) + 2;
        if (head >> 5 == 7) {
            if (at == end) return false;
            count += *at++;
        }
        if (at == end) return false;
        size_t back = ((head & 0x1f) << 8 | *at++) + 1;
        if (back > made || count > len - made) return false;
        for (size_t i = 0; i < count; i++, made++) /* they may overlap */
            to[made] = to[made - back];
    }
    return made == len;
}

struct output {
    unsigned char *to;
    size_t cap;
    size_t len;
};

static bool put_literals(struct output *out, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        size_t part = count < LITERALS_MAX ? count : LITERALS_MAX;
        if (part + 1 > out->cap - out->len) return false;
        out->to[out->len++] = (unsigned char)(part - 1);
        memcpy(out->to + out->len, bytes, part);
        out->len += part;
        bytes += part;
        count -= part;
    }
    return true;
}

static bool put_match(struct output *out, size_t count, size_t back)
{
    if (out->cap - out->len < 3) return false;
    back--;
    bool is_short = count <= SHORT_MATCH;
    out->to[out->len++] = (unsigned char)((is_short ? count - 2 : 7) << 5 | back >> 8);
    if (!is_short) out->to[out->len++] = (unsigned char)(count - 9);
    out->to[out->len++] = (unsigned char)back;
    return true;
}

static uint32_t slot_of(const unsigned char *at)
{
    uint32_t three = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
    return three * UINT32_C(2654435761) >> (32 - SLOTS_LOG);
}

static size_t match_len(const unsigned char *a, const unsigned char *b, const unsigned char *end)
{
    size_t len = 0, most = (size_t)(end - b) < MATCH_MAX ? (size_t)(end - b) : MATCH_MAX;
    while (len < most && a[len] == b[len])
        len++;
    return len;
}

size_t rdb_lzf_compress(struct slice from, char *to, size_t cap)
{
    uint32_t slots[1 << SLOTS_LOG] = {0}; /* where three bytes were seen last, plus 1 */
    struct output out = {(unsigned char *)to, cap, 0};
    const unsigned char *begin = (const unsigned char *)from.ptr, *end = begin + from.len;
    const unsigned char *literals = begin, *at = begin;
    if (from.len > UINT32_MAX - 1) return 0;
    while (end - at >= MATCH_MIN) {
        uint32_t *slot = &slots[slot_of(at)];
        size_t seen = *slot, here = (size_t)(at - begin);
        *slot = (uint32_t)here + 1;
        size_t len = 0;
        if (seen > 0 && here - (seen - 1) <= DISTANCE_MAX) len = match_len(begin + seen - 1, at, end);
        if (len < MATCH_MIN) {
            at++;
            continue;
        }
        if (!put_literals(&out, literals, (size_t)(at - literals))) return 0;
        if (!put_match(&out, len, here - (seen - 1))) return 0;
        at += len;
        literals = at;
    }
    return put_literals(&out, literals, (size_t)(end - literals)) ? out.len : 0;
}
