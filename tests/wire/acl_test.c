/* acl_test.c: users: rules and how they show, what is refused and logged, files of users, renamed commands. */
#include "support/script.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SHA_OF_P            "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
#define DEFAULT             "'user default on nopass sanitize-payload ~* &* +@all'"
#define MODIFIER(rule, why) "-ERR Error in ACL SETUSER modifier '" rule "': " why

static void rules_of_commands(void **state)
{
    static const struct step steps[] = {
        {"ACL SETUSER a", "+OK"},
        {"ACL LIST", "['user a off sanitize-payload resetchannels -@all', " DEFAULT "]"},
        {"ACL SETUSER a +@all -@dangerous +config|get -config +client|id", "+OK"},
        {"ACL LIST",
         "['user a off sanitize-payload resetchannels +@all -@dangerous -config +client|id', " DEFAULT "]"},
        /* The newest rule makes older ones about the same, and about its parts, superfluous. */
        {"ACL SETUSER a -@DANGEROUS -client", "+OK"},
        {"ACL LIST",
         "['user a off sanitize-payload resetchannels +@all -config -@dangerous -client', " DEFAULT "]"},
        {"ACL SETUSER a -@all +select|0 +SELECT|1 +Get", "+OK"},
        {"ACL LIST",
         "['user a off sanitize-payload resetchannels -@all +select|0 +select|1 +get', " DEFAULT "]"},
        {"ACL DRYRUN a SELECT 0", "+OK"},
        {"ACL DRYRUN a SELECT 2", "'User a has no permissions to run the \\'select\\' command'"},
        {"ACL SETUSER a +select", "+OK"},
        {"ACL DRYRUN a SELECT 2", "+OK"},
        {"ACL SETUSER a -select", "+OK"},
        {"ACL DRYRUN a SELECT 0", "'User a has no permissions to run the \\'select\\' command'"},
        {"ACL SETUSER a allcommands", "+OK"},
        {"ACL DRYRUN a DEBUG OBJECT k", "+OK"},
        {"ACL SETUSER a nocommands +debug|object", "+OK"},
        {"ACL DRYRUN a DEBUG object k", "+OK"},
        {"ACL DRYRUN a DEBUG SLEEP 0", "'User a has no permissions to run the \\'debug\\' command'"},
        {"ACL SETUSER a -@all +@hash -hset +config -config|set", "+OK"},
        {"ACL DRYRUN a HGETALL k", "'User a has no permissions to access the \\'k\\' key'"},
        {"ACL DRYRUN a HSET k f v", "'User a has no permissions to run the \\'hset\\' command'"},
        {"ACL DRYRUN a CONFIG GET x", "+OK"},
        {"ACL DRYRUN a CONFIG SET x y", "'User a has no permissions to run the \\'config|set\\' command'"},
        {"ACL SETUSER a +nosuch", MODIFIER("+nosuch", "Unknown command or category name in ACL")},
        {"ACL SETUSER a +@nosuch", MODIFIER("+@nosuch", "Unknown command or category name in ACL")},
        {"ACL SETUSER a +config|nosuch",
         MODIFIER("+config|nosuch", "Unknown command or category name in ACL")},
        {"ACL SETUSER a -select|0", MODIFIER("-select|0", "Unknown command or category name in ACL")},
        {"ACL SETUSER a +config|get|x",
         MODIFIER("+config|get|x", "Allowing first-arg of a subcommand is not supported")},
        {"ACL SETUSER a +get|", MODIFIER("+get|", "Syntax error")},
        {"ACL SETUSER a +", MODIFIER("+", "Unknown command or category name in ACL")},
        {"ACL SETUSER a nonsense", MODIFIER("nonsense", "Syntax error")},
        {"ACL DELUSER a", ":1"},
    };
    SCRIPT(*state, steps);
}

