/* CRC32C: known values, both ways, any cut. */
#include "util/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_known_values(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void test_both_ways_and_every_cut_agree(void **state)
{
    (void)state;
    unsigned char bytes[100];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint32_t whole = crc32c(0, bytes, len);
        assert_int_equal(crc32c_portable(0, bytes, len), whole);
        for (size_t cut = 0; cut <= len; cut++)
            assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, len - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_both_ways_and_every_cut_agree),
    };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
