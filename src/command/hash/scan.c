/* scan.c: HSCAN. */
#include "command/scan.h"

#include "command/arguments.h"
#include "command/hash/hash_commands.h"
#include "command/hash/value.h"

struct listing {
    const struct hash_value *value;
    const struct scan_options *options;
    struct resp_out *out;
    size_t count;
};

static bool list_field(void *ctx, struct slice field, struct slice value)
{
    struct listing *listing = ctx;

    if (!scan_matches(listing->options, field)) return true;
    resp_bulk_slice(listing->out, field);
    listing->count++;
    if (listing->options->no_values) return true;
    resp_bulk_slice(listing->out, value);
    listing->count++;
    return true;
}

static bool list_entry(void *arg, struct entry *entry)
{
    const struct listing *listing = arg;
    char text[ENTRY_INT_TEXT_MAX];

    if (entry_is_expired(entry, listing->value->call->now_ms)) return true;
    return list_field(arg, entry_key(entry), entry_string(listing->value->heap, entry, text));
}

static void hscan(struct call *call);
const struct command hash_hscan = {
    .name = "hscan",
    .handler = hscan,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.8.0",
    .summary = "Lists the fields of a hash a few at a time.",
    .complexity = "O(1) for every call, O(N) for a whole iteration.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("cursor", ARG_INTEGER),
                           {.name = "pattern", .type = ARG_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL},
                           {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL},
                           {.name = "novalues",
                            .type = ARG_PURE_TOKEN,
                            .token = "NOVALUES",
                            .flags = ARG_OPTIONAL,
                            .since = "7.4.0"}),
    .tips = TIPS("nondeterministic_output"),
};

static void hscan(struct call *call)
{
    struct hash_value value;
    struct scan_options options = {0};
    struct resp_out elements; /* the cursor, known last, goes before them */
    uint64_t cursor;

    if (!scan_cursor(call, 2, &cursor) || !hash_value_read(call, &value)) return;
    if (value.entry && !scan_options(call, 3, SCAN_OPTION_NO_VALUES, &options)) return;
    resp_out_init(&elements);
    struct listing listing = {&value, &options, &elements, 0};
    if (value.root != 0) {
        struct hashtable table = hash_table(value.heap, value.root);
        cursor = hashtable_scan_some(&table, cursor, options.count, list_entry, &listing);
    } else {
        cursor = 0;
        hash_value_each(&value, list_field, &listing);
    }
    scan_reply(call, cursor, &elements, listing.count);
    resp_out_free(&elements);
}
