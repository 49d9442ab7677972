/* host.h: what the commands need from the layers above, as callbacks given at boot (client/ and app/ implement them).
 *
 * All are called on the worker's thread. `host` functions that touch other workers' clients go through mailboxes.
 */
#ifndef CAIRN_COMMAND_HOST_H
#define CAIRN_COMMAND_HOST_H

#include "command/session.h"
#include "resp/write.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct call;
struct worker;

enum pause_mode { PAUSE_NONE, PAUSE_WRITE, PAUSE_ALL };

struct client_filter { /* CLIENT KILL / LIST; unset fields match everything */
    bool has_id;
    uint64_t *ids;
    size_t id_count;
    struct slice addr, laddr, user, type; /* ptr NULL: unset */
    int64_t max_age_s;                    /* -1: unset */
    bool skip_me;
    bool (*chosen)(void *arg, const struct session *session); /* NULL: unset. With the lock of the session's loop held */
    void *chosen_arg;
};

#define HOST_LOG_WARNING 3

/* Work for the thread of another worker, embedded in whatever it carries. It runs there between two turns: outside of the gate, no
 * command is being executed, no pointer to a session of that worker can go away under it. `run` owns the mail. */
struct worker_mail {
    struct worker_mail *next; /* the mailbox's own */
    void (*run)(struct worker_mail *mail, struct worker *worker);
};

/* Whose limit of client-output-buffer-limit counts. */
enum output_class { OUTPUT_NORMAL, OUTPUT_REPLICA, OUTPUT_PUBSUB, OUTPUT_CLASSES };

enum host_save { HOST_SAVE_NOW, HOST_SAVE_BACKGROUND, HOST_SAVE_REWRITE /* BGREWRITEAOF */ };

struct host {
    void *app;
    /* Any thread, any lock may be held. Mails from one thread to one worker run in the order in which they were posted; to one's own worker
     * too: not now, but when its current turn has ended. */
    void (*post)(void *app, unsigned worker_id, struct worker_mail *mail);
    /* The session of that id, if it is one of this worker's and not closing; on its thread. */
    struct session *(*session_find)(void *app, struct worker *worker, uint64_t session_id);
    /* The worker that serves that session; false when there is none. By a command outside of the gate; it may have gone when the call returns. */
    bool (*session_worker)(void *app, struct worker *worker, uint64_t session_id, unsigned *worker_id_out);
    /* Bytes that the client did not ask for, behind all that was replied to it so far; on its worker's thread, not for the session whose command
     * is being executed (push.h does that). A client that reads too slowly is closed by the limit of its class: the session is then closing,
     * its memory stays until the turn ends. Bytes are copied. */
    void (*push)(void *app, struct session *session, const char *bytes, size_t len);
    /* A session for which dispatch_batch returned DISPATCH_BLOCKED goes on with what it has sent meanwhile; on its worker's thread. */
    void (*unblock)(void *app, struct session *session);
    /* block_expire is to be called on the worker's thread at that time (clock_monotonic_ns / 1,000,000), or later; one alarm per worker,
     * the last one counts. On its thread. */
    void (*alarm)(void *app, struct worker *worker, int64_t at_ms);
    /* Closes a session of this worker once what it was told is sent; on its thread. */
    void (*close)(void *app, struct session *session);
    /* clients */
    void (*client_info)(void *app, struct worker *worker, const struct session *session, struct resp_out *line_out); /* raw text, no newline */
    void (*client_list)(void *app, struct worker *worker, const struct client_filter *filter, struct resp_out *lines_out);
    uint64_t (*client_kill)(void *app, struct worker *worker, struct session *self, const struct client_filter *filter);
    void (*client_pause)(void *app, enum pause_mode mode, int64_t until_ms);
    /* config: names and values as in redis.conf */
    void (*config_get)(void *app, const struct slice *patterns, size_t count,
                       struct resp_out *out); /* writes the whole map */
    /* Name/value pairs; all or nothing. False with Redis's error text in `error`. */
    bool (*config_set)(void *app, struct worker *worker, const struct slice *pairs, size_t count, char *error,
                       size_t error_cap);
    /* The rest of a change: `what` config_set has noted in worker->unsettled, outside of the gate. False with Redis's error text: it was taken
     * back. */
    bool (*config_settle)(void *app, struct worker *worker, unsigned what, char *error, size_t error_cap);
    bool (*config_is_secret)(struct slice name); /* its value is shown to nobody but CONFIG GET */
    bool (*config_rewrite)(void *app, bool all, char *error,
                           size_t error_cap); /* `all`: initial values as well */
    void (*reset_stats)(void *app);
    /* ACL LOAD and SAVE: the file that `aclfile` names. False with Redis's error text; the errors of a file may be long. */
    bool (*acl_load)(void *app, struct resp_out *error_out);
    bool (*acl_save)(void *app, struct resp_out *error_out);
    /* INFO: `sections` lower-case names; count 0: the default set. Raw text. */
    void (*info)(void *app, struct worker *worker, const struct slice *sections, size_t count, struct resp_out *text_out);
    /* Makes the heap durable on its medium. ERROR_IN_USE while one of the kind is under way. */
    enum error (*save)(void *app, enum host_save kind);
    void (*flushed)(void *app, uint64_t changes); /* FLUSHALL makes so many changes; inside the gate */
    int64_t (*last_save_s)(void *app);
    /* SHUTDOWN: false with an error text when it can't. */
    bool (*shutdown)(void *app, bool save, bool nosave, bool now, bool force, char *error, size_t error_cap);
    bool (*shutdown_abort)(void *app);
    __attribute__((format(printf, 3, 4))) void (*log)(void *app, int level, const char *format, ...); /* 0 debug .. 3 warning */
};

#endif
