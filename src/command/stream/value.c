/* value.c: looking up streams and groups, replying entries. */
#include "command/stream/value.h"

static bool open_entry(struct call *call, const struct entry *entry, struct stream *stream_out)
{
    struct heap *heap = keyspace_heap(call->keyspace);
    *stream_out = (struct stream){heap, heap_base(heap), NULL};
    if (call_wrong_type(call, entry, ENTRY_STREAM)) return false;
    if (entry) *stream_out = stream_at(heap, entry_root(entry, NULL));
    return true;
}

bool stream_value_read(struct call *call, size_t index, struct stream *stream_out)
{
    return open_entry(call, call_read(call, index), stream_out);
}

bool stream_value_edit(struct call *call, size_t index, struct stream *stream_out)
{
    return open_entry(call, call_edit(call, index), stream_out);
}

bool stream_value_create(struct call *call, size_t index, struct stream *stream_out)
{
    uint64_t root = 0;
    enum error error = stream_create(call->tx, &root);
    if (error == ERROR_OK)
        error = keyspace_put_root(call->tx, call->keyspace, call->db, &call->keys[index], ENTRY_STREAM,
                                  COLLECTION_STREAM, root, EXPIRY_NONE);
    if (error != ERROR_OK) {
        call_fail(call, error);
        return false;
    }
    *stream_out = stream_at(keyspace_heap(call->keyspace), root);
    return true;
}

struct stream_group_layout *stream_value_group(const struct call *call, struct stream stream, size_t arg)
{
    return stream.root ? stream_group_find(stream, call->argv[arg]) : NULL;
}

void stream_reply_no_group(struct call *call, struct slice key, struct slice group, const char *rest)
{
    resp_errorf(call->out, "NOGROUP No such key '%.*s' or consumer group '%.*s'%s", (int)key.len, key.ptr,
                (int)group.len, group.ptr, rest);
}

struct stream_consumer_layout *stream_value_consumer(struct call *call, size_t index, struct stream stream,
                                                     struct stream_group_layout *group, size_t arg)
{
    struct stream_consumer_layout *consumer = stream_consumer_find(stream, group, call->argv[arg]);
    enum error error;
    if (consumer) {
        error = stream_consumer_touch(call->tx, consumer, call->now_ms, false);
    } else {
        error = stream_consumer_create(call->tx, stream, group, call->argv[arg], call->now_ms, &consumer);
        if (error == ERROR_OK) call_notify(call, "xgroup-createconsumer", &call->keys[index]);
    }
    if (error == ERROR_OK) return consumer;
    call_fail(call, error);
    return NULL;
}

static void reply_word(struct resp_out *out, const struct packed_item *item)
{
    if (item->is_int) resp_bulk_int(out, item->number);
    else resp_bulk_slice(out, item->bytes);
}

void stream_reply_item(struct resp_out *out, struct stream_item *item)
{
    struct packed_item field, value;
    resp_array(out, 2);
    stream_reply_id(out, item->id);
    resp_array(out, 2 * item->pairs);
    while (stream_item_next(item, &field, &value)) {
        reply_word(out, &field);
        reply_word(out, &value);
    }
}

size_t stream_reply_range(struct resp_out *out, struct stream_range *range, uint64_t limit)
{
    struct resp_later later = resp_later_begin(out);
    struct stream_item item;
    size_t count = 0;
    while ((limit == 0 || count < limit) && stream_range_next(range, &item)) {
        stream_reply_item(out, &item);
        count++;
    }
    resp_later_array(out, later, count);
    return count;
}
