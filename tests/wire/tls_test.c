/* tls_test.c: TLS on tls-port: handshakes, certificates, settings at run time, and the same bytes as without it. */
#include "support/client.h"
#include "support/scratch.h"
#include "support/tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1u << 20)

static char folder[] = "/dev/shm/cairn-tls-XXXXXX"; /* of the certificates */

struct fixture {
    struct server *server;
    struct client *plain; /* changes settings */
    unsigned port;        /* of TLS */
    struct tls_options with_certificate;
    struct tls_options without;
};

/* A line with a %s for the folder. */
static const char *ask(struct fixture *f, const char *format)
{
    char line[512];
    snprintf(line, sizeof line, format, folder);
    return client_ask(f->plain, line);
}

static void change(struct fixture *f, const char *format)
{
    assert_string_equal(ask(f, format), "+OK");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char line[64];
    f->server = server_open((const char *const[]){"--io-threads", "2", NULL});
    f->plain = client_open_unix(f->server);
    f->port = server_spare_port(f->server);
    f->without = (struct tls_options){.folder = folder};
    f->with_certificate = (struct tls_options){.folder = folder, .name = "client"};
    change(
        f,
        "CONFIG SET tls-cert-file %1$s/server.crt tls-key-file %1$s/server.key tls-ca-cert-file %1$s/ca.crt");
    snprintf(line, sizeof line, "CONFIG SET tls-port %u", f->port);
    change(f, line);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    client_close(f->plain);
    server_close(f->server);
    free(f);
    return 0;
}

static bool lets_in(struct fixture *f, const struct tls_options *options)
{
    struct tls_client *client = tls_open(f->port, options);
    if (client) tls_close(client);
    return client != NULL;
}

static char *filled(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + i * 7 % 26);
    return bytes;
}

static void hear_bytes(struct tls_client *client, const char *expected, size_t len)
{
    static char got[65536];
    for (size_t at = 0; at < len;) {
        size_t want = len - at < sizeof got ? len - at : sizeof got;
        long count = tls_read(client, got, want);
        assert_true(count > 0);
        assert_memory_equal(got, expected + at, (size_t)count);
        at += (size_t)count;
    }
}

/* The socket closes without anything but alerts. */
static void hear_close(int fd)
{
    char bytes[256];
    ssize_t count;
    do
        count = recv(fd, bytes, sizeof bytes, 0);
    while (count > 0);
    assert_true(count == 0 || errno == ECONNRESET);
    close(fd);
}

/* ---- bytes ---- */

static void commands_are_served(void **state)
{
    struct fixture *f = *state;
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    assert_non_null(client);
    tls_say_text(client, "SET k v\r\nGET k\r\n*1\r\n$4\r\nPING\r\n");
    TLS_HEAR(client, "+OK\r\n$1\r\nv\r\n+PONG\r\n");
    for (const char *byte = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"; *byte; byte++)
        tls_say(client, byte, 1);
    TLS_HEAR(client, "$1\r\nv\r\n");
    EXPECT(f->plain, "GET k", "'v'");
    assert_non_null(strstr(client_ask(f->plain, "INFO server"), "listener2:name=tls,bind="));
    char laddr[32];
    snprintf(laddr, sizeof laddr, "laddr=127.0.0.1:%u", f->port);
    assert_non_null(strstr(client_ask(f->plain, "CLIENT LIST"), laddr));
    tls_say_text(client, "*1\r\nx\r\n");
    TLS_HEAR(client, "-ERR Protocol error: expected '$', got 'x'\r\n");
    assert_int_equal(tls_read(client, laddr, 1), 0); /* farewell */
    tls_drop(client);
}

static void long_pipelines_keep_their_order(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 20000 };
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    char *requests = malloc(COUNT * 32), *replies = malloc(COUNT * 16);
    size_t requests_len = 0, replies_len = 0;
    for (int i = 0; i < COUNT; i++) {
        requests_len += (size_t)sprintf(requests + requests_len, "*2\r\n$4\r\nECHO\r\n$5\r\n%05d\r\n", i);
        replies_len += (size_t)sprintf(replies + replies_len, "$5\r\n%05d\r\n", i);
    }
    tls_say(client, requests, requests_len);
    hear_bytes(client, replies, replies_len);
    tls_close(client);
    free(requests);
    free(replies);
}

