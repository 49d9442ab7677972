/* ttl.c: commands that answer when fields expire. */
#include "command/hash/fields.h"
#include "command/hash/hash_commands.h"

/* Replies with each field's time in units of unit_ms, rounded up, from since_ms on; -1: it stays, -2: there is none. */
static void reply_times(struct call *call, int64_t unit_ms, int64_t since_ms)
{
    struct hash_value value;
    struct hash_field field;

    if (!hash_value_read(call, &value)) return;
    size_t first = hash_fields_first(call, 2, HASH_FIELDS_POSITIVE);
    if (first == 0) return;
    resp_array(call->out, call->argc - first);
    for (size_t arg = first; arg < call->argc; arg++) {
        if (!hash_value_find(&value, call->argv[arg], &field)) resp_int(call->out, -2);
        else if (field.time_ms == HASH_TIME_NONE) resp_int(call->out, -1);
        else resp_int(call->out, (field.time_ms - since_ms + unit_ms - 1) / unit_ms);
    }
}

static void httl(struct call *call);
const struct command hash_httl = {
    .name = "httl",
    .handler = httl,
    .arity = -5,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Answers in how many seconds fields of a hash expire.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
    .tips = TIPS("nondeterministic_output"),
};

static void httl(struct call *call)
{
    reply_times(call, 1000, call->now_ms);
}

static void hpttl(struct call *call);
const struct command hash_hpttl = {
    .name = "hpttl",
    .handler = hpttl,
    .arity = -5,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Answers in how many milliseconds fields of a hash expire.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
    .tips = TIPS("nondeterministic_output"),
};

static void hpttl(struct call *call)
{
    reply_times(call, 1, call->now_ms);
}

static void hexpiretime(struct call *call);
const struct command hash_hexpiretime = {
    .name = "hexpiretime",
    .handler = hexpiretime,
    .arity = -5,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Answers when fields of a hash expire, in seconds since 1970.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
};

static void hexpiretime(struct call *call)
{
    reply_times(call, 1000, 0);
}

static void hpexpiretime(struct call *call);
const struct command hash_hpexpiretime = {
    .name = "hpexpiretime",
    .handler = hpexpiretime,
    .arity = -5,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Answers when fields of a hash expire, in milliseconds since 1970.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
};

static void hpexpiretime(struct call *call)
{
    reply_times(call, 1, 0);
}
