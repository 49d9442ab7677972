/* stream.c: reading streams (stream.h). */
#include "rdb/stream.h"

#include "rdb/format.h"
#include "rdb/pack.h"

#include <stdlib.h>

#define ID_BYTES 16

int rdb_id_compare(struct rdb_id a, struct rdb_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* Room for one more element; NULL, after having failed, without memory. */
static void *grow(struct rdb_in *in, void *array, size_t count, size_t size)
{
    if (!rdb_in_ok(in)) return NULL;
    bool is_full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!is_full) return array;
    void *larger = realloc(array, (count < 4 ? 4 : 2 * count) * size);
    if (larger == NULL) rdb_in_fail(in, ERROR_MEMORY);
    return larger;
}

#define GROW(in, array, count)                                                                               \
    do {                                                                                                     \
        void *larger = grow((in), (array), (count), sizeof *(array));                                        \
        if (larger == NULL) return;                                                                          \
        (array) = larger;                                                                                    \
    } while (0)

/* ---- entries ---- */

/* An ID as raw bytes, high bytes first. */
static struct rdb_id raw_id(struct slice bytes)
{
    struct rdb_id id = {0};
    for (size_t i = 0; i < bytes.len && i < ID_BYTES; i++) {
        uint64_t *half = i < ID_BYTES / 2 ? &id.ms : &id.seq;
        *half = *half << 8 | (unsigned char)bytes.ptr[i];
    }
    return id;
}

static struct rdb_id read_id(struct rdb_in *in)
{
    struct rdb_id id;
    id.ms = rdb_in_length(in);
    id.seq = rdb_in_length(in);
    return id;
}

/* One listpack being read. */
struct chunk {
    struct rdb_in *in;
    struct rdb_value *value;
    struct rdb_pack pack;
    struct rdb_id first;
    size_t first_field; /* in `fields` */
    struct rdb_words *fields;
};

static struct slice next_text(struct chunk *chunk)
{
    struct rdb_pack_item item;
    if (rdb_pack_next(&chunk->pack, &item)) return rdb_pack_text(&chunk->pack, &item);
    rdb_in_fail(chunk->in, ERROR_CORRUPT);
    return SLICE("");
}

static void add_entry(struct chunk *chunk, struct rdb_id id, size_t first_word, size_t pairs)
{
    struct rdb_stream *stream = chunk->value->stream;
    bool ascends =
        stream->entry_count == 0 || rdb_id_compare(stream->entries[stream->entry_count - 1].id, id) < 0;
    if (!ascends || (id.ms | id.seq) == 0 || pairs == 0) rdb_in_fail(chunk->in, ERROR_CORRUPT);
    GROW(chunk->in, stream->entries, stream->entry_count);
    stream->entries[stream->entry_count++] = (struct rdb_entry){id, first_word, pairs};
}

/* The fields and values of one entry; how many pairs. */
static uint64_t read_pairs(struct chunk *chunk, bool same)
{
    struct rdb_words *words = &chunk->value->words;
    uint64_t pairs = same ? chunk->fields->count : (uint64_t)rdb_pack_int(&chunk->pack);
    for (uint64_t i = 0; i < pairs && rdb_in_ok(chunk->in); i++) {
        rdb_words_add(words, chunk->in, same ? chunk->fields->at[i] : next_text(chunk));
        rdb_words_add(words, chunk->in, next_text(chunk));
    }
    return pairs;
}

static void read_entry(struct chunk *chunk, int64_t flags)
{
    size_t first_word = chunk->value->words.count;
    bool same = (flags & RDB_ENTRY_SAME_FIELDS) != 0;
    uint64_t ms = (uint64_t)rdb_pack_int(&chunk->pack), seq = (uint64_t)rdb_pack_int(&chunk->pack);
    struct rdb_id id = {chunk->first.ms + ms, chunk->first.seq + seq};
    uint64_t pairs = read_pairs(chunk, same);
    uint64_t items = 3 + (same ? pairs : 1 + 2 * pairs);
    if ((uint64_t)rdb_pack_int(&chunk->pack) != items) rdb_in_fail(chunk->in, ERROR_CORRUPT);
    if (!rdb_in_ok(chunk->in)) return;
    if (flags & RDB_ENTRY_DELETED) chunk->value->words.count = first_word;
    else add_entry(chunk, id, first_word, (size_t)pairs);
}

static void read_chunk(struct chunk *chunk)
{
    int64_t live = rdb_pack_int(&chunk->pack), deleted = rdb_pack_int(&chunk->pack);
    int64_t fields = rdb_pack_int(&chunk->pack);
    size_t begun = chunk->value->stream->entry_count;
    chunk->fields->count = 0;
    for (int64_t i = 0; i < fields && rdb_in_ok(chunk->in); i++)
        rdb_words_add(chunk->fields, chunk->in, next_text(chunk));
    if (rdb_pack_int(&chunk->pack) != 0 || live < 0 || deleted < 0) rdb_in_fail(chunk->in, ERROR_CORRUPT);
    while (rdb_in_ok(chunk->in) && chunk->pack.at < chunk->pack.end)
        read_entry(chunk, rdb_pack_int(&chunk->pack));
    struct rdb_pack_item none;
    (void)rdb_pack_next(&chunk->pack, &none); /* at the end: checks the count of items */
    if (chunk->value->stream->entry_count - begun != (uint64_t)live) rdb_in_fail(chunk->in, ERROR_CORRUPT);
}

