/* save_stream.c: streams into payloads, as rdb/stream.h shows them. */
#include "command/dump/save.h"

#include "ds/stream_group.h"
#include "rdb/format.h"
#include "rdb/stream.h"

#define CHUNK_ENTRIES  100  /* below 128: the count is one byte, and filled in at the end */
#define CHUNK_BYTES    4096 /* from here on the next entry begins another */
#define CHUNK_COUNT_AT 6    /* where that byte stands in the listpack */

/* A number that is known later: nine bytes of a length. */
static size_t begin_length(struct rdb_out *out)
{
    rdb_out_u8(out, RDB_LONG_8);
    rdb_out_le64(out, 0);
    return out->len - sizeof(uint64_t);
}

static void end_length(struct rdb_out *out, size_t at, uint64_t length)
{
    if (out->failed) return;
    for (size_t i = 0; i < sizeof length; i++)
        out->buf[at + i] = (char)(uint8_t)(length >> 8 * (sizeof length - 1 - i));
}

/* ---- entries ---- */

struct chunk {
    struct rdb_out pack;
    struct stream_id first;
    const struct stream_chunk_layout
        *source; /* whose fields are the chunk's; entries that share them come from there */
    size_t items;
    unsigned entries;
};

static void put_item(struct rdb_out *pack, const struct packed_item *item)
{
    if (item->is_int) rdb_listpack_int(pack, item->number);
    else rdb_listpack_string(pack, item->bytes);
}

/* The head: the fields are those of the first entry. */
static void begin_chunk(struct chunk *chunk, const struct stream_chunk_layout *source,
                        const struct stream_item *first)
{
    struct stream_item item = *first;
    struct packed_item field, value;
    rdb_listpack_begin(&chunk->pack);
    rdb_listpack_int(&chunk->pack, 0);
    rdb_listpack_int(&chunk->pack, 0);
    rdb_listpack_int(&chunk->pack, (int64_t)item.pairs);
    while (stream_item_next(&item, &field, &value))
        put_item(&chunk->pack, &field);
    rdb_listpack_int(&chunk->pack, 0);
    chunk->first = first->id;
    chunk->source = first->same ? source : NULL;
    chunk->items = 4 + (size_t)first->pairs;
    chunk->entries = 0;
}

static void add_entry(struct chunk *chunk, const struct stream_chunk_layout *source,
                      const struct stream_item *entry)
{
    struct stream_item item = *entry;
    struct packed_item field, value;
    bool same = chunk->entries == 0 || (item.same && chunk->source == source);
    size_t items = 3 + (size_t)(same ? item.pairs : 1 + 2 * item.pairs);
    rdb_listpack_int(&chunk->pack, same ? RDB_ENTRY_SAME_FIELDS : 0);
    rdb_listpack_int(&chunk->pack, (int64_t)(item.id.ms - chunk->first.ms));
    rdb_listpack_int(&chunk->pack, (int64_t)(item.id.seq - chunk->first.seq));
    if (!same) rdb_listpack_int(&chunk->pack, (int64_t)item.pairs);
    while (stream_item_next(&item, &field, &value)) {
        if (!same) put_item(&chunk->pack, &field);
        put_item(&chunk->pack, &value);
    }
    rdb_listpack_int(&chunk->pack, (int64_t)items);
    chunk->items += items + 1;
    chunk->entries++;
}

static void end_chunk(struct rdb_out *out, struct chunk *chunk)
{
    rdb_listpack_end(&chunk->pack, chunk->items);
    out->failed |= chunk->pack.failed;
    if (out->failed) return;
    chunk->pack.buf[CHUNK_COUNT_AT] = (char)chunk->entries;
    rdb_out_length(out, sizeof(struct stream_id));
    rdb_out_raw_id(out, chunk->first.ms, chunk->first.seq);
    rdb_out_string(out, (struct slice){chunk->pack.buf, chunk->pack.len});
}

static void save_entries(struct rdb_out *out, struct stream stream)
{
    struct chunk chunk = {.entries = 0};
    struct stream_range range;
    struct stream_item item;
    uint64_t chunks = 0;
    size_t at = begin_length(out);
    stream_range_begin(stream, STREAM_ID_MIN, STREAM_ID_MAX, false, &range);
    while (!out->failed && stream_range_next(&range, &item)) {
        bool is_full = chunk.entries == CHUNK_ENTRIES || chunk.pack.len >= CHUNK_BYTES;
        if (is_full) end_chunk(out, &chunk);
        if (is_full || chunks == 0) {
            begin_chunk(&chunk, range.chunk, &item);
            chunks++;
        }
        add_entry(&chunk, range.chunk, &item);
    }
    if (chunks > 0) end_chunk(out, &chunk);
    end_length(out, at, chunks);
    rdb_out_free(&chunk.pack);
}

/* ---- groups ---- */

static void put_id(struct rdb_out *out, struct stream_id id)
{
    rdb_out_length(out, id.ms);
    rdb_out_length(out, id.seq);
}

/* What a group has pending with all of it, or the IDs of what a consumer has. */
static void save_pending(struct rdb_out *out, struct stream stream, struct btree_layout *pending, bool all)
{
    struct stream_pending_range range = stream_pending_from(stream, pending, STREAM_ID_MIN);
    const struct stream_pending_layout *record;
    rdb_out_length(out, pending->count);
    while ((record = stream_pending_next(&range)) != NULL) {
        rdb_out_raw_id(out, record->id.ms, record->id.seq);
        if (!all) continue;
        rdb_out_le64(out, (uint64_t)record->delivered_ms);
        rdb_out_length(out, (uint64_t)record->deliveries);
    }
}

static void save_group(struct rdb_out *out, struct stream stream, struct stream_group_layout *group)
{
    unsigned consumers = stream_consumer_count(stream, group);
    rdb_out_string(out, stream_named(group));
    put_id(out, group->last);
    rdb_out_length(out, (uint64_t)group->entries_read);
    save_pending(out, stream, &group->pending, true);
    rdb_out_length(out, consumers);
    for (unsigned i = 0; i < consumers; i++) {
        struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        rdb_out_string(out, stream_named(consumer));
        rdb_out_le64(out, (uint64_t)consumer->seen_ms);
        save_pending(out, stream, &consumer->pending, false);
    }
}

void dump_save_stream(struct rdb_out *out, struct heap *heap, const struct entry *entry)
{
    struct stream stream = stream_at(heap, entry_root(entry, NULL));
    unsigned groups = stream_group_count(stream);
    rdb_out_u8(out, RDB_STREAM_2);
    save_entries(out, stream);
    rdb_out_length(out, stream.root->counts.length);
    put_id(out, stream.root->counts.last);
    put_id(out, stream_first_id(stream));
    put_id(out, stream.root->max_deleted);
    rdb_out_length(out, stream.root->counts.entries_added);
    rdb_out_length(out, groups);
    for (unsigned i = 0; i < groups; i++)
        save_group(out, stream, stream_group_at(stream, i));
}
