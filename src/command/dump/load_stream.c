/* load_stream.c: streams with their groups (load.h). */
#include "command/dump/load.h"

#include "command/server_state.h"
#include "ds/stream_group.h"
#include "rdb/stream.h"

#include <stdlib.h>

static struct stream_id id_of(struct rdb_id id)
{
    return (struct stream_id){id.ms, id.seq};
}

static enum error load_entries(struct call *call, struct stream stream, const struct rdb_value *value)
{
    const struct rdb_stream *from = value->stream;
    const struct packed_settings *packed = &call->worker->server->settings->packed;
    const struct stream_limits limits = {
        .chunk_bytes = atomic_load_explicit(&packed->stream_node_max_bytes, memory_order_relaxed),
        .chunk_entries = atomic_load_explicit(&packed->stream_node_max_entries, memory_order_relaxed)};
    enum error error = ERROR_OK;
    for (size_t i = 0; i < from->entry_count && error == ERROR_OK; i++) {
        const struct rdb_entry *entry = &from->entries[i];
        error = stream_append(call->tx, stream, id_of(entry->id), value->words.at + entry->first_word,
                              entry->pairs, &limits, &call->worker->stream_scratch);
    }
    struct stream_id max_deleted = id_of(from->max_deleted);
    if (error != ERROR_OK) return error;
    return stream_set_last(call->tx, stream, id_of(from->last), &from->entries_added, &max_deleted);
}

static enum error load_consumer(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                const struct rdb_consumer *from, struct stream_consumer_layout **consumer_out)
{
    enum error error = stream_consumer_create(tx, stream, group, from->name, from->seen_ms, consumer_out);
    if (error != ERROR_OK || from->active_ms < 0) return error;
    error = stream_consumer_touch(tx, *consumer_out, from->active_ms, true);
    return error == ERROR_OK ? stream_consumer_touch(tx, *consumer_out, from->seen_ms, false) : error;
}

static enum error load_group(struct tx *tx, struct stream stream, const struct rdb_group *from, bool is_old)
{
    bool created;
    struct stream_pending_layout *pending;
    struct stream_consumer_layout **consumers = malloc((from->consumer_count + 1) * sizeof *consumers);
    if (consumers == NULL) return ERROR_MEMORY;
    int64_t read = is_old ? stream_count_up_to(stream, id_of(from->last)) : from->entries_read;
    enum error error = stream_group_create(tx, stream, from->name, id_of(from->last), read, &created);
    struct stream_group_layout *group = stream_group_find(stream, from->name);
    for (size_t i = 0; i < from->consumer_count && error == ERROR_OK; i++)
        error = load_consumer(tx, stream, group, &from->consumers[i], &consumers[i]);
    for (size_t i = 0; i < from->pending_count && error == ERROR_OK; i++) {
        const struct rdb_pending *record = &from->pending[i];
        error = stream_pending_add(tx, stream, group, consumers[record->consumer], id_of(record->id),
                                   record->delivered_ms, record->deliveries, &pending);
    }
    free(consumers);
    return error;
}

enum error dump_load_stream(struct call *call, const struct rdb_value *value)
{
    uint64_t root;
    struct stream stream = {0};
    enum error error = stream_create(call->tx, &root);
    if (error == ERROR_OK) {
        stream = stream_at(keyspace_heap(call->keyspace), root);
        error = load_entries(call, stream, value);
    }
    for (size_t i = 0; i < value->stream->group_count && error == ERROR_OK; i++)
        error = load_group(call->tx, stream, &value->stream->groups[i], value->stream->is_old);
    if (error != ERROR_OK) return error;
    return keyspace_put_root(call->tx, call->keyspace, call->db, &call->keys[0], ENTRY_STREAM,
                             COLLECTION_STREAM, root, EXPIRY_NONE);
}
