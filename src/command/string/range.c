/* range.c: commands on parts of strings. */
#include "util/range.h"

#include "command/arguments.h"
#include "command/call.h"
#include "command/server_state.h"
#include "command/string/string_commands.h"

/* False after having replied that a string of `len` + `more` bytes is too long. */
static bool check_length(struct call *call, uint64_t len, uint64_t more)
{
    uint64_t total;

    if (!__builtin_add_overflow(len, more, &total) &&
        total <= atomic_load_explicit(&call->worker->server->settings->max_bulk_bytes, memory_order_relaxed))
        return true;
    resp_error(call->out, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

/* Writes `bytes` at `off` of the string at key 0, which grows to at least that; false after a failure. */
static bool overwrite(struct call *call, size_t off, struct slice bytes)
{
    char *value;
    enum error error = keyspace_edit_string(call->tx, call->keyspace, call->db, &call->keys[0], off,
                                            bytes.len, off + bytes.len, &value);

    if (error) {
        call_fail(call, error);
        return false;
    }
    tx_write(call->tx, value + off, bytes.ptr, bytes.len);
    return true;
}

static void append(struct call *call);
const struct command string_append = {
    .name = "append",
    .handler = append,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.0.0",
    .summary = "Appends bytes to the string at a key, or creates it.",
    .complexity = "O(1), amortized: a growing string is copied each time its room has doubled.",
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("value", ARG_STRING)),
};

static void append(struct call *call)
{
    const struct entry *entry = call_peek(call, 0);
    struct slice more = call->argv[2];
    size_t len = 0;

    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    if (entry) {
        len = entry_string_len(keyspace_heap(call->keyspace), entry);
        if (!check_length(call, len, more.len)) return;
        if (!overwrite(call, len, more)) return;
    } else { /* a new string, which may be an integer */
        enum error error =
            keyspace_put_string(call->tx, call->keyspace, call->db, &call->keys[0], more, EXPIRY_NONE);
        if (error) {
            call_fail(call, error);
            return;
        }
    }
    call_notify(call, "append", &call->keys[0]);
    resp_int(call->out, (int64_t)(len + more.len));
}

static void setrange(struct call *call);
const struct command string_setrange = {
    .name = "setrange",
    .handler = setrange,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.2.0",
    .summary = "Overwrites a part of the string at a key; gaps become zero bytes, a missing key is created.",
    .complexity = "O(M) where M is the length of the value, plus the growth of the string.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("offset", ARG_INTEGER), ARGUMENT("value", ARG_STRING)),
};

static void setrange(struct call *call)
{
    struct slice part = call->argv[3];
    int64_t off;

    if (!call_int(call, 2, &off)) return;
    if (off < 0) {
        resp_error(call->out, "ERR offset is out of range");
        return;
    }
    const struct entry *entry = call_peek(call, 0);
    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    size_t len = entry ? entry_string_len(keyspace_heap(call->keyspace), entry) : 0;
    if (part.len > 0) {
        if (!check_length(call, (uint64_t)off, part.len)) return;
        if (!overwrite(call, (size_t)off, part)) return;
        call_notify(call, "setrange", &call->keys[0]);
        if (len < (size_t)off + part.len) len = (size_t)off + part.len;
    }
    resp_int(call->out, (int64_t)len);
}

static void getrange(struct call *call);
const struct command string_getrange = {
    .name = "getrange",
    .handler = getrange,
    .arity = 4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "2.4.0",
    .summary = "Answers a part of the string at a key.",
    .complexity = "O(N) where N is the length of the part.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER), ARGUMENT("end", ARG_INTEGER)),
};

static void getrange(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    int64_t first;
    int64_t last;

    if (!call_int(call, 2, &first) || !call_int(call, 3, &last)) return;
    const struct entry *entry = call_read(call, 0);
    if (call_wrong_type(call, entry, ENTRY_STRING)) return;
    struct slice value = SLICE("");
    if (entry) value = entry_string(keyspace_heap(call->keyspace), entry, text);
    bool backwards = first < 0 && last < 0 && first > last;
    if (backwards || !range_clamp(&first, &last, (int64_t)value.len)) resp_bulk(call->out, "", 0);
    else resp_bulk(call->out, value.ptr + first, (size_t)(last - first + 1));
}

const struct command string_substr = {
    .name = "substr",
    .handler = getrange,
    .arity = 4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "1.0.0",
    .summary = "The old name of GETRANGE.",
    .complexity = "O(N) where N is the length of the part.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER), ARGUMENT("end", ARG_INTEGER)),
    .deprecated_since = "2.0.0",
    .replaced_by = "`GETRANGE`",
};
