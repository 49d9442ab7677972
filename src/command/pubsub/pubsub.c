/* pubsub.c: PUBSUB: who is subscribed to what. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/pubsub/pubsub_commands.h"

#define FLAGS (COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE)

static void reply_names(struct call *call, enum pubsub_kind kind)
{
    struct slice pattern = call->argc == 3 ? call->argv[2] : (struct slice){NULL, 0};
    struct slice *names;
    size_t count;
    if (call->argc > 3) {
        resp_errorf(call->out,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try PUBSUB HELP.",
                    (int)(call->argv[1].len < 128 ? call->argv[1].len : 128), call->argv[1].ptr);
        return;
    }
    enum error error = pubsub_names(call->worker->server, kind, pattern, &names, &count);
    if (error) {
        call_fail(call, error);
        return;
    }
    resp_array(call->out, count);
    for (size_t i = 0; i < count; i++)
        resp_bulk_slice(call->out, names[i]);
    pubsub_names_free(names, count);
}

static void reply_counts(struct call *call, enum pubsub_kind kind)
{
    resp_array(call->out, (call->argc - 2) * 2);
    for (size_t i = 2; i < call->argc; i++) {
        resp_bulk_slice(call->out, call->argv[i]);
        resp_int(call->out, (int64_t)pubsub_count(call->worker->server, kind, call->argv[i]));
    }
}

static void channels(struct call *call);
static const struct command pubsub_channels = {
    .name = "channels",
    .handler = channels,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.8.0",
    .summary = "Lists the channels that somebody is subscribed to.",
    .complexity =
        "O(N) where N is the number of active channels, and assuming constant time pattern matching "
        "(relatively short channels and patterns)",
    .arguments = ARGUMENTS({.name = "pattern", .type = ARG_PATTERN, .flags = ARG_OPTIONAL}),
};

static void channels(struct call *call)
{
    reply_names(call, PUBSUB_CHANNEL);
}

static void shardchannels(struct call *call);
static const struct command pubsub_shardchannels = {
    .name = "shardchannels",
    .handler = shardchannels,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "7.0.0",
    .summary = "Lists the shard channels that somebody is subscribed to.",
    .complexity =
        "O(N) where N is the number of active shard channels, and assuming constant time pattern matching "
        "(relatively short shard channels).",
    .arguments = ARGUMENTS({.name = "pattern", .type = ARG_PATTERN, .flags = ARG_OPTIONAL}),
};

static void shardchannels(struct call *call)
{
    reply_names(call, PUBSUB_SHARD);
}

static void numsub(struct call *call);
static const struct command pubsub_numsub = {
    .name = "numsub",
    .handler = numsub,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.8.0",
    .summary = "Counts the subscribers of channels.",
    .complexity = "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    .arguments = ARGUMENTS({.name = "channel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void numsub(struct call *call)
{
    reply_counts(call, PUBSUB_CHANNEL);
}

static void shardnumsub(struct call *call);
static const struct command pubsub_shardnumsub = {
    .name = "shardnumsub",
    .handler = shardnumsub,
    .arity = -2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "7.0.0",
    .summary = "Counts the subscribers of shard channels.",
    .complexity = "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    .arguments =
        ARGUMENTS({.name = "shardchannel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void shardnumsub(struct call *call)
{
    reply_counts(call, PUBSUB_SHARD);
}

static void numpat(struct call *call);
static const struct command pubsub_numpat = {
    .name = "numpat",
    .handler = numpat,
    .arity = 2,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.8.0",
    .summary = "Counts the patterns that somebody is subscribed to.",
    .complexity = "O(1)",
};

static void numpat(struct call *call)
{
    resp_int(call->out, (int64_t)pubsub_topics(call->worker->server, PUBSUB_PATTERN));
}

static void help(struct call *call)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    Channels that somebody is subscribed to, all or those that match a pattern.",
        "NUMPAT",
        "    How many patterns somebody is subscribed to.",
        "NUMSUB [<channel> ...]",
        "    How many are subscribed to each of the channels, not by patterns.",
        "SHARDCHANNELS [<pattern>]",
        "    As CHANNELS, of shard channels.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    As NUMSUB, of shard channels.",
        NULL,
    };
    help_reply(call, "PUBSUB", lines);
}
static const struct command pubsub_help = {HELP_ROW(help, GROUP_PUBSUB, 0, "6.2.0")};

static const struct command *const subcommands[] = {
    &pubsub_channels,      &pubsub_help,        &pubsub_numpat, &pubsub_numsub,
    &pubsub_shardchannels, &pubsub_shardnumsub, NULL,
};

const struct command pubsub_pubsub = {
    .name = "pubsub",
    .arity = -2,
    .group = GROUP_PUBSUB,
    .since = "2.8.0",
    .summary = "Holds the commands about channels and their subscribers.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};
