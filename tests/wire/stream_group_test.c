/* stream_group_test.c: consumer groups of streams: commands, options, errors and replies. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void xgroup(void **state)
{
    static const struct step steps[] = {
        {"XGROUP CREATE s g $",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."},
        {"XGROUP CREATE s g 0 MKSTREAM", "+OK"},
        {"XGROUP CREATE s g 0 MKSTREAM", "-BUSYGROUP Consumer Group name already exists"},
        {"XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"},
        {"XGROUP CREATE s h $ ENTRIESREAD 5", "+OK"},
        {"XGROUP CREATE s i 5-5 MKSTREAM ENTRIESREAD -1", "+OK"},
        {"XGROUP CREATE s j x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XGROUP CREATE s j 0 FOO",
         "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP."},
        {"XGROUP CREATE s j 0 ENTRIESREAD",
         "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP."},
        {"XGROUP CREATE s j 0 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"},
        {"XGROUP CREATE s j 0 ENTRIESREAD x", "-ERR value is not an integer or out of range"},
        {"XGROUP CREATE s j -", "-ERR Invalid stream ID specified as stream command argument"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :0], ['name', 'h', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', "
         "'entries-read', :5, 'lag', :0], ['name', 'i', 'consumers', :0, 'pending', :0, "
         "'last-delivered-id', '5-5', 'entries-read', nil, 'lag', :0]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :0}, {'name': 'h', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', "
         "'entries-read': :5, 'lag': :0}, {'name': 'i', 'consumers': :0, 'pending': :0, "
         "'last-delivered-id': '5-5', 'entries-read': nil, 'lag': :0}]"},
        {"XGROUP SETID s g 7-7", "+OK"},
        {"XGROUP SETID s g $ ENTRIESREAD 3", "+OK"},
        {"XGROUP SETID s none 7-7", "-NOGROUP No such consumer group 'none' for key name 's'"},
        {"XGROUP SETID none g 7-7",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."},
        {"XGROUP SETID s g -", "+OK"},
        {"XGROUP SETID s g +", "+OK"},
        {"XGROUP CREATE s other -", "-ERR Invalid stream ID specified as stream command argument"},
        {"XGROUP SETID s g x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XGROUP SETID s g 0 MKSTREAM",
         "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP."},
        {"XGROUP SETID s g 1-1 ENTRIESREAD 7", "+OK"},
        {"XGROUP CREATECONSUMER s g c", ":1"},
        {"XGROUP CREATECONSUMER s g c", ":0"},
        {"XGROUP CREATECONSUMER s g b", ":1"},
        {"XGROUP CREATECONSUMER s none b", "-NOGROUP No such consumer group 'none' for key name 's'"},
        {"XGROUP CREATECONSUMER none g b",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."},
        {"XGROUP DELCONSUMER s g b", ":0"},
        {"XGROUP DELCONSUMER s g b", ":0"},
        {"XGROUP DELCONSUMER s none b", "-NOGROUP No such consumer group 'none' for key name 's'"},
        {"XGROUP DELCONSUMER none g b",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."},
        {"XGROUP DESTROY s h", ":1"},
        {"XGROUP DESTROY s h", ":0"},
        {"XGROUP DESTROY none h",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :1, 'pending', :0, 'last-delivered-id', '1-1', 'entries-read', :7, "
         "'lag', :0], ['name', 'i', 'consumers', :0, 'pending', :0, 'last-delivered-id', '5-5', "
         "'entries-read', nil, 'lag', :0]]",
         "[{'name': 'g', 'consumers': :1, 'pending': :0, 'last-delivered-id': '1-1', 'entries-read': :7, "
         "'lag': :0}, {'name': 'i', 'consumers': :0, 'pending': :0, 'last-delivered-id': '5-5', "
         "'entries-read': nil, 'lag': :0}]"},
        {"XGROUP CREATE s", "-ERR wrong number of arguments for 'xgroup|create' command"},
        {"XGROUP FOO s g", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP."},
        {"XGROUP", "-ERR wrong number of arguments for 'xgroup' command"},
        {"XGROUP DESTROY s g x", "-ERR wrong number of arguments for 'xgroup|destroy' command"},
        {"SET str x", "+OK"},
        {"XGROUP CREATE str g 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XGROUP DESTROY str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XGROUP CREATE str g 0 MKSTREAM",
         "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xreadgroup(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XREADGROUP GROUP g c STREAMS s >",
         "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"},
        {"XGROUP CREATE s g 0", "+OK"},
        {"XGROUP CREATE s h $", "+OK"},
        {"XREADGROUP GROUP g c COUNT 2 STREAMS s >",
         "[['s', [['1-1', ['a', '1']], ['1-2', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['1-2', ['a', '2']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :1, 'pending', :2, 'last-delivered-id', '1-2', 'entries-read', :2, "
         "'lag', :1], ['name', 'h', 'consumers', :0, 'pending', :0, 'last-delivered-id', '1-3', "
         "'entries-read', nil, 'lag', :0]]",
         "[{'name': 'g', 'consumers': :1, 'pending': :2, 'last-delivered-id': '1-2', 'entries-read': :2, "
         "'lag': :1}, {'name': 'h', 'consumers': :0, 'pending': :0, 'last-delivered-id': '1-3', "
         "'entries-read': nil, 'lag': :0}]"},
        {"XREADGROUP GROUP g d STREAMS s >", "[['s', [['1-3', ['a', '3']]]]]", "{'s': [['1-3', ['a', '3']]]}"},
        {"XREADGROUP GROUP g d STREAMS s >", "nil"},
        {"XREADGROUP GROUP g d BLOCK 1 STREAMS s >", "nil"},
        {"XREADGROUP GROUP g c STREAMS s 0",
         "[['s', [['1-1', ['a', '1']], ['1-2', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['1-2', ['a', '2']]]}"},
        {"XREADGROUP GROUP g c COUNT 1 STREAMS s 0",
         "[['s', [['1-1', ['a', '1']]]]]",
         "{'s': [['1-1', ['a', '1']]]}"},
        {"XREADGROUP GROUP g c STREAMS s 1-1",
         "[['s', [['1-2', ['a', '2']]]]]",
         "{'s': [['1-2', ['a', '2']]]}"},
        {"XREADGROUP GROUP g e STREAMS s 0", "[['s', []]]", "{'s': []}"},
        {"XREADGROUP GROUP h c STREAMS s >", "nil"},
        {"XPENDING s g", "[:3, '1-1', '1-3', [['c', '2'], ['d', '1']]]"},
        {"XPENDING s g - + 10 c", "[['1-1', 'c', :<*>, :3], ['1-2', 'c', :<*>, :3]]"},
        {"XADD s 1-4 a 4", "'1-4'"},
        {"XREADGROUP GROUP g c NOACK STREAMS s >",
         "[['s', [['1-4', ['a', '4']]]]]",
         "{'s': [['1-4', ['a', '4']]]}"},
        {"XPENDING s g", "[:3, '1-1', '1-3', [['c', '2'], ['d', '1']]]"},
        {"XDEL s 1-1", ":1"},
        {"XREADGROUP GROUP g c STREAMS s 0",
         "[['s', [['1-1', nil], ['1-2', ['a', '2']]]]]",
         "{'s': [['1-1', nil], ['1-2', ['a', '2']]]}"},
        {"XGROUP SETID s g 0", "+OK"},
        {"XREADGROUP GROUP g d STREAMS s >",
         "[['s', [['1-2', ['a', '2']], ['1-3', ['a', '3']], ['1-4', ['a', '4']]]]]",
         "{'s': [['1-2', ['a', '2']], ['1-3', ['a', '3']], ['1-4', ['a', '4']]]}"},
        {"XPENDING s g", "[:4, '1-1', '1-4', [['c', '1'], ['d', '3']]]"},
        {"XACK s g 1-1 1-2 1-3 9-9", ":3"},
        {"XACK s g 1-1", ":0"},
        {"XACK s g x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XACK s none 1-1", ":0"},
        {"XACK s none x", ":0"},
        {"XACK none g x", ":0"},
        {"XPENDING s g", "[:1, '1-4', '1-4', [['d', '1']]]"},
        {"XREADGROUP GROUP g c STREAMS s $",
         "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."},
        {"XREADGROUP GROUP g c STREAMS s x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XREADGROUP GROUP g c STREAMS none >",
         "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option"},
        {"XREADGROUP GROUP none c STREAMS s >",
         "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option"},
        {"XREADGROUP GROUP g c COUNT x STREAMS s >", "-ERR value is not an integer or out of range"},
        {"XREADGROUP GROUP g c STREAMS s t >",
         "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.", CAIRN_ONLY},
        {"XREADGROUP GROUP g c BLOCK -5 STREAMS s >", "-ERR timeout is negative"},
        {"XREADGROUP COUNT 1 NOACK NOACK STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"},
        {"XREADGROUP GROUP g c STREAMS s 18446744073709551615-18446744073709551615", "nil"},
        {"XADD t 1-1 f v", "'1-1'"},
        {"XGROUP CREATE t g 0", "+OK"},
        {"XADD s 1-9 f v", "'1-9'"},
        {"XREADGROUP GROUP g c STREAMS s t > >",
         "[['s', [['1-9', ['f', 'v']]]], ['t', [['1-1', ['f', 'v']]]]]",
         "{'s': [['1-9', ['f', 'v']]], 't': [['1-1', ['f', 'v']]]}"},
        {"XREADGROUP GROUP g c STREAMS s t 0 >",
         "[['s', [['1-9', ['f', 'v']]]]]",
         "{'s': [['1-9', ['f', 'v']]]}"},
        {"XREADGROUP COUNT 1 GROUP streams c STREAMS s >",
         "-NOGROUP No such key 's' or consumer group 'streams' in XREADGROUP with GROUP option"},
        {"XGROUP DELCONSUMER s g c", ":1"},
        {"XGROUP DESTROY s g", ":1"},
        {"XINFO GROUPS s",
         "[['name', 'h', 'consumers', :1, 'pending', :0, 'last-delivered-id', '1-3', 'entries-read', nil, "
         "'lag', nil]]",
         "[{'name': 'h', 'consumers': :1, 'pending': :0, 'last-delivered-id': '1-3', 'entries-read': nil, "
         "'lag': nil}]", CAIRN_ONLY},
        {"SET str x", "+OK"},
        {"XREADGROUP GROUP g c STREAMS str >",
         "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XACK str g 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XACK s g", "-ERR wrong number of arguments for 'xack' command"},
    };

    SCRIPT(*state, steps);
}

static void xpending(void **state)
{
    static const struct step steps[] = {
        {"XGROUP CREATE s g 0 MKSTREAM", "+OK"},
        {"XPENDING s g", "[:0, nil, nil, nil]"},
        {"XPENDING s g - + 10", "[]"},
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XREADGROUP GROUP g b COUNT 1 STREAMS s >",
         "[['s', [['1-1', ['a', '1']]]]]",
         "{'s': [['1-1', ['a', '1']]]}"},
        {"XREADGROUP GROUP g a COUNT 2 STREAMS s >",
         "[['s', [['1-2', ['a', '2']], ['1-3', ['a', '3']]]]]",
         "{'s': [['1-2', ['a', '2']], ['1-3', ['a', '3']]]}"},
        {"XPENDING s g", "[:3, '1-1', '1-3', [['a', '2'], ['b', '1']]]"},
        {"XPENDING s g IDLE 100000 - + 10", "[]"},
        {"XPENDING s g - + 0", "[]"},
        {"XPENDING s g - + -5", "[]"},
        {"XPENDING s g - + 10 none", "[]"},
        {"XPENDING s g (1-3 + 10", "[]"},
        {"XPENDING s g - (1-1 10", "[]"},
        {"XPENDING s g - + x", "-ERR value is not an integer or out of range"},
        {"XPENDING s g x + 10", "-ERR Invalid stream ID specified as stream command argument"},
        {"XPENDING s g - x 10", "-ERR Invalid stream ID specified as stream command argument"},
        {"XPENDING s g - +", "-ERR syntax error"},
        {"XPENDING s g -", "-ERR syntax error"},
        {"XPENDING s g IDLE x - + 10", "-ERR value is not an integer or out of range"},
        {"XPENDING s g IDLE 1 - + ", "-ERR syntax error"},
        {"XPENDING s g - + 10 a b", "[['1-2', 'a', :<*>, :1], ['1-3', 'a', :<*>, :1]]"},
        {"XPENDING s g - + 10 a b c d", "-ERR syntax error"},
        {"XPENDING s none", "-NOGROUP No such key 's' or consumer group 'none'"},
        {"XPENDING none g", "-NOGROUP No such key 'none' or consumer group 'g'"},
        {"XPENDING s", "-ERR wrong number of arguments for 'xpending' command"},
        {"SET str x", "+OK"},
        {"XPENDING str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xclaim(void **state)
{
    static const struct step steps[] = {
        {"XGROUP CREATE s g 0 MKSTREAM", "+OK"},
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XADD s 1-4 a 4", "'1-4'"},
        {"XREADGROUP GROUP g a COUNT 3 STREAMS s >",
         "[['s', [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]]]]",
         "{'s': [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]]}"},
        {"XCLAIM s g b 0 1-1", "[['1-1', ['a', '1']]]"},
        {"XPENDING s g", "[:3, '1-1', '1-3', [['a', '2'], ['b', '1']]]"},
        {"XCLAIM s g b 100000 1-2", "[]"},
        {"XCLAIM s g b 0 1-2 JUSTID", "['1-2']"},
        {"XCLAIM s g b 0 1-4", "[]"},
        {"XCLAIM s g b 0 1-4 JUSTID FORCE", "['1-4']"},
        {"XCLAIM s g b 0 9-9 FORCE", "[]"},
        {"XPENDING s g", "[:4, '1-1', '1-4', [['a', '1'], ['b', '3']]]"},
        {"XCLAIM s g b 0 1-1 1-2 1-3 RETRYCOUNT 7 JUSTID IDLE 5000", "['1-1', '1-2', '1-3']"},
        {"XPENDING s g IDLE 4000 - (1-1 10", "[]"},
        {"XDEL s 1-1", ":1"},
        {"XCLAIM s g b 0 1-1", "[]"},
        {"XPENDING s g", "[:3, '1-2', '1-4', [['b', '3']]]"},
        {"XCLAIM s g b 0 1-2 LASTID 9-9", "[['1-2', ['a', '2']]]"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :2, 'pending', :3, 'last-delivered-id', '9-9', 'entries-read', :3, "
         "'lag', :1]]",
         "[{'name': 'g', 'consumers': :2, 'pending': :3, 'last-delivered-id': '9-9', 'entries-read': :3, "
         "'lag': :1}]"},
        {"XCLAIM s g c 0 1-2 TIME 1", "[['1-2', ['a', '2']]]"},
        {"XCLAIM s g c 0 1-2 IDLE -5 JUSTID", "['1-2']"},
        {"XCLAIM s g c -5 1-3 JUSTID", "['1-3']"},
        {"XCLAIM s g c x 1-2", "-ERR Invalid min-idle-time argument for XCLAIM"},
        {"XCLAIM s g c 0 1-2 FOO", "-ERR Unrecognized XCLAIM option 'FOO'"},
        {"XCLAIM s g c 0 1-2 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'"},
        {"XCLAIM s g c 0 1-2 IDLE x", "-ERR Invalid IDLE option argument for XCLAIM"},
        {"XCLAIM s g c 0 1-2 TIME x", "-ERR Invalid TIME option argument for XCLAIM"},
        {"XCLAIM s g c 0 1-2 RETRYCOUNT x", "-ERR Invalid RETRYCOUNT option argument for XCLAIM"},
        {"XCLAIM s g c 0 1-2 LASTID x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XCLAIM s g c 0 bad", "-ERR Unrecognized XCLAIM option 'bad'"},
        {"XCLAIM s none c 0 1-2", "-NOGROUP No such key 's' or consumer group 'none'"},
        {"XCLAIM none g c 0 1-2", "-NOGROUP No such key 'none' or consumer group 'g'"},
        {"XCLAIM s g c 0", "-ERR wrong number of arguments for 'xclaim' command"},
        {"SET str x", "+OK"},
        {"XCLAIM str g c 0 1-2", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xautoclaim(void **state)
{
    static const struct step steps[] = {
        {"XGROUP CREATE s g 0 MKSTREAM", "+OK"},
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XADD s 1-4 a 4", "'1-4'"},
        {"XREADGROUP GROUP g a STREAMS s >",
         "[['s', [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']], ['1-4', ['a', '4']]]]]",
         "{'s': [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']], ['1-4', ['a', '4']]]}"},
        {"XAUTOCLAIM s g b 0 - COUNT 2", "['1-3', [['1-1', ['a', '1']], ['1-2', ['a', '2']]], []]"},
        {"XAUTOCLAIM s g b 0 1-3 COUNT 1 JUSTID", "['1-4', ['1-3'], []]"},
        {"XAUTOCLAIM s g b 0 (1-3", "['0-0', [['1-4', ['a', '4']]], []]"},
        {"XAUTOCLAIM s g b 100000 0", "['0-0', [], []]"},
        {"XDEL s 1-2 1-3", ":2"},
        {"XAUTOCLAIM s g c 0 0 COUNT 2", "['1-3', [['1-1', ['a', '1']]], ['1-2']]"},
        {"XAUTOCLAIM s g c 0 1-3", "['0-0', [['1-4', ['a', '4']]], ['1-3']]"},
        {"XPENDING s g", "[:2, '1-1', '1-4', [['c', '2']]]"},
        {"XAUTOCLAIM s g c -1 0 JUSTID", "['0-0', ['1-1', '1-4'], []]"},
        {"XAUTOCLAIM s g c x 0", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"},
        {"XAUTOCLAIM s g c 0 x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XAUTOCLAIM s g c 0 0 COUNT 0", "-ERR COUNT must be > 0"},
        {"XAUTOCLAIM s g c 0 0 COUNT x", "-ERR COUNT must be > 0"},
        {"XAUTOCLAIM s g c 0 0 COUNT", "-ERR syntax error"},
        {"XAUTOCLAIM s g c 0 0 COUNT 9223372036854775807", "-ERR COUNT must be > 0"},
        {"XAUTOCLAIM s g c 0 0 FOO", "-ERR syntax error"},
        {"XAUTOCLAIM s g c 0 (18446744073709551615-18446744073709551615",
         "-ERR invalid start ID for the interval"},
        {"XAUTOCLAIM s none c 0 0", "-NOGROUP No such key 's' or consumer group 'none'"},
        {"XAUTOCLAIM none g c 0 0", "-NOGROUP No such key 'none' or consumer group 'g'"},
        {"XAUTOCLAIM s g c 0", "-ERR wrong number of arguments for 'xautoclaim' command"},
        {"SET str x", "+OK"},
        {"XAUTOCLAIM str g c 0 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xinfo(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XINFO STREAM s",
         "['length', :3, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :3, 'recorded-first-entry-id', '1-1', 'groups', "
         ":0, 'first-entry', ['1-1', ['a', '1']], 'last-entry', ['1-3', ['a', '3']]]",
         "{'length': :3, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :3, 'recorded-first-entry-id': '1-1', "
         "'groups': :0, 'first-entry': ['1-1', ['a', '1']], 'last-entry': ['1-3', ['a', '3']]}"},
        {"XGROUP CREATE s g 0", "+OK"},
        {"XREADGROUP GROUP g a COUNT 2 STREAMS s >",
         "[['s', [['1-1', ['a', '1']], ['1-2', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['1-2', ['a', '2']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :1, 'pending', :2, 'last-delivered-id', '1-2', 'entries-read', :2, "
         "'lag', :1]]",
         "[{'name': 'g', 'consumers': :1, 'pending': :2, 'last-delivered-id': '1-2', 'entries-read': :2, "
         "'lag': :1}]"},
        {"XINFO STREAM s FULL",
         "['length', :3, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :3, 'recorded-first-entry-id', '1-1', "
         "'entries', [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], 'groups', [['name', "
         "'g', 'last-delivered-id', '1-2', 'entries-read', :2, 'lag', :1, 'pel-count', :2, 'pending', "
         "[['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], 'consumers', [['name', 'a', 'seen-time', "
         ":<*>, 'active-time', :<*>, 'pel-count', :2, 'pending', [['1-1', :<*>, :1], ['1-2', :<*>, :1]]]]]]]",
         "{'length': :3, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :3, 'recorded-first-entry-id': '1-1', "
         "'entries': [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], "
         "'groups': [{'name': 'g', 'last-delivered-id': '1-2', 'entries-read': :2, 'lag': :1, "
         "'pel-count': :2, 'pending': [['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], "
         "'consumers': [{'name': 'a', 'seen-time': :<*>, 'active-time': :<*>, 'pel-count': :2, "
         "'pending': [['1-1', :<*>, :1], ['1-2', :<*>, :1]]}]}]}", CAIRN_ONLY},
        {"XINFO STREAM s FULL COUNT 1",
         "['length', :3, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :3, 'recorded-first-entry-id', '1-1', "
         "'entries', [['1-1', ['a', '1']]], 'groups', [['name', 'g', 'last-delivered-id', '1-2', "
         "'entries-read', :2, 'lag', :1, 'pel-count', :2, 'pending', [['1-1', 'a', :<*>, :1]], "
         "'consumers', [['name', 'a', 'seen-time', :<*>, 'active-time', :<*>, 'pel-count', :2, 'pending', "
         "[['1-1', :<*>, :1]]]]]]]",
         "{'length': :3, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :3, 'recorded-first-entry-id': '1-1', "
         "'entries': [['1-1', ['a', '1']]], 'groups': [{'name': 'g', 'last-delivered-id': '1-2', "
         "'entries-read': :2, 'lag': :1, 'pel-count': :2, 'pending': [['1-1', 'a', :<*>, :1]], "
         "'consumers': [{'name': 'a', 'seen-time': :<*>, 'active-time': :<*>, 'pel-count': :2, "
         "'pending': [['1-1', :<*>, :1]]}]}]}", CAIRN_ONLY},
        {"XINFO STREAM s FULL COUNT 0",
         "['length', :3, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :3, 'recorded-first-entry-id', '1-1', "
         "'entries', [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], 'groups', [['name', "
         "'g', 'last-delivered-id', '1-2', 'entries-read', :2, 'lag', :1, 'pel-count', :2, 'pending', "
         "[['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], 'consumers', [['name', 'a', 'seen-time', "
         ":<*>, 'active-time', :<*>, 'pel-count', :2, 'pending', [['1-1', :<*>, :1], ['1-2', :<*>, :1]]]]]]]",
         "{'length': :3, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :3, 'recorded-first-entry-id': '1-1', "
         "'entries': [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], "
         "'groups': [{'name': 'g', 'last-delivered-id': '1-2', 'entries-read': :2, 'lag': :1, "
         "'pel-count': :2, 'pending': [['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], "
         "'consumers': [{'name': 'a', 'seen-time': :<*>, 'active-time': :<*>, 'pel-count': :2, "
         "'pending': [['1-1', :<*>, :1], ['1-2', :<*>, :1]]}]}]}", CAIRN_ONLY},
        {"XINFO STREAM s full COUNT -1",
         "['length', :3, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :3, 'recorded-first-entry-id', '1-1', "
         "'entries', [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], 'groups', [['name', "
         "'g', 'last-delivered-id', '1-2', 'entries-read', :2, 'lag', :1, 'pel-count', :2, 'pending', "
         "[['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], 'consumers', [['name', 'a', 'seen-time', "
         ":<*>, 'active-time', :<*>, 'pel-count', :2, 'pending', [['1-1', :<*>, :1], ['1-2', :<*>, :1]]]]]]]",
         "{'length': :3, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :3, 'recorded-first-entry-id': '1-1', "
         "'entries': [['1-1', ['a', '1']], ['1-2', ['a', '2']], ['1-3', ['a', '3']]], "
         "'groups': [{'name': 'g', 'last-delivered-id': '1-2', 'entries-read': :2, 'lag': :1, "
         "'pel-count': :2, 'pending': [['1-1', 'a', :<*>, :1], ['1-2', 'a', :<*>, :1]], "
         "'consumers': [{'name': 'a', 'seen-time': :<*>, 'active-time': :<*>, 'pel-count': :2, "
         "'pending': [['1-1', :<*>, :1], ['1-2', :<*>, :1]]}]}]}", CAIRN_ONLY},
        {"XINFO CONSUMERS s g",
         "[['name', 'a', 'pending', :2, 'idle', :<*>, 'inactive', :<*>]]",
         "[{'name': 'a', 'pending': :2, 'idle': :<*>, 'inactive': :<*>}]", CAIRN_ONLY},
        {"XGROUP CREATECONSUMER s g idle", ":1"},
        {"XINFO CONSUMERS s g",
         "[['name', 'a', 'pending', :2, 'idle', :<*>, 'inactive', :<*>], ['name', 'idle', 'pending', :0, "
         "'idle', :<*>, 'inactive', :-1]]",
         "[{'name': 'a', 'pending': :2, 'idle': :<*>, 'inactive': :<*>}, {'name': 'idle', 'pending': :0, "
         "'idle': :<*>, 'inactive': :-1}]", CAIRN_ONLY},
        {"XINFO STREAM none", "-ERR no such key"},
        {"XINFO GROUPS none", "-ERR no such key"},
        {"XINFO CONSUMERS none g", "-ERR no such key"},
        {"XINFO CONSUMERS s none", "-NOGROUP No such consumer group 'none' for key name 's'"},
        {"XINFO STREAM s FOO",
         "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."},
        {"XINFO STREAM s FULL COUNT",
         "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."},
        {"XINFO STREAM s FULL COUNT x", "-ERR value is not an integer or out of range"},
        {"XINFO STREAM s FULL FOO 1",
         "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."},
        {"XINFO STREAM s FULL COUNT 1 2",
         "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."},
        {"XINFO STREAM", "-ERR wrong number of arguments for 'xinfo|stream' command"},
        {"XINFO FOO s", "-ERR unknown subcommand 'FOO'. Try XINFO HELP."},
        {"XGROUP CREATE empty g $ MKSTREAM", "+OK"},
        {"XINFO STREAM empty",
         "['length', :0, 'radix-tree-keys', :0, 'radix-tree-nodes', :1, 'last-generated-id', '0-0', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :0, 'recorded-first-entry-id', '0-0', 'groups', "
         ":1, 'first-entry', nil, 'last-entry', nil]",
         "{'length': :0, 'radix-tree-keys': :0, 'radix-tree-nodes': :1, 'last-generated-id': '0-0', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :0, 'recorded-first-entry-id': '0-0', "
         "'groups': :1, 'first-entry': nil, 'last-entry': nil}"},
        {"XINFO STREAM empty FULL",
         "['length', :0, 'radix-tree-keys', :0, 'radix-tree-nodes', :1, 'last-generated-id', '0-0', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :0, 'recorded-first-entry-id', '0-0', "
         "'entries', [], 'groups', [['name', 'g', 'last-delivered-id', '0-0', 'entries-read', nil, 'lag', "
         ":0, 'pel-count', :0, 'pending', [], 'consumers', []]]]",
         "{'length': :0, 'radix-tree-keys': :0, 'radix-tree-nodes': :1, 'last-generated-id': '0-0', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :0, 'recorded-first-entry-id': '0-0', "
         "'entries': [], 'groups': [{'name': 'g', 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :0, 'pel-count': :0, 'pending': [], 'consumers': []}]}"},
        {"XINFO GROUPS empty",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :0]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :0}]"},
        {"XINFO CONSUMERS empty g", "[]"},
        {"SET str x", "+OK"},
        {"XINFO STREAM str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XINFO GROUPS str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XINFO CONSUMERS str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void lag(void **state)
{
    static const struct step steps[] = {
        {"XGROUP CREATE s g $ MKSTREAM", "+OK"},
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 2-1 a 1", "'2-1'"},
        {"XADD s 3-1 a 1", "'3-1'"},
        {"XADD s 4-1 a 1", "'4-1'"},
        {"XADD s 5-1 a 1", "'5-1'"},
        {"XGROUP CREATE s g1 0", "+OK"},
        {"XGROUP CREATE s g2 0", "+OK"},
        {"XREADGROUP GROUP g1 c COUNT 1 STREAMS s >",
         "[['s', [['1-1', ['a', '1']]]]]",
         "{'s': [['1-1', ['a', '1']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :5], ['name', 'g1', 'consumers', :1, 'pending', :1, 'last-delivered-id', '1-1', "
         "'entries-read', :1, 'lag', :4], ['name', 'g2', 'consumers', :0, 'pending', :0, "
         "'last-delivered-id', '0-0', 'entries-read', nil, 'lag', :5]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :5}, {'name': 'g1', 'consumers': :1, 'pending': :1, 'last-delivered-id': '1-1', "
         "'entries-read': :1, 'lag': :4}, {'name': 'g2', 'consumers': :0, 'pending': :0, "
         "'last-delivered-id': '0-0', 'entries-read': nil, 'lag': :5}]"},
        {"XREADGROUP GROUP g1 c COUNT 1 STREAMS s >",
         "[['s', [['2-1', ['a', '1']]]]]",
         "{'s': [['2-1', ['a', '1']]]}"},
        {"XREADGROUP GROUP g2 c COUNT 4 STREAMS s >",
         "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '1']], ['3-1', ['a', '1']], ['4-1', ['a', '1']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '1']], ['3-1', ['a', '1']], ['4-1', ['a', '1']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :5], ['name', 'g1', 'consumers', :1, 'pending', :2, 'last-delivered-id', '2-1', "
         "'entries-read', :2, 'lag', :3], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :1]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :5}, {'name': 'g1', 'consumers': :1, 'pending': :2, 'last-delivered-id': '2-1', "
         "'entries-read': :2, 'lag': :3}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :1}]"},
        {"XDEL s 3-1", ":1"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', nil], ['name', 'g1', 'consumers', :1, 'pending', :2, 'last-delivered-id', '2-1', "
         "'entries-read', :2, 'lag', nil], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :1]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': nil}, {'name': 'g1', 'consumers': :1, 'pending': :2, 'last-delivered-id': '2-1', "
         "'entries-read': :2, 'lag': nil}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :1}]"},
        {"XREADGROUP GROUP g1 c COUNT 1 STREAMS s >",
         "[['s', [['4-1', ['a', '1']]]]]",
         "{'s': [['4-1', ['a', '1']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', nil], ['name', 'g1', 'consumers', :1, 'pending', :3, 'last-delivered-id', '4-1', "
         "'entries-read', nil, 'lag', nil], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :1]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': nil}, {'name': 'g1', 'consumers': :1, 'pending': :3, 'last-delivered-id': '4-1', "
         "'entries-read': nil, 'lag': nil}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :1}]", CAIRN_ONLY},
        {"XREADGROUP GROUP g1 c STREAMS s >",
         "[['s', [['5-1', ['a', '1']]]]]",
         "{'s': [['5-1', ['a', '1']]]}"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', nil], ['name', 'g1', 'consumers', :1, 'pending', :4, 'last-delivered-id', '5-1', "
         "'entries-read', :5, 'lag', :0], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :1]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': nil}, {'name': 'g1', 'consumers': :1, 'pending': :4, 'last-delivered-id': '5-1', "
         "'entries-read': :5, 'lag': :0}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :1}]", CAIRN_ONLY},
        {"XADD s 6-1 a 1", "'6-1'"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', nil], ['name', 'g1', 'consumers', :1, 'pending', :4, 'last-delivered-id', '5-1', "
         "'entries-read', :5, 'lag', :1], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :2]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': nil}, {'name': 'g1', 'consumers': :1, 'pending': :4, 'last-delivered-id': '5-1', "
         "'entries-read': :5, 'lag': :1}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :2}]", CAIRN_ONLY},
        {"XDEL s 1-1 2-1", ":2"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :3], ['name', 'g1', 'consumers', :1, 'pending', :4, 'last-delivered-id', '5-1', "
         "'entries-read', :5, 'lag', :1], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :2]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :3}, {'name': 'g1', 'consumers': :1, 'pending': :4, 'last-delivered-id': '5-1', "
         "'entries-read': :5, 'lag': :1}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :2}]", CAIRN_ONLY},
        {"XGROUP CREATE s g3 2-5", "+OK"},
        {"XGROUP CREATE s g4 4-1", "+OK"},
        {"XGROUP CREATE s g5 $", "+OK"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :3], ['name', 'g1', 'consumers', :1, 'pending', :4, 'last-delivered-id', '5-1', "
         "'entries-read', :5, 'lag', :1], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :2], ['name', 'g3', 'consumers', :0, "
         "'pending', :0, 'last-delivered-id', '2-5', 'entries-read', nil, 'lag', :3], ['name', 'g4', "
         "'consumers', :0, 'pending', :0, 'last-delivered-id', '4-1', 'entries-read', nil, 'lag', :2], "
         "['name', 'g5', 'consumers', :0, 'pending', :0, 'last-delivered-id', '6-1', 'entries-read', nil, "
         "'lag', :0]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :3}, {'name': 'g1', 'consumers': :1, 'pending': :4, 'last-delivered-id': '5-1', "
         "'entries-read': :5, 'lag': :1}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :2}, {'name': 'g3', 'consumers': :0, "
         "'pending': :0, 'last-delivered-id': '2-5', 'entries-read': nil, 'lag': :3}, {'name': 'g4', "
         "'consumers': :0, 'pending': :0, 'last-delivered-id': '4-1', 'entries-read': nil, 'lag': :2}, "
         "{'name': 'g5', 'consumers': :0, 'pending': :0, 'last-delivered-id': '6-1', 'entries-read': nil, "
         "'lag': :0}]", CAIRN_ONLY},
        {"XTRIM s MAXLEN 0", ":3"},
        {"XINFO GROUPS s",
         "[['name', 'g', 'consumers', :0, 'pending', :0, 'last-delivered-id', '0-0', 'entries-read', nil, "
         "'lag', :0], ['name', 'g1', 'consumers', :1, 'pending', :4, 'last-delivered-id', '5-1', "
         "'entries-read', :5, 'lag', :0], ['name', 'g2', 'consumers', :1, 'pending', :4, "
         "'last-delivered-id', '4-1', 'entries-read', :4, 'lag', :0], ['name', 'g3', 'consumers', :0, "
         "'pending', :0, 'last-delivered-id', '2-5', 'entries-read', nil, 'lag', :0], ['name', 'g4', "
         "'consumers', :0, 'pending', :0, 'last-delivered-id', '4-1', 'entries-read', nil, 'lag', :0], "
         "['name', 'g5', 'consumers', :0, 'pending', :0, 'last-delivered-id', '6-1', 'entries-read', nil, "
         "'lag', :0]]",
         "[{'name': 'g', 'consumers': :0, 'pending': :0, 'last-delivered-id': '0-0', 'entries-read': nil, "
         "'lag': :0}, {'name': 'g1', 'consumers': :1, 'pending': :4, 'last-delivered-id': '5-1', "
         "'entries-read': :5, 'lag': :0}, {'name': 'g2', 'consumers': :1, 'pending': :4, "
         "'last-delivered-id': '4-1', 'entries-read': :4, 'lag': :0}, {'name': 'g3', 'consumers': :0, "
         "'pending': :0, 'last-delivered-id': '2-5', 'entries-read': nil, 'lag': :0}, {'name': 'g4', "
         "'consumers': :0, 'pending': :0, 'last-delivered-id': '4-1', 'entries-read': nil, 'lag': :0}, "
         "{'name': 'g5', 'consumers': :0, 'pending': :0, 'last-delivered-id': '6-1', 'entries-read': nil, "
         "'lag': :0}]", CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xgroup),
        cmocka_unit_test(xreadgroup),
        cmocka_unit_test(xpending),
        cmocka_unit_test(xclaim),
        cmocka_unit_test(xautoclaim),
        cmocka_unit_test(xinfo),
        cmocka_unit_test(lag),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
