/* journal_test.c: a server whose heap has a journal: what waits for the disk, what happens when it hangs or fails, and the way from
 * one mode to the other. Runs on a disk (tests/preload/disk.c makes it hang and fail). */
#include "heap/heap_layout.h"
#include "journal/wal.h"
#include "support/client.h"
#include "support/disk_place.h"
#include "support/script.h"
#include "support/wait.h"

#include <fcntl.h>
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

#define NOBODY   65534 /* the user */
#define QUIET_MS 300 /* nothing came for so long: it is being held */

static void expect_silence(struct client *client)
{
    client_set_timeout(client, QUIET_MS);
    assert_string_equal(client_read(client), "timeout");
    client_set_timeout(client, 0);
}

/* J3: neither the writer nor a reader who saw the write hears anything before it is durable, on whichever worker; the server goes on
 * executing meanwhile. */
static void readers_wait_with_the_writers(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", NULL, NULL);
    struct client *clients[4];
    for (unsigned i = 0; i < 4; i++)
        clients[i] = client_open(place.server, 3);
    EXPECT(clients[0], "SET k old", "+OK");
    order(&place, "hold");
    client_send(clients[0], "SET k new");
    expect_silence(clients[0]);
    for (unsigned i = 1; i < 4; i++)
        client_send(clients[i], "GET k");
    for (unsigned i = 1; i < 4; i++)
        expect_silence(clients[i]);
    client_send(clients[0], "APPEND k er");
    expect_silence(clients[0]);
    take_back(&place, "hold");
    assert_string_equal(client_read(clients[0]), "+OK");
    assert_string_equal(client_read(clients[0]), ":5");
    for (unsigned i = 1; i < 4; i++)
        assert_string_equal(client_read(clients[i]), "'new'");
    for (unsigned i = 0; i < 4; i++)
        client_close(clients[i]);
    leave_place(&place);
}

/* Nor does anybody wait who asked for nothing that a write could have changed; in its turn, if he asked for something else before. */
static void who_looks_at_nothing_does_not_wait(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", NULL, NULL);
    struct client *writer = client_open(place.server, 3);
    struct client *others[4];
    for (unsigned i = 0; i < 4; i++)
        others[i] = client_open(place.server, 3);
    EXPECT(writer, "SET k old", "+OK");
    EXPECT(others[3], "SUBSCRIBE news", ">['subscribe', 'news', :1]");
    order(&place, "hold");
    client_send(writer, "SET k new");
    expect_silence(writer);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT(others[i], "PING", "+PONG");
        EXPECT(others[i], "ECHO hello", "'hello'");
        EXPECT(others[i], "SELECT 1", "+OK");
        EXPECT(others[i], "SELECT 0", "+OK");
    }
    struct client *newcomer = client_open(place.server, 3); /* HELLO 3 */
    EXPECT(newcomer, "CLIENT SETNAME me", "+OK");
    client_send(writer, "PING"); /* its SET comes first */
    client_send(others[0], "GET k");
    client_send(others[0], "PING");
    client_send_raw(others[1], "PING\r\nDBSIZE\r\n", 14);
    client_send(others[2], "PUBLISH news today"); /* he may have seen k */
    client_send(others[3], "PING");
    client_send(newcomer, "MULTI");
    client_send(newcomer, "PING");
    client_send(newcomer, "EXEC");
    expect_silence(writer);
    for (unsigned i = 0; i < 3; i++)
        expect_silence(others[i]);
    expect_silence(newcomer);
    take_back(&place, "hold");
    assert_string_equal(client_read(writer), "+OK");
    assert_string_equal(client_read(writer), "+PONG");
    assert_string_equal(client_read(others[0]), "'new'");
    assert_string_equal(client_read(others[0]), "+PONG");
    assert_string_equal(client_read(others[1]), "+PONG");
    assert_string_equal(client_read(others[1]), ":1");
    assert_string_equal(client_read(others[2]), ":1");
    assert_string_equal(client_read(newcomer), "+OK");
    assert_string_equal(client_read(newcomer), "+QUEUED");
    assert_string_equal(client_read(newcomer), "[+PONG]");
    for (unsigned i = 0; i < 4; i++)
        client_close(others[i]);
    client_close(newcomer);
    client_close(writer);
    leave_place(&place);
}

