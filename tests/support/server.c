/* server.c: starts, stops and removes servers under test. */
#include "support/server.h"

#include "support/client.h"
#include "support/scratch.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 256
#define ARGV_MAX   64
#define PORT_MIN                                                                                             \
    10000 /* below those that the kernel gives to clients, who could take one while its server is down */
#define PORT_MAX 30000
#define LOG_TAIL 4000 /* bytes of the log shown when something fails */

struct server {
    struct server *next; /* of those that are open */
    pid_t pid;           /* 0: not running */
    uid_t user;          /* of its process */
    unsigned port;
    int port_lock;       /* keeps other tests away from the port */
    unsigned spare_port; /* 0: not asked for */
    int spare_lock;
    char port_text[8];
    char folder[PATH_BYTES / 2];
    char socket[PATH_BYTES];
    char log[PATH_BYTES];
    char config[PATH_BYTES]; /* empty: none */
    size_t log_seen;         /* bytes of it that were looked through for reports */
    const char *binary;
    char *argv[ARGV_MAX]; /* copies */
    size_t argc;
};

static struct {
    struct server *first;
    pid_t maker; /* children of a test leave its servers alone */
} servers;

/* A test has failed: its server goes before its folder does. */
static void end_all(void)
{
    if (servers.maker != getpid()) return;
    for (struct server *server = servers.first; server; server = server->next)
        if (server->pid > 0 && kill(server->pid, SIGKILL) == 0) waitpid(server->pid, NULL, 0);
}

static void remember(struct server *server)
{
    if (servers.maker == 0 && atexit(end_all) == 0) servers.maker = getpid();
    server->next = servers.first;
    servers.first = server;
}

static void forget(struct server *server)
{
    struct server **link = &servers.first;
    while (*link && *link != server)
        link = &(*link)->next;
    if (*link) *link = server->next;
}

bool server_is_other(void)
{
    return getenv("TEST_SERVER_BINARY") != NULL;
}

