/* intset.c: sorted runs of integers. */
#include "ds/intset.h"

#define HEAD_BYTES 2
#define MARK       0xffu

/* Of damaged blobs, too, one of the three. */
static size_t width_of(struct slice blob)
{
    unsigned char width = (unsigned char)blob.ptr[0];
    return width == sizeof(int16_t) || width == sizeof(int32_t) ? width : sizeof(int64_t);
}

bool intset_is(struct slice blob)
{
    return blob.len > HEAD_BYTES && (unsigned char)blob.ptr[1] == MARK;
}

size_t intset_count(struct slice blob)
{
    return blob.len <= HEAD_BYTES ? 0 : (blob.len - HEAD_BYTES) / width_of(blob);
}

static inline int64_t value_at(const char *values, size_t width, size_t index)
{
    const char *at = values + index * width;
    int16_t value16;
    int32_t value32;
    int64_t value64;
    switch (width) {
    case sizeof(value16): memcpy(&value16, at, sizeof(value16)); return value16;
    case sizeof(value32): memcpy(&value32, at, sizeof(value32)); return value32;
    default: memcpy(&value64, at, sizeof(value64)); return value64;
    }
}

int64_t intset_at(struct slice blob, size_t index)
{
    return value_at(blob.ptr + HEAD_BYTES, width_of(blob), index);
}

bool intset_is_valid(struct slice blob)
{
    if (!intset_is(blob)) return false;
    size_t width = width_of(blob);
    if ((unsigned char)blob.ptr[0] != width || (blob.len - HEAD_BYTES) % width != 0) return false;
    for (size_t i = 1; i < intset_count(blob); i++)
        if (intset_at(blob, i - 1) >= intset_at(blob, i)) return false;
    return true;
}

bool intset_find(struct slice blob, int64_t value, size_t *index_out)
{
    size_t low = 0, high = intset_count(blob);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int64_t there = intset_at(blob, middle);
        if (there == value) {
            *index_out = middle;
            return true;
        }
        if (there < value) low = middle + 1;
        else high = middle;
    }
    *index_out = low;
    return false;
}

static size_t width_for(int64_t value)
{
    if (value == (int16_t)value) return sizeof(int16_t);
    return value == (int32_t)value ? sizeof(int32_t) : sizeof(int64_t);
}

/* Gives all values a larger width, from the last one on: they only move up. */
static void widen(struct packed_out *out, size_t count, size_t old_width, size_t width)
{
    char *values = out->buf + HEAD_BYTES;
    for (size_t i = count; i-- > 0;) {
        int64_t value = value_at(values, old_width, i);
        memcpy(values + i * width, &value, width);
    }
}

void intset_insert(struct packed_out *out, size_t index, int64_t value)
{
    struct slice blob = packed_out_blob(out);
    size_t count = intset_count(blob), needed = width_for(value);
    size_t old_width = count == 0 ? needed : width_of(blob), width = needed > old_width ? needed : old_width;
    if (!packed_room(out, HEAD_BYTES + (count + 1) * width)) return;
    if (width != old_width) widen(out, count, old_width, width);
    char *at = out->buf + HEAD_BYTES + index * width;
    memmove(at + width, at, (count - index) * width);
    memcpy(at, &value, width);
    out->buf[0] = (char)width;
    out->buf[1] = (char)(unsigned char)MARK;
    out->len = HEAD_BYTES + (count + 1) * width;
}

void intset_remove(struct packed_out *out, size_t index)
{
    struct slice blob = packed_out_blob(out);
    size_t width = width_of(blob), count = intset_count(blob);
    char *at = out->buf + HEAD_BYTES + index * width;
    memmove(at, at + width, (count - 1 - index) * width);
    out->len = count == 1 ? 0 : out->len - width;
}
