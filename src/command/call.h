/* call.h: one command being executed: everything a handler gets, and the helpers that handlers share.
 *
 * Rules for handlers: a client's mistake is answered before the first mutation; a failed operation (enum error) goes to
 * call_fail, which takes the transaction back and replaces whatever was replied. The dispatcher has checked arity, flags and
 * authentication, holds the stripes of call->keys, has opened call->tx, and commits it after the handler.
 */
#ifndef CAIRN_COMMAND_CALL_H
#define CAIRN_COMMAND_CALL_H

#include "command/session.h"
#include "command/table.h"
#include "command/worker.h"
#include "db/keyspace.h"
#include "resp/write.h"

struct run;
struct waiter;

struct call {
    const struct command *command;
    const struct slice *argv;
    size_t argc;
    struct session *session;
    struct worker *worker;
    struct keyspace *keyspace;
    struct tx *tx;
    struct resp_out *out;
    const struct key *keys; /* in the order of the key specs */
    size_t key_count;
    unsigned db;
    int64_t now_ms;  /* one time for the whole command */
    size_t reply_at; /* out->len before the handler: where call_fail cuts */
    unsigned changes; /* keys changed so far */
    uint32_t redacted; /* arguments that stay out of the slow log (call_redact) */
    bool failed;
    bool no_room; /* failed because heap or disk are full */
    bool blocked;          /* nothing was replied: the client waits (block_wait) */
    bool alone;            /* in the server: who waits for the keys it changes is served behind it */
    struct waiter *waiter; /* on whose behalf it is executed; NULL: the session's own request */
    struct run *run;       /* the dispatcher's own, for EXEC */
};

/* ---- keys ---- */

/* The live entry of key `index` for reading: expired keys are removed (and count as misses), hits and misses are counted, the
 * access clock is set (unless NO-TOUCH). NULL when there is none. */
struct entry *call_read(struct call *call, size_t index);
/* The same, but looking is not using: the access clock stands still. */
struct entry *call_look(struct call *call, size_t index);
/* The same, and nobody is told when there is none: for introspection. */
struct entry *call_glance(struct call *call, size_t index);
/* The same for writing: nothing is counted. */
struct entry *call_peek(struct call *call, size_t index);
/* As call_peek, and the access clock is set: for changing a value in its place. */
struct entry *call_edit(struct call *call, size_t index);
/* True when `entry` has another type than wanted; -WRONGTYPE is then replied. NULL is fine. */
bool call_wrong_type(struct call *call, const struct entry *entry, enum entry_type wanted);

/* ---- outcomes ---- */

/* An operating failure: the tx is taken back, the reply becomes Redis's text for it (-OOM, -MISCONF, -ERR …). */
void call_fail(struct call *call, enum error error);
/* A key changed: for keyspace notifications, WATCH, tracking. `event` as in Redis ("set", "del", "expire"). */
void call_notify(struct call *call, const char *event, const struct key *key);
/* `key` is new, although it may have existed: where the event that follows does not say so by itself (changes.h). */
void call_notify_new(struct call *call, const struct key *key);

/* ---- arguments: false after having replied the error ---- */
bool call_int(struct call *call, size_t arg, int64_t *value_out); /* "ERR value is not an integer or out of range" */
/* Also outside [min, max]. `error` is the whole text ("ERR …") for both mistakes; NULL: Redis's usual ones. */
bool call_int_range(struct call *call, size_t arg, int64_t min, int64_t max, const char *error, int64_t *value_out);
bool call_long_double(struct call *call, size_t arg, long double *value_out); /* "ERR value is not a valid float" */
bool call_double(struct call *call, size_t arg, double *value_out);
void call_syntax_error(struct call *call);
/* Argument `arg` is a secret: no log shows it. */
void call_redact(struct call *call, size_t arg);
/* True when argument `arg` exists and is the word, any case. */
bool call_arg_is(const struct call *call, size_t arg, const char *word);

#endif
