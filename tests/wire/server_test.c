/* server_test.c: commands on the server: settings, the table of commands, logs, memory, whole databases. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void databases(void **state)
{
    static const struct step steps[] = {
        {"DBSIZE", ":0"},
        {"MSET a 1 b 2", "+OK"},
        {"SELECT 1", "+OK"},
        {"SET c 3", "+OK"},
        {"DBSIZE", ":1"},
        {"SWAPDB 0 1", "+OK"},
        {"DBSIZE", ":2"},
        {"GET a", "'1'"},
        {"SELECT 0", "+OK"},
        {"GET c", "'3'"},
        {"FLUSHDB", "+OK"},
        {"DBSIZE", ":0"},
        {"SELECT 1", "+OK"},
        {"DBSIZE", ":2"},
        {"FLUSHDB ASYNC", "+OK"},
        {"DBSIZE", ":0"},
        {"SET a 1", "+OK"},
        {"FLUSHDB SYNC", "+OK"},
        {"SET a 1", "+OK"},
        {"FLUSHALL ASYNC", "+OK"},
        {"SET a 1", "+OK"},
        {"FLUSHALL sync", "+OK"},
        {"DBSIZE", ":0"},
        {"FLUSHALL FOO", "-ERR syntax error"},
        {"FLUSHDB SYNC ASYNC", "-ERR syntax error"},
        {"SWAPDB 0 16", "-ERR DB index is out of range"},
        {"SWAPDB x 1", "-ERR invalid first DB index"},
        {"SWAPDB 0 x", "-ERR invalid second DB index"},
        {"SWAPDB 0 0", "+OK"},
        {"SWAPDB 0", "-ERR wrong number of arguments for 'swapdb' command"},
        {"DBSIZE x", "-ERR wrong number of arguments for 'dbsize' command"},
    };

    SCRIPT(*state, steps);
}

static void config(void **state)
{
    static const struct step steps[] = {
        {"CONFIG GET maxclients", "['maxclients', '10000']", "{'maxclients': '10000'}"},
        {"CONFIG GET MAXCLIENTS", "['<*>', '10000']", "{'<*>': '10000'}"},
        {"CONFIG GET nosuch", "[]", "{}"},
        {"CONFIG GET maxmemory-pol*", "['maxmemory-policy', 'noeviction']",
         "{'maxmemory-policy': 'noeviction'}"},
        {"CONFIG SET slowlog-max-len 64", "+OK"},
        {"CONFIG SET hz 10000", "+OK"},
        {"CONFIG SET hz 0", "+OK"},
        {"CONFIG SET hz 10", "+OK"},
        {"CONFIG GET slowlog-max-len", "['slowlog-max-len', '64']", "{'slowlog-max-len': '64'}"},
        {"CONFIG SET slowlog-max-len 128 slowlog-log-slower-than 20000", "+OK"},
        {"CONFIG GET slowlog-log-slower-than", "['slowlog-log-slower-than', '20000']",
         "{'slowlog-log-slower-than': '20000'}"},
        {"CONFIG SET slowlog-log-slower-than 10000", "+OK"},
        {"CONFIG SET maxmemory 100mb", "+OK"},
        {"CONFIG GET maxmemory", "['maxmemory', '104857600']", "{'maxmemory': '104857600'}"},
        {"CONFIG SET maxmemory 0", "+OK"},
        {"CONFIG SET nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
        {"CONFIG SET maxclients", "-ERR wrong number of arguments for 'config|set' command"},
        {"CONFIG SET slowlog-max-len 1 slowlog-max-len 2",
         "-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - duplicate parameter"},
        {"CONFIG SET slowlog-max-len x", "-ERR CONFIG SET failed (possibly related to argument "
                                         "'slowlog-max-len') - argument couldn't be parsed into an "
                                         "integer"},
        {"CONFIG SET slowlog-max-len 7 maxmemory-policy foo",
         "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one "
         "of the "
         "following: <*>"},
        {"CONFIG GET slowlog-max-len", "['slowlog-max-len', '128']", "{'slowlog-max-len': '128'}"},
        {"CONFIG SET databases 4",
         "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"},
        {"CONFIG RESETSTAT", "+OK"},
        {"CONFIG REWRITE", "-ERR The server is running without a config file"},
        {"CONFIG FOO", "-ERR unknown subcommand 'FOO'. Try CONFIG HELP."},
        {"CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"},
        {"CONFIG", "-ERR wrong number of arguments for 'config' command"},
    };

    SCRIPT(*state, steps);
}

#define KEY_SPEC_GET                                                                                         \
    "['flags', [+RO, +access], 'begin_search', ['type', 'index', 'spec', ['index', :1]], 'find_keys', "      \
    "['type', 'range', 'spec', ['lastkey', :0, 'keystep', :1, 'limit', :0]]]"
#define KEY_SPEC_GET3                                                                                        \
    "{'flags': ~[+RO, +access], 'begin_search': {'type': 'index', 'spec': {'index': :1}}, 'find_keys': "     \
    "{'type': 'range', 'spec': {'lastkey': :0, 'keystep': :1, 'limit': :0}}}"

static void commands(void **state)
{
    static const struct step steps[] = {
        {"COMMAND COUNT", ":<*>"},
        {"COMMAND INFO get",
         "[['get', :2, [+readonly, +fast], :1, :1, :1, [+@read, +@string, +@fast], [], [" KEY_SPEC_GET
         "], []]]",
         "[['get', :2, ~[+readonly, +fast], :1, :1, :1, ~[+@read, +@string, +@fast], ~[], ~[" KEY_SPEC_GET3
         "], ~[]]]"},
        {"COMMAND INFO nosuch GET", "[nil, ['get', <*>]]"},
        {"COMMAND INFO mset",
         "[['mset', :-3, [+write, +denyoom], :1, :-1, :2, [+@write, +@string, +@slow], <*>]]",
         "[['mset', :-3, ~[+write, +denyoom], :1, :-1, :2, ~[+@write, +@string, +@slow], <*>]]"},
        {"COMMAND INFO config|get", "[['config|get', :-3, <*>]]"},
        {"COMMAND INFO", "[[<*>]]"},
        {"COMMAND LIST", "[<*>'config|get'<*>]"},
        {"COMMAND LIST FILTERBY PATTERN getra*", "['getrange']"},
        {"COMMAND LIST FILTERBY ACLCAT nosuch", "[]"},
        {"COMMAND LIST FILTERBY MODULE foo", "[]"},
        {"COMMAND LIST FOO", "-ERR syntax error"},
        {"COMMAND DOCS nosuch", "[]", "{}"},
        {"COMMAND DOCS get",
         "['get', ['summary', '<*>', 'since', '1.0.0', 'group', 'string', 'complexity', 'O(1)', 'arguments', "
         "[['name', "
         "'key', 'type', 'key', <*>'key_spec_index', :0]]]]",
         "{'get': {'summary': '<*>', 'since': '1.0.0', 'group': 'string', 'complexity': 'O(1)', 'arguments': "
         "[{'name': 'key', 'type': 'key', <*>'key_spec_index': :0}]}}"},
        {"COMMAND GETKEYS GET k", "['k']"},
        {"COMMAND GETKEYS MSET a 1 b 2", "['a', 'b']"},
        {"COMMAND GETKEYS BITOP AND d a b", "['d', 'a', 'b']"},
        {"COMMAND GETKEYS COPY a b DB 1", "['a', 'b']"},
        {"COMMAND GETKEYS OBJECT ENCODING k", "['k']"},
        {"COMMAND GETKEYSANDFLAGS SET k v", "[['k', [+OW, +update]]]", "[['k', ~[+OW, +update]]]"},
        {"COMMAND GETKEYSANDFLAGS SET k v GET", "[['k', [+RW, +access, +update]]]",
         "[['k', ~[+RW, +access, +update]]]"},
        {"COMMAND GETKEYSANDFLAGS SORT a STORE b", "[['a', [+RO, +access]], ['b', [+OW, +update]]]",
         "[['a', ~[+RO, +access]], ['b', ~[+OW, +update]]]"},
        {"COMMAND GETKEYSANDFLAGS RENAME a b", "[['a', [+RW, +access, +delete]], ['b', [+OW, +update]]]",
         "[['a', ~[+RW, +access, +delete]], ['b', ~[+OW, +update]]]"},
        {"COMMAND GETKEYS PING x", "-ERR The command has no key arguments"},
        {"COMMAND GETKEYS NOSUCH x", "-ERR Invalid command specified"},
        {"COMMAND GETKEYS GET a b", "-ERR Invalid number of arguments specified for command"},
        {"COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP."},
    };

    SCRIPT(*state, steps);
}

static void info(void **state)
{
    static const struct step steps[] = {
        {"INFO server", "<*># Server\\r\\n<*>redis_version:7.<*>tcp_port:<*>uptime_in_seconds:<*>"},
        {"INFO clients", "<*># Clients\\r\\nconnected_clients:1\\r\\n<*>"},
        {"INFO memory", "<*># Memory\\r\\nused_memory:<*>maxmemory_policy:noeviction<*>"},
        {"INFO persistence", "<*># Persistence\\r\\nloading:0<*>"},
        {"INFO stats", "<*># Stats\\r\\ntotal_connections_received:<*>keyspace_hits:<*>"},
        {"INFO replication", "<*># Replication\\r\\nrole:master\\r\\nconnected_slaves:0<*>"},
        {"INFO cpu", "<*># CPU\\r\\nused_cpu_sys:<*>"},
        {"INFO keyspace", "<*>'# Keyspace\\r\\n'"},
        {"SET k v EX 100", "+OK"},
        {"SET l v", "+OK"},
        {"INFO keyspace", "<*>'# Keyspace\\r\\ndb0:keys=2,expires=1,avg_ttl=<*>"},
        {"INFO nosuch", "<*>''"},
        {"INFO SERVER cpu", "<*># Server\\r\\n<*># CPU\\r\\n<*>"},
        {"INFO", "<*># Server\\r\\n<*># Clients\\r\\n<*># Memory\\r\\n<*># Persistence\\r\\n<*># "
                 "Stats\\r\\n<*># Keyspace\\r\\n<*>"},
        {"CONFIG RESETSTAT", "+OK"},
        {"GET k", "'v'"},
        {"GET missing", "nil"},
        {"NOSUCH", "-ERR <*>"},
        {"INFO stats", "<*>keyspace_hits:1\\r\\nkeyspace_misses:1\\r\\n<*>"},
        {"INFO commandstats", "<*># "
                              "Commandstats\\r\\n<*>cmdstat_get:calls=2,usec=<*>,usec_per_call=<*>,rejected_"
                              "calls=0,failed_calls=0<*>"},
        {"INFO errorstats", "<*># Errorstats\\r\\nerrorstat_ERR:count=1\\r\\n<*>"},
        {"INFO everything", "<*># Server<*># Commandstats<*>"},
    };

    SCRIPT(*state, steps);
}

static void memory_and_time(void **state)
{
    static const struct step steps[] = {
        {"MEMORY USAGE missing", "nil"},
        {"SET k v", "+OK"},
        {"MEMORY USAGE k", ":<*>"},
        {"MEMORY USAGE k SAMPLES 0", ":<*>"},
        {"MEMORY USAGE k SAMPLES -1", "-ERR syntax error"},
        {"MEMORY USAGE k SAMPLES x", "-ERR value is not an integer or out of range"},
        {"MEMORY USAGE k FOO", "-ERR syntax error"},
        {"MEMORY STATS", "['peak.allocated', :<*>", "{'peak.allocated': :<*>"},
        {"MEMORY DOCTOR", "<*>"},
        {"MEMORY FOO", "-ERR unknown subcommand 'FOO'. Try MEMORY HELP."},
        {"TIME", "['<*>', '<*>']"},
        {"LASTSAVE", ":<*>"},
        {"TIME x", "-ERR wrong number of arguments for 'time' command"},
        {"SAVE", "+OK"},
        {"BGSAVE FOO", "-ERR syntax error"},
        {"ROLE", "['master', :<*>, []]"},
        {"BGSAVE", "+Background saving started"},
        {"await INFO persistence", "<*>rdb_bgsave_in_progress:0<*>"},
        {"BGREWRITEAOF", "+Background append only file rewriting started"},
        {"await INFO persistence", "<*>rdb_bgsave_in_progress:0<*>aof_rewrite_in_progress:0<*>"},
    };

    SCRIPT(*state, steps);
}

/* Who looks counts as who reads: every command but those that replace what they find. */
static void hits_and_misses(void **state)
{
    static const char *const lines[] = {
        "GET k",
        "EXISTS k",
        "TYPE k",
        "TTL k",
        "PTTL k",
        "EXPIRETIME k",
        "PEXPIRETIME k",
        "OBJECT FREQ k",
        "STRLEN k",
        "OBJECT ENCODING k",
        "TOUCH k",
        "GETEX k",
        "OBJECT IDLETIME k",
        "BITCOUNT k",
        "OBJECT REFCOUNT k",
    };
    const size_t count = sizeof(lines) / sizeof(lines[0]);
    struct client *client = client_open(*state, 2);
    char expected[100];

    for (int hit = 0; hit < 2; hit++) {
        EXPECT(client, "DEL k", ":<*>");
        if (hit) EXPECT(client, "SET k v", "+OK");
        EXPECT(client, "CONFIG RESETSTAT", "+OK");
        for (size_t i = 0; i < count; i++)
            (void)client_ask(client, lines[i]);
        snprintf(expected, sizeof(expected), "<*>keyspace_hits:%zu\\r\\nkeyspace_misses:%zu\\r\\n<*>",
                 hit ? count : 0, hit ? 0 : count);
        EXPECT(client, "INFO stats", expected);
        EXPECT(client, "CONFIG RESETSTAT", "+OK");
        EXPECT(client, "SET k v XX", "<*>");
        EXPECT(client, "EXPIRE k 100", "<*>");
        EXPECT(client, "PERSIST k", "<*>");
        EXPECT(client, "MEMORY USAGE k", "<*>");
        EXPECT(client, "INFO stats", "<*>keyspace_hits:0\\r\\nkeyspace_misses:0\\r\\n<*>");
    }
    client_close(client);
}

