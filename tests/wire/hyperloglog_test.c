/* hyperloglog_test.c: commands on HyperLogLogs: their options, errors and replies, and the bytes that
 * Redis would keep. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define NOT_ONE    "-WRONGTYPE Key is not a valid HyperLogLog string value."
#define DAMAGED    "-INVALIDOBJ Corrupted HLL object detected"

static void counting(void **state)
{
    static const struct step steps[] = {
        {"PFADD h a b c d e f g", ":1"},
        {"PFCOUNT h", ":7"},
        {"PFCOUNT h", ":7"},
        {"PFADD h a b c", ":0"},
        {"PFADD h h", ":1"},
        {"PFCOUNT h", ":8"},
        {"PFADD h", ":0"},
        {"PFADD empty", ":1"},
        {"PFADD empty", ":0"},
        {"PFCOUNT empty", ":0"},
        {"PFCOUNT none", ":0"},
        {"PFCOUNT h none empty", ":8"},
        {"PFADD {x}a 1 2 3", ":1"},
        {"PFADD {x}b 3 4", ":1"},
        {"PFCOUNT {x}a {x}b {x}a", ":4"},
        {"PFMERGE {x}c {x}a {x}b", "+OK"},
        {"PFCOUNT {x}c", ":4"},
        {"PFMERGE {x}a", "+OK"},
        {"PFCOUNT {x}a", ":3"},
        {"PFMERGE {x}d none", "+OK"},
        {"PFCOUNT {x}d", ":0"},
        {"EXPIRE {x}a 100", ":1"},
        {"PFADD {x}a 9", ":1"},
        {"PFMERGE {x}a {x}b", "+OK"},
        {"PFCOUNT {x}a", ":5"},
        {"TTL {x}a", ":<40..100>"},
        {"TYPE h", "+string"},
        {"PFADD", "-ERR wrong number of arguments for 'pfadd' command"},
        {"PFCOUNT", "-ERR wrong number of arguments for 'pfcount' command"},
        {"PFMERGE", "-ERR wrong number of arguments for 'pfmerge' command"},
    };

    SCRIPT(*state, steps);
}

/* What GET shows can be SET again, here and there. */
static void bytes(void **state)
{
    static const struct step steps[] = {
        {"PFADD e", ":1"},
        {"GET e", "'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff'"},
        {"PFCOUNT e", ":0"},
        {"GET e", "'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x7f\\xff'"},
        {"PFADD h a b c", ":1"},
        {"GET h", "'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80`"
                  "\\xf3\\x80P\\xb1\\x84K\\xfb\\x80BZ'"},
        {"PFCOUNT h", ":3"},
        {"GETRANGE h 8 15", "'\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00'"},
        {"SET copy "
         "'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80`"
         "\\xf3\\x80P\\xb1\\x84K\\xfb\\x80BZ'",
         "+OK"},
        {"PFCOUNT copy", ":3"},
        {"PFADD copy a b c", ":0"},
        {"PFDEBUG DECODE copy", "<*>"},
        {"PFDEBUG TODENSE copy", ":1"},
        {"STRLEN copy", ":12304"},
        {"PFADD copy a b c", ":0"},
        {"PFADD copy d", ":1"},
        {"PFCOUNT copy", ":4"},
        {"PFCOUNT copy h", ":4"},
        {"PFMERGE h copy", "+OK"},
        {"STRLEN h", ":12304"},
        {"PFCOUNT h", ":4"},
    };

    SCRIPT(*state, steps);
}

static void forms(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET hll-sparse-max-bytes 3000", "+OK"},
        {"PFADD h a", ":1"},
        {"PFDEBUG ENCODING h", "+sparse"},
        {"PFDEBUG DECODE h", "'Z:12711 v:2,1 Z:3672'"},
        {"PFDEBUG TODENSE h", ":1"},
        {"PFDEBUG TODENSE h", ":0"},
        {"PFDEBUG encoding h", "+dense"},
        {"PFDEBUG DECODE h", "-ERR HLL encoding is not sparse"},
        {"PFDEBUG GETREG h", "[:0, <*>:0, :2, :0<*>:0]"},
        {"CONFIG SET hll-sparse-max-bytes 20", "+OK"},
        {"PFADD small a", ":1"},
        {"PFDEBUG ENCODING small", "+dense"},
        {"PFCOUNT small", ":1"},
        {"CONFIG SET hll-sparse-max-bytes 3000", "+OK"},
        {"PFDEBUG ENCODING none", "-ERR The specified key does not exist"},
        {"PFDEBUG WHAT h", "-ERR Unknown PFDEBUG subcommand 'WHAT'"},
        {"PFDEBUG ENCODING", "-ERR wrong number of arguments for 'pfdebug' command"},
        {"PFSELFTEST", "+OK"},
        {"PFSELFTEST x", "-ERR wrong number of arguments for 'pfselftest' command"},
    };

    SCRIPT(*state, steps);
}

