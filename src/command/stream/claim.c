/* claim.c: XCLAIM and XAUTOCLAIM: pending entries change hands. */
#include "command/stream/arguments.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"

#define AUTOCLAIM_COUNT    100
#define AUTOCLAIM_ATTEMPTS 10 /* records looked at for each that COUNT allows */

/* What both commands do with a record. */
struct claim {
    struct call *call;
    struct stream stream;
    struct stream_group_layout *group;
    struct stream_consumer_layout *consumer;
    int64_t min_idle_ms;
    int64_t delivered_ms; /* what the record says from now on */
    int64_t retry_count;  /* -1: one more than before, but for justid */
    bool justid;
    size_t claimed;
};

/* Gives the record to the consumer and replies the entry. */
static enum error claim_entry(struct claim *claim, struct stream_pending_layout *pending,
                              struct stream_item *item)
{
    struct resp_out *out = claim->call->out;
    int64_t deliveries = pending->deliveries + !claim->justid;
    if (claim->retry_count >= 0) deliveries = claim->retry_count;
    enum error error = stream_pending_assign(claim->call->tx, claim->stream, pending, claim->consumer,
                                             claim->delivered_ms, deliveries);
    if (claim->justid) stream_reply_id(out, item->id);
    else stream_reply_item(out, item);
    claim->claimed++;
    return error;
}

static bool is_busy(const struct claim *claim, const struct stream_pending_layout *pending)
{
    return claim->min_idle_ms > 0 && claim->call->now_ms - pending->delivered_ms < claim->min_idle_ms;
}

/* Looks up stream, group and consumer; false after having replied why not. */
static bool find_group(struct claim *claim)
{
    struct call *call = claim->call;
    if (!stream_value_edit(call, 0, &claim->stream)) return false;
    claim->group = stream_value_group(call, claim->stream, 2);
    if (!claim->group) stream_reply_no_group(call, call->argv[1], call->argv[2], "");
    return claim->group != NULL;
}

static bool find_consumer(struct claim *claim)
{
    claim->consumer = stream_value_consumer(claim->call, 0, claim->stream, claim->group, 3);
    return claim->consumer != NULL;
}

static enum error touch_consumer(struct claim *claim)
{
    claim->call->changes += claim->claimed > 0;
    return stream_consumer_touch(claim->call->tx, claim->consumer, claim->call->now_ms, claim->claimed > 0);
}

/* ---- XCLAIM ---- */

static void xclaim(struct call *call);
const struct command stream_xclaim = {
    .name = "xclaim",
    .handler = xclaim,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "Gives pending entries to another consumer of the group, as if they had been delivered to it.",
    .complexity = "O(log(N)) for each ID, where N is the number of entries pending.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0), ARGUMENT("group", ARG_STRING), ARGUMENT("consumer", ARG_STRING),
        ARGUMENT("min-idle-time", ARG_STRING), ARGUMENT_MANY("id", ARG_STRING),
        {.name = "ms", .type = ARG_INTEGER, .token = "IDLE", .flags = ARG_OPTIONAL},
        {.name = "unix-time-milliseconds", .type = ARG_UNIX_TIME, .token = "TIME", .flags = ARG_OPTIONAL},
        {.name = "count", .type = ARG_INTEGER, .token = "RETRYCOUNT", .flags = ARG_OPTIONAL},
        {.name = "force", .type = ARG_PURE_TOKEN, .token = "FORCE", .flags = ARG_OPTIONAL},
        {.name = "justid", .type = ARG_PURE_TOKEN, .token = "JUSTID", .flags = ARG_OPTIONAL},
        {.name = "lastid", .type = ARG_STRING, .token = "LASTID", .flags = ARG_OPTIONAL}),
    .tips = TIPS("nondeterministic_output"),
};

struct claim_options {
    size_t ids_end; /* the argument behind the last ID */
    bool force;
    struct stream_id last;
    bool time_given;
};

static bool claim_int(struct call *call, size_t arg, const char *error, int64_t *value_out)
{
    return call_int_range(call, arg, INT64_MIN, INT64_MAX, error, value_out);
}

