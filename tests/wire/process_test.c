/* process_test.c: the server as a process: its configuration, its start and its end. */
#include "support/script.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A file as users write it, with options of features that do not matter here. */
static void configuration_file(void **state)
{
    struct server *server = server_open(NULL);
    char text[1024];

    (void)state;
    (void)server_stop(server, SIGTERM);
    snprintf(text, sizeof(text),
             "# head\n\ninclude %s/nothing-*.conf\nmaxmemory 100mb\nhash-max-ziplist-entries 100\n"
             "requirepass \"a b\"\nactivedefrag no\nsave\nsave 900 1\nsave 60 1000\n",
             server_folder(server));
    server_set_config(server, text);
    server_start(server);
    struct client *client = client_open(server, 2);
    EXPECT(client, "GET k", "-NOAUTH Authentication required.");
    EXPECT(client, "AUTH 'a b'", "+OK");
    EXPECT(client, "CONFIG GET maxmemory", "['maxmemory', '104857600']");
    EXPECT(client, "CONFIG GET hash-max-listpack-entries", "['hash-max-listpack-entries', '100']");
    EXPECT(client, "CONFIG SET slowlog-max-len 77 notify-keyspace-events KEA", "+OK");
    EXPECT(client, "CONFIG SET client-output-buffer-limit 'pubsub 1mb 0 0'", "+OK");
    EXPECT(client, "CONFIG REWRITE", "+OK");
    client_close(client);
    (void)server_stop(server, SIGKILL);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "AUTH 'a b'", "+OK");
    EXPECT(client, "CONFIG GET slowlog-max-len", "['slowlog-max-len', '77']");
    EXPECT(client, "CONFIG GET notify-keyspace-events", "['notify-keyspace-events', 'AKE']");
    EXPECT(client, "CONFIG GET client-output-buffer-limit", "['<*>', '<*>pubsub 1048576 0 0']");
    EXPECT(client, "CONFIG GET maxmemory", "['maxmemory', '104857600']");
    client_close(client);
    server_close(server);
}

/* Each mistake ends the start with status 1 and says where it is. */
static void mistakes_in_the_configuration(void **state)
{
    static const struct {
        const char *text;
        const char *log;
    } mistakes[] = {
        {"maxmemory 1gb\nprot 7\n", "at line 2\n>>> 'prot 7'\nBad directive or wrong number of arguments"},
        {"port abc\n", "argument couldn't be parsed into an integer"},
        {"maxmemory 3xb\n", "argument must be a memory value"},
        {"appendonly perhaps\n", "argument must be 'yes' or 'no'"},
        {"maxmemory-policy none\n", "argument(s) must be one of the following:"},
        {"include /nonexistent.conf\n", "/nonexistent.conf"},
        {"requirepass \"open\n", "Unbalanced quotes in configuration line"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct server *server = server_open(NULL);
        (void)server_stop(server, SIGTERM);
        server_set_config(server, mistakes[i].text);
        int status = server_start_failing(server);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
            fail_msg("%s: status %d", mistakes[i].text, status);
        if (!server_logged(server, mistakes[i].log)) fail_msg("not said: %s", mistakes[i].log);
        server_close(server);
    }
}

/* What matters for safety and is not there is refused, with the reason. */
static void refused_features(void **state)
{
    static const char *const lines[] = {
        "replicaof 127.0.0.1 1\n",   "cluster-enabled yes\n", "tls-cluster yes\n",
        "min-replicas-to-write 1\n", "loadmodule /a.so\n",
    };

    (void)state;
    if (server_is_other()) skip();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct server *server = server_open(NULL);
        (void)server_stop(server, SIGTERM);
        server_set_config(server, lines[i]);
        int status = server_start_failing(server);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        if (!server_logged(server, "not supported")) fail_msg("no reason given: %s", lines[i]);
        server_close(server);
    }
}

static void port_in_use(void **state)
{
    struct server *first = server_open(NULL);
    struct server *second = server_open(NULL);
    char port[16];

    (void)state;
    (void)server_stop(second, SIGTERM);
    snprintf(port, sizeof(port), "%u", server_port(first));
    server_add_options(second, (const char *const[]){"--port", port, NULL});
    int status = server_start_failing(second);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(server_logged(second, "Address already in use"));
    server_close(second);
    server_close(first);
}

static void pid_file(void **state)
{
    struct server *server = server_open(NULL);
    char path[512];
    int pid = 0;

    (void)state;
    (void)server_stop(server, SIGTERM);
    snprintf(path, sizeof(path), "%s/server.pid", server_folder(server));
    server_add_options(server, (const char *const[]){"--pidfile", path, NULL});
    server_start(server);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    assert_int_equal(pid, server_pid(server));
    assert_int_equal(server_stop(server, SIGTERM), 0);
    assert_int_equal(access(path, F_OK), -1);
    server_close(server);
}

