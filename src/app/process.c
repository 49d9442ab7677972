/* process.c: directory, pid file, limits, signals, supervision, title (process.h). */
#include "app/process.h"

#include "app/title.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OTHER_FILES     32 /* open files beside connections, as in Redis */
#define DEFAULT_PIDFILE "/var/run/cairn.pid"
#define OOM_SCORE_FILE  "/proc/self/oom_score_adj"
#define OOM_SCORE_MAX   1000 /* of the kernel's */
#define LISTEN_BYTES    512
#define TITLE_BYTES     1024

/* A handler has no context passed in. */
static struct {
    struct client_pool *_Atomic pool;
    _Atomic int signal_number;
} watch;

bool process_enter_dir(struct app *app)
{
    const char *dir = config_text(app->config, "dir");
    if (chdir(dir) == 0 && getcwd(app->dir, sizeof app->dir)) return true;
    log_line(&app->log, LOG_WARNING, "Can't chdir to '%s': %s", dir, strerror(errno));
    return false;
}

bool process_daemonize(struct app *app)
{
    if (!config_bool(app->config, "daemonize") || app->supervisor != SUPERVISOR_NONE) return true;
    pid_t pid = fork();
    if (pid > 0) _exit(0);
    int null = pid == 0 && setsid() >= 0 ? open("/dev/null", O_RDWR) : -1;
    if (null < 0) {
        log_line(&app->log, LOG_WARNING, "Can't go to the background: %s", strerror(errno));
        return false;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO) close(null);
    return true;
}

bool process_write_pidfile(struct app *app)
{
    const char *path = config_text(app->config, "pidfile");
    if (!*path && !config_bool(app->config, "daemonize")) return true;
    app->pidfile = strdup(*path ? path : DEFAULT_PIDFILE);
    FILE *file = app->pidfile ? fopen(app->pidfile, "we") : NULL;
    if (file && fprintf(file, "%d\n", (int)getpid()) > 0 && fclose(file) == 0) return true;
    log_line(&app->log, LOG_WARNING, "Failed to write PID file: %s", strerror(errno));
    free(app->pidfile); /* as in Redis, no reason not to serve */
    app->pidfile = NULL;
    return true;
}

void process_remove_pidfile(struct app *app)
{
    if (app->pidfile) unlink(app->pidfile);
    free(app->pidfile);
    app->pidfile = NULL;
}

enum oom_mode { OOM_NO, OOM_YES, OOM_RELATIVE, OOM_ABSOLUTE }; /* yes: relative */

static bool read_oom_score(int *score_out)
{
    FILE *file = fopen(OOM_SCORE_FILE, "re");
    bool done = file && fscanf(file, "%d", score_out) == 1;
    if (file) fclose(file);
    return done;
}

static bool write_oom_score(long score)
{
    FILE *file = fopen(OOM_SCORE_FILE, "we");
    if (!file) return false;
    bool done = fprintf(file, "%ld\n", score) > 0;
    return fclose(file) == 0 && done;
}

/* What should stand there; the first of the values is that of a master. */
static long wanted_oom_score(const struct app *app, enum oom_mode mode)
{
    if (mode == OOM_NO) return app->oom_base;
    long score = strtol(config_text(app->config, "oom-score-adj-values"), NULL, 10);
    if (mode != OOM_ABSOLUTE) score += app->oom_base;
    if (score > OOM_SCORE_MAX) return OOM_SCORE_MAX;
    return score < -OOM_SCORE_MAX ? -OOM_SCORE_MAX : score;
}

bool process_set_oom_score(struct app *app)
{
    enum oom_mode mode = (enum oom_mode)config_choice(app->config, "oom-score-adj");
    if (mode == OOM_NO && !app->oom_set) return true;
    bool known = app->oom_set || read_oom_score(&app->oom_base);
    if (!known || !write_oom_score(wanted_oom_score(app, mode))) {
        log_line(&app->log, LOG_WARNING, "Unable to write oom_score_adj: %s", strerror(errno));
        return false;
    }
    app->oom_set = mode != OOM_NO;
    return true;
}

uint64_t process_raise_file_limit(struct app *app, uint64_t clients)
{
    rlim_t wanted = clients + OTHER_FILES;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return clients;
    rlim_t before = limit.rlim_cur;
    struct rlimit raised = {.rlim_cur = wanted,
                            .rlim_max = wanted > limit.rlim_max ? wanted : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        log_line(&app->log, LOG_NOTICE, "The limit of open files is raised from %llu to %llu, for maxclients",
                 (unsigned long long)before, (unsigned long long)wanted);
        return clients;
    }
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    rlim_t now = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? limit.rlim_max : before;
    return now > OTHER_FILES ? now - OTHER_FILES : 1;
}