static void rules_of_keys_and_channels(void **state)
{
    static const struct step steps[] = {
        {"ACL SETUSER a %R~read* %W~write* %RW~both* ~all %WR~x +@all &news &w*", "+OK"},
        {"ACL LIST", "['user a off sanitize-payload %R~read* %W~write* ~both* ~all ~x resetchannels &news "
                     "&w* +@all', " DEFAULT "]"},
        {"ACL SETUSER a %W~read*", "+OK"}, /* permissions to the same pattern add up */
        {"ACL GETUSER a",
         "['flags', ['off', 'sanitize-payload'], 'passwords', [], 'commands', '+@all', 'keys', "
         "'~read* %W~write* ~both* ~all ~x', 'channels', '&news &w*', 'selectors', []]",
         "{'flags': ~['off', 'sanitize-payload'], 'passwords': [], 'commands': '+@all', 'keys': "
         "'~read* %W~write* ~both* ~all ~x', 'channels': '&news &w*', 'selectors': []}"},
        {"ACL SETUSER a resetkeys %R~read* %W~write* ~both*", "+OK"},
        {"ACL DRYRUN a GET read1", "+OK"},
        {"ACL DRYRUN a GET write1", "'User a has no permissions to access the \\'write1\\' key'"},
        {"ACL DRYRUN a APPEND write1 v", "+OK"},
        {"ACL DRYRUN a APPEND read1 v", "'User a has no permissions to access the \\'read1\\' key'"},
        {"ACL DRYRUN a COPY read write", "+OK"},
        {"ACL DRYRUN a COPY write read", "'User a has no permissions to access the \\'write\\' key'"},
        {"ACL DRYRUN a EXISTS write1 read1 both", "+OK"}, /* any permission will do */
        {"ACL DRYRUN a EXISTS write1 nothing", "'User a has no permissions to access the \\'nothing\\' key'"},
        {"ACL DRYRUN a SET write v", "+OK"},
        {"ACL DRYRUN a SET write v GET", "'User a has no permissions to access the \\'write\\' key'"},
        {"ACL DRYRUN a SORT read STORE write", "+OK"},
        {"ACL DRYRUN a SORT read STORE read", "'User a has no permissions to access the \\'read\\' key'"},
        {"ACL DRYRUN a GEORADIUS read 0 0 1 m STORE write", "+OK"},
        {"ACL DRYRUN a GEORADIUS read 0 0 1 m STORE read",
         "'User a has no permissions to access the \\'read\\' key'"},
        {"ACL DRYRUN a ZUNIONSTORE write 2 read both", "+OK"},
        {"ACL DRYRUN a ZUNIONSTORE write 2 read write",
         "'User a has no permissions to access the \\'write\\' key'"},
        {"ACL DRYRUN a XREAD STREAMS read write 0 0",
         "'User a has no permissions to access the \\'write\\' key'"},
        {"ACL DRYRUN a LMPOP 2 both write left", "'User a has no permissions to access the \\'write\\' key'"},
        {"ACL DRYRUN a LMPOP 3 both left", "+OK"}, /* a wrong count is for the command to say */
        {"ACL SETUSER a allkeys ~x",
         MODIFIER("~x", "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
                        "not have any "
                        "effect. Try 'resetkeys' to start with an empty list of patterns")},
        {"ACL SETUSER a allchannels &x",
         MODIFIER("&x", "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
                        "does not have "
                        "any effect. Try 'resetchannels' to start with an empty list of channels")},
        {"ACL SETUSER a '~a b'", MODIFIER("~a b", "Syntax error")},
        {"ACL SETUSER a %~x", MODIFIER("%~x", "Syntax error")},
        {"ACL SETUSER a %RR~x", MODIFIER("%RR~x", "Syntax error")},
        {"ACL SETUSER a %", MODIFIER("%", "Syntax error")},
        {"ACL SETUSER a ~* &*", "+OK"},
        {"ACL LIST", "['user a off sanitize-payload ~* &* +@all', " DEFAULT "]"},
        {"ACL DELUSER a", ":1"},
    };
    SCRIPT(*state, steps);
}

static void selectors(void **state)
{
    static const struct step steps[] = {
        {"ACL SETUSER a +get ~one '(+set ~two)' ( ~three  %R~four +mget )", "+OK"},
        {"ACL LIST",
         "['user a off sanitize-payload ~one resetchannels -@all +get (~two resetchannels -@all +set) "
         "(~three %R~four resetchannels -@all +mget)', " DEFAULT "]"},
        {"ACL DRYRUN a GET one", "+OK"},
        {"ACL DRYRUN a GET two",
         "'User a has no permissions to access the \\'two\\' key'"}, /* they do not add up */
        {"ACL DRYRUN a SET two v", "+OK"},
        {"ACL DRYRUN a SET one v", "'User a has no permissions to access the \\'one\\' key'"},
        {"ACL DRYRUN a MGET three four", "+OK"},
        {"ACL DRYRUN a MGET three five", "'User a has no permissions to access the \\'five\\' key'"},
        {"ACL DRYRUN a PING", "'User a has no permissions to run the \\'ping\\' command'"},
        {"ACL SETUSER a clearselectors ()", "+OK"},
        {"ACL GETUSER a",
         "['flags', ['off', 'sanitize-payload'], 'passwords', [], 'commands', '-@all +get', 'keys', '~one', "
         "'channels', '', "
         "'selectors', [['commands', '-@all', 'keys', '', 'channels', '']]]",
         "{'flags': ~['off', 'sanitize-payload'], 'passwords': [], 'commands': '-@all +get', 'keys': '~one', "
         "'channels': '', "
         "'selectors': [{'commands': '-@all', 'keys': '', 'channels': ''}]}"},
        {"ACL SETUSER a (+get ~x", "-ERR Unmatched parenthesis in acl selector starting at '(+get'."},
        {"ACL SETUSER a )", MODIFIER(")", "Syntax error")},
        {"ACL SETUSER a '(+get on)'", MODIFIER("(+get on)", "Syntax error")},
        {"ACL SETUSER a ( +get ~* &x ~y )",
         MODIFIER("( +get ~* &x ~y )", "Adding a pattern after the * pattern (or the 'allkeys' flag) is not "
                                       "valid and does not have any "
                                       "effect. Try 'resetkeys' to start with an empty list of patterns")},
        {"ACL SETUSER a reset", "+OK"},
        {"ACL LIST", "['user a off sanitize-payload resetchannels -@all', " DEFAULT "]"},
        {"ACL DELUSER a", ":1"},
    };
    SCRIPT(*state, steps);
}