static void slowlog(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET slowlog-log-slower-than 0", "+OK"},
        {"SLOWLOG RESET", "+OK"},
        {"SET k v", "+OK"},
        {"PING", "+PONG"},
        {"CONFIG SET slowlog-log-slower-than -1", "+OK"},
        {"SLOWLOG GET 2",
         "[[:<*>, :<*>, :<*>, ['PING'], '127.0.0.1:<*>', ''], [:<*>, :<*>, :<*>, ['SET', 'k', 'v'], "
         "'127.0.0.1:<*>', '']]"},
        {"SLOWLOG LEN", ":3"},
        {"SLOWLOG GET -1", "[<*>['SET', 'k', 'v']<*>]"},
        {"SLOWLOG GET 0", "[]"},
        {"SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"},
        {"SLOWLOG GET x", "-ERR <*>"},
        {"SLOWLOG RESET", "+OK"},
        {"CONFIG SET slowlog-log-slower-than 0", "+OK"},
        {"AUTH user secret", "-WRONGPASS <*>"},
        {"HELLO 3 AUTH user secret SETNAME me", "-WRONGPASS <*>"},
        {"CONFIG SET masterauth secret slowlog-max-len 128", "+OK"},
        {"CONFIG SET slowlog-log-slower-than -1", "+OK"},
        {"SLOWLOG GET 3",
         "[[<*>, ['CONFIG', 'SET', 'masterauth', '(redacted)', 'slowlog-max-len', '128'], <*>], "
         "[<*>, ['HELLO', '3', 'AUTH', '(redacted)', '(redacted)', 'SETNAME', 'me'], <*>], "
         "[<*>, ['AUTH', '(redacted)', '(redacted)'], <*>]]"},
        {"SLOWLOG RESET", "+OK"},
        {"SLOWLOG LEN", ":0"},
        {"SLOWLOG GET", "[]"},
        {"CONFIG SET slowlog-log-slower-than 10000", "+OK"},
        {"SLOWLOG FOO", "-ERR unknown subcommand 'FOO'. Try SLOWLOG HELP."},
    };

    SCRIPT(*state, steps);
}

