/* call.c: what handlers share: looking up keys, parsing arguments, failing. */
#include "command/call.h"

#include "command/access.h"
#include "command/block.h"
#include "command/dispatch_run.h"
#include "command/server_state.h"
#include "util/number.h"

#include <stdio.h>
#include <string.h>

#define COUNTER_ADD(call, name) stats_add(&(call)->worker->counters.name, 1)

/* ---- keys ---- */

/* A key whose time has come is gone for this command whatever happens here. It is taken off the heap too,
 * unless a pause holds the data still, or the redo journal has no room (a reader does not wait for it); the heap's reserve (H10) lets that succeed, and if it should not,
 * active expiry will. */
static void remove_expired(struct call *call, const struct key *key)
{
    if (server_state_paused(call->worker->server, call->now_ms) != PAUSE_NONE) return;
    if (call->run->room != ERROR_OK) return;
    struct tx_mark mark = tx_savepoint(call->tx);
    bool removed = false;
    if (keyspace_remove(call->tx, call->keyspace, call->db, key, &removed) != ERROR_OK) {
        tx_rollback_to(call->tx, mark);
        return;
    }
    COUNTER_ADD(call, expired_keys);
    call_notify(call, "expired", key);
}

struct entry *call_peek(struct call *call, size_t index)
{
    const struct key *key = &call->keys[index];
    struct entry *entry = keyspace_find(call->keyspace, call->db, key);
    if (!entry || !entry_is_expired(entry, call->now_ms)) return entry;
    remove_expired(call, key);
    return NULL;
}

static void touch(struct call *call, size_t index, struct entry *entry)
{
    if (call->session->no_touch) return;
    uint32_t random = (uint32_t)(call->keys[index].hash >> 32) ^ (uint32_t)(clock_ticks() >> 4);
    uint32_t bits = entry_access(entry);
    entry_set_access(call->tx, entry,
                     access_touched(call->worker->server->settings, bits, call->now_ms, random));
}

static bool is_told_of_changes(const struct call *call)
{
    return __builtin_expect(atomic_load_explicit(&call->worker->server->wants, memory_order_relaxed) != 0, 0);
}

struct entry *call_glance(struct call *call, size_t index)
{
    struct entry *entry = call_peek(call, index);
    if (entry) COUNTER_ADD(call, keyspace_hits);
    else COUNTER_ADD(call, keyspace_misses);
    return entry;
}

struct entry *call_look(struct call *call, size_t index)
{
    struct entry *entry = call_glance(call, index);
    if (!entry && is_told_of_changes(call)) changes_note_event(call, "keymiss", &call->keys[index]);
    return entry;
}

struct entry *call_edit(struct call *call, size_t index)
{
    struct entry *entry = call_peek(call, index);
    if (entry) touch(call, index, entry);
    return entry;
}

struct entry *call_read(struct call *call, size_t index)
{
    struct entry *entry = call_look(call, index);
    if (entry) touch(call, index, entry);
    return entry;
}

bool call_wrong_type(struct call *call, const struct entry *entry, enum entry_type wanted)
{
    if (!entry || entry_type(entry) == wanted) return false;
    resp_error(call->out, "WRONGTYPE Operation against a key holding the wrong kind of value");
    return true;
}

/* ---- outcomes ---- */

static const char *failure_text(enum error error)
{
    switch (error) {
    case ERROR_HEAP_FULL: return "OOM command not allowed: the heap has reached its limit.";
    case ERROR_DISK_FULL: return "OOM no space left on the device that holds the heap.";
    case ERROR_MEMORY: return "OOM out of process memory.";
    case ERROR_IO:
        return "MISCONF The medium that holds the heap reports errors. Commands that may modify the data set "
               "are disabled. Please check the log for details.";
    default: return NULL;
    }
}

void call_fail(struct call *call, enum error error)
{
    call->failed = true;
    call->no_room = error == ERROR_HEAP_FULL || error == ERROR_DISK_FULL;
    call->out->len = call->reply_at;
    const char *text = failure_text(error);
    if (text) resp_error(call->out, text);
    else resp_errorf(call->out, "ERR %s", error_text(error));
}

void call_notify(struct call *call, const char *event, const struct key *key)
{
    struct watch_table *watches = &call->worker->server->watches;
    if (__builtin_expect(watch_has_keys(watches, key->stripe), 0))
        watch_touch(watches, call->db, key, strcmp(event, "expired") == 0);
    if (block_has_keys(&call->worker->server->blocks)) block_touch(call, event, key);
    if (is_told_of_changes(call)) changes_note(call, event, key);
    call->changes++;
}

void call_notify_new(struct call *call, const struct key *key)
{
    if (is_told_of_changes(call)) changes_note_new(call, key);
}

/* ---- arguments ---- */

bool call_int(struct call *call, size_t arg, int64_t *value_out)
{
    if (number_parse_int(call->argv[arg], value_out)) return true;
    resp_error(call->out, "ERR value is not an integer or out of range");
    return false;
}

bool call_int_range(struct call *call, size_t arg, int64_t min, int64_t max, const char *error,
                    int64_t *value_out)
{
    bool number = number_parse_int(call->argv[arg], value_out);
    if (number && *value_out >= min && *value_out <= max) return true;
    if (error) resp_error(call->out, error);
    else if (!number) resp_error(call->out, "ERR value is not an integer or out of range");
    else
        resp_errorf(call->out, "ERR value is out of range, value must between %lld and %lld", (long long)min,
                    (long long)max);
    return false;
}

bool call_long_double(struct call *call, size_t arg, long double *value_out)
{
    if (number_parse_long_double(call->argv[arg], value_out)) return true;
    resp_error(call->out, "ERR value is not a valid float");
    return false;
}

bool call_double(struct call *call, size_t arg, double *value_out)
{
    if (number_parse_double(call->argv[arg], value_out)) return true;
    resp_error(call->out, "ERR value is not a valid float");
    return false;
}

void call_syntax_error(struct call *call)
{
    resp_error(call->out, "ERR syntax error");
}

void call_redact(struct call *call, size_t arg)
{
    if (arg < 32) call->redacted |= UINT32_C(1) << arg; /* the slow log keeps no more */
}

bool call_arg_is(const struct call *call, size_t arg, const char *word)
{
    return arg < call->argc && slice_is_word(call->argv[arg], word);
}
