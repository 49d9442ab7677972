/* pool.h: the event loops of all workers and the connections they serve: the contract of client/.
 *
 *     client_pool_open(...);              // a loop per worker
 *     client_pool_listen(pool, ...);      // sockets, accepted by loop 0
 *     client_pool_run(pool);              // loop 0 on this thread, the others on their own; until stopped
 *     client_pool_close(pool);
 *
 * A connection belongs to the worker that had the fewest when it came; that worker reads, executes and
 * answers.
 */
#ifndef CAIRN_CLIENT_POOL_H
#define CAIRN_CLIENT_POOL_H

#include "command/host.h"
#include "command/server_state.h"
#include "command/worker.h"
#include "util/error.h"

#include <stdbool.h>
#include <sys/socket.h>

/* CONFIG SET changes them at run time: relaxed atomics. */
struct client_output_limit { /* 0: none */
    _Atomic uint64_t hard_bytes;
    _Atomic uint64_t soft_bytes;
    _Atomic int64_t soft_s;
};

struct client_settings {
    _Atomic uint64_t maxclients;
    _Atomic int64_t timeout_s;                         /* idle connections are closed; 0: never */
    _Atomic int tcp_keepalive_s;                       /* 0: off */
    _Atomic uint64_t query_limit_bytes;                /* client-query-buffer-limit */
    struct client_output_limit output[OUTPUT_CLASSES]; /* client-output-buffer-limit, by enum output_class */
    _Atomic bool protected_mode;
    _Atomic int64_t max_memory; /* maxmemory-clients: bytes; -n: n percent of maxmemory; 0: none */
};

struct client_pool;

/* `workers` are open and as many as server->worker_count. All pointers must outlive the pool. */
MUST_CHECK enum error client_pool_open(struct server_state *server, struct worker *workers,
                                       const struct client_settings *settings, struct client_pool **pool_out);

enum client_tls_auth { CLIENT_TLS_AUTH_NO, CLIENT_TLS_AUTH_YES, CLIENT_TLS_AUTH_OPTIONAL };

struct client_tls_options { /* as the options tls-... have them; empty texts or NULL: not set */
    const char *cert_file, *key_file, *key_file_pass;
    const char *client_cert_file, *client_key_file, *client_key_file_pass;
    const char *ca_cert_file, *ca_cert_dir;
    const char *dh_params_file;
    const char *protocols;
    const char *ciphers, *ciphersuites;
    enum client_tls_auth auth;
    bool prefer_server_ciphers;
    bool session_caching;
    long session_cache_size;
    long session_cache_timeout_s;
};
/* What connections that come from now on to the TLS port begin with. False with a line for the log: the last ones stay in force.
 * Any thread. */
bool client_pool_use_tls(struct client_pool *pool, const struct client_tls_options *options, char *error,
                         size_t error_cap);

struct client_listen {
    const struct slice *addresses; /* as `bind` has them: "-" before one that may be missing, "*" and "::*" */
    size_t address_count;
    int port;     /* 0: no TCP */
    int tls_port; /* 0: no TLS */
    int backlog;
    const char *unix_path; /* NULL: none */
    unsigned unix_mode;    /* permissions; 0: as umask leaves them */
};
/* All or nothing; `error` says what went wrong. Before client_pool_run, or on loop 0's thread. */
bool client_pool_listen(struct client_pool *pool, const struct client_listen *listen, char *error,
                        size_t error_cap);

/* A connection that was served before there was a pool. */
struct client_visitor {
    int fd;
    const struct sockaddr *peer;
    const char *unix_path; /* of the socket that it came by; NULL: TCP */
    struct session
        *session; /* id, protocol, database, user, names and transaction hold on; they are moved out of it */
    const char *bytes; /* received, of a request that is not complete; copied */
    size_t len;
    const struct resp_parser
        *skipped; /* `bytes` belong to a request that was answered: resp_skip goes on; NULL: they begin one */
};
/* Takes over the socket. After client_pool_listen, before client_pool_run. */
void client_pool_adopt(struct client_pool *pool, const struct client_visitor *visitor);
/* The error to send to a TCP connection that protected mode turns away, as it goes over the wire; NULL: none. */
const char *client_protection(const struct client_settings *settings, struct server_state *server,
                              const struct sockaddr *peer);

/* Replaces the TCP sockets while the pool runs; connections stay. When one of the new ones cannot be had, the old
 * ones go on, and `error` says why. Any thread. */
bool client_pool_relisten(struct client_pool *pool, const struct client_listen *listen, char *error,
                          size_t error_cap);

/* ERROR_MEMORY when a thread cannot be started. */
MUST_CHECK enum error client_pool_run(struct client_pool *pool);
/* Ends client_pool_run: connections are closed as they are. Any thread, and signal handlers; once is enough.
 */
void client_pool_stop(struct client_pool *pool);
void client_pool_close(struct client_pool *pool);

struct client_pool_stats {
    uint64_t connected;
    uint64_t held;     /* by CLIENT PAUSE */
    uint64_t received; /* connections accepted since the start */
    uint64_t rejected; /* by maxclients */
    uint64_t evicted;  /* by maxmemory-clients */
    uint64_t output_limit_disconnections;
    uint64_t query_limit_disconnections;
    uint64_t memory_bytes; /* of connections with their buffers */
    /* measured once a second */
    uint64_t longest_query_bytes;
    uint64_t longest_output_bytes;
};
/* No lock: may be called inside the gate. */
void client_pool_stats(const struct client_pool *pool, struct client_pool_stats *stats_out);
void client_pool_reset_stats(struct client_pool *pool);
/* The heap's journal has acknowledged something: replies that wait for it leave. Any thread; short. */
void client_pool_acknowledged(struct client_pool *pool);
/* Requests held by CLIENT PAUSE are looked at again. */
void client_pool_resume(struct client_pool *pool);

/* After a change of maxmemory-clients or maxmemory: by a command that runs on `worker`'s thread, outside of the gate. */
void client_pool_limit_memory(const struct worker *worker);

/* ---- what reaches a session from outside of its own commands: as host.h has it ---- */
void client_pool_post(struct client_pool *pool, unsigned worker_id, struct worker_mail *mail);
struct session *client_pool_session(const struct worker *worker, uint64_t session_id);
bool client_pool_session_worker(struct client_pool *pool, const struct worker *worker, uint64_t session_id,
                                unsigned *worker_id_out);
void client_pool_push(struct session *session, const char *bytes, size_t len);
void client_pool_unblock(struct session *session);
void client_pool_alarm(struct worker *worker, int64_t at_ms);
void client_pool_end(struct session *session);

/* ---- CLIENT INFO, LIST, KILL: called by a command that runs on `worker`'s thread, outside of the gate ----
 */
void client_pool_info(struct client_pool *pool, const struct session *session, struct resp_out *line_out);
void client_pool_list(struct client_pool *pool, const struct worker *worker,
                      const struct client_filter *filter, struct resp_out *lines_out);
uint64_t client_pool_kill(struct client_pool *pool, const struct worker *worker, struct session *self,
                          const struct client_filter *filter);

#endif