static void latency(void **state)
{
    static const struct step steps[] = {
        {"LATENCY RESET", ":<*>"},
        {"LATENCY LATEST", "[]"},
        {"LATENCY HISTORY command", "[]"},
        {"CONFIG RESETSTAT", "+OK"},
        {"SET k v", "+OK"},
        {"LATENCY HISTOGRAM set", "['set', ['calls', :1, 'histogram_usec', [:<*>, :1]]]",
         "{'set': {'calls': :1, 'histogram_usec': {:<*>: :1}}}"},
        {"LATENCY HISTOGRAM nosuch", "[]", "{}"},
        {"LATENCY FOO", "-ERR unknown subcommand 'FOO'. Try LATENCY HELP."},
    };

    SCRIPT(*state, steps);
}

/* The monitor of delays sees a slow command. */
static void latency_spikes(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET latency-monitor-threshold 1", "+OK"},
        {"LATENCY RESET", ":<*>"},
        {"DEBUG SLEEP 0.02", "+OK"},
        {"LATENCY LATEST", "[<*>['command', :<*>, :<*>, :<*>]<*>]"}, /* on a slow machine there are more */
        {"LATENCY HISTORY command", "[[:<*>, :<*>]]"},
        {"LATENCY GRAPH command", "'command - high <*> ms, low <*> ms (all time high <*> ms)<*>'",
         "=txt:'command <*>'"},
        {"LATENCY DOCTOR", "'<*>command<*>'", "=txt:'<*>command<*>'"},
        {"CONFIG SET latency-monitor-threshold 0", "+OK"},
        {"LATENCY RESET command", ":1"},
        {"LATENCY RESET", ":<*>"},
        {"LATENCY LATEST", "[]"},
        {"LATENCY DOCTOR", "<*>"},
        {"LATENCY GRAPH nosuch", "-ERR No samples available for event 'nosuch'"},
    };
    struct server *server = server_open((const char *const[]){"--enable-debug-command", "yes", NULL});

    (void)state;
    SCRIPT(server, steps);
    server_close(server);
}