/* Many records each way; the reader is slow at first, so that the replies queue. */
static void large_values_travel_both_ways(void **state)
{
    struct fixture *f = *state;
    enum { BYTES = 9 * MIB + 17, TIMES = 3 };
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    char *value = filled(BYTES);
    char head[64];
    snprintf(head, sizeof head, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$%d\r\n", BYTES);
    tls_say_text(client, head);
    tls_say(client, value, BYTES);
    tls_say_text(client, "\r\n");
    TLS_HEAR(client, "+OK\r\n");
    for (int i = 0; i < TIMES; i++)
        tls_say_text(client, "GET b\r\n");
    tls_say_text(client, "PING\r\n");
    client_await(f->plain, "STRLEN b", ":9437201", __FILE__, __LINE__);
    snprintf(head, sizeof head, "$%d\r\n", BYTES);
    for (int i = 0; i < TIMES; i++) {
        TLS_HEAR(client, head);
        hear_bytes(client, value, BYTES);
        TLS_HEAR(client, "\r\n");
    }
    TLS_HEAR(client, "+PONG\r\n");
    tls_close(client);
    free(value);
}

static void slow_readers_meet_the_limit(void **state)
{
    struct fixture *f = *state;
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    change(f, "CONFIG SET client-output-buffer-limit \"normal 2mb 0 0\"");
    EXPECT(f->plain, "SETRANGE b 20000000 x", ":20000001");
    tls_say_text(client, "GET b\r\n");
    AWAIT(f->plain, "INFO stats", "<*>client_output_buffer_limit_disconnections:1\\r<*>");
    tls_drop(client);
}

static void many_clients_at_once(void **state)
{
    struct fixture *f = *state;
    enum { CLIENTS = 16, ROUNDS = 20 };
    struct tls_client *clients[CLIENTS];
    char text[128], reply[64];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = tls_open(f->port, &f->with_certificate);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            snprintf(text, sizeof text, "INCR shared\r\nECHO %d:%d\r\n", i, round);
            tls_say_text(clients[i], text);
        }
        for (int i = 0; i < CLIENTS; i++) {
            int got = 0, len = snprintf(reply, sizeof reply, "%d:%d", i, round);
            char digits[16] = "";
            while (got < 15 && tls_read(clients[i], digits + got, 1) == 1 && digits[got] != '\n')
                got++;
            assert_int_equal(digits[0], ':');
            snprintf(text, sizeof text, "$%d\r\n%s\r\n", len, reply);
            TLS_HEAR(clients[i], text);
        }
    }
    EXPECT(f->plain, "GET shared", "'320'");
    for (int i = 0; i < CLIENTS; i++)
        tls_close(clients[i]);
    AWAIT(f->plain, "CLIENT LIST TYPE normal", "'id=<*> cmd=client|list<*>'");
}

/* A reply that comes when nobody asked just now. */
static void blocked_clients_are_answered(void **state)
{
    struct fixture *f = *state;
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    tls_say_text(client, "BLPOP l 0\r\nPING\r\n");
    AWAIT(f->plain, "INFO clients", "<*>\\nblocked_clients:1\\r<*>");
    EXPECT(f->plain, "RPUSH l x", ":1");
    TLS_HEAR(client, "*2\r\n$1\r\nl\r\n$1\r\nx\r\n+PONG\r\n");
    tls_close(client);
}

/* ---- beginnings and ends ---- */

static void farewells(void **state)
{
    struct fixture *f = *state;
    char byte;
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    tls_say_text(client, "ECHO bye\r\nQUIT\r\nPING\r\n");
    TLS_HEAR(client, "$3\r\nbye\r\n+OK\r\n");
    assert_int_equal(tls_read(client, &byte, 1), 0);
    tls_drop(client);
    client = tls_open(f->port, &f->with_certificate);
    tls_close(client);
    client = tls_open(f->port, &f->with_certificate);
    tls_drop(client);
    AWAIT(f->plain, "CLIENT LIST", "'id=<*> cmd=client|list<*>'");
}

