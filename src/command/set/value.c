/* value.c: changing and building sets. */
#include "command/set/value.h"

#include "command/server_state.h"

bool set_read(struct call *call, size_t key, const struct entry **entry_out)
{
    *entry_out = call_read(call, key);
    return !call_wrong_type(call, *entry_out, ENTRY_SET);
}

struct set_value set_value_new(struct call *call)
{
    const struct packed_settings *packed = &call->worker->server->settings->packed;
    packed_out_reset(&call->worker->scratch);
    return (struct set_value){
        .call = call,
        .limits = {.intset_entries =
                       atomic_load_explicit(&packed->set_max_intset_entries, memory_order_relaxed),
                   .packed_entries = atomic_load_explicit(&packed->set_max_entries, memory_order_relaxed),
                   .packed_value_len = atomic_load_explicit(&packed->set_max_value, memory_order_relaxed)}};
}

bool set_value_open(struct call *call, size_t key, struct set_value *value_out)
{
    const struct entry *entry = call_edit(call, key);
    struct slice blob;
    if (call_wrong_type(call, entry, ENTRY_SET)) return false;
    *value_out = set_value_new(call);
    if (!entry) return true;
    value_out->root = entry_root(entry, NULL);
    if (entry_packed(keyspace_heap(call->keyspace), entry, &blob)) packed_load(&call->worker->scratch, blob);
    return true;
}

/* From the blob to a root. */
static enum error take_root(struct set_value *value)
{
    struct call *call = value->call;
    value->is_new_root = true;
    return set_root_create(call->tx, keyspace_heap(call->keyspace), packed_out_blob(&call->worker->scratch),
                           &value->root);
}

enum error set_value_add(struct set_value *value, struct slice member, bool *added_out)
{
    struct call *call = value->call;
    struct packed_out *blob = &call->worker->scratch;
    if (value->root == 0) {
        enum set_added added = set_blob_add(blob, member, &value->limits);
        *added_out = added == SET_ADDED;
        value->is_changed |= *added_out;
        if (blob->failed) return ERROR_MEMORY;
        if (added != SET_TOO_LARGE) return ERROR_OK;
        enum error error = take_root(value);
        if (error != ERROR_OK) return error;
    }
    enum error error = set_root_add(call->tx, keyspace_heap(call->keyspace), value->root, member, added_out);
    value->is_changed |= *added_out;
    return error;
}

enum error set_value_remove(struct set_value *value, struct slice member, bool *removed_out)
{
    struct call *call = value->call;
    enum error error = ERROR_OK;
    if (value->root == 0) *removed_out = set_blob_remove(&call->worker->scratch, member);
    else error = set_root_remove(call->tx, keyspace_heap(call->keyspace), value->root, member, removed_out);
    value->is_changed |= *removed_out;
    return error;
}

uint64_t set_value_count(const struct set_value *value)
{
    struct call *call = value->call;
    if (value->root != 0) return set_ops.count(keyspace_heap(call->keyspace), value->root);
    return set_blob_count(packed_out_blob(&call->worker->scratch));
}

/* Makes the key name the set as it is now. */
static enum error put(struct set_value *value, size_t key, int64_t expire_at_ms)
{
    struct call *call = value->call;
    const struct key *name = &call->keys[key];
    if (value->is_new_root)
        return keyspace_put_root(call->tx, call->keyspace, call->db, name, ENTRY_SET, COLLECTION_SET,
                                 value->root, expire_at_ms);
    if (value->root != 0) return ERROR_OK; /* changed in place */
    return keyspace_put_packed(call->tx, call->keyspace, call->db, name, ENTRY_SET,
                               packed_out_blob(&call->worker->scratch), expire_at_ms);
}

bool set_value_close(struct set_value *value, size_t key, const char *event)
{
    struct call *call = value->call;
    bool removed = false, is_empty = set_value_count(value) == 0;
    if (!value->is_changed) return true;
    enum error error = is_empty
                           ? keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[key], &removed)
                           : put(value, key, EXPIRY_KEEP);
    if (error) {
        call_fail(call, error);
        return false;
    }
    call_notify(call, event, &call->keys[key]);
    if (removed) call_notify(call, "del", &call->keys[key]);
    return true;
}

bool set_value_store(struct set_value *value, size_t key, const char *event)
{
    struct call *call = value->call;
    bool removed = false, is_empty = set_value_count(value) == 0;
    enum error error = ERROR_OK;
    if (!is_empty) error = put(value, key, EXPIRY_NONE);
    else if (call_peek(call, key))
        error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[key], &removed);
    if (error) {
        call_fail(call, error);
        return false;
    }
    if (!is_empty) call_notify(call, event, &call->keys[key]);
    else if (removed) call_notify(call, "del", &call->keys[key]);
    return true;
}
