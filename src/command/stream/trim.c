/* trim.c: XTRIM, and the trimming options of XADD. */
#include "command/stream/trim.h"

#include "command/arguments.h"
#include "command/server_state.h"
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"

#define LIMIT_CHUNKS  100 /* that `~` looks at unless told */
#define LIMIT_DEFAULT 10000
#define LIMIT_MAX     1000000

/* ---- options ---- */

struct parser {
    struct call *call;
    struct trim_options *options;
    size_t arg;
    bool limit_given;
};

static bool refuse(struct parser *parser, const char *error)
{
    resp_error(parser->call->out, error);
    return false;
}

/* MAXLEN or MINID, [= or ~], threshold. */
static bool parse_strategy(struct parser *parser, bool by_id)
{
    struct call *call = parser->call;
    struct stream_trim *trim = &parser->options->trim;
    int64_t max_len = 0;
    if (parser->options->given)
        return refuse(parser,
                      "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    parser->options->given = true;
    trim->by_id = by_id;
    parser->arg++;
    bool more = parser->arg + 1 < call->argc;
    trim->whole_chunks = more && call_arg_is(call, parser->arg, "~");
    if (trim->whole_chunks || (more && call_arg_is(call, parser->arg, "="))) parser->arg++;
    if (by_id) return stream_arg_id(call, parser->arg, 0, &trim->min_id);
    if (!call_int(call, parser->arg, &max_len)) return false;
    if (max_len < 0) return refuse(parser, "ERR The MAXLEN argument must be >= 0.");
    trim->max_len = (uint64_t)max_len;
    return true;
}

static bool parse_limit(struct parser *parser)
{
    int64_t limit;
    if (!call_int(parser->call, ++parser->arg, &limit)) return false;
    if (limit < 0) return refuse(parser, "ERR The LIMIT argument must be >= 0.");
    parser->options->trim.limit = (uint64_t)limit;
    parser->limit_given = true;
    return true;
}

static uint64_t default_limit(const struct call *call)
{
    const struct packed_settings *settings = &call->worker->server->settings->packed;
    uint64_t entries = atomic_load_explicit(&settings->stream_node_max_entries, memory_order_relaxed);
    if (entries == 0) return LIMIT_DEFAULT;
    return entries < LIMIT_MAX / LIMIT_CHUNKS ? entries * LIMIT_CHUNKS : LIMIT_MAX;
}

static bool check(struct parser *parser, bool xadd)
{
    struct trim_options *options = parser->options;
    if (options->trim.limit > 0 && !options->given)
        return refuse(parser,
                      "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    if (!xadd && !options->given)
        return refuse(parser, "ERR syntax error, XTRIM must be called with a trimming strategy");
    if (parser->limit_given && !options->trim.whole_chunks)
        return refuse(parser, "ERR syntax error, LIMIT cannot be used without the special ~ option");
    if (!parser->limit_given && options->trim.whole_chunks) options->trim.limit = default_limit(parser->call);
    return true;
}

bool trim_options_parse(struct call *call, bool xadd, struct trim_options *options_out, size_t *id_arg_out)
{
    struct parser parser = {.call = call, .options = options_out, .arg = 2};
    *options_out = (struct trim_options){0};
    for (; parser.arg < call->argc; parser.arg++) {
        bool more = parser.arg + 1 < call->argc;
        if (xadd && slice_equal(call->argv[parser.arg], SLICE("*"))) break;
        if (more && call_arg_is(call, parser.arg, "maxlen")) {
            if (!parse_strategy(&parser, false)) return false;
        } else if (more && call_arg_is(call, parser.arg, "minid")) {
            if (!parse_strategy(&parser, true)) return false;
        } else if (more && call_arg_is(call, parser.arg, "limit")) {
            if (!parse_limit(&parser)) return false;
        } else if (xadd && call_arg_is(call, parser.arg, "nomkstream")) {
            options_out->no_mkstream = true;
        } else if (xadd) {
            break;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    *id_arg_out = parser.arg;
    return check(&parser, xadd);
}

/* ---- XTRIM ---- */

static void xtrim(struct call *call);
const struct command stream_xtrim = {
    .name = "xtrim",
    .handler = xtrim,
    .arity = -4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Deletes the oldest entries of a stream, down to a length or up to an ID.",
    .complexity = "O(N) where N is the number of entries deleted; whole chunks of entries go at once.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), STREAM_TRIM_ARGUMENT(0)),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."),
};

static void xtrim(struct call *call)
{
    struct trim_options options;
    struct stream stream;
    size_t id_arg;
    uint64_t deleted = 0;

    if (!trim_options_parse(call, false, &options, &id_arg) || !stream_value_edit(call, 0, &stream)) return;
    if (stream.root) {
        enum error error = stream_trim(call->tx, stream, &options.trim, &deleted);
        if (error) {
            call_fail(call, error);
            return;
        }
    }
    if (deleted > 0) call_notify(call, "xtrim", &call->keys[0]);
    resp_int(call->out, (int64_t)deleted);
}
