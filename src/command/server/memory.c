/* memory.c: MEMORY: what the heap and the process hold. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define ALL_SHARDS_TIPS                                                                                      \
    TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special")

static const struct command memory_doctor, memory_help, memory_malloc_stats, memory_purge, memory_stats,
    memory_usage;
static const struct command *const subcommands[] = {
    &memory_doctor, &memory_help, &memory_malloc_stats, &memory_purge, &memory_stats, &memory_usage, NULL,
};

const struct command server_memory = {
    .name = "memory",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Holds the commands about memory.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

/* ---- USAGE ---- */

#define SAMPLES_DEFAULT 5 /* elements looked at in a large collection; 0: all */

static void usage(struct call *call)
{
    int64_t samples = SAMPLES_DEFAULT;
    for (size_t i = 3; i < call->argc; i += 2) {
        if (!call_arg_is(call, i, "samples") || i + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!call_int(call, i + 1, &samples)) return;
        if (samples < 0) {
            call_syntax_error(call);
            return;
        }
    }
    const struct entry *entry = call_peek(call, 0);
    if (entry) resp_int(call->out, (int64_t)keyspace_entry_bytes(call->keyspace, entry, (size_t)samples));
    else resp_null(call->out);
}

static const struct command memory_usage = {
    .name = "usage",
    .handler = usage,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Answers the bytes that a key and its value occupy.",
    .complexity = "O(N) where N is the number of samples.",
    .specs = {KEY_AT(2, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "count", .type = ARG_INTEGER, .token = "SAMPLES", .flags = ARG_OPTIONAL}),
};

/* ---- STATS ---- */

struct memory_facts {
    struct heap_stats heap;
    uint64_t tables_bytes; /* of all databases */
    uint64_t keys;
    uint64_t process_bytes; /* malloc'd: buffers, connections, caches */
    uint64_t resident_bytes;
};

