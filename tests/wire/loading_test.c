/* loading_test.c: a server whose recovery takes long: what clients are told meanwhile, and how they go on. */
#include "support/client.h"
#include "support/disk_place.h"
#include "support/script.h"
#include "support/wait.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LOADING "-LOADING Redis is loading the dataset in memory"

/* A server with a key k that holds v; from here on its start hangs in the recovery. */
static void make_loading_place(struct place *place, const char *option, const char *value, const char *login)
{
    make_place(place, "yes", "everysec", option, value);
    struct client *client = client_open(place->server, 2);
    if (login) EXPECT(client, login, "+OK");
    EXPECT(client, "SELECT 3", "+OK");
    EXPECT(client, "SET k v", "+OK");
    client_close(client);
    (void)server_stop(place->server, SIGKILL);
    server_set_config(place->server, "user poor on nopass -@all +select\n");
    order(place, "hold");
    server_start_loading(place->server);
}

/* A recovery that takes long tells so, on all sockets; who is connected goes on as what he has made of himself meanwhile. */
static void clients_stay_through_a_long_recovery(void **state)
{
    static const char half[] = "*2\r\n$3\r\nGET\r\n$1\r\n";
    enum { LARGE = 200000 };
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, NULL, NULL, NULL);
    struct client *client = client_open(place.server, 3); /* says HELLO 3 */
    struct client *poor = client_open(place.server, 2);
    struct client *local = client_open_unix(place.server);
    struct client *halfway = client_open(place.server, 2);
    EXPECT(client, "PING", LOADING);
    EXPECT(client, "GET k", LOADING);
    EXPECT(client, "GET", "-ERR wrong number of arguments for 'get' command");
    EXPECT(client, "NONSENSE", "-ERR unknown command <*>");
    EXPECT(client, "INFO persistence",
           "<*># Persistence\\r\\nloading:1<*>loading_start_time:<*>loading_loaded_perc:<*>");
    EXPECT(client, "INFO", "<*>redis_mode:standalone<*>loading:1<*>");
    EXPECT(client, "CONFIG GET databases", "{'databases': '16'}");
    EXPECT(client, "ECHO hello", "'hello'");
    EXPECT(client, "CLIENT SETNAME me", "+OK");
    EXPECT(client, "SELECT 16", "-ERR DB index is out of range");
    EXPECT(client, "SELECT 3", "+OK");
    char *value = malloc(LARGE);
    assert_non_null(value);
    memset(value, 'v', LARGE);
    send_large(client, "k", value, LARGE);
    assert_string_equal(client_read(client), LOADING);
    free(value);
    EXPECT(poor, "AUTH poor any", "+OK");
    EXPECT(poor, "INFO", "-NOPERM User poor has no permissions to run the 'info' command");
    EXPECT(local, "PING", LOADING);
    EXPECT(local, "INFO persistence", "<*>loading:1<*>");
    EXPECT(halfway, "SELECT 3", "+OK");
    char id[32];
    snprintf(id, sizeof id, "%s", client_ask(halfway, "CLIENT ID"));
    assert_int_equal(client_send_raw(halfway, half, strlen(half)), strlen(half));
    take_back(&place, "hold");
    AWAIT(local, "PING", "+PONG");
    EXPECT(local, "INFO persistence", "<*>loading:0<*>");
    EXPECT(local, "INFO clients", "<*>connected_clients:4<*>");
    EXPECT(client, "GET k", "'v'");
    EXPECT(client, "CLIENT GETNAME", "'me'");
    EXPECT(poor, "GET k", "-NOPERM User poor has no permissions to run the 'get' command");
    EXPECT(poor, "SELECT 2", "+OK");
    EXPECT(client, "CONFIG GET databases", "{'databases': '16'}"); /* RESP3 still */
    assert_int_equal(client_send_raw(halfway, "k\r\n", 3), 3);
    assert_string_equal(client_read(halfway), "'v'");
    EXPECT(halfway, "CLIENT ID", id);
    struct client *later = client_open(place.server, 2);
    EXPECT(later, "CLIENT ID", ":<4..9>"); /* nobody has the same */
    client_close(later);
    client_close(client);
    client_close(local);
    client_close(poor);
    client_close(halfway);
    leave_place(&place);
}

