/* dump.c: DUMP and RESTORE: a value as a payload that any Redis takes, and back. */
#include "command/access.h"
#include "command/arguments.h"
#include "command/dump/dump_commands.h"
#include "command/dump/load.h"
#include "command/dump/save.h"
#include "command/server_state.h"

static void dump(struct call *call);
const struct command dump_dump = {
    .name = "dump",
    .handler = dump,
    .arity = 2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "2.6.0",
    .summary = "Answers the value at a key as bytes that RESTORE takes.",
    .complexity = "O(N) where N is the size of the value.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
    .tips = TIPS("nondeterministic_output"),
};

static void dump(struct call *call)
{
    const struct settings *settings = call->worker->server->settings;
    const struct entry *entry = call_read(call, 0);
    struct rdb_out out = {.compress =
                              atomic_load_explicit(&settings->compress_payloads, memory_order_relaxed)};
    if (entry == NULL) {
        resp_null(call->out);
        return;
    }
    if (dump_save(&out, keyspace_heap(call->keyspace), entry, call->now_ms))
        resp_bulk(call->out, out.buf, out.len);
    else if (out.failed) call_fail(call, ERROR_MEMORY);
    else resp_null(call->out);
    rdb_out_free(&out);
}

/* ---- RESTORE ---- */

struct restore {
    bool replace;
    bool absolute;  /* the time is since 1970 */
    int64_t idle_s; /* -1: not given */
    int64_t frequency;
    int64_t expire_ms; /* absolute, or EXPIRY_NONE */
};

/* A number behind IDLETIME or FREQ; false after having replied. */
static bool parse_use(struct call *call, size_t arg, int64_t most, const char *error, int64_t *value_out)
{
    if (!call_int(call, arg, value_out)) return false;
    if (*value_out >= 0 && *value_out <= most) return true;
    resp_error(call->out, error);
    return false;
}