static void read_entries(struct rdb_in *in, struct rdb_value *value)
{
    struct rdb_words fields = {0};
    uint64_t chunks = rdb_in_length(in);
    for (uint64_t i = 0; i < chunks && rdb_in_ok(in); i++) {
        struct slice first = rdb_in_string(in);
        struct slice run = rdb_in_string(in);
        if (first.len != ID_BYTES) rdb_in_fail(in, ERROR_CORRUPT);
        struct chunk chunk = {.in = in, .value = value, .first = raw_id(first), .fields = &fields};
        chunk.pack = rdb_pack_open(in, RDB_PACK_LISTPACK, run);
        read_chunk(&chunk);
    }
    free(fields.at);
}

/* ---- groups ---- */

static void read_pending(struct rdb_in *in, struct rdb_group *group)
{
    uint64_t count = rdb_in_length(in);
    for (uint64_t i = 0; i < count && rdb_in_ok(in); i++) {
        struct rdb_pending pending = {.consumer = SIZE_MAX};
        pending.id = raw_id(rdb_in_bytes(in, ID_BYTES));
        pending.delivered_ms = (int64_t)rdb_in_le64(in);
        pending.deliveries = (int64_t)rdb_in_length(in);
        bool ascends = i == 0 || rdb_id_compare(group->pending[i - 1].id, pending.id) < 0;
        if (!ascends) rdb_in_fail(in, ERROR_CORRUPT);
        GROW(in, group->pending, group->pending_count);
        group->pending[group->pending_count++] = pending;
    }
}

static int compare_pending(const void *a, const void *b)
{
    return rdb_id_compare(((const struct rdb_pending *)a)->id, ((const struct rdb_pending *)b)->id);
}

/* The IDs that a consumer has: each names a record of its group that nobody else has. */
static void claim_pending(struct rdb_in *in, struct rdb_group *group, size_t consumer)
{
    uint64_t count = rdb_in_length(in);
    for (uint64_t i = 0; i < count && rdb_in_ok(in); i++) {
        struct rdb_pending wanted = {.id = raw_id(rdb_in_bytes(in, ID_BYTES))};
        struct rdb_pending *found = NULL;
        if (group->pending_count > 0)
            found = bsearch(&wanted, group->pending, group->pending_count, sizeof wanted, compare_pending);
        if (found == NULL || found->consumer != SIZE_MAX) rdb_in_fail(in, ERROR_CORRUPT);
        else found->consumer = consumer;
    }
}

static void read_consumers(struct rdb_in *in, unsigned type, struct rdb_group *group)
{
    uint64_t count = rdb_in_length(in);
    for (uint64_t i = 0; i < count && rdb_in_ok(in); i++) {
        struct rdb_consumer consumer = {.name = rdb_in_string(in)};
        consumer.seen_ms = (int64_t)rdb_in_le64(in);
        consumer.active_ms = type == RDB_STREAM_3 ? (int64_t)rdb_in_le64(in) : consumer.seen_ms;
        GROW(in, group->consumers, group->consumer_count);
        group->consumers[group->consumer_count++] = consumer;
        claim_pending(in, group, group->consumer_count - 1);
    }
    for (size_t i = 0; i < group->pending_count && rdb_in_ok(in); i++)
        if (group->pending[i].consumer == SIZE_MAX) rdb_in_fail(in, ERROR_CORRUPT);
}

/* Names in an array of structs, each of which begins with its name. */
static void check_names(struct rdb_in *in, const void *array, size_t count, size_t size)
{
    struct rdb_words names = {0};
    for (size_t i = 0; i < count; i++)
        rdb_words_add(&names, in, *(const struct slice *)(const void *)((const char *)array + i * size));
    rdb_words_distinct(in, names.at, names.count, 1);
    free(names.at);
}

static void read_group(struct rdb_in *in, unsigned type, struct rdb_stream *stream)
{
    GROW(in, stream->groups, stream->group_count);
    struct rdb_group *group = &stream->groups[stream->group_count++];
    *group = (struct rdb_group){.name = rdb_in_string(in)};
    group->last = read_id(in);
    group->entries_read = type == RDB_STREAM ? -1 : (int64_t)rdb_in_length(in);
    if (group->entries_read < -1) rdb_in_fail(in, ERROR_CORRUPT);
    read_pending(in, group);
    read_consumers(in, type, group);
    check_names(in, group->consumers, group->consumer_count, sizeof *group->consumers);
}

/* ---- streams ---- */

static void read_counts(struct rdb_in *in, unsigned type, struct rdb_stream *stream)
{
    (void)rdb_in_length(in); /* the length, which is counted */
    stream->last = read_id(in);
    stream->entries_added = stream->entry_count;
    stream->is_old = type == RDB_STREAM;
    if (!stream->is_old) {
        (void)read_id(in); /* the first ID, which is known */
        stream->max_deleted = read_id(in);
        stream->entries_added = rdb_in_length(in);
    }
    bool behind = stream->entry_count > 0 &&
                  rdb_id_compare(stream->last, stream->entries[stream->entry_count - 1].id) < 0;
    if (behind || stream->entries_added < stream->entry_count || stream->entries_added > INT64_MAX)
        rdb_in_fail(in, ERROR_CORRUPT);
}

void rdb_stream_read(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    value->stream = calloc(1, sizeof *value->stream);
    if (value->stream == NULL) {
        rdb_in_fail(in, ERROR_MEMORY);
        return;
    }
    read_entries(in, value);
    read_counts(in, type, value->stream);
    uint64_t groups = rdb_in_length(in);
    for (uint64_t i = 0; i < groups && rdb_in_ok(in); i++)
        read_group(in, type, value->stream);
    if (rdb_in_ok(in))
        check_names(in, value->stream->groups, value->stream->group_count, sizeof *value->stream->groups);
}

void rdb_stream_free(struct rdb_stream *stream)
{
    for (size_t i = 0; i < stream->group_count; i++) {
        free(stream->groups[i].consumers);
        free(stream->groups[i].pending);
    }
    free(stream->groups);
    free(stream->entries);
    free(stream);
}
