/* chains_test.c: what was put into a chained table is found, and nothing else, while it grows and shrinks. */
#include "util/chains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 5000

struct element {
    struct chain_link link;
    unsigned number;
};

static struct element elements[COUNT];

/* Every seventh shares its hash with others. */
static uint64_t hash_of(unsigned number)
{
    return number % 7 == 0 ? 42 : number * UINT64_C(0x9e3779b97f4a7c15);
}

static const struct element *find(const struct chains *chains, unsigned number)
{
    for (struct chain_link *at = chains_first(chains, hash_of(number)); at; at = chains_next(at)) {
        const struct element *element = (const struct element *)(const void *)at;
        if (element->number == number) return element;
    }
    return NULL;
}

static void test_comes_and_goes(void **state)
{
    (void)state;
    struct chains chains = {0};
    assert_null(find(&chains, 1));
    for (unsigned i = 0; i < COUNT; i++) {
        elements[i].number = i;
        assert_true(chains_insert(&chains, &elements[i].link, hash_of(i)));
    }
    assert_int_equal(chains.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(find(&chains, i), &elements[i]);
    assert_null(find(&chains, COUNT));
    size_t full = chains.bucket_count;
    for (unsigned i = 0; i < COUNT; i++)
        if (i % 100 != 3) chains_remove(&chains, &elements[i].link);
    assert_true(chains.bucket_count < full);
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(find(&chains, i), i % 100 == 3 ? &elements[i] : NULL);
    for (unsigned i = 3; i < COUNT; i += 100)
        chains_remove(&chains, &elements[i].link);
    assert_int_equal(chains.count, 0);
    assert_null(find(&chains, 3));
    chains_free(&chains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_and_goes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
