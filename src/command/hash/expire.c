/* expire.c: commands that set and take away the expiry times of fields. */
#include "command/hash/fields.h"
#include "command/hash/hash_commands.h"

/* What happened to a field, as it is replied. */
enum {
    FIELD_MISSING = -2,
    FIELD_STAYS = -1, /* it had no time */
    FIELD_KEPT = 0,   /* the condition does not hold */
    FIELD_SET = 1,
    FIELD_REMOVED = 2, /* the time has passed */
};

enum condition {
    CONDITION_NONE,
    CONDITION_NX, /* only fields without a time */
    CONDITION_XX, /* only those with one */
    CONDITION_GT, /* only to a later time; no time is the latest */
    CONDITION_LT, /* only to an earlier time */
};

static enum condition parse_condition(const struct call *call, size_t arg)
{
    if (call_arg_is(call, arg, "NX")) return CONDITION_NX;
    if (call_arg_is(call, arg, "XX")) return CONDITION_XX;
    if (call_arg_is(call, arg, "GT")) return CONDITION_GT;
    if (call_arg_is(call, arg, "LT")) return CONDITION_LT;
    return CONDITION_NONE;
}

static bool condition_holds(enum condition condition, int64_t current_ms, int64_t wanted_ms)
{
    bool expires = current_ms != HASH_TIME_NONE;

    switch (condition) {
    case CONDITION_NX: return !expires;
    case CONDITION_XX: return expires;
    case CONDITION_GT: return expires && wanted_ms > current_ms;
    case CONDITION_LT: return !expires || wanted_ms < current_ms;
    case CONDITION_NONE: break;
    }
    return true;
}

/* Gives one field a time, or removes it when that has passed. */
static int set_time(struct hash_value *value, struct slice name, enum condition condition, int64_t time_ms)
{
    struct hash_field field;

    if (!hash_value_find(value, name, &field)) return FIELD_MISSING;
    if (!condition_holds(condition, field.time_ms, time_ms)) return FIELD_KEPT;
    if (time_ms <= value->call->now_ms) {
        hash_value_remove(value, &field);
        return FIELD_REMOVED;
    }
    hash_value_set_time(value, &field, time_ms);
    return FIELD_SET;
}

/* HEXPIRE and its kin. */
static void set_times(struct call *call, struct hash_clock clock)
{
    struct hash_value value;
    int64_t time_ms;
    bool changed = false;

    if (!hash_value_edit(call, &value) || !hash_fields_time(call, 2, clock, &time_ms)) return;
    enum condition condition = parse_condition(call, 3);
    size_t first = hash_fields_first(call, condition == CONDITION_NONE ? 3 : 4,
                                     "ERR Parameter `numFields` should be greater than 0");
    if (first == 0) return;
    resp_array(call->out, call->argc - first);
    for (size_t arg = first; arg < call->argc; arg++) {
        int outcome = set_time(&value, call->argv[arg], condition, time_ms);
        changed |= outcome > FIELD_KEPT;
        resp_int(call->out, outcome);
    }
    if (changed) hash_value_store(&value, time_ms <= call->now_ms ? "hdel" : "hexpire");
}

#define CONDITION_ARGUMENT                                                                                   \
    {                                                                                                        \
        .name = "condition", .type = ARG_ONEOF, .flags = ARG_OPTIONAL,                                       \
        .sub = ARGUMENTS(ARGUMENT_WORD("nx", "NX"), ARGUMENT_WORD("xx", "XX"), ARGUMENT_WORD("gt", "GT"),    \
                         ARGUMENT_WORD("lt", "LT"))                                                          \
    }

static void hexpire(struct call *call);
const struct command hash_hexpire = {
    .name = "hexpire",
    .handler = hexpire,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Lets fields of a hash expire after some seconds.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("seconds", ARG_INTEGER), CONDITION_ARGUMENT,
                           HASH_FIELDS_ARGUMENT),
};

static void hexpire(struct call *call)
{
    set_times(call, HASH_CLOCK_EX);
}

static void hpexpire(struct call *call);
const struct command hash_hpexpire = {
    .name = "hpexpire",
    .handler = hpexpire,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Lets fields of a hash expire after some milliseconds.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("milliseconds", ARG_INTEGER), CONDITION_ARGUMENT,
                           HASH_FIELDS_ARGUMENT),
};

static void hpexpire(struct call *call)
{
    set_times(call, HASH_CLOCK_PX);
}

static void hexpireat(struct call *call);
const struct command hash_hexpireat = {
    .name = "hexpireat",
    .handler = hexpireat,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Lets fields of a hash expire at a time, in seconds since 1970.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("unix-time-seconds", ARG_UNIX_TIME),
                           CONDITION_ARGUMENT, HASH_FIELDS_ARGUMENT),
};

static void hexpireat(struct call *call)
{
    set_times(call, HASH_CLOCK_EXAT);
}

static void hpexpireat(struct call *call);
const struct command hash_hpexpireat = {
    .name = "hpexpireat",
    .handler = hpexpireat,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Lets fields of a hash expire at a time, in milliseconds since 1970.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("unix-time-milliseconds", ARG_UNIX_TIME),
                           CONDITION_ARGUMENT, HASH_FIELDS_ARGUMENT),
};

static void hpexpireat(struct call *call)
{
    set_times(call, HASH_CLOCK_PXAT);
}

static void hpersist(struct call *call);
const struct command hash_hpersist = {
    .name = "hpersist",
    .handler = hpersist,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "7.4.0",
    .summary = "Takes the expiry times away from fields of a hash.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
};

static int clear_time(struct hash_value *value, struct slice name)
{
    struct hash_field field;

    if (!hash_value_find(value, name, &field)) return FIELD_MISSING;
    if (field.time_ms == HASH_TIME_NONE) return FIELD_STAYS;
    hash_value_set_time(value, &field, HASH_TIME_NONE);
    return FIELD_SET;
}

static void hpersist(struct call *call)
{
    struct hash_value value;
    bool changed = false;

    if (!hash_value_edit(call, &value)) return;
    size_t first = hash_fields_first(call, 2, HASH_FIELDS_POSITIVE);
    if (first == 0) return;
    resp_array(call->out, call->argc - first);
    for (size_t arg = first; arg < call->argc; arg++) {
        int outcome = clear_time(&value, call->argv[arg]);
        changed |= outcome == FIELD_SET;
        resp_int(call->out, outcome);
    }
    if (changed) hash_value_store(&value, "hpersist");
}
