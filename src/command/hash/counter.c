/* counter.c: fields that are numbers. Their expiry times stay. */
#include "command/arguments.h"
#include "command/hash/hash_commands.h"
#include "command/hash/value.h"
#include "util/number.h"

#include <math.h>

static void hincrby(struct call *call);
const struct command hash_hincrby = {
    .name = "hincrby",
    .handler = hincrby,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.0.0",
    .summary = "Adds to the integer in a field of a hash; a missing field counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .element = 2,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING), ARGUMENT("increment", ARG_INTEGER)),
};

static void hincrby(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    char text[ENTRY_INT_TEXT_MAX];
    int64_t delta, number = 0;

    if (!call_int(call, 3, &delta) || !hash_value_edit(call, &value)) return;
    if (hash_value_find(&value, call->argv[2], &field) &&
        !number_parse_int(hash_value_text(&value, &field, text), &number)) {
        resp_error(call->out, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(number, delta, &number)) {
        resp_error(call->out, "ERR increment or decrement would overflow");
        return;
    }
    struct slice sum = {text, number_int_text(text, number)};
    hash_value_set(&value, call->argv[2], sum, HASH_TIME_KEEP);
    if (hash_value_store(&value, "hincrby")) resp_int(call->out, number);
}

static void hincrbyfloat(struct call *call);
const struct command hash_hincrbyfloat = {
    .name = "hincrbyfloat",
    .handler = hincrbyfloat,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "2.6.0",
    .summary =
        "Adds to the number in a field of a hash, which need not be an integer; a missing field counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .element = 2,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("field", ARG_STRING), ARGUMENT("increment", ARG_DOUBLE)),
};

static void hincrbyfloat(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    char old_text[ENTRY_INT_TEXT_MAX], text[NUMBER_LONG_DOUBLE_TEXT_MAX];
    long double delta, number = 0;

    if (!call_long_double(call, 3, &delta)) return;
    if (isnan(delta) || isinf(delta)) {
        resp_error(call->out, "ERR value is NaN or Infinity");
        return;
    }
    if (!hash_value_edit(call, &value)) return;
    if (hash_value_find(&value, call->argv[2], &field) &&
        !number_parse_long_double(hash_value_text(&value, &field, old_text), &number)) {
        resp_error(call->out, "ERR hash value is not a float");
        return;
    }
    number += delta;
    if (isnan(number) || isinf(number)) {
        resp_error(call->out, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice sum = {text, number_long_double_text(text, number)};
    hash_value_set(&value, call->argv[2], sum, HASH_TIME_KEEP);
    if (hash_value_store(&value, "hincrbyfloat")) resp_bulk_slice(call->out, sum);
}
