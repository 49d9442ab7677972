/* move.c: commands that give a value another name or another database.
 *
 * A stripe's lock covers its tables in all databases, so the key specs alone hold whatever is needed.
 */
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"

/* Whether `key` is in database `db`, which need not be the session's. */
static bool key_exists(const struct call *call, unsigned db, const struct key *key)
{
    const struct entry *entry = keyspace_find(call->keyspace, db, key);

    return entry && !entry_is_expired(entry, call->now_ms);
}

static void notify_in(struct call *call, unsigned db, const char *event, const struct key *key)
{
    unsigned session_db = call->db;

    call->db = db;
    call_notify(call, event, key);
    call->db = session_db;
}

/* As in Redis, what is put in the place of another key is a new one, too. */
static void notify_new(struct call *call, unsigned db, const struct key *key)
{
    unsigned session_db = call->db;

    call->db = db;
    call_notify_new(call, key);
    call->db = session_db;
}

/* Argument `arg` as the number of a database; false after having replied. */
static bool parse_db(struct call *call, size_t arg, unsigned *db_out)
{
    int64_t db;

    if (!call_int_range(call, arg, INT32_MIN, INT32_MAX, NULL, &db)) return false;
    if (db < 0 || db >= (int64_t)keyspace_databases(call->keyspace)) {
        resp_error(call->out, "ERR DB index is out of range");
        return false;
    }
    *db_out = (unsigned)db;
    return true;
}

/* RENAME and RENAMENX from key 0 to key 1; true when the name changed or was the same, false after having
 * replied anything else. `only_new`: an existing key 1 is kept, and 0 replied. */
static bool rename_key(struct call *call, bool only_new)
{
    if (!call_peek(call, 0)) {
        resp_error(call->out, "ERR no such key");
        return false;
    }
    bool same = slice_equal(call->keys[0].name, call->keys[1].name);
    if (only_new && (same || call_peek(call, 1))) {
        resp_int(call->out, 0);
        return false;
    }
    if (same) return true;
    enum error error =
        keyspace_move(call->tx, call->keyspace, call->db, &call->keys[0], call->db, &call->keys[1]);
    if (error) {
        call_fail(call, error);
        return false;
    }
    notify_new(call, call->db, &call->keys[1]);
    call_notify(call, "rename_from", &call->keys[0]);
    call_notify(call, "rename_to", &call->keys[1]);
    return true;
}

static void rename_over(struct call *call);
const struct command generic_rename = {
    .name = "rename",
    .handler = rename_over,
    .arity = 3,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Gives a key another name; a key of that name is replaced.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_KEY("newkey", 1)),
};

static void rename_over(struct call *call)
{
    if (rename_key(call, false)) resp_ok(call->out);
}

static void renamenx(struct call *call);
const struct command generic_renamenx = {
    .name = "renamenx",
    .handler = renamenx,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Gives a key another name unless a key of that name exists.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_KEY("newkey", 1)),
    .history = HISTORY(
        "3.2.0", "The command no longer returns an error when source and destination names are the same."),
};

static void renamenx(struct call *call)
{
    if (rename_key(call, true)) resp_int(call->out, 1);
}

static void move(struct call *call);
const struct command generic_move = {
    .name = "move",
    .handler = move,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Moves a key to another database unless it exists there.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("db", ARG_INTEGER)),
};

static void move(struct call *call)
{
    const struct key *key = &call->keys[0];
    unsigned db;

    if (!parse_db(call, 2, &db)) return;
    if (db == call->db) {
        resp_error(call->out, "ERR source and destination objects are the same");
        return;
    }
    if (!call_peek(call, 0) || key_exists(call, db, key)) {
        resp_int(call->out, 0);
        return;
    }
    enum error error = keyspace_move(call->tx, call->keyspace, call->db, key, db, key);
    if (error) {
        call_fail(call, error);
        return;
    }
    notify_new(call, db, key);
    call_notify(call, "move_from", key);
    notify_in(call, db, "move_to", key);
    resp_int(call->out, 1);
}

/* The options of COPY; false after having replied. */
static bool parse_copy(struct call *call, unsigned *db_out, bool *replace_out)
{
    *db_out = call->db;
    *replace_out = false;
    for (size_t arg = 3; arg < call->argc; arg++) {
        if (call_arg_is(call, arg, "REPLACE")) {
            *replace_out = true;
        } else if (call_arg_is(call, arg, "DB") && arg + 1 < call->argc) {
            if (!parse_db(call, ++arg, db_out)) return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static void copy(struct call *call);
const struct command generic_copy = {
    .name = "copy",
    .handler = copy,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_KEYSPACE,
    .group = GROUP_GENERIC,
    .since = "6.2.0",
    .summary = "Copies a key to another name, another database, or both.",
    .complexity = "O(N) where N is the size of the value.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AT(2, KEY_OW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1),
                  {.name = "destination-db", .type = ARG_INTEGER, .token = "DB", .flags = ARG_OPTIONAL},
                  {.name = "replace", .type = ARG_PURE_TOKEN, .token = "REPLACE", .flags = ARG_OPTIONAL}),
};

static void copy(struct call *call)
{
    const struct key *from = &call->keys[0];
    const struct key *to = &call->keys[1];
    unsigned db;
    bool replace;

    if (!parse_copy(call, &db, &replace)) return;
    if (db == call->db && slice_equal(from->name, to->name)) {
        resp_error(call->out, "ERR source and destination objects are the same");
        return;
    }
    if (!call_read(call, 0) || (!replace && key_exists(call, db, to))) {
        resp_int(call->out, 0);
        return;
    }
    enum error error = keyspace_copy(call->tx, call->keyspace, call->db, from, db, to);
    if (error) {
        call_fail(call, error);
        return;
    }
    notify_new(call, db, to);
    notify_in(call, db, "copy_to", to);
    resp_int(call->out, 1);
}
