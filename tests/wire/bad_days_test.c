/* bad_days_test.c: full memory, full heaps, full disks, and values as large as they get. cairn only: Redis has
 * no heap. */
#include "support/long.h"
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OOM "-OOM command not allowed<*>"

/* Sets keys of 1 KiB until one is refused in these words; returns how many were acknowledged. */
static int fill_until_oom(struct client *client, const char *words)
{
    static char value[1025];
    char line[1100];
    const char *reply = "+OK";
    int count = 0;

    memset(value, 'v', sizeof(value) - 1);
    while (strcmp(reply, "+OK") == 0) {
        snprintf(line, sizeof(line), "SET full:%d %s", count, value);
        reply = client_ask(client, line);
        count++;
        assert_true(count < 200000);
    }
    assert_string_equal(reply, words);
    return count - 1;
}

/* The keys of fill_until_oom are readable. */
static void expect_all(struct client *client, int count)
{
    char line[64];

    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "STRLEN full:%d", i);
        EXPECT(client, line, ":1024");
    }
}

/* All that was acknowledged is readable; deleting works; then there is room again. `all_refused`: what may
 * grow is refused even where it would fit, and what merely moves an entry is not, as by maxmemory; else there
 * is no room at all. */
static void full(const char *const *options, bool all_refused)
{
    const char *words = all_refused ? "-OOM command not allowed when used memory > 'maxmemory'."
                                    : "-OOM command not allowed: the heap has reached its limit.";
    struct server *server = server_open(options);
    struct client *client = client_open(server, 2);
    char line[64];

    EXPECT(client, "SET small v", "+OK");
    EXPECT(client, "SETRANGE spare 1023 v", ":1024");
    int count = fill_until_oom(client, words);
    assert_true(count > 1000);
    EXPECT(client, "GET small", "'v'");
    EXPECT(client, "SETBIT bits 80000000 1", OOM);
    if (all_refused) {
        EXPECT(client, "APPEND small more", OOM);
        EXPECT(client, "COPY small other", OOM);
        EXPECT(client, "EXPIRE small 100", ":1");
        EXPECT(client, "PERSIST small", ":1");
        EXPECT(client, "RENAME small tiny", "+OK");
        EXPECT(client, "RENAME tiny small", "+OK");
    } else {
        EXPECT(client, "SETRANGE full:1 1021 abc", ":1024");
        EXPECT(client, "GETRANGE full:1 1020 -1", "'vabc'");
        EXPECT(client, "SETBIT full:1 7 0", ":0");
        EXPECT(client, "GETSET spare short", "'<*>v'");
        EXPECT(client, "EXPIRE spare 1000", ":1");
        EXPECT(client, "SWAPDB 0 1", "+OK");
        EXPECT(client, "SWAPDB 1 0", "+OK");
        EXPECT(client, "APPEND spare -and-longer", ":16");
        EXPECT(client, "SET spare 41", "+OK");
        EXPECT(client, "INCR spare", ":42");
        EXPECT(client, "PERSIST spare", ":0");
        EXPECT(client, "EXPIRE spare -1", ":1");
    }
    expect_all(client, count);
    if (all_refused) EXPECT(client, "DEL spare", ":1");
    for (int i = 0; i < count; i += 2) {
        snprintf(line, sizeof(line), "%s full:%d", i % 4 ? "DEL" : "UNLINK", i);
        EXPECT(client, line, ":1");
        if (i != 4) continue;
        EXPECT(client, "SET full:0 v", "+OK"); /* at once, whatever the size of what was there */
        EXPECT(client, "DEL full:0", ":1");
    }
    EXPECT(client, "SET again v", "+OK");
    client_close(client);

    (void)server_stop(server, SIGKILL);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "MGET small again", "['v', 'v']");
    snprintf(line, sizeof(line), ":%d", count - (count + 1) / 2 + 2);
    EXPECT(client, "DBSIZE", line);
    count = fill_until_oom(client, words);
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "SET again v", "+OK"); /* at once: what was dropped counts as free */
    assert_true(fill_until_oom(client, words) > count / 10 * 9);
    EXPECT(client, "FLUSHDB ASYNC", "+OK");
    AWAIT(client, "SETBIT bits 8000000 1",
          ":0"); /* a megabyte in one piece: other threads give back what they hold */
    EXPECT(client, "STRLEN bits", ":1000001");
    client_close(client);
    server_close(server);
}

