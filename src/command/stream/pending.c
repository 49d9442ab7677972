/* pending.c: XACK and XPENDING: what consumers were given and have not acknowledged. */
#include "command/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"

/* ---- XACK ---- */

static void xack(struct call *call);
const struct command stream_xack = {
    .name = "xack",
    .handler = xack,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Acknowledges entries that a group has pending and answers how many there were.",
    .complexity = "O(log(N)) for each ID, where N is the number of entries pending.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("group", ARG_STRING), ARGUMENT_MANY("id", ARG_STRING)),
};

static void xack(struct call *call)
{
    struct stream stream;
    int64_t count = 0;

    if (!stream_value_edit(call, 0, &stream)) return;
    struct stream_group_layout *group = stream_value_group(call, stream, 2);
    if (group && !stream_args_are_ids(call, 3)) return;
    for (size_t arg = 3; group && arg < call->argc; arg++) {
        struct stream_id id;
        (void)stream_id_parse(call->argv[arg], 0, &id);
        struct stream_pending_layout *pending = stream_pending_find(stream, group, id);
        if (!pending) continue;
        enum error error = stream_pending_remove(call->tx, stream, group, pending);
        if (error) {
            call_fail(call, error);
            return;
        }
        count++;
    }
    call->changes += count > 0;
    resp_int(call->out, count);
}

/* ---- XPENDING ---- */

static void xpending(struct call *call);
const struct command stream_xpending = {
    .name = "xpending",
    .handler = xpending,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers what a group has pending: in short, or entry by entry.",
    .complexity = "O(log(N)+M) where N is the number of entries pending and M the number looked at; in short "
                  "O(C) where C is "
                  "the number of consumers.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("group", ARG_STRING),
                  {.name = "filters",
                   .type = ARG_BLOCK,
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS({.name = "min-idle-time",
                                     .type = ARG_INTEGER,
                                     .token = "IDLE",
                                     .flags = ARG_OPTIONAL,
                                     .since = "6.2.0"},
                                    ARGUMENT("start", ARG_STRING), ARGUMENT("end", ARG_STRING),
                                    ARGUMENT("count", ARG_INTEGER),
                                    {.name = "consumer", .type = ARG_STRING, .flags = ARG_OPTIONAL})}),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("6.2.0", "Added the `IDLE` option and exclusive range intervals."),
};

struct pending_filter {
    struct stream_id first, last;
    int64_t min_idle_ms;
    int64_t limit;
    size_t consumer_arg; /* 0: all */
};

static bool parse_filter(struct call *call, struct pending_filter *filter_out)
{
    size_t arg = 3;
    *filter_out = (struct pending_filter){0};
    if (call->argc < 6 || call->argc > 9) {
        call_syntax_error(call);
        return false;
    }
    if (call_arg_is(call, 3, "idle")) {
        if (!call_int(call, 4, &filter_out->min_idle_ms)) return false;
        if (call->argc < 8) {
            call_syntax_error(call);
            return false;
        }
        arg = 5;
    }
    if (!call_int(call, arg + 2, &filter_out->limit)) return false;
    if (arg + 3 < call->argc) filter_out->consumer_arg = arg + 3;
    return stream_arg_first(call, arg, &filter_out->first) &&
           stream_arg_last(call, arg + 1, &filter_out->last);
}

static void reply_summary(struct call *call, struct stream stream, struct stream_group_layout *group)
{
    struct stream_pending_range range = stream_pending_from(stream, &group->pending, STREAM_ID_MIN);
    const struct stream_pending_layout *first = stream_pending_next(&range);
    const struct stream_pending_layout *last = stream_pending_last(stream, &group->pending);
    size_t count = 0;
    resp_array(call->out, 4);
    resp_int(call->out, (int64_t)group->pending.count);
    if (!first || !last) {
        resp_null(call->out);
        resp_null(call->out);
        resp_null_array(call->out);
        return;
    }
    stream_reply_id(call->out, first->id);
    stream_reply_id(call->out, last->id);
    struct resp_later later = resp_later_begin(call->out);
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        const struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        if (consumer->pending.count == 0) continue;
        resp_array(call->out, 2);
        resp_bulk_slice(call->out, stream_named(consumer));
        resp_bulk_int(call->out, (int64_t)consumer->pending.count);
        count++;
    }
    resp_later_array(call->out, later, count);
}

static void reply_filtered(struct call *call, struct stream stream, struct btree_layout *tree,
                           const struct pending_filter *filter)
{
    struct resp_later later = resp_later_begin(call->out);
    struct stream_pending_range range = stream_pending_from(stream, tree, filter->first);
    const struct stream_pending_layout *pending;
    int64_t count = 0;
    while (count < filter->limit && (pending = stream_pending_next(&range)) != NULL &&
           stream_id_compare(pending->id, filter->last) <= 0) {
        int64_t idle_ms = call->now_ms - pending->delivered_ms;
        if (filter->min_idle_ms != 0 && idle_ms < filter->min_idle_ms) continue;
        resp_array(call->out, 4);
        stream_reply_id(call->out, pending->id);
        resp_bulk_slice(call->out, stream_named(stream_pending_consumer(stream, pending)));
        resp_int(call->out, idle_ms < 0 ? 0 : idle_ms);
        resp_int(call->out, pending->deliveries);
        count++;
    }
    resp_later_array(call->out, later, (size_t)count);
}

static void xpending(struct call *call)
{
    struct pending_filter filter;
    struct stream stream;
    bool in_short = call->argc == 3;

    if (!in_short && !parse_filter(call, &filter)) return;
    if (!stream_value_read(call, 0, &stream)) return;
    struct stream_group_layout *group = stream_value_group(call, stream, 2);
    if (!group) {
        stream_reply_no_group(call, call->argv[1], call->argv[2], "");
        return;
    }
    if (in_short) {
        reply_summary(call, stream, group);
        return;
    }
    struct btree_layout *tree = &group->pending;
    if (filter.consumer_arg != 0) {
        struct stream_consumer_layout *consumer =
            stream_consumer_find(stream, group, call->argv[filter.consumer_arg]);
        if (!consumer) {
            resp_array(call->out, 0);
            return;
        }
        tree = &consumer->pending;
    }
    reply_filtered(call, stream, tree, &filter);
}
