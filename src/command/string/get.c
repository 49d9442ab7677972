/* get.c: commands that answer whole strings. */
#include "command/arguments.h"
#include "command/string/options.h"
#include "command/string/string_commands.h"

static void reply_value(struct call *call, const struct entry *entry)
{
    char text[ENTRY_INT_TEXT_MAX];

    resp_bulk_slice(call->out, entry_string(keyspace_heap(call->keyspace), entry, text));
}

/* The string at key 0; NULL after null or -WRONGTYPE was replied. */
static const struct entry *read_string(struct call *call)
{
    const struct entry *entry = call_read(call, 0);

    if (!entry) resp_null(call->out);
    else if (call_wrong_type(call, entry, ENTRY_STRING)) return NULL;
    return entry;
}

static void get(struct call *call);
const struct command string_get = {
    .name = "get",
    .handler = get,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Answers the string at a key.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void get(struct call *call)
{
    const struct entry *entry = read_string(call);

    if (entry) reply_value(call, entry);
}

static void getex(struct call *call);
const struct command string_getex = {
    .name = "getex",
    .handler = getex,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "6.2.0",
    .summary = "Answers the string at a key and sets or takes away its expiry time.",
    .complexity = "O(1)",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, 0, 1, 0, KEY_RW | KEY_ACCESS | KEY_UPDATE,
               "RW and UPDATE because it changes the TTL"}},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "expiration",
                            .type = ARG_ONEOF,
                            .flags = ARG_OPTIONAL,
                            .sub = ARGUMENTS(ARGUMENT_AFTER("seconds", ARG_INTEGER, "EX"),
                                             ARGUMENT_AFTER("milliseconds", ARG_INTEGER, "PX"),
                                             ARGUMENT_AFTER("unix-time-seconds", ARG_UNIX_TIME, "EXAT"),
                                             ARGUMENT_AFTER("unix-time-milliseconds", ARG_UNIX_TIME, "PXAT"),
                                             ARGUMENT_WORD("persist", "PERSIST"))}),
};

static void getex(struct call *call)
{
    const struct key *key = &call->keys[0];
    struct string_options options;
    int64_t expire_at_ms = EXPIRY_NONE;
    const char *event;
    enum error error;

    if (!string_options_parse(call, 2, STRING_OPTIONS_EXPIRY | STRING_OPTION_PERSIST, &options)) return;
    unsigned expiry = options.set & STRING_OPTIONS_EXPIRY;
    const struct entry *entry = read_string(call);
    if (!entry) return;
    if (expiry && !string_expiry(call, options.expiry_arg, expiry, &expire_at_ms)) return;

    reply_value(call, entry);
    if (expiry && expire_at_ms <= call->now_ms) {
        bool removed;
        event = "del";
        error = keyspace_remove(call->tx, call->keyspace, call->db, key, &removed);
    } else if (expiry || ((options.set & STRING_OPTION_PERSIST) && entry_expire_ms(entry) != EXPIRY_NONE)) {
        event = expiry ? "expire" : "persist";
        error = keyspace_set_expiry(call->tx, call->keyspace, call->db, key, expire_at_ms);
    } else {
        return;
    }
    if (error) call_fail(call, error);
    else call_notify(call, event, key);
}

static void getdel(struct call *call);
const struct command string_getdel = {
    .name = "getdel",
    .handler = getdel,
    .arity = 2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "6.2.0",
    .summary = "Answers the string at a key and removes the key.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void getdel(struct call *call)
{
    const struct entry *entry = read_string(call);
    bool removed;

    if (!entry) return;
    reply_value(call, entry);
    enum error error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[0], &removed);
    if (error) call_fail(call, error);
    else call_notify(call, "del", &call->keys[0]);
}

static void mget(struct call *call);
const struct command string_mget = {
    .name = "mget",
    .handler = mget,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "Answers the strings at many keys, all of them at one moment.",
    .complexity = "O(N) where N is the number of keys to retrieve.",
    .specs = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
    .tips = TIPS("request_policy:multi_shard"),
};

static void mget(struct call *call)
{
    resp_array(call->out, call->key_count);
    for (size_t i = 0; i < call->key_count; i++) {
        const struct entry *entry = call_read(call, i);
        if (entry && entry_type(entry) == ENTRY_STRING) reply_value(call, entry);
        else resp_null(call->out);
    }
}

static void string_length(struct call *call);
const struct command string_strlen = {
    .name = "strlen",
    .handler = string_length,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.2.0",
    .summary = "Answers how many bytes the string at a key has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void string_length(struct call *call)
{
    const struct entry *entry = call_read(call, 0);

    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    resp_int(call->out, entry ? (int64_t)entry_string_len(keyspace_heap(call->keyspace), entry) : 0);
}