static bool parse_claim_option(struct claim *claim, struct claim_options *options, size_t *arg)
{
    struct call *call = claim->call;
    bool more = *arg + 1 < call->argc;
    if (call_arg_is(call, *arg, "force")) {
        options->force = true;
    } else if (call_arg_is(call, *arg, "justid")) {
        claim->justid = true;
    } else if (more && call_arg_is(call, *arg, "idle")) {
        int64_t idle_ms;
        if (!claim_int(call, ++*arg, "ERR Invalid IDLE option argument for XCLAIM", &idle_ms)) return false;
        if (__builtin_sub_overflow(call->now_ms, idle_ms, &claim->delivered_ms)) claim->delivered_ms = -1;
        options->time_given = true;
    } else if (more && call_arg_is(call, *arg, "time")) {
        options->time_given = true;
        return claim_int(call, ++*arg, "ERR Invalid TIME option argument for XCLAIM", &claim->delivered_ms);
    } else if (more && call_arg_is(call, *arg, "retrycount")) {
        return claim_int(call, ++*arg, "ERR Invalid RETRYCOUNT option argument for XCLAIM",
                         &claim->retry_count);
    } else if (more && call_arg_is(call, *arg, "lastid")) {
        return stream_arg_id(call, ++*arg, 0, &options->last);
    } else {
        resp_errorf(call->out, "ERR Unrecognized XCLAIM option '%.*s'", (int)call->argv[*arg].len,
                    call->argv[*arg].ptr);
        return false;
    }
    return true;
}

static bool parse_claim(struct claim *claim, struct claim_options *options)
{
    struct call *call = claim->call;
    struct stream_id id;
    if (!claim_int(call, 4, "ERR Invalid min-idle-time argument for XCLAIM", &claim->min_idle_ms))
        return false;
    options->ids_end = 5;
    while (options->ids_end < call->argc && stream_id_parse(call->argv[options->ids_end], 0, &id))
        options->ids_end++;
    for (size_t arg = options->ids_end; arg < call->argc; arg++)
        if (!parse_claim_option(claim, options, &arg)) return false;
    if (!options->time_given || claim->delivered_ms < 0 || claim->delivered_ms > call->now_ms)
        claim->delivered_ms = call->now_ms;
    return true;
}

static enum error claim_id(struct claim *claim, const struct claim_options *options, struct stream_id id)
{
    struct call *call = claim->call;
    struct stream_pending_layout *pending = stream_pending_find(claim->stream, claim->group, id);
    struct stream_item item;
    if (!stream_find(claim->stream, id, &item)) { /* nothing is left to be acknowledged */
        call->changes += pending != NULL;
        return pending ? stream_pending_remove(call->tx, claim->stream, claim->group, pending) : ERROR_OK;
    }
    if (pending && is_busy(claim, pending)) return ERROR_OK;
    if (!pending) {
        if (!options->force) return ERROR_OK;
        enum error error = stream_pending_add(call->tx, claim->stream, claim->group, claim->consumer, id,
                                              claim->delivered_ms, 1, &pending);
        if (error != ERROR_OK) return error;
    }
    return claim_entry(claim, pending, &item);
}

static void xclaim(struct call *call)
{
    struct claim claim = {.call = call, .retry_count = -1};
    struct claim_options options = {0};

    if (!find_group(&claim) || !parse_claim(&claim, &options) || !find_consumer(&claim)) return;
    struct resp_later later = resp_later_begin(call->out);
    enum error error = ERROR_OK;
    if (stream_id_compare(options.last, claim.group->last) > 0)
        error = stream_group_set(call->tx, claim.group, options.last, claim.group->entries_read);
    for (size_t arg = 5; error == ERROR_OK && arg < options.ids_end; arg++) {
        struct stream_id id;
        (void)stream_id_parse(call->argv[arg], 0, &id);
        error = claim_id(&claim, &options, id);
    }
    if (error == ERROR_OK) error = touch_consumer(&claim);
    if (error) call_fail(call, error);
    else resp_later_array(call->out, later, claim.claimed);
}

/* ---- XAUTOCLAIM ---- */

