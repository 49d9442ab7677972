/* stream.h: a persistent stream: entries in the order of their IDs, appended at the end.
 *
 * Terms: a *chunk* is a block with some entries that follow each other (stream_layout.h); the *tail* is the last one. A *tombstone* is
 * an entry deleted among others; a group's counter of entries read is only good where none lies ahead.
 *
 * A stream has one owner, whose lock is held until commit; changes run in the caller's transaction, and an error means that it must
 * be rolled back. Groups and what they have pending: stream_group.h.
 */
#ifndef CAIRN_DS_STREAM_H
#define CAIRN_DS_STREAM_H

#include "ds/btree.h"
#include "ds/collection.h"
#include "ds/stream_chunk.h"
#include "heap/heap.h"
#include "util/error.h"

extern const struct collection_ops stream_ops;

/* A handle, by value; nothing of it persists. */
struct stream {
    struct heap *heap;
    char *base; /* heap_base */
    struct stream_layout *root;
};

static inline struct stream stream_at(struct heap *heap, uint64_t root)
{
    return (struct stream){heap, heap_base(heap), heap_ptr(heap, root)};
}

MUST_CHECK enum error stream_create(struct tx *tx, uint64_t *root_out);

/* ---- reading ---- */

/* Entries with first <= ID <= last, from either end. */
struct stream_range {
    struct stream stream;
    struct stream_id first, last;
    bool reverse;
    bool in_tail;                            /* no cursor: the chunk is the tail */
    uint32_t at;                             /* forwards: of the next entry; in reverse: where it ends */
    const struct stream_chunk_layout *chunk; /* NULL: nothing is left */
    struct btree_cursor cursor;
};

/* The range is good until the stream is written. */
void stream_range_begin(struct stream stream, struct stream_id first, struct stream_id last, bool reverse,
                        struct stream_range *range_out);
bool stream_range_next(struct stream_range *range, struct stream_item *item_out);
bool stream_find(struct stream stream, struct stream_id id, struct stream_item *item_out);
/* The first (last) ID; 0-0 in an empty stream. */
struct stream_id stream_first_id(struct stream stream);
struct stream_id stream_last_entry_id(struct stream stream);

/* ---- changing ---- */

/* When a chunk is full: bytes (0: no limit) and entries (0: no limit) it may have. */
struct stream_limits {
    size_t chunk_bytes;
    uint64_t chunk_entries;
};

/* Appends an entry of `pairs` fields and values, which stand in turn in `words`; the ID is above the last one. ERROR_TOO_LARGE:
 * more bytes than a chunk can take. */
MUST_CHECK enum error stream_append(struct tx *tx, struct stream stream, struct stream_id id,
                                    const struct slice *words, size_t pairs,
                                    const struct stream_limits *limits, struct stream_scratch *scratch);
/* Deletes the entry, and notes its ID as a tombstone. */
MUST_CHECK enum error stream_delete(struct tx *tx, struct stream stream, struct stream_id id,
                                    bool *deleted_out);

/* Which of the oldest entries must go. */
struct stream_trim {
    bool by_id;        /* those below min_id, else all but max_len */
    bool whole_chunks; /* only as many as whole chunks hold */
    uint64_t limit;    /* of entries looked at, in whole chunks; 0: none */
    uint64_t max_len;
    struct stream_id min_id;
};
MUST_CHECK enum error stream_trim(struct tx *tx, struct stream stream, const struct stream_trim *trim,
                                  uint64_t *deleted_out);
/* XSETID: *entries_added and *max_deleted as given, NULL: as they are. */
MUST_CHECK enum error stream_set_last(struct tx *tx, struct stream stream, struct stream_id last,
                                      const uint64_t *entries_added, const struct stream_id *max_deleted);

/* ---- counting what a reader has passed ---- */

#define STREAM_COUNT_UNKNOWN INT64_C(-1)
/* How many entries were ever added up to `id`, as far as that can be told. */
int64_t stream_count_up_to(struct stream stream, struct stream_id id);
/* True when an entry behind `id` (which may be it) was deleted. */
bool stream_has_tombstones_behind(struct stream stream, struct stream_id id);

/* ---- for the files of the stream ---- */

static inline struct stream_chunk_layout *stream__chunk_at(const char *base, uint64_t off)
{
    return (void *)(uintptr_t)(base + off);
}
/* Trees of chunks, and of pending records. */
struct btree stream__chunks(struct stream stream);
struct btree stream__pending_tree(char *base, struct btree_layout *root);
bool stream__is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap);

#endif
