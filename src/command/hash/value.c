/* value.c: reading and editing the hash at a key. */
#include "command/hash/value.h"

#include "command/server_state.h"
#include "ds/entry_layout.h"

/* ---- reading ---- */

static void open_value(struct call *call, struct entry *entry, struct hash_value *value_out)
{
    struct slice blob = {"", 0};
    *value_out = (struct hash_value){
        .call = call, .heap = keyspace_heap(call->keyspace), .entry = entry, .due_ms = HASH_TIME_NONE};
    if (entry) value_out->root = entry_root(entry, NULL);
    if (entry && value_out->root == 0) entry_packed(value_out->heap, entry, &blob);
    value_out->packed = hash_packed_open(blob);
}

bool hash_value_read(struct call *call, struct hash_value *value_out)
{
    struct entry *entry = call_read(call, 0);
    if (call_wrong_type(call, entry, ENTRY_HASH)) return false;
    open_value(call, entry, value_out);
    return true;
}

bool hash_value_edit(struct call *call, struct hash_value *value_out)
{
    struct entry *entry = call_edit(call, 0);
    if (call_wrong_type(call, entry, ENTRY_HASH)) return false;
    open_value(call, entry, value_out);
    value_out->draft = &call->worker->hash_draft;
    if (value_out->root == 0) hash_draft_begin(value_out->draft, &value_out->packed, call->now_ms);
    else value_out->due_ms = hash_due_ms(value_out->heap, value_out->root);
    return true;
}

/* What a packed hash says at this point of the edit. */
static const struct hash_packed *packed_of(const struct hash_value *value)
{
    return value->draft ? &value->draft->now : &value->packed;
}

uint64_t hash_value_count(const struct hash_value *value)
{
    if (value->root != 0) return hash_live(value->heap, value->root, value->call->now_ms);
    return hash_packed_live(packed_of(value), value->call->now_ms);
}

bool hash_value_find(const struct hash_value *value, struct slice name, struct hash_field *field_out)
{
    field_out->name = name;
    if (value->root != 0) {
        field_out->entry = hash_find(value->heap, value->root, name);
        if (!field_out->entry) return false;
        field_out->time_ms = entry_expire_ms(field_out->entry);
    } else {
        if (!hash_packed_find(packed_of(value), name, &field_out->place)) return false;
        field_out->time_ms = hash_packed_time(packed_of(value), field_out->place.index);
    }
    return field_out->time_ms == HASH_TIME_NONE || field_out->time_ms > value->call->now_ms;
}

struct slice hash_value_text(const struct hash_value *value, const struct hash_field *field,
                             char text[ENTRY_INT_TEXT_MAX])
{
    if (value->root != 0) return entry_string(value->heap, field->entry, text);
    return packed_text(&field->place.item, text);
}

void hash_value_reply(const struct hash_value *value, struct slice name)
{
    struct hash_field field;
    char text[ENTRY_INT_TEXT_MAX];
    if (hash_value_find(value, name, &field))
        resp_bulk_slice(value->call->out, hash_value_text(value, &field, text));
    else resp_null(value->call->out);
}

struct visiting {
    const struct hash_value *value;
    hash_value_visit *visit;
    void *ctx;
    bool more;
};

static bool visit_entry(void *arg, struct entry *entry)
{
    struct visiting *visiting = arg;
    char text[ENTRY_INT_TEXT_MAX];
    if (entry_is_expired(entry, visiting->value->call->now_ms)) return true;
    visiting->more =
        visiting->visit(visiting->ctx, entry_key(entry), entry_string(visiting->value->heap, entry, text));
    return visiting->more;
}

void hash_value_each(const struct hash_value *value, hash_value_visit *visit, void *ctx)
{
    if (value->root != 0) {
        struct hashtable table = hash_table(value->heap, value->root);
        struct visiting visiting = {value, visit, ctx, true};
        uint64_t position = 0;
        while (hashtable_scan(&table, &position, visit_entry, &visiting))
            continue;
        return;
    }
    struct hash_packed_iter iter = hash_packed_begin(packed_of(value));
    struct packed_item field, item;
    char texts[2][PACKED_INT_TEXT_MAX];
    int64_t time_ms;
    bool more = true;
    while (more && hash_packed_next(&iter, &field, &item, &time_ms)) {
        if (time_ms != HASH_TIME_NONE && time_ms <= value->call->now_ms) continue;
        more = visit(ctx, packed_text(&field, texts[0]), packed_text(&item, texts[1]));
    }
}

/* ---- edits ---- */

