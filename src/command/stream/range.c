/* range.c: XRANGE and XREVRANGE. */
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"

#define RANGE_ROW(function)                                                                                  \
    .handler = (function), .arity = -4, .flags = COMMAND_READONLY, .categories = CATEGORY_STREAM,            \
    .group = GROUP_STREAM, .since = "5.0.0",                                                                 \
    .complexity = "O(log(N)+M) where N is the length of the stream and M the number of entries answered.",   \
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)}, .history = HISTORY("6.2.0", "Added exclusive ranges.")

static void xrange(struct call *call);
const struct command stream_xrange = {
    .name = "xrange",
    RANGE_ROW(xrange),
    .summary = "Answers the entries of a stream between two IDs.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_STRING), ARGUMENT("end", ARG_STRING),
                           STREAM_COUNT_ARGUMENT),
};

static void xrevrange(struct call *call);
const struct command stream_xrevrange = {
    .name = "xrevrange",
    RANGE_ROW(xrevrange),
    .summary = "Answers the entries of a stream between two IDs, from the last to the first.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("end", ARG_STRING), ARGUMENT("start", ARG_STRING),
                           STREAM_COUNT_ARGUMENT),
};

static void reply_between(struct call *call, size_t first_arg, size_t last_arg, bool reverse)
{
    struct stream_id first, last;
    struct stream stream;
    struct stream_range range;
    int64_t limit = -1;

    if (!stream_arg_first(call, first_arg, &first) || !stream_arg_last(call, last_arg, &last)) return;
    for (size_t arg = 4; arg < call->argc; arg += 2) {
        if (!call_arg_is(call, arg, "count") || arg + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!call_int(call, arg + 1, &limit)) return;
        if (limit < 0) limit = 0;
    }
    if (!stream_value_read(call, 0, &stream)) return;
    if (!stream.root) {
        resp_array(call->out, 0);
    } else if (limit == 0) {
        resp_null_array(call->out);
    } else {
        stream_range_begin(stream, first, last, reverse, &range);
        stream_reply_range(call->out, &range, limit < 0 ? 0 : (uint64_t)limit);
    }
}

static void xrange(struct call *call)
{
    reply_between(call, 2, 3, false);
}

static void xrevrange(struct call *call)
{
    reply_between(call, 3, 2, true);
}