/* A client that goes away, or is told to go, while its replies are held. */
static void connections_end_while_replies_wait(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", NULL, NULL);
    struct client *gone = client_open(place.server, 3);
    struct client *quits = client_open(place.server, 3);
    EXPECT(gone, "PING", "+PONG");
    EXPECT(quits, "PING", "+PONG");
    order(&place, "hold");
    client_send(gone, "SET a 1");
    client_send(quits, "SET b 1");
    client_send(quits, "QUIT");
    expect_silence(quits);
    client_close(gone);
    expect_silence(quits);
    take_back(&place, "hold");
    assert_string_equal(client_read(quits), "+OK");
    assert_string_equal(client_read(quits), "+OK");
    assert_string_equal(client_read(quits), "closed");
    client_close(quits);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "MGET a b", "['1', '1']");
    client_close(client);
    leave_place(&place);
}

/* J3: a sync that is under way delays nothing but what has to wait for it. */
static void a_hanging_disk_delays_nobody_with_everysec(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "WAITAOF 1 0 0", "[:1, :0]");
    order(&place, "hold");
    for (unsigned i = 0; i < 100; i++)
        EXPECT(client, "INCR n", ":<*>");
    EXPECT(client, "WAITAOF 1 0 50", "[:0, :0]");
    EXPECT(client, "INFO persistence", "<*>aof_pending_bio_fsync:1<*>");
    take_back(&place, "hold");
    EXPECT(client, "WAITAOF 1 0 0", "[:1, :0]");
    client_close(client);
    leave_place(&place);
}

/* J10 */
static void a_failing_disk_ends_the_server_with_always(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "SET k v", "+OK");
    order(&place, "fail");
    client_send(client, "SET k w");
    assert_string_equal(client_read(client), "closed");
    client_close(client);
    int status = server_wait(place.server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(server_logged(place.server,
                              "Can't recover from AOF write error when the AOF fsync policy is 'always'"));
    take_back(&place, "fail");
    server_start(place.server);
    client = client_open(place.server, 3);
    const char *value = client_ask(client, "GET k"); /* not acknowledged: it may be there */
    assert_true(strcmp(value, "'v'") == 0 || strcmp(value, "'w'") == 0);
    client_close(client);
    leave_place(&place);
}

/* J10: before there is anybody to answer to. A new heap takes six syncs: its base, its note, the first segments. */
static void a_disk_that_fails_at_the_start_ends_the_server_with_always(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", NULL, NULL);
    server_stop(place.server, SIGTERM);
    for (int good_syncs = 0; good_syncs < 6; good_syncs++) {
        char text[256];
        snprintf(text, sizeof text, "rm -rf %s/cairn.heap*", place.folder);
        assert_int_equal(system(text), 0);
        snprintf(text, sizeof text, "%d", good_syncs);
        setenv("DISK_GOOD_SYNCS", text, 1);
        int status = server_start_failing(place.server);
        unsetenv("DISK_GOOD_SYNCS");
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    }
    server_start(place.server);
    leave_place(&place);
}

