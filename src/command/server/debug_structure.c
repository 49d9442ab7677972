/* debug_structure.c: DEBUG's tools that look at how values are kept: OBJECT, LISTPACK, SDSLEN, HTSTATS, HTSTATS-KEY.
 *
 * Redis's words are kept, as tests look for them. A slot here holds one entry, so chains have a length of 1.
 */
#include "command/access.h"
#include "command/dump/save.h"
#include "command/host.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"
#include "ds/list.h"
#include "ds/members.h"
#include "ds/zset.h"
#include "rdb/format.h"

#include <stdio.h>

#define STATS_BYTES 1024

/* The live entry that argument 2 names; NULL after having replied. */
static struct entry *find(struct call *call, struct key *key_out)
{
    *key_out = keyspace_key(call->keyspace, call->argv[2]);
    struct entry *entry = keyspace_find(call->keyspace, call->db, key_out);
    if (entry && !entry_is_expired(entry, call->now_ms)) return entry;
    resp_error(call->out, "ERR no such key");
    return NULL;
}

static bool is_kept_as(struct call *call, const struct entry *entry, const char *encoding)
{
    return strcmp(entry_encoding_name(keyspace_heap(call->keyspace), entry), encoding) == 0;
}

/* ---- OBJECT ---- */

/* Bytes of the value as DUMP has them, without type and footer. */
static size_t serialized_len(struct call *call, const struct entry *entry)
{
    const struct settings *settings = call->worker->server->settings;
    struct rdb_out out = {.compress =
                              atomic_load_explicit(&settings->compress_payloads, memory_order_relaxed)};
    bool saved = dump_save(&out, keyspace_heap(call->keyspace), entry, call->now_ms);
    size_t len = saved ? out.len - RDB_FOOTER_BYTES - 1 : 0;
    rdb_out_free(&out);
    return len;
}

static void describe_chunks(struct call *call, const struct entry *entry, char *text, size_t cap)
{
    struct list list = list_at(keyspace_heap(call->keyspace), entry_root(entry, NULL));
    const struct settings *settings = call->worker->server->settings;
    size_t chunks = 0, bytes = 0;
    for (uint64_t off = list.root->head; off != 0; chunks++) {
        const struct list_chunk_layout *chunk = (const void *)(list.base + off);
        bytes += list_used(chunk);
        off = chunk->next;
    }
    snprintf(text, cap,
             " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%lld ql_compressed:0 ql_uncompressed_size:%zu",
             chunks, chunks ? (double)list_count(&list) / (double)chunks : 0,
             (long long)atomic_load_explicit(&settings->packed.list_max_size, memory_order_relaxed), bytes);
}

void server_debug_object(struct call *call)
{
    struct key key;
    const struct entry *entry = find(call, &key);
    if (!entry) return;
    char text[512], chunks[256] = "";
    uint32_t access = entry_access(entry);
    if (is_kept_as(call, entry, "quicklist")) describe_chunks(call, entry, chunks, sizeof chunks);
    snprintf(text, sizeof text,
             "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%lld%s",
             (const void *)entry, entry_encoding_name(keyspace_heap(call->keyspace), entry),
             serialized_len(call, entry), access, (long long)access_idle_s(access, call->now_ms), chunks);
    resp_simple(call->out, text);
}

/* ---- LISTPACK, SDSLEN ---- */

static bool log_element(void *arg, const struct slice *parts, size_t count)
{
    struct call *call = arg;
    const struct host *host = call->worker->host;
    for (size_t i = 0; i < count; i++)
        host->log(host->app, HOST_LOG_WARNING, "{%zu bytes} %.*s", parts[i].len,
                  (int)(parts[i].len < 40 ? parts[i].len : 40), parts[i].ptr);
    return true;
}

void server_debug_listpack(struct call *call)
{
    struct key key;
    const struct entry *entry = find(call, &key);
    if (!entry) return;
    if (!is_kept_as(call, entry, "listpack")) {
        resp_error(call->out, "ERR Not a listpack encoded object.");
        return;
    }
    entry_visit(keyspace_heap(call->keyspace), entry, log_element, call);
    resp_simple(call->out, "Listpack structure printed on stdout");
}

