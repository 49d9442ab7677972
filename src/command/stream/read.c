/* read.c: XREAD and XREADGROUP.
 *
 * A command first resolves all its streams, so that a mistake in the last one is answered before the first mutation.
 * With BLOCK and nothing to answer it waits; `$` is what it was when the wait began.
 */
#include "command/block.h"
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_ON_STACK 8

static size_t stream_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap);

#define READ_STREAMS_ARGUMENT                                                                                \
    {                                                                                                        \
        .name = "streams", .type = ARG_BLOCK, .token = "STREAMS",                                            \
        .sub = ARGUMENTS(ARGUMENT_KEYS("key", 0), ARGUMENT_MANY("id", ARG_STRING))                           \
    }
#define READ_BLOCK_ARGUMENT                                                                                  \
    {                                                                                                        \
        .name = "milliseconds", .type = ARG_INTEGER, .token = "BLOCK", .flags = ARG_OPTIONAL                 \
    }
#define READ_SPEC(from)                                                                                      \
    {                                                                                                        \
        KEY_BEGIN_KEYWORD, (from), "STREAMS", KEY_FIND_RANGE, -1, 1, 2, KEY_RO | KEY_ACCESS, NULL            \
    }

static void xread(struct call *call);
const struct command stream_xread = {
    .name = "xread",
    .handler = xread,
    .arity = -4,
    .flags = COMMAND_READONLY | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers the entries of streams behind given IDs.",
    .complexity = "O(log(N)+M) for each stream, where N is its length and M the number of entries answered.",
    .specs = {READ_SPEC(1)},
    .get_keys = stream_keys,
    .arguments = ARGUMENTS(STREAM_COUNT_ARGUMENT, READ_BLOCK_ARGUMENT, READ_STREAMS_ARGUMENT),
};

static void xreadgroup(struct call *call);
const struct command stream_xreadgroup = {
    .name = "xreadgroup",
    .handler = xreadgroup,
    .arity = -7,
    .flags = COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Gives new entries of streams to a consumer of a group, or answers those it has pending.",
    .complexity = "O(log(N)+M) for each stream, where N is its length and M the number of entries answered.",
    .specs = {READ_SPEC(4)},
    .get_keys = stream_keys,
    .arguments =
        ARGUMENTS({.name = "group_consumer",
                   .type = ARG_BLOCK,
                   .token = "GROUP",
                   .sub = ARGUMENTS(ARGUMENT("group", ARG_STRING), ARGUMENT("consumer", ARG_STRING))},
                  STREAM_COUNT_ARGUMENT, READ_BLOCK_ARGUMENT,
                  {.name = "noack", .type = ARG_PURE_TOKEN, .token = "NOACK", .flags = ARG_OPTIONAL},
                  READ_STREAMS_ARGUMENT),
};

/* ---- options ---- */

struct read_options {
    bool of_group; /* XREADGROUP */
    bool noack;
    bool waits;         /* BLOCK */
    int64_t timeout_ms; /* 0: any time */
    uint64_t limit;     /* 0: none */
    size_t group_arg;   /* the consumer's is the next one; 0: not given */
    size_t first_arg;   /* of the keys; 0: no STREAMS */
    size_t streams;
};

static size_t stream_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    for (size_t i = 1; i < argc; i++) {
        if (slice_is_word(argv[i], "block") || slice_is_word(argv[i], "count")) {
            i++;
        } else if (slice_is_word(argv[i], "group")) {
            i += 2;
        } else if (slice_is_word(argv[i], "streams")) {
            size_t streams = (argc - i - 1) / 2;
            if ((argc - i - 1) % 2 != 0 || streams > cap) return 0;
            for (size_t k = 0; k < streams; k++)
                indexes[k] = i + 1 + k;
            return streams;
        } else if (!slice_is_word(argv[i], "noack")) {
            return 0;
        }
    }
    return 0;
}

static bool refuse(struct call *call, const char *error)
{
    resp_error(call->out, error);
    return false;
}

