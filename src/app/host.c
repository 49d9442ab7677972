/* host.c: the callbacks of command/host.h (host.h). `app` is the struct app. */
#include "app/host.h"

#include "app/aclfile.h"
#include "app/apply.h"
#include "app/config_table.h"
#include "app/info.h"
#include "app/listen.h"
#include "app/process.h"
#include "command/acl/file.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_BYTES 1024

/* ---- clients ---- */

static void client_info(void *arg, struct worker *worker, const struct session *session,
                        struct resp_out *line_out)
{
    struct app *app = arg;
    (void)worker;
    client_pool_info(app->pool, session, line_out);
}

static void client_list(void *arg, struct worker *worker, const struct client_filter *filter,
                        struct resp_out *lines_out)
{
    struct app *app = arg;
    client_pool_list(app->pool, worker, filter, lines_out);
}

static uint64_t client_kill(void *arg, struct worker *worker, struct session *self,
                            const struct client_filter *filter)
{
    struct app *app = arg;
    return client_pool_kill(app->pool, worker, self, filter);
}

/* The dispatcher holds requests back by itself; those that are held must hear of the end. */
static void client_pause(void *arg, enum pause_mode mode, int64_t until_ms)
{
    struct app *app = arg;
    (void)until_ms;
    if (mode != PAUSE_ALL) client_pool_resume(app->pool);
}

static void post(void *arg, unsigned worker_id, struct worker_mail *mail)
{
    struct app *app = arg;
    client_pool_post(app->pool, worker_id, mail);
}

static struct session *session_find(void *arg, struct worker *worker, uint64_t session_id)
{
    (void)arg;
    return client_pool_session(worker, session_id);
}

static bool session_worker(void *arg, struct worker *worker, uint64_t session_id, unsigned *worker_id_out)
{
    struct app *app = arg;
    return client_pool_session_worker(app->pool, worker, session_id, worker_id_out);
}

static void push(void *arg, struct session *session, const char *bytes, size_t len)
{
    (void)arg;
    client_pool_push(session, bytes, len);
}

static void unblock(void *arg, struct session *session)
{
    (void)arg;
    client_pool_unblock(session);
}

static void alarm_at(void *arg, struct worker *worker, int64_t at_ms)
{
    (void)arg;
    client_pool_alarm(worker, at_ms);
}

static void close_session(void *arg, struct session *session)
{
    (void)arg;
    client_pool_end(session);
}

/* ---- config ---- */

static void config_get(void *arg, const struct slice *patterns, size_t count, struct resp_out *out)
{
    struct app *app = arg;
    pthread_mutex_lock(&app->config_lock);
    config_reply(app->config, patterns, count, out);
    pthread_mutex_unlock(&app->config_lock);
}

#define CHANGE_FAILED(option) "ERR CONFIG SET failed (possibly related to argument '" option "') - "

static bool try_maxclients(struct app *app, char *error, size_t error_cap)
{
    uint64_t wanted = (uint64_t)config_int(app->config, "maxclients");
    bool raised = wanted > atomic_load(&app->client_settings.maxclients);
    uint64_t possible = raised ? process_raise_file_limit(app, wanted) : wanted;
    if (possible < wanted)
        snprintf(
            error, error_cap,
            CHANGE_FAILED("maxclients") "The operating system is not able to handle the specified number "
                                        "of clients, try with %llu",
            (unsigned long long)possible);
    return possible >= wanted;
}

static bool try_sockets(struct app *app, char *error, size_t error_cap)
{
    bool port = config_differs(app->config, "port");
    bool tls_port = config_differs(app->config, "tls-port");
    bool any = port || tls_port || config_differs(app->config, "bind");
    if (!any || listen_again(app)) return true;
    snprintf(error, error_cap, "%s",
             port       ? CHANGE_FAILED("port") "Unable to listen on this port. Check server logs."
             : tls_port ? CHANGE_FAILED("tls-port") "Unable to listen on this port. Check server logs."
                        : CHANGE_FAILED("bind") "Failed to bind to specified addresses.");
    return false;
}