static void passwords(void **state)
{
    static const struct step steps[] = {
        {"ACL SETUSER a +@all ~* >p >p", "+OK"},
        {"ACL GETUSER a",
         "['flags', ['off', 'sanitize-payload'], 'passwords', ['" SHA_OF_P
         "'], 'commands', '+@all', 'keys', '~*', "
         "'channels', '', 'selectors', []]",
         "{'flags': ~['off', 'sanitize-payload'], 'passwords': ['" SHA_OF_P
         "'], 'commands': '+@all', 'keys': '~*', "
         "'channels': '', 'selectors': []}"},
        {"AUTH a p", "-WRONGPASS invalid username-password pair or user is disabled."}, /* off */
        {"ACL SETUSER a on", "+OK"},
        {"AUTH a P", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"AUTH a p", "+OK"},
        {"ACL WHOAMI", "'a'"},
        {"ACL SETUSER a >q <p", "+OK"},
        {"AUTH a p", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"AUTH a q", "+OK"},
        {"ACL SETUSER a resetpass #" SHA_OF_P, "+OK"},
        {"AUTH a p", "+OK"},
        {"ACL SETUSER a !" SHA_OF_P, "+OK"},
        {"AUTH a p", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"ACL SETUSER a !" SHA_OF_P,
         MODIFIER("!" SHA_OF_P, "The password you are trying to remove from the user does not exist")},
        {"ACL SETUSER a <x",
         MODIFIER("<x", "The password you are trying to remove from the user does not exist")},
        {"ACL SETUSER a #x", MODIFIER("#x", "The password hash must be exactly 64 characters and contain "
                                            "only lowercase hexadecimal characters")},
        {"ACL SETUSER a nopass", "+OK"},
        {"AUTH a anything", "+OK"},
        {"ACL SETUSER a off", "+OK"}, /* who is in stays in */
        {"PING", "+PONG"},
        {"ACL WHOAMI", "'a'"},
        {"RESET", "+RESET"},
        {"ACL WHOAMI", "'default'"},
        {"ACL SETUSER 'a b' on", "-ERR Usernames can't contain spaces or null characters"},
        {"ACL USERS", "['a', 'default']"},
        {"ACL DELUSER a nobody a", ":1"},
        {"ACL DELUSER default", "-ERR The 'default' user cannot be removed"},
        {"ACL GETUSER a", "nil"},
    };
    SCRIPT(*state, steps);
}

static void tools(void **state)
{
    static const struct step steps[] = {
        {"ACL CAT transaction", "['discard', 'exec', 'multi', 'unwatch', 'watch']"},
        {"ACL CAT nosuch", "-ERR Unknown category 'nosuch'"},
        {"ACL CAT",
         "['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', "
         "'hyperloglog', 'geo', "
         "'stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection', 'transaction', "
         "'scripting']"},
        {"ACL GENPASS 0",
         "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
         "number up to 4096"},
        {"ACL GENPASS 4097",
         "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
         "number up to 4096"},
        {"ACL GENPASS x", "-ERR value is not an integer or out of range"},
        {"ACL DRYRUN nobody GET k", "-ERR User 'nobody' not found"},
        {"ACL DRYRUN default NOSUCH", "-ERR Command 'NOSUCH' not found"},
        {"ACL DRYRUN default GET", "-ERR wrong number of arguments for 'get' command"},
        {"ACL DRYRUN default GET k", "+OK"},
        {"ACL LOG x", "-ERR value is not an integer or out of range"},
        {"ACL LOAD", "-ERR This Redis instance is not configured to use an ACL file. <*>"},
        {"ACL SAVE", "-ERR This Redis instance is not configured to use an ACL file. <*>"},
        {"ACL NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try ACL HELP."},
        {"ACL HELP",
         "[+ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:, +CAT [<category>], <*>]"},
    };
    SCRIPT(*state, steps);
}

