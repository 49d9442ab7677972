/* packed.c: reading and building packed blobs. */
#include "ds/packed.h"

#include "util/number.h"

#include <stdlib.h>

#define HEAD_BYTES 2 /* the count */

#define TAG_STRING      0x80u /* 10nnnnnn */
#define TAG_STRING_MAX  63u
#define TAG_MEDIUM      0xc0u /* 110nnnnn */
#define TAG_MEDIUM_MAX  0x1fffu
#define TAG_INT         0xe0u /* and the number of bytes, less one */
#define TAG_LONG        0xe8u
#define TAG_LONG_BYTES  4
#define ITEM_PREFIX_MAX 9 /* bytes of an integer, or before a string's own */
#define FIRST_CAPACITY  256

/* ---- reading ---- */

/* Where an item's bytes stand. */
struct extent {
    size_t prefix; /* the tag and what belongs to it */
    size_t bytes;  /* of the string, or of the integer behind its tag */
    bool is_int;
};

static inline unsigned byte_at(const char *at)
{
    return (unsigned char)*at;
}

/* Measures the item at `at`, of which `left` > 0 bytes may be read; false when it makes no sense. */
static inline bool measure(const char *at, size_t left, struct extent *extent_out)
{
    unsigned tag = byte_at(at);
    struct extent extent = {1, 0, true};
    if (tag >= TAG_STRING && tag < TAG_MEDIUM) {
        extent = (struct extent){1, tag & TAG_STRING_MAX, false};
    } else if (tag >= TAG_MEDIUM && tag < TAG_INT) {
        if (left < 2) return false;
        extent = (struct extent){2, (size_t)(tag & 0x1f) << 8 | byte_at(at + 1), false};
    } else if (tag >= TAG_INT && tag < TAG_LONG) {
        extent.bytes = (tag & 7) + 1;
    } else if (tag == TAG_LONG) {
        uint32_t len;
        if (left < 1 + TAG_LONG_BYTES) return false;
        memcpy(&len, at + 1, sizeof(len));
        extent = (struct extent){1 + TAG_LONG_BYTES, len, false};
    } else if (tag > TAG_LONG) {
        return false;
    }
    *extent_out = extent;
    return extent.bytes <= left - extent.prefix;
}

static int64_t read_int(const char *at, size_t bytes)
{
    uint64_t value = 0;
    if (bytes == 0) return (int64_t)byte_at(at - 1); /* the tag itself */
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)byte_at(at + i) << (8 * i);
    unsigned spare = 64 - 8 * (unsigned)bytes;
    return (int64_t)(value << spare) >> spare;
}

size_t packed_count(struct slice blob)
{
    return blob.len < HEAD_BYTES ? 0 : byte_at(blob.ptr) | (size_t)byte_at(blob.ptr + 1) << 8;
}

struct packed_iter packed_begin(struct slice blob)
{
    return (struct packed_iter){blob, blob.len < HEAD_BYTES ? blob.len : HEAD_BYTES, 0};
}

static inline bool measure_next(const struct packed_iter *iter, struct extent *extent_out)
{
    return iter->at < iter->blob.len &&
           measure(iter->blob.ptr + iter->at, iter->blob.len - iter->at, extent_out);
}

static inline void pass(struct packed_iter *iter, struct extent extent)
{
    iter->at += extent.prefix + extent.bytes;
    iter->index++;
}

bool packed_next(struct packed_iter *iter, struct packed_item *item_out)
{
    struct extent extent;
    if (!measure_next(iter, &extent)) return false;
    const char *bytes = iter->blob.ptr + iter->at + extent.prefix;
    if (extent.is_int)
        *item_out = (struct packed_item){.is_int = true, .number = read_int(bytes, extent.bytes)};
    else *item_out = (struct packed_item){.bytes = {bytes, extent.bytes}};
    pass(iter, extent);
    return true;
}

bool packed_skip(struct packed_iter *iter, size_t count)
{
    struct extent extent;
    for (; count > 0; count--) {
        if (!measure_next(iter, &extent)) return false;
        pass(iter, extent);
    }
    return true;
}

struct slice packed_text(const struct packed_item *item, char text[PACKED_INT_TEXT_MAX])
{
    if (!item->is_int) return item->bytes;
    return (struct slice){text, number_int_text(text, item->number)};
}

size_t packed_text_len(const struct packed_item *item)
{
    char text[PACKED_INT_TEXT_MAX];
    return packed_text(item, text).len;
}

struct packed_probe packed_probe(struct slice bytes)
{
    struct packed_probe probe = {.bytes = bytes};
    probe.is_int = number_parse_int(bytes, &probe.number);
    return probe;
}

bool packed_equals(const struct packed_item *item, const struct packed_probe *probe)
{
    if (item->is_int) return probe->is_int && probe->number == item->number;
    return slice_equal(item->bytes, probe->bytes);
}

bool packed_find(struct packed_iter *iter, const struct packed_probe *probe, size_t stride)
{
    struct extent extent;
    while (measure_next(iter, &extent)) {
        const char *bytes = iter->blob.ptr + iter->at + extent.prefix;
        bool equal = extent.is_int ? probe->is_int && read_int(bytes, extent.bytes) == probe->number
                                   : extent.bytes == probe->bytes.len &&
                                         memcmp(bytes, probe->bytes.ptr, extent.bytes) == 0;
        if (equal) return true;
        pass(iter, extent);
        if (stride > 1 && !packed_skip(iter, stride - 1)) return false;
    }
    return false;
}