static void xautoclaim(struct call *call);
const struct command stream_xautoclaim = {
    .name = "xautoclaim",
    .handler = xautoclaim,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STREAM,
    .group = GROUP_STREAM,
    .since = "6.2.0",
    .summary = "Gives pending entries that were left idle to another consumer of the group.",
    .complexity = "O(log(N)) where N is the number of entries pending, for each that is looked at.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("group", ARG_STRING), ARGUMENT("consumer", ARG_STRING),
                  ARGUMENT("min-idle-time", ARG_STRING), ARGUMENT("start", ARG_STRING), STREAM_COUNT_ARGUMENT,
                  {.name = "justid", .type = ARG_PURE_TOKEN, .token = "JUSTID", .flags = ARG_OPTIONAL}),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("7.0.0", "Added an element to the reply array, containing deleted entries the command "
                                "cleared from the PEL"),
};

static bool parse_autoclaim(struct claim *claim, struct stream_id *first_out, int64_t *count_out)
{
    struct call *call = claim->call;
    *count_out = AUTOCLAIM_COUNT;
    if (!claim_int(call, 4, "ERR Invalid min-idle-time argument for XAUTOCLAIM", &claim->min_idle_ms) ||
        !stream_arg_first(call, 5, first_out))
        return false;
    for (size_t arg = 6; arg < call->argc; arg++) {
        if (call_arg_is(call, arg, "count") && arg + 1 < call->argc) {
            int64_t most = INT64_MAX / (int64_t)sizeof(struct stream_id);
            if (!call_int_range(call, ++arg, 1, most, "ERR COUNT must be > 0", count_out)) return false;
        } else if (call_arg_is(call, arg, "justid")) {
            claim->justid = true;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

/* IDs of records whose entries are gone, in replies of their own: they come last. */
struct gone {
    struct resp_out ids;
    size_t count;
};

/* Goes through the records from `next` on, which is then the ID to go on from. */
static enum error autoclaim(struct claim *claim, struct stream_id *next, int64_t count, struct gone *gone)
{
    struct call *call = claim->call;
    struct stream_pending_range range = stream_pending_from(claim->stream, &claim->group->pending, *next);
    struct stream_pending_layout *pending = stream_pending_next(&range);
    enum error error = ERROR_OK;
    for (int64_t attempts = count * AUTOCLAIM_ATTEMPTS;
         pending && error == ERROR_OK && attempts > 0 && count > 0; attempts--) {
        struct stream_item item;
        struct stream_id id = pending->id;
        if (!stream_find(claim->stream, id, &item)) {
            error = stream_pending_remove(call->tx, claim->stream, claim->group, pending);
            stream_reply_id(&gone->ids, id);
            gone->count++;
            count--;
            range = stream_pending_from(claim->stream, &claim->group->pending, id);
        } else if (!is_busy(claim, pending)) {
            error = claim_entry(claim, pending, &item);
            count--;
        }
        pending = stream_pending_next(&range);
    }
    *next = pending ? pending->id : STREAM_ID_MIN;
    return error;
}

static void xautoclaim(struct call *call)
{
    struct claim claim = {.call = call, .retry_count = -1, .delivered_ms = call->now_ms};
    struct stream_id next;
    struct gone gone = {.count = 0};
    struct resp_out entries, *out = call->out;
    int64_t count;

    if (!parse_autoclaim(&claim, &next, &count) || !find_group(&claim) || !find_consumer(&claim)) return;
    resp_out_init(&gone.ids);
    resp_out_init(&entries);
    entries.proto = out->proto;
    call->out = &entries; /* the ID to go on from comes first, and is known last */
    enum error error = autoclaim(&claim, &next, count, &gone);
    call->out = out;
    if (error == ERROR_OK) error = touch_consumer(&claim);
    if (error == ERROR_OK && (entries.failed || gone.ids.failed)) error = ERROR_MEMORY;
    if (error) {
        call_fail(call, error);
    } else {
        call->changes += claim.claimed == 0 && gone.count > 0;
        resp_array(out, 3);
        stream_reply_id(out, next);
        resp_array(out, claim.claimed);
        resp_raw(out, entries.buf, entries.len);
        resp_array(out, gone.count);
        resp_raw(out, gone.ids.buf, gone.ids.len);
    }
    resp_out_free(&entries);
    resp_out_free(&gone.ids);
}