/* J10 */
static void a_failing_disk_refuses_writes_with_everysec(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "SET k v", "+OK");
    order(&place, "fail");
    AWAIT(client, "SET k w", "-MISCONF Errors writing to the AOF file: <*>");
    take_back(&place, "fail"); /* final all the same */
    EXPECT(client, "SET k x", "-MISCONF Errors writing to the AOF file: <*>");
    EXPECT(client, "PING", "-MISCONF Errors writing to the AOF file: <*>");
    EXPECT(client, "GET k", "'<*>'");
    EXPECT(client, "INFO persistence", "<*>aof_last_write_status:err<*>");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "DEL k", "-MISCONF Errors writing to the AOF file: <*>");
    EXPECT(client, "EXEC", "-EXECABORT<*>");
    char before[64];
    snprintf(before, sizeof before, "%s", client_ask(client, "GET k"));
    client_close(client);
    (void)server_stop(place.server, SIGKILL);
    server_start(place.server);
    client = client_open(place.server, 3);
    EXPECT(client, "GET k", before);
    EXPECT(client, "SET k y", "+OK");
    client_close(client);
    leave_place(&place);
}

/* The disk is slower than the writers: they wait, readers do not, and nothing is lost. */
static void writers_wait_for_room_in_the_journal(void **state)
{
    enum { COUNT = 12000, BYTES = 16 << 10 };
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", "--journal-max-size", "64mb");
    struct client *writer = client_open(place.server, 3);
    struct client *reader = client_open(place.server, 3);
    char *value = malloc(BYTES);
    memset(value, 'v', BYTES);
    order(&place, "hold");
    int done = 0;
    client_set_timeout(writer, 5000);
    for (; done < COUNT; done++) {
        client_send_argv(writer, 3, (const char *[]){"SET", done % 2 ? "a" : "b", value},
                         (const size_t[]){3, 1, BYTES});
        if (strcmp(client_read(writer), "+OK") != 0) break;
    }
    assert_true(done < COUNT);
    EXPECT(reader, "STRLEN a", ":16384");
    client_set_timeout(writer, 0);
    take_back(&place, "hold");
    assert_string_equal(client_read(writer), "+OK");
    assert_true(WAIT_FOR(server_logged(place.server, "disk is slower than the writers")));
    for (int more = 0; more < COUNT; more++) {
        client_send_argv(writer, 3, (const char *[]){"SET", "c", value}, (const size_t[]){3, 1, BYTES});
        assert_string_equal(client_read(writer), "+OK");
    }
    free(value);
    client_close(writer);
    client_close(reader);
    leave_place(&place);
}

static unsigned waits_for_room(struct client *client)
{
    static const char field[] = "aof_delayed_fsync:";
    const char *found = strstr(client_ask(client, "INFO persistence"), field);
    assert_non_null(found);
    return (unsigned)strtoul(found + strlen(field), NULL, 10);
}

/* A write that is larger than what the journal keeps prepared waits for the disk before it locks anything: not even who asks for keys of
 * the same stripe waits with it, on whichever worker. */
static void large_writes_wait_without_locks(void **state)
{
    enum { BYTES = 40 << 20, READERS = 4 };
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *writer = client_open(place.server, 3);
    struct client *readers[READERS];
    for (unsigned i = 0; i < READERS; i++)
        readers[i] = client_open(place.server, 3);
    char *value = malloc(2 * BYTES);
    assert_non_null(value);
    memset(value, 'v', 2 * BYTES);
    EXPECT(writer, "SET {t}small v", "+OK");
    for (unsigned turn = 0; turn < 2; turn++) {
        EXPECT(writer, "WAITAOF 1 0 0", "[:1, :0]");
        if (turn > 0) { /* the same for a transaction that is large as a whole */
            EXPECT(writer, "MULTI", "+OK");
            send_large(writer, "{t}a", value, BYTES);
            assert_string_equal(client_read(writer), "+QUEUED");
            send_large(writer, "{t}b", value, BYTES);
            assert_string_equal(client_read(writer), "+QUEUED");
        }
        unsigned before = waits_for_room(readers[0]);
        order(&place, "hold");
        if (turn == 0) send_large(writer, "{t}large", value, 2 * BYTES);
        else client_send(writer, "EXEC");
        assert_true(WAIT_FOR(waits_for_room(readers[0]) > before));
        for (unsigned i = 0; i < READERS; i++) {
            EXPECT(readers[i], "GET {t}small", "'v'");
            EXPECT(readers[i], "EXISTS {t}large {t}a {t}b", turn ? ":1" : ":0");
        }
        take_back(&place, "hold");
        assert_string_equal(client_read(writer), turn ? "[+OK, +OK]" : "+OK");
    }
    EXPECT(readers[0], "STRLEN {t}large", ":83886080");
    EXPECT(readers[0], "STRLEN {t}b", ":41943040");
    free(value);
    client_close(writer);
    for (unsigned i = 0; i < READERS; i++)
        client_close(readers[i]);
    leave_place(&place);
}