static void strangers_stay_strangers_through_a_recovery(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, "--requirepass", "secret", "AUTH secret");
    struct client *stranger = client_open(place.server, 2);
    struct client *friend = client_open_unix(place.server);
    EXPECT(stranger, "INFO", "-NOAUTH Authentication required.");
    EXPECT(stranger, "SHUTDOWN", "-NOAUTH Authentication required.");
    EXPECT(stranger, "AUTH wrong", "-WRONGPASS <*>");
    EXPECT(friend, "AUTH secret", "+OK");
    EXPECT(friend, "GET k", LOADING);
    EXPECT(friend, "SELECT 3", "+OK");
    take_back(&place, "hold");
    AWAIT(friend, "GET k", "'v'");
    EXPECT(stranger, "GET k", "-NOAUTH Authentication required.");
    client_close(stranger);
    client_close(friend);
    leave_place(&place);
}

/* The recovery is left where it stands, and the next one finds everything. */
static void a_loading_server_can_be_shut_down(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, "--maxclients", "2", NULL);
    struct client *client = client_open(place.server, 2);
    struct client *second = client_open_unix(place.server);
    EXPECT(client, "PING", LOADING);
    EXPECT(second, "PING", LOADING);
    struct client *third = client_open_unix(place.server);
    assert_string_equal(client_read(third), "-ERR max number of clients reached");
    assert_string_equal(client_read(third), "closed");
    client_close(third);
    client_close(second);
    EXPECT(client, "SHUTDOWN ABORT", "-ERR No shutdown in progress.");
    EXPECT(client, "SHUTDOWN", "closed");
    client_close(client);
    int status = server_wait(place.server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(server_logged(place.server, "User requested shutdown while the server is loading"));
    server_start_loading(place.server);
    assert_int_equal(access(server_socket(place.server), F_OK), 0);
    status = server_stop(place.server, SIGTERM);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(server_logged(place.server, "Received shutdown signal during loading, exiting now."));
    assert_int_not_equal(access(server_socket(place.server), F_OK), 0);
    take_back(&place, "hold");
    server_start(place.server);
    client = client_open(place.server, 2);
    EXPECT(client, "SELECT 3", "+OK");
    EXPECT(client, "GET k", "'v'");
    client_close(client);
    leave_place(&place);
}

/* One that comes when the recovery is over and nobody serves yet: the heap is closed in order. */
static void a_server_can_be_stopped_before_it_serves(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, NULL, NULL, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = client_open(place.server, 2);
        EXPECT(client, "PING", LOADING);
        order(&place, "listen");
        take_back(&place, "hold");
        assert_true(WAIT_FOR(is_ordered(&place, "listen.waits")));
        assert_int_equal(kill(server_pid(place.server), signals[i]), 0);
        client_send(client, "SET k w");
        take_back(&place, "listen");
        int status = server_wait(place.server);
        take_back(&place, "listen.waits");
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        client_close(client);
        assert_true(server_logged(place.server, i == 0 ? "Received SIGTERM scheduling shutdown..."
                                                       : "Received SIGINT scheduling shutdown..."));
        assert_true(server_logged(place.server, "The heap is closed, ready to exit, bye bye..."));
        assert_int_not_equal(access(server_socket(place.server), F_OK), 0);
        server_start(place.server);
        assert_true(server_logged(place.server, "closed clean"));
        client = client_open(place.server, 2);
        EXPECT(client, "SELECT 3", "+OK");
        EXPECT(client, "GET k", "'v'");
        client_close(client);
        (void)server_stop(place.server, SIGKILL);
        order(&place, "hold");
        server_start_loading(place.server);
    }
    take_back(&place, "hold");
    leave_place(&place);
}

