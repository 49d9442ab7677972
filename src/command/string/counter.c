/* counter.c: strings that are numbers. */
#include "util/number.h"

#include "command/arguments.h"
#include "command/call.h"
#include "command/string/string_commands.h"

#include <math.h>

/* INCR and its kin: adds `delta` to the integer at key 0. */
static void add(struct call *call, int64_t delta)
{
    const struct entry *entry = call_peek(call, 0);
    char text[ENTRY_INT_TEXT_MAX];
    int64_t value = 0;

    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    if (entry && !entry_int(entry, &value) &&
        !number_parse_int(entry_string(keyspace_heap(call->keyspace), entry, text), &value)) {
        resp_error(call->out, "ERR value is not an integer or out of range");
        return;
    }
    if (__builtin_add_overflow(value, delta, &value)) {
        resp_error(call->out, "ERR increment or decrement would overflow");
        return;
    }
    enum error error =
        keyspace_put_int(call->tx, call->keyspace, call->db, &call->keys[0], value, EXPIRY_KEEP);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "incrby", &call->keys[0]);
    resp_int(call->out, value);
}

static void incr(struct call *call);
const struct command string_incr = {
    .name = "incr",
    .handler = incr,
    .arity = 2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Adds one to the integer at a key; a missing key counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void incr(struct call *call)
{
    add(call, 1);
}

static void decr(struct call *call);
const struct command string_decr = {
    .name = "decr",
    .handler = decr,
    .arity = 2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Takes one from the integer at a key; a missing key counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void decr(struct call *call)
{
    add(call, -1);
}

static void incrby(struct call *call);
const struct command string_incrby = {
    .name = "incrby",
    .handler = incrby,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Adds to the integer at a key; a missing key counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("increment", ARG_INTEGER)),
};

static void incrby(struct call *call)
{
    int64_t delta;

    if (call_int(call, 2, &delta)) add(call, delta);
}

static void decrby(struct call *call);
const struct command string_decrby = {
    .name = "decrby",
    .handler = decrby,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Takes from the integer at a key; a missing key counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("decrement", ARG_INTEGER)),
};

static void decrby(struct call *call)
{
    int64_t delta;

    if (!call_int(call, 2, &delta)) return;
    if (delta == INT64_MIN) resp_error(call->out, "ERR decrement would overflow");
    else add(call, -delta);
}

static void incrbyfloat(struct call *call);
const struct command string_incrbyfloat = {
    .name = "incrbyfloat",
    .handler = incrbyfloat,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.6.0",
    .summary = "Adds to the number at a key, which need not be an integer; a missing key counts as 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("increment", ARG_DOUBLE)),
};

static void incrbyfloat(struct call *call)
{
    const struct entry *entry = call_peek(call, 0);
    char old_text[ENTRY_INT_TEXT_MAX];
    char text[NUMBER_LONG_DOUBLE_TEXT_MAX];
    long double value = 0;
    long double delta;

    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    if (entry &&
        !number_parse_long_double(entry_string(keyspace_heap(call->keyspace), entry, old_text), &value)) {
        resp_error(call->out, "ERR value is not a valid float");
        return;
    }
    if (!call_long_double(call, 2, &delta)) return;
    value += delta;
    if (isnan(value) || isinf(value)) {
        resp_error(call->out, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice sum = {text, number_long_double_text(text, value)};
    enum error error =
        keyspace_put_string(call->tx, call->keyspace, call->db, &call->keys[0], sum, EXPIRY_KEEP);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "incrbyfloat", &call->keys[0]);
    resp_bulk_slice(call->out, sum);
}
