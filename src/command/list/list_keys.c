/* list_keys.c: the lists at a command's keys (list_keys.h). */
#include "command/list/list_keys.h"

#include "command/server_state.h"

static enum list_keys_found found(struct call *call, const struct entry *entry, struct list *list_out)
{
    if (!entry) return LIST_KEYS_NONE;
    if (call_wrong_type(call, entry, ENTRY_LIST)) return LIST_KEYS_OTHER;
    *list_out = list_at(keyspace_heap(call->keyspace), entry_root(entry, NULL));
    return LIST_KEYS_LIST;
}

enum list_keys_found list_keys_read(struct call *call, size_t index, struct list *list_out)
{
    return found(call, call_read(call, index), list_out);
}

enum list_keys_found list_keys_edit(struct call *call, size_t index, struct list *list_out)
{
    return found(call, call_edit(call, index), list_out);
}

enum error list_keys_create(struct call *call, size_t index, struct list *list_out)
{
    struct heap *heap = keyspace_heap(call->keyspace);
    uint64_t root;
    enum error error = list_create(call->tx, heap, &root);
    if (error) return error;
    *list_out = list_at(heap, root);
    return keyspace_put_root(call->tx, call->keyspace, call->db, &call->keys[index], ENTRY_LIST,
                             COLLECTION_LIST, root, EXPIRY_NONE);
}

enum error list_keys_remove(struct call *call, size_t index)
{
    bool removed;
    enum error error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[index], &removed);

    if (!error) call_notify(call, "del", &call->keys[index]);
    return error;
}

enum error list_keys_settle(struct call *call, size_t index, const struct list *list)
{
    return list_count(list) > 0 ? ERROR_OK : list_keys_remove(call, index);
}

struct list_limits list_keys_limits(const struct call *call)
{
    const struct settings *settings = call->worker->server->settings;
    return list_limits(atomic_load_explicit(&settings->packed.list_max_size, memory_order_relaxed));
}

bool list_keys_range(const struct list *list, int64_t *first, int64_t *last)
{
    int64_t count = (int64_t)list_count(list);

    if (*first < 0) *first += count;
    if (*last < 0) *last += count;
    if (*first < 0) *first = 0;
    if (*last >= count) *last = count - 1;
    return *first <= *last;
}

bool list_keys_end(struct call *call, size_t arg, enum list_end *end_out)
{
    bool left = call_arg_is(call, arg, "left");

    *end_out = left ? LIST_HEAD : LIST_TAIL;
    if (left || call_arg_is(call, arg, "right")) return true;
    call_syntax_error(call);
    return false;
}

const char *list_keys_push_event(enum list_end end)
{
    return end == LIST_HEAD ? "lpush" : "rpush";
}

const char *list_keys_pop_event(enum list_end end)
{
    return end == LIST_HEAD ? "lpop" : "rpop";
}

void list_keys_pop(struct call *call, size_t index, const struct list *list, enum list_end end,
                   uint64_t count, bool single)
{
    struct list_limits limits = list_keys_limits(call);
    struct list_item item;
    uint64_t all = list_count(list);

    if (count > all) count = all;
    struct list_iter iter = list_seek(list, end == LIST_HEAD ? 0 : all - 1, end == LIST_TAIL);
    if (!single) resp_array(call->out, count);
    for (uint64_t i = 0; i < count && list_next(&iter, &item); i++)
        resp_bulk_slice(call->out, item.text);
    enum error error = list_drop(call->tx, list, &limits, end, count);
    if (!error) {
        call_notify(call, list_keys_pop_event(end), &call->keys[index]);
        error = list_keys_settle(call, index, list);
    }
    if (error) call_fail(call, error);
}
