/* publish.c: PUBLISH and SPUBLISH. Between MULTI and EXEC the message leaves with the transaction, in its place among the notifications of
 * the other commands. */
#include "command/arguments.h"
#include "command/changes.h"
#include "command/pubsub/pubsub_commands.h"

#define FLAGS                                                                                                \
    (COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_MAY_REPLICATE |               \
     COMMAND_SESSION)

static void publish_to(struct call *call, bool shard)
{
    struct worker *worker = call->worker;
    struct inbox_message *message;
    uint64_t targets, receivers;
    enum error error = pubsub_prepare(worker->server, &worker->sender, shard, call->argv[1], call->argv[2],
                                      &message, &targets, &receivers);
    if (!error && message) error = changes_note_message(call, message, targets);
    if (error) call_fail(call, error);
    else resp_int(call->out, (int64_t)receivers);
}

static void publish(struct call *call);
const struct command pubsub_publish = {
    .name = "publish",
    .handler = publish,
    .arity = 3,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "2.0.0",
    .summary = "Sends a message to a channel and answers how many get it.",
    .complexity =
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total "
        "number of subscribed patterns (by any client).",
    .channels = CHANNELS_FIRST,
    .arguments = ARGUMENTS(ARGUMENT("channel", ARG_STRING), ARGUMENT("message", ARG_STRING)),
};

static void publish(struct call *call)
{
    publish_to(call, false);
}

static void spublish(struct call *call);
const struct command pubsub_spublish = {
    .name = "spublish",
    .handler = spublish,
    .arity = 3,
    .flags = FLAGS,
    .group = GROUP_PUBSUB,
    .since = "7.0.0",
    .summary = "Sends a message to a shard channel and answers how many get it.",
    .complexity = "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    .specs = {KEY_AT(1, KEY_NOT_KEY)},
    .channels = CHANNELS_FIRST,
    .arguments = ARGUMENTS(ARGUMENT("shardchannel", ARG_STRING), ARGUMENT("message", ARG_STRING)),
};

static void spublish(struct call *call)
{
    publish_to(call, true);
}
