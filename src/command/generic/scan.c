/* scan.c: commands that visit a whole database. */
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"
#include "command/scan.h"
#include <stdlib.h>

/* Which entries a visit lists, and where. */
struct listing {
    struct resp_out *out;
    size_t count;
    struct scan_options options;
    int64_t now_ms;
};

static bool list_entry(void *arg, struct entry *entry)
{
    struct listing *listing = arg;

    if (entry_is_expired(entry, listing->now_ms)) return true;
    struct slice type_name = listing->options.type_name;
    if (!scan_matches(&listing->options, entry_key(entry))) return true;
    if (type_name.ptr && !slice_is_word(type_name, entry_type_name(entry_type(entry)))) return true;
    resp_bulk_slice(listing->out, entry_key(entry));
    listing->count++;
    return true;
}

static void keys(struct call *call);
const struct command generic_keys = {
    .name = "keys",
    .handler = keys,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_EXCLUSIVE,
    .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Lists all keys whose names match a pattern. Nobody else is served meanwhile: prefer SCAN.",
    .complexity = "O(N) where N is the number of keys in the database.",
    .arguments = ARGUMENTS(ARGUMENT("pattern", ARG_PATTERN)),
    .tips = TIPS("request_policy:all_shards", "nondeterministic_output_order"),
};

static void keys(struct call *call)
{
    struct resp_later later = resp_later_begin(call->out);
    struct listing listing = {.out = call->out, .options.pattern = call->argv[1], .now_ms = call->now_ms};
    uint64_t cursor = 0;

    do {
        cursor = keyspace_scan(call->keyspace, call->db, cursor, UINT64_MAX, true, list_entry, &listing);
    } while (cursor != 0);
    resp_later_array(call->out, later, listing.count);
}

static void scan(struct call *call);
const struct command generic_scan = {
    .name = "scan",
    .handler = scan,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_SHARED,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.8.0",
    .summary = "Lists the keys of a database a few at a time.",
    .complexity = "O(1) for every call, O(N) for a whole iteration.",
    .arguments = ARGUMENTS(
        ARGUMENT("cursor", ARG_INTEGER),
        {.name = "pattern", .type = ARG_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL},
        {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL},
        {.name = "type", .type = ARG_STRING, .token = "TYPE", .flags = ARG_OPTIONAL, .since = "6.0.0"}),
    .tips = TIPS("nondeterministic_output", "request_policy:special"),
    .history = HISTORY("6.0.0", "Added the `TYPE` subcommand."),
};

static void scan(struct call *call)
{
    struct resp_out names; /* the cursor, known last, goes before them */
    struct listing listing = {.out = &names, .now_ms = call->now_ms};
    uint64_t cursor;

    if (!scan_cursor(call, 1, &cursor) || !scan_options(call, 2, SCAN_OPTION_TYPE, &listing.options)) return;
    resp_out_init(&names);
    cursor = keyspace_scan(call->keyspace, call->db, cursor, listing.options.count, false, list_entry, &listing);
    scan_reply(call, cursor, &names, listing.count);
    resp_out_free(&names);
}

static void randomkey(struct call *call);
const struct command generic_randomkey = {
    .name = "randomkey",
    .handler = randomkey,
    .arity = 1,
    .flags = COMMAND_READONLY | COMMAND_SHARED,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Answers the name of a key chosen at random.",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "nondeterministic_output"),
};

static void randomkey(struct call *call)
{
    char *name;
    size_t len;

    if (!keyspace_random(call->keyspace, call->db, false, call->now_ms, &name, &len)) {
        resp_null(call->out);
        return;
    }
    resp_bulk(call->out, name, len);
    free(name);
}