static void debug(void **state)
{
    static const struct step steps[] = {
        {"DEBUG SLEEP 0", "+OK"},
        {"SET k v PX 1", "+OK"},
        {"DEBUG OBJECT missing", "-ERR no such key"},
        {"DEBUG SET-ACTIVE-EXPIRE 0", "+OK"},
        {"SET k v PX 100", "+OK"}, /* longer than a step of the background thread that is on its way */
        {"sleep 110"},
        {"DBSIZE", ":1"},
        {"GET k", "nil"},
        {"DBSIZE", ":0"},
        {"DEBUG SET-ACTIVE-EXPIRE 1", "+OK"},
        {"SET k v PX 10", "+OK"},
        {"await DBSIZE", ":0"},
        {"SET k value", "+OK"},
        {"DEBUG OBJECT k",
         "+Value at:<*> refcount:1 encoding:embstr serializedlength:<*> lru:<*> lru_seconds_idle:<*>"},
        {"DEBUG STRINGMATCH-LEN 1000 *a*a*a*a*a*a*b", "<*>", CAIRN_ONLY},
        {"DEBUG CHANGE-REPL-ID", "+OK"},
        {"DEBUG ERROR 'MINE own words'", "-MINE own words"},
        {"DEBUG LOG hello", "+OK"},
        {"DEBUG PROTOCOL string", "'Hello World'"},
        {"DEBUG PROTOCOL integer", ":12345"},
        {"DEBUG PROTOCOL double", "'3.141<*>'", ",3.141<*>"},
        {"DEBUG PROTOCOL null", "nil"},
        {"DEBUG PROTOCOL array", "[:0, :1, :2]"},
        {"DEBUG PROTOCOL set", "[:0, :1, :2]", "~[:0, :1, :2]"},
        {"DEBUG PROTOCOL map", "[:0, :0, :1, :1, :2, :0]", "{:0: #f, :1: #t, :2: #f}"},
        {"DEBUG PROTOCOL verbatim", "'This is a verbatim\\nstring'", "=txt:'This is a verbatim\\nstring'"},
        {"DEBUG PROTOCOL bignum", "'1234567999999999999999999999999999999'",
         "(1234567999999999999999999999999999999"},
        {"DEBUG PROTOCOL true", ":1", "#t"},
        {"DEBUG PROTOCOL false", ":0", "#f"},
        {"DEBUG PROTOCOL nosuch", "-ERR Wrong protocol type name. <*>"},
        {"DEBUG HELP", "[<*>DEBUG <subcommand><*>]"},
        {"DEBUG JMAP", "-ERR <*>"},
    };
    struct server *server = server_open((const char *const[]){"--enable-debug-command", "yes", NULL});

    (void)state;
    SCRIPT(server, steps);
    server_close(server);
}