/* Makes the drafted hash a rooted one. */
static void convert(struct hash_value *value)
{
    struct tx *tx = value->call->tx;
    struct hash_packed_iter iter = hash_packed_begin(&value->draft->now);
    struct packed_item field, item;
    char texts[2][PACKED_INT_TEXT_MAX];
    int64_t time_ms;
    bool added;
    uint64_t root;
    value->error = hash_create(tx, value->heap, &root);
    while (value->error == ERROR_OK && hash_packed_next(&iter, &field, &item, &time_ms))
        value->error = hash_put(tx, value->heap, root, packed_text(&field, texts[0]),
                                packed_text(&item, texts[1]), time_ms, value->call->now_ms, &added);
    if (value->error != ERROR_OK) return;
    value->root = root;
    value->converted = true;
}

static bool fits(const struct hash_value *value, struct slice name, struct slice bytes, bool adding)
{
    const struct packed_settings *limits = &value->call->worker->server->settings->packed;
    uint64_t longest = atomic_load_explicit(&limits->hash_max_value, memory_order_relaxed);
    uint64_t most = atomic_load_explicit(&limits->hash_max_entries, memory_order_relaxed);
    if (name.len > longest || bytes.len > longest) return false;
    size_t fields = value->draft->now.fields + adding;
    return fields <= most && fields <= HASH_PACKED_MAX;
}

bool hash_value_set(struct hash_value *value, struct slice name, struct slice bytes, int64_t time_ms)
{
    struct hash_packed_place place;
    if (value->error != ERROR_OK) return false;
    bool found = value->root == 0 && hash_packed_find(&value->draft->now, name, &place);
    if (value->root == 0 && !fits(value, name, bytes, !found)) convert(value);
    if (value->error != ERROR_OK) return false;
    if (value->root != 0) {
        bool added = false;
        value->error = hash_put(value->call->tx, value->heap, value->root, name, bytes, time_ms,
                                value->call->now_ms, &added);
        return added;
    }
    if (!found) {
        hash_draft_add(value->draft, name, bytes, time_ms == HASH_TIME_KEEP ? HASH_TIME_NONE : time_ms);
        return true;
    }
    hash_draft_replace(value->draft, &place, bytes);
    if (time_ms != HASH_TIME_KEEP) hash_draft_set_time(value->draft, place.index, time_ms);
    return false;
}

void hash_value_set_time(struct hash_value *value, const struct hash_field *field, int64_t time_ms)
{
    if (value->error != ERROR_OK) return;
    if (value->root == 0) hash_draft_set_time(value->draft, field->place.index, time_ms);
    else value->error = hash_set_time(value->call->tx, value->heap, value->root, field->name, time_ms);
}

void hash_value_remove(struct hash_value *value, const struct hash_field *field)
{
    if (value->error != ERROR_OK) return;
    if (value->root == 0) hash_draft_remove(value->draft, &field->place);
    else value->error = hash_remove(value->call->tx, value->heap, value->root, field->name);
}

/* Puts what is left of the hash at the key. */
static enum error put(struct hash_value *value)
{
    struct call *call = value->call;
    const struct key *key = &call->keys[0];
    if (value->converted)
        return keyspace_put_root(call->tx, call->keyspace, call->db, key, ENTRY_HASH, COLLECTION_HASH,
                                 value->root, EXPIRY_KEEP);
    if (value->root != 0) {
        if (hash_due_ms(value->heap, value->root) == value->due_ms) return ERROR_OK;
        return keyspace_note_due(call->tx, call->keyspace, call->db, key);
    }
    if (!value->draft->changed) return ERROR_OK;
    struct slice blob = hash_draft_finish(value->draft);
    if (value->draft->failed) return ERROR_MEMORY;
    return keyspace_put_packed(call->tx, call->keyspace, call->db, key, ENTRY_HASH, blob, EXPIRY_KEEP);
}

static bool is_empty(const struct hash_value *value)
{
    if (value->root != 0) return hash_ops.count(value->heap, value->root) == 0;
    return value->draft->now.fields == 0;
}

bool hash_value_store(struct hash_value *value, const char *event)
{
    struct call *call = value->call;
    if (value->root == 0 && value->draft->failed) value->error = ERROR_MEMORY;
    bool removed = false, empty = value->error == ERROR_OK && is_empty(value);
    if (value->error == ERROR_OK && (!empty || value->converted)) value->error = put(value);
    if (value->error == ERROR_OK && empty)
        value->error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[0], &removed);
    if (value->error != ERROR_OK) {
        call_fail(call, value->error);
        return false;
    }
    if (event) call_notify(call, event, &call->keys[0]);
    if (removed) call_notify(call, "del", &call->keys[0]);
    return true;
}
