/* setex.c: HSETEX: fields set on a condition, with a time. */
#include "command/hash/fields.h"
#include "command/hash/hash_commands.h"

struct setex {
    bool fnx;      /* only when none of the fields is there */
    bool fxx;      /* only when all are */
    bool has_time; /* a time or KEEPTTL was given */
    int64_t time_ms;
    size_t first; /* index of the first field */
};

static bool refuse(struct call *call, const char *error)
{
    resp_error(call->out, error);
    return false;
}

static bool refuse_count(struct call *call)
{
    resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
    return false;
}

/* FIELDS at `arg`, and the pairs behind it. */
static bool parse_pairs(struct call *call, size_t arg, struct setex *setex)
{
    int64_t count;

    if (arg + 3 >= call->argc) return refuse_count(call);
    if (!call_int_range(call, arg + 1, 1, INT32_MAX, "ERR invalid number of fields", &count)) return false;
    setex->first = arg + 2;
    if ((uint64_t)count * 2 != call->argc - setex->first) return refuse_count(call);
    return true;
}

/* The time or KEEPTTL at *arg; moves *arg to the last argument read. */
static bool parse_time(struct call *call, size_t *arg, struct setex *setex)
{
    struct hash_clock clock;

    if (setex->has_time)
        return refuse(call, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    setex->has_time = true;
    setex->time_ms = HASH_TIME_KEEP;
    if (!hash_fields_clock(call, *arg, &clock)) return true;
    if (++*arg == call->argc) return refuse(call, "ERR missing expire time");
    return hash_fields_time(call, *arg, clock, &setex->time_ms);
}

static bool parse_setex(struct call *call, struct setex *setex)
{
    struct hash_clock clock;

    *setex = (struct setex){.time_ms = HASH_TIME_NONE};
    for (size_t arg = 2; arg < call->argc; arg++) {
        if (call_arg_is(call, arg, "FIELDS")) return parse_pairs(call, arg, setex);
        bool fnx = call_arg_is(call, arg, "FNX"), fxx = call_arg_is(call, arg, "FXX");
        if (fnx || fxx) {
            if (setex->fnx || setex->fxx)
                return refuse(call, "ERR Only one of FXX or FNX arguments can be specified");
            setex->fnx = fnx;
            setex->fxx = fxx;
        } else if (hash_fields_clock(call, arg, &clock) || call_arg_is(call, arg, "KEEPTTL")) {
            if (!parse_time(call, &arg, setex)) return false;
        } else {
            resp_errorf(call->out, "ERR unknown argument: %.*s", (int)call->argv[arg].len,
                        call->argv[arg].ptr);
            return false;
        }
    }
    return refuse(call, "ERR Mandatory argument FIELDS is missing or not at the right position");
}

static bool condition_holds(const struct hash_value *value, const struct setex *setex)
{
    const struct call *call = value->call;
    struct hash_field field;

    if (!setex->fnx && !setex->fxx) return true;
    for (size_t arg = setex->first; arg < call->argc; arg += 2) {
        if (hash_value_find(value, call->argv[arg], &field) != setex->fxx) return false;
    }
    return true;
}

static void hsetex(struct call *call);
const struct command hash_hsetex = {
    .name = "hsetex",
    .handler = hsetex,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "8.0.0",
    .summary = "Sets fields of a hash, if they may be set, with an expiry time.",
    .complexity = "O(N) where N is the number of fields being set.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "condition",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(ARGUMENT_WORD("fnx", "FNX"), ARGUMENT_WORD("fxx", "FXX"))},
        {.name = "expiration",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(ARGUMENT_AFTER("seconds", ARG_INTEGER, "EX"),
                          ARGUMENT_AFTER("milliseconds", ARG_INTEGER, "PX"),
                          ARGUMENT_AFTER("unix-time-seconds", ARG_UNIX_TIME, "EXAT"),
                          ARGUMENT_AFTER("unix-time-milliseconds", ARG_UNIX_TIME, "PXAT"),
                          ARGUMENT_WORD("keepttl", "KEEPTTL"))},
        {.name = "fields",
         .type = ARG_BLOCK,
         .token = "FIELDS",
         .sub = ARGUMENTS(ARGUMENT("numfields", ARG_INTEGER),
                          {.name = "data",
                           .type = ARG_BLOCK,
                           .flags = ARG_MULTIPLE,
                           .sub = ARGUMENTS(ARGUMENT("field", ARG_STRING), ARGUMENT("value", ARG_STRING))})}),
};

static void hsetex(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    struct setex setex;

    if (!parse_setex(call, &setex) || !hash_value_edit(call, &value)) return;
    if (!condition_holds(&value, &setex)) {
        resp_int(call->out, 0);
        return;
    }
    bool passed = setex.time_ms >= 0 && setex.time_ms <= call->now_ms;
    for (size_t arg = setex.first; arg < call->argc; arg += 2) {
        if (!passed) hash_value_set(&value, call->argv[arg], call->argv[arg + 1], setex.time_ms);
        else if (hash_value_find(&value, call->argv[arg], &field)) hash_value_remove(&value, &field);
    }
    if (!hash_value_store(&value, "hset")) return;
    if (setex.time_ms >= 0) call_notify(call, passed ? "hdel" : "hexpire", &call->keys[0]);
    resp_int(call->out, 1);
}