/* DEBUG is off unless the configuration allows it. */
static void debug_is_off(void **state)
{
    static const struct step steps[] = {
        {"DEBUG SLEEP 0",
         "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "
         "can run it from a local connection, otherwise you need to set this option in the configuration "
         "file, and then restart the server."},
    };

    SCRIPT(*state, steps);
}

static void debug_is_local(void **state)
{
    struct server *server = server_open((const char *const[]){"--enable-debug-command", "local", NULL});
    struct client *tcp = client_open(server, 2);
    struct client *local = client_open_unix(server);

    (void)state;
    EXPECT(tcp, "DEBUG SLEEP 0", "+OK");
    EXPECT(local, "DEBUG SLEEP 0", "+OK");
    client_close(tcp);
    client_close(local);
    server_close(server);
}

/* What a user asks for and does not get is told in the log, at the start and later. */
static void missing_promises(void **state)
{
    static const char journal[] = "but no power loss";
    struct server *server = server_open(NULL);
    struct client *client = client_open(server, 2);

    (void)state;
    if (!server_is_other() && !server_is_journaled()) {
        assert_false(server_logged(server, journal));
        EXPECT(client, "CONFIG SET appendonly yes", "+OK");
        assert_true(server_logged(server, journal));
    }
    client_close(client);
    server_close(server);
}

