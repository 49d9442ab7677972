/* packed.h: small collections as one run of bytes: items one after the other, read forwards.
 *
 *     count:16 | item | item | ...            an empty blob (len 0) has no items
 *
 *     item: 0vvvvvvv                          the integer v
 *           10nnnnnn bytes                    a string of n bytes
 *           110nnnnn n:8 bytes                a string of n bytes, n < 2^13, high bits first
 *           111000nn ...                      an integer of 1 + nn.. bytes (tags e0 .. e7), little endian, signed
 *           11101000 n:32 bytes               a string of n bytes
 *
 * An item is a string or an integer; canonical decimals are kept as integers and come back as the same text. Hashes
 * stand as field, value, field, value ...; sets as members; sorted sets as member, score ... in order.
 *
 * Reading never trusts a byte: packed_is_valid once, or packed_next's own bounds. Writing builds a new blob in memory
 * (struct packed_out), which keyspace_put_packed stores with a log of what changed.
 */
#ifndef CAIRN_DS_PACKED_H
#define CAIRN_DS_PACKED_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKED_COUNT_MAX    0xfeffu /* a second byte of 0xff says that a blob is something else (intset.h) */
#define PACKED_INT_TEXT_MAX 21

struct packed_item {
    bool is_int;
    int64_t number;
    struct slice bytes; /* !is_int: in the blob */
};

/* A position inside a blob, from packed_begin. */
struct packed_iter {
    struct slice blob;
    size_t at;    /* the next item's first byte */
    size_t index; /* items passed */
};

size_t packed_count(struct slice blob);
struct packed_iter packed_begin(struct slice blob);
/* False at the end, and where the bytes make no sense. */
bool packed_next(struct packed_iter *iter, struct packed_item *item_out);
/* Passes `count` items; false when there are fewer. */
bool packed_skip(struct packed_iter *iter, size_t count);
/* The item as text; integers are formatted into `text`. */
struct slice packed_text(const struct packed_item *item, char text[PACKED_INT_TEXT_MAX]);
/* Bytes of the item's text. */
size_t packed_text_len(const struct packed_item *item);

/* What is looked for, parsed once. */
struct packed_probe {
    struct slice bytes;
    bool is_int;
    int64_t number;
};
struct packed_probe packed_probe(struct slice bytes);
/* True when the item's text equals the probe's. */
bool packed_equals(const struct packed_item *item, const struct packed_probe *probe);
/* Looks at every `stride`-th item from the iterator's place on, and leaves it before the one that equals the probe. */
bool packed_find(struct packed_iter *iter, const struct packed_probe *probe, size_t stride);
/* Every byte belongs to an item, and the count is right. */
bool packed_is_valid(struct slice blob);

/* A blob being built, in memory of its own. Zero-initialised; reused after packed_out_reset. */
struct packed_out {
    char *buf;
    size_t len;
    size_t cap;
    bool failed; /* no memory, or too many items */
};
void packed_out_reset(struct packed_out *out);
void packed_out_free(struct packed_out *out);
void packed_add(struct packed_out *out, struct slice bytes); /* integers are recognised */
void packed_add_probe(struct packed_out *out, const struct packed_probe *probe);
void packed_add_int(struct packed_out *out, int64_t number);
void packed_add_item(struct packed_out *out, const struct packed_item *item);
void packed_add_raw(struct packed_out *out, const void *bytes,
                    size_t len); /* a string, as it is (binary scores) */
/* Appends the bytes [from, to) of another blob, which hold `count` whole items: what an edit leaves as it was. */
void packed_keep(struct packed_out *out, struct slice blob, size_t from, size_t to, size_t count);
/* Cuts `count` items of the blob that `out` holds, from where the iterator over that blob stands. The last item's removal empties
 * the blob. */
void packed_cut(struct packed_out *out, struct packed_iter iter, size_t count);
/* Begins with a copy of `blob`. */
void packed_load(struct packed_out *out, struct slice blob);
/* Room for `len` bytes in all, for those who build blobs of another form; false and `failed` without memory. */
bool packed_room(struct packed_out *out, size_t len);
struct slice packed_out_blob(const struct packed_out *out);

#endif
