/* ttl.c: commands that answer expiry times. */
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"

/* Replies the time from `since_ms` until key 0 expires in units of `unit_ms`, rounded; -1: never, -2: there
 * is no such key. */
static void reply_expiry(struct call *call, int64_t unit_ms, int64_t since_ms)
{
    const struct entry *entry = call_look(call, 0);
    int64_t at_ms = entry ? entry_expire_ms(entry) : EXPIRY_NONE;

    if (!entry) resp_int(call->out, -2);
    else if (at_ms == EXPIRY_NONE) resp_int(call->out, -1);
    else resp_int(call->out, (at_ms - since_ms) / unit_ms + ((at_ms - since_ms) % unit_ms * 2 >= unit_ms));
}

static void ttl(struct call *call);
const struct command generic_ttl = {
    .name = "ttl",
    .handler = ttl,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Answers in how many seconds a key expires.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("2.8.0", "Added the -2 reply."),
};

static void ttl(struct call *call)
{
    reply_expiry(call, 1000, call->now_ms);
}

static void pttl(struct call *call);
const struct command generic_pttl = {
    .name = "pttl",
    .handler = pttl,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.6.0",
    .summary = "Answers in how many milliseconds a key expires.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("2.8.0", "Added the -2 reply."),
};

static void pttl(struct call *call)
{
    reply_expiry(call, 1, call->now_ms);
}

static void expiretime(struct call *call);
const struct command generic_expiretime = {
    .name = "expiretime",
    .handler = expiretime,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "7.0.0",
    .summary = "Answers when a key expires, in seconds since 1970.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void expiretime(struct call *call)
{
    reply_expiry(call, 1000, 0);
}

static void pexpiretime(struct call *call);
const struct command generic_pexpiretime = {
    .name = "pexpiretime",
    .handler = pexpiretime,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "7.0.0",
    .summary = "Answers when a key expires, in milliseconds since 1970.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void pexpiretime(struct call *call)
{
    reply_expiry(call, 1, 0);
}
