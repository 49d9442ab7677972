/* migrate.c: MIGRATE: keys to another server.
 *
 * Terms: a key is *read* when its payload has been made, *acknowledged* when the other server has said that it has it.
 *
 * It runs outside of the gate, and enters twice, each time shared and with the stripes of its keys:
 *   1. all values are read at one moment, and each key is watched from then on;
 *   2. nobody is inside: the payloads are sent, the replies awaited. Only the clients of this worker wait for that, at most `timeout`
 *      for each sign of life (and new connections, while it is the worker that accepts them);
 *   3. the acknowledged keys are removed in one transaction, but for those that were changed since they were read: these
 *      stay, and the client is told so, as the other server has what they were.
 * Readers therefore see a key here until it is there; for a moment it is in both places. A crash or a lost
 * connection between 2 and 3 leaves it in both; it is never in none.
 */
#include "command/arguments.h"
#include "command/call.h"
#include "command/dump/dump_commands.h"
#include "command/dump/link.h"
#include "command/dump/save.h"
#include "command/server_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TIMEOUT_MS_DEFAULT 1000
#define FIRST_OPTION       6
#define AWAIT_NS           200000 /* between two looks at the journal */

/* Where the keys are: all behind KEYS, or argument 3; *first_out .. argc, or one. */
static size_t find_keys(const struct slice *argv, size_t argc, size_t *first_out)
{
    *first_out = 3;
    for (size_t i = FIRST_OPTION; i < argc; i++) {
        if (slice_is_word(argv[i], "auth")) i += 1;
        else if (slice_is_word(argv[i], "auth2")) i += 2;
        else if (slice_is_word(argv[i], "keys")) {
            *first_out = i + 1;
            return argv[3].len > 0 ? 0 : argc - i - 1;
        }
    }
    return 1;
}

static size_t migrate_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    size_t first, count = find_keys(argv, argc, &first);
    for (size_t i = 0; i < count && i < cap; i++)
        indexes[i] = first + i;
    return count < cap ? count : cap;
}

static void migrate(struct call *call);
const struct command dump_migrate = {
    .name = "migrate",
    .handler = migrate,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_MOVABLEKEYS | COMMAND_OUTSIDE,
    .categories = CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
    .group = GROUP_GENERIC,
    .since = "2.6.0",
    .summary = "Moves keys to another server, all at one moment.",
    .complexity =
        "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target "
        "instance. See the pages of these commands for time complexity. Also an O(N) data transfer between "
        "the two instances is performed.",
    .specs = {KEY_AT(3, KEY_RW | KEY_ACCESS | KEY_DELETE),
              {KEY_BEGIN_KEYWORD, -2, "KEYS", KEY_FIND_RANGE, -1, 1, 0,
               KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE, NULL}},
    .get_keys = migrate_keys,
    .arguments = ARGUMENTS(
        ARGUMENT("host", ARG_STRING), ARGUMENT("port", ARG_INTEGER),
        {.name = "key-selector",
         .type = ARG_ONEOF,
         .sub = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_WORD("empty-string", "\"\""))},
        ARGUMENT("destination-db", ARG_INTEGER), ARGUMENT("timeout", ARG_INTEGER),
        {.name = "copy", .type = ARG_PURE_TOKEN, .token = "COPY", .flags = ARG_OPTIONAL, .since = "3.0.0"},
        {.name = "replace",
         .type = ARG_PURE_TOKEN,
         .token = "REPLACE",
         .flags = ARG_OPTIONAL,
         .since = "3.0.0"},
        {.name = "authentication",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(
             {.name = "auth", .type = ARG_STRING, .token = "AUTH", .since = "4.0.7"},
             {.name = "auth2",
              .type = ARG_BLOCK,
              .token = "AUTH2",
              .since = "6.0.0",
              .sub = ARGUMENTS(ARGUMENT("username", ARG_STRING), ARGUMENT("password", ARG_STRING))})},
        {.name = "keys",
         .type = ARG_KEY,
         .token = "KEYS",
         .flags = ARG_OPTIONAL | ARG_MULTIPLE,
         .since = "3.0.6",
         .key_spec = 1}),
    .tips = TIPS("nondeterministic_output"),
    .history =
        HISTORY("3.0.0", "Added the `COPY` and `REPLACE` options.", "3.0.6", "Added the `KEYS` option.",
                "4.0.7", "Added the `AUTH` option.", "6.0.0", "Added the `AUTH2` option."),
};