static void strangers(void **state)
{
    static const struct step steps[] = {
        {"SET k v", "+OK"},
        {"PFADD k a", NOT_ONE},
        {"PFCOUNT k", NOT_ONE},
        {"PFCOUNT none k", NOT_ONE},
        {"PFMERGE none k", NOT_ONE},
        {"PFMERGE k none", NOT_ONE},
        {"PFDEBUG ENCODING k", NOT_ONE},
        {"EXISTS none", ":0"},
        {"SET k 123", "+OK"},
        {"PFADD k a", NOT_ONE},
        {"RPUSH l a", ":1"},
        {"PFADD l a", WRONG_TYPE},
        {"PFCOUNT l", WRONG_TYPE},
        {"PFCOUNT k l", NOT_ONE},
        {"PFMERGE l k", WRONG_TYPE},
        {"SET k 'HYLL\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80'", "+OK"},
        {"PFCOUNT k", NOT_ONE},
        {"SET k 'HYLL\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff'", "+OK"},
        {"PFCOUNT k", NOT_ONE},
        {"SET k 'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80'", "+OK"},
        {"PFCOUNT k", DAMAGED},
        {"PFADD k a", DAMAGED},
        {"SET k 'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f'", "+OK"},
        {"PFCOUNT k", DAMAGED},
        {"PFADD k a", DAMAGED, NULL, CAIRN_ONLY},
        {"PFMERGE none k", DAMAGED},
        {"SET k 'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff\\x80'", "+OK"},
        {"PFCOUNT k", DAMAGED},
        {"SET k 'HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xfe'", "+OK"},
        {"PFCOUNT k", DAMAGED},
        {"PFDEBUG TODENSE k", DAMAGED},
    };

    SCRIPT(*state, steps);
}

/* Any bytes behind a sound header are counted or refused, and nothing worse. */
static void any_bytes(void **state)
{
    static const char *const readers[] = {"PFCOUNT k",        "PFCOUNT k sound",  "PFMERGE to k",
                                          "PFADD k a b c",    "PFDEBUG GETREG k", "PFDEBUG DECODE k",
                                          "PFDEBUG TODENSE k"};
    enum { HEAD = 16, DENSE = HEAD + 12288 };
    static char value[DENSE];
    struct client *client = client_open(*state, 2);
    unsigned random = 1;
    EXPECT(client, "PFADD sound a b", "<*>");
    for (int round = 0; round < 700; round++) {
        bool dense = round % 8 == 0;
        memset(value, 0, HEAD);
        memcpy(value, "HYLL", 4);
        value[4] = dense ? 0 : 1;
        for (int i = HEAD; i < DENSE; i++) {
            random = random * 1103515245u + 12345u;
            value[i] = (char)(random >> 16);
        }
        size_t len = dense ? sizeof(value) : HEAD + (random >> 16) % (round % 2 ? 40 : 2000);
        client_send_argv(client, 3, (const char *[]){"SET", "k", value}, (size_t[]){3, 1, len});
        assert_string_equal(client_read(client), "+OK");
        const char *reader = readers[(unsigned)round % (sizeof(readers) / sizeof(readers[0]))];
        const char *reply = client_ask(client, reader);
        if (reply[0] == '-' && strcmp(reply, DAMAGED) != 0)
            assert_string_equal(reply, "-ERR HLL encoding is not sparse");
    }
    client_close(client);
}

/* Through the sparse form into the dense one, with estimates as Redis has them. */
static void many_elements(void **state)
{
    struct client *client = client_open(*state, 2);
    char line[32 * 1024];
    EXPECT(client, "FLUSHALL", "+OK");
    for (int round = 0; round < 100; round++) {
        char *at = line + sprintf(line, "PFADD h");
        for (int i = 0; i < 200; i++)
            at += sprintf(at, " element:%d", round * 200 + i);
        EXPECT(client, line, ":1");
        if (round == 0) EXPECT(client, "PFCOUNT h", ":200");
        if (round == 2) EXPECT(client, "PFDEBUG ENCODING h", "+sparse");
    }
    EXPECT(client, "PFDEBUG ENCODING h", "+dense");
    EXPECT(client, "PFCOUNT h", ":19986");
    EXPECT(client, "PFCOUNT h", ":19986");
    EXPECT(client, "PFCOUNT h none", ":19986");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting),  cmocka_unit_test(bytes),     cmocka_unit_test(forms),
        cmocka_unit_test(strangers), cmocka_unit_test(any_bytes), cmocka_unit_test(many_elements),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
