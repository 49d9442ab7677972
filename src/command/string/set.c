/* set.c: commands that replace whole strings. */
#include "command/access.h"
#include "command/arguments.h"
#include "command/server_state.h"
#include "command/string/options.h"
#include "command/string/string_commands.h"

#define EXPIRY_ARGUMENTS                                                                                     \
    {.name = "seconds", .type = ARG_INTEGER, .token = "EX", .since = "2.6.12"},                              \
        {.name = "milliseconds", .type = ARG_INTEGER, .token = "PX", .since = "2.6.12"},                     \
        {.name = "unix-time-seconds", .type = ARG_UNIX_TIME, .token = "EXAT", .since = "6.2.0"},             \
    {                                                                                                        \
        .name = "unix-time-milliseconds", .type = ARG_UNIX_TIME, .token = "PXAT", .since = "6.2.0"           \
    }

/* Puts `value` at a key and tells those who watch; false after a failure. */
static bool store(struct call *call, size_t key, struct slice value, int64_t expire_at_ms)
{
    /* A time of use comes with the new value; a frequency is counted on from that of the old one. */
    if (__builtin_expect(access_is_lfu(call->worker->server->settings), 0)) (void)call_edit(call, key);
    enum error error =
        keyspace_put_string(call->tx, call->keyspace, call->db, &call->keys[key], value, expire_at_ms);

    if (error) {
        call_fail(call, error);
        return false;
    }
    call_notify(call, "set", &call->keys[key]);
    return true;
}

static void reply_old_value(struct call *call, const struct entry *entry)
{
    char text[ENTRY_INT_TEXT_MAX];

    if (entry) resp_bulk_slice(call->out, entry_string(keyspace_heap(call->keyspace), entry, text));
    else resp_null(call->out);
}

static void set(struct call *call);
static uint32_t set_key_flags(const struct slice *argv, size_t argc);
const struct command string_set = {
    .name = "set",
    .handler = set,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary =
        "Sets a key to a string, whatever it held before; optionally on a condition, with an expiry time.",
    .complexity = "O(1)",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, 0, 1, 0,
               KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
               "RW and ACCESS due to the optional `GET` argument"}},
    .key_flags = set_key_flags,
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING),
        {.name = "condition",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .since = "2.6.12",
         .sub = ARGUMENTS(ARGUMENT_WORD("nx", "NX"), ARGUMENT_WORD("xx", "XX"))},
        {.name = "get", .type = ARG_PURE_TOKEN, .token = "GET", .flags = ARG_OPTIONAL, .since = "6.2.0"},
        {.name = "expiration",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .sub =
             ARGUMENTS(EXPIRY_ARGUMENTS,
                       {.name = "keepttl", .type = ARG_PURE_TOKEN, .token = "KEEPTTL", .since = "6.0.0"})}),
    .history = HISTORY("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options.", "6.0.0",
                       "Added the `KEEPTTL` option.", "6.2.0", "Added the `GET`, `EXAT` and `PXAT` option.",
                       "7.0.0", "Allowed the `NX` and `GET` options to be used together."),
};

static uint32_t set_key_flags(const struct slice *argv, size_t argc)
{
    for (size_t i = 3; i < argc; i++)
        if (slice_is_word(argv[i], "get")) return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    return KEY_OW | KEY_UPDATE;
}

static void set_with_options(struct call *call)
{
    struct string_options options;
    int64_t expire_at_ms = EXPIRY_NONE;

    if (!string_options_parse(call, 3, ~STRING_OPTION_PERSIST, &options)) return;
    bool has_expiry = options.set & STRING_OPTIONS_EXPIRY;
    if (has_expiry &&
        !string_expiry(call, options.expiry_arg, options.set & STRING_OPTIONS_EXPIRY, &expire_at_ms))
        return;
    if (options.set & STRING_OPTION_KEEPTTL) expire_at_ms = EXPIRY_KEEP;

    bool get = options.set & STRING_OPTION_GET;
    const struct entry *old = get ? call_read(call, 0) : call_peek(call, 0);
    if (get) {
        if (call_wrong_type(call, old, ENTRY_STRING)) return;
        reply_old_value(call, old);
    }
    if (options.set & (old ? STRING_OPTION_NX : STRING_OPTION_XX)) {
        if (!get) resp_null(call->out);
        return;
    }
    if (!store(call, 0, call->argv[2], expire_at_ms)) return;
    if (has_expiry) call_notify(call, "expire", &call->keys[0]);
    if (!get) resp_ok(call->out);
}