/* As on a full disk: what does not fit is refused, and nothing else. */
static void a_limit_of_file_sizes_ends_nobody(void **state)
{
    enum { LIMIT = 48 << 20, VALUE = 1 << 20 };
    static const char *const append_only[] = {"no", "yes"};
    struct rlimit before, narrow;
    (void)state;
    if (server_is_other()) skip();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct place place;
        char line[64];
        const char *reply = "";
        unsigned count = 0;
        narrow = (struct rlimit){LIMIT, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0); /* the server inherits it */
        make_place(&place, append_only[i], "everysec", NULL, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(server_logged(place.server, "may not grow beyond 50331648 bytes"));
        struct client *client = client_open(place.server, 2);
        do {
            snprintf(line, sizeof line, "SETRANGE k%u %u x", count++, VALUE - 1);
            reply = client_ask(client, line);
        } while (*reply == ':' && count < 100);
        assert_true(client_reply_is("-OOM no space left on the device that holds the heap.", reply));
        EXPECT(client, "STRLEN k0", ":1048576");
        EXPECT(client, "SET small v", "+OK");
        EXPECT(client, "DEL k0", ":1");
        assert_int_equal(prlimit(server_pid(place.server), RLIMIT_FSIZE, &before, NULL), 0);
        AWAIT(client, line, ":1048576");
        EXPECT(client, "SETRANGE more 60000000 x", ":60000001");
        client_close(client);
        leave_place(&place);
    }
}

/* Names in the journal's folder cannot be synced without a descriptor. That is no failed sync: it is tried again. */
static void missing_descriptors_end_no_journal(void **state)
{
    enum { VALUE = 1 << 20, BEFORE = 120, MOST = 400 };
    struct rlimit before;
    struct place place;
    (void)state;
    if (server_is_other()) skip();
    make_place(&place, "yes", "everysec", "--journal-max-size", "64mb");
    struct client *client = client_open(place.server, 3);
    char *value = malloc(VALUE);
    assert_non_null(value);
    memset(value, 'v', VALUE);
    for (unsigned i = 0; i < BEFORE; i++) {
        send_large(client, "a", value, VALUE);
        assert_string_equal(client_read(client), "+OK");
    }
    EXPECT(client, "SAVE", "+OK"); /* there are segments to be used again now, and open */
    assert_int_equal(prlimit(server_pid(place.server), RLIMIT_NOFILE, NULL, &before), 0);
    const struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(prlimit(server_pid(place.server), RLIMIT_NOFILE, &none, NULL), 0);
    bool goes_on = true;
    for (unsigned i = 0; i < MOST && goes_on; i++) {
        send_large(client, "a", value, VALUE);
        goes_on = strcmp(client_read(client), "+OK") == 0;
    }
    assert_false(goes_on);
    assert_true(WAIT_FOR(server_logged(place.server, ": too many open files. Those that are there")));
    EXPECT(client, "STRLEN a", ":1048576");
    assert_int_equal(prlimit(server_pid(place.server), RLIMIT_NOFILE, &before, NULL), 0);
    assert_true(WAIT_FOR(server_logged(place.server, "The journal has space again")));
    for (unsigned i = 0; i < BEFORE; i++) {
        send_large(client, "a", value, VALUE);
        assert_string_equal(client_read(client), "+OK");
    }
    free(value);
    client_close(client);
    leave_place(&place);
}