/* What needs neither keys nor other clients is what it is. */
static void some_things_can_be_asked_while_loading(void **state)
{
    static const struct step steps[] = {
        {"ACL WHOAMI", "'default'"},
        {"ACL CAT nonsense", "-ERR Unknown category 'nonsense'"},
        {"ACL DRYRUN default GET k", "+OK"},
        {"ACL GETUSER poor", "<*>'-@all +select'<*>"},
        {"ACL SETUSER poor on", LOADING},
        {"CLIENT GETREDIR", ":-1"},
        {"CLIENT TRACKINGINFO", "<*>'off'<*>"},
        {"CLIENT NO-EVICT ON", "+OK"},
        {"CLIENT NO-TOUCH ON", "+OK"},
        {"CLIENT LIST", LOADING},
        {"COMMAND COUNT", ":<100..500>"},
        {"CONFIG GET databases", "['databases', '16']"},
        {"CONFIG SET timeout 3", LOADING},
        {"CONFIG HELP", "[<*>"},
        {"OBJECT HELP", "[<*>"},
        {"LATENCY LATEST", "[]"},
        {"PUBLISH news hello", ":0"},
        {"SPUBLISH news hello", ":0"},
        {"ROLE", "['master', :0, []]"},
        {"SLOWLOG LEN", ":0"},
        {"SLOWLOG GET", "[]"},
        {"SUBSCRIBE news", LOADING},
        {"WATCH k", LOADING},
        {"UNWATCH", "+OK"},
        {"EXEC", "-ERR EXEC without MULTI"},
        {"DISCARD", "-ERR DISCARD without MULTI"},
        {"MULTI", "+OK"},
        {"MULTI", "-ERR MULTI calls can not be nested"},
        {"DISCARD", "+OK"},
        {"MULTI", "+OK"},
        {"ECHO a", "+QUEUED"},
        {"GET k", LOADING},
        {"ECHO b", "+QUEUED"},
        {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
        {"MULTI", "+OK"},
        {"NONSENSE", "-ERR unknown command <*>"},
        {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
        {"MULTI", "+OK"},
        {"SHUTDOWN", "-ERR Command not allowed inside a transaction"},
        {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
        {"MULTI", "+OK"},
        {"ECHO a", "+QUEUED"},
        {"SELECT 3", "+QUEUED"},
        {"SELECT 16", "+QUEUED"},
        {"AUTH poor any", "+QUEUED"},
        {"ECHO b", "+QUEUED"},
        {"SELECT 4", "+QUEUED"},
        {"EXEC", "['a', +OK, -ERR DB index is out of range, +OK, -NOPERM User poor has no permissions to run "
                 "the 'echo' command, "
                 "+OK]"},
    };
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, NULL, NULL, NULL);
    struct client *client = client_open(place.server, 2);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        EXPECT(client, steps[i].line, steps[i].reply);
    client_close(client);
    take_back(&place, "hold");
    leave_place(&place);
}

/* Those that were begun go on, and those that were spoiled stay so: no transaction is ever executed in part. */
static void transactions_span_the_end_of_a_recovery(void **state)
{
    enum { BYTES = 300000 };
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, NULL, NULL, NULL);
    struct client *whole = client_open(place.server, 3);
    struct client *spoiled = client_open(place.server, 2);
    struct client *large = client_open(place.server, 2);
    struct client *full = client_open(place.server, 2);
    char *value = calloc(1, BYTES);
    assert_non_null(value);
    EXPECT(whole, "SELECT 3", "+OK");
    EXPECT(whole, "MULTI", "+OK");
    EXPECT(whole, "ECHO a", "+QUEUED");
    EXPECT(whole, "PUBLISH news hello", "+QUEUED");
    EXPECT(spoiled, "SELECT 3", "+OK");
    EXPECT(spoiled, "MULTI", "+OK");
    EXPECT(spoiled, "SET k w", LOADING);
    EXPECT(large, "MULTI", "+OK");
    send_large(large, "k", value, BYTES);
    assert_string_equal(client_read(large), LOADING);
    EXPECT(full, "MULTI", "+OK");
    client_send_argv(full, 2, (const char *[]){"ECHO", value}, (const size_t[]){4, BYTES / 3});
    assert_string_equal(client_read(full), "+QUEUED");
    client_send_argv(full, 2, (const char *[]){"ECHO", value}, (const size_t[]){4, BYTES / 3});
    assert_string_equal(client_read(full), LOADING);
    take_back(&place, "hold");
    struct client *client = client_open(place.server, 2);
    AWAIT(client, "PING", "+PONG");
    EXPECT(whole, "GET k", "+QUEUED");
    EXPECT(whole, "SET l w", "+QUEUED");
    EXPECT(whole, "EXEC", "['a', :0, 'v', +OK]");
    EXPECT(spoiled, "SET l x", "+QUEUED");
    EXPECT(spoiled, "EXEC", "-EXECABORT Transaction discarded because of previous errors.");
    EXPECT(spoiled, "MGET k l", "['v', 'w']");
    EXPECT(large, "EXEC", "-EXECABORT Transaction discarded because of previous errors.");
    EXPECT(full, "EXEC", "-EXECABORT Transaction discarded because of previous errors.");
    free(value);
    client_close(client);
    client_close(whole);
    client_close(spoiled);
    client_close(large);
    client_close(full);
    leave_place(&place);
}

/* ---- large requests ---- */

#define LARGE_BYTES (64u << 20)

/* Most that the server has held in memory of its own. */
static unsigned long peak_kib(const struct server *server)
{
    char path[64], line[256];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server_pid(server));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file))
        (void)sscanf(line, "VmHWM: %lu", &kib);
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

