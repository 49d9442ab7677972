/* entries.c: XADD, XDEL, XLEN, XSETID: the entries of a stream and its last ID. */
#include "command/server_state.h"
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/trim.h"

/* ---- XADD ---- */

static void xadd(struct call *call);
const struct command stream_xadd = {
    .name = "xadd",
    .handler = xadd,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Appends an entry to a stream, which is made when it is not there.",
    .complexity = "O(1) for the entry, O(N) for trimming where N is the number of entries deleted.",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, 0, 1, 0, KEY_RW | KEY_UPDATE,
               "UPDATE instead of INSERT because of the optional trimming feature"}},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "nomkstream",
                            .type = ARG_PURE_TOKEN,
                            .token = "NOMKSTREAM",
                            .flags = ARG_OPTIONAL,
                            .since = "6.2.0"},
                           STREAM_TRIM_ARGUMENT(ARG_OPTIONAL),
                           {.name = "id_or_auto",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("auto_id", "*"), ARGUMENT("id", ARG_STRING))},
                           {.name = "field_value",
                            .type = ARG_BLOCK,
                            .flags = ARG_MULTIPLE,
                            .sub = ARGUMENTS(ARGUMENT("field", ARG_STRING), ARGUMENT("value", ARG_STRING))}),
    .tips = TIPS("nondeterministic_output"),
    .history =
        HISTORY("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.",
                "7.0.0", "Added support for the `<ms>-*` explicit ID form."),
};

/* The ID that the new entry asks for. */
struct wanted_id {
    struct stream_id id;
    bool given;     /* else the time of day */
    bool seq_given; /* else the next one */
};

static bool parse_wanted_id(struct call *call, size_t arg, struct wanted_id *wanted_out)
{
    *wanted_out = (struct wanted_id){.id = {(uint64_t)call->now_ms, 0}};
    if (arg < call->argc && slice_equal(call->argv[arg], SLICE("*"))) return true;
    wanted_out->given = true;
    if (arg < call->argc && !stream_arg_new_id(call, arg, &wanted_out->id, &wanted_out->seq_given))
        return false;
    return true;
}

/* The ID of the entry, above the last one; false when there is none. */
static bool choose_id(const struct wanted_id *wanted, struct stream_id last, struct stream_id *id_out)
{
    *id_out = wanted->id;
    if (!wanted->given && wanted->id.ms <= last.ms) {
        *id_out = last;
        return stream_id_increment(id_out);
    }
    if (wanted->given && !wanted->seq_given && wanted->id.ms == last.ms) {
        if (last.seq == UINT64_MAX) return false;
        id_out->seq = last.seq + 1;
    }
    return stream_id_compare(*id_out, last) > 0;
}

static enum error append(struct call *call, struct stream stream, struct stream_id id, size_t first_field)
{
    const struct packed_settings *settings = &call->worker->server->settings->packed;
    struct stream_limits limits = {
        atomic_load_explicit(&settings->stream_node_max_bytes, memory_order_relaxed),
        atomic_load_explicit(&settings->stream_node_max_entries, memory_order_relaxed),
    };
    return stream_append(call->tx, stream, id, call->argv + first_field, (call->argc - first_field) / 2,
                         &limits, &call->worker->stream_scratch);
}

/* Appends, trims, replies the ID. */
static void add(struct call *call, struct stream stream, struct stream_id id, size_t first_field,
                const struct trim_options *options)
{
    uint64_t deleted = 0;
    enum error error = append(call, stream, id, first_field);
    if (error == ERROR_OK && options->given) error = stream_trim(call->tx, stream, &options->trim, &deleted);
    if (error == ERROR_TOO_LARGE) {
        resp_error(call->out, "ERR Elements are too large to be stored");
        return;
    }
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "xadd", &call->keys[0]);
    if (deleted > 0) call_notify(call, "xtrim", &call->keys[0]);
    stream_reply_id(call->out, id);
}