/* Every command's row says what its group needs to know. */
static void every_command_has_docs(void **state)
{
    static const char *const names[] = {
        "append", "bitcount",    "bitfield", "bitfield_ro", "bitop",     "bitpos",      "copy",
        "decr",   "decrby",      "del",      "exists",      "expire",    "expireat",    "expiretime",
        "get",    "getbit",      "getdel",   "getex",       "getrange",  "getset",      "incr",
        "incrby", "incrbyfloat", "keys",     "lcs",         "mget",      "move",        "mset",
        "msetnx", "object",      "persist",  "pexpire",     "pexpireat", "pexpiretime", "psetex",
        "pttl",   "randomkey",   "rename",   "renamenx",    "scan",      "set",         "setbit",
        "setex",  "setnx",       "setrange", "strlen",      "substr",    "touch",       "ttl",
        "type",   "unlink",
    };
    struct client *client = client_open(*state, 3);
    char line[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(line, sizeof(line), "COMMAND DOCS %s", names[i]);
        EXPECT(client, line,
               "{'<*>': {'summary': '<*>', 'since': '<*>', 'group': '<*>', 'complexity': '<*>'<*>}}");
        snprintf(line, sizeof(line), "COMMAND INFO %s", names[i]);
        EXPECT(client, line, "[['<*>', :<*>, ~[<*>], :<*>, :<*>, :<*>, ~[<*>], ~[<*>], ~[<*>], ~[<*>]]]");
    }
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(databases),
        cmocka_unit_test(config),
        cmocka_unit_test(commands),
        cmocka_unit_test(info),
        cmocka_unit_test(memory_and_time),
        cmocka_unit_test(slowlog),
        cmocka_unit_test(latency),
        cmocka_unit_test(latency_spikes),
        cmocka_unit_test(debug),
        cmocka_unit_test(debug_is_off),
        cmocka_unit_test(debug_is_local),
        cmocka_unit_test(hits_and_misses),
        cmocka_unit_test(every_command_has_docs),
        cmocka_unit_test(missing_promises),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