static void send_text(struct client *client, const char *text)
{
    assert_int_equal(client_send_raw(client, text, strlen(text)), strlen(text));
}

static void send_many_words(struct client *client, const char *first, unsigned count)
{
    char *text = malloc(64 + 8 * count), *end = text;
    assert_non_null(text);
    end += sprintf(end, "*%u\r\n$%zu\r\n%s\r\n", count + 1, strlen(first), first);
    for (unsigned i = 0; i < count; i++)
        end += sprintf(end, "$1\r\nk\r\n");
    send_text(client, text);
    free(text);
}

/* Whatever is sent is answered as if it were small, and takes no room; the connection goes on. */
static void large_requests_are_told_to_wait(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, "--proto-max-bulk-len", "128mb", NULL);
    struct client *client = client_open(place.server, 2);
    struct client *halfway = client_open(place.server, 2);
    struct client *between = client_open(place.server, 2);
    char *value = malloc(LARGE_BYTES + 1);
    assert_non_null(value);
    memset(value, 'v', LARGE_BYTES);
    value[LARGE_BYTES] = '\0';
    EXPECT(client, "PING", LOADING);
    unsigned long before_kib = peak_kib(place.server);
    send_large(client, "k", value, LARGE_BYTES);
    client_send(client, "ECHO hello");
    assert_string_equal(client_read(client), LOADING);
    assert_string_equal(client_read(client), "'hello'");
    send_many_words(client, "DEL", 100000);
    assert_string_equal(client_read(client), LOADING);
    send_many_words(client, "GET", 100000);
    assert_string_equal(client_read(client), "-ERR wrong number of arguments for 'get' command");
    client_send_argv(client, 2, (const char *[]){"NONSENSE", value}, (const size_t[]){8, LARGE_BYTES});
    assert_true(client_reply_is("-ERR unknown command 'NONSENSE'<*>", client_read(client)));
    client_send_argv(client, 2, (const char *[]){value, "k"}, (const size_t[]){LARGE_BYTES, 1});
    assert_true(client_reply_is("-ERR unknown command<*>", client_read(client)));
    assert_true(peak_kib(place.server) - before_kib < LARGE_BYTES / 2048);
    send_text(halfway, "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n");
    assert_int_equal(client_send_raw(halfway, value, 500000), 500000);
    assert_string_equal(client_read(halfway), LOADING);
    send_text(between, "*3\r\n$3\r\nSET\r\n$200000\r\n");
    assert_int_equal(client_send_raw(between, value, 200000), 200000);
    send_text(between, "\r\n$20000");
    assert_string_equal(client_read(between), LOADING);
    take_back(&place, "hold");
    AWAIT(client, "PING", "+PONG");
    assert_int_equal(client_send_raw(halfway, value, 500000), 500000);
    send_text(halfway, "\r\n$4\r\nPX");
    client_send(client, "PING");
    assert_string_equal(client_read(client), "+PONG");
    send_text(halfway, "AT\r\n*1\r\n$4\r\nPING\r\n");
    assert_string_equal(client_read(halfway), "+PONG");
    EXPECT(halfway, "SELECT 3", "+OK");
    EXPECT(halfway, "GET k", "'v'");
    send_text(between, "0\r\n");
    assert_int_equal(client_send_raw(between, value, 200000), 200000);
    send_text(between, "\r\n");
    EXPECT(between, "PING", "+PONG");
    free(value);
    client_close(client);
    client_close(halfway);
    client_close(between);
    leave_place(&place);
}

