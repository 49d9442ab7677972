/* pubsub.h: who is subscribed to which channels and patterns, and publishing to them.
 *
 * Terms: a *topic* is a channel, a pattern or a shard channel that somebody is subscribed to; a *registry* holds the topics of one worker's
 * sessions.
 *
 * Invariants:
 * U1. A registry is changed under its lock by its worker's thread, or by one that holds the lock of its worker's loop, so that the worker
 *     does nothing. The worker's thread reads it without the lock, others with it. The lock is a leaf.
 * U2. A session that is subscribed is a live one: its end takes it off (session_end).
 * U3. Delivering closes no session (host->push), so topics and subscriptions stay where they are.
 */
#ifndef CAIRN_COMMAND_PUBSUB_H
#define CAIRN_COMMAND_PUBSUB_H

#include "command/inbox.h"
#include "command/session.h"
#include "util/chains.h"
#include "util/error.h"
#include "util/slice.h"
#include "util/spinlock.h"

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

struct topic;
struct subscription;

struct topics {
    struct chains by_name;
    struct topic **all;
    size_t cap;
    _Atomic size_t count; /* of `all`; others look whether there are any */
};

struct pubsub_registry {
    struct spinlock lock;
    struct topics topics[PUBSUB_KINDS];
    struct chains subscriptions; /* by topic and session */
    bool delivering;
};

/* A registry is zeroed memory; no session is left. */
void pubsub_close(struct pubsub_registry *registry);

/* ---- sessions: on their worker's thread, or in its place (U1) ---- */

/* Once, however often it is asked for. */
MUST_CHECK enum error pubsub_join(struct worker *worker, struct session *session, enum pubsub_kind kind,
                                  struct slice name);
/* False when it was not subscribed. */
bool pubsub_leave(struct worker *worker, struct session *session, enum pubsub_kind kind, struct slice name);
/* Some topic of that kind the session is subscribed to; ptr NULL: none. Good until the session unsubscribes from it. */
struct slice pubsub_first(const struct session *session, enum pubsub_kind kind);
size_t pubsub_bytes(const struct session *session); /* of memory */
/* Whether `wanted` holds for all that the session is subscribed to. By another thread only with the lock of the session's loop held:
 * its worker does nothing then. */
typedef bool pubsub_predicate(void *arg, enum pubsub_kind kind, struct slice name);
bool pubsub_all(const struct session *session, pubsub_predicate *wanted, void *arg);
/* Takes the session off all topics. */
void pubsub_end(struct worker *worker, struct session *session);

/* ---- messages: any thread, any lock ---- */

/* Makes a message for all who are subscribed to the channel (and, unless `shard`, to patterns that match it) at this moment. Returns how many
 * they are; 0: *message_out is NULL. `sender` may be NULL (inbox_message_new). *targets_out: the workers to send it to. */
MUST_CHECK enum error pubsub_prepare(struct server_state *server, struct inbox_sender *sender, bool shard,
                                     struct slice channel, struct slice payload,
                                     struct inbox_message **message_out, uint64_t *targets_out,
                                     uint64_t *receivers_out);
/* Whether anybody is subscribed to anything but shard channels. */
bool pubsub_has_subscribers(const struct server_state *server);

/* ---- looking ---- */

uint64_t pubsub_count(struct server_state *server, enum pubsub_kind kind, struct slice name);
/* The names of all topics of that kind, each once, for pubsub_names_free. `pattern` with ptr NULL: all. */
MUST_CHECK enum error pubsub_names(struct server_state *server, enum pubsub_kind kind, struct slice pattern,
                                   struct slice **names_out, size_t *count_out);
/* How many topics of that kind there are. */
uint64_t pubsub_topics(struct server_state *server, enum pubsub_kind kind);
void pubsub_names_free(struct slice *names, size_t count);

#endif