static void passwords_are_random(void **state)
{
    struct client *client = client_open(*state, 2);
    char first[80];
    snprintf(first, sizeof first, "%s", client_ask(client, "ACL GENPASS"));
    assert_int_equal(strlen(first), 64 + 2);
    assert_string_not_equal(client_ask(client, "ACL GENPASS"), first);
    assert_int_equal(strlen(client_ask(client, "ACL GENPASS 5")), 2 + 2);
    client_close(client);
}

/* ---- what is refused ---- */

static void refusals(void **state)
{
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *client = client_open(server, 2);
    EXPECT(admin, "ACL LOG RESET", "+OK");
    EXPECT(admin, "ACL SETUSER a reset on nopass +@all -@dangerous ~k* resetchannels &news", "+OK");
    EXPECT(client, "AUTH a x", "+OK");
    EXPECT(client, "SET k1 v", "+OK");
    EXPECT(client, "SET other v", "-NOPERM No permissions to access a key");
    EXPECT(client, "MGET k1 other", "-NOPERM No permissions to access a key");
    EXPECT(client, "FLUSHALL", "-NOPERM User a has no permissions to run the 'flushall' command");
    EXPECT(client, "CONFIG GET port", "-NOPERM User a has no permissions to run the 'config|get' command");
    EXPECT(admin, "ACL SETUSER a +sort", "+OK");
    EXPECT(client, "SORT k2 BY w_* GET #",
           "-ERR BY option of SORT denied due to insufficient ACL permissions.");
    EXPECT(client, "SORT k2 GET #", "-ERR GET option of SORT denied due to insufficient ACL permissions.");
    EXPECT(admin, "ACL SETUSER a %R~*", "+OK");
    EXPECT(client, "SORT k2 BY w_* GET #", "[]");
    /* The rules hold for what is queued, and again when it is executed. */
    EXPECT(admin, "ACL SETUSER a resetkeys ~k*", "+OK");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "GET other", "-NOPERM No permissions to access a key");
    EXPECT(client, "EXEC", "-EXECABORT Transaction discarded because of previous errors.");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "GET k1", "+QUEUED");
    EXPECT(client, "INCR k2", "+QUEUED");
    EXPECT(client, "PING", "+QUEUED");
    EXPECT(admin, "ACL SETUSER a resetkeys ~k2 -ping", "+OK");
    EXPECT(client, "EXEC",
           "[-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
           "call. This "
           "command is no longer allowed for the following reason: no permission to touch the specified "
           "keys, :1, "
           "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
           "This "
           "command is no longer allowed for the following reason: no permission to execute the command or "
           "subcommand]");
    EXPECT(admin, "DEL k1 k2", ":2");
    EXPECT(admin, "ACL DELUSER a", ":1");
    EXPECT(client, "PING", "closed");
    client_close(client);
    client_close(admin);
}

static void the_log(void **state)
{
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *client = client_open(server, 2);
    EXPECT(admin, "CONFIG RESETSTAT", "+OK");
    EXPECT(admin, "ACL LOG RESET", "+OK");
    EXPECT(admin, "ACL SETUSER a reset on nopass +get ~k* +multi +exec", "+OK");
    EXPECT(client, "AUTH a x", "+OK");
    EXPECT(client, "GET other", "-NOPERM <*>");
    EXPECT(client, "GET other", "-NOPERM <*>");
    EXPECT(client, "SET k v", "-NOPERM <*>");
    EXPECT(client, "AUTH b x", "-WRONGPASS <*>");
    EXPECT(client, "MULTI", "+OK");
    EXPECT(client, "GET other", "-NOPERM <*>");
    EXPECT(
        admin, "ACL LOG",
        "[['count', :1, 'reason', 'key', 'context', 'multi', 'object', 'other', 'username', 'a', "
        "'age-seconds', '<*>', "
        "'client-info', 'id=<*>user=a<*>', 'entry-id', :<*>, 'timestamp-created', :<*>, "
        "'timestamp-last-updated', :<*>], "
        "['count', :1, 'reason', 'auth', 'context', 'toplevel', 'object', 'AUTH', 'username', 'b', <*>], "
        "['count', :1, 'reason', 'command', 'context', 'toplevel', 'object', 'set', 'username', 'a', <*>], "
        "['count', :2, 'reason', 'key', 'context', 'toplevel', 'object', 'other', 'username', 'a', <*>]]");
    EXPECT(admin, "ACL LOG 1", "[['count', :1, 'reason', 'key', 'context', 'multi', <*>]]");
    EXPECT(client, "EXEC", "-EXECABORT <*>");
    /* What is counted again is the newest again. */
    EXPECT(client, "SET k v", "-NOPERM <*>");
    EXPECT(admin, "ACL LOG 1", "[['count', :2, 'reason', 'command', <*>]]");
    EXPECT(admin, "INFO stats",
           "<*>acl_access_denied_auth:1\\r\\nacl_access_denied_cmd:2\\r\\nacl_access_denied_key:3\\r\\n"
           "acl_access_denied_channel:0\\r\\n<*>");
    EXPECT(admin, "CONFIG SET acllog-max-len 1", "+OK");
    EXPECT(client, "GET third", "-NOPERM <*>");
    EXPECT(admin, "ACL LOG",
           "[['count', :1, 'reason', 'key', 'context', 'toplevel', 'object', 'third', <*>]]");
    EXPECT(admin, "ACL LOG 0", "[]");
    EXPECT(admin, "ACL LOG RESET", "+OK");
    EXPECT(admin, "ACL LOG", "[]");
    EXPECT(admin, "CONFIG SET acllog-max-len 128", "+OK");
    EXPECT(admin, "ACL DELUSER a", ":1");
    client_close(client);
    client_close(admin);
}

