/* scan.c: ZSCAN. */
#include "command/scan.h"

#include "command/arguments.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"
#include "ds/entry_layout.h"
#include "util/number.h"

#include <math.h>
#include <stdio.h>

struct listing {
    struct resp_out *out;
    struct scan_options options;
    size_t count;
};

static void list_item(struct listing *listing, struct slice member, const char *score, size_t score_len)
{
    if (!scan_matches(&listing->options, member)) return;
    resp_bulk_slice(listing->out, member);
    resp_bulk(listing->out, score, score_len);
    listing->count += 2;
}

static bool list_small(void *ctx, const struct slice *parts, size_t count)
{
    (void)count;
    list_item(ctx, parts[0], parts[1].ptr, parts[1].len);
    return true;
}

/* Redis writes the scores of large sets with all 17 digits here. */
static bool list_large(void *ctx, struct entry *entry)
{
    char text[NUMBER_DOUBLE_TEXT_MAX];
    double score;
    memcpy(&score, entry_aux(entry), sizeof(score));
    size_t len =
        isinf(score) ? number_double_text(text, score) : (size_t)snprintf(text, sizeof(text), "%.17g", score);
    list_item(ctx, entry_key(entry), text, len);
    return true;
}

static void zscan(struct call *call);
const struct command sorted_set_zscan = {
    .name = "zscan",
    .handler = zscan,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.8.0",
    .summary = "Lists members and scores a few at a time.",
    .complexity = "O(1) for every call, O(N) for a whole iteration.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("cursor", ARG_INTEGER),
                           {.name = "pattern", .type = ARG_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL},
                           {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
    .tips = TIPS("nondeterministic_output"),
};

static void zscan(struct call *call)
{
    struct resp_out elements;
    struct listing listing = {.out = &elements};
    struct zset_view view;
    uint64_t cursor;
    if (!scan_cursor(call, 2, &cursor)) return;
    if (!sorted_set_peek(call, 0, &view)) return;
    if (zset_view_count(&view) > 0 && !scan_options(call, 3, 0, &listing.options)) return;
    resp_out_init(&elements);
    if (view.is_large) {
        cursor = hashtable_scan_some(&view.large.table, cursor, listing.options.count, list_large, &listing);
    } else {
        cursor = 0;
        zset_packed_visit(view.blob, list_small, &listing);
    }
    scan_reply(call, cursor, &elements, listing.count);
    resp_out_free(&elements);
}