static uint64_t resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct memory_facts gather(struct call *call)
{
    struct memory_facts facts = {.process_bytes = (uint64_t)mallinfo2().uordblks,
                                 .resident_bytes = resident_bytes()};
    heap_stats(keyspace_heap(call->keyspace), &facts.heap);
    for (unsigned db = 0; db < keyspace_databases(call->keyspace); db++) {
        struct keyspace_memory memory;
        keyspace_memory(call->keyspace, db, &memory);
        facts.tables_bytes += memory.table_bytes;
        facts.keys += keyspace_size(call->keyspace, db);
    }
    return facts;
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void reply_number(struct resp_out *out, const char *name, uint64_t value)
{
    resp_bulk_text(out, name);
    resp_int(out, (int64_t)value);
}

static void reply_ratio(struct resp_out *out, const char *name, double value)
{
    resp_bulk_text(out, name);
    resp_double(out, value);
}

/* Databases that hold keys, as db.N; returns how many. */
static size_t reply_databases(struct call *call)
{
    size_t count = 0;
    for (unsigned db = 0; db < keyspace_databases(call->keyspace); db++) {
        struct keyspace_memory memory;
        if (keyspace_size(call->keyspace, db) == 0) continue;
        keyspace_memory(call->keyspace, db, &memory);
        resp_bulkf(call->out, "db.%u", db);
        resp_map(call->out, 3);
        reply_number(call->out, "overhead.hashtable.main", memory.table_bytes);
        reply_number(call->out, "overhead.hashtable.expires", 0);
        reply_number(call->out, "overhead.hashtable.slot-to-keys", 0);
        count++;
    }
    return count;
}

/* Redis's fields. Its allocator's numbers are the heap's here: allocated = used, active and resident = the
 * file. */
static void stats(struct call *call)
{
    struct memory_facts facts = gather(call);
    struct resp_out *out = call->out;
    uint64_t used = facts.heap.used_bytes, total = used + facts.process_bytes;
    uint64_t overhead = facts.process_bytes + facts.tables_bytes + facts.heap.metadata_bytes;
    uint64_t dataset = total > overhead ? total - overhead : 0;
    uint64_t noted = atomic_load_explicit(&call->worker->server->peak_bytes, memory_order_relaxed);
    uint64_t peak = noted > total ? noted : total;
    struct resp_later later = resp_later_begin(out);
    reply_number(out, "peak.allocated", peak);
    reply_number(out, "total.allocated", total);
    reply_number(out, "startup.allocated", facts.process_bytes);
    reply_number(out, "replication.backlog", 0);
    reply_number(out, "clients.slaves", 0);
    reply_number(out, "clients.normal", 0);
    reply_number(out, "cluster.links", 0);
    reply_number(out, "aof.buffer", 0);
    reply_number(out, "lua.caches", 0);
    reply_number(out, "functions.caches", 0);
    size_t databases = reply_databases(call);
    reply_number(out, "overhead.total", overhead);
    reply_number(out, "keys.count", facts.keys);
    reply_number(out, "keys.bytes-per-key", facts.keys ? used / facts.keys : 0);
    reply_number(out, "dataset.bytes", dataset);
    reply_ratio(out, "dataset.percentage", 100 * ratio(dataset, used));
    reply_ratio(out, "peak.percentage", 100 * ratio(total, peak));
    reply_number(out, "allocator.allocated", used);
    reply_number(out, "allocator.active", facts.heap.file_bytes);
    reply_number(out, "allocator.resident", facts.heap.file_bytes);
    reply_ratio(out, "allocator-fragmentation.ratio", ratio(facts.heap.file_bytes, used));
    reply_number(out, "allocator-fragmentation.bytes", facts.heap.file_bytes - used);
    reply_ratio(out, "allocator-rss.ratio", 1);
    reply_number(out, "allocator-rss.bytes", 0);
    reply_ratio(out, "rss-overhead.ratio", ratio(facts.resident_bytes, facts.heap.file_bytes));
    resp_bulk_text(out, "rss-overhead.bytes");
    resp_int(out, (int64_t)facts.resident_bytes - (int64_t)facts.heap.file_bytes);
    reply_ratio(out, "fragmentation", ratio(facts.resident_bytes, total));
    resp_bulk_text(out, "fragmentation.bytes");
    resp_int(out, (int64_t)facts.resident_bytes - (int64_t)total);
    resp_later_map(out, later, 27 + databases);
}

static const struct command memory_stats = {
    .name = "stats",
    .handler = stats,
    .arity = 2,
    .flags = COMMAND_SHARED,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Answers where memory is used.",
    .complexity = "O(1)",
    .tips = ALL_SHARDS_TIPS,
};

/* ---- reports ---- */

#define SMALL_HEAP_BYTES (UINT64_C(5) << 20)

static void doctor(struct call *call)
{
    struct memory_facts facts = gather(call);
    struct slice text;
    if (facts.heap.used_bytes < SMALL_HEAP_BYTES)
        text = SLICE("The heap is empty or holds very little: there is nothing to find here yet.\n");
    else if (facts.heap.file_bytes > 2 * facts.heap.used_bytes)
        text = SLICE(
            "The heap file is more than twice what it holds: much was deleted since it grew. The free room "
            "will be used before the file grows again.\n");
    else if (facts.process_bytes > facts.heap.used_bytes)
        text =
            SLICE("Buffers of connections hold more memory than the data: look for clients that do not read "
                  "their replies (CLIENT LIST, field omem).\n");
    else text = SLICE("No problem found in the use of memory.\n");
    resp_verbatim(call->out, "txt", text);
}

static const struct command memory_doctor = {
    .name = "doctor",
    .handler = doctor,
    .arity = 2,
    .flags = COMMAND_SHARED,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Reports on the use of memory in words.",
    .complexity = "O(1)",
    .tips = ALL_SHARDS_TIPS,
};

static void allocator_stats(struct call *call)
{
    struct heap_stats heap;
    char text[512];
    heap_stats(keyspace_heap(call->keyspace), &heap);
    int len = snprintf(text, sizeof text,
                       "heap used: %llu\nheap file: %llu\nheap limit: %llu\nheap metadata: %llu\n"
                       "heap free pages: %llu\nheap cached by threads: %llu\nprocess malloc: %zu\n",
                       (unsigned long long)heap.used_bytes, (unsigned long long)heap.file_bytes,
                       (unsigned long long)heap.limit_bytes, (unsigned long long)heap.metadata_bytes,
                       (unsigned long long)heap.free_page_bytes, (unsigned long long)heap.cached_bytes,
                       mallinfo2().uordblks);
    resp_verbatim(call->out, "txt", (struct slice){text, (size_t)len});
}

static const struct command memory_malloc_stats = {
    .name = "malloc-stats",
    .handler = allocator_stats,
    .arity = 2,
    .flags = 0,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Answers the numbers of the heap's allocator.",
    .complexity = "O(1)",
    .tips = ALL_SHARDS_TIPS,
};

static void purge(struct call *call)
{
    heap_thread_trim(call->worker->thread);
    malloc_trim(0);
    resp_ok(call->out);
}

static const struct command memory_purge = {
    .name = "purge",
    .handler = purge,
    .arity = 2,
    .flags = 0,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Gives cached memory back.",
    .complexity = "Depends on how much memory is allocated, could be slow",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    A report on the use of memory, in words.",
        "MALLOC-STATS",
        "    Numbers of the heap's allocator.",
        "PURGE",
        "    Give cached memory back.",
        "STATS",
        "    Where memory is used.",
        "USAGE <key> [SAMPLES <count>]",
        "    Bytes that a key and its value occupy.",
        NULL,
    };
    help_reply(call, "MEMORY", lines);
}

static const struct command memory_help = {HELP_ROW(help, GROUP_SERVER, 0, "4.0.0")};