void server_debug_sdslen(struct call *call)
{
    struct key key;
    int64_t number;
    const struct entry *entry = find(call, &key);
    if (!entry) return;
    if (entry_type(entry) != ENTRY_STRING || entry_int(entry, &number)) {
        resp_error(call->out, "ERR Not an sds encoded string.");
        return;
    }
    size_t len = entry_string_len(keyspace_heap(call->keyspace), entry);
    size_t bytes = keyspace_entry_bytes(call->keyspace, entry, 0);
    size_t used = key.name.len + len;
    char text[256];
    snprintf(text, sizeof text,
             "key_sds_len:%zu, key_sds_avail:0, key_zmalloc: %zu, val_sds_len:%zu, val_sds_avail:%zu, "
             "val_zmalloc: %zu",
             key.name.len, key.name.len, len, bytes > used ? bytes - used : 0,
             bytes > key.name.len ? bytes - key.name.len : 0);
    resp_simple(call->out, text);
}

/* ---- HTSTATS ---- */

static size_t describe_table(char *text, size_t cap, uint64_t slots, uint64_t elements)
{
    const char *head = "Hash table 0 stats (main hash table):\n";
    int len;
    if (elements == 0) {
        len = snprintf(text, cap, "%sNo stats available for empty dictionaries\n", head);
    } else {
        uint64_t free_slots = slots > elements ? slots - elements : 0;
        double share = slots ? 100.0 / (double)slots : 0;
        len = snprintf(
            text, cap,
            "%s table size: %llu\n number of elements: %llu\n different slots: %llu\n max chain length: 1\n"
            " avg chain length (counted): 1.00\n avg chain length (computed): 1.00\n"
            " Chain length distribution:\n   0: %llu (%.2f%%)\n   1: %llu (%.2f%%)\n",
            head, (unsigned long long)slots, (unsigned long long)elements, (unsigned long long)elements,
            (unsigned long long)free_slots, (double)free_slots * share, (unsigned long long)elements,
            (double)elements * share);
    }
    return len > 0 ? (size_t)len : 0;
}

void server_debug_htstats(struct call *call)
{
    int64_t db;
    struct keyspace_memory memory;
    char text[STATS_BYTES];
    if (!call_int(call, 2, &db)) return;
    if (db < 0 || db >= (int64_t)keyspace_databases(call->keyspace)) {
        resp_error(call->out, "ERR Out of range database");
        return;
    }
    keyspace_memory(call->keyspace, (unsigned)db, &memory);
    size_t len = (size_t)snprintf(text, sizeof text, "[Dictionary HT]\n");
    len += describe_table(text + len, sizeof text - len, memory.slots,
                          keyspace_size(call->keyspace, (unsigned)db));
    /* Times stand in the entries themselves: they have no table. */
    len += (size_t)snprintf(text + len, sizeof text - len, "[Expires HT]\n number of elements: %llu\n",
                            (unsigned long long)keyspace_volatile_size(call->keyspace, (unsigned)db));
    resp_verbatim(call->out, "txt", (struct slice){text, len});
}

void server_debug_htstats_key(struct call *call)
{
    struct key key;
    struct hashtable table;
    uint64_t bytes, slots;
    char text[STATS_BYTES];
    const struct entry *entry = find(call, &key);
    if (!entry) return;
    struct heap *heap = keyspace_heap(call->keyspace);
    if (is_kept_as(call, entry, "hashtable")) {
        table = members_table(heap, entry_root(entry, NULL));
    } else if (is_kept_as(call, entry, "skiplist")) {
        table = zset_at(heap, entry_root(entry, NULL)).table;
    } else {
        resp_error(call->out,
                   "ERR The value stored at the specified key is not represented using an hash table");
        return;
    }
    hashtable_memory(&table, &bytes, &slots);
    size_t len = describe_table(text, sizeof text, slots, hashtable_count(table.root));
    resp_verbatim(call->out, "txt", (struct slice){text, len});
}
