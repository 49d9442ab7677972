/* stream_chunk.h: entries inside one chunk of a stream: reading, and building what is appended. For the files of the stream, and
 * for readers of what stream.h hands out. */
#ifndef CAIRN_DS_STREAM_CHUNK_H
#define CAIRN_DS_STREAM_CHUNK_H

#include "ds/packed.h"
#include "ds/stream_layout.h"
#include "util/slice.h"

#include <stddef.h>

/* One entry as read. Good until the stream is written. */
struct stream_item {
    struct stream_id id;
    uint64_t pairs;
    bool deleted;
    bool same;                 /* fields come from the chunk, else they stand among the values */
    struct packed_iter fields; /* at the first field */
    struct packed_iter values; /* at the first value, or at the first field */
    uint32_t at;               /* of the flags, in the chunk's bytes */
    uint32_t end;              /* of the next entry */
};

/* The next pair of an item; false at its end. */
static inline bool stream_item_next(struct stream_item *item, struct packed_item *field_out,
                                    struct packed_item *value_out)
{
    if (item->pairs == 0) return false;
    item->pairs--;
    return packed_next(item->same ? &item->fields : &item->values, field_out) &&
           packed_next(&item->values, value_out);
}

/* Reads the entry at `at`; false at the end, and where the bytes make no sense. */
bool stream_chunk_read(const struct stream_chunk_layout *chunk, uint32_t at, struct stream_item *item_out);
/* Reads the entry that ends before `at`; false at the beginning, and where the bytes make no sense. */
bool stream_chunk_read_before(const struct stream_chunk_layout *chunk, uint32_t at,
                              struct stream_item *item_out);
/* Live entries. */
static inline uint32_t stream_chunk_live(const struct stream_chunk_layout *chunk)
{
    return chunk->entries - chunk->deleted;
}

/* Bytes being built in memory. Zero-initialised, reused. */
struct stream_scratch {
    struct packed_out item; /* one item at a time */
    char *bytes;
    size_t len;
    size_t cap;
    bool failed; /* no memory */
};
void stream_scratch_free(struct stream_scratch *scratch);

/* Builds the fields of a new chunk from `words`, which are field, value, field, value ... */
void stream_chunk_build_fields(struct stream_scratch *scratch, const struct slice *words, size_t pairs);
/* Appends an entry: `same` when its fields are those of its chunk, which begins with `first`. */
void stream_chunk_build_entry(struct stream_scratch *scratch, struct stream_id first, struct stream_id id,
                              bool same, const struct slice *words, size_t pairs);
/* True when the words' fields are the chunk's. */
bool stream_chunk_same_fields(const struct stream_chunk_layout *chunk, const struct slice *words,
                              size_t pairs);

/* Trusts no byte of a chunk in a block of `usable` bytes. IDs must ascend from *last on, which is moved to the last one. */
bool stream_chunk_is_valid(const struct stream_chunk_layout *chunk, size_t usable, struct stream_id *last);

#endif