/* The options; false after having replied. */
static bool parse_options(struct call *call, struct restore *restore)
{
    *restore = (struct restore){.idle_s = -1, .frequency = -1};
    for (size_t arg = 4; arg < call->argc; arg++) {
        bool more = arg + 1 < call->argc;
        if (call_arg_is(call, arg, "REPLACE")) {
            restore->replace = true;
        } else if (call_arg_is(call, arg, "ABSTTL")) {
            restore->absolute = true;
        } else if (call_arg_is(call, arg, "IDLETIME") && more && restore->frequency == -1) {
            if (!parse_use(call, ++arg, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                           &restore->idle_s))
                return false;
        } else if (call_arg_is(call, arg, "FREQ") && more && restore->idle_s == -1) {
            if (!parse_use(call, ++arg, UINT8_MAX, "ERR Invalid FREQ value, must be >= 0 and <= 255",
                           &restore->frequency))
                return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

/* The time of argument 2; false after having replied. */
static bool parse_ttl(struct call *call, struct restore *restore)
{
    int64_t ttl_ms;
    if (!call_int(call, 2, &ttl_ms)) return false;
    int64_t base_ms = restore->absolute ? 0 : call->now_ms;
    if (ttl_ms < 0 || ttl_ms > INT64_MAX - base_ms) {
        resp_error(call->out, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    restore->expire_ms = ttl_ms == 0 ? EXPIRY_NONE : base_ms + ttl_ms;
    return true;
}

/* Sets how long ago or how often the value was used, where the policy in force counts that. */
static void set_use(struct call *call, const struct restore *restore)
{
    const struct settings *settings = call->worker->server->settings;
    struct entry *entry = keyspace_find(call->keyspace, call->db, &call->keys[0]);
    if (access_is_lfu(settings) && restore->frequency >= 0)
        entry_set_access(call->tx, entry, access_frequent(call->now_ms, (unsigned)restore->frequency));
    else if (!access_is_lfu(settings) && restore->idle_s >= 0)
        entry_set_access(call->tx, entry, access_idle(call->now_ms, restore->idle_s));
}

/* Puts the value where nothing is any more. False after call_fail. */
static bool store(struct call *call, const struct restore *restore, const struct rdb_value *value,
                  bool *stored_out)
{
    if (!dump_load(call, value, "restore", stored_out)) return false;
    if (!*stored_out) return true;
    enum error error = ERROR_OK;
    if (restore->expire_ms != EXPIRY_NONE)
        error = keyspace_set_expiry(call->tx, call->keyspace, call->db, &call->keys[0], restore->expire_ms);
    if (error != ERROR_OK) {
        call_fail(call, error);
        return false;
    }
    set_use(call, restore);
    return true;
}

static void restore_value(struct call *call, const struct restore *restore, const struct rdb_value *value)
{
    const struct key *key = &call->keys[0];
    bool removed = false, stored = false;
    enum error error = ERROR_OK;
    if (call_peek(call, 0)) error = keyspace_remove(call->tx, call->keyspace, call->db, key, &removed);
    if (error != ERROR_OK) {
        call_fail(call, error);
        return;
    }
    bool is_past = restore->expire_ms != EXPIRY_NONE && restore->expire_ms <= call->now_ms;
    if (!is_past && !store(call, restore, value, &stored)) return;
    if (removed && !stored) call_notify(call, "del", key);
    resp_ok(call->out);
}

static void restore(struct call *call)
{
    struct restore options;
    struct rdb_value value;
    struct slice body;
    if (!parse_options(call, &options)) return;
    if (!options.replace && call_peek(call, 0)) {
        resp_error(call->out, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!parse_ttl(call, &options)) return;
    const struct settings *settings = call->worker->server->settings;
    bool skip_checksum = atomic_load_explicit(&settings->skip_checksum, memory_order_relaxed);
    if (!rdb_footer_is_valid(call->argv[3], skip_checksum, &body)) {
        resp_error(call->out, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    stats_add(&call->worker->counters.payloads_checked, 1);
    enum error error = rdb_value_read(body, &value);
    if (error == ERROR_OK) restore_value(call, &options, &value);
    else if (error == ERROR_CORRUPT) resp_error(call->out, "ERR Bad data format");
    else call_fail(call, error);
    rdb_value_free(&value);
}

/* The fields that RESTORE and RESTORE-ASKING share. */
#define RESTORE_ROW                                                                                          \
    .handler = restore, .arity = -4, .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,                   \
    .group = GROUP_GENERIC,                                                                                  \
    .complexity = "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, "   \
                  "where N is the number of Redis objects composing the value and M their average size. "    \
                  "For small string values the time complexity is thus O(1)+O(1*M) where M is small, so "    \
                  "simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because "      \
                  "inserting values into sorted sets is O(log(N)).",                                         \
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE)},                                                               \
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("ttl", ARG_INTEGER),                             \
                           ARGUMENT("serialized-value", ARG_STRING),                                         \
                           {.name = "replace",                                                               \
                            .type = ARG_PURE_TOKEN,                                                          \
                            .token = "REPLACE",                                                              \
                            .flags = ARG_OPTIONAL,                                                           \
                            .since = "3.0.0"},                                                               \
                           {.name = "absttl",                                                                \
                            .type = ARG_PURE_TOKEN,                                                          \
                            .token = "ABSTTL",                                                               \
                            .flags = ARG_OPTIONAL,                                                           \
                            .since = "5.0.0"},                                                               \
                           {.name = "seconds",                                                               \
                            .type = ARG_INTEGER,                                                             \
                            .token = "IDLETIME",                                                             \
                            .flags = ARG_OPTIONAL,                                                           \
                            .since = "5.0.0"},                                                               \
                           {.name = "frequency",                                                             \
                            .type = ARG_INTEGER,                                                             \
                            .token = "FREQ",                                                                 \
                            .flags = ARG_OPTIONAL,                                                           \
                            .since = "5.0.0"}),                                                              \
    .history = HISTORY("3.0.0", "Added the `REPLACE` modifier.", "5.0.0", "Added the `ABSTTL` modifier.",    \
                       "5.0.0", "Added the `IDLETIME` and `FREQ` options.")

const struct command dump_restore = {
    .name = "restore",
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .since = "2.6.0",
    .summary = "Creates a key from what DUMP has answered.",
    RESTORE_ROW,
};

const struct command dump_restore_asking = {
    .name = "restore-asking",
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_ASKING,
    .since = "3.0.0",
    .summary = "RESTORE, as nodes of a cluster send it while a slot moves.",
    RESTORE_ROW,
};