static void broken_handshakes_harm_nobody(void **state)
{
    struct fixture *f = *state;
    static const char *const beginnings[] = {
        "PING\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x00\x05hello",
        "\x16\x03\x01\x40\x01",
        "\x15\x03\x01\x00\x02\x02\x28",
    };
    int silent = tls_dial(f->port);
    int half = tls_dial(f->port);
    assert_int_equal(send(half, "\x16\x03\x01\x02\x00\x01\x00", 7, MSG_NOSIGNAL), 7);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        int fd = tls_dial(f->port);
        size_t len = i == 4 ? 5 : i == 3 ? 10 : i == 5 ? 7 : strlen(beginnings[i]);
        assert_int_equal(send(fd, beginnings[i], len, MSG_NOSIGNAL), (ssize_t)len);
        if (i == 3 || i == 4) shutdown(fd, SHUT_WR); /* more is waited for */
        hear_close(fd);
    }
    assert_true(lets_in(f, &f->with_certificate));
    assert_true(server_logged(f->server, "Error accepting a client connection: error:"));
    close(half);
    close(silent);
    AWAIT(f->plain, "CLIENT LIST", "'id=<*> cmd=client|list<*>'");
}

static void silent_connections_time_out(void **state)
{
    struct fixture *f = *state;
    int silent = tls_dial(f->port);
    change(f, "CONFIG SET timeout 1");
    hear_close(silent);
}

static void sessions_are_resumed(void **state)
{
    struct fixture *f = *state;
    struct tls_options options = f->with_certificate;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        options.version = version;
        struct tls_client *client = tls_open(f->port, &options);
        tls_keep_session(client);
        tls_close(client);
        client = tls_open(f->port, &options);
        assert_true(tls_was_resumed(client));
        tls_close(client);
    }
    change(f, "CONFIG SET tls-session-cache-size 5000 tls-session-cache-timeout 60");
    assert_true(lets_in(f, &f->with_certificate));
    change(f, "CONFIG SET tls-session-caching no");
    assert_true(lets_in(f, &f->with_certificate));
}

/* ---- settings ---- */

static void client_certificates(void **state)
{
    struct fixture *f = *state;
    struct tls_options stranger = f->without;
    stranger.name = "stranger";
    assert_true(lets_in(f, &f->with_certificate)); /* yes, the initial value */
    assert_false(lets_in(f, &f->without));
    assert_false(lets_in(f, &stranger));
    change(f, "CONFIG SET tls-auth-clients optional");
    assert_true(lets_in(f, &f->with_certificate));
    assert_true(lets_in(f, &f->without));
    assert_false(lets_in(f, &stranger));
    change(f, "CONFIG SET tls-auth-clients no");
    assert_true(lets_in(f, &f->with_certificate));
    assert_true(lets_in(f, &f->without));
    assert_true(lets_in(f, &stranger));
    change(f, "CONFIG SET tls-ca-cert-file \"\""); /* nobody is asked */
    change(f, "CONFIG SET tls-ca-cert-file %s/ca.crt tls-auth-clients yes");
    assert_false(lets_in(f, &f->without));
}

#define REFUSED(option)                                                                                      \
    "-ERR CONFIG SET failed (possibly related to argument '" option                                          \
    "') - Unable to update TLS configuration. Check server logs."

static void a_bad_setting_leaves_the_old_in_force(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *line, *reply, *logged;
    } rows[] = {
        {"CONFIG SET tls-cert-file %s/missing.crt", REFUSED("tls-cert-file"), "Failed to load certificate: "},
        {"CONFIG SET tls-cert-file %s/server.key", REFUSED("tls-cert-file"), "Failed to load certificate: "},
        {"CONFIG SET tls-cert-file \"\"", REFUSED("tls-cert-file"), "No tls-cert-file configured!"},
        {"CONFIG SET tls-key-file \"\"", REFUSED("tls-key-file"), "No tls-key-file configured!"},
        {"CONFIG SET tls-key-file %s/missing.key", REFUSED("tls-key-file"), "Failed to load private key: "},
        {"CONFIG SET tls-key-file %s/client.key", REFUSED("tls-key-file"), "client.key: "},
        {"CONFIG SET tls-ca-cert-file %s/missing.crt", REFUSED("tls-ca-cert-file"),
         "Failed to configure CA certificate(s) file/directory: "},
        {"CONFIG SET tls-ca-cert-file \"\"", REFUSED("tls-ca-cert-file"),
         "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"},
        {"CONFIG SET tls-client-cert-file %1$s/missing.crt tls-client-key-file %1$s/client.key",
         REFUSED("tls-client-cert-file"), "Failed to load certificate: "},
        {"CONFIG SET tls-dh-params-file %s/ca.crt", REFUSED("tls-dh-params-file"),
         "Failed to load DH params file: "},
        {"CONFIG SET tls-protocols TLSv9", REFUSED("tls-protocols"), "Invalid tls-protocols specified. "},
        {"CONFIG SET tls-ciphers nonsense", REFUSED("tls-ciphers"), "Failed to configure ciphers: nonsense"},
        {"CONFIG SET tls-ciphersuites nonsense", REFUSED("tls-ciphersuites"),
         "Failed to configure ciphersuites: nonsense"},
    };
    struct tls_client *old = tls_open(f->port, &f->with_certificate);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(server_logged(f->server, rows[i].logged) && i != 1 && i != 8);
        assert_string_equal(ask(f, rows[i].line), rows[i].reply);
        assert_true(server_logged(f->server, rows[i].logged));
        assert_true(lets_in(f, &f->with_certificate));
    }
    assert_non_null(strstr(ask(f, "CONFIG GET tls-cert-file"), "/server.crt'"));
    EXPECT(f->plain, "CONFIG GET tls-ciphersuites", "['tls-ciphersuites', '']");
    tls_say_text(old, "PING\r\n");
    TLS_HEAR(old, "+PONG\r\n");
    tls_close(old);
}