/* ---- modes ---- */

static void a_running_server_changes_its_mode(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "no", "always", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "INFO persistence", "<*>heap_mode:shared<*>aof_enabled:0<*>");
    EXPECT(client, "SET a 1", "+OK");
    EXPECT(client, "CONFIG SET appendonly yes", "+OK");
    EXPECT(client, "INFO persistence", "<*>heap_mode:journaled<*>aof_enabled:1<*>journal_lsn:<*>");
    EXPECT(client, "SET b 2", "+OK");
    AWAIT(client, "INFO persistence", "<*>aof_rewrite_in_progress:0<*>journal_base_durable:1<*>");
    EXPECT(client, "CONFIG SET appendfsync everysec", "+OK");
    EXPECT(client, "CONFIG SET appendfsync always", "+OK");
    EXPECT(client, "WAITAOF 1 0 0", "[:1, :0]");
    EXPECT(client, "CONFIG SET appendonly no", "+OK");
    EXPECT(client, "INFO persistence", "<*>heap_mode:shared<*>aof_enabled:0<*>");
    EXPECT(client, "SET c 3", "+OK");
    EXPECT(client, "CONFIG SET save '3600 1'", "+OK"); /* save points ask for a journal as well */
    EXPECT(client, "INFO persistence", "<*>heap_mode:journaled<*>aof_enabled:0<*>");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "SET d 4", "+QUEUED");
    EXPECT(client, "CONFIG SET save ''", "+QUEUED");
    EXPECT(client, "EXEC", "[+OK, +OK]");
    AWAIT(client, "INFO persistence", "<*>heap_mode:shared<*>");
    EXPECT(client, "MGET a b c d", "['1', '2', '3', '4']");
    for (unsigned i = 0; i < 4; i++) { /* there and back, with changes in between */
        EXPECT(client, "CONFIG SET appendonly yes", "+OK");
        EXPECT(client, "SETRANGE large 3000000 x", ":3000001");
        EXPECT(client, "RPUSH list a b c", ":3");
        EXPECT(client, "SAVE", "+OK");
        EXPECT(client, "CONFIG SET appendonly no", "+OK");
        EXPECT(client, "FLUSHALL", "+OK");
    }
    client_close(client);
    leave_place(&place);
}

static void restart_as(struct place *place, int signal_number, const char *append_only, const char *mode,
                       const char *values)
{
    char expected[64];
    struct client *client;
    (void)server_stop(place->server, signal_number);
    server_add_options(place->server, (const char *const[]){"--appendonly", append_only, NULL});
    server_start(place->server);
    client = client_open(place->server, 2);
    snprintf(expected, sizeof expected, "<*>heap_mode:%s<*>", mode);
    EXPECT(client, "INFO persistence", expected);
    EXPECT(client, "LRANGE l 0 -1", values);
    client_close(client);
}

static void push(struct place *place, const char *line)
{
    struct client *client = client_open(place->server, 2);
    EXPECT(client, line, ":<*>");
    client_close(client);
}

/* Until the base is durable a loss of power loses everything, whatever the journal has. */
static void nothing_is_durable_before_the_base(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "no", "everysec", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "SET k v", "+OK");
    order(&place, "hold-image");
    EXPECT(client, "CONFIG SET appendonly yes", "+OK");
    EXPECT(client, "WAITAOF 1 0 50", "[:0, :0]");
    EXPECT(client, "SET k w", "+OK");
    EXPECT(client, "WAITAOF 1 0 1500", "[:0, :0]"); /* the journal was synced meanwhile */
    client_send(client, "WAITAOF 1 0 0");
    expect_silence(client);
    take_back(&place, "hold-image");
    assert_string_equal(client_read(client), "[:1, :0]");
    client_close(client);
    leave_place(&place);
}

