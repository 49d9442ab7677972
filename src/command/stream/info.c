/* info.c: XINFO: what a stream, its groups and their consumers look like. */
#include "command/help.h"
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"

#define FULL_COUNT 10 /* entries and pending records that FULL answers unless told */

/* The stream at the key; false after having replied why not. */
static bool open_stream(struct call *call, struct stream *stream_out)
{
    if (!stream_value_read(call, 0, stream_out)) return false;
    if (!stream_out->root) resp_error(call->out, "ERR no such key");
    return stream_out->root != NULL;
}

static void reply_count_read(struct resp_out *out, int64_t entries_read)
{
    if (entries_read == STREAM_COUNT_UNKNOWN) resp_null(out);
    else resp_int(out, entries_read);
}

static void reply_lag(struct resp_out *out, struct stream stream, const struct stream_group_layout *group)
{
    int64_t lag;
    if (stream_group_lag(stream, group, &lag)) resp_int(out, lag);
    else resp_null(out);
}

static int64_t since(int64_t now_ms, int64_t then_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* ---- XINFO STREAM ---- */

static void info_stream(struct call *call);
static const struct command xinfo_stream = {
    .name = "stream",
    .handler = info_stream,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers what a stream looks like, with FULL down to what each consumer has pending.",
    .complexity = "O(1)",
    .specs = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "full-block",
                            .type = ARG_BLOCK,
                            .flags = ARG_OPTIONAL,
                            .sub = ARGUMENTS(ARGUMENT_WORD("full", "FULL"), STREAM_COUNT_ARGUMENT)}),
    .history = HISTORY("6.0.0", "Added the `FULL` modifier.", "7.0.0",
                       "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, "
                       "`entries-read` and `lag` fields",
                       "7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
};

static void reply_entry_or_null(struct resp_out *out, struct stream stream, bool last)
{
    struct stream_range range;
    struct stream_item item;
    stream_range_begin(stream, STREAM_ID_MIN, STREAM_ID_MAX, last, &range);
    if (stream_range_next(&range, &item)) stream_reply_item(out, &item);
    else resp_null(out);
}

/* The fields that come first, with FULL or without. */
static void reply_counts(struct resp_out *out, struct stream stream)
{
    const struct stream_layout *root = stream.root;
    resp_bulk_text(out, "length");
    resp_int(out, (int64_t)root->counts.length);
    resp_bulk_text(out, "radix-tree-keys");
    resp_int(out, (int64_t)root->chunks.count);
    resp_bulk_text(out, "radix-tree-nodes");
    resp_int(out, (int64_t)root->chunks.count + 1);
    resp_bulk_text(out, "last-generated-id");
    stream_reply_id(out, root->counts.last);
    resp_bulk_text(out, "max-deleted-entry-id");
    stream_reply_id(out, root->max_deleted);
    resp_bulk_text(out, "entries-added");
    resp_int(out, (int64_t)root->counts.entries_added);
    resp_bulk_text(out, "recorded-first-entry-id");
    stream_reply_id(out, stream_first_id(stream));
}

/* Records of a group (with whose they are) or a consumer, at most `limit` (0: all). */
static void reply_pending(struct resp_out *out, struct stream stream, struct btree_layout *tree,
                          bool of_group, uint64_t limit)
{
    struct resp_later later = resp_later_begin(out);
    struct stream_pending_range range = stream_pending_from(stream, tree, STREAM_ID_MIN);
    const struct stream_pending_layout *pending;
    size_t count = 0;
    while ((limit == 0 || count < limit) && (pending = stream_pending_next(&range)) != NULL) {
        resp_array(out, of_group ? 4 : 3);
        stream_reply_id(out, pending->id);
        if (of_group) resp_bulk_slice(out, stream_named(stream_pending_consumer(stream, pending)));
        resp_int(out, pending->delivered_ms);
        resp_int(out, pending->deliveries);
        count++;
    }
    resp_later_array(out, later, count);
}

static void reply_full_consumer(struct resp_out *out, struct stream stream,
                                struct stream_consumer_layout *consumer, uint64_t limit)
{
    resp_map(out, 5);
    resp_bulk_text(out, "name");
    resp_bulk_slice(out, stream_named(consumer));
    resp_bulk_text(out, "seen-time");
    resp_int(out, consumer->seen_ms);
    resp_bulk_text(out, "active-time");
    resp_int(out, consumer->active_ms);
    resp_bulk_text(out, "pel-count");
    resp_int(out, (int64_t)consumer->pending.count);
    resp_bulk_text(out, "pending");
    reply_pending(out, stream, &consumer->pending, false, limit);
}

static void reply_full_group(struct resp_out *out, struct stream stream, struct stream_group_layout *group,
                             uint64_t limit)
{
    resp_map(out, 7);
    resp_bulk_text(out, "name");
    resp_bulk_slice(out, stream_named(group));
    resp_bulk_text(out, "last-delivered-id");
    stream_reply_id(out, group->last);
    resp_bulk_text(out, "entries-read");
    reply_count_read(out, group->entries_read);
    resp_bulk_text(out, "lag");
    reply_lag(out, stream, group);
    resp_bulk_text(out, "pel-count");
    resp_int(out, (int64_t)group->pending.count);
    resp_bulk_text(out, "pending");
    reply_pending(out, stream, &group->pending, true, limit);
    resp_bulk_text(out, "consumers");
    resp_array(out, stream_consumer_count(stream, group));
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++)
        reply_full_consumer(out, stream, stream_consumer_at(stream, group, i), limit);
}

