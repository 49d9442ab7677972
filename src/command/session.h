/* session.h: what a connection is to the commands: protocol, database, name, identity. Owned by client/. */
#ifndef CAIRN_COMMAND_SESSION_H
#define CAIRN_COMMAND_SESSION_H

#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum session_reply { SESSION_REPLY_ON, SESSION_REPLY_OFF, SESSION_REPLY_SKIP_NEXT, SESSION_REPLY_SKIP };

struct acl_user;
struct multi;
struct subscription;
struct tracker;
struct worker;
struct watcher;
struct waiter;

struct session {
    uint64_t id;
    unsigned db;
    int proto; /* 2 or 3 */
    bool authenticated;
    bool local;             /* the peer is on this machine */
    bool close_after_reply; /* QUIT, protocol errors, KILL of oneself */
    bool no_evict;
    bool no_touch;
    enum session_reply reply;
    char *name;     /* malloc'd or NULL */
    char *lib_name; /* malloc'd or NULL */
    char *lib_ver;
    int64_t created_ms;
    int64_t last_command_ms;
    const struct command *last_command; /* for CLIENT LIST; NULL: none yet */
    uint64_t commands;
    struct acl_user *user;   /* whom commands run as, held (acl/session.h); NULL: the default user, not looked up yet */
    struct multi *multi;     /* between MULTI and EXEC (multi.h); NULL: not there */
    struct watcher *watcher; /* of WATCH (watch.h); NULL: watches nothing */
    struct {
        unsigned channels, patterns, shard_channels;
        struct subscription *first[3]; /* pubsub.c's own, by kind */
    } subscribed; /* how many: of SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE */
    struct waiter *waiter;   /* of the command that blocks it (block.h); NULL: it does not wait */
    struct tracker *tracker; /* of CLIENT TRACKING (tracking.h); NULL: off */
    bool monitors;           /* MONITOR */
    const char *address; /* "ip:port" of the peer, client/'s; NULL: none (SLOWLOG) */
    void *connection; /* client/'s own */
};

static inline bool session_is_subscribed(const struct session *session)
{
    return session->subscribed.channels + session->subscribed.patterns + session->subscribed.shard_channels > 0;
}

/* Back to a fresh session: RESET. Keeps id and connection; who it is, is for acl_session_begin. */
void session_reset(struct session *session);
/* Nothing is pushed to it any more until it asks again: subscriptions, tracking and MONITOR end. On its worker's thread. */
void session_be_quiet(struct session *session, struct worker *worker);
/* The connection is closing, on its worker's thread: whatever others know of the session is taken back (watched keys, subscriptions,
 * waits). Nothing is pushed to it any more. */
void session_end(struct session *session, struct worker *worker);
void session_free(struct session *session);
/* What its transaction, watched keys, subscriptions and tracking take. */
size_t session_memory(const struct session *session);

#endif
