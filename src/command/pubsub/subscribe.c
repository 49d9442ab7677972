/* subscribe.c: subscribing to channels, patterns and shard channels, and unsubscribing: a reply of its own for each. */
#include "command/arguments.h"
#include "command/pubsub/pubsub_commands.h"

#define FLAGS (COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SESSION)

static const struct {
    const char *subscribe;
    const char *unsubscribe;
} words[PUBSUB_KINDS] = {
    [PUBSUB_CHANNEL] = {"subscribe", "unsubscribe"},
    [PUBSUB_PATTERN] = {"psubscribe", "punsubscribe"},
    [PUBSUB_SHARD] = {"ssubscribe", "sunsubscribe"},
};

/* Shard channels are counted by themselves. */
static int64_t count_of(const struct session *session, enum pubsub_kind kind)
{
    if (kind == PUBSUB_SHARD) return session->subscribed.shard_channels;
    return (int64_t)session->subscribed.channels + session->subscribed.patterns;
}

/* `name` with ptr NULL: of none. The count follows. */
static void begin_reply(struct call *call, const char *word, struct slice name)
{
    resp_push(call->out, 3);
    resp_bulk_text(call->out, word);
    if (name.ptr) resp_bulk_slice(call->out, name);
    else resp_null(call->out);
}

static void end_reply(struct call *call, enum pubsub_kind kind)
{
    resp_int(call->out, count_of(call->session, kind));
}

static void subscribe_to(struct call *call, enum pubsub_kind kind)
{
    bool discard = call->out->discard;
    call->out->discard = false; /* CLIENT REPLY OFF: these are pushes, too (P2) */
    for (size_t i = 1; i < call->argc; i++) {
        enum error error = pubsub_join(call->worker, call->session, kind, call->argv[i]);
        if (error) {
            call_fail(call, error);
            break;
        }
        begin_reply(call, words[kind].subscribe, call->argv[i]);
        end_reply(call, kind);
    }
    call->out->discard = discard;
}

static void unsubscribe_from_all(struct call *call, enum pubsub_kind kind)
{
    struct slice name = pubsub_first(call->session, kind);
    do {
        begin_reply(call, words[kind].unsubscribe, name);
        if (name.ptr) pubsub_leave(call->worker, call->session, kind, name);
        end_reply(call, kind);
        name = pubsub_first(call->session, kind);
    } while (name.ptr);
}

static void unsubscribe_from(struct call *call, enum pubsub_kind kind)
{
    bool discard = call->out->discard;
    call->out->discard = false; /* likewise */
    for (size_t i = 1; i < call->argc; i++) {
        pubsub_leave(call->worker, call->session, kind, call->argv[i]);
        begin_reply(call, words[kind].unsubscribe, call->argv[i]);
        end_reply(call, kind);
    }
    if (call->argc == 1) unsubscribe_from_all(call, kind);
    call->out->discard = discard;
}

static void subscribe(struct call *call);
const struct command pubsub_subscribe = {
    .name = "subscribe",
    .handler = subscribe,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.0.0",
    .summary = "Subscribes to channels.",
    .complexity = "O(N) where N is the number of channels to subscribe to.",
    .channels = CHANNELS_ALL,
    .arguments = ARGUMENTS(ARGUMENT_MANY("channel", ARG_STRING)),
};

static void subscribe(struct call *call)
{
    subscribe_to(call, PUBSUB_CHANNEL);
}

static void psubscribe(struct call *call);
const struct command pubsub_psubscribe = {
    .name = "psubscribe",
    .handler = psubscribe,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.0.0",
    .summary = "Subscribes to all channels that match a pattern.",
    .complexity = "O(N) where N is the number of patterns to subscribe to.",
    .channels = CHANNELS_PATTERNS,
    .arguments = ARGUMENTS({.name = "pattern",
                            .type = ARG_BLOCK,
                            .flags = ARG_MULTIPLE,
                            .sub = ARGUMENTS(ARGUMENT("pattern", ARG_PATTERN))}),
};

static void psubscribe(struct call *call)
{
    subscribe_to(call, PUBSUB_PATTERN);
}

static void ssubscribe(struct call *call);
const struct command pubsub_ssubscribe = {
    .name = "ssubscribe",
    .handler = ssubscribe,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "7.0.0",
    .summary = "Subscribes to shard channels.",
    .complexity = "O(N) where N is the number of shard channels to subscribe to.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_NOT_KEY)},
    .channels = CHANNELS_ALL,
    .arguments = ARGUMENTS(ARGUMENT_MANY("shardchannel", ARG_STRING)),
};

static void ssubscribe(struct call *call)
{
    subscribe_to(call, PUBSUB_SHARD);
}

static void unsubscribe(struct call *call);
const struct command pubsub_unsubscribe = {
    .name = "unsubscribe",
    .handler = unsubscribe,
    .arity = -1,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.0.0",
    .summary = "Unsubscribes from channels, or from all.",
    .complexity = "O(N) where N is the number of channels to unsubscribe.",
    .arguments = ARGUMENTS({.name = "channel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void unsubscribe(struct call *call)
{
    unsubscribe_from(call, PUBSUB_CHANNEL);
}

static void punsubscribe(struct call *call);
const struct command pubsub_punsubscribe = {
    .name = "punsubscribe",
    .handler = punsubscribe,
    .arity = -1,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.0.0",
    .summary = "Unsubscribes from patterns, or from all.",
    .complexity = "O(N) where N is the number of patterns to unsubscribe.",
    .arguments = ARGUMENTS({.name = "pattern", .type = ARG_PATTERN, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void punsubscribe(struct call *call)
{
    unsubscribe_from(call, PUBSUB_PATTERN);
}

static void sunsubscribe(struct call *call);
const struct command pubsub_sunsubscribe = {
    .name = "sunsubscribe",
    .handler = sunsubscribe,
    .arity = -1,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "7.0.0",
    .summary = "Unsubscribes from shard channels, or from all.",
    .complexity = "O(N) where N is the number of shard channels to unsubscribe.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_NOT_KEY)},
    .arguments =
        ARGUMENTS({.name = "shardchannel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void sunsubscribe(struct call *call)
{
    unsubscribe_from(call, PUBSUB_SHARD);
}
