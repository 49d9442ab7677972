/* connection_test.c: commands on the connection itself: protocol, name, password, replies, and on other
 * clients. */
#include "support/script.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void small_ones(void **state)
{
    static const struct step steps[] = {
        {"PING", "+PONG"},
        {"PING hello", "'hello'"},
        {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
        {"ECHO 'a b\\r\\n'", "'a b\\r\\n'"},
        {"ECHO", "-ERR wrong number of arguments for 'echo' command"},
        {"SELECT 1", "+OK"},
        {"SET k one", "+OK"},
        {"SELECT 0", "+OK"},
        {"GET k", "nil"},
        {"SELECT 16", "-ERR DB index is out of range"},
        {"SELECT -1", "-ERR DB index is out of range"},
        {"SELECT x", "-ERR value is not an integer or out of range"},
        {"SELECT", "-ERR wrong number of arguments for 'select' command"},
        {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "},
        {"nosuch a b", "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' "},
        {"AUTH password", "-ERR AUTH <password> called without any password configured for the default user. "
                          "Are you sure your "
                          "configuration is correct?"},
        {"AUTH default anything", "+OK"},
        {"AUTH nobody anything", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"AUTH a b c", "-ERR syntax error"},
        {"QUIT", "+OK"},
        {"PING", "closed"},
    };

    SCRIPT(*state, steps);
}

#define HELLO_2                                                                                              \
    "['server', 'redis', 'version', '<*>', 'proto', :2, 'id', :<*>, 'mode', 'standalone', 'role', "          \
    "'master', 'modules', []]"
#define HELLO_3                                                                                              \
    "{'server': 'redis', 'version': '<*>', 'proto': :3, 'id': :<*>, 'mode': 'standalone', 'role': "          \
    "'master', 'modules': []}"

static void hello(void **state)
{
    struct client *client = client_open(*state, 3);

    EXPECT(client, "HELLO", HELLO_3);
    EXPECT(client, "HELLO 2", HELLO_2);
    EXPECT(client, "HELLO", HELLO_2);
    EXPECT(client, "GET missing", "nil");
    EXPECT(client, "HELLO 3 SETNAME me", HELLO_3);
    EXPECT(client, "CLIENT GETNAME", "'me'");
    EXPECT(client, "HELLO 3 AUTH default x", HELLO_3);
    EXPECT(client, "HELLO 3 AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT(client, "HELLO 1", "-NOPROTO unsupported protocol version");
    EXPECT(client, "HELLO 4", "-NOPROTO unsupported protocol version");
    EXPECT(client, "HELLO x", "-ERR Protocol version is not an integer or out of range");
    EXPECT(client, "HELLO 3 SETNAME 'a b'",
           "-ERR Client names cannot contain spaces, newlines or special characters.");
    EXPECT(client, "HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'");
    EXPECT(client, "HELLO 3 AUTH x", "-ERR Syntax error in HELLO option 'AUTH'");
    EXPECT(client, "RESET", "+RESET");
    EXPECT(client, "CLIENT GETNAME", "nil");
    EXPECT(client, "HELLO", HELLO_2);
    client_close(client);
}

static void password(void **state)
{
    struct server *server = server_open((const char *const[]){"--requirepass", "secret", NULL});
    struct client *client = client_open(server, 3); /* its HELLO 3 is refused */

    (void)state;
    EXPECT(client, "PING", "-NOAUTH Authentication required.");
    EXPECT(client, "GET k", "-NOAUTH Authentication required.");
    EXPECT(client, "NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: ");
    EXPECT(client, "GET", "-ERR wrong number of arguments for 'get' command");
    EXPECT(client, "HELLO 3",
           "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <*>");
    EXPECT(client, "AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT(client, "AUTH nobody secret", "-WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT(client, "PING", "-NOAUTH Authentication required.");
    EXPECT(client, "AUTH secret", "+OK");
    EXPECT(client, "PING", "+PONG");
    EXPECT(client, "RESET", "+RESET");
    EXPECT(client, "PING", "-NOAUTH Authentication required.");
    EXPECT(client, "HELLO 3 AUTH default secret SETNAME me", HELLO_3);
    EXPECT(client, "CLIENT GETNAME", "'me'");
    EXPECT(client, "CONFIG GET requirepass", "{'requirepass': 'secret'}");
    EXPECT(client, "CONFIG SET requirepass ''", "+OK");
    struct client *other = client_open(server, 2);
    EXPECT(other, "PING", "+PONG");
    client_close(other);
    client_close(client);
    server_close(server);
}

static void passwords_of_any_bytes(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);
    struct client *stranger;

    (void)state;
    EXPECT(client, "CONFIG SET requirepass 'abc\\x00def'", "+OK");
    EXPECT(client, "CONFIG GET requirepass", "['requirepass', 'abc\\x00def']");
    stranger = client_open(server, 2);
    EXPECT(stranger, "AUTH abc", "-WRONGPASS <*>");
    EXPECT(stranger, "AUTH 'abc\\x00xxx'", "-WRONGPASS <*>");
    EXPECT(stranger, "AUTH 'abc\\x00def'", "+OK");
    client_close(stranger);
    client_close(client);
    server_close(server);
}

/* Who has not authenticated and does not read gets no memory of ours for replies. */
static void strangers_that_do_not_read_are_closed(void **state)
{
    enum { REQUESTS = 1000 };
    static const char request[] = "*1\r\n$4\r\nPING\r\n";
    static char requests[REQUESTS * (sizeof request - 1)];
    struct server *server = server_open((const char *const[]){"--requirepass", "secret", NULL});
    struct client *stranger = client_open(server, 2);
    struct client *other = client_open(server, 2);
    bool open = true;

    (void)state;
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(requests + i * (sizeof request - 1), request, sizeof request - 1);
    for (unsigned i = 0; i < 2000 && open; i++)
        open = client_send_raw(stranger, requests, sizeof requests) == sizeof requests;
    assert_false(open);
    EXPECT(other, "AUTH secret", "+OK");
    EXPECT(other, "INFO stats", "<*>client_output_buffer_limit_disconnections:1\\r\\n<*>");
    client_close(other);
    client_close(stranger);
    server_close(server);
}

/* The limit holds for one command's reply while it is made. */
static void replies_beyond_the_limit_are_not_sent(void **state)
{
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2), *other = client_open(server, 2);

    (void)state;
    EXPECT(other, "CONFIG SET client-output-buffer-limit 'normal 100000 0 0'", "+OK");
    EXPECT(other, "SETRANGE fits 99999 x", ":100000");
    EXPECT(other, "SETRANGE long 199999 x", ":200000");
    EXPECT(client, "GET fits", "'<*>x'");
    EXPECT(client, "MGET long fits", "closed");
    client_close(client);
    client = client_open(server, 2);
    EXPECT(other, "HSET h f v", ":1");
    EXPECT(client, "HRANDFIELD h -999999999999", "closed"); /* it stops at the limit */
    EXPECT(other, "INFO stats", "<*>client_output_buffer_limit_disconnections:2\\r\\n<*>");
    EXPECT(other, "CONFIG SET client-output-buffer-limit 'normal 0 0 0'", "+OK");
    EXPECT(other, "GET long", "'<*>x'");
    client_close(client);
    client_close(other);
    server_close(server);
}

static void ask_port(struct client *client, const struct server *of, const char *expected)
{
    char line[64];
    snprintf(line, sizeof line, "CONFIG SET port %u", server_port(of));
    EXPECT(client, line, expected);
}

/* The second server lends its port: first it is taken, then it is free. */
static void ports_change_at_run_time(void **state)
{
    struct server *server = server_open(NULL), *lender = server_open(NULL);
    struct client *old = client_open(server, 2);

    (void)state;
    ask_port(
        old, lender,
        "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. <*>");
    assert_true(server_is_other() || server_logged(server, "Address already in use"));
    struct client *again = client_open(server, 2); /* at the old port */
    EXPECT(again, "PING", "+PONG");
    client_close(again);
    server_stop(lender, SIGTERM);
    ask_port(old, lender, "+OK");
    EXPECT(old, "SET k v", "+OK"); /* connections stay */
    struct client *moved = client_open(lender, 2);
    EXPECT(moved, "GET k", "'v'");
    assert_false(client_can_ping(server));
    EXPECT(moved, "CONFIG SET bind 0.0.0.0", "+OK"); /* the same port, twice in a row */
    EXPECT(moved, "CONFIG SET bind '127.0.0.1 -::1'", "+OK");
    EXPECT(moved, "CONFIG SET bind 192.0.2.1",
           "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified "
           "addresses.");
    EXPECT(moved, "CONFIG GET bind", "['bind', '127.0.0.1 -::1']");
    assert_true(client_can_ping(lender));
    ask_port(moved, server, "+OK");
    assert_true(client_can_ping(server));
    client_close(moved);
    client_close(old);
    server_start(lender);
    server_close(lender);
    server_close(server);
}

static void names_and_infos(void **state)
{
    static const struct step steps[] = {
        {"CLIENT GETNAME", "nil"},
        {"CLIENT SETNAME me", "+OK"},
        {"CLIENT GETNAME", "'me'"},
        {"CLIENT SETNAME 'a b'", "-ERR Client names cannot contain spaces, newlines or special characters."},
        {"CLIENT GETNAME", "'me'"},
        {"CLIENT LIST",
         "<*>'id=<*> addr=127.0.0.1:<*> laddr=127.0.0.1:<*> fd=<*> name=me <*> db=0 <*> cmd=client|list "
         "user=default <*>"},
        {"CLIENT LIST", "<*> qbuf=26 qbuf-free=<*>"},
        {"CLIENT INFO",
         "<*>'id=<*> addr=127.0.0.1:<*> laddr=127.0.0.1:<*> fd=<*> name=me <*> db=0 <*> cmd=client|info "
         "user=default <*>"},
        {"CLIENT SETNAME ''", "+OK"},
        {"CLIENT GETNAME", "nil"},
        {"CLIENT SETINFO lib-name cairn-test", "+OK", CAIRN_ONLY},
        {"CLIENT SETINFO LIB-VER 1.2", "+OK", CAIRN_ONLY},
        {"CLIENT INFO", "<*> lib-name=cairn-test lib-ver=1.2\\n'", CAIRN_ONLY},
        {"CLIENT SETINFO lib-name 'a b'",
         "-ERR lib-name cannot contain spaces, newlines or special characters.", CAIRN_ONLY},
        {"CLIENT SETINFO foo bar", "-ERR Unrecognized option 'foo'", CAIRN_ONLY},
        {"CLIENT ID", ":<*>"},
        {"CLIENT LIST ID 999999999", "<*>''"},
        {"CLIENT LIST TYPE normal", "<*>'id=<*>"},
        {"CLIENT LIST TYPE pubsub", "<*>''"},
        {"CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'"},
        {"CLIENT LIST FOO", "-ERR syntax error"},
        {"CLIENT LIST ID x", "-ERR Invalid client ID"},
        {"CLIENT NO-EVICT ON", "+OK"},
        {"CLIENT NO-EVICT OFF", "+OK"},
        {"CLIENT NO-EVICT FOO", "-ERR syntax error"},
        {"CLIENT NO-TOUCH ON", "+OK", CAIRN_ONLY},
        {"CLIENT NO-TOUCH OFF", "+OK", CAIRN_ONLY},
        {"CLIENT NO-TOUCH FOO", "-ERR syntax error", CAIRN_ONLY},
        {"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."},
        {"CLIENT", "-ERR wrong number of arguments for 'client' command"},
        {"CLIENT GETNAME x", "-ERR wrong number of arguments for 'client|getname' command"},
        {"CLIENT HELP", "[+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:, <*>]"},
    };

    SCRIPT(*state, steps);
}

static void reply_modes(void **state)
{
    struct client *client = client_open(*state, 2);

    EXPECT(client, "ZADD z 1 a", ":1");
    client_send(client, "CLIENT REPLY OFF");
    client_send(client, "PING one");
    client_send(client, "NOSUCH");
    client_send(client, "ZRANDMEMBER z -4611686018427387903"); /* nobody sees them: none are drawn */
    EXPECT(client, "CLIENT REPLY ON", "+OK");
    EXPECT(client, "PING two", "'two'");
    client_send(client, "CLIENT REPLY SKIP");
    client_send(client, "PING three");
    EXPECT(client, "PING four", "'four'");
    EXPECT(client, "CLIENT REPLY FOO", "-ERR syntax error");
    client_close(client);
}

static void killing(void **state)
{
    struct client *killer = client_open(*state, 2);
    struct client *victim = client_open(*state, 2);
    char line[128];

    snprintf(line, sizeof(line), "CLIENT KILL ID %s", client_ask(victim, "CLIENT ID") + 1);
    EXPECT(killer, line, ":1");
    assert_string_equal(client_read(victim), "closed");
    EXPECT(killer, line, ":0");
    client_close(victim);

    victim = client_open(*state, 3);
    EXPECT(victim, "CLIENT SETNAME victim", "+OK");
    const char *info = strstr(client_ask(victim, "CLIENT INFO"), " addr=") + 6;
    snprintf(line, sizeof(line), "CLIENT KILL %.*s", (int)strcspn(info, " "), info);
    EXPECT(killer, line, "+OK");
    assert_string_equal(client_read(victim), "closed");
    EXPECT(killer, line, "-ERR No such client");
    client_close(victim);

    EXPECT(killer, "CLIENT KILL 127.0.0.1:1", "-ERR No such client");
    EXPECT(killer, "CLIENT KILL ID x", "-ERR client-id should be greater than 0");
    EXPECT(killer, "CLIENT KILL ID 0", "-ERR client-id should be greater than 0");
    EXPECT(killer, "CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'");
    EXPECT(killer, "CLIENT KILL USER nobody", "-ERR No such user 'nobody'");
    EXPECT(killer, "CLIENT KILL SKIPME foo", "-ERR syntax error");
    EXPECT(killer, "CLIENT KILL ID 1 FOO", "-ERR syntax error");
    EXPECT(killer, "CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command");

    victim = client_open(*state, 2);
    EXPECT(victim, "PING", "+PONG");
    EXPECT(killer, "CLIENT KILL TYPE normal", ":<*>");
    assert_string_equal(client_read(victim), "closed");
    AWAIT(killer, "INFO clients", "<*>connected_clients:1\\r\\n<*>");
    EXPECT(killer, "CLIENT KILL TYPE normal SKIPME no", ":1");
    assert_string_equal(client_read(killer), "closed");
    client_close(victim);
    client_close(killer);
}

static void pausing(void **state)
{
    struct client *control = client_open(*state, 2);
    struct client *client = client_open(*state, 3);

    EXPECT(control, "CLIENT PAUSE 1000000 WRITE", "+OK");
    EXPECT(client, "GET k", "<*>");
    client_set_timeout(client, 150);
    EXPECT(client, "SET k paused", "timeout");
    client_set_timeout(client, 0);
    EXPECT(control, "CLIENT UNPAUSE", "+OK");
    assert_string_equal(client_read(client), "+OK");
    EXPECT(control, "CLIENT PAUSE 300", "+OK");
    EXPECT(client, "GET k", "'paused'");
    EXPECT(control, "CLIENT PAUSE x", "-ERR timeout is not an integer or out of range");
    EXPECT(control, "CLIENT PAUSE -1", "-ERR timeout is negative");
    EXPECT(control, "CLIENT PAUSE 1 FOO", "-ERR CLIENT PAUSE mode must be WRITE or ALL");
    EXPECT(control, "CLIENT UNPAUSE", "+OK");
    client_close(client);
    client_close(control);
}

static void unix_socket(void **state)
{
    struct client *client = client_open_unix(*state);

    EXPECT(client, "SET k unix", "+OK");
    EXPECT(client, "GET k", "'unix'");
    EXPECT(client, "CLIENT INFO", "'id=<*> addr=<*>/socket:0 laddr=<*>/socket:0 <*>'");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones),
        cmocka_unit_test(hello),
        cmocka_unit_test(password),
        cmocka_unit_test(passwords_of_any_bytes),
        cmocka_unit_test(replies_beyond_the_limit_are_not_sent),
        cmocka_unit_test(ports_change_at_run_time),
        cmocka_unit_test(strangers_that_do_not_read_are_closed),
        cmocka_unit_test(names_and_infos),
        cmocka_unit_test(reply_modes),
        cmocka_unit_test(killing),
        cmocka_unit_test(pausing),
        cmocka_unit_test(unix_socket),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