/* SIGTERM in the middle of traffic: what was acknowledged is there, and the end is clean. */
static void stop_under_load(void **state)
{
    enum { CLIENTS = 4, COMMANDS = 5000 };
    struct server *server = server_open(NULL);
    struct client *clients[CLIENTS];
    char line[100];
    int acknowledged[CLIENTS];

    (void)state;
    if (server_is_other()) skip();
    for (int c = 0; c < CLIENTS; c++) {
        clients[c] = client_open(server, 2);
        for (int i = 0; i < COMMANDS; i++) {
            snprintf(line, sizeof(line), "SET %d:%d v", c, i);
            client_send(clients[c], line);
        }
    }
    assert_string_equal(client_read(clients[0]), "+OK");
    assert_int_equal(server_stop(server, SIGTERM), 0);
    for (int c = 0; c < CLIENTS; c++) {
        acknowledged[c] = c == 0;
        while (acknowledged[c] < COMMANDS && strcmp(client_read(clients[c]), "+OK") == 0)
            acknowledged[c]++;
        client_close(clients[c]);
    }
    server_start(server);
    assert_true(server_logged(server, "closed clean"));
    struct client *client = client_open(server, 2);
    for (int c = 0; c < CLIENTS; c++) {
        for (int i = 0; i < acknowledged[c]; i++) {
            snprintf(line, sizeof(line), "EXISTS %d:%d", c, i);
            EXPECT(client, line, ":1");
        }
    }
    client_close(client);
    server_close(server);
}

/* Connects as fast as it can, until the server is gone; the end of the process closes what it holds. */
static void connect_on(const struct server *server)
{
    struct sockaddr_in peer = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)server_port(server)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    alarm(WAIT_CHILD_SECS);
    for (int i = 0; i < 2000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) != 0) break;
    }
    pause();
    _exit(0);
}

/* A connection that arrives beside the stop does not keep the server up. */
static void stop_while_clients_arrive(void **state)
{
    struct server *server = server_open((const char *const[]){"--io-threads", "2", NULL});

    (void)state;
    for (int round = 0; round < 12; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) connect_on(server);
        usleep(10000 + 1000 * (useconds_t)round);
        int status = server_stop(server, SIGTERM);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(status, 0);
        server_start(server);
    }
    server_close(server);
}

/* A crash leaves a report, and the data. */
static void crash(void **state)
{
    static const char *const lines[] = {"DEBUG SEGFAULT", "DEBUG PANIC"};
    struct server *server = server_open((const char *const[]){"--enable-debug-command", "yes", NULL});

    (void)state;
    if (server_is_other()) skip();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct client *client = client_open(server, 2);
        EXPECT(client, "INCR crashes", i == 0 ? ":1" : ":2");
        EXPECT(client, lines[i], "closed");
        client_close(client);
        int status = server_wait(server);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_true(server_logged(server, "STACK TRACE"));
        assert_true(server_logged(server, i == 0 ? "crashed by signal: 11" : "crashed by signal: 6"));
        server_start(server);
    }
    server_close(server);
}

static int oom_score(const struct server *server)
{
    char path[64];
    int score = 9999;
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)server_pid(server));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &score), 1);
    fclose(file);
    return score;
}

static void out_of_memory_score(void **state)
{
    struct server *server =
        server_open((const char *const[]){"--oom-score-adj-values", "7", "20", "30", NULL});
    struct client *client = client_open(server, 2);
    int base = oom_score(server);

    (void)state;
    if (base > 900) skip();
    EXPECT(client, "CONFIG SET oom-score-adj yes", "+OK");
    assert_int_equal(oom_score(server), base + 7);
    EXPECT(client, "CONFIG SET oom-score-adj absolute oom-score-adj-values '950 960 970'", "+OK");
    assert_int_equal(oom_score(server), 950);
    EXPECT(client, "CONFIG SET oom-score-adj no port 1 bind 192.0.2.1", "-ERR CONFIG SET failed <*>");
    assert_int_equal(oom_score(server), 950);
    EXPECT(client, "CONFIG SET oom-score-adj no", "+OK");
    assert_int_equal(oom_score(server), base);
    client_close(client);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration_file),
        cmocka_unit_test(mistakes_in_the_configuration),
        cmocka_unit_test(refused_features),
        cmocka_unit_test(port_in_use),
        cmocka_unit_test(pid_file),
        cmocka_unit_test(stop_under_load),
        cmocka_unit_test(stop_while_clients_arrive),
        cmocka_unit_test(crash),
        cmocka_unit_test(out_of_memory_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