/* A change reaches every connection of the user, whichever worker serves it. */
static void changes_reach_everybody(void **state)
{
    enum { CLIENTS = 8 };
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *clients[CLIENTS];
    EXPECT(admin, "ACL SETUSER a reset on nopass +@all ~*", "+OK");
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server, i % 2 ? 3 : 2);
        EXPECT(clients[i], "AUTH a x", "+OK");
        EXPECT(clients[i], "GET k", "nil");
    }
    EXPECT(admin, "ACL SETUSER a -get", "+OK");
    for (size_t i = 0; i < CLIENTS; i++)
        EXPECT(clients[i], "GET k", "-NOPERM User a has no permissions to run the 'get' command");
    EXPECT(admin, "CLIENT LIST", "<*>user=a <*>");
    EXPECT(clients[0], "ACL SETUSER a +get", "+OK");
    for (size_t i = 0; i < CLIENTS; i++)
        EXPECT(clients[i], "GET k", "nil");
    EXPECT(admin, "CLIENT KILL USER nobody", "-ERR No such user 'nobody'");
    EXPECT(admin, "CLIENT KILL USER a ID 0", "-ERR client-id should be greater than 0");
    /* A user of the same name is another one. */
    EXPECT(clients[0], "ACL DELUSER a", ":1");
    EXPECT(admin, "ACL SETUSER a on nopass +@all ~*", "+OK");
    for (size_t i = 0; i < CLIENTS; i++) {
        client_send(clients[i], "PING");
        assert_string_equal(client_read(clients[i]), "closed");
        client_close(clients[i]);
    }
    struct client *killed = client_open(server, 2);
    EXPECT(killed, "AUTH a x", "+OK");
    EXPECT(admin, "CLIENT KILL USER a", ":1");
    client_send(killed, "PING");
    assert_string_equal(client_read(killed), "closed");
    EXPECT(admin, "ACL DELUSER a", ":1");
    client_close(killed);
    client_close(admin);
}

#define SUBSCRIBED(kind, name) ">['" kind "', '" name "', :1]"

