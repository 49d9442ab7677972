/* list.c: commands that list members. */
#include "command/arguments.h"
#include "command/scan.h"
#include "command/set/set_commands.h"
#include "command/set/value.h"
#include "ds/members.h"

static bool reply_member(void *ctx, const struct slice *parts, size_t count)
{
    (void)count;
    resp_bulk_slice(ctx, parts[0]);
    return true;
}

static void smembers(struct call *call);
const struct command set_smembers = {
    .name = "smembers",
    .handler = smembers,
    .arity = 2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Lists all members of a set.",
    .complexity = "O(N) where N is the set cardinality.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output_order"),
};

static void smembers(struct call *call)
{
    const struct heap *heap = keyspace_heap(call->keyspace);
    const struct entry *entry;

    if (!set_read(call, 0, &entry)) return;
    resp_set(call->out, entry ? set_count(heap, entry) : 0);
    if (entry) entry_visit(heap, entry, reply_member, call->out);
}

struct listing {
    struct resp_out out;
    struct scan_options options;
    size_t count;
};

static bool list_member(void *ctx, const struct slice *parts, size_t count)
{
    struct listing *listing = ctx;

    (void)count;
    if (!scan_matches(&listing->options, parts[0])) return true;
    resp_bulk_slice(&listing->out, parts[0]);
    listing->count++;
    return true;
}

static bool list_entry(void *arg, struct entry *entry)
{
    struct slice member = entry_key(entry);

    return list_member(arg, &member, 1);
}

static void sscan(struct call *call);
const struct command set_sscan = {
    .name = "sscan",
    .handler = sscan,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "2.8.0",
    .summary = "Lists the members of a set a few at a time.",
    .complexity = "O(1) for every call, O(N) for a whole iteration.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("cursor", ARG_INTEGER),
                           {.name = "pattern", .type = ARG_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL},
                           {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
    .tips = TIPS("nondeterministic_output"),
};

static void sscan(struct call *call)
{
    const struct heap *heap = keyspace_heap(call->keyspace);
    const struct entry *entry;
    struct listing listing = {0};
    uint64_t cursor;

    if (!scan_cursor(call, 2, &cursor) || !set_read(call, 0, &entry)) return;
    if (entry && !scan_options(call, 3, 0, &listing.options)) return;
    resp_out_init(&listing.out);
    uint64_t root = entry ? entry_root(entry, NULL) : 0;
    if (root) {
        struct hashtable table = members_table(heap, root);
        cursor = hashtable_scan_some(&table, cursor, listing.options.count, list_entry, &listing);
    } else {
        cursor = 0;
        if (entry) entry_visit(heap, entry, list_member, &listing);
    }
    scan_reply(call, cursor, &listing.out, listing.count);
    resp_out_free(&listing.out);
}