static void full_memory(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    full((const char *const[]){"--maxmemory", "16mb", NULL}, true);
}

static void full_heap(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    full((const char *const[]){"--heap-size-limit", "64mb", NULL}, false);
}

static void value_too_large(void **state)
{
    struct server *server = server_open((const char *const[]){"--heap-size-limit", "64mb", NULL});
    struct client *client = client_open(server, 3);

    (void)state;
    if (server_is_other()) skip();
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "SETRANGE k 300000000 x", "-OOM <*>");
    EXPECT(client, "GET k", "'v'");
    EXPECT(client, "SETRANGE other 300000000 x", "-OOM <*>");
    EXPECT(client, "EXISTS other", ":0");
    EXPECT(client, "SET k w", "+OK");
    client_close(client);
    server_close(server);
}

/* A disk that is full is an error to the client that needed more, and nothing else. */
static void full_disk(void **state)
{
    struct server *server = server_open(NULL);
    char disk[512];

    (void)state;
    if (server_is_other()) skip();
    snprintf(disk, sizeof(disk), "%s/disk", server_folder(server));
    assert_int_equal(mkdir(disk, 0700), 0);
    bool mounted = mount("tmpfs", disk, "tmpfs", 0, "size=24m") == 0;
    if (mounted) {
        (void)server_stop(server, SIGTERM);
        server_add_options(server, (const char *const[]){"--dir", disk, NULL});
        server_start(server);
        struct client *client = client_open(server, 2);
        int count = fill_until_oom(client, "-OOM no space left on the device that holds the heap.");
        assert_true(count > 1000);
        expect_all(client, count);
        EXPECT(client, "DEL full:0", ":1");
        EXPECT(client, "SET small v", "+OK");
        client_close(client);
        (void)server_stop(server, SIGKILL);
        server_start(server);
        client = client_open(server, 2);
        EXPECT(client, "GET small", "'v'");
        EXPECT(client, "FLUSHALL", "+OK");
        EXPECT(client, "SET again v", "+OK");
        client_close(client);
        assert_int_equal(server_stop(server, SIGTERM), 0);
        assert_int_equal(umount(disk), 0);
    }
    server_close(server);
    if (!mounted) skip(); /* not root, or a container that may not mount */
}

/* The largest value of a client that sends nothing else, whole and in half. */
static void largest_value(void **state)
{
    const size_t len = (size_t)512 << 20;
    struct server *server;

    (void)state;
    if (server_is_other() || !test_is_long()) skip();
    server = server_open(NULL);
    struct client *client = client_open(server, 2);
    struct client *other = client_open(server, 2);
    char *value = malloc(len + 1);
    assert_non_null(value);
    memset(value, 'x', len + 1);
    client_set_timeout(client, WAIT_CHILD_SECS * 1000);
    client_send_argv(client, 3, (const char *[]){"SET", "k", value}, (const size_t[]){3, 1, len});
    EXPECT(other, "PING", "+PONG");
    assert_string_equal(client_read(client), "+OK");
    EXPECT(client, "STRLEN k", ":536870912");
    EXPECT(client, "GETRANGE k -3 -1", "'xxx'");
    EXPECT(client, "APPEND k x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    static const char too_long[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870913\r\n";
    client_send_raw(client, too_long, sizeof(too_long) - 1);
    assert_string_equal(client_read(client), "-ERR Protocol error: invalid bulk length");
    client_close(client);
    client = client_open(server, 2);
    EXPECT(client, "STRLEN k", ":536870912");
    EXPECT(client, "DEL k", ":1");
    client_close(client);
    client_close(other);
    free(value);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_memory),     cmocka_unit_test(full_heap),     cmocka_unit_test(full_disk),
        cmocka_unit_test(value_too_large), cmocka_unit_test(largest_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
