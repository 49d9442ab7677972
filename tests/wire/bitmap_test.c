/* bitmap_test.c: the bitmap commands, their options, errors and replies. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void single_bits(void **state)
{
    static const struct step steps[] = {
        {"GETBIT k 0", ":0"},
        {"SETBIT k 7 1", ":0"},
        {"GET k", "'\\x01'"},
        {"SETBIT k 7 1", ":1"},
        {"SETBIT k 0 1", ":0"},
        {"GET k", "'\\x81'"},
        {"SETBIT k 7 0", ":1"},
        {"SETBIT k 23 0", ":0"},
        {"GET k", "'\\x80\\x00\\x00'"},
        {"GETBIT k 0", ":1"},
        {"GETBIT k 1", ":0"},
        {"GETBIT k 1000000", ":0"},
        {"SET n 1", "+OK"},
        {"GETBIT n 7", ":1"},
        {"SETBIT n 6 1", ":0"},
        {"GET n", "'3'"},
        {"EXPIRE n 100", ":1"},
        {"SETBIT n 100 1", ":0"},
        {"TTL n", ":<40..100>"},
        {"STRLEN n", ":13"},
        {"SETBIT k -1 0", "-ERR bit offset is not an integer or out of range"},
        {"SETBIT k x 0", "-ERR bit offset is not an integer or out of range"},
        {"SETBIT k #1 0", "-ERR bit offset is not an integer or out of range"},
        {"SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range"},
        {"GETBIT k 4294967296", "-ERR bit offset is not an integer or out of range"},
        {"GETBIT k -1", "-ERR bit offset is not an integer or out of range"},
        {"SETBIT k 0 2", "-ERR bit is not an integer or out of range"},
        {"SETBIT k 0 -1", "-ERR bit is not an integer or out of range"},
        {"SETBIT k 0 x", "-ERR bit is not an integer or out of range"},
        {"SETBIT k x x", "-ERR bit offset is not an integer or out of range"},
        {"SETBIT k 0", "-ERR wrong number of arguments for 'setbit' command"},
        {"GETBIT k", "-ERR wrong number of arguments for 'getbit' command"},
    };

    SCRIPT(*state, steps);
}

static void bitcount(void **state)
{
    static const struct step steps[] = {
        {"BITCOUNT k", ":0"},
        {"BITCOUNT k 0 -1", ":0"},
        {"SET k foobar", "+OK"},
        {"BITCOUNT k", ":26"},
        {"BITCOUNT k 0 0", ":4"},
        {"BITCOUNT k 1 1", ":6"},
        {"BITCOUNT k 1 1 BYTE", ":6"},
        {"BITCOUNT k 5 30 bit", ":17"},
        {"BITCOUNT k 5 6 BIT", ":2"},
        {"BITCOUNT k 7 8 BIT", ":0"},
        {"BITCOUNT k 0 -1 BIT", ":26"},
        {"BITCOUNT k -5 -1", ":22"},
        {"BITCOUNT k -3 -5", ":0"},
        {"BITCOUNT k -100 -50", ":4"},
        {"BITCOUNT k -50 -100", ":0"},
        {"BITCOUNT k 2 1", ":0"},
        {"BITCOUNT k 100 200", ":0"},
        {"BITCOUNT k 0 1000", ":26"},
        {"BITCOUNT k 0 9223372036854775807 BIT", ":26"},
        {"BITCOUNT k -9223372036854775808 -1 BIT", ":26"},
        {"SET n 123", "+OK"},
        {"BITCOUNT n", ":10"},
        {"SET e ''", "+OK"},
        {"BITCOUNT e", ":0"},
        {"BITCOUNT e 0 -1", ":0"},
        {"BITCOUNT k 0", "-ERR syntax error"},
        {"BITCOUNT k 0 1 FOO", "-ERR syntax error"},
        {"BITCOUNT k 0 1 BIT x", "-ERR syntax error"},
        {"BITCOUNT k a b", "-ERR value is not an integer or out of range"},
        {"BITCOUNT missing 0", ":0"},
        {"BITCOUNT", "-ERR wrong number of arguments for 'bitcount' command"},
    };

    SCRIPT(*state, steps);
}

static void bitpos(void **state)
{
    static const struct step steps[] = {
        {"BITPOS k 0", ":0"},
        {"BITPOS k 1", ":-1"},
        {"SET k '\\xff\\xf0\\x00'", "+OK"},
        {"BITPOS k 0", ":12"},
        {"BITPOS k 1", ":0"},
        {"BITPOS k 1 2", ":-1"},
        {"BITPOS k 0 2", ":16"},
        {"BITPOS k 0 0 0", ":-1"},
        {"BITPOS k 0 0 -1", ":12"},
        {"BITPOS k 0 1 1 BYTE", ":12"},
        {"BITPOS k 0 7 15 BIT", ":12"},
        {"BITPOS k 1 12 23 BIT", ":-1"},
        {"BITPOS k 1 9 10 BIT", ":9"},
        {"BITPOS k 0 9 10 BIT", ":-1"},
        {"BITPOS k 1 -100 -50", ":0"},
        {"BITPOS k 1 -50 -100", ":0"},
        {"BITPOS k 1 2 1", ":-1"},
        {"BITPOS k 0 100", ":-1"},
        {"SET f '\\xff\\xff\\xff'", "+OK"},
        {"BITPOS f 0", ":24"},
        {"BITPOS f 0 1", ":24"},
        {"BITPOS f 0 0 -1", ":-1"},
        {"BITPOS f 0 0 -1 BIT", ":-1"},
        {"BITPOS f 0 3", ":-1"},
        {"SET e ''", "+OK"},
        {"BITPOS e 0", ":-1"},
        {"BITPOS e 1", ":-1"},
        {"SETBIT long 10000 1", ":0"},
        {"BITPOS long 1", ":10000"},
        {"BITPOS long 0", ":0"},
        {"BITPOS long 1 1250", ":10000"},
        {"BITPOS long 1 10000 10000 BIT", ":10000"},
        {"BITPOS long 1 10001 -1 BIT", ":-1"},
        {"BITPOS k 2", "-ERR The bit argument must be 1 or 0."},
        {"BITPOS k x", "-ERR value is not an integer or out of range"},
        {"BITPOS k 1 x", "-ERR value is not an integer or out of range"},
        {"BITPOS k 1 0 x", "-ERR value is not an integer or out of range"},
        {"BITPOS k 1 0 1 FOO", "-ERR syntax error"},
        {"BITPOS k 1 0 1 BIT x", "-ERR syntax error"},
        {"BITPOS k", "-ERR wrong number of arguments for 'bitpos' command"},
    };

    SCRIPT(*state, steps);
}

static void bitop(void **state)
{
    static const struct step steps[] = {
        {"SET a '\\xf0\\x0f\\xff'", "+OK"},
        {"SET b '\\xff\\x00'", "+OK"},
        {"BITOP AND d a b", ":3"},
        {"GET d", "'\\xf0\\x00\\x00'"},
        {"BITOP or d a b", ":3"},
        {"GET d", "'\\xff\\x0f\\xff'"},
        {"BITOP XOR d a b", ":3"},
        {"GET d", "'\\x0f\\x0f\\xff'"},
        {"BITOP NOT d a", ":3"},
        {"GET d", "'\\x0f\\xf0\\x00'"},
        {"BITOP NOT a a", ":3"},
        {"GET a", "'\\x0f\\xf0\\x00'"},
        {"BITOP AND d a missing", ":3"},
        {"GET d", "'\\x00\\x00\\x00'"},
        {"BITOP OR d missing a", ":3"},
        {"GET d", "'\\x0f\\xf0\\x00'"},
        {"BITOP XOR d a a", ":3"},
        {"GET d", "'\\x00\\x00\\x00'"},
        {"BITOP OR d b", ":2"},
        {"GET d", "'\\xff\\x00'"},
        {"SET n 12", "+OK"},
        {"BITOP OR d n n", ":2"},
        {"GET d", "'12'"},
        {"EXPIRE d 100", ":1"},
        {"BITOP OR d n", ":2"},
        {"TTL d", ":-1"},
        {"BITOP AND d missing other", ":0"},
        {"EXISTS d", ":0"},
        {"SETRANGE l1 100 '\\x0f'", ":101"},
        {"SETRANGE l2 90 '\\xf0\\xf0\\xf0\\xf0\\xf0\\xf0\\xf0\\xf0\\xf0\\xf0\\xff'", ":101"},
        {"BITOP AND d l1 l2", ":101"},
        {"BITCOUNT d", ":4"},
        {"BITOP OR d l1 l2", ":101"},
        {"BITCOUNT d", ":48"},
        {"BITOP NOT d l1", ":101"},
        {"BITCOUNT d", ":804"},
        {"BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."},
        {"BITOP FOO d a b", "-ERR syntax error"},
        {"BITOP AND d", "-ERR wrong number of arguments for 'bitop' command"},
    };

    SCRIPT(*state, steps);
}

static void bitfield(void **state)
{
    static const struct step steps[] = {
        {"BITFIELD k", "[]"},
        {"EXISTS k", ":0"},
        {"BITFIELD k GET u8 0", "[:0]"},
        {"EXISTS k", ":0"},
        {"BITFIELD k SET u8 0 255 GET u4 0 GET i4 0 GET i8 0 GET u8 4", "[:0, :15, :-1, :-1, :240]"},
        {"GET k", "'\\xff'"},
        {"BITFIELD k SET i8 #1 -128 GET i8 #1 GET u8 #1", "[:0, :-128, :128]"},
        {"BITFIELD k GET i64 0 GET u63 0", "[:-36028797018963968, :9205357638345293824]"},
        {"DEL k", ":1"},
        {"BITFIELD k INCRBY i5 100 1 GET u4 0", "[:1, :0]"},
        {"STRLEN k", ":14"},
        {"BITFIELD k SET i64 3 -9223372036854775808 GET i64 3", "[:0, :-9223372036854775808]"},
        {"BITFIELD k SET u63 3 9223372036854775807 GET u63 3 GET i64 3",
         "[:4611686018427387904, :9223372036854775807, :-2]"},
        {"SET n 12", "+OK"},
        {"BITFIELD n GET u8 0 INCRBY u8 8 1", "[:49, :51]"},
        {"GET n", "'13'"},
        {"EXPIRE n 100", ":1"},
        {"BITFIELD n SET u8 100 1", "[:0]"},
        {"TTL n", ":<40..100>"},
    };

    SCRIPT(*state, steps);
}

static void bitfield_overflow(void **state)
{
    static const struct step steps[] = {
        {"BITFIELD k SET u8 0 250", "[:0]"},
        {"BITFIELD k INCRBY u8 0 10", "[:4]"},
        {"BITFIELD k OVERFLOW SAT INCRBY u8 0 1000", "[:255]"},
        {"BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 GET u8 0", "[nil, :255]"},
        {"BITFIELD k overflow sat INCRBY u8 0 -1000", "[:0]"},
        {"BITFIELD k OVERFLOW WRAP INCRBY u8 0 -1", "[:255]"},
        {"BITFIELD k OVERFLOW FAIL INCRBY u8 0 -256", "[nil]"},
        {"BITFIELD k SET u8 0 300", "[:255]"},
        {"BITFIELD k GET u8 0", "[:44]"},
        {"BITFIELD k OVERFLOW SAT SET u8 0 300 GET u8 0", "[:44, :255]"},
        {"BITFIELD k OVERFLOW FAIL SET u8 0 300 SET u8 0 -1", "[nil, nil]"},
        {"BITFIELD k SET u8 0 -1 GET u8 0", "[:255, :255]"},
        {"BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0", "[:255, :255]"},
        {"BITFIELD k SET i8 0 127", "[:-1]"},
        {"BITFIELD k INCRBY i8 0 1", "[:-128]"},
        {"BITFIELD k OVERFLOW SAT INCRBY i8 0 -1", "[:-128]"},
        {"BITFIELD k OVERFLOW SAT INCRBY i8 0 1000", "[:127]"},
        {"BITFIELD k OVERFLOW FAIL INCRBY i8 0 1", "[nil]"},
        {"BITFIELD k SET i8 0 200 GET i8 0", "[:127, :-56]"},
        {"BITFIELD k OVERFLOW SAT SET i8 0 200 GET i8 0", "[:-56, :127]"},
        {"BITFIELD k OVERFLOW SAT SET i8 0 -200 GET i8 0", "[:127, :-128]"},
        {"BITFIELD k OVERFLOW FAIL SET i8 0 -200", "[nil]"},
        {"BITFIELD k OVERFLOW FAIL INCRBY i8 0 1 OVERFLOW WRAP INCRBY i8 0 -2", "[:-127, :127]"},
        {"BITFIELD w SET i64 0 9223372036854775807", "[:0]"},
        {"BITFIELD w INCRBY i64 0 1", "[:-9223372036854775808]"},
        {"BITFIELD w OVERFLOW SAT INCRBY i64 0 -1", "[:-9223372036854775808]"},
        {"BITFIELD w OVERFLOW FAIL INCRBY i64 0 -1", "[nil]"},
        {"BITFIELD w SET u63 0 -1 GET u63 0", "[:4611686018427387904, :9223372036854775807]"},
        {"BITFIELD w INCRBY u63 0 1", "[:0]"},
        {"BITFIELD f OVERFLOW FAIL INCRBY u2 0 4", "[nil]"},
        {"STRLEN f", ":1"},
    };

    SCRIPT(*state, steps);
}

static void bitfield_errors(void **state)
{
    static const struct step steps[] = {
        {"BITFIELD k GET", "-ERR syntax error"},
        {"BITFIELD k GET u8", "-ERR syntax error"},
        {"BITFIELD k SET u8 0", "-ERR syntax error"},
        {"BITFIELD k FOO u8 0", "-ERR syntax error"},
        {"BITFIELD k OVERFLOW", "-ERR syntax error"},
        {"BITFIELD k OVERFLOW FOO", "-ERR Invalid OVERFLOW type specified"},
        {"BITFIELD k GET u64 0",
         "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."},
        {"BITFIELD k GET i65 0", "-ERR Invalid bitfield type. <*>"},
        {"BITFIELD k GET u0 0", "-ERR Invalid bitfield type. <*>"},
        {"BITFIELD k GET x8 0", "-ERR Invalid bitfield type. <*>"},
        {"BITFIELD k GET u 0", "-ERR Invalid bitfield type. <*>"},
        {"BITFIELD k GET u8 -1", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k GET u8 #", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k GET u8 x", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k SET u8 4294967296 1", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k SET u8 #536870912 1", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range"},
        {"BITFIELD k SET u8 0 1 GET u99 0", "-ERR Invalid bitfield type. <*>"},
        {"EXISTS k", ":0"},
        {"BITFIELD", "-ERR wrong number of arguments for 'bitfield' command"},
        {"SET k '\\xff\\x01'", "+OK"},
        {"BITFIELD_RO k GET u8 0 GET u8 8", "[:255, :1]"},
        {"BITFIELD_RO k", "[]"},
        {"BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"},
        {"BITFIELD_RO k GET u8 0 INCRBY u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"},
        {"BITFIELD_RO missing GET u8 0", "[:0]"},
    };

    SCRIPT(*state, steps);
}

/* Random bytes: ranges of bits counted and searched by the server, and here one by one. */
static void ranges_of_random_bits(void **state)
{
    enum { BYTES = 301, BITS = BYTES * 8, ROUNDS = 300 };
    struct client *client = client_open(*state, 2);
    unsigned char bytes[BYTES];
    unsigned seed = 7;
    char line[100];
    char expected[32];

    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i % 90 > 40 ? (i / 90 % 2 ? 0xff : 0) : rand_r(&seed));
    const char *argv[] = {"SET", "random", (const char *)bytes};
    const size_t lens[] = {3, 6, BYTES};
    client_send_argv(client, 3, argv, lens);
    assert_string_equal(client_read(client), "+OK");
    for (int round = 0; round < ROUNDS; round++) {
        int first = rand_r(&seed) % BITS;
        int last = first + rand_r(&seed) % (BITS - first);
        int count = 0;
        int found[2] = {-1, -1};
        for (int bit = last; bit >= first; bit--) {
            int value = bytes[bit / 8] >> (7 - bit % 8) & 1;
            count += value;
            found[value] = bit;
        }
        snprintf(line, sizeof(line), "BITCOUNT random %d %d BIT", first, last);
        snprintf(expected, sizeof(expected), ":%d", count);
        EXPECT(client, line, expected);
        for (int value = 0; value < 2; value++) {
            snprintf(line, sizeof(line), "BITPOS random %d %d %d BIT", value, first, last);
            snprintf(expected, sizeof(expected), ":%d", found[value]);
            EXPECT(client, line, expected);
        }
    }
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_bits),     cmocka_unit_test(bitcount),
        cmocka_unit_test(bitpos),          cmocka_unit_test(bitop),
        cmocka_unit_test(bitfield),        cmocka_unit_test(bitfield_overflow),
        cmocka_unit_test(bitfield_errors), cmocka_unit_test(ranges_of_random_bits),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
