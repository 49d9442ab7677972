/* The crash-injecting backend: points count and stop, and only drained lines reach the image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../support/scratch.h"
#include "pmem/fault.h"
#include "pmem/map.h"
#include "pmem/persist.h"

#include <sys/wait.h>
#include <unistd.h>

#ifdef CAIRN_CRASHPOINTS

static void test_points_count_and_stop(void **state)
{
    (void)state;
    pmem_fault_start(0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pmem_fault_arm(3);
        for (unsigned i = 0; i < 10; i++)
            pmem_fault_point();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == PMEM_FAULT_EXIT_CODE);
    assert_int_equal(pmem_fault_points(), 3);

    pmem_fault_arm(0);
    pmem_fault_point();
    pmem_fault_disarm();
    pmem_fault_point();
    assert_int_equal(pmem_fault_points(), 1);
    assert_null(pmem_fault_image());
    pmem_fault_stop();
}

static void test_image_holds_what_was_drained(void **state)
{
    (void)state;
    char dir[] = "/dev/shm/cairn-fault-XXXXXX";
    assert_non_null(scratch_make(dir));
    char path[64];
    char detail[512];
    snprintf(path, sizeof path, "%s/heap", dir);
    struct pmem_map map;
    struct pmem_map_options options = {.path = path, .reserve_bytes = 1 << 26, .create = true};
    assert_int_equal(pmem_map_open(&map, &options, detail, sizeof detail), ERROR_OK);
    assert_int_equal(pmem_map_grow(&map, 65536), ERROR_OK);
    strcpy(map.base + 4096, "before");
    pmem_map_close(&map);

    pmem_fault_start(1 << 20);
    options.create = false;
    assert_int_equal(pmem_map_open(&map, &options, detail, sizeof detail), ERROR_OK);
    assert_int_equal(map.mode, PMEM_MODE_DAX);
    const char *image = pmem_fault_image();
    assert_string_equal(image + 4096, "before");
    memcpy(map.base + 4096, "behind", 6);
    map.base[0] = 1;
    pmem_persist_flush(&map, map.base + 4096, 6);
    assert_string_equal(image + 4096, "before");
    memcpy(map.base + 4096, "beyond", 6); /* after the flush: not covered by it */
    pmem_persist_drain(&map);
    assert_string_equal(image + 4096, "behind");
    assert_int_equal(image[0], 0); /* never flushed */
    pmem_persist_flush(&map, map.base + 63, 2);
    pmem_persist_drain(&map);
    assert_int_equal(image[0], 1); /* flushes work on lines */
    pmem_map_close(&map);
    pmem_fault_stop();
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_count_and_stop),
        cmocka_unit_test(test_image_holds_what_was_drained),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: the build has no crash points (CAIRN_CRASHPOINTS)");
    return 0;
}

#endif