static void who_waits_for_a_journal_hears_of_its_end(void **state)
{
    (void)state;
    if (!PRELOADS || server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *waiter = client_open(place.server, 3), *other = client_open(place.server, 3);
    order(&place, "hold");
    EXPECT(waiter, "SET k v", "+OK");
    client_send(waiter, "WAITAOF 1 0 0");
    expect_silence(waiter);
    client_send(other, "CONFIG SET appendonly no");
    expect_silence(other);
    take_back(&place, "hold");
    assert_string_equal(client_read(other), "+OK");
    const char *reply = client_read(waiter);
    if (strcmp(reply, "[:1, :0]") != 0) /* on a slow machine the sync came before the order */
        assert_true(client_reply_is(
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.", reply));
    client_close(waiter);
    client_close(other);
    leave_place(&place);
}

/* A heap is recovered by the rules of the mode in which it was used last, whatever is asked for now. */
static void starts_change_the_mode(void **state)
{
    static const int signals[] = {SIGTERM, SIGKILL};
    (void)state;
    if (server_is_other()) skip();
    for (unsigned i = 0; i < 2; i++) {
        struct place place;
        make_place(&place, "yes", "everysec", NULL, NULL);
        push(&place, "RPUSH l a");
        restart_as(&place, signals[i], "no", "shared", "['a']");
        push(&place, "RPUSH l b");
        restart_as(&place, signals[i], "yes", "journaled", "['a', 'b']");
        push(&place, "RPUSH l c");
        restart_as(&place, signals[i], "yes", "journaled", "['a', 'b', 'c']");
        push(&place, "RPUSH l d");
        restart_as(&place, signals[i], "no", "shared", "['a', 'b', 'c', 'd']");
        leave_place(&place);
    }
}

/* A start says once what it found, and only of a heap that was closed that it was. */
static void starts_tell_what_they_found(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *client = client_open(place.server, 2);
    assert_false(server_logged(place.server, "Journal replayed"));
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "SAVE", "+OK"); /* nothing is left in the tail */
    client_close(client);
    (void)server_stop(place.server, SIGKILL);
    server_start(place.server);
    client = client_open(place.server, 2);
    EXPECT(client, "INFO persistence", "<*>heap_recovered:1<*>");
    assert_true(server_logged(place.server, ": 0 transactions, 0 bytes, up to LSN "));
    assert_true(server_logged(place.server, "recovered after a crash"));
    EXPECT(client, "SET k w", "+OK");
    client_close(client);
    (void)server_stop(place.server, SIGKILL);
    server_start(place.server);
    assert_true(server_logged(place.server, ": 1 transactions, "));
    assert_false(server_logged(place.server, "tail was applied"));
    assert_false(server_logged(place.server, "closed clean"));
    (void)server_stop(place.server, SIGTERM);
    server_start(place.server);
    assert_true(server_logged(place.server, "closed clean"));
    leave_place(&place);
}

/* What is there without the journal cannot be told from what is not: a clear refusal. */
static void a_lost_journal_is_noticed(void **state)
{
    char command[256];
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    push(&place, "RPUSH l a");
    (void)server_stop(place.server, SIGKILL);
    snprintf(command, sizeof command, "mv '%s/cairn.heap.journal' '%s/aside'", place.folder, place.folder);
    assert_int_equal(system(command), 0);
    int status = server_start_failing(place.server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(server_logged(place.server, "Can't open the heap"));
    snprintf(command, sizeof command, "mv '%s/aside' '%s/cairn.heap.journal'", place.folder, place.folder);
    assert_int_equal(system(command), 0);
    server_start(place.server);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "LRANGE l 0 -1", "['a']");
    client_close(client);
    leave_place(&place);
}

/* A heap that had a journal is not taken for one that has none. */
static void lost_notes_are_noticed(void **state)
{
    char path[128];
    char garbage[WAL_NOTE_BYTES];
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    push(&place, "RPUSH l a");
    (void)server_stop(place.server, SIGKILL);
    snprintf(path, sizeof path, "%s/cairn.heap", place.folder);
    memset(garbage, '?', sizeof garbage);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, HEAP_NOTES_OFF), sizeof garbage);
    close(fd);
    int status = server_start_failing(place.server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(server_logged(place.server, "notes about its journal is damaged"));
    leave_place(&place);
}

/* A heap whose file is away for a while is nothing without its journal: another one that takes its place leaves that alone. */
static void a_moved_heap_keeps_its_journal(void **state)
{
    char command[512];
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    push(&place, "RPUSH l a");
    (void)server_stop(place.server, SIGKILL);
    snprintf(command, sizeof command, "mv '%s/cairn.heap' '%s/away'", place.folder, place.folder);
    assert_int_equal(system(command), 0);
    server_start(place.server);
    assert_true(server_logged(place.server, "was the journal of another heap"));
    push(&place, "RPUSH other b");
    (void)server_stop(place.server, SIGKILL);
    server_start(place.server);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "LRANGE other 0 -1", "['b']");
    client_close(client);
    (void)server_stop(place.server, SIGTERM);
    snprintf(command, sizeof command,
             "cd '%s' && rm -r cairn.heap.journal && mv cairn.heap.journal.aside-* cairn.heap.journal && mv away cairn.heap",
             place.folder);
    assert_int_equal(system(command), 0);
    server_start(place.server);
    client = client_open(place.server, 3);
    EXPECT(client, "LRANGE l 0 -1", "['a']");
    client_close(client);
    leave_place(&place);
}

