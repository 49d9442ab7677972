/* boot.c: the start and the end of the server (boot.h). Nothing here takes time that grows with the data. */
#include "app/boot.h"

#include "app/aclfile.h"
#include "app/apply.h"
#include "app/crash.h"
#include "app/host.h"
#include "app/listen.h"
#include "app/process.h"
#include "app/system_log.h"
#include "app/title.h"
#include "util/assert.h"
#include "util/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define WORKERS_BY_DEFAULT_MAX 8
#define ERROR_BYTES            1024

void boot_begin(struct app *app, char **argv)
{
    unsigned char bytes[APP_RUN_ID_LEN / 2] = {0};
    memset(app, 0, sizeof *app);
    app->started_ms = clock_wall_ms();
    app->started_ns = clock_monotonic_ns();
    app->executable = strdup(argv[0] ? argv[0] : APP_NAME);
    title_begin(argv);
    atomic_init(&app->log.level, LOG_NOTICE);
    atomic_init(&app->settings.active_expire, true);
    persist_init(&app->persist, app);
    host_init(app);
    pthread_mutex_init(&app->config_lock, NULL);
    ssize_t got = getrandom(bytes, sizeof bytes, 0);
    (void)got; /* an id without randomness is an id */
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(app->run_id + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- options ---- */

static unsigned wanted_workers(const struct app *app)
{
    unsigned wanted = (unsigned)config_int(app->config, "io-threads");
    if (wanted > 0) return wanted;
    unsigned cpus = process_cpu_count();
    return cpus < WORKERS_BY_DEFAULT_MAX ? cpus : WORKERS_BY_DEFAULT_MAX;
}

static bool is_declared_before(const struct config_line *lines, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (lines[i].row == lines[at].row && slice_equal(lines[i].words[1], lines[at].words[1])) return true;
    return false;
}

/* `user <name> <rule> ...`. NULL, or why not. */
static const char *read_user(struct app *app, const struct config_line *line, char *text, size_t text_cap)
{
    struct slice name = line->words[1];
    struct acl_failure failure = {.mistake = NULL};
    struct acl_user *before = NULL;
    const struct slice reset = SLICE("reset");
    if (acl_has_blanks(name)) return "Spaces not allowed in ACL usernames";
    bool done = acl_set_user(&app->server.acl, name, &reset, 1, &before, &failure);
    acl_user_release(before);
    done = done && acl_set_user(&app->server.acl, name, line->words + 2, line->count - 2, &before, &failure);
    if (done) acl_user_release(before);
    if (done) return NULL;
    snprintf(text, text_cap, "Error in user declaration '%s': %s", failure.word,
             failure.mistake ? failure.mistake : "Unmatched parenthesis");
    return text;
}

/* Lines of rename-command, then those of users. */
static bool read_lines(struct app *app, char *error, size_t error_cap)
{
    const struct config_line *lines;
    size_t count = config_lines(app->config, &lines);
    char text[CONFIG_ERROR_BYTES];
    const char *why = NULL;
    struct slice password = config_slice(app->config, "requirepass");
    if (password.len > 0 && acl_set_default_password(&app->server.acl, password) != ERROR_OK)
        why = "out of memory";
    for (size_t i = 0; i < count && !why; i++) {
        const struct config_line *line = &lines[i];
        bool user = strcmp(line->row->name, "user") == 0;
        if (!user) why = command_table_rename(app->server.table, line->words[1], line->words[2]);
        else if (is_declared_before(lines, i))
            why = "Duplicate user found. A user can only be defined once in config files";
        else why = read_user(app, line, text, sizeof text);
        if (why) config_line_error(line, why, error, error_cap);
    }
    return !why;
}

bool boot_configure(struct app *app, int argc, char **argv)
{
    char error[ERROR_BYTES] = "out of memory\n";
    app->config = config_new();
    if (!app->config || !config_load(app->config, argc, argv, error, sizeof error)) {
        fputs(error, stderr);
        return false;
    }
    const char *logfile = config_text(app->config, "logfile");
    if (*logfile) app->log.file = strdup(logfile);
    app->log.to_syslog = config_bool(app->config, "syslog-enabled");
    if (app->log.to_syslog)
        system_log_open(config_text(app->config, "syslog-ident"),
                        config_choice(app->config, "syslog-facility"));
    app->worker_count = wanted_workers(app);
    app->server_open =
        server_state_open(&app->server, &app->settings, app->worker_count, CRON_THREADS) == ERROR_OK;
    if (app->server_open) apply_config(app);
    if (app->server_open && read_lines(app, error, sizeof error)) return true;
    fputs(error, stderr);
    return false;
}

/* ---- process ---- */

static void greet(struct app *app)
{
    const char *file = config_file(app->config);
    log_line(&app->log, LOG_NOTICE, "cairn %s starts (compatible with Redis %s)", CAIRN_VERSION,
             SERVER_REDIS_VERSION);
    if (file) log_line(&app->log, LOG_NOTICE, "Configuration: %s", file);
    else
        log_line(&app->log, LOG_NOTICE,
                 "Configuration: no file was named; built-in values and the command line");
    log_line(&app->log, LOG_NOTICE, "PID: %d", (int)getpid());
}

static void fit_maxclients(struct app *app)
{
    uint64_t wanted = atomic_load(&app->client_settings.maxclients);
    uint64_t possible = process_raise_file_limit(app, wanted);
    if (possible == wanted) return;
    log_line(&app->log, LOG_WARNING,
             "maxclients is lowered from %llu to %llu: the process may not open more files (see ulimit -n)",
             (unsigned long long)wanted, (unsigned long long)possible);
    char text[32];
    char error[CONFIG_ERROR_BYTES];
    snprintf(text, sizeof text, "%llu", (unsigned long long)possible);
    const struct slice words[] = {SLICE("maxclients"), slice_of(text)};
    bool changed = config_change(app->config, words, 1, false, error, sizeof error);
    ASSERT(changed); /* a number below a valid one */
    config_keep(app->config);
    apply_config(app);
}

static void warn_of_disabled(void *arg, const struct acl_user *user)
{
    struct app *app = arg;
    if (!user->on)
        log_line(&app->log, LOG_WARNING,
                 "The user '%s' is disabled (there is no 'on' modifier in the user description). Make sure "
                 "this is "
                 "not a configuration error.",
                 user->name);
}

static bool declares_users(const struct app *app)
{
    const struct config_line *lines;
    size_t count = config_lines(app->config, &lines);
    for (size_t i = 0; i < count; i++)
        if (strcmp(lines[i].row->name, "user") == 0) return true;
    return false;
}

/* Users from the ACL file, if there is one. */
static bool load_users(struct app *app)
{
    bool file = *config_text(app->config, "aclfile");
    bool lines = declares_users(app);
    struct resp_out errors;
    if (lines) (void)acl_visit_users(&app->server.acl, warn_of_disabled, app);
    if (!file) return true;
    if (lines) {
        log_line(
            &app->log, LOG_WARNING,
            "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is "
            "invalid. This setup is very likely to lead to configuration errors and security holes, please "
            "define either an ACL file or declare users directly in your redis.conf, but not both.");
        return false;
    }
    resp_out_init(&errors);
    bool loaded = aclfile_load(app, &errors);
    if (!loaded)
        log_line(&app->log, LOG_WARNING, "Aborting Redis startup because of ACL errors: %.*s",
                 (int)errors.len, errors.buf);
    resp_out_free(&errors);
    return loaded;
}

bool boot_process(struct app *app)
{
    if (!process_enter_dir(app)) return false;
    process_supervise(app);
    if (!process_daemonize(app)) return false;
    process_set_title(app);
    crash_watch(&app->log);
    greet(app);
    fit_maxclients(app);
    process_expect_file_limit(app);
    (void)process_set_oom_score(app); /* as in Redis, no reason not to serve */
    return load_users(app) && process_write_pidfile(app);
}

/* ---- heap ---- */

static void log_heap(struct app *app, double milliseconds)
{
    const struct heap_report *report = &app->report;
    uint64_t keys = 0;
    if (*report->moved_to)
        log_line(&app->log, LOG_WARNING,
                 "The heap was not closed before the last boot of this machine and is not trusted: it was "
                 "moved to %s, and the server starts empty",
                 report->moved_to);
    for (unsigned db = 0; db < keyspace_databases(app->keyspace); db++)
        keys += keyspace_size(app->keyspace, db);
    const char *state = report->created     ? "created"
                        : report->was_clean ? "closed clean"
                                            : "recovered after a crash";
    log_line(&app->log, LOG_NOTICE,
             "Heap %s: %s, mode %s, %llu keys, %u transactions taken back, %u completed, open in %.3f ms",
             app->heap_path, state, persist_mode_name(report->mode), (unsigned long long)keys,
             report->lanes_undone, report->lanes_completed, milliseconds);
}

/* Somebody moves here from Redis, and must not think that the data came along. */
static void warn_of_redis_files(struct app *app)
{
    const char *const names[] = {config_text(app->config, "dbfilename"),
                                 config_text(app->config, "appenddirname")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(names[i], F_OK) == 0)
            log_line(&app->log, LOG_WARNING,
                     "%s of a Redis server lies in this folder. It is not read: importing is not supported "
                     "yet, and "
                     "the heap is new and empty.",
                     names[i]);
}

static enum error open_keyspace(struct app *app)
{
    struct heap_thread *thread;
    enum error error = heap_thread_open(app->heap, &thread);
    if (error) return error;
    error = keyspace_open(app->heap, thread, (unsigned)config_int(app->config, "databases"), &app->keyspace);
    heap_thread_close(thread);
    return error;
}

bool boot_heap(struct app *app)
{
    const char *name = config_text(app->config, "heap-filename");
    if (*name == '/') snprintf(app->heap_path, sizeof app->heap_path, "%s", name);
    else snprintf(app->heap_path, sizeof app->heap_path, "%s/%s", app->dir, name);
    struct heap_options options = {
        .path = app->heap_path,
        .on_unclean =
            config_choice(app->config, "on-unclean-heap") == 0 ? HEAP_UNCLEAN_MOVE : HEAP_UNCLEAN_REFUSE,
        .limit_bytes = (uint64_t)config_int(app->config, "heap-size-limit"),
    };
    persist_options(&app->persist, &options.journal);
    int64_t begun_ns = clock_monotonic_ns();
    loading_begin(&app->loading, app); /* until boot_listen */
    enum error error = heap_open(&options, &app->heap, &app->report);
    if (error) {
        log_line(&app->log, LOG_WARNING, "Can't open the heap %s: %s. %s", app->heap_path, error_text(error),
                 app->report.detail);
        return false;
    }
    crash_watch_heap(app->heap);
    error = open_keyspace(app);
    if (error) {
        log_line(&app->log, LOG_WARNING,
                 "Can't open the keyspace in the heap %s: %s. Look at it with: cairn check %s",
                 app->heap_path, error_text(error), app->heap_path);
        return false;
    }
    log_heap(app, (double)(clock_monotonic_ns() - begun_ns) / 1e6);
    if (app->report.created) warn_of_redis_files(app);
    apply_warn(app);
    return true;
}

/* ---- workers ---- */

static enum error open_worker(struct app *app, unsigned id)
{
    struct heap_thread *thread;
    enum error error = heap_thread_open(app->heap, &thread);
    if (error) return error;
    error = worker_open(&app->workers[id], id, thread, app->keyspace, &app->server, &app->host);
    if (error) heap_thread_close(thread);
    return error;
}

bool boot_workers(struct app *app)
{
    app->workers = calloc(app->worker_count, sizeof *app->workers);
    enum error error = app->workers ? ERROR_OK : ERROR_MEMORY;
    while (!error && app->open_workers < app->worker_count) {
        error = open_worker(app, app->open_workers);
        if (!error) app->open_workers++;
    }
    if (!error) error = client_pool_open(&app->server, app->workers, &app->client_settings, &app->pool);
    if (!error) persist_set_pool(&app->persist, app->pool);
    if (!error)
        error =
            cron_start(&app->cron, &app->persist, &app->server, app->keyspace, config_int(app->config, "hz"));
    if (error)
        log_line(&app->log, LOG_WARNING, "Can't start %u workers: %s", app->worker_count, error_text(error));
    return !error;
}

/* ---- serving ---- */

bool boot_listen(struct app *app)
{
    loading_end(&app->loading);
    if (!listen_open(app)) return false;
    loading_hand_over(&app->loading);
    process_watch_signals(app->pool);
    log_line(&app->log, LOG_NOTICE, "Running mode=standalone, port=%d.", listen_port(app));
    log_line(&app->log, LOG_NOTICE, "Server initialized, %u workers, in %.3f ms", app->worker_count,
             (double)(clock_monotonic_ns() - app->started_ns) / 1e6);
    if (config_int(app->config, "port") > 0)
        log_line(&app->log, LOG_NOTICE, "Ready to accept connections tcp");
    if (config_int(app->config, "tls-port") > 0)
        log_line(&app->log, LOG_NOTICE, "Ready to accept connections tls");
    if (*config_text(app->config, "unixsocket"))
        log_line(&app->log, LOG_NOTICE, "Ready to accept connections unix");
    process_notify(app, "READY=1\nSTATUS=Ready to accept connections\n");
    return true;
}

bool boot_serve(struct app *app)
{
    enum error error = client_pool_run(app->pool);
    int signal_number = process_signal_received();
    if (error) log_line(&app->log, LOG_WARNING, "Can't start the worker threads: %s", error_text(error));
    if (signal_number)
        log_line(&app->log, LOG_NOTICE, "Received %s scheduling shutdown...",
                 signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    return !error;
}

/* ---- end ---- */

static void close_workers(struct app *app)
{
    while (app->open_workers > 0) {
        struct worker *worker = &app->workers[--app->open_workers];
        struct heap_thread *thread = worker->thread;
        worker_close(worker);
        heap_thread_close(thread);
    }
    if (app->server_open) server_state_close(&app->server);
    free(app->workers);
}

static bool close_heap(struct app *app)
{
    if (app->keyspace) keyspace_close(app->keyspace);
    if (!app->heap) return true;
    crash_watch_heap(NULL);
    enum error error = heap_close(app->heap);
    if (!error) return true;
    log_line(&app->log, LOG_WARNING, "The heap could not be closed clean: %s", error_text(error));
    return false;
}

bool boot_end(struct app *app)
{
    process_notify(app, "STOPPING=1\n");
    loading_end(&app->loading);
    loading_forget(&app->loading);
    process_watch_signals(NULL); /* a late signal must not meet a pool that is gone */
    cron_stop(&app->cron);
    persist_end(&app->persist);
    client_pool_close(app->pool);
    close_workers(app);
    bool clean = close_heap(app);
    process_remove_pidfile(app);
    if (app->heap && clean) log_line(&app->log, LOG_NOTICE, "The heap is closed, ready to exit, bye bye...");
    config_free(app->config);
    free(app->log.file);
    free(app->executable);
    pthread_mutex_destroy(&app->config_lock);
    persist_free(&app->persist);
    return clean;
}

#ifdef __SANITIZE_THREAD__
/* libuv closes descriptors by plain system calls, which the sanitizer does not see: it takes their numbers for shared when another
 * thread gets them again. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:epoll_create1\nrace_top:eventfd\nrace:open_restarting\n";
}
#endif