void process_expect_file_limit(struct app *app)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN); /* who writes gets EFBIG then, which pmem/disk.c takes for a full disk */
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    log_line(
        &app->log, LOG_WARNING,
        "Files of this process may not grow beyond %llu bytes (see ulimit -f): when the heap gets there, "
        "writes are refused as on a full disk",
        (unsigned long long)limit.rlim_cur);
}

static void on_stop_signal(int signal_number)
{
    if (atomic_exchange(&watch.signal_number, signal_number) != 0 && signal_number == SIGINT) _exit(1);
    struct client_pool *pool = atomic_load(&watch.pool);
    if (pool) client_pool_stop(pool);
}

void process_watch_signals(struct client_pool *pool)
{
    struct sigaction stop = {.sa_handler = on_stop_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    atomic_store(&watch.pool, pool);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    if (pool && process_signal_received()) client_pool_stop(pool); /* while there was none */
}

int process_signal_received(void)
{
    return atomic_load(&watch.signal_number);
}

unsigned process_cpu_count(void)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1;
    return (unsigned)CPU_COUNT(&cpus);
}

/* ---- supervision ---- */

static enum supervisor find_supervisor(struct app *app, enum supervisor wanted)
{
    bool upstart = getenv("UPSTART_JOB") != NULL, systemd = getenv("NOTIFY_SOCKET") != NULL;
    if (wanted == SUPERVISOR_ANY)
        return upstart ? SUPERVISOR_UPSTART : systemd ? SUPERVISOR_SYSTEMD : SUPERVISOR_NONE;
    if (wanted == SUPERVISOR_UPSTART && !upstart) {
        log_line(&app->log, LOG_WARNING, "upstart supervision requested, but UPSTART_JOB not found!");
        return SUPERVISOR_NONE;
    }
    if (wanted == SUPERVISOR_SYSTEMD && !systemd)
        log_line(&app->log, LOG_WARNING, "systemd supervision requested, but NOTIFY_SOCKET not found!");
    return wanted;
}

void process_supervise(struct app *app)
{
    static const char *const names[] = {"no", "upstart", "systemd"};
    app->supervisor = find_supervisor(app, (enum supervisor)config_choice(app->config, "supervised"));
    if (app->supervisor == SUPERVISOR_NONE) return;
    log_line(&app->log, LOG_NOTICE, "supervised by %s, will signal readiness", names[app->supervisor]);
    if (app->supervisor == SUPERVISOR_UPSTART) unsetenv("UPSTART_JOB");
}

void process_notify(struct app *app, const char *text)
{
    bool ready = strstr(text, "READY=1") != NULL;
    if (app->supervisor == SUPERVISOR_UPSTART && ready) raise(SIGSTOP); /* it lets us go on */
    if (app->supervisor != SUPERVISOR_SYSTEMD) return;
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path) return;
    memcpy(address.sun_path, path, strlen(path));
    if (*path == '@') address.sun_path[0] = '\0'; /* the abstract name space */
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    ssize_t ignored = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
    (void)ignored; /* systemd will notice */
    close(fd);
}

/* ---- title ---- */

/* The first address of `bind` and the port, or the socket. */
static void listen_address(const struct app *app, char text[LISTEN_BYTES])
{
    const char *bind = config_text(app->config, "bind"), *unixsocket = config_text(app->config, "unixsocket");
    long long port = config_int(app->config, "port");
    if (*bind == '-') bind++;
    int len = (int)strcspn(bind, " ");
    if (port == 0 && *unixsocket) snprintf(text, LISTEN_BYTES, "%s", unixsocket);
    else snprintf(text, LISTEN_BYTES, "%.*s:%lld", len > 0 ? len : 1, len > 0 ? bind : "*", port);
}

void process_set_title(struct app *app)
{
    char address[LISTEN_BYTES], port[24], tls_port[24], text[TITLE_BYTES];
    const char *file = config_file(app->config);
    if (!config_bool(app->config, "set-proc-title")) return;
    listen_address(app, address);
    snprintf(port, sizeof port, "%lld", (long long)config_int(app->config, "port"));
    snprintf(tls_port, sizeof tls_port, "%lld", (long long)config_int(app->config, "tls-port"));
    const struct title_words words = {.title = app->executable,
                                      .listen_addr = address,
                                      .server_mode = "",
                                      .port = port,
                                      .tls_port = tls_port,
                                      .unixsocket = config_text(app->config, "unixsocket"),
                                      .config_file = file ? file : ""};
    title_expand(config_slice(app->config, "proc-title-template"), &words, text, sizeof text);
    title_set(text);
}
