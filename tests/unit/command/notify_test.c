/* notify_test.c: the letters of notify-keyspace-events, and the classes of events. */
#include "command/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_letters(void **state)
{
    (void)state;
    assert_int_equal(notify_classes(SLICE("")), 0);
    assert_int_equal(notify_classes(SLICE("A")), 0); /* to nowhere */
    assert_int_equal(notify_classes(SLICE("K")), NOTIFY_KEYSPACE);
    assert_int_equal(notify_classes(SLICE("KEA")), NOTIFY_KEYSPACE | NOTIFY_KEYEVENT | NOTIFY_ALL);
    assert_int_equal(notify_classes(SLICE("Emn$")),
                     NOTIFY_KEYEVENT | NOTIFY_KEY_MISS | NOTIFY_NEW | NOTIFY_STRING);
    assert_int_equal(notify_classes(SLICE("Eg$lshzxetd")), NOTIFY_KEYEVENT | NOTIFY_ALL);
    assert_int_equal(NOTIFY_ALL & (NOTIFY_KEY_MISS | NOTIFY_NEW), 0);
}

static void test_events(void **state)
{
    (void)state;
    assert_int_equal(notify_class_of("append"), NOTIFY_STRING);    /* the first of the table ... */
    assert_int_equal(notify_class_of("zunionstore"), NOTIFY_ZSET); /* ... and the last */
    assert_int_equal(notify_class_of("del"), NOTIFY_GENERIC);
    assert_int_equal(notify_class_of("sortstore"), NOTIFY_LIST);
    assert_int_equal(notify_class_of("hexpired"), NOTIFY_HASH);
    assert_int_equal(notify_class_of("evicted"), NOTIFY_EVICTED);
    assert_int_equal(notify_class_of("keymiss"), NOTIFY_KEY_MISS);
    assert_int_equal(notify_class_of("xgroup-createconsumer"), NOTIFY_STREAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_letters), cmocka_unit_test(test_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
