/* sizeclass_test.c: H6 over every size, and the arithmetic of spans over every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "heap/heap.h"
#include "heap/sizeclass.h"

static void test_every_size_fits_its_class(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZECLASS_MAX_BYTES; size++) {
        unsigned class = sizeclass_of(size);
        assert_true(class < SIZECLASS_COUNT);
        assert_true(sizeclass_table[class].bytes >= size);
        assert_true(class == 0 || sizeclass_table[class - 1].bytes < size);
        assert_int_equal(heap_good_size(size), sizeclass_table[class].bytes);
    }
}

/* H6: 8-byte steps to 128, at most 12.5 % of a block is waste above. */
static void test_waste(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 128; size++)
        assert_int_equal(heap_good_size(size), size <= 16 ? 16 : (size + 7) / 8 * 8);
    for (size_t size = 129; size <= 4 * 1024 * 1024; size += size < 100000 ? 1 : 61) {
        size_t good = heap_good_size(size);
        assert_true(good >= size);
        assert_true((good - size) * 8 <= good);
    }
    assert_int_equal(heap_good_size(HEAP_OBJECT_MAX), HEAP_OBJECT_MAX);
}

static void test_spans(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++) {
        const struct sizeclass *class = &sizeclass_table[i];
        uint64_t span_bytes = class->pages * HEAP_PAGE_BYTES;
        uint64_t tail = span_bytes - (uint64_t) class->blocks * class->bytes;
        assert_true(class->pages <= SIZECLASS_MAX_PAGES);
        assert_true(tail < class->bytes);
        assert_true(tail * 1000 <= span_bytes * 12);
        assert_true(class->blocks <= class->pages * HEAP_BITMAP_PAGE_BYTES * 8);
        for (uint32_t at = 0; at < span_bytes; at++)
            assert_int_equal(sizeclass_index(class, at), at / class->bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_fits_its_class),
        cmocka_unit_test(test_waste),
        cmocka_unit_test(test_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