static void set(struct call *call)
{
    if (call->argc > 3) set_with_options(call);
    else if (store(call, 0, call->argv[2], EXPIRY_NONE)) resp_ok(call->out);
}

static void setnx(struct call *call);
const struct command string_setnx = {
    .name = "setnx",
    .handler = setnx,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Sets a key to a string unless the key exists.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_OW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING)),
    .deprecated_since = "2.6.12",
    .replaced_by = "`SET` with the `NX` argument",
};

static void setnx(struct call *call)
{
    if (call_peek(call, 0)) resp_int(call->out, 0);
    else if (store(call, 0, call->argv[2], EXPIRY_NONE)) resp_int(call->out, 1);
}

/* SETEX and PSETEX: key, time, value. */
static void set_expiring(struct call *call, unsigned option)
{
    int64_t expire_at_ms;

    if (!string_expiry(call, 2, option, &expire_at_ms)) return;
    if (!store(call, 0, call->argv[3], expire_at_ms)) return;
    call_notify(call, "expire", &call->keys[0]);
    resp_ok(call->out);
}

static void setex(struct call *call);
const struct command string_setex = {
    .name = "setex",
    .handler = setex,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.0.0",
    .summary = "Sets a key to a string that expires after some seconds.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("seconds", ARG_INTEGER), ARGUMENT("value", ARG_STRING)),
    .deprecated_since = "2.6.12",
    .replaced_by = "`SET` with the `EX` argument",
};

static void setex(struct call *call)
{
    set_expiring(call, STRING_OPTION_EX);
}

static void psetex(struct call *call);
const struct command string_psetex = {
    .name = "psetex",
    .handler = psetex,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.6.0",
    .summary = "Sets a key to a string that expires after some milliseconds.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("milliseconds", ARG_INTEGER),
                           ARGUMENT("value", ARG_STRING)),
    .deprecated_since = "2.6.12",
    .replaced_by = "`SET` with the `PX` argument",
};

static void psetex(struct call *call)
{
    set_expiring(call, STRING_OPTION_PX);
}

static void getset(struct call *call);
const struct command string_getset = {
    .name = "getset",
    .handler = getset,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Sets a key to a string and answers the one before.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING)),
    .deprecated_since = "6.2.0",
    .replaced_by = "`SET` with the `!GET` argument",
};

static void getset(struct call *call)
{
    const struct entry *old = call_read(call, 0);

    if (call_wrong_type(call, old, ENTRY_STRING)) return;
    reply_old_value(call, old);
    (void)store(call, 0, call->argv[2], EXPIRY_NONE); /* a failure has replaced the reply */
}

/* Pairs of key and value: false after having replied that one lacks its value. */
static bool check_pairs(struct call *call)
{
    if (call->argc % 2 == 1) return true;
    resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
    return false;
}

static bool store_pairs(struct call *call)
{
    for (size_t i = 0; i < call->key_count; i++) {
        if (!store(call, i, call->argv[2 * i + 2], EXPIRY_NONE)) return false;
    }
    return true;
}

static void mset(struct call *call);
const struct command string_mset = {
    .name = "mset",
    .handler = mset,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.1",
    .summary = "Sets many keys to strings, all of them at once.",
    .complexity = "O(N) where N is the number of keys to set.",
    .specs = {KEY_RANGE(1, -1, 2, KEY_OW | KEY_UPDATE)},
    .arguments = ARGUMENTS({.name = "data",
                            .type = ARG_BLOCK,
                            .flags = ARG_MULTIPLE,
                            .sub = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING))}),
    .tips = TIPS("request_policy:multi_shard", "response_policy:all_succeeded"),
};

static void mset(struct call *call)
{
    if (check_pairs(call) && store_pairs(call)) resp_ok(call->out);
}

static void msetnx(struct call *call);
const struct command string_msetnx = {
    .name = "msetnx",
    .handler = msetnx,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.1",
    .summary = "Sets many keys to strings, or none when one of them exists.",
    .complexity = "O(N) where N is the number of keys to set.",
    .specs = {KEY_RANGE(1, -1, 2, KEY_OW | KEY_INSERT)},
    .arguments = ARGUMENTS({.name = "data",
                            .type = ARG_BLOCK,
                            .flags = ARG_MULTIPLE,
                            .sub = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING))}),
};

static void msetnx(struct call *call)
{
    if (!check_pairs(call)) return;
    for (size_t i = 0; i < call->key_count; i++) {
        if (call_peek(call, i)) {
            resp_int(call->out, 0);
            return;
        }
    }
    if (store_pairs(call)) resp_int(call->out, 1);
}