bool packed_is_valid(struct slice blob)
{
    struct packed_iter iter = packed_begin(blob);
    if (blob.len > 0 && blob.len < HEAD_BYTES) return false;
    struct extent extent;
    while (measure_next(&iter, &extent))
        pass(&iter, extent);
    return iter.at == blob.len && iter.index == packed_count(blob) && iter.index <= PACKED_COUNT_MAX;
}

/* ---- building ---- */

void packed_out_reset(struct packed_out *out)
{
    out->len = 0;
    out->failed = false;
}

void packed_out_free(struct packed_out *out)
{
    free(out->buf);
    *out = (struct packed_out){0};
}

bool packed_room(struct packed_out *out, size_t len)
{
    if (out->failed || len <= out->cap) return !out->failed;
    size_t cap = out->cap < FIRST_CAPACITY ? FIRST_CAPACITY : out->cap * 2;
    if (cap < len) cap = len;
    char *buf = realloc(out->buf, cap);
    out->failed = buf == NULL;
    if (out->failed) return false;
    out->buf = buf;
    out->cap = cap;
    return true;
}

void packed_load(struct packed_out *out, struct slice blob)
{
    packed_out_reset(out);
    if (blob.len == 0 || !packed_room(out, blob.len)) return;
    memcpy(out->buf, blob.ptr, blob.len);
    out->len = blob.len;
}

/* Room for `len` more bytes, behind the count. */
static bool reserve(struct packed_out *out, size_t len)
{
    if (!packed_room(out, (out->len == 0 ? HEAD_BYTES : out->len) + len)) return false;
    if (out->len == 0) {
        memset(out->buf, 0, HEAD_BYTES);
        out->len = HEAD_BYTES;
    }
    return true;
}

static void set_count(struct packed_out *out, size_t count)
{
    out->failed = count > PACKED_COUNT_MAX;
    out->buf[0] = (char)(unsigned char)count;
    out->buf[1] = (char)(unsigned char)(count >> 8);
}

static void count_items(struct packed_out *out, size_t added)
{
    set_count(out, packed_count((struct slice){out->buf, out->len}) + added);
}

static void append_item(struct packed_out *out, const char *prefix, size_t prefix_len, const void *bytes,
                        size_t len)
{
    if (!reserve(out, prefix_len + len)) return;
    memcpy(out->buf + out->len, prefix, prefix_len);
    if (len > 0) memcpy(out->buf + out->len + prefix_len, bytes, len);
    out->len += prefix_len + len;
    count_items(out, 1);
}

void packed_add_int(struct packed_out *out, int64_t number)
{
    char item[ITEM_PREFIX_MAX];
    size_t bytes = 0;
    if (number >= 0 && number < (int64_t)TAG_STRING) {
        item[0] = (char)(unsigned char)number;
    } else {
        bytes = 1;
        while (bytes < sizeof(number) &&
               number != (int64_t)((uint64_t)number << (64 - 8 * bytes)) >> (64 - 8 * bytes))
            bytes++;
        item[0] = (char)(unsigned char)(TAG_INT + bytes - 1);
        memcpy(item + 1, &number, bytes); /* little endian, like everything on media */
    }
    append_item(out, item, 1 + bytes, NULL, 0);
}

void packed_add_raw(struct packed_out *out, const void *bytes, size_t len)
{
    char prefix[ITEM_PREFIX_MAX];
    size_t prefix_len = 1;
    if (len <= TAG_STRING_MAX) {
        prefix[0] = (char)(unsigned char)(TAG_STRING | len);
    } else if (len <= TAG_MEDIUM_MAX) {
        prefix[0] = (char)(unsigned char)(TAG_MEDIUM | len >> 8);
        prefix[1] = (char)(unsigned char)len;
        prefix_len = 2;
    } else if (len <= UINT32_MAX) {
        uint32_t len32 = (uint32_t)len;
        prefix[0] = (char)(unsigned char)TAG_LONG;
        memcpy(prefix + 1, &len32, sizeof(len32));
        prefix_len = 1 + TAG_LONG_BYTES;
    } else {
        out->failed = true;
        return;
    }
    append_item(out, prefix, prefix_len, bytes, len);
}

void packed_add_probe(struct packed_out *out, const struct packed_probe *probe)
{
    if (probe->is_int) packed_add_int(out, probe->number);
    else packed_add_raw(out, probe->bytes.ptr, probe->bytes.len);
}

void packed_add(struct packed_out *out, struct slice bytes)
{
    struct packed_probe probe = packed_probe(bytes);
    packed_add_probe(out, &probe);
}

void packed_add_item(struct packed_out *out, const struct packed_item *item)
{
    if (item->is_int) packed_add_int(out, item->number);
    else packed_add_raw(out, item->bytes.ptr, item->bytes.len);
}

void packed_keep(struct packed_out *out, struct slice blob, size_t from, size_t to, size_t count)
{
    if (from >= to || !reserve(out, to - from)) return;
    memcpy(out->buf + out->len, blob.ptr + from, to - from);
    out->len += to - from;
    count_items(out, count);
}

void packed_cut(struct packed_out *out, struct packed_iter iter, size_t count)
{
    size_t from = iter.at, items = packed_count(iter.blob);
    if (out->failed || !packed_skip(&iter, count)) return;
    memmove(out->buf + from, out->buf + iter.at, out->len - iter.at);
    out->len -= iter.at - from;
    set_count(out, items - count);
}

struct slice packed_out_blob(const struct packed_out *out)
{
    bool is_empty = out->len <= HEAD_BYTES;
    return is_empty ? (struct slice){"", 0} : (struct slice){out->buf, out->len};
}