static void reply_full(struct resp_out *out, struct stream stream, uint64_t limit)
{
    struct stream_range range;
    resp_map(out, 9);
    reply_counts(out, stream);
    resp_bulk_text(out, "entries");
    stream_range_begin(stream, STREAM_ID_MIN, STREAM_ID_MAX, false, &range);
    stream_reply_range(out, &range, limit);
    resp_bulk_text(out, "groups");
    resp_array(out, stream_group_count(stream));
    for (unsigned i = 0; i < stream_group_count(stream); i++)
        reply_full_group(out, stream, stream_group_at(stream, i), limit);
}

static bool parse_full(struct call *call, bool *full_out, uint64_t *limit_out)
{
    int64_t limit = FULL_COUNT;
    *full_out = call->argc > 3;
    bool valid = call->argc == 3 || (call_arg_is(call, 3, "full") &&
                                     (call->argc == 4 || (call->argc == 6 && call_arg_is(call, 4, "count"))));
    if (!valid) {
        resp_error(call->out,
                   "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.");
        return false;
    }
    if (call->argc == 6 && !call_int(call, 5, &limit)) return false;
    *limit_out = limit < 0 ? FULL_COUNT : (uint64_t)limit;
    return true;
}

static void info_stream(struct call *call)
{
    struct resp_out *out = call->out;
    struct stream stream;
    bool full;
    uint64_t limit;

    if (!parse_full(call, &full, &limit) || !open_stream(call, &stream)) return;
    if (full) {
        reply_full(out, stream, limit);
        return;
    }
    resp_map(out, 10);
    reply_counts(out, stream);
    resp_bulk_text(out, "groups");
    resp_int(out, stream_group_count(stream));
    resp_bulk_text(out, "first-entry");
    reply_entry_or_null(out, stream, false);
    resp_bulk_text(out, "last-entry");
    reply_entry_or_null(out, stream, true);
}

/* ---- XINFO GROUPS, XINFO CONSUMERS ---- */

static void info_groups(struct call *call);
static const struct command xinfo_groups = {
    .name = "groups",
    .handler = info_groups,
    .arity = 3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers what each group of a stream looks like.",
    .complexity = "O(N) where N is the number of groups.",
    .specs = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .history = HISTORY("7.0.0", "Added the `entries-read` and `lag` fields"),
};

static void info_groups(struct call *call)
{
    struct resp_out *out = call->out;
    struct stream stream;

    if (!open_stream(call, &stream)) return;
    resp_array(out, stream_group_count(stream));
    for (unsigned i = 0; i < stream_group_count(stream); i++) {
        const struct stream_group_layout *group = stream_group_at(stream, i);
        resp_map(out, 6);
        resp_bulk_text(out, "name");
        resp_bulk_slice(out, stream_named(group));
        resp_bulk_text(out, "consumers");
        resp_int(out, stream_consumer_count(stream, group));
        resp_bulk_text(out, "pending");
        resp_int(out, (int64_t)group->pending.count);
        resp_bulk_text(out, "last-delivered-id");
        stream_reply_id(out, group->last);
        resp_bulk_text(out, "entries-read");
        reply_count_read(out, group->entries_read);
        resp_bulk_text(out, "lag");
        reply_lag(out, stream, group);
    }
}

static void info_consumers(struct call *call);
static const struct command xinfo_consumers = {
    .name = "consumers",
    .handler = info_consumers,
    .arity = 4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers what each consumer of a group looks like.",
    .complexity = "O(N) where N is the number of consumers.",
    .specs = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING)),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("7.2.0", "Added the `inactive` field, and changed the meaning of `idle`."),
};

static void info_consumers(struct call *call)
{
    struct resp_out *out = call->out;
    struct stream stream;

    if (!open_stream(call, &stream)) return;
    const struct stream_group_layout *group = stream_value_group(call, stream, 3);
    if (!group) {
        resp_errorf(out, "NOGROUP No such consumer group '%.*s' for key name '%.*s'", (int)call->argv[3].len,
                    call->argv[3].ptr, (int)call->argv[2].len, call->argv[2].ptr);
        return;
    }
    resp_array(out, stream_consumer_count(stream, group));
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        const struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        resp_map(out, 4);
        resp_bulk_text(out, "name");
        resp_bulk_slice(out, stream_named(consumer));
        resp_bulk_text(out, "pending");
        resp_int(out, (int64_t)consumer->pending.count);
        resp_bulk_text(out, "idle");
        resp_int(out, since(call->now_ms, consumer->seen_ms));
        resp_bulk_text(out, "inactive");
        resp_int(out, consumer->active_ms < 0 ? -1 : since(call->now_ms, consumer->active_ms));
    }
}

/* ---- the container ---- */

static void help(struct call *call);
static const struct command xinfo_help = {HELP_ROW(help, GROUP_STREAM, CATEGORY_STREAM, "5.0.0")};

static void help(struct call *call)
{
    help_reply(call, "XINFO",
               (const char *const[]){
                   "CONSUMERS <key> <groupname>",
                   "    The consumers of a group.",
                   "GROUPS <key>",
                   "    The groups of a stream.",
                   "STREAM <key> [FULL [COUNT <count>]]",
                   "    The stream; with FULL its first entries, its groups, and what they have pending.",
                   NULL,
               });
}

const struct command stream_xinfo = {
    .name = "xinfo",
    .arity = -2,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "A container of commands that tell what streams look like.",
    .complexity = "Depends on subcommand.",
    .subcommands =
        (const struct command *const[]){&xinfo_consumers, &xinfo_groups, &xinfo_help, &xinfo_stream, NULL},
};