static void channels(void **state)
{
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *client = client_open(server, 3);
    EXPECT(admin, "ACL LOG RESET", "+OK");
    EXPECT(admin, "ACL SETUSER a reset on nopass +@all ~* &news &w*", "+OK");
    EXPECT(client, "AUTH a x", "+OK");
    EXPECT(client, "PUBLISH news x", ":0");
    EXPECT(client, "PUBLISH weather x", ":0");
    EXPECT(client, "PUBLISH other x", "-NOPERM No permissions to access a channel");
    EXPECT(client, "SPUBLISH other x", "-NOPERM No permissions to access a channel");
    EXPECT(client, "SUBSCRIBE news other", "-NOPERM No permissions to access a channel");
    EXPECT(client, "SSUBSCRIBE other", "-NOPERM No permissions to access a channel");
    EXPECT(client, "PSUBSCRIBE we*",
           "-NOPERM No permissions to access a channel"); /* patterns by their text */
    EXPECT(admin, "ACL DRYRUN a SUBSCRIBE other",
           "'User a has no permissions to access the \\'other\\' channel'");
    EXPECT(admin, "ACL LOG 1",
           "[['count', :1, 'reason', 'channel', 'context', 'toplevel', 'object', 'we*', <*>]]");
    EXPECT(client, "PSUBSCRIBE w*", SUBSCRIBED("psubscribe", "w*"));
    EXPECT(client, "UNSUBSCRIBE other", ">['unsubscribe', 'other', :1]"); /* anybody may */
    /* More and other permissions do not end a subscription, the loss of its own does. */
    EXPECT(admin, "ACL SETUSER a resetchannels &w* &other", "+OK");
    EXPECT(client, "PING", "+PONG");
    EXPECT(admin, "ACL SETUSER b on nopass", "+OK");
    EXPECT(client, "PING", "+PONG");
    EXPECT(admin, "ACL SETUSER a resetchannels &wea*", "+OK");
    client_send(client, "PING");
    assert_string_equal(client_read(client), "closed");
    client_close(client);
    static const char *const subscriptions[][2] = {
        {"SUBSCRIBE weather", SUBSCRIBED("subscribe", "weather")},
        {"SSUBSCRIBE weather", SUBSCRIBED("ssubscribe", "weather")}};
    for (size_t i = 0; i < 2; i++) {
        client = client_open(server, 3);
        EXPECT(admin, "ACL SETUSER a reset on nopass +@all &w*", "+OK");
        EXPECT(client, "AUTH a x", "+OK");
        EXPECT(client, "CLIENT SETNAME condemned", "+OK");
        EXPECT(client, subscriptions[i][0], subscriptions[i][1]);
        if (i == 0) EXPECT(client, "ACL SETUSER a resetchannels", "+OK"); /* its own is the last reply */
        else EXPECT(admin, "ACL SETUSER a resetchannels", "+OK");
        assert_null(strstr(client_ask(admin, "CLIENT LIST"), "condemned"));
        assert_string_equal(client_read(client), "closed");
        client_close(client);
    }
    EXPECT(admin, "ACL DELUSER a b", ":2");
    client_close(admin);
}

/* Who waits for a key is asked again when it comes. */
static void waiters(void **state)
{
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *client = client_open(server, 2);
    EXPECT(admin, "ACL SETUSER a reset on nopass +@all ~*", "+OK");
    EXPECT(client, "AUTH a x", "+OK");
    client_send(client, "BLPOP list 0");
    AWAIT(admin, "INFO clients", "<*>blocked_clients:1<*>");
    EXPECT(admin, "ACL SETUSER a resetkeys", "+OK");
    EXPECT(admin, "LPUSH list x", ":1");
    assert_string_equal(client_read(client), "-NOPERM No permissions to access a key");
    EXPECT(admin, "LRANGE list 0 -1", "['x']");
    EXPECT(admin, "DEL list", ":1");
    EXPECT(admin, "ACL DELUSER a", ":1");
    client_close(client);
    client_close(admin);
}

/* Rules change while other workers check by them. */
static void changes_under_load(void **state)
{
    enum { CLIENTS = 4, REQUESTS = 200, CHANGES = 50 };
    struct server *server = *state;
    struct client *admin = client_open(server, 2), *clients[CLIENTS];
    EXPECT(admin, "ACL SETUSER a reset on nopass +@all ~k* (+get ~x)", "+OK");
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server, 2);
        EXPECT(clients[i], "AUTH a x", "+OK");
        for (size_t j = 0; j < REQUESTS; j++)
            client_send(clients[i], j % 2 ? "GET k" : "MGET k1 k2");
    }
    for (size_t i = 0; i < CHANGES; i++) {
        EXPECT(admin, i % 2 ? "ACL SETUSER a ~k* (+get ~x)" : "ACL SETUSER a resetkeys clearselectors ~k",
               "+OK");
        EXPECT(admin, "ACL SETUSER default >p nopass", "+OK");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        for (size_t j = 0; j < REQUESTS; j++) {
            const char *reply = client_read(clients[i]);
            if (j % 2) assert_string_equal(reply, "nil");
            else if (strcmp(reply, "[nil, nil]") != 0)
                assert_string_equal(reply, "-NOPERM No permissions to access a key");
        }
    }
    EXPECT(admin, "ACL DELUSER a", ":1");
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(clients[i]);
    client_close(admin);
}

/* ---- the default user ---- */

