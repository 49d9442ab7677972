/* stream_test.c: entries of streams: commands, options, errors and replies. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void xadd(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 f v", "'1-1'"},
        {"XADD s 1-* f v", "'1-2'"},
        {"XADD s 1-1 f v",
         "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
        {"XADD s 1-2 f v",
         "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
        {"XADD s 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"},
        {"XADD new 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"},
        {"XADD new 0-* f v", "'0-1'"},
        {"XADD new2 0-1 a 1 b 2", "'0-1'"},
        {"XADD s 5 f v", "'5-0'"},
        {"XADD s 5-* f v", "'5-1'"},
        {"XADD s 5-18446744073709551614 f v", "'5-18446744073709551614'"},
        {"XADD s 5-* f v", "'5-18446744073709551615'"},
        {"XADD s 5-* f v",
         "-ERR The ID specified in XADD is equal or smaller than the target stream top item", CAIRN_ONLY},
        {"XADD s 6-* f v g w", "'6-0'"},
        {"XADD s * f", "-ERR wrong number of arguments for 'xadd' command"},
        {"XADD s * f v g", "-ERR wrong number of arguments for 'xadd' command"},
        {"XADD s MAXLEN", "-ERR wrong number of arguments for 'xadd' command"},
        {"XADD s bad f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s 7- f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s -7 f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s - f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s + f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s 7-1-1 f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s 7-x f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s 99999999999999999999 f v", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD s 18446744073709551615-18446744073709551615 f v",
         "'18446744073709551615-18446744073709551615'"},
        {"XADD s * f v", "-ERR The stream has exhausted the last possible ID, unable to add more items"},
        {"XADD s 18446744073709551615-* f v",
         "-ERR The stream has exhausted the last possible ID, unable to add more items"},
        {"XLEN s", ":8"},
        {"XADD none NOMKSTREAM * f v", "nil"},
        {"EXISTS none", ":0"},
        {"XADD new2 NOMKSTREAM 1-1 c 3", "'1-1'"},
        {"XRANGE new2 - +", "[['0-1', ['a', '1', 'b', '2']], ['1-1', ['c', '3']]]"},
        {"XADD str", "-ERR wrong number of arguments for 'xadd' command"},
        {"SET str x", "+OK"},
        {"XADD str * f v", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XLEN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XLEN none", ":0"},
        {"XADD m MAXLEN 2 1-1 f 1", "'1-1'"},
        {"XADD m MAXLEN 2 1-2 f 2", "'1-2'"},
        {"XADD m MAXLEN = 2 1-3 f 3", "'1-3'"},
        {"XRANGE m - +", "[['1-2', ['f', '2']], ['1-3', ['f', '3']]]"},
        {"XADD m MINID 1-3 1-4 f 4", "'1-4'"},
        {"XADD m MINID = 1-4 1-5 f 4", "'1-5'"},
        {"XRANGE m - +", "[['1-4', ['f', '4']], ['1-5', ['f', '4']]]"},
        {"XADD m MAXLEN ~ 0 1-6 f 5", "'1-6'"},
        {"XADD m MAXLEN ~ 0 LIMIT 5 1-7 f 5", "'1-7'"},
        {"XADD m MAXLEN -1 * f 5", "-ERR The MAXLEN argument must be >= 0."},
        {"XADD m MAXLEN x * f 5", "-ERR value is not an integer or out of range"},
        {"XADD m MAXLEN 5 MINID 1 * f 5",
         "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"},
        {"XADD m MINID 5 MAXLEN 1 * f 5",
         "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"},
        {"XADD m MAXLEN 5 MAXLEN 1 * f 5",
         "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"},
        {"XADD m LIMIT 5 * f 5",
         "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"},
        {"XADD m MAXLEN 5 LIMIT 5 * f 5",
         "-ERR syntax error, LIMIT cannot be used without the special ~ option"},
        {"XADD m MAXLEN ~ 5 LIMIT -1 * f 5", "-ERR The LIMIT argument must be >= 0."},
        {"XADD m MAXLEN ~ 5 LIMIT x * f 5", "-ERR value is not an integer or out of range"},
        {"XADD m MINID - 1-8 f 5", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD m MINID x 1-9 f 5", "-ERR Invalid stream ID specified as stream command argument"},
        {"XADD m MAXLEN ~ 5 LIMIT 0 1-8 f 5", "'1-8'"},
        {"XLEN m", ":1"},
        {"XADD m NOMKSTREAM MAXLEN 0 2-1 f 5", "'2-1'"},
        {"XLEN m", ":0"},
        {"XADD m 2-2 '' ''", "'2-2'"},
        {"XADD m 2-3 1 2 3 4", "'2-3'"},
        {"XADD m 2-4 1 -2 3 04", "'2-4'"},
        {"XADD m 2-5 f -9223372036854775808", "'2-5'"},
        {"XADD m 2-6 f 9223372036854775807", "'2-6'"},
        {"XADD m 2-7 f 'a\\x00\\r\\n'", "'2-7'"},
        {"XRANGE m - +",
         "[['2-2', ['', '']], ['2-3', ['1', '2', '3', '4']], ['2-4', ['1', '-2', '3', '04']], ['2-5', "
         "['f', '-9223372036854775808']], ['2-6', ['f', '9223372036854775807']], ['2-7', ['f', "
         "'a\\x00\\r\\n']]]"},
        {"TYPE m", "+stream"},
        {"OBJECT ENCODING m", "'stream'"},
        {"XADD", "-ERR wrong number of arguments for 'xadd' command"},
        {"XADD m 1", "-ERR wrong number of arguments for 'xadd' command"},
    };

    SCRIPT(*state, steps);
}

static void xrange(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 2-0 a 3 b 4", "'2-0'"},
        {"XADD s 3-5 a 5", "'3-5'"},
        {"XADD s 4-0 c 6", "'4-0'"},
        {"XRANGE s - +",
         "[['1-1', ['a', '1']], ['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']], ['3-5', ['a', '5']], "
         "['4-0', ['c', '6']]]"},
        {"XREVRANGE s + -",
         "[['4-0', ['c', '6']], ['3-5', ['a', '5']], ['2-0', ['a', '3', 'b', '4']], ['1-2', ['a', '2']], "
         "['1-1', ['a', '1']]]"},
        {"XRANGE s 1-2 3", "[['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']], ['3-5', ['a', '5']]]"},
        {"XRANGE s 1 2", "[['1-1', ['a', '1']], ['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']]]"},
        {"XRANGE s 2 2", "[['2-0', ['a', '3', 'b', '4']]]"},
        {"XRANGE s 3 3", "[['3-5', ['a', '5']]]"},
        {"XRANGE s (1-1 +",
         "[['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']], ['3-5', ['a', '5']], ['4-0', ['c', '6']]]"},
        {"XRANGE s (1 (3-5", "[['1-1', ['a', '1']], ['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']]]"},
        {"XRANGE s - (2-0", "[['1-1', ['a', '1']], ['1-2', ['a', '2']]]"},
        {"XREVRANGE s (4-0 (1-1",
         "[['3-5', ['a', '5']], ['2-0', ['a', '3', 'b', '4']], ['1-2', ['a', '2']]]"},
        {"XREVRANGE s 3 2", "[['3-5', ['a', '5']], ['2-0', ['a', '3', 'b', '4']]]"},
        {"XREVRANGE s - +", "[]"},
        {"XRANGE s + -", "[]"},
        {"XRANGE s - + COUNT 2", "[['1-1', ['a', '1']], ['1-2', ['a', '2']]]"},
        {"XRANGE s - + count 0", "nil"},
        {"XRANGE s - + COUNT -3", "nil"},
        {"XREVRANGE s + - COUNT 2", "[['4-0', ['c', '6']], ['3-5', ['a', '5']]]"},
        {"XREVRANGE s + - COUNT 0", "nil"},
        {"XRANGE none - + COUNT 0", "[]"},
        {"XRANGE none - +", "[]"},
        {"XRANGE s - + COUNT", "-ERR syntax error"},
        {"XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"},
        {"XRANGE s - + FOO 1", "-ERR syntax error"},
        {"XRANGE s - + COUNT 1 COUNT 3",
         "[['1-1', ['a', '1']], ['1-2', ['a', '2']], ['2-0', ['a', '3', 'b', '4']]]"},
        {"XRANGE s x +", "-ERR Invalid stream ID specified as stream command argument"},
        {"XRANGE s - x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XRANGE s (- +", "-ERR Invalid stream ID specified as stream command argument"},
        {"XRANGE s - (+", "-ERR Invalid stream ID specified as stream command argument"},
        {"XRANGE s ( +", "-ERR Invalid stream ID specified as stream command argument"},
        {"XRANGE s (18446744073709551615-18446744073709551615 +", "-ERR invalid start ID for the interval"},
        {"XRANGE s - (0-0", "-ERR invalid end ID for the interval"},
        {"XRANGE s 18446744073709551615 +", "[]"},
        {"XRANGE s -", "-ERR wrong number of arguments for 'xrange' command"},
        {"SET str x", "+OK"},
        {"XRANGE str - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XREVRANGE str + -", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xdel(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XDEL s 1-2", ":1"},
        {"XDEL s 1-2", ":0"},
        {"XDEL s 1-2 1-1 9-9", ":1"},
        {"XRANGE s - +", "[['1-3', ['a', '3']]]"},
        {"XREVRANGE s + -", "[['1-3', ['a', '3']]]"},
        {"XLEN s", ":1"},
        {"XDEL s x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XDEL s 1-3 x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XDEL s -", "-ERR Invalid stream ID specified as stream command argument"},
        {"XDEL none x", ":0"},
        {"XDEL none 1-1", ":0"},
        {"XDEL s 1-3", ":1"},
        {"XLEN s", ":0"},
        {"EXISTS s", ":1"},
        {"XRANGE s - +", "[]"},
        {"XINFO STREAM s",
         "['length', :0, 'radix-tree-keys', :0, 'radix-tree-nodes', :1, 'last-generated-id', '1-3', "
         "'max-deleted-entry-id', '1-3', 'entries-added', :3, 'recorded-first-entry-id', '0-0', 'groups', "
         ":0, 'first-entry', nil, 'last-entry', nil]",
         "{'length': :0, 'radix-tree-keys': :0, 'radix-tree-nodes': :1, 'last-generated-id': '1-3', "
         "'max-deleted-entry-id': '1-3', 'entries-added': :3, 'recorded-first-entry-id': '0-0', "
         "'groups': :0, 'first-entry': nil, 'last-entry': nil}"},
        {"XADD s 1-3 a 1",
         "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
        {"XADD s 1-4 a 1", "'1-4'"},
        {"XADD s 1-5 b 1", "'1-5'"},
        {"XDEL s 1-4 1-5", ":2"},
        {"XADD s 1-6 b 1", "'1-6'"},
        {"XRANGE s - +", "[['1-6', ['b', '1']]]"},
        {"SET str x", "+OK"},
        {"XDEL str 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XDEL s", "-ERR wrong number of arguments for 'xdel' command"},
    };

    SCRIPT(*state, steps);
}

static void xtrim(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET stream-node-max-entries 10", "+OK"},
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 1-2 a 2", "'1-2'"},
        {"XADD s 1-3 a 3", "'1-3'"},
        {"XADD s 1-4 a 4", "'1-4'"},
        {"XADD s 1-5 a 5", "'1-5'"},
        {"XADD s 1-6 a 6", "'1-6'"},
        {"XADD s 1-7 a 7", "'1-7'"},
        {"XADD s 1-8 a 8", "'1-8'"},
        {"XADD s 1-9 a 9", "'1-9'"},
        {"XADD s 1-10 a 10", "'1-10'"},
        {"XADD s 1-11 a 11", "'1-11'"},
        {"XADD s 1-12 a 12", "'1-12'"},
        {"XADD s 1-13 a 13", "'1-13'"},
        {"XTRIM s MAXLEN ~ 5", ":0"},
        {"XTRIM s MAXLEN ~ 3", ":10"},
        {"XLEN s", ":3"},
        {"XTRIM s MAXLEN ~ 3", ":0"},
        {"XTRIM s MAXLEN 2", ":1"},
        {"XTRIM s MAXLEN 2", ":0"},
        {"XTRIM s MAXLEN = 1", ":1"},
        {"XTRIM s MINID 1-13", ":0"},
        {"XTRIM s MINID 1-14", ":1"},
        {"XTRIM s MAXLEN 0", ":0"},
        {"XLEN s", ":0"},
        {"XINFO STREAM s",
         "['length', :0, 'radix-tree-keys', :0, 'radix-tree-nodes', :1, 'last-generated-id', '1-13', "
         "'max-deleted-entry-id', '0-0', 'entries-added', :13, 'recorded-first-entry-id', '0-0', "
         "'groups', :0, 'first-entry', nil, 'last-entry', nil]",
         "{'length': :0, 'radix-tree-keys': :0, 'radix-tree-nodes': :1, 'last-generated-id': '1-13', "
         "'max-deleted-entry-id': '0-0', 'entries-added': :13, 'recorded-first-entry-id': '0-0', "
         "'groups': :0, 'first-entry': nil, 'last-entry': nil}"},
        {"XADD s 2-1 a 1", "'2-1'"},
        {"XADD s 2-2 a 1", "'2-2'"},
        {"XADD s 2-3 a 1", "'2-3'"},
        {"XTRIM s MINID ~ 2-3", ":0"},
        {"XTRIM s MINID ~ 3-3 LIMIT 2", ":0"},
        {"XTRIM s MINID ~ 3-3 LIMIT 3", ":3"},
        {"XTRIM none MAXLEN 5", ":0"},
        {"XTRIM s MAXLEN", "-ERR wrong number of arguments for 'xtrim' command"},
        {"XTRIM s FOO 5", "-ERR syntax error"},
        {"XTRIM s MAXLEN 5 FOO", "-ERR syntax error"},
        {"XTRIM s MAXLEN ~", "-ERR value is not an integer or out of range"},
        {"XTRIM s LIMIT 5", "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"},
        {"XTRIM s LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"},
        {"XTRIM s LIMIT 5 MAXLEN 3", "-ERR syntax error, LIMIT cannot be used without the special ~ option"},
        {"XTRIM s MAXLEN 5 LIMIT 3", "-ERR syntax error, LIMIT cannot be used without the special ~ option"},
        {"XTRIM s MAXLEN -5", "-ERR The MAXLEN argument must be >= 0."},
        {"XTRIM s MAXLEN x", "-ERR value is not an integer or out of range"},
        {"XTRIM s MINID x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XTRIM s MAXLEN 1 MINID 1",
         "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"},
        {"XTRIM s", "-ERR wrong number of arguments for 'xtrim' command"},
        {"XTRIM s NOMKSTREAM MAXLEN 1", "-ERR syntax error"},
        {"SET str x", "+OK"},
        {"XTRIM str MAXLEN 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XTRIM str MAXLEN x", "-ERR value is not an integer or out of range"},
        {"CONFIG SET stream-node-max-entries 100", "+OK"},
    };

    SCRIPT(*state, steps);
}

static void xsetid(void **state)
{
    static const struct step steps[] = {
        {"XSETID none 1-1", "-ERR no such key"},
        {"XADD s 5-5 a 1", "'5-5'"},
        {"XSETID s 5-4", "-ERR The ID specified in XSETID is smaller than the target stream top item"},
        {"XSETID s 6-6", "+OK"},
        {"XADD s 6-6 a 1",
         "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
        {"XSETID s 7-7 ENTRIESADDED 10 MAXDELETEDID 3-3", "+OK"},
        {"XINFO STREAM s",
         "['length', :1, 'radix-tree-keys', :1, 'radix-tree-nodes', :2, 'last-generated-id', '7-7', "
         "'max-deleted-entry-id', '3-3', 'entries-added', :10, 'recorded-first-entry-id', '5-5', "
         "'groups', :0, 'first-entry', ['5-5', ['a', '1']], 'last-entry', ['5-5', ['a', '1']]]",
         "{'length': :1, 'radix-tree-keys': :1, 'radix-tree-nodes': :2, 'last-generated-id': '7-7', "
         "'max-deleted-entry-id': '3-3', 'entries-added': :10, 'recorded-first-entry-id': '5-5', "
         "'groups': :0, 'first-entry': ['5-5', ['a', '1']], 'last-entry': ['5-5', ['a', '1']]}"},
        {"XSETID s 7-7 ENTRIESADDED 0",
         "-ERR The entries_added specified in XSETID is smaller than the target stream length"},
        {"XSETID s 7-7 ENTRIESADDED -1", "-ERR entries_added must be positive"},
        {"XSETID s 7-7 ENTRIESADDED x", "-ERR value is not an integer or out of range"},
        {"XSETID s 7-7 MAXDELETEDID 8-8",
         "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"},
        {"XSETID s 7-7 MAXDELETEDID x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XSETID s 7-7 FOO 1", "-ERR syntax error"},
        {"XSETID s 7-7 ENTRIESADDED", "-ERR syntax error"},
        {"XSETID s x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XSETID s -", "-ERR Invalid stream ID specified as stream command argument"},
        {"XSETID s", "-ERR wrong number of arguments for 'xsetid' command"},
        {"XSETID s 8 MAXDELETEDID 7-7", "+OK"},
        {"XDEL s 5-5", ":1"},
        {"XSETID s 6-6", "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
         CAIRN_ONLY},
        {"XSETID s 7-7", "+OK"},
        {"SET str x", "+OK"},
        {"XSETID str 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void xread(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XADD s 2-1 a 2", "'2-1'"},
        {"XADD t 1-1 b 1", "'1-1'"},
        {"XREAD STREAMS s 0", "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]]}"},
        {"XREAD STREAMS s t 0 0",
         "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]], ['t', [['1-1', ['b', '1']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]], 't': [['1-1', ['b', '1']]]}"},
        {"XREAD STREAMS s t 2-1 0-1", "[['t', [['1-1', ['b', '1']]]]]", "{'t': [['1-1', ['b', '1']]]}"},
        {"XREAD STREAMS s t 2-1 1-1", "nil"},
        {"XREAD COUNT 1 STREAMS s t 0 0", "[['s', [['1-1', ['a', '1']]]], ['t', [['1-1', ['b', '1']]]]]",
         "{'s': [['1-1', ['a', '1']]], 't': [['1-1', ['b', '1']]]}"},
        {"XREAD COUNT -1 STREAMS s 0", "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]]}"},
        {"XREAD STREAMS none 0", "nil"},
        {"XREAD STREAMS none s 0 1", "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]]}"},
        {"XREAD STREAMS s $", "nil"},
        {"XREAD BLOCK 1 STREAMS s $", "nil"},
        {"XREAD BLOCK 10 COUNT 2 STREAMS s 0", "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]]}"},
        {"XREAD STREAMS s s 0 1-1",
         "[['s', [['1-1', ['a', '1']], ['2-1', ['a', '2']]]], ['s', [['2-1', ['a', '2']]]]]",
         "{'s': [['1-1', ['a', '1']], ['2-1', ['a', '2']]], 's': [['2-1', ['a', '2']]]}"},
        {"XREAD COUNT x STREAMS s 0", "-ERR value is not an integer or out of range"},
        {"XREAD BLOCK x STREAMS s 0", "-ERR timeout is not an integer or out of range"},
        {"XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative"},
        {"XREAD STREAMS s x", "-ERR Invalid stream ID specified as stream command argument"},
        {"XREAD STREAMS s >", "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                              "<group> <consumer> option."},
        {"XREAD STREAMS s -", "-ERR Invalid stream ID specified as stream command argument"},
        {"XREAD GROUP g c STREAMS s 0",
         "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."},
        {"XREAD NOACK STREAMS s 0",
         "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."},
        {"XREAD FOO STREAMS s 0", "-ERR syntax error"},
        {"XREAD COUNT 1 BLOCK 1", "-ERR syntax error"},
        {"XREAD STREAMS s 18446744073709551615-18446744073709551615", "nil"},
        {"SET str x", "+OK"},
        {"XREAD STREAMS str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"XREAD STREAMS s str 0 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

static void keys(void **state)
{
    static const struct step steps[] = {
        {"XADD s 1-1 a 1", "'1-1'"},
        {"XGROUP CREATE s g 0", "+OK"},
        {"XREADGROUP GROUP g c STREAMS s >", "[['s', [['1-1', ['a', '1']]]]]",
         "{'s': [['1-1', ['a', '1']]]}"},
        {"COPY s t", ":1"},
        {"XRANGE t - +", "[['1-1', ['a', '1']]]"},
        {"XPENDING t g", "[:1, '1-1', '1-1', [['c', '1']]]"},
        {"RENAME t u", "+OK"},
        {"XPENDING u g", "[:1, '1-1', '1-1', [['c', '1']]]"},
        {"EXPIRE u 100", ":1"},
        {"XADD u 2-1 b 2", "'2-1'"},
        {"TTL u", ":<40..100>"},
        {"DEL s", ":1"},
        {"EXISTS s", ":0"},
        {"UNLINK u", ":1"},
        {"DBSIZE", ":0"},
    };

    SCRIPT(*state, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xadd),   cmocka_unit_test(xrange), cmocka_unit_test(xdel), cmocka_unit_test(xtrim),
        cmocka_unit_test(xsetid), cmocka_unit_test(xread),  cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