/* One key on its way. */
struct parcel {
    const struct key *key;
    size_t payload_at; /* in migration.payloads */
    size_t payload_len;
    int64_t ttl_ms; /* 0: it does not expire */
    struct watcher *watcher;
    bool acknowledged;
};

struct migration {
    struct call *call;
    bool copy, replace;
    size_t user_arg, password_arg; /* 0: not given */
    int64_t db;
    int timeout_ms;
    uint64_t stripes;
    struct parcel *parcels;
    size_t count;
    struct rdb_out payloads;
    const char *step;          /* what was being done, for errors */
    char error[LINK_LINE_MAX]; /* the first one that the other server replied, without '-' */
};

/* ---- options ---- */

static bool parse_options(struct migration *migration)
{
    struct call *call = migration->call;
    int64_t timeout_ms;
    for (size_t arg = FIRST_OPTION; arg < call->argc; arg++) {
        size_t more = call->argc - 1 - arg;
        if (call_arg_is(call, arg, "COPY")) {
            migration->copy = true;
        } else if (call_arg_is(call, arg, "REPLACE")) {
            migration->replace = true;
        } else if (call_arg_is(call, arg, "AUTH") && more >= 1) {
            migration->password_arg = ++arg;
            call_redact(call, arg);
        } else if (call_arg_is(call, arg, "AUTH2") && more >= 2) {
            migration->user_arg = ++arg;
            call_redact(call, arg);
            migration->password_arg = ++arg;
            call_redact(call, arg);
        } else if (call_arg_is(call, arg, "KEYS") && call->argv[3].len == 0) {
            break;
        } else if (call_arg_is(call, arg, "KEYS")) {
            resp_error(call->out,
                       "ERR When using MIGRATE KEYS option, the key argument must be set to the empty "
                       "string");
            return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    if (!call_int(call, 5, &timeout_ms) || !call_int(call, 4, &migration->db)) return false;
    if (timeout_ms <= 0) timeout_ms = TIMEOUT_MS_DEFAULT;
    migration->timeout_ms = timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX;
    return true;
}

/* ---- 1. reading ---- */

static void enter(struct migration *migration)
{
    struct call *call = migration->call;
    gate_enter_shared(&call->worker->server->gate, call->worker->id);
    keyspace_lock_set(call->keyspace, migration->stripes);
}

static void leave(struct migration *migration)
{
    struct call *call = migration->call;
    keyspace_unlock_set(call->keyspace, migration->stripes);
    gate_leave_shared(&call->worker->server->gate, call->worker->id);
}

/* False, after having replied, without memory. */
static bool read_key(struct migration *migration, const struct key *key)
{
    struct call *call = migration->call;
    const struct entry *entry = keyspace_find(call->keyspace, call->db, key);
    if (entry == NULL || entry_is_expired(entry, call->now_ms)) return true;
    struct parcel *parcel = &migration->parcels[migration->count];
    int64_t expire_ms = entry_expire_ms(entry);
    *parcel = (struct parcel){.key = key, .payload_at = migration->payloads.len};
    if (expire_ms != EXPIRY_NONE) parcel->ttl_ms = expire_ms - call->now_ms;
    bool saved = dump_save(&migration->payloads, keyspace_heap(call->keyspace), entry, call->now_ms);
    parcel->payload_len = migration->payloads.len - parcel->payload_at;
    enum error error = migration->payloads.failed ? ERROR_MEMORY : ERROR_OK;
    if (!saved && error == ERROR_OK) return true;
    if (error == ERROR_OK)
        error = watch_add(&parcel->watcher, &call->worker->server->watches, call->db, key, false);
    if (error == ERROR_OK) migration->count++;
    else call_fail(call, error);
    return error == ERROR_OK;
}

static bool read_keys(struct migration *migration)
{
    struct call *call = migration->call;
    const struct settings *settings = call->worker->server->settings;
    migration->payloads.compress = atomic_load_explicit(&settings->compress_payloads, memory_order_relaxed);
    migration->parcels = calloc(call->key_count + 1, sizeof *migration->parcels);
    if (migration->parcels == NULL) {
        call_fail(call, ERROR_MEMORY);
        return false;
    }
    for (size_t i = 0; i < call->key_count; i++)
        migration->stripes |= UINT64_C(1) << call->keys[i].stripe;
    bool read = true;
    enter(migration);
    for (size_t i = 0; i < call->key_count && read; i++)
        read = read_key(migration, &call->keys[i]);
    leave(migration);
    return read;
}

/* ---- 2. sending ---- */

/* AUTH and SELECT where they are needed: how many. */
static unsigned write_greeting(const struct migration *migration, const struct link *link,
                               struct resp_out *out)
{
    const struct slice *argv = migration->call->argv;
    unsigned count = 0;
    if (migration->password_arg > 0) {
        resp_array(out, migration->user_arg > 0 ? 3 : 2);
        resp_bulk_text(out, "AUTH");
        if (migration->user_arg > 0) resp_bulk_slice(out, argv[migration->user_arg]);
        resp_bulk_slice(out, argv[migration->password_arg]);
        count++;
    }
    if (link->db != migration->db) {
        resp_array(out, 2);
        resp_bulk_text(out, "SELECT");
        resp_bulk_int(out, migration->db);
        count++;
    }
    return count;
}

/* A RESTORE for each key. */
static void write_requests(const struct migration *migration, struct resp_out *out)
{
    for (size_t i = 0; i < migration->count; i++) {
        const struct parcel *parcel = &migration->parcels[i];
        resp_array(out, migration->replace ? 5 : 4);
        resp_bulk_text(out, "RESTORE");
        resp_bulk_slice(out, parcel->key->name);
        resp_bulk_int(out, parcel->ttl_ms);
        resp_bulk(out, migration->payloads.buf + parcel->payload_at, parcel->payload_len);
        if (migration->replace) resp_bulk_text(out, "REPLACE");
    }
}

/* Reads one reply; *ok_out: it is no error. */
static enum link_result read_reply(struct migration *migration, struct link *link, bool *ok_out)
{
    char line[LINK_LINE_MAX];
    enum link_result result = link_read_line(link, line, migration->timeout_ms);
    *ok_out = result == LINK_OK && *line != '-';
    if (result == LINK_OK && !*ok_out && *migration->error == '\0')
        snprintf(migration->error, sizeof migration->error, "%s", line + 1);
    return result;
}

static enum link_result send_all(struct migration *migration, struct link *link, struct resp_out *out)
{
    migration->step = "writing to";
    enum link_result result =
        out->failed ? LINK_FAILED : link_send(link, out->buf, out->len, migration->timeout_ms);
    out->len = 0;
    if (result == LINK_OK) migration->step = "reading from";
    return result;
}

/* One attempt. Nothing is restored before the other server has agreed to password and database. */
static enum link_result exchange(struct migration *migration, struct link *link, struct resp_out *out)
{
    enum link_result result = LINK_OK;
    bool ok;
    unsigned greetings = write_greeting(migration, link, out);
    if (greetings > 0) result = send_all(migration, link, out);
    for (; greetings > 0 && result == LINK_OK; greetings--)
        result = read_reply(migration, link, &ok);
    if (result != LINK_OK || *migration->error != '\0') return result;
    link->db = migration->db;
    write_requests(migration, out);
    result = send_all(migration, link, out);
    for (size_t i = 0; i < migration->count && result == LINK_OK; i++) {
        result = read_reply(migration, link, &ok);
        migration->parcels[i].acknowledged = ok;
    }
    return result;
}

/* Nothing leaves the process that is not safe yet (J3): what was read may be another client's write of a moment ago. False when the
 * journal does not get that far in time. */
static bool await_journal(const struct migration *migration)
{
    struct heap_thread *thread = migration->call->worker->thread;
    int64_t deadline_ns = clock_monotonic_ns() + migration->timeout_ms * INT64_C(1000000);
    const struct timespec pause = {.tv_nsec = AWAIT_NS};
    uint64_t lsn = heap_lsn(thread);
    while (!heap_await(thread, lsn)) {
        if (clock_monotonic_ns() >= deadline_ns) return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Sends everything; false after having replied that no connection can be made, or that it broke. A connection that was kept may have been
 * closed meanwhile: then it is tried once more with a new one. */
static bool send_keys(struct migration *migration)
{
    struct call *call = migration->call;
    struct link_cache *links = &call->worker->server->links;
    for (bool fresh = false;; fresh = true) {
        struct link *link = link_take(links, call->argv[1], call->argv[2], migration->timeout_ms, fresh);
        if (link == NULL) {
            resp_error(call->out, "IOERR error or timeout connecting to the client");
            return false;
        }
        bool again = link->is_kept_one;
        struct resp_out requests;
        resp_out_init(&requests);
        requests.proto = 2;
        enum link_result result = exchange(migration, link, &requests);
        resp_out_free(&requests);
        again = again && !migration->parcels[0].acknowledged; /* nothing was done yet */
        bool refused = *migration->error != '\0';
        if (result == LINK_OK) {
            if (refused) link->db = -1;
            link_keep(links, link, clock_wall_ms());
            return true;
        }
        link_drop(link);
        if (refused) return true;
        if (result == LINK_TIMED_OUT || !again) break;
    }
    resp_errorf(call->out, "IOERR error or timeout %s target instance", migration->step);
    return false;
}

/* ---- 3. removing ---- */

/* Removes what was acknowledged and not changed; counts what was changed. */
static enum error remove_keys(struct migration *migration, size_t *changed_out)
{
    struct call *call = migration->call;
    enum error error = ERROR_OK;
    bool removed;
    for (size_t i = 0; i < migration->count && error == ERROR_OK; i++) {
        struct parcel *parcel = &migration->parcels[i];
        if (!parcel->acknowledged || !keyspace_find(call->keyspace, call->db, parcel->key)) continue;
        if (watch_is_dirty(parcel->watcher)) {
            ++*changed_out;
            continue;
        }
        error = keyspace_remove(call->tx, call->keyspace, call->db, parcel->key, &removed);
        if (error == ERROR_OK) call_notify(call, "del", parcel->key);
    }
    return error;
}

/* False after having replied. */
static bool remove_acknowledged(struct migration *migration, size_t *changed_out)
{
    struct call *call = migration->call;
    enter(migration);
    call->tx = heap_thread_tx(call->worker->thread);
    tx_begin(call->tx);
    enum error error = remove_keys(migration, changed_out);
    if (error != ERROR_OK) {
        call_fail(call, error);
        tx_abort(call->tx);
        changes_cut(&call->worker->changes, 0);
    } else {
        tx_commit(call->tx);
        changes_send(call->worker);
        stats_add(&call->worker->counters.changes, call->changes);
    }
    leave(migration);
    return error == ERROR_OK;
}

static void reply(struct migration *migration, size_t changed)
{
    struct resp_out *out = migration->call->out;
    if (*migration->error != '\0')
        resp_errorf(out, "ERR Target instance replied with error: %s", migration->error);
    else if (changed > 0)
        resp_errorf(out,
                    "ERR %zu keys were changed while they were sent: they stay here, and the target has what "
                    "they were",
                    changed);
    else resp_ok(out);
}

static void migrate_keys_found(struct migration *migration)
{
    size_t changed = 0;
    if (migration->count == 0) {
        resp_simple(migration->call->out, "NOKEY");
        return;
    }
    if (!await_journal(migration)) {
        resp_error(migration->call->out, "IOERR error or timeout syncing what is to be sent");
        return;
    }
    bool sent = send_keys(migration);
    if (!migration->copy && !remove_acknowledged(migration, &changed)) return;
    if (sent) reply(migration, changed);
}

static void migrate(struct call *call)
{
    struct migration migration = {.call = call};
    if (parse_options(&migration) && read_keys(&migration)) migrate_keys_found(&migration);
    for (size_t i = 0; i < migration.count; i++)
        watch_end(&migration.parcels[i].watcher);
    free(migration.parcels);
    rdb_out_free(&migration.payloads);
}