/* Files are read again when their option is named: a certificate may have been renewed in its place. */
static bool try_tls(struct app *app, char *error, size_t error_cap)
{
    const char *named = NULL;
    for (size_t i = 0; i < config_table_count && !named; i++)
        if (strncmp(config_table[i].name, "tls-", 4) == 0 && config_names(app->config, config_table[i].name))
            named = config_table[i].name;
    if (!named || config_int(app->config, "tls-port") == 0 || listen_use_tls(app)) return true;
    snprintf(error, error_cap, CHANGE_FAILED("%s") "Unable to update TLS configuration. Check server logs.",
             named);
    return false;
}

static bool try_oom_score(struct app *app, char *error, size_t error_cap)
{
    bool differs =
        config_differs(app->config, "oom-score-adj") || config_differs(app->config, "oom-score-adj-values");
    if (!differs || process_set_oom_score(app)) return true;
    snprintf(
        error, error_cap,
        CHANGE_FAILED("oom-score-adj") "Failed to apply new oom_score_adj configuration, check server logs.");
    return false;
}

static bool try_password(struct app *app, char *error, size_t error_cap)
{
    if (!config_differs(app->config, "requirepass")) return true;
    if (acl_set_default_password(&app->server.acl, config_slice(app->config, "requirepass")) == ERROR_OK)
        return true;
    snprintf(error, error_cap, "%s", CHANGE_FAILED("requirepass") "out of memory");
    return false;
}

/* Puts a change into effect, or says why the system does not allow it. */
static bool try_change(struct app *app, char *error, size_t error_cap)
{
    if (!try_maxclients(app, error, error_cap) || !try_oom_score(app, error, error_cap) ||
        !try_tls(app, error, error_cap) || !try_sockets(app, error, error_cap) ||
        !try_password(app, error, error_cap)) {
        config_take_back(app->config);
        (void)process_set_oom_score(app); /* as it was */
        if (config_int(app->config, "tls-port") > 0) (void)listen_use_tls(app);
        return false;
    }
    config_keep(app->config);
    apply_config(app);
    process_set_title(app);
    apply_warn(app);
    return true;
}

/* `enable-protected-configs` */
static bool may_set_protected(const struct app *app, const struct session *session)
{
    switch (config_choice(app->config, "enable-protected-configs")) {
    case DEBUG_ANYBODY: return true;
    case DEBUG_LOCAL: return session->local;
    default: return false;
    }
}

static bool changes_persistence(const struct app *app)
{
    return config_differs(app->config, "appendonly") || config_differs(app->config, "appendfsync") ||
           config_differs(app->config, "save") || config_differs(app->config, "journal-max-size");
}

static void take_back_append_only(struct app *app)
{
    char ignored[CONFIG_ERROR_BYTES];
    const struct slice words[] = {SLICE("appendonly"), SLICE("no")};
    pthread_mutex_lock(&app->config_lock);
    if (config_change(app->config, words, 1, true, ignored, sizeof ignored)) config_keep(app->config);
    apply_config(app);
    pthread_mutex_unlock(&app->config_lock);
}

/* Clients above a new limit are looked for, and the heap's mode changes, once the command that asks for it has left the gate. */
static bool config_settle(void *arg, struct worker *worker, unsigned what, char *error, size_t error_cap)
{
    struct app *app = arg;
    client_pool_limit_memory(worker);
    if (!(what & UNSETTLED_PERSISTENCE)) return true;
    if (persist_apply(&app->persist, error, error_cap)) return true;
    take_back_append_only(app);
    return false;
}

static bool config_set(void *arg, struct worker *worker, const struct slice *words, size_t word_count,
                       char *error, size_t error_cap)
{
    struct app *app = arg;
    pthread_mutex_lock(&app->config_lock);
    bool done = config_change(app->config, words, word_count / 2, may_set_protected(app, worker->running),
                              error, error_cap);
    bool persistence = done && changes_persistence(app);
    done = done && try_change(app, error, error_cap);
    pthread_mutex_unlock(&app->config_lock);
    if (done) worker->unsettled |= UNSETTLED_LIMITS | (persistence ? UNSETTLED_PERSISTENCE : 0u);
    return done;
}

static bool config_is_secret(struct slice name)
{
    const struct config_row *row = config_table_find(name);
    return row && row->flags & CONFIG_SECRET;
}

