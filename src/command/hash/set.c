/* set.c: commands that set and remove fields. */
#include "command/arguments.h"
#include "command/hash/hash_commands.h"
#include "command/hash/value.h"

/* The pair that HSET and HMSET take. */
#define FIELD_AND_VALUE                                                                                      \
    {                                                                                                        \
        .name = "data", .type = ARG_BLOCK, .flags = ARG_MULTIPLE,                                            \
        .sub = ARGUMENTS(ARGUMENT("field", ARG_STRING), ARGUMENT("value", ARG_STRING))                       \
    }

/* Sets the pairs from argument 2 on; false after having replied an error. added_out: how many fields are new. */
static bool set_pairs(struct call *call, int64_t *added_out)
{
    struct hash_value value;

    *added_out = 0;
    if (call->argc % 2 == 1) {
        resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
        return false;
    }
    if (!hash_value_edit(call, &value)) return false;
    for (size_t arg = 2; arg < call->argc; arg += 2)
        *added_out += hash_value_set(&value, call->argv[arg], call->argv[arg + 1], HASH_TIME_NONE);
    return hash_value_store(&value, "hset");
}

static void hset(struct call *call);
const struct command hash_hset = {
    .name = "hset",
    .handler = hset,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Sets fields of a hash, which is made when there is none.",
    .complexity = "O(1) for each field and value.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), FIELD_AND_VALUE),
    .history = HISTORY("4.0.0", "Accepts multiple `field` and `value` arguments."),
};

static void hset(struct call *call)
{
    int64_t added;

    if (set_pairs(call, &added)) resp_int(call->out, added);
}

static void hmset(struct call *call);
const struct command hash_hmset = {
    .name = "hmset",
    .handler = hmset,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Sets fields of a hash and answers OK.",
    .complexity = "O(N) where N is the number of fields being set.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), FIELD_AND_VALUE),
    .deprecated_since = "4.0.0",
    .replaced_by = "`HSET` with multiple field-value pairs",
};

static void hmset(struct call *call)
{
    int64_t added;

    if (set_pairs(call, &added)) resp_ok(call->out);
}

static void hsetnx(struct call *call);
const struct command hash_hsetnx = {
    .name = "hsetnx",
    .handler = hsetnx,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Sets a field of a hash unless it is there.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},
    .element = 2,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING), ARGUMENT("value", ARG_STRING)),
};

static void hsetnx(struct call *call)
{
    struct hash_value value;
    struct hash_field field;

    if (!hash_value_edit(call, &value)) return;
    if (hash_value_find(&value, call->argv[2], &field)) {
        resp_int(call->out, 0);
        return;
    }
    hash_value_set(&value, call->argv[2], call->argv[3], HASH_TIME_NONE);
    if (hash_value_store(&value, "hset")) resp_int(call->out, 1);
}

static void hdel(struct call *call);
const struct command hash_hdel = {
    .name = "hdel",
    .handler = hdel,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Removes fields of a hash, and the key with the last of them.",
    .complexity = "O(N) where N is the number of fields to be removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("field", ARG_STRING)),
    .history = HISTORY("2.4.0", "Accepts multiple `field` arguments."),
};

static void hdel(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    int64_t removed = 0;

    if (!hash_value_edit(call, &value)) return;
    for (size_t arg = 2; arg < call->argc; arg++) {
        if (!hash_value_find(&value, call->argv[arg], &field)) continue;
        hash_value_remove(&value, &field);
        removed++;
    }
    if (removed == 0 || hash_value_store(&value, "hdel")) resp_int(call->out, removed);
}
