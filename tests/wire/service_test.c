/* service_test.c: the server among the services of a machine: supervision, the background, its title, its log and its last words. */
#include "support/script.h"
#include "support/wait.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS (WAIT_SECONDS * 1000)

/* ---- systemd ---- */

static int notify_socket(char path[108])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, 108, "/tmp/cairn-notify-%d", (int)getpid());
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* What was sent next; "" when nothing was. */
static const char *notified(int fd, int wait_ms)
{
    static char text[512];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    text[0] = '\0';
    if (poll(&poll_fd, 1, wait_ms) != 1) return text;
    ssize_t len = recv(fd, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static void systemd(void **state)
{
    static const char *const modes[] = {"systemd", "auto"};
    char path[108];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int fd = notify_socket(path);
        setenv("NOTIFY_SOCKET", path, 1);
        const char *const options[] = {"--supervised", modes[i], "--daemonize", "yes", NULL};
        struct server *server = server_open(options); /* in the foreground: it is supervised */
        assert_string_equal(notified(fd, WAIT_MS), "READY=1\nSTATUS=Ready to accept connections\n");
        assert_true(server_logged(server, "supervised by systemd, will signal readiness"));
        struct client *client = client_open(server, 2);
        EXPECT(client, "INFO server", "'<*>process_supervised:systemd\\r\\n<*>'");
        client_close(client);
        server_close(server);
        assert_string_equal(notified(fd, WAIT_MS), "STOPPING=1\n");
        unsetenv("NOTIFY_SOCKET");
        close(fd);
        unlink(path);
    }
}

static void not_supervised(void **state)
{
    char path[108];
    int fd = notify_socket(path);
    (void)state;
    setenv("NOTIFY_SOCKET", path, 1);
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);
    EXPECT(client, "INFO server", "'<*>process_supervised:no\\r\\n<*>'");
    client_close(client);
    server_close(server);
    assert_string_equal(notified(fd, 0), "");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
    unlink(path);
}

/* ---- the title ---- */

/* Arguments joined by blanks, as ps shows them; the zeros behind a title are dropped. */
static const char *title_of(const struct server *server)
{
    static char text[4096];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)server_pid(server));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static void title(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);
    char expected[512];
    (void)state;
    snprintf(expected, sizeof expected, "%s 127.0.0.1:%u", CAIRN_BINARY, server_port(server));
    assert_string_equal(title_of(server), expected);
    EXPECT(client,
           "CONFIG SET proc-title-template 'name:{title} {port} {tls-port} {server-mode}{unixsocket}'",
           "+OK");
    snprintf(expected, sizeof expected, "name:%s %u 0 %s", CAIRN_BINARY, server_port(server),
             server_socket(server));
    assert_string_equal(title_of(server), expected);
    static const char *const bad[] = {"''", "'{nosuch}'", "'{title'", "'x {title}{'"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[128];
        snprintf(line, sizeof line, "CONFIG SET proc-title-template %s", bad[i]);
        EXPECT(client, line,
               "-ERR CONFIG SET failed (possibly related to argument 'proc-title-template') - template "
               "format is invalid or contains unknown variables");
    }
    assert_string_equal(title_of(server), expected);
    client_close(client);
    server_close(server);
    static const char *const off[] = {"--set-proc-title", "no", NULL};
    server = server_open(off);
    assert_string_equal(title_of(server), CAIRN_BINARY); /* the first of many words */
    server_close(server);
}

/* ---- crashes ---- */

static const char *const debugging[] = {"--enable-debug-command", "yes", NULL};

/* Ends the server by a command; the status it ended with. */
static void crash_by(const char *command, const char *const *options, int signal_number,
                     const char *const *logged, bool expected)
{
    struct server *server = server_open(options);
    struct client *client = client_open(server, 2);
    client_send(client, command);
    int status = server_wait(server);
    client_close(client);
    bool sanitized = WIFEXITED(status); /* a sanitizer has its own way to end */
    if (!sanitized) assert_int_equal(WTERMSIG(status), signal_number);
    for (size_t i = 0; logged[i] && !sanitized; i++)
        assert_int_equal(server_logged(server, logged[i]), expected);
    server_start(server);
    server_close(server);
}

static void crashes(void **state)
{
    static const char *const fault[] = {"crashed by signal: 11", "------ STACK TRACE ------",
                                        "dispatch_batch", "Crashed running the instruction at:", NULL};
    static const char *const assertion[] = {"# === ASSERTION FAILED ===", "# ==> ", "crashed by signal: 6",
                                            "------ STACK TRACE ------", NULL};
    static const char *const off[] = {"--enable-debug-command", "yes", "--crash-log-enabled", "no", NULL};
    (void)state;
    crash_by("DEBUG SEGFAULT", debugging, SIGSEGV, fault, true);
    crash_by("DEBUG ASSERT", debugging, SIGABRT, assertion, true);
    crash_by("DEBUG PANIC", debugging, SIGABRT, assertion, true);
    crash_by("DEBUG SEGFAULT", off, SIGSEGV, fault, false);
}

/* SIGALRM asks where it is, and changes nothing. */
static void asked(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);
    (void)state;
    EXPECT(client, "SET k v", "+OK");
    assert_int_equal(kill(server_pid(server), SIGALRM), 0);
    assert_true(WAIT_FOR(server_logged(server, "------ STACK TRACE ------")));
    assert_true(server_logged(server, "Received SIGALRM"));
    EXPECT(client, "GET k", "'v'");
    client_close(client);
    server_close(server);
}

/* ---- the log ---- */

static void levels(void **state)
{
    struct server *server = server_open(debugging);
    struct client *client = client_open(server, 2);
    (void)state;
    EXPECT(client, "DEBUG LOG first", "+OK");
    EXPECT(client, "CONFIG SET loglevel nothing", "+OK");
    EXPECT(client, "DEBUG LOG second", "+OK");
    EXPECT(client, "CONFIG SET loglevel warning", "+OK");
    EXPECT(client, "DEBUG LOG third", "+OK");
    assert_true(server_logged(server, "DEBUG LOG: first"));
    assert_false(server_logged(server, "DEBUG LOG: second"));
    assert_true(server_logged(server, "DEBUG LOG: third"));
    client_close(client);
    server_close(server);
}

/* Whether or not a syslog is there, lines still come to the log itself. */
static void syslog_options(void **state)
{
    static const char *const options[] = {
        "--syslog-enabled", "yes", "--syslog-ident", "cairn-test", "--syslog-facility", "local3", NULL};
    struct server *server = server_open(options);
    struct client *client = client_open(server, 2);
    (void)state;
    EXPECT(client, "CONFIG GET syslog-enabled", "['syslog-enabled', 'yes']");
    assert_true(server_logged(server, "Ready to accept connections"));
    client_close(client);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd),        cmocka_unit_test(not_supervised), cmocka_unit_test(title),
        cmocka_unit_test(crashes),        cmocka_unit_test(asked),          cmocka_unit_test(levels),
        cmocka_unit_test(syslog_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