static void xadd(struct call *call)
{
    struct trim_options options;
    struct wanted_id wanted;
    struct stream_id id, last = STREAM_ID_MIN;
    struct stream stream;
    size_t id_arg;

    if (!trim_options_parse(call, true, &options, &id_arg) || !parse_wanted_id(call, id_arg, &wanted)) return;
    if (call->argc < id_arg + 3 || (call->argc - id_arg) % 2 == 0) {
        resp_error(call->out, "ERR wrong number of arguments for 'xadd' command");
        return;
    }
    if (wanted.given && wanted.seq_given && stream_id_is_zero(wanted.id)) {
        resp_error(call->out, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    if (!stream_value_edit(call, 0, &stream)) return;
    if (!stream.root && options.no_mkstream) {
        resp_null(call->out);
        return;
    }
    if (stream.root) last = stream.root->counts.last;
    if (stream_id_equal(last, STREAM_ID_MAX)) {
        resp_error(call->out, "ERR The stream has exhausted the last possible ID, unable to add more items");
        return;
    }
    if (!choose_id(&wanted, last, &id)) {
        resp_error(call->out,
                   "ERR The ID specified in XADD is equal or smaller than the target stream top item");
        return;
    }
    if (!stream.root && !stream_value_create(call, 0, &stream)) return;
    add(call, stream, id, id_arg + 1, &options);
}

/* ---- XDEL ---- */

static void xdel(struct call *call);
const struct command stream_xdel = {
    .name = "xdel",
    .handler = xdel,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Deletes entries of a stream by their IDs and answers how many were there.",
    .complexity = "O(log(N)) for each entry, where N is the length of the stream.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("id", ARG_STRING)),
};

static void xdel(struct call *call)
{
    struct stream stream;
    int64_t count = 0;

    if (!stream_value_edit(call, 0, &stream)) return;
    if (stream.root && !stream_args_are_ids(call, 2)) return;
    for (size_t arg = 2; stream.root && arg < call->argc; arg++) {
        struct stream_id id;
        bool deleted = false;
        (void)stream_id_parse(call->argv[arg], 0, &id);
        enum error error = stream_delete(call->tx, stream, id, &deleted);
        if (error) {
            call_fail(call, error);
            return;
        }
        count += deleted;
    }
    if (count > 0) call_notify(call, "xdel", &call->keys[0]);
    resp_int(call->out, count);
}

/* ---- XLEN ---- */

static void xlen(struct call *call);
const struct command stream_xlen = {
    .name = "xlen",
    .handler = xlen,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Answers how many entries a stream has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void xlen(struct call *call)
{
    struct stream stream;

    if (stream_value_read(call, 0, &stream))
        resp_int(call->out, stream.root ? (int64_t)stream.root->counts.length : 0);
}

/* ---- XSETID ---- */

static void xsetid(struct call *call);
const struct command stream_xsetid = {
    .name = "xsetid",
    .handler = xsetid,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Sets a stream's last ID, and what it has counted. For replication and repair.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("last-id", ARG_STRING),
                           {.name = "entries_added",
                            .type = ARG_INTEGER,
                            .token = "ENTRIESADDED",
                            .flags = ARG_OPTIONAL,
                            .since = "7.0.0"},
                           {.name = "max_deleted_entry_id",
                            .type = ARG_STRING,
                            .token = "MAXDELETEDID",
                            .flags = ARG_OPTIONAL,
                            .since = "7.0.0"}),
    .history = HISTORY("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."),
};

struct setid_options {
    struct stream_id last, max_deleted;
    int64_t entries_added; /* -1: not given */
};

static bool refuse(struct call *call, const char *error)
{
    resp_error(call->out, error);
    return false;
}

static bool parse_setid(struct call *call, struct setid_options *options_out)
{
    *options_out = (struct setid_options){.entries_added = -1};
    if (!stream_arg_id(call, 2, 0, &options_out->last)) return false;
    for (size_t arg = 3; arg < call->argc; arg += 2) {
        bool more = arg + 1 < call->argc;
        if (more && call_arg_is(call, arg, "entriesadded")) {
            if (!call_int(call, arg + 1, &options_out->entries_added)) return false;
            if (options_out->entries_added < 0) return refuse(call, "ERR entries_added must be positive");
        } else if (more && call_arg_is(call, arg, "maxdeletedid")) {
            if (!stream_arg_id(call, arg + 1, 0, &options_out->max_deleted)) return false;
            if (stream_id_compare(options_out->last, options_out->max_deleted) < 0)
                return refuse(
                    call, "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static bool check_setid(struct call *call, struct stream stream, const struct setid_options *options)
{
    if (stream_id_compare(options->last, stream.root->max_deleted) < 0)
        return refuse(call, "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
    if (stream.root->counts.length == 0) return true;
    if (stream_id_compare(options->last, stream_last_entry_id(stream)) < 0)
        return refuse(call, "ERR The ID specified in XSETID is smaller than the target stream top item");
    if (options->entries_added >= 0 && stream.root->counts.length > (uint64_t)options->entries_added)
        return refuse(call,
                      "ERR The entries_added specified in XSETID is smaller than the target stream length");
    return true;
}

static void xsetid(struct call *call)
{
    struct setid_options options;
    struct stream stream;

    if (!parse_setid(call, &options) || !stream_value_edit(call, 0, &stream)) return;
    if (!stream.root) {
        resp_error(call->out, "ERR no such key");
        return;
    }
    if (!check_setid(call, stream, &options)) return;
    uint64_t added = (uint64_t)options.entries_added;
    enum error error =
        stream_set_last(call->tx, stream, options.last, options.entries_added < 0 ? NULL : &added,
                        stream_id_is_zero(options.max_deleted) ? NULL : &options.max_deleted);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "xsetid", &call->keys[0]);
    resp_ok(call->out);
}
