/* stream_chunk.c: the bytes of entries (stream_layout.h). */
#include "ds/stream_chunk.h"

#include <stdlib.h>

#define VARINT_BYTES_MAX 10
#define SCRATCH_BYTES    1024

/* ---- varints ---- */

static inline bool varint_read(const char *bytes, uint32_t *at, uint32_t end, uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = (uint8_t)bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

/* The same towards the beginning: *at is the end of its bytes, and then their start. */
static inline bool varint_read_back(const char *bytes, uint32_t *at, uint32_t begin, uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at > begin; shift += 7) {
        uint8_t byte = (uint8_t)bytes[--*at];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

static inline size_t varint_write(char text[VARINT_BYTES_MAX], uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        text[len++] = (char)(uint8_t)(value | 0x80);
    text[len++] = (char)(uint8_t)value;
    return len;
}

/* ---- reading ---- */

bool stream_chunk_read(const struct stream_chunk_layout *chunk, uint32_t at, struct stream_item *item_out)
{
    const char *bytes = chunk->bytes;
    uint32_t used = chunk->used, begin = at;
    uint64_t len, ms, seq, total;
    if (at >= used) return false;
    uint8_t flags = (uint8_t)bytes[at++];
    if (!varint_read(bytes, &at, used, &len) || len > used - at) return false;
    uint32_t end = at + (uint32_t)len, next = end;
    if (!varint_read(bytes, &at, end, &ms) || !varint_read(bytes, &at, end, &seq)) return false;
    item_out->same = (flags & STREAM_ENTRY_SAME) != 0;
    item_out->deleted = (flags & STREAM_ENTRY_DELETED) != 0;
    item_out->id = (struct stream_id){chunk->first.ms + ms, ms == 0 ? chunk->first.seq + seq : seq};
    item_out->at = begin;
    if (item_out->same) {
        uint32_t fields_at = 0;
        if (!varint_read(bytes, &fields_at, chunk->fields_bytes, &item_out->pairs)) return false;
        item_out->fields = (struct packed_iter){.blob = {bytes, chunk->fields_bytes}, .at = fields_at};
    } else if (!varint_read(bytes, &at, end, &item_out->pairs)) {
        return false;
    }
    item_out->values = (struct packed_iter){.blob = {bytes, end}, .at = at};
    for (total = end - begin; total >= 0x80; total >>= 7)
        next++;
    item_out->end = next + 1;
    return item_out->end <= used;
}

bool stream_chunk_read_before(const struct stream_chunk_layout *chunk, uint32_t at,
                              struct stream_item *item_out)
{
    uint64_t total;
    uint32_t end = at;
    if (at <= chunk->fields_bytes || !varint_read_back(chunk->bytes, &end, chunk->fields_bytes, &total))
        return false;
    if (total > end - chunk->fields_bytes) return false;
    return stream_chunk_read(chunk, end - (uint32_t)total, item_out) && item_out->end == at;
}

bool stream_chunk_same_fields(const struct stream_chunk_layout *chunk, const struct slice *words,
                              size_t pairs)
{
    uint32_t at = 0;
    uint64_t count;
    if (!varint_read(chunk->bytes, &at, chunk->fields_bytes, &count) || count != pairs) return false;
    struct packed_iter fields = {.blob = {chunk->bytes, chunk->fields_bytes}, .at = at};
    for (size_t i = 0; i < pairs; i++) {
        struct packed_item field;
        char text[PACKED_INT_TEXT_MAX];
        if (!packed_next(&fields, &field) || !slice_equal(packed_text(&field, text), words[2 * i]))
            return false;
    }
    return true;
}

/* ---- building ---- */

void stream_scratch_free(struct stream_scratch *scratch)
{
    packed_out_free(&scratch->item);
    free(scratch->bytes);
    *scratch = (struct stream_scratch){0};
}

/* Room for `len` more bytes. */
static bool reserve(struct stream_scratch *scratch, size_t len)
{
    if (scratch->failed) return false;
    if (len <= scratch->cap - scratch->len) return true;
    size_t cap = scratch->cap < SCRATCH_BYTES ? SCRATCH_BYTES : scratch->cap * 2;
    if (cap - scratch->len < len) cap = scratch->len + len;
    char *bytes = realloc(scratch->bytes, cap);
    scratch->failed = bytes == NULL;
    if (scratch->failed) return false;
    scratch->bytes = bytes;
    scratch->cap = cap;
    return true;
}

static void add_varint(struct stream_scratch *scratch, uint64_t value)
{
    if (reserve(scratch, VARINT_BYTES_MAX))
        scratch->len += varint_write(scratch->bytes + scratch->len, value);
}

/* Items one by one: an entry may have more of them than a blob. */
static void add_item(struct stream_scratch *scratch, struct slice text)
{
    packed_out_reset(&scratch->item);
    packed_add(&scratch->item, text);
    struct slice blob = packed_out_blob(&scratch->item);
    size_t head = packed_begin(blob).at;
    scratch->failed |= scratch->item.failed;
    if (!reserve(scratch, blob.len - head)) return;
    memcpy(scratch->bytes + scratch->len, blob.ptr + head, blob.len - head);
    scratch->len += blob.len - head;
}

void stream_chunk_build_fields(struct stream_scratch *scratch, const struct slice *words, size_t pairs)
{
    add_varint(scratch, pairs);
    for (size_t i = 0; i < pairs; i++)
        add_item(scratch, words[2 * i]);
}

/* Puts flags and length before what was built from `begin` on, and the length of it all behind. */
static void frame_entry(struct stream_scratch *scratch, size_t begin, uint8_t flags)
{
    char head[1 + VARINT_BYTES_MAX] = {(char)flags}, back[VARINT_BYTES_MAX];
    size_t len = scratch->len - begin;
    if (!reserve(scratch, 1 + 2 * VARINT_BYTES_MAX)) return;
    size_t head_len = 1 + varint_write(head + 1, len);
    memmove(scratch->bytes + begin + head_len, scratch->bytes + begin, len);
    memcpy(scratch->bytes + begin, head, head_len);
    scratch->len += head_len;
    for (size_t left = varint_write(back, head_len + len); left > 0; left--)
        scratch->bytes[scratch->len++] = back[left - 1];
}

void stream_chunk_build_entry(struct stream_scratch *scratch, struct stream_id first, struct stream_id id,
                              bool same, const struct slice *words, size_t pairs)
{
    size_t begin = scratch->len;
    add_varint(scratch, id.ms - first.ms);
    add_varint(scratch, id.ms == first.ms ? id.seq - first.seq : id.seq);
    if (!same) add_varint(scratch, pairs);
    for (size_t i = 0; i < pairs; i++) {
        if (!same) add_item(scratch, words[2 * i]);
        add_item(scratch, words[2 * i + 1]);
    }
    if (!scratch->failed) frame_entry(scratch, begin, same ? STREAM_ENTRY_SAME : 0);
}

/* ---- checking ---- */

/* Every byte of the fields belongs to a field. */
static bool fields_are_valid(const struct stream_chunk_layout *chunk)
{
    uint32_t at = 0;
    uint64_t count;
    if (!varint_read(chunk->bytes, &at, chunk->fields_bytes, &count)) return false;
    struct packed_iter fields = {.blob = {chunk->bytes, chunk->fields_bytes}, .at = at};
    return packed_skip(&fields, count) && fields.at == chunk->fields_bytes;
}

static bool item_is_valid(struct stream_item *item)
{
    uint64_t items = item->same ? item->pairs : 2 * item->pairs;
    return item->pairs <= UINT32_MAX && packed_skip(&item->values, items) &&
           item->values.at == item->values.blob.len;
}

bool stream_chunk_is_valid(const struct stream_chunk_layout *chunk, size_t usable, struct stream_id *last)
{
    if (usable < sizeof(*chunk) || chunk->used > usable - sizeof(*chunk) || chunk->fields_bytes > chunk->used)
        return false;
    if (!fields_are_valid(chunk)) return false;
    uint32_t at = chunk->fields_bytes, entries = 0, deleted = 0;
    for (struct stream_item item; stream_chunk_read(chunk, at, &item); at = item.end) {
        struct stream_item again;
        if (stream_id_compare(item.id, *last) <= 0 || !item_is_valid(&item)) return false;
        if (!stream_chunk_read_before(chunk, item.end, &again) || again.at != at) return false;
        *last = item.id;
        entries++;
        deleted += item.deleted;
    }
    return at == chunk->used && entries == chunk->entries && deleted == chunk->deleted && deleted < entries;
}
