/* get.c: commands that read fields. */
#include "command/arguments.h"
#include "command/hash/hash_commands.h"
#include "command/hash/value.h"

static void hget(struct call *call);
const struct command hash_hget = {
    .name = "hget",
    .handler = hget,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers a field of a hash.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING)),
};

static void hget(struct call *call)
{
    struct hash_value value;

    if (hash_value_read(call, &value)) hash_value_reply(&value, call->argv[2]);
}

static void hmget(struct call *call);
const struct command hash_hmget = {
    .name = "hmget",
    .handler = hmget,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers many fields of a hash.",
    .complexity = "O(N) where N is the number of fields being requested.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("field", ARG_STRING)),
};

static void hmget(struct call *call)
{
    struct hash_value value;

    if (!hash_value_read(call, &value)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t arg = 2; arg < call->argc; arg++)
        hash_value_reply(&value, call->argv[arg]);
}

/* ---- whole hashes ---- */

static bool reply_field(void *ctx, struct slice field, struct slice value)
{
    (void)value;
    resp_bulk_slice(ctx, field);
    return true;
}

static bool reply_value(void *ctx, struct slice field, struct slice value)
{
    (void)field;
    resp_bulk_slice(ctx, value);
    return true;
}

static bool reply_both(void *ctx, struct slice field, struct slice value)
{
    resp_bulk_slice(ctx, field);
    resp_bulk_slice(ctx, value);
    return true;
}

static void hgetall(struct call *call);
const struct command hash_hgetall = {
    .name = "hgetall",
    .handler = hgetall,
    .arity = 2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers all fields of a hash with their values.",
    .complexity = "O(N) where N is the size of the hash.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output_order"),
};

static void hgetall(struct call *call)
{
    struct hash_value value;

    if (!hash_value_read(call, &value)) return;
    resp_map(call->out, hash_value_count(&value));
    hash_value_each(&value, reply_both, call->out);
}

static void hkeys(struct call *call);
const struct command hash_hkeys = {
    .name = "hkeys",
    .handler = hkeys,
    .arity = 2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers the names of all fields of a hash.",
    .complexity = "O(N) where N is the size of the hash.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output_order"),
};

static void hkeys(struct call *call)
{
    struct hash_value value;

    if (!hash_value_read(call, &value)) return;
    resp_array(call->out, hash_value_count(&value));
    hash_value_each(&value, reply_field, call->out);
}

static void hvals(struct call *call);
const struct command hash_hvals = {
    .name = "hvals",
    .handler = hvals,
    .arity = 2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers the values of all fields of a hash.",
    .complexity = "O(N) where N is the size of the hash.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output_order"),
};

static void hvals(struct call *call)
{
    struct hash_value value;

    if (!hash_value_read(call, &value)) return;
    resp_array(call->out, hash_value_count(&value));
    hash_value_each(&value, reply_value, call->out);
}

/* ---- about fields ---- */

static void hlen(struct call *call);
const struct command hash_hlen = {
    .name = "hlen",
    .handler = hlen,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers how many fields a hash has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void hlen(struct call *call)
{
    struct hash_value value;

    if (hash_value_read(call, &value)) resp_int(call->out, (int64_t)hash_value_count(&value));
}

static void hexists(struct call *call);
const struct command hash_hexists = {
    .name = "hexists",
    .handler = hexists,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Answers whether a hash has a field.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING)),
};

static void hexists(struct call *call)
{
    struct hash_value value;
    struct hash_field field;

    if (hash_value_read(call, &value)) resp_int(call->out, hash_value_find(&value, call->argv[2], &field));
}

static void hstrlen(struct call *call);
const struct command hash_hstrlen = {
    .name = "hstrlen",
    .handler = hstrlen,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "3.2.0",
    .summary = "Answers how many bytes a field of a hash has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING)),
};

static void hstrlen(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    char text[ENTRY_INT_TEXT_MAX];

    if (!hash_value_read(call, &value)) return;
    bool found = hash_value_find(&value, call->argv[2], &field);
    resp_int(call->out, found ? (int64_t)hash_value_text(&value, &field, text).len : 0);
}
