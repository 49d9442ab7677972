/* save.c: values of all types but streams into payloads (save.h). */
#include "command/dump/save.h"

#include "ds/hash.h"
#include "ds/list.h"
#include "ds/set.h"
#include "ds/zset_view.h"
#include "rdb/format.h"

static void save_string(struct rdb_out *out, struct heap *heap, const struct entry *entry)
{
    int64_t number;
    rdb_out_u8(out, RDB_STRING);
    if (entry_int(entry, &number)) rdb_out_int(out, number);
    else rdb_out_string(out, entry_string(heap, entry, NULL));
}

static void save_list(struct rdb_out *out, struct heap *heap, const struct entry *entry)
{
    struct list list = list_at(heap, entry_root(entry, NULL));
    struct list_iter iter = list_seek(&list, 0, false);
    struct list_item item;
    rdb_out_u8(out, RDB_LIST);
    rdb_out_length(out, list_count(&list));
    while (list_next(&iter, &item))
        rdb_out_string(out, item.text);
}

static bool save_member(void *ctx, const struct slice *parts, size_t count)
{
    (void)count;
    rdb_out_string(ctx, parts[0]);
    return true;
}

static void save_set(struct rdb_out *out, struct heap *heap, const struct entry *entry)
{
    rdb_out_u8(out, RDB_SET);
    rdb_out_length(out, set_count(heap, entry));
    entry_visit(heap, entry, save_member, out);
}

/* From the highest score down: the order in which Redis inserts them fastest. */
static void save_zset(struct rdb_out *out, struct heap *heap, const struct entry *entry)
{
    struct zset_view view;
    struct zset_position position;
    if (zset_view_open(&view, heap, entry) != ERROR_OK) out->failed = true;
    rdb_out_u8(out, RDB_ZSET_2);
    rdb_out_length(out, zset_view_count(&view));
    bool more = !out->failed && zset_view_seek(&view, &ZSET_END, true, &position);
    for (; more; more = zset_view_step(&view, true, &position)) {
        struct zset_item item = zset_view_item(&view, &position);
        rdb_out_string(out, item.member);
        rdb_out_double(out, item.score);
    }
    zset_view_close(&view);
}

/* ---- hashes ---- */

/* A pass over the live fields: the first one counts, the second one saves. */
struct fields {
    struct rdb_out *out; /* NULL: counting */
    const struct heap *heap;
    int64_t now_ms;
    uint64_t live;
    int64_t earliest_ms; /* HASH_TIME_NONE: no field expires */
};

static void pass_field(struct fields *fields, struct slice name, struct slice value, int64_t time_ms)
{
    bool expires = time_ms != HASH_TIME_NONE;
    if (expires && time_ms <= fields->now_ms) return;
    if (fields->out == NULL) {
        bool earlier = fields->earliest_ms == HASH_TIME_NONE || time_ms < fields->earliest_ms;
        if (expires && earlier) fields->earliest_ms = time_ms;
        fields->live++;
        return;
    }
    if (fields->earliest_ms != HASH_TIME_NONE)
        rdb_out_length(fields->out, expires ? (uint64_t)(time_ms - fields->earliest_ms) + 1 : 0);
    rdb_out_string(fields->out, name);
    rdb_out_string(fields->out, value);
}

static bool pass_entry(void *arg, struct entry *entry)
{
    struct fields *fields = arg;
    char text[ENTRY_INT_TEXT_MAX];
    pass_field(fields, entry_key(entry), entry_string(fields->heap, entry, text), entry_expire_ms(entry));
    return true;
}

static void pass_fields(struct fields *fields, const struct entry *entry)
{
    struct slice blob;
    if (!entry_packed(fields->heap, entry, &blob)) {
        struct hashtable table = hash_table(fields->heap, entry_root(entry, NULL));
        uint64_t place = 0;
        while (hashtable_scan(&table, &place, pass_entry, fields))
            continue;
        return;
    }
    struct hash_packed packed = hash_packed_open(blob);
    struct hash_packed_iter iter = hash_packed_begin(&packed);
    struct packed_item name, value;
    char texts[2][PACKED_INT_TEXT_MAX];
    int64_t time_ms;
    while (hash_packed_next(&iter, &name, &value, &time_ms))
        pass_field(fields, packed_text(&name, texts[0]), packed_text(&value, texts[1]), time_ms);
}

/* False when no field lives. */
static bool save_hash(struct rdb_out *out, struct heap *heap, const struct entry *entry, int64_t now_ms,
                      unsigned *version)
{
    struct fields fields = {.heap = heap, .now_ms = now_ms, .earliest_ms = HASH_TIME_NONE};
    pass_fields(&fields, entry);
    if (fields.live == 0) return false;
    bool timed = fields.earliest_ms != HASH_TIME_NONE;
    if (timed) *version = RDB_VERSION_TIMES;
    rdb_out_u8(out, timed ? RDB_HASH_TIMES : RDB_HASH);
    if (timed) rdb_out_le64(out, (uint64_t)fields.earliest_ms);
    rdb_out_length(out, fields.live);
    fields.out = out;
    pass_fields(&fields, entry);
    return true;
}

bool dump_save(struct rdb_out *out, struct heap *heap, const struct entry *entry, int64_t now_ms)
{
    size_t begin = out->len;
    unsigned version = RDB_VERSION_WRITE;
    switch (entry_type(entry)) {
    case ENTRY_STRING: save_string(out, heap, entry); break;
    case ENTRY_LIST: save_list(out, heap, entry); break;
    case ENTRY_SET: save_set(out, heap, entry); break;
    case ENTRY_ZSET: save_zset(out, heap, entry); break;
    case ENTRY_HASH:
        if (!save_hash(out, heap, entry, now_ms, &version)) return false;
        break;
    case ENTRY_STREAM: dump_save_stream(out, heap, entry); break;
    }
    rdb_out_footer(out, begin, version);
    return !out->failed;
}