/* The exit status of the tool, run by somebody who may read the files and change none. */
static int run_as_reader(const struct place *place, const char *tool, const char *name)
{
    char path[256];
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (getuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(100);
        if (!freopen("/dev/null", "w", stdout)) _exit(101);
        snprintf(path, sizeof path, "%s/%s", place->folder, name);
        execl(CAIRN_BINARY, CAIRN_BINARY, tool, path, (char *)NULL);
        _exit(102);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The heap may be a backup, or stand in a snapshot that is mounted read-only. */
static void tools_need_no_more_than_to_read(void **state)
{
    char command[256];
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    push(&place, "RPUSH l a");
    (void)server_stop(place.server, SIGKILL);
    snprintf(command, sizeof command, "chmod -R a=rX '%s'", place.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(run_as_reader(&place, "check", "cairn.heap"), 0);
    assert_int_equal(run_as_reader(&place, "inspect", "cairn.heap"), 0);
    assert_int_equal(run_as_reader(&place, "inspect", "cairn.heap.journal"), 0);
    snprintf(command, sizeof command, "chmod -R u+w '%s'", place.folder);
    assert_int_equal(system(command), 0);
    leave_place(&place);
}

/* ---- saves ---- */

static void saves_are_checkpoints(void **state)
{
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "everysec", NULL, NULL);
    struct client *client = client_open(place.server, 3);
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "INFO persistence", "<*>rdb_changes_since_last_save:1<*>rdb_saves:0<*>");
    EXPECT(client, "SAVE", "+OK");
    EXPECT(client, "INFO persistence",
           "<*>rdb_changes_since_last_save:0<*>rdb_saves:1<*>journal_tail_bytes:0<*>");
    EXPECT(client, "SET k w", "+OK");
    EXPECT(client, "BGSAVE", "+Background saving started");
    AWAIT(client, "INFO persistence",
          "<*>rdb_changes_since_last_save:0\\r\\nrdb_bgsave_in_progress:0<*>rdb_saves:2<*>");
    EXPECT(client, "BGREWRITEAOF", "+Background append only file rewriting started");
    AWAIT(client, "INFO persistence",
          "<*>aof_rewrite_in_progress:0<*>aof_last_bgrewrite_status:ok\\r\\naof_rewrites:1<*>");
    EXPECT(client, "CONFIG SET save '1 2'", "+OK");
    EXPECT(client, "MSET a 1 b 2 c 3", "+OK");
    AWAIT(client, "INFO persistence", "<*>rdb_changes_since_last_save:0<*>rdb_saves:3<*>");
    assert_true(server_logged(place.server, "2 changes in 1 seconds. Saving..."));
    client_close(client);
    leave_place(&place);
}

/* What saves waits for the journal, whose threads may wait for whoever is in the gate: it never does so inside a transaction. */
static void transactions_that_save_end(void **state)
{
    static const char refusal[] = "-ERR Command not allowed inside a transaction";
    static const char *const refused[] = {"SAVE", "SHUTDOWN", "SHUTDOWN NOSAVE"};
    enum { BUSY = 2000 };
    (void)state;
    if (server_is_other()) skip();
    struct place place;
    make_place(&place, "yes", "always", "--enable-debug-command", "yes");
    struct client *client = client_open(place.server, 3);
    struct client *others[3]; /* on both workers, and busy meanwhile */
    for (unsigned i = 0; i < 3; i++) {
        others[i] = client_open(place.server, 3);
        for (unsigned j = 0; j < BUSY; j++)
            client_send(others[i], "INCR n");
    }
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        EXPECT(client, "MULTI", "+OK");
        EXPECT(client, "SET k lost", "+QUEUED");
        EXPECT(client, refused[i], refusal);
        EXPECT(client, "EXEC", "-EXECABORT Transaction discarded because of previous errors.");
    }
    for (unsigned i = 0; i < 5; i++) {
        EXPECT(client, "MULTI", "+OK");
        EXPECT(client, "SET k v", "+QUEUED");
        EXPECT(client, "DEBUG RELOAD", "+QUEUED");
        EXPECT(client, "DEBUG LOADAOF", "+QUEUED");
        EXPECT(client, "GETDEL k", "+QUEUED");
        EXPECT(client, "EXEC", "[+OK, +OK, +OK, 'v']");
    }
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "BGREWRITEAOF", "+QUEUED");
    EXPECT(client, "SET k v", "+QUEUED");
    EXPECT(client, "EXEC", "[+Background append only file rewriting started, +OK]");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "FLUSHALL", "+QUEUED"); /* alone in the server */
    EXPECT(client, "DEBUG RELOAD", "+QUEUED");
    EXPECT(client, "EXEC", "[+OK, +OK]");
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < BUSY; j++)
            assert_true(*client_read(others[i]) == ':');
        client_close(others[i]);
    }
    client_close(client);
    leave_place(&place);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_wait_with_the_writers),
        cmocka_unit_test(who_looks_at_nothing_does_not_wait),
        cmocka_unit_test(connections_end_while_replies_wait),
        cmocka_unit_test(a_hanging_disk_delays_nobody_with_everysec),
        cmocka_unit_test(a_failing_disk_ends_the_server_with_always),
        cmocka_unit_test(a_disk_that_fails_at_the_start_ends_the_server_with_always),
        cmocka_unit_test(a_failing_disk_refuses_writes_with_everysec),
        cmocka_unit_test(writers_wait_for_room_in_the_journal),
        cmocka_unit_test(large_writes_wait_without_locks),
        cmocka_unit_test(a_limit_of_file_sizes_ends_nobody),
        cmocka_unit_test(missing_descriptors_end_no_journal),
        cmocka_unit_test(a_running_server_changes_its_mode),
        cmocka_unit_test(nothing_is_durable_before_the_base),
        cmocka_unit_test(who_waits_for_a_journal_hears_of_its_end),
        cmocka_unit_test(starts_change_the_mode),
        cmocka_unit_test(starts_tell_what_they_found),
        cmocka_unit_test(a_lost_journal_is_noticed),
        cmocka_unit_test(lost_notes_are_noticed),
        cmocka_unit_test(a_moved_heap_keeps_its_journal),
        cmocka_unit_test(tools_need_no_more_than_to_read),
        cmocka_unit_test(saves_are_checkpoints),
        cmocka_unit_test(transactions_that_save_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