static bool parse_group_option(struct call *call, size_t *arg, struct read_options *options)
{
    if (!options->of_group)
        return refuse(call,
                      "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
    options->group_arg = *arg + 1;
    *arg += 2;
    return true;
}

static bool parse_count(struct call *call, size_t arg, struct read_options *options)
{
    int64_t count;
    if (!call_int(call, arg, &count)) return false;
    options->limit = count < 0 ? 0 : (uint64_t)count;
    return true;
}

static bool parse_streams(struct call *call, size_t arg, struct read_options *options)
{
    options->first_arg = arg + 1;
    options->streams = (call->argc - options->first_arg) / 2;
    if ((call->argc - options->first_arg) % 2 == 0) return true;
    resp_errorf(call->out,
                "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%c' must be specified.",
                call->command->name, options->of_group ? '>' : '$');
    return false;
}

static bool parse_options(struct call *call, struct read_options *options)
{
    for (size_t arg = 1; arg < call->argc && options->first_arg == 0; arg++) {
        size_t more = call->argc - arg - 1;
        bool valid;
        if (more >= 1 && call_arg_is(call, arg, "block")) {
            options->waits = true;
            valid = block_timeout_ms(call, ++arg, &options->timeout_ms);
        } else if (more >= 1 && call_arg_is(call, arg, "count")) {
            valid = parse_count(call, ++arg, options);
        } else if (more >= 1 && call_arg_is(call, arg, "streams")) {
            valid = parse_streams(call, arg, options);
        } else if (more >= 2 && call_arg_is(call, arg, "group")) {
            valid = parse_group_option(call, &arg, options);
        } else if (call_arg_is(call, arg, "noack")) {
            options->noack = true;
            valid = options->of_group ||
                    refuse(call,
                           "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
        } else {
            valid = refuse(call, "ERR syntax error");
        }
        if (!valid) return false;
    }
    if (options->first_arg == 0) return refuse(call, "ERR syntax error");
    if (options->of_group && options->group_arg == 0)
        return refuse(call, "ERR Missing GROUP option for XREADGROUP");
    return true;
}

/* ---- what to read ---- */

struct source {
    struct stream stream; /* root NULL: no such key */
    struct stream_group_layout *group;
    struct stream_id after;
    bool is_new; /* XREADGROUP: what the group has not been given */
};

/* The ID of stream `index`; false after having replied the error. */
static bool resolve_id(struct call *call, const struct read_options *options, size_t index,
                       struct source *source)
{
    size_t arg = options->first_arg + options->streams + index;
    struct slice text = call->argv[arg];
    if (slice_equal(text, SLICE("$"))) {
        if (options->of_group)
            return refuse(
                call,
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history "
                "of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ "
                "ID would just return an empty result set.");
        source->after = source->stream.root ? source->stream.root->counts.last : STREAM_ID_MIN;
        return true;
    }
    if (slice_equal(text, SLICE(">"))) {
        if (!options->of_group)
            return refuse(
                call, "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
                      "<consumer> option.");
        source->after = STREAM_ID_MAX;
    } else if (!stream_arg_id(call, arg, 0, &source->after)) {
        return false;
    }
    source->is_new =
        options->of_group && stream_id_equal(source->after, STREAM_ID_MAX); /* however it is written */
    if (source->is_new) source->after = source->group->last;
    return true;
}

static bool resolve(struct call *call, const struct read_options *options, size_t index,
                    struct source *source)
{
    *source = (struct source){0};
    if (!stream_value_read(call, index, &source->stream)) return false;
    if (options->of_group) {
        source->group = stream_value_group(call, source->stream, options->group_arg);
        if (!source->group) {
            stream_reply_no_group(call, call->keys[index].name, call->argv[options->group_arg],
                                  " in XREADGROUP with GROUP option");
            return false;
        }
    }
    return resolve_id(call, options, index, source);
}

/* ---- reading ---- */

/* What is replied: an array of pairs, or a map, of streams. */
struct answer {
    struct call *call;
    const struct read_options *options;
    struct resp_later later;
    size_t streams;
};

static void answer_stream(struct answer *answer, size_t index)
{
    struct resp_out *out = answer->call->out;
    if (answer->streams++ == 0) answer->later = resp_later_begin(out);
    if (out->proto == 2) resp_array(out, 2);
    resp_bulk_slice(out, answer->call->keys[index].name);
}

static void read_stream(struct answer *answer, size_t index, const struct source *source)
{
    struct stream_range range;
    struct stream_id first = source->after;
    if (!source->stream.root || source->stream.root->counts.length == 0 || !stream_id_increment(&first))
        return;
    if (stream_id_compare(stream_last_entry_id(source->stream), first) < 0) return;
    stream_range_begin(source->stream, first, STREAM_ID_MAX, false, &range);
    answer_stream(answer, index);
    stream_reply_range(answer->call->out, &range, answer->options->limit);
}

/* Notes that the consumer was given the entry. */
static enum error give(struct call *call, const struct source *source,
                       struct stream_consumer_layout *consumer, struct stream_id id)
{
    struct stream_pending_layout *pending = stream_pending_find(source->stream, source->group, id);
    if (pending) return stream_pending_assign(call->tx, source->stream, pending, consumer, call->now_ms, 1);
    return stream_pending_add(call->tx, source->stream, source->group, consumer, id, call->now_ms, 1,
                              &pending);
}

/* Replies the entries that the group was not given yet, and notes that it was. */
static enum error give_new(struct answer *answer, size_t index, const struct source *source,
                           struct stream_consumer_layout *consumer)
{
    struct call *call = answer->call;
    struct stream_id first = source->after, last = source->after, oldest;
    int64_t entries_read = source->group->entries_read;
    struct stream_range range;
    struct stream_item item;
    enum error error = ERROR_OK;
    size_t count = 0;
    if (!stream_id_increment(&first)) return ERROR_OK;
    stream_range_begin(source->stream, first, STREAM_ID_MAX, false, &range);
    if (!stream_range_next(&range, &item)) return ERROR_OK;
    oldest = stream_first_id(source->stream);
    answer_stream(answer, index);
    struct resp_later later = resp_later_begin(call->out);
    do {
        struct stream_id id = item.id;
        entries_read = stream_group_count_read(source->stream, oldest, last, entries_read, id);
        last = id;
        stream_reply_item(call->out, &item);
        if (!answer->options->noack) error = give(call, source, consumer, id);
        count++;
    } while (error == ERROR_OK && count != answer->options->limit && stream_range_next(&range, &item));
    resp_later_array(call->out, later, count);
    if (error == ERROR_OK) error = stream_group_set(call->tx, source->group, last, entries_read);
    return error == ERROR_OK ? stream_consumer_touch(call->tx, consumer, call->now_ms, true) : error;
}

/* Replies what the consumer has pending, and notes that it was told again. */
static enum error repeat_pending(struct answer *answer, size_t index, const struct source *source,
                                 struct stream_consumer_layout *consumer)
{
    struct call *call = answer->call;
    struct stream_id first = source->after;
    struct stream_pending_layout *pending;
    enum error error = ERROR_OK;
    size_t count = 0;
    answer_stream(answer, index);
    struct resp_later later = resp_later_begin(call->out);
    bool any = stream_id_increment(&first);
    struct stream_pending_range range = stream_pending_from(source->stream, &consumer->pending, first);
    while (any && error == ERROR_OK && (count == 0 || count != answer->options->limit) &&
           (pending = stream_pending_next(&range)) != NULL) {
        struct stream_item item;
        if (stream_find(source->stream, pending->id, &item)) {
            stream_reply_item(call->out, &item);
            error = stream_pending_assign(call->tx, source->stream, pending, consumer, call->now_ms,
                                          pending->deliveries + 1);
        } else {
            resp_array(call->out, 2);
            stream_reply_id(call->out, pending->id);
            resp_null_array(call->out);
        }
        count++;
    }
    resp_later_array(call->out, later, count);
    return error;
}

static bool read_as_consumer(struct answer *answer, size_t index, const struct source *source)
{
    struct call *call = answer->call;
    struct stream_consumer_layout *consumer =
        stream_value_consumer(call, index, source->stream, source->group, answer->options->group_arg + 1);
    if (!consumer) return false;
    enum error error = source->is_new ? give_new(answer, index, source, consumer)
                                      : repeat_pending(answer, index, source, consumer);
    if (error) call_fail(call, error);
    return error == ERROR_OK;
}

/* The text of an ID has room there. */
#define ID_BYTES 44

/* Waits with each `$` replaced by the ID that it stands for now. */
static void wait_for_entries(struct call *call, const struct read_options *options,
                             const struct source *sources)
{
    struct slice *argv = malloc(call->argc * sizeof *argv + options->streams * ID_BYTES);
    if (!argv) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    char *text = (char *)(argv + call->argc);
    memcpy(argv, call->argv, call->argc * sizeof *argv);
    for (size_t i = 0; i < options->streams; i++, text += ID_BYTES) {
        struct slice *id = &argv[options->first_arg + options->streams + i];
        if (!slice_equal(*id, SLICE("$"))) continue;
        int len = snprintf(text, ID_BYTES, "%llu-%llu", (unsigned long long)sources[i].after.ms,
                           (unsigned long long)sources[i].after.seq);
        *id = (struct slice){text, (size_t)len};
    }
    block_wait(call, &(struct block_wish){.kind = BLOCK_STREAM,
                                          .key_count = options->streams,
                                          .if_gone = options->of_group,
                                          .argv = argv,
                                          .timeout_ms = options->timeout_ms});
    free(argv);
}

static void read_sources(struct call *call, const struct read_options *options, struct source *sources)
{
    struct answer answer = {.call = call, .options = options};
    for (size_t i = 0; i < options->streams; i++)
        if (!resolve(call, options, i, &sources[i])) return;
    for (size_t i = 0; i < options->streams; i++) {
        if (!options->of_group) read_stream(&answer, i, &sources[i]);
        else if (!read_as_consumer(&answer, i, &sources[i])) return;
    }
    if (answer.streams == 0 && options->waits && block_is_allowed(call))
        wait_for_entries(call, options, sources);
    else if (answer.streams == 0) resp_null_array(call->out);
    else if (call->out->proto == 2) resp_later_array(call->out, answer.later, answer.streams);
    else resp_later_map(call->out, answer.later, answer.streams);
}

static void read_streams(struct call *call, bool of_group)
{
    struct read_options options = {.of_group = of_group};
    struct source few[SOURCES_ON_STACK], *sources = few;

    if (!parse_options(call, &options)) return;
    ASSERT(call->key_count == options.streams);
    if (options.streams > SOURCES_ON_STACK) sources = malloc(options.streams * sizeof(*sources));
    if (sources) read_sources(call, &options, sources);
    else call_fail(call, ERROR_MEMORY);
    if (sources != few) free(sources);
}

static void xread(struct call *call)
{
    read_streams(call, false);
}

static void xreadgroup(struct call *call)
{
    read_streams(call, true);
}
