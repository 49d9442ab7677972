/* loop.h: one worker's event loop, with what its connections share. Private to client/.
 *
 * Invariants:
 * L1. A loop's thread holds its lock in every callback: who else holds it sees connections at rest.
 * L2. A thread holds at most one loop lock: a command that looks at other loops lets go of its own first
 *     (client_loop_visit). So nobody waits in a circle.
 * L3. Replies in `out` are sent, or held until they may be (held.h), and due connections are settled (replies.h), before the loop waits and before it closes handles.
 * L4. Mails run with the loop's lock held, outside of the gate, between two turns.
 */
#ifndef CAIRN_CLIENT_LOOP_H
#define CAIRN_CLIENT_LOOP_H

#include "client/directory.h"
#include "client/held.h"
#include "client/mailbox.h"
#include "client/pool.h"
#include "command/dispatch.h"
#include "command/host.h"

#include <openssl/types.h>
#include <pthread.h>
#include <uv.h>

#define CLIENT_READ_BYTES (64 * 1024) /* of one read; bounds a connection's turn */

struct client_connection;

struct client_loop {
    uv_loop_t uv;
    uv_timer_t tick;
    uv_timer_t alarm;      /* of blocked clients whose time is over */
    uv_check_t after_poll; /* every socket that was ready has had its turn */
    struct client_mailbox mailbox;
    struct worker_mail stop;
    struct worker_mail resume;
    atomic_bool resume_posted;
    struct client_pool *pool;
    struct worker *worker;
    pthread_t thread;
    unsigned ticks;
    bool paused; /* some connection waits for the end of CLIENT PAUSE */
    pthread_mutex_t lock;
    struct client_connection *first; /* oldest first */
    struct client_connection *last;
    struct client_directory directory;
    atomic_uint connection_count;
    struct { /* as of the last tick of a second */
        _Atomic uint64_t longest_query, longest_output;
    } buffers;
    /* scratch of the connections whose turn it is */
    char *read_buf;
    char *cipher_buf;        /* the same for TLS; NULL: none was needed yet */
    struct resp_out records; /* what a TLS connection sends next: empty between two of them (tls.h, S2) */
    struct resp_arena arena;
    struct resp_out out; /* replies of the connections in this list, in its order */
    struct client_connection *first_reply;
    struct client_connection *last_reply;
    struct client_connection *first_due; /* to be settled when the turn ends */
    struct client_connection *last_due;
    struct client_held held;
    struct resp_request requests[DISPATCH_BATCH_MAX];
    size_t ends[DISPATCH_BATCH_MAX]; /* where each request ends, from the first one's start */
};

struct client_pool {
    struct server_state *server;
    const struct client_settings *settings;
    struct client_loop *loops;
    unsigned loop_count;
    struct client_listener *listeners; /* served by loop 0 */
    pthread_mutex_t listeners_lock;    /* of the list; nothing is waited for under it */
    SSL_CTX *tls;                      /* of new connections; NULL: none were asked for */
    pthread_mutex_t tls_lock;
    struct worker_mail listeners_changed;
    atomic_bool listeners_posted; /* the mail is under way */
    bool listeners_rest;          /* some of them: loop 0's own */
    atomic_bool stopping;
    atomic_uint connected;
    atomic_uint held; /* by CLIENT PAUSE */
    _Atomic uint64_t next_id;
    _Atomic uint64_t received;
    _Atomic uint64_t rejected;
    _Atomic uint64_t client_bytes; /* memory.h */
    _Atomic uint64_t evicted;
    atomic_bool memory_stuck; /* nobody is left who may be evicted: looked at again when loop 0 ticks */
    _Atomic uint64_t output_limit_disconnections;
    _Atomic uint64_t query_limit_disconnections;
};

MUST_CHECK enum error client_loop_open(struct client_loop *loop, struct client_pool *pool,
                                       struct worker *worker);
void client_loop_run(struct client_loop *loop); /* until stopped */
void client_loop_close(struct client_loop *loop);

/* Host's alarm. On its thread. */
void client_loop_alarm(struct client_loop *loop, int64_t at_ms);
/* Connections that were killed are closed, those that wait for the end of a pause go on. */
void client_loop_look_after(struct client_loop *loop);

/* The loop that the worker serves. */
struct client_loop *client_loop_of(const struct worker *worker);

/* Calls visit for each connection of all loops, under their locks. The caller's command runs on `own` and
 * holds its lock, which is let go and taken again: no pointer to another connection outlives the call. */
typedef void client_visit(void *arg, struct client_connection *connection);
void client_loop_visit(struct client_pool *pool, struct client_loop *own, client_visit *visit, void *arg);

#define CLIENT_LOG_VERBOSE 1 /* levels of host->log */
#define CLIENT_LOG_NOTICE  2
#define CLIENT_LOG_WARNING 3
__attribute__((format(printf, 3, 4))) void client_loop_log(const struct client_loop *loop, int level,
                                                           const char *format, ...);

#endif
