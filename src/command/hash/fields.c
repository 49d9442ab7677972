/* fields.c: reads lists of fields and times of fields. */
#include "command/hash/fields.h"

size_t hash_fields_first(struct call *call, size_t at, const char *not_positive)
{
    int64_t count;

    if (!call_arg_is(call, at, "FIELDS")) {
        resp_error(call->out, "ERR Mandatory argument FIELDS is missing or not at the right position");
        return 0;
    }
    if (at + 1 == call->argc) {
        resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
        return 0;
    }
    if (!call_int_range(call, at + 1, 1, INT64_MAX, not_positive, &count)) return 0;
    if ((uint64_t)count != call->argc - at - 2) {
        resp_error(call->out, "ERR The `numfields` parameter must match the number of arguments");
        return 0;
    }
    return at + 2;
}

bool hash_fields_time(struct call *call, size_t arg, struct hash_clock clock, int64_t *time_out)
{
    int64_t base_ms = clock.is_relative ? call->now_ms : 0;

    if (!call_int(call, arg, time_out)) return false;
    if (*time_out < 0) {
        resp_error(call->out, "ERR invalid expire time, must be >= 0");
        return false;
    }
    if (*time_out > (HASH_TIME_MAX - base_ms) / clock.unit_ms) {
        resp_errorf(call->out, "ERR invalid expire time in '%s' command", call->command->name);
        return false;
    }
    *time_out = *time_out * clock.unit_ms + base_ms;
    return true;
}

bool hash_fields_clock(const struct call *call, size_t arg, struct hash_clock *clock_out)
{
    if (call_arg_is(call, arg, "EX")) *clock_out = HASH_CLOCK_EX;
    else if (call_arg_is(call, arg, "PX")) *clock_out = HASH_CLOCK_PX;
    else if (call_arg_is(call, arg, "EXAT")) *clock_out = HASH_CLOCK_EXAT;
    else if (call_arg_is(call, arg, "PXAT")) *clock_out = HASH_CLOCK_PXAT;
    else return false;
    return true;
}
