/* tracking.h: client-side caching (CLIENT TRACKING): clients are told which of the keys that they have read are no longer what they were.
 *
 * Terms: a *tracker* is one session's wish to be told. A *tracked* key is one that a tracker has read since it was last told. A tracker
 * that *broadcasts* is told of all changed keys with certain prefixes instead, read or not. Invalidations may be *redirected* to
 * another session; the worker that serves the session which is told is the tracker's *destination*.
 *
 * Invariants:
 * K1. A key is made tracked, and its trackers are told, by a thread that holds the key's stripe or is alone: nobody reads an old value
 *     without being told. To be told of it takes the key off the table.
 * K2. Lock order: a stripe of the keyspace, then the table's lock of that stripe, then a tracker's; inboxes take none.
 * K3. A tracker lives as long as its session or anything that names it: keys, messages, prefixes.
 * K4. Prefixes are known to their destination alone, which hears of them through its inbox: before any change that follows.
 * K5. Whoever must be told is told, or loses the connection that should have told him: when there is no memory for what changed, each
 *     tracker of the server is told to forget all it knows (the *alarm*), for which the memory was there from the start.
 */
#ifndef CAIRN_COMMAND_TRACKING_H
#define CAIRN_COMMAND_TRACKING_H

#include "command/inbox.h"
#include "db/keyspace.h"
#include "util/chains.h"
#include "util/spinlock.h"

struct command;
struct tracker;

#define TRACKING_ON      (1u << 0)
#define TRACKING_BCAST   (1u << 1)
#define TRACKING_OPTIN   (1u << 2)
#define TRACKING_OPTOUT  (1u << 3)
#define TRACKING_NOLOOP  (1u << 4)
#define TRACKING_CACHING (1u << 5) /* CLIENT CACHING, for the next command */
#define TRACKING_BROKEN  (1u << 6) /* the session it redirects to is gone */

/* All workers'. Zeroed memory is empty. */
struct tracking_stripe {
    struct spinlock lock;
    _Atomic uint64_t key_count;
    struct chains keys;
    struct chains pairs; /* of key and tracker */
};

struct tracking {
    _Atomic uint64_t clients; /* trackers that are on */
    _Atomic uint64_t keys;
    _Atomic uint64_t items;             /* pairs of key and tracker */
    _Atomic uint64_t bcast_workers[64]; /* broadcasting trackers by destination */
    struct spinlock lock;               /* of `clients` being changed and of `prefixes`; a leaf */
    struct chains prefixes;             /* by name, with how many trackers have them: for INFO */
    struct tracking_stripe stripes[KEYSPACE_STRIPES];
};

/* A worker's: on its thread alone. */
struct tracking_local {
    struct tracker *first;   /* of its sessions */
    struct prefix *prefixes; /* of trackers whose destination it is */
    bool has_news;           /* changed keys that are not told yet */
    struct {
        struct inbox_message *message;
        atomic_bool sent;       /* and not dropped yet */
        _Atomic uint64_t count; /* how often it was raised */
        uint64_t heard;         /* its value when the message was delivered last */
    } alarm;                    /* K5; raised by any thread */
};

MUST_CHECK enum error tracking_local_open(struct worker *worker);

void tracking_close(struct tracking *tracking);
void tracking_local_close(struct tracking_local *local);

/* ---- trackers: on their session's thread ---- */

struct tracking_options {
    uint32_t flags;
    uint64_t redirect;        /* a session; 0: none */
    unsigned redirect_worker; /* that serves it */
    const struct slice *prefixes;
    size_t prefix_count;
};
/* Turns it on, or changes how it is done; prefixes add up. */
MUST_CHECK enum error tracking_enable(struct worker *worker, struct session *session,
                                      const struct tracking_options *options);
void tracking_disable(struct worker *worker, struct session *session);
/* The session ends. */
void tracking_end(struct worker *worker, struct session *session);
/* 0 when it is off. */
uint32_t tracking_flags(const struct session *session);
uint64_t tracking_redirect(const struct session *session);
void tracking_set_caching(struct session *session, bool caching);
size_t tracking_prefix_count(const struct session *session);
size_t tracking_bytes(const struct session *session); /* of memory */
struct slice tracking_prefix(const struct session *session, size_t index);

/* ---- keys ---- */

/* Whether the session wants to be told of keys that the command reads. Its own thread, or one that executes on its behalf while it waits. */
bool tracking_wants(const struct session *session, const struct command *command);
/* The tracker has read `key` (K1). Returns the workers that have to be woken. */
uint64_t tracking_remember(struct server_state *server, struct tracker *tracker, const struct key *key);
/* `key` changed (K1), by session `by` (0: by nobody). Returns the workers that have to be woken. */
uint64_t tracking_changed(struct server_state *server, struct inbox_sender *sender, const struct key *key,
                          uint64_t by);
/* All keys of a database are gone; the caller is alone. */
uint64_t tracking_flushed(struct server_state *server, struct inbox_sender *sender);
/* Tells trackers of keys that did not change, while more than `max_keys` are tracked (0: any), at most `effort`; the caller holds no lock. Returns the
 * workers that have to be woken. */
uint64_t tracking_limit(struct server_state *server, struct inbox_sender *sender, uint64_t max_keys,
                        unsigned effort);
/* Tells what broadcasting trackers have to hear; when an inbox was drained. */
void tracking_tell_news(struct worker *worker);

uint64_t tracking_prefixes(struct server_state *server); /* all, each once */

#endif