static void replace_link(struct fixture *f, const char *from, const char *to)
{
    char from_path[256], to_path[256];
    snprintf(from_path, sizeof from_path, "%s/%s", folder, from);
    snprintf(to_path, sizeof to_path, "%s/%s", server_folder(f->server), to);
    unlink(to_path);
    assert_int_equal(symlink(from_path, to_path), 0);
}

static void shows(struct fixture *f, const char *name)
{
    char got[32];
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    tls_peer_name(client, got, sizeof got);
    assert_string_equal(got, name);
    tls_close(client);
}

static void a_renewed_certificate_is_shown(void **state)
{
    struct fixture *f = *state;
    char line[512];
    struct tls_client *old = tls_open(f->port, &f->with_certificate);
    snprintf(line, sizeof line, "CONFIG SET tls-cert-file %1$s/now.crt tls-key-file %1$s/now.key",
             server_folder(f->server));
    replace_link(f, "other.crt", "now.crt");
    replace_link(f, "other.key", "now.key");
    change(f, line);
    shows(f, "other");
    replace_link(f, "server.crt", "now.crt");
    replace_link(f, "server.key", "now.key");
    shows(f, "other");
    change(f, line); /* the same names: the files are read again */
    shows(f, "server");
    tls_say_text(old, "PING\r\n");
    TLS_HEAR(old, "+PONG\r\n");
    tls_close(old);
}

static void an_encrypted_key_needs_its_passphrase(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "CONFIG SET tls-key-file %s/secret.key"), REFUSED("tls-key-file"));
    assert_string_equal(ask(f, "CONFIG SET tls-key-file-pass wrong tls-key-file %s/secret.key"),
                        REFUSED("tls-key-file"));
    change(f, "CONFIG SET tls-key-file-pass 1234 tls-key-file %s/secret.key");
    assert_true(lets_in(f, &f->with_certificate));
}

static bool speaks(struct fixture *f, int version)
{
    struct tls_options options = f->with_certificate;
    options.version = version;
    return lets_in(f, &options);
}

static void protocols_and_ciphers(void **state)
{
    struct fixture *f = *state;
    assert_true(speaks(f, TLS1_2_VERSION) && speaks(f, TLS1_3_VERSION));
    change(f, "CONFIG SET tls-protocols TLSv1.2");
    assert_true(speaks(f, TLS1_2_VERSION) && !speaks(f, TLS1_3_VERSION));
    change(f, "CONFIG SET tls-protocols tlsv1.3");
    assert_true(!speaks(f, TLS1_2_VERSION) && speaks(f, TLS1_3_VERSION));
    change(f, "CONFIG SET tls-protocols \"TLSv1.2 TLSv1.3\" tls-ciphersuites TLS_AES_128_GCM_SHA256");
    struct tls_client *client = tls_open(f->port, &f->with_certificate);
    assert_string_equal(tls_cipher(client), "TLS_AES_128_GCM_SHA256");
    tls_close(client);
    change(f, "CONFIG SET tls-protocols TLSv1.2 tls-ciphers AES128-SHA256:AES256-SHA256");
    struct tls_options options = f->with_certificate;
    options.ciphers = "AES256-SHA256:AES128-SHA256";
    client = tls_open(f->port, &options);
    assert_string_equal(tls_cipher(client), "AES256-SHA256");
    tls_close(client);
    change(f, "CONFIG SET tls-prefer-server-ciphers yes");
    client = tls_open(f->port, &options);
    assert_string_equal(tls_cipher(client), "AES128-SHA256");
    tls_close(client);
    options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    assert_false(lets_in(f, &options));
}

