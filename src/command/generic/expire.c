/* expire.c: commands that set and take away expiry times. */
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"

struct condition {
    bool nx; /* only a key without expiry */
    bool xx; /* only one with */
    bool gt; /* only to a later time; no expiry is the latest */
    bool lt; /* only to an earlier time */
};

/* Reads the options from argument 3 on; false after having replied. */
static bool parse_condition(struct call *call, struct condition *condition)
{
    for (size_t arg = 3; arg < call->argc; arg++) {
        if (call_arg_is(call, arg, "NX")) {
            condition->nx = true;
        } else if (call_arg_is(call, arg, "XX")) {
            condition->xx = true;
        } else if (call_arg_is(call, arg, "GT")) {
            condition->gt = true;
        } else if (call_arg_is(call, arg, "LT")) {
            condition->lt = true;
        } else {
            resp_errorf(call->out, "ERR Unsupported option %.*s", (int)call->argv[arg].len,
                        call->argv[arg].ptr);
            return false;
        }
    }
    if (condition->nx && (condition->xx || condition->gt || condition->lt)) {
        resp_error(call->out, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (condition->gt && condition->lt) {
        resp_error(call->out, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

static bool condition_holds(const struct condition *condition, int64_t current_ms, int64_t wanted_ms)
{
    bool has_expiry = current_ms != EXPIRY_NONE;

    if (condition->nx && has_expiry) return false;
    if (condition->xx && !has_expiry) return false;
    if (condition->gt && (!has_expiry || wanted_ms <= current_ms)) return false;
    if (condition->lt && has_expiry && wanted_ms >= current_ms) return false;
    return true;
}

/* The absolute time that argument 2, in units of `unit_ms` from `base_ms` on, means; false after having
 * replied. */
static bool parse_time(struct call *call, int64_t unit_ms, int64_t base_ms, int64_t *at_ms_out)
{
    if (!call_int(call, 2, at_ms_out)) return false;
    if (!__builtin_mul_overflow(*at_ms_out, unit_ms, at_ms_out) &&
        !__builtin_add_overflow(*at_ms_out, base_ms, at_ms_out))
        return true;
    resp_errorf(call->out, "ERR invalid expire time in '%s' command", call->command->name);
    return false;
}

/* EXPIRE and its kin. A time that has passed removes the key at once. */
static void set_expiry(struct call *call, int64_t unit_ms, int64_t base_ms)
{
    const struct key *key = &call->keys[0];
    struct condition condition = {0};
    int64_t at_ms;
    enum error error;

    if (!parse_condition(call, &condition) || !parse_time(call, unit_ms, base_ms, &at_ms)) return;
    const struct entry *entry = call_peek(call, 0);
    if (!entry || !condition_holds(&condition, entry_expire_ms(entry), at_ms)) {
        resp_int(call->out, 0);
        return;
    }
    bool passed = at_ms <= call->now_ms;
    if (passed) {
        bool removed;
        error = keyspace_remove(call->tx, call->keyspace, call->db, key, &removed);
    } else {
        error = keyspace_set_expiry(call->tx, call->keyspace, call->db, key, at_ms);
    }
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, passed ? "del" : "expire", key);
    resp_int(call->out, 1);
}

#define CONDITION_ARGUMENT                                                                                   \
    {                                                                                                        \
        .name = "condition", .type = ARG_ONEOF, .flags = ARG_OPTIONAL, .since = "7.0.0",                     \
        .sub = ARGUMENTS(ARGUMENT_WORD("nx", "NX"), ARGUMENT_WORD("xx", "XX"), ARGUMENT_WORD("gt", "GT"),    \
                         ARGUMENT_WORD("lt", "LT"))                                                          \
    }
#define CONDITION_HISTORY HISTORY("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")

static void expire(struct call *call);
const struct command generic_expire = {
    .name = "expire",
    .handler = expire,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Lets a key expire after some seconds.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("seconds", ARG_INTEGER), CONDITION_ARGUMENT),
    .history = CONDITION_HISTORY,
};

static void expire(struct call *call)
{
    set_expiry(call, 1000, call->now_ms);
}

static void pexpire(struct call *call);
const struct command generic_pexpire = {
    .name = "pexpire",
    .handler = pexpire,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.6.0",
    .summary = "Lets a key expire after some milliseconds.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("milliseconds", ARG_INTEGER), CONDITION_ARGUMENT),
    .history = CONDITION_HISTORY,
};

static void pexpire(struct call *call)
{
    set_expiry(call, 1, call->now_ms);
}

static void expireat(struct call *call);
const struct command generic_expireat = {
    .name = "expireat",
    .handler = expireat,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.2.0",
    .summary = "Lets a key expire at a time, in seconds since 1970.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("unix-time-seconds", ARG_UNIX_TIME), CONDITION_ARGUMENT),
    .history = CONDITION_HISTORY,
};

static void expireat(struct call *call)
{
    set_expiry(call, 1000, 0);
}

static void pexpireat(struct call *call);
const struct command generic_pexpireat = {
    .name = "pexpireat",
    .handler = pexpireat,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.6.0",
    .summary = "Lets a key expire at a time, in milliseconds since 1970.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("unix-time-milliseconds", ARG_UNIX_TIME),
                           CONDITION_ARGUMENT),
    .history = CONDITION_HISTORY,
};

static void pexpireat(struct call *call)
{
    set_expiry(call, 1, 0);
}

static void persist(struct call *call);
const struct command generic_persist = {
    .name = "persist",
    .handler = persist,
    .arity = 2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.2.0",
    .summary = "Takes the expiry time away from a key.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void persist(struct call *call)
{
    const struct entry *entry = call_peek(call, 0);

    if (!entry || entry_expire_ms(entry) == EXPIRY_NONE) {
        resp_int(call->out, 0);
        return;
    }
    enum error error = keyspace_set_expiry(call->tx, call->keyspace, call->db, &call->keys[0], EXPIRY_NONE);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "persist", &call->keys[0]);
    resp_int(call->out, 1);
}
