/* keys.c: commands on keys whatever they hold. */
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"

/* DEL and UNLINK are the same: dropping a value is O(1) however large it is, its memory is freed later (H7).
 */
static void del(struct call *call);
const struct command generic_del = {
    .name = "del",
    .handler = del,
    .arity = -2,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Removes keys and answers how many there were.",
    .complexity = "O(N) where N is the number of keys, however large their values are.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RM | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
};

static void del(struct call *call)
{
    int64_t count = 0;

    for (size_t i = 0; i < call->key_count; i++) {
        bool removed;
        if (!call_peek(call, i)) continue;
        enum error error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[i], &removed);
        if (error) {
            call_fail(call, error);
            return;
        }
        call_notify(call, "del", &call->keys[i]);
        count++;
    }
    resp_int(call->out, count);
}

const struct command generic_unlink = {
    .name = "unlink",
    .handler = del,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "4.0.0",
    .summary = "Removes keys and answers how many there were.",
    .complexity = "O(N) where N is the number of keys, however large their values are.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RM | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
};

static void exists(struct call *call);
const struct command generic_exists = {
    .name = "exists",
    .handler = exists,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Answers how many of the keys exist; one that is named twice counts twice.",
    .complexity = "O(N) where N is the number of keys to check.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
    .history = HISTORY("3.0.3", "Accepts multiple `key` arguments."),
};

static void exists(struct call *call)
{
    int64_t count = 0;

    for (size_t i = 0; i < call->key_count; i++)
        count += call_look(call, i) != NULL;
    resp_int(call->out, count);
}

static void touch(struct call *call);
const struct command generic_touch = {
    .name = "touch",
    .handler = touch,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "3.2.1",
    .summary = "Marks keys as used just now and answers how many exist.",
    .complexity = "O(N) where N is the number of keys that will be touched.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
};

static void touch(struct call *call)
{
    int64_t count = 0;

    for (size_t i = 0; i < call->key_count; i++)
        count += call_read(call, i) != NULL;
    resp_int(call->out, count);
}

static void type(struct call *call);
const struct command generic_type = {
    .name = "type",
    .handler = type,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Answers what a key holds.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void type(struct call *call)
{
    const struct entry *entry = call_look(call, 0);

    resp_simple(call->out, entry ? entry_type_name(entry_type(entry)) : "none");
}