/* ---- no descriptors ---- */

/* Clock ticks of CPU that the server's thread of this name has used. */
static unsigned long thread_ticks(const struct server *server, const char *name)
{
    char path[320], text[512], found[32];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)server_pid(server));
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (struct dirent *task = readdir(tasks); task; task = readdir(tasks)) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)server_pid(server), task->d_name);
        FILE *file = fopen(path, "re");
        if (!file) continue;
        char *line = fgets(text, sizeof text, file);
        fclose(file);
        if (!line || sscanf(line, "%*d (%31[^)])", found) != 1 || strcmp(found, name) != 0) continue;
        assert_int_equal(sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &user, &kernel),
                         2);
        closedir(tasks);
        return user + kernel;
    }
    fail_msg("no thread is called %s", name);
    return 0;
}

/* The server may open none but those that it has; returns the limit as it was. */
static struct rlimit take_descriptors(const struct server *server)
{
    struct rlimit before;
    assert_int_equal(prlimit(server_pid(server), RLIMIT_NOFILE, NULL, &before), 0);
    const struct rlimit limit = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(prlimit(server_pid(server), RLIMIT_NOFILE, &limit, NULL), 0);
    return before;
}

static void expect_idle(const struct server *server, const char *thread)
{
    enum { WALL_MS = 1000 };
    unsigned long ticks = thread_ticks(server, thread);
    usleep(WALL_MS * 1000);
    ticks = thread_ticks(server, thread) - ticks;
    assert_true(ticks * 4 < (unsigned long)sysconf(_SC_CLK_TCK) * WALL_MS / 1000);
}

/* Whom the server cannot let in yet waits, and costs nothing; he is heard as soon as there is a descriptor for him. */
static void nobody_is_busy_with_who_cannot_come_in(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_loading_place(&place, NULL, NULL, NULL);
    struct client *client = client_open(place.server, 2);
    EXPECT(client, "PING", LOADING);
    struct rlimit before = take_descriptors(place.server);
    struct client *waiting = client_open_unix(place.server);
    assert_true(WAIT_FOR(server_logged(place.server, "Accepting client connection: Too many open files")));
    expect_idle(place.server, "loading");
    EXPECT(client, "PING", LOADING);
    client_send(waiting, "PING");
    assert_int_equal(prlimit(server_pid(place.server), RLIMIT_NOFILE, &before, NULL), 0);
    assert_string_equal(client_read(waiting), LOADING);
    client_close(waiting);
    client_close(client);
    take_back(&place, "hold");
    leave_place(&place);
}

static void nor_is_the_server_that_serves(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    struct server *server =
        server_open((const char *const[]){"--set-proc-title", "no", "--io-threads", "2", NULL});
    struct client *client = client_open(server, 2);
    EXPECT(client, "PING", "+PONG"); /* it is in */
    for (unsigned round = 0; round < 2; round++) {
        struct rlimit before = take_descriptors(server);
        struct client *waiting = client_open_unix(server);
        assert_true(WAIT_FOR(server_logged(server, "Accepting client connection: Too many open files")));
        expect_idle(server, "cairn");
        client_send(waiting, "PING");
        EXPECT(client, "PING", "+PONG");
        assert_int_equal(prlimit(server_pid(server), RLIMIT_NOFILE, &before, NULL), 0);
        assert_string_equal(client_read(waiting), "+PONG");
        client_close(waiting);
    }
    client_close(client);
    server_close(server);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_stay_through_a_long_recovery),
        cmocka_unit_test(strangers_stay_strangers_through_a_recovery),
        cmocka_unit_test(a_loading_server_can_be_shut_down),
        cmocka_unit_test(a_server_can_be_stopped_before_it_serves),
        cmocka_unit_test(some_things_can_be_asked_while_loading),
        cmocka_unit_test(transactions_span_the_end_of_a_recovery),
        cmocka_unit_test(large_requests_are_told_to_wait),
        cmocka_unit_test(nobody_is_busy_with_who_cannot_come_in),
        cmocka_unit_test(nor_is_the_server_that_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