static void strangers(void **state)
{
    (void)state;
    struct server *server = server_open(NULL);
    struct client *before = client_open(server, 2);
    EXPECT(before, "CONFIG SET requirepass secret", "+OK");
    EXPECT(before, "PING", "+PONG"); /* who was in stays in */
    struct client *stranger = client_open(server, 2);
    EXPECT(stranger, "PING", "-NOAUTH Authentication required.");
    EXPECT(stranger, "HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated<*>");
    EXPECT(stranger, "AUTH secre", "-WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT(stranger, "AUTH secret", "+OK");
    EXPECT(stranger, "PING", "+PONG");
    EXPECT(before, "CONFIG GET requirepass", "['requirepass', 'secret']");
    EXPECT(before, "ACL SETUSER default nopass", "+OK");
    client_close(stranger);
    stranger = client_open(server, 2);
    EXPECT(stranger, "PING", "+PONG");
    EXPECT(before, "ACL SETUSER default off", "+OK");
    client_close(stranger);
    stranger = client_open(server, 2);
    EXPECT(stranger, "PING", "-NOAUTH Authentication required.");
    EXPECT(stranger, "AUTH default x", "-WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT(before, "ACL SETUSER a on >p +@all ~* &*", "+OK");
    EXPECT(stranger, "HELLO 2 AUTH a p", "['server', <*>]");
    EXPECT(stranger, "ACL WHOAMI", "'a'");
    EXPECT(stranger, "RESET", "+RESET");
    EXPECT(stranger, "PING", "-NOAUTH Authentication required.");
    client_close(stranger);
    client_close(before);
    server_close(server);
}

/* ---- configuration ---- */

static void restart_with(struct server *server, const char *config)
{
    (void)server_stop(server, SIGTERM);
    server_set_config(server, config);
    server_start(server);
}

static void users_in_the_configuration(void **state)
{
    (void)state;
    struct server *server = server_open(NULL);
    restart_with(server, "user a on >p ~k* +@all -@dangerous (+config|get)\n# a comment\nuser "
                         "b\nacl-pubsub-default allchannels\n");
    struct client *client = client_open(server, 2);
    EXPECT(client, "ACL LIST",
           "['user a on sanitize-payload #" SHA_OF_P " ~k* &* +@all -@dangerous (&* -@all +config|get)', "
           "'user b off sanitize-payload &* -@all', " DEFAULT "]");
    EXPECT(client, "ACL SETUSER c on nopass ( +get ~x )", "+OK");
    EXPECT(client, "ACL DELUSER b", ":1");
    EXPECT(client, "CONFIG REWRITE", "+OK");
    client_close(client);
    (void)server_stop(server, SIGTERM);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "ACL LIST",
           "['user a on sanitize-payload #" SHA_OF_P " ~k* &* +@all -@dangerous (&* -@all +config|get)', "
           "'user c on nopass sanitize-payload &* -@all (~x &* -@all +get)', " DEFAULT "]");
    client_close(client);
    assert_true(server_logged(server, "The user 'b' is disabled (there is no 'on' modifier"));
    server_close(server);
}

static void wrong_users_in_the_configuration(void **state)
{
    static const struct {
        const char *config, *why;
    } mistakes[] = {
        {"user a nonsense\n", "Error in user declaration 'nonsense': Syntax error"},
        {"user a +nosuch\n", "Error in user declaration '+nosuch': Unknown command or category name in ACL"},
        {"user a on\nuser a off\n", "Duplicate user found. A user can only be defined once in config files"},
        {"user\n", "Bad directive or wrong number of arguments"},
        {"user 'a b' on\n", "Spaces not allowed in ACL usernames"},
        {"user a on\naclfile users.acl\n", "please define either an ACL file or declare users directly"},
        {"aclfile nosuch.acl\n", "Error loading ACLs, opening file 'nosuch.acl': No such file or directory"},
        {"rename-command nosuch x\n", "No such command in rename-command"},
        {"rename-command get set\n", "Target command name already exists"},
        {"rename-command get\n", "Bad directive or wrong number of arguments"},
        {"rename-command config|get x\n", "No such command in rename-command"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct server *server = server_open(NULL);
        (void)server_stop(server, SIGTERM);
        server_set_config(server, mistakes[i].config);
        int status = server_start_failing(server);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        if (!server_logged(server, mistakes[i].why)) fail_msg("not said: %s", mistakes[i].why);
        server_close(server);
    }
}

static void write_users(const struct server *server, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/users.acl", server_folder(server));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_of_users(void **state)
{
    (void)state;
    struct server *server = server_open(NULL);
    write_users(server, "user a on >p ~k* +@all\n\n  user b on nopass +ping \n");
    restart_with(server, "aclfile users.acl\n");
    struct client *client = client_open(server, 2), *a = client_open(server, 2), *b = client_open(server, 2);
    EXPECT(client, "ACL USERS", "['a', 'b', 'default']");
    EXPECT(a, "AUTH a p", "+OK");
    EXPECT(b, "AUTH b p", "+OK");
    write_users(server, "user a on >p ~other +@all\nuser default on nopass +@all ~*\n");
    EXPECT(client, "ACL LOAD", "+OK");
    /* As in Redis, only the default user's connections outlast it. */
    client_send(b, "PING");
    assert_string_equal(client_read(b), "closed");
    client_send(a, "PING");
    assert_string_equal(client_read(a), "closed");
    client_close(a);
    a = client_open(server, 2);
    EXPECT(a, "AUTH a p", "+OK");
    EXPECT(a, "GET k", "-NOPERM No permissions to access a key");
    EXPECT(a, "GET other", "nil");
    /* All or nothing, and every mistake is told. */
    write_users(server, "user a on\nuser c +nosuch\nnonsense\nuser a off\nuser d (+get\n");
    EXPECT(
        client, "ACL LOAD",
        "-ERR users.acl:2: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
        "users.acl:3 should start with user keyword followed by the username. WARNING: Duplicate user 'a' "
        "found on line "
        "4. users.acl:5: Unmatched parenthesis in selector definition.WARNING: ACL errors detected, no "
        "change to the "
        "previously active ACL rules was performed");
    EXPECT(client, "ACL USERS", "['a', 'default']");
    EXPECT(a, "GET other", "nil");
    EXPECT(client, "ACL SETUSER e on nopass", "+OK");
    EXPECT(client, "ACL SAVE", "+OK");
    EXPECT(client, "ACL DELUSER e", ":1");
    EXPECT(client, "ACL LOAD", "+OK");
    EXPECT(client, "ACL USERS", "['a', 'default', 'e']");
    client_close(client);
    client_close(a);
    client_close(b);
    server_close(server);
}

#define LONG_NAME "b840fc02d524045429941cc15f59e41cb7be6c52"

static void renamed_commands(void **state)
{
    (void)state;
    struct server *server = server_open(NULL);
    restart_with(server, "rename-command config " LONG_NAME
                         "\nrename-command FLUSHALL \"\"\nrename-command get fetch\n");
    struct client *client = client_open(server, 2);
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "GET k", "-ERR unknown command 'GET', with args beginning with: 'k' ");
    EXPECT(client, "FETCH k", "'v'");
    EXPECT(client, "FLUSHALL", "-ERR unknown command 'FLUSHALL', with args beginning with: ");
    EXPECT(client, "CONFIG GET hz", "-ERR unknown command 'CONFIG', with args beginning with: 'GET' 'hz' ");
    EXPECT(client, LONG_NAME " GET hz", "['hz', '10']");
    EXPECT(client, LONG_NAME " NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.");
    EXPECT(client, "FETCH", "-ERR wrong number of arguments for 'get' command");
    EXPECT(client, "COMMAND INFO get flushall", "[nil, nil]");
    EXPECT(client, "COMMAND INFO fetch", "[['get', :2, <*>]]");
    EXPECT(client, "COMMAND LIST FILTERBY PATTERN flushall", "[]");
    EXPECT(client, "COMMAND LIST FILTERBY PATTERN get", "['get']");
    /* Rules name commands as they were called. */
    EXPECT(client, "ACL SETUSER default -get", "+OK");
    EXPECT(client, "FETCH k", "-NOPERM User default has no permissions to run the 'get' command");
    client_close(client);
    server_close(server);
}

static void protected_options(void **state)
{
    (void)state;
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);
    EXPECT(client, "CONFIG SET dbfilename x.rdb",
           "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config");
    EXPECT(client, "MODULE LIST", "[]");
    EXPECT(client, "MODULE LOAD x.so",
           "-ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you "
           "can run it from a "
           "local connection, otherwise you need to set this option in the configuration file, and then "
           "restart the server.");
    client_close(client);
    server_add_options(server, (const char *const[]){"--enable-protected-configs", "local",
                                                     "--enable-module-command", "local", NULL});
    (void)server_stop(server, SIGTERM);
    server_start(server);
    client = client_open(server, 2);
    EXPECT(client, "MODULE LOAD x.so", "-ERR Error loading the extension. Please check the server logs.");
    EXPECT(client, "MODULE UNLOAD x", "-ERR Error unloading module: no such module with that name");
    EXPECT(client, "CONFIG SET dbfilename x.rdb", "+OK");
    client_close(client);
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_commands),
        cmocka_unit_test(rules_of_keys_and_channels),
        cmocka_unit_test(selectors),
        cmocka_unit_test(passwords),
        cmocka_unit_test(tools),
        cmocka_unit_test(passwords_are_random),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_log),
        cmocka_unit_test(changes_reach_everybody),
        cmocka_unit_test(channels),
        cmocka_unit_test(waiters),
        cmocka_unit_test(changes_under_load),
        cmocka_unit_test(strangers),
        cmocka_unit_test(users_in_the_configuration),
        cmocka_unit_test(wrong_users_in_the_configuration),
        cmocka_unit_test(a_file_of_users),
        cmocka_unit_test(renamed_commands),
        cmocka_unit_test(protected_options),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