/* A socket that no other test holds as long as it is open; -1 when one does. */
static int lock_port(unsigned port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    /* An abstract name: it is gone with its socket. */
    int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "cairn-test-port-%u", port);
    if (bind(fd, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool port_is_free(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_free;
}

static unsigned find_port(int *lock_out)
{
    unsigned start = (unsigned)getpid() * 7;

    for (unsigned tries = 0; tries < PORT_MAX - PORT_MIN; tries++) {
        unsigned port = PORT_MIN + (start + tries) % (PORT_MAX - PORT_MIN);
        *lock_out = lock_port(port);
        if (*lock_out < 0) continue;
        if (port_is_free(port)) return port;
        close(*lock_out);
    }
    fail_msg("no free port");
    return 0;
}

/* The whole log, NUL-terminated; the caller frees it. */
static char *read_log(const struct server *server)
{
    FILE *file = fopen(server->log, "re");
    char *text = NULL;
    size_t cap = 0;

    if (!file || getdelim(&text, &cap, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    if (file) fclose(file);
    assert_non_null(text);
    return text;
}

static void show_log(const struct server *server)
{
    char *text = read_log(server);
    size_t len = strlen(text);

    /* Not print_error, which cuts what is long. */
    fprintf(stderr, "log of the server:\n%s\n", len > LOG_TAIL ? text + len - LOG_TAIL : text);
    free(text);
}

bool server_logged(const struct server *server, const char *text)
{
    char *log = read_log(server);
    bool found = strstr(log, text) != NULL;

    free(log);
    return found;
}

/* What the checking builds write when they have found something. Not all of them end the process for it, and one that is killed
 * could not say so by its status. */
static bool has_reported(struct server *server)
{
    static const char *const reports[] = {"Sanitizer: ", "runtime error: ", "txcheck: "};
    char *log = read_log(server);
    size_t len = strlen(log);
    bool found = false;

    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        found |= strstr(log + (server->log_seen < len ? server->log_seen : len), reports[i]) != NULL;
    server->log_seen = len;
    free(log);
    return found;
}

static void spawn(struct server *server)
{
    assert_int_equal(server->pid, 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("TSAN_OPTIONS", "halt_on_error=1", 0); /* else it goes on, and a kill takes the report with it */
    int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (server->user != getuid() && setuid(server->user) != 0) _exit(126);
    execv(server->binary, server->argv);
    _exit(127);
}

static bool has_ended(struct server *server, int *status_out)
{
    if (waitpid(server->pid, status_out, WNOHANG) != server->pid) return false;
    server->pid = 0;
    return true;
}

/* Waits for the end; false when it still runs after a minute. */
static bool await_end(struct server *server, int *status_out)
{
    return WAIT_FOR(has_ended(server, status_out));
}

static void kill_and_fail(struct server *server, const char *what)
{
    int status;

    if (server->pid > 0 && kill(server->pid, SIGKILL) == 0) (void)await_end(server, &status);
    show_log(server);
    fail_msg("%s", what);
}

static void start(struct server *server, bool (*answers)(const struct server *server))
{
    int status;
    bool done = false;

    spawn(server);
    (void)WAIT_FOR((done = answers(server)) || has_ended(server, &status));
    if (done) return;
    kill_and_fail(server, server->pid > 0 ? "the server does not answer" : "the server ended while starting");
}

void server_start(struct server *server)
{
    start(server, client_can_ping);
}

void server_start_loading(struct server *server)
{
    start(server, client_hears_something);
}

int server_start_failing(struct server *server)
{
    spawn(server);
    return server_wait(server);
}

int server_wait(struct server *server)
{
    int status = 0;

    if (!await_end(server, &status)) kill_and_fail(server, "the server does not end");
    if (has_reported(server)) kill_and_fail(server, "the checks of the server's build have found something");
    return status;
}

int server_stop(struct server *server, int signal_number)
{
    assert_int_equal(kill(server->pid, signal_number), 0);
    int status = server_wait(server);
    /* A process that has ended takes signals until it is waited for. */
    bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (signal_number == SIGKILL && !was_killed)
        kill_and_fail(server, "the server ended by itself before the kill");
    return status;
}

static void add_words(struct server *server, const char *const *words, size_t count)
{
    assert_true(server->argc + count < ARGV_MAX);
    for (size_t i = 0; i < count; i++) {
        server->argv[server->argc] = strdup(words[i]);
        assert_non_null(server->argv[server->argc++]);
    }
}

void server_add_options(struct server *server, const char *const *options)
{
    for (; *options; options++)
        add_words(server, options, 1);
}

/* The value of appendfsync, when the tests are to run on a heap with a journal; NULL: without persistence. */
static const char *journaled_fsync(void)
{
    const char *fsync = getenv("TEST_APPENDFSYNC");
    return fsync && *fsync ? fsync : NULL;
}

bool server_is_journaled(void)
{
    return journaled_fsync() != NULL;
}

/* The process calls itself `name`. */
static struct server *open_binary(const char *binary, const char *name, const char *const *options)
{
    struct server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    server->binary = binary;
    server->user = getuid();
    const char *fsync = journaled_fsync();
    const char *parent = fsync ? "/var/tmp" : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(server->folder, sizeof(server->folder), "%s/cairn-test-XXXXXX", parent);
    assert_non_null(scratch_make(server->folder));
    remember(server);
    snprintf(server->socket, sizeof(server->socket), "%s/socket", server->folder);
    snprintf(server->log, sizeof(server->log), "%s/log", server->folder);
    server->port = find_port(&server->port_lock);
    snprintf(server->port_text, sizeof(server->port_text), "%u", server->port);

    const char *const fixed[] = {
        name,
        "--bind",
        "127.0.0.1",
        "--port",
        server->port_text,
        "--unixsocket",
        server->socket,
        "--dir",
        server->folder,
        "--save",
        "",
        "--appendonly",
        fsync ? "yes" : "no",
    };
    add_words(server, fixed, sizeof(fixed) / sizeof(fixed[0]));
    if (fsync) add_words(server, (const char *const[]){"--appendfsync", fsync}, 2);
    if (options) server_add_options(server, options);
    server_start(server);
    return server;
}

struct server *server_open(const char *const *options)
{
    const char *binary = server_is_other() ? getenv("TEST_SERVER_BINARY") : CAIRN_BINARY;

    return open_binary(binary, binary, options);
}

struct server *server_open_redis(const char *const *options)
{
    /* redis-tools has it as well: the checker is the same program under another name. */
    static const char *const binaries[] = {"/usr/bin/redis-server", "/usr/bin/redis-check-rdb"};

    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++)
        if (access(binaries[i], X_OK) == 0) return open_binary(binaries[i], "redis-server", options);
    return NULL;
}

void server_close(struct server *server)
{
    int status = server->pid > 0 ? server_stop(server, SIGTERM) : 0;

    /* Redis ends with 0; sanitizers end with another code when they have found something. */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) kill_and_fail(server, "the server did not end well");
    scratch_remove(server->folder);
    forget(server);
    for (size_t i = 0; i < server->argc; i++)
        free(server->argv[i]);
    close(server->port_lock);
    if (server->spare_port) close(server->spare_lock);
    free(server);
}

void server_set_config(struct server *server, const char *text)
{
    bool first = server->config[0] == '\0';

    snprintf(server->config, sizeof(server->config), "%s/cairn.conf", server->folder);
    FILE *file = fopen(server->config, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    if (first) { /* its place is before the options */
        add_words(server, (const char *const[]){server->config}, 1);
        char *word = server->argv[server->argc - 1];
        memmove(server->argv + 2, server->argv + 1, (server->argc - 2) * sizeof(*server->argv));
        server->argv[1] = word;
    }
}

void server_run_as(struct server *server, uid_t user)
{
    server->user = user;
}

unsigned server_spare_port(struct server *server)
{
    if (!server->spare_port) server->spare_port = find_port(&server->spare_lock);
    return server->spare_port;
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

const char *server_socket(const struct server *server)
{
    return server->socket;
}

const char *server_folder(const struct server *server)
{
    return server->folder;
}

pid_t server_pid(const struct server *server)
{
    return server->pid;
}
