/* edit.c: opening, changing and storing sorted sets. */
#include "command/sorted_set/edit.h"

#include "command/server_state.h"
#include "command/settings.h"
#include "util/assert.h"

static struct zset_small *small_of(struct sorted_set_edit *edit)
{
    return &edit->view.small;
}

static bool exceeds(const struct call *call, size_t count, size_t longest)
{
    const struct packed_settings *packed = &call->worker->server->settings->packed;
    return count > atomic_load_explicit(&packed->zset_max_entries, memory_order_relaxed) ||
           longest > atomic_load_explicit(&packed->zset_max_value, memory_order_relaxed) ||
           2 * count > PACKED_COUNT_MAX;
}

static enum error put_small(struct call *call, const struct key *key, const struct zset_small *small,
                            int64_t expire_at_ms)
{
    struct packed_out *out = &call->worker->scratch;
    packed_out_reset(out);
    zset_small_pack(small, out);
    if (out->failed) return ERROR_MEMORY;
    return keyspace_put_packed(call->tx, call->keyspace, call->db, key, ENTRY_ZSET, packed_out_blob(out),
                               expire_at_ms);
}

static enum error put_large(struct call *call, const struct key *key, const struct zset_item *items,
                            size_t count, int64_t expire_at_ms, uint64_t *root_out)
{
    enum error error = zset_build(call->tx, keyspace_heap(call->keyspace), items, count, root_out);
    if (error != ERROR_OK) return error;
    return keyspace_put_root(call->tx, call->keyspace, call->db, key, ENTRY_ZSET, COLLECTION_ZSET, *root_out,
                             expire_at_ms);
}

/* ---- reading ---- */

bool sorted_set_peek(struct call *call, size_t index, struct zset_view *view)
{
    const struct entry *entry = call_read(call, index);
    if (call_wrong_type(call, entry, ENTRY_ZSET)) return false;
    zset_view_peek(view, keyspace_heap(call->keyspace), entry);
    return true;
}

bool sorted_set_read(struct call *call, size_t index, struct zset_view *view)
{
    const struct entry *entry = call_read(call, index);
    if (call_wrong_type(call, entry, ENTRY_ZSET)) return false;
    enum error error = zset_view_open(view, keyspace_heap(call->keyspace), entry);
    if (error == ERROR_OK) return true;
    zset_view_close(view);
    call_fail(call, error);
    return false;
}

/* ---- changing ---- */

bool sorted_set_open(struct call *call, size_t index, struct sorted_set_edit *edit)
{
    const struct entry *entry = call_edit(call, index);
    if (call_wrong_type(call, entry, ENTRY_ZSET)) return false;
    edit->call = call;
    edit->key = &call->keys[index];
    edit->existed = entry != NULL;
    edit->error = zset_view_open(&edit->view, keyspace_heap(call->keyspace), entry);
    return true;
}

struct sorted_set_member sorted_set_find(const struct sorted_set_edit *edit, struct slice name)
{
    struct sorted_set_member member = {.name = name};
    const struct zset_view *view = &edit->view;
    if (view->is_large) {
        member.found = zset_find(&view->large, name, &member.place, &member.score);
    } else {
        member.found = zset_small_find(&view->small, name, &member.index);
        if (member.found) member.score = view->small.items[member.index].score;
    }
    return member;
}

/* A small set becomes a large one. */
static void enlarge(struct sorted_set_edit *edit)
{
    const struct zset_small *small = small_of(edit);
    uint64_t root;
    edit->error = put_large(edit->call, edit->key, small->items, small->count, EXPIRY_KEEP, &root);
    if (edit->error != ERROR_OK) return;
    edit->existed = true;
    edit->view.is_large = true;
    edit->view.large = zset_at(keyspace_heap(edit->call->keyspace), root);
}

void sorted_set_put(struct sorted_set_edit *edit, const struct sorted_set_member *member, double score)
{
    if (edit->error != ERROR_OK) return;
    if (edit->view.is_large) {
        edit->error = zset_put(edit->call->tx, &edit->view.large, &member->place, member->name, score);
        return;
    }
    struct zset_item item = {member->name, score};
    if (member->found) zset_small_cut(small_of(edit), member->index, 1);
    edit->error = zset_small_insert(small_of(edit), &item);
    if (edit->error == ERROR_OK && !member->found &&
        exceeds(edit->call, small_of(edit)->count, member->name.len))
        enlarge(edit);
}

void sorted_set_remove(struct sorted_set_edit *edit, const struct sorted_set_member *member)
{
    if (edit->error != ERROR_OK) return;
    if (edit->view.is_large) edit->error = zset_remove(edit->call->tx, &edit->view.large, &member->place);
    else zset_small_cut(small_of(edit), member->index, 1);
}

void sorted_set_remove_range(struct sorted_set_edit *edit, uint64_t first, uint64_t count)
{
    if (edit->error != ERROR_OK) return;
    if (!edit->view.is_large) {
        zset_small_cut(small_of(edit), first, count);
        return;
    }
    for (; count > 0 && edit->error == ERROR_OK; count--) {
        struct zset_position position;
        bool found = zset_view_at(&edit->view, first, &position);
        ASSERT(found);
        struct sorted_set_member member =
            sorted_set_find(edit, zset_view_item(&edit->view, &position).member);
        sorted_set_remove(edit, &member);
    }
}

static enum error remove_key(struct call *call, const struct key *key)
{
    bool removed;
    return keyspace_remove(call->tx, call->keyspace, call->db, key, &removed);
}

bool sorted_set_close(struct sorted_set_edit *edit, const char *event)
{
    struct call *call = edit->call;
    bool empty =
        event != NULL && (edit->view.is_large ? zset_count(&edit->view.large) : small_of(edit)->count) == 0;
    if (edit->error == ERROR_OK && empty)
        edit->error = edit->existed ? remove_key(call, edit->key) : ERROR_OK;
    else if (edit->error == ERROR_OK && event != NULL && !edit->view.is_large)
        edit->error = put_small(call, edit->key, small_of(edit), EXPIRY_KEEP);
    zset_view_close(&edit->view);
    if (edit->error != ERROR_OK) {
        call_fail(call, edit->error);
        return false;
    }
    if (event != NULL) call_notify(call, event, edit->key);
    if (empty && edit->existed) call_notify(call, "del", edit->key);
    return true;
}

bool sorted_set_store(struct call *call, size_t index, const struct zset_item *items, size_t count,
                      const char *event)
{
    const struct key *key = &call->keys[index];
    enum error error = ERROR_OK;
    size_t longest = 0;
    uint64_t root;
    for (size_t i = 0; i < count; i++)
        if (items[i].member.len > longest) longest = items[i].member.len;
    if (count == 0) {
        if (call_peek(call, index) == NULL) return true;
        event = "del";
        error = remove_key(call, key);
    } else if (exceeds(call, count, longest)) {
        error = put_large(call, key, items, count, EXPIRY_NONE, &root);
    } else {
        const struct zset_small small = {.items = (struct zset_item *)(uintptr_t)items, .count = count};
        error = put_small(call, key, &small, EXPIRY_NONE);
    }
    if (error == ERROR_OK) call_notify(call, event, key);
    else call_fail(call, error);
    return error == ERROR_OK;
}