static void ports_are_switched(void **state)
{
    struct fixture *f = *state;
    char line[64];
    struct client *tcp = client_open(f->server, 2);
    EXPECT(tcp, "PING", "+PONG"); /* it was accepted */
    change(f, "CONFIG SET port 0");
    assert_false(client_can_ping(f->server));
    EXPECT(tcp, "PING", "+PONG"); /* who is there stays */
    client_close(tcp);
    assert_true(lets_in(f, &f->with_certificate));
    snprintf(line, sizeof line, "tcp_port:%u\r\n", f->port);
    snprintf(line, sizeof line, "CONFIG SET tls-port 0 port %u", server_port(f->server));
    change(f, line);
    assert_true(client_can_ping(f->server));
    assert_null(strstr(client_ask(f->plain, "INFO server"), "name=tls"));
    snprintf(line, sizeof line, "CONFIG SET port 0 tls-port %u", server_port(f->server));
    change(f, line);
    tls_close(tls_open(server_port(f->server), &f->with_certificate));
    snprintf(line, sizeof line, "CONFIG SET tls-port 0 port %u", server_port(f->server));
    change(f, line);
    change(f, "CONFIG SET tls-cert-file nonsense"); /* nobody uses it */
    snprintf(line, sizeof line, "CONFIG SET tls-port %u", f->port);
    EXPECT(f->plain, line, REFUSED("tls-port"));
}

static void options_at_the_start(void **state)
{
    struct fixture *f = *state;
    char port[8], cert[256], key[256], ca[256];
    snprintf(port, sizeof port, "%u", f->port);
    snprintf(cert, sizeof cert, "%s/server.crt", folder);
    snprintf(key, sizeof key, "%s/server.key", folder);
    snprintf(ca, sizeof ca, "%s/ca.crt", folder);
    client_close(f->plain);
    server_stop(f->server, SIGTERM);
    server_add_options(f->server, (const char *const[]){"--tls-port", port, "--tls-cert-file", cert,
                                                        "--tls-ca-cert-file", ca, NULL});
    assert_int_not_equal(server_start_failing(f->server), 0);
    assert_true(server_logged(f->server, "Failed to configure TLS. Check logs for more info."));
    server_add_options(f->server, (const char *const[]){"--tls-key-file", key, NULL});
    server_start(f->server);
    f->plain = client_open_unix(f->server);
    assert_true(server_logged(f->server, "Ready to accept connections tls"));
    assert_true(lets_in(f, &f->with_certificate));
    assert_false(lets_in(f, &f->without));
}

static void what_is_not_there_is_refused(void **state)
{
    struct fixture *f = *state;
    EXPECT(f->plain, "CONFIG SET tls-replication yes",
           "-ERR CONFIG SET failed<*>tls-replication<*>not supported<*>");
    EXPECT(f->plain, "CONFIG SET tls-cluster yes", "-ERR CONFIG SET failed<*>tls-cluster<*>not supported<*>");
}

static int make_certificates(void **state)
{
    (void)state;
    assert_non_null(scratch_make(folder));
    tls_make_certificates(folder);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    tls_remove_certificates(folder);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_are_served),
        TEST(long_pipelines_keep_their_order),
        TEST(large_values_travel_both_ways),
        TEST(slow_readers_meet_the_limit),
        TEST(many_clients_at_once),
        TEST(blocked_clients_are_answered),
        TEST(farewells),
        TEST(broken_handshakes_harm_nobody),
        TEST(silent_connections_time_out),
        TEST(sessions_are_resumed),
        TEST(client_certificates),
        TEST(a_bad_setting_leaves_the_old_in_force),
        TEST(a_renewed_certificate_is_shown),
        TEST(an_encrypted_key_needs_its_passphrase),
        TEST(protocols_and_ciphers),
        TEST(ports_are_switched),
        TEST(options_at_the_start),
        TEST(what_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