static bool rewrite_config(void *arg, bool all, char *error, size_t error_cap)
{
    struct app *app = arg;
    struct resp_out users;
    resp_out_init(&users);
    pthread_mutex_lock(&app->config_lock);
    if (!*config_text(app->config, "aclfile")) acl_file_write(&app->server.acl, &users);
    bool done = config_rewrite(app->config, all, (struct slice){users.buf, users.len}, error, error_cap);
    pthread_mutex_unlock(&app->config_lock);
    resp_out_free(&users);
    if (done) log_line(&app->log, LOG_NOTICE, "CONFIG REWRITE executed with success.");
    else log_line(&app->log, LOG_WARNING, "CONFIG REWRITE failed: %s", error);
    return done;
}

static void reset_stats(void *arg)
{
    struct app *app = arg;
    client_pool_reset_stats(app->pool);
    keyspace_reset_reclaimed(app->keyspace);
}

/* ---- users ---- */

static bool load_users(void *arg, struct resp_out *error_out)
{
    return aclfile_load(arg, error_out);
}

static bool save_users(void *arg, struct resp_out *error_out)
{
    return aclfile_save(arg, error_out);
}

/* ---- saves and the end ---- */

static enum error save(void *arg, enum host_save kind)
{
    struct app *app = arg;
    if (kind == HOST_SAVE_NOW) return persist_save(&app->persist);
    bool rewrite = kind == HOST_SAVE_REWRITE;
    enum error error = persist_begin(&app->persist, rewrite ? PERSIST_REWRITE : PERSIST_SAVE);
    if (!error)
        log_line(&app->log, LOG_NOTICE, "%s",
                 rewrite ? "Background append only file rewriting started" : "Background saving started");
    return error;
}

static void flushed(void *arg, uint64_t changes)
{
    struct app *app = arg;
    persist_note_flush(&app->persist, changes);
}

static int64_t last_save_s(void *arg)
{
    struct app *app = arg;
    return atomic_load(&app->persist.save.ended_s);
}

/* The heap is closed clean in the end, NOSAVE or not; SAVE only tells whether that can work before it is too
 * late. */
static bool shutdown_server(void *arg, bool with_save, bool nosave, bool now, bool force, char *error,
                            size_t error_cap)
{
    struct app *app = arg;
    (void)nosave;
    (void)now;
    if (with_save && persist_save(&app->persist) != ERROR_OK && !force) {
        snprintf(error, error_cap, "ERR Errors trying to SHUTDOWN. Check logs.");
        return false;
    }
    log_line(&app->log, LOG_NOTICE, "User requested shutdown...");
    client_pool_stop(app->pool);
    return true;
}

/* A shutdown waits for nobody, so none can be taken back. */
static bool shutdown_abort(void *arg)
{
    (void)arg;
    return false;
}

static __attribute__((format(printf, 3, 4))) void log_for_host(void *arg, int level, const char *format, ...)
{
    struct app *app = arg;
    char line[LOG_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_line(&app->log, (enum log_level)level, "%s", line);
}

static void write_info(void *arg, struct worker *worker, const struct slice *sections, size_t count,
                       struct resp_out *text_out)
{
    info_write(arg, worker->thread, sections, count, text_out);
}

void host_init(struct app *app)
{
    app->host = (struct host){
        .app = app,
        .post = post,
        .session_find = session_find,
        .session_worker = session_worker,
        .push = push,
        .unblock = unblock,
        .alarm = alarm_at,
        .close = close_session,
        .client_info = client_info,
        .client_list = client_list,
        .client_kill = client_kill,
        .client_pause = client_pause,
        .config_get = config_get,
        .config_set = config_set,
        .config_settle = config_settle,
        .config_is_secret = config_is_secret,
        .config_rewrite = rewrite_config,
        .reset_stats = reset_stats,
        .acl_load = load_users,
        .acl_save = save_users,
        .info = write_info,
        .save = save,
        .flushed = flushed,
        .last_save_s = last_save_s,
        .shutdown = shutdown_server,
        .shutdown_abort = shutdown_abort,
        .log = log_for_host,
    };
}
