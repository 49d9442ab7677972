/* Mapping heap files: creation, growth, reserve, private mode, and the errors with their texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../support/scratch.h"
#include "pmem/map.h"
#include "pmem/persist.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESERVE_BYTES (UINT64_C(1) << 30)
#define FILE_BYTES    (UINT64_C(1) << 20)

struct place {
    char dir[64];
    char path[96];
    char detail[512];
    struct pmem_map map;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    strcpy(place->dir, "/dev/shm/cairn-map-XXXXXX");
    assert_non_null(scratch_make(place->dir));
    snprintf(place->path, sizeof place->path, "%s/heap", place->dir);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    rmdir(place->dir);
    free(place);
    return 0;
}

static enum error open_with(struct place *place, struct pmem_map_options options)
{
    place->detail[0] = '\0';
    if (options.path == NULL) options.path = place->path;
    if (options.reserve_bytes == 0) options.reserve_bytes = RESERVE_BYTES;
    return pmem_map_open(&place->map, &options, place->detail, sizeof place->detail);
}

static void create(struct place *place)
{
    assert_int_equal(open_with(place, (struct pmem_map_options){.create = true}), ERROR_OK);
    assert_int_equal(pmem_map_grow(&place->map, FILE_BYTES), ERROR_OK);
}

static void test_bytes_survive(void **state)
{
    struct place *place = *state;
    create(place);
    assert_int_equal(place->map.mode, PMEM_MODE_SHARED);
    assert_int_equal(place->map.size_bytes, FILE_BYTES);
    strcpy(place->map.base + 5000, "stone");
    pmem_persist_store64(&place->map, (uint64_t *)(void *)place->map.base, 7);
    pmem_persist_copy(&place->map, place->map.base + 16, "copied", 6);
    assert_int_equal(pmem_map_sync(&place->map, 5000, 10), ERROR_OK);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){0}), ERROR_OK);
    assert_string_equal(place->map.base + 5000, "stone");
    assert_int_equal(place->map.base[0], 7);
    assert_memory_equal(place->map.base + 16, "copied", 6);
    assert_true(pmem_map_holds(&place->map, place->map.base + FILE_BYTES - 1));
    assert_false(pmem_map_holds(&place->map, place->map.base + FILE_BYTES));
    assert_false(pmem_map_holds(&place->map, place->map.base - 1));
    pmem_map_close(&place->map);
}

static void test_growth(void **state)
{
    struct place *place = *state;
    create(place);
    char *base = place->map.base;
    assert_int_equal(pmem_map_grow(&place->map, 8 * FILE_BYTES), ERROR_OK);
    assert_int_equal(pmem_map_fill(&place->map, 10 * FILE_BYTES, FILE_BYTES), ERROR_OK); /* leaves a gap */
    assert_int_equal(place->map.size_bytes, 11 * FILE_BYTES);
    assert_ptr_equal(place->map.base, base);
    base[11 * FILE_BYTES - 1] = 1;
    assert_int_equal(pmem_map_grow(&place->map, FILE_BYTES), ERROR_OK); /* never shrinks */
    assert_int_equal(place->map.size_bytes, 11 * FILE_BYTES);
    assert_int_equal(pmem_map_grow(&place->map, RESERVE_BYTES + 1), ERROR_HEAP_FULL);
    assert_int_equal(pmem_map_fill(&place->map, UINT64_MAX, 2), ERROR_HEAP_FULL);
    pmem_map_close(&place->map);
}

static void test_private_mode_changes_nothing(void **state)
{
    struct place *place = *state;
    create(place);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){.read_only = true}), ERROR_OK);
    assert_int_equal(place->map.mode, PMEM_MODE_PRIVATE);
    place->map.base[1] = 9;
    assert_int_equal(pmem_map_grow(&place->map, 2 * FILE_BYTES), ERROR_OK); /* in memory */
    place->map.base[2 * FILE_BYTES - 1] = 9;
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){0}), ERROR_OK);
    assert_int_equal(place->map.base[1], 0);
    assert_int_equal(place->map.size_bytes, FILE_BYTES);
    pmem_map_close(&place->map);
}

static void test_switching_modes(void **state)
{
    struct place *place = *state;
    create(place);
    char *base = place->map.base;
    base[1] = 1;
    assert_int_equal(pmem_map_switch(&place->map, PMEM_MODE_JOURNALED), ERROR_OK);
    assert_ptr_equal(place->map.base, base);
    assert_int_equal(base[1], 1);
    base[1] = 2;
    assert_int_equal(pmem_map_grow(&place->map, 3 * FILE_BYTES), ERROR_OK); /* the file grows with it */
    base[3 * FILE_BYTES - 1] = 2;
    assert_int_equal(pmem_map_switch(&place->map, PMEM_MODE_SHARED), ERROR_OK);
    assert_int_equal(place->map.size_bytes, 3 * FILE_BYTES);
    assert_int_equal(base[1], 1);
    assert_int_equal(base[3 * FILE_BYTES - 1], 0);
    pmem_map_close(&place->map);
}

static void test_forced_modes(void **state)
{
    struct place *place = *state;
    create(place);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){.force_dax = true}), ERROR_OK);
    assert_int_equal(place->map.mode, PMEM_MODE_DAX);
    pmem_persist_store64(&place->map, (uint64_t *)(void *)place->map.base, 3);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){.force_shared = true}), ERROR_OK);
    assert_int_equal(place->map.mode, PMEM_MODE_SHARED);
    assert_int_equal(place->map.base[0], 3);
    pmem_map_close(&place->map);
}

/* libpmem reads the variable when it is loaded, so a new program asks: main() below. */
static void test_detection_by_libpmem(void **state)
{
    struct place *place = *state;
    create(place);
    pmem_map_close(&place->map);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("PMEM_IS_PMEM_FORCE", "1", 1);
        execl("/proc/self/exe", "map_test", place->path, (char *)NULL);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int detect(char *path)
{
    static struct place place;
    enum error error = open_with(&place, (struct pmem_map_options){.path = path});
    return error == ERROR_OK && place.map.mode == PMEM_MODE_DAX ? 0 : 1;
}

static void test_second_process_is_kept_out(void **state)
{
    struct place *place = *state;
    create(place);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct place other = *place;
        close(place->map.fd); /* inherited, and it shares the lock */
        char want[32];
        snprintf(want, sizeof want, "process %ld", (long)getppid());
        enum error error = open_with(&other, (struct pmem_map_options){0});
        enum error reader = open_with(&other, (struct pmem_map_options){.read_only = true});
        _exit(error == ERROR_IN_USE && reader == ERROR_IN_USE && strstr(other.detail, want) != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct pmem_map first = place->map;
    assert_int_equal(open_with(place, (struct pmem_map_options){0}),
                     ERROR_IN_USE); /* nor twice in one process */
    pmem_map_close(&first);
    assert_int_equal(open_with(place, (struct pmem_map_options){0}), ERROR_OK);
    pmem_map_close(&place->map);
}

static void test_readers_share(void **state)
{
    struct place *place = *state;
    create(place);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){.read_only = true}), ERROR_OK);
    struct pmem_map first = place->map;
    assert_int_equal(open_with(place, (struct pmem_map_options){.read_only = true}), ERROR_OK);
    pmem_map_close(&place->map);
    assert_int_equal(open_with(place, (struct pmem_map_options){0}), ERROR_IN_USE);
    pmem_map_close(&first);
}

static void assert_refused(struct place *place, struct pmem_map_options options, enum error want,
                           const char *text)
{
    assert_int_equal(open_with(place, options), want);
    assert_non_null(strstr(place->detail, text));
    assert_int_equal(place->map.fd, -1);
}

static void test_wrong_places(void **state)
{
    struct place *place = *state;
    char missing[128];
    snprintf(missing, sizeof missing, "%s/none/heap", place->dir);
    assert_refused(place, (struct pmem_map_options){0}, ERROR_NOT_FOUND, "there is no file");
    assert_refused(place, (struct pmem_map_options){.path = missing, .create = true}, ERROR_NOT_FOUND,
                   "its directory does not exist");
    assert_refused(place, (struct pmem_map_options){.path = place->dir}, ERROR_IO, "cannot open");
    assert_refused(place, (struct pmem_map_options){.path = "/dev/null"}, ERROR_UNSUPPORTED,
                   "not a regular file");
    int fd = open(place->path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0 && write(fd, "short", 5) == 5);
    close(fd);
    assert_refused(place, (struct pmem_map_options){0}, ERROR_TRUNCATED, "too small");
    assert_refused(place, (struct pmem_map_options){.create = true}, ERROR_IO, "File exists");
}

static void test_no_permission(void **state)
{
    struct place *place = *state;
    create(place);
    pmem_map_close(&place->map);
    assert_int_equal(chmod(place->path, 0400), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chmod(place->dir, 0755) != 0 || (getuid() == 0 && setuid(65534) != 0)) _exit(2);
        enum error error = open_with(place, (struct pmem_map_options){0});
        _exit(error == ERROR_PERMISSION && strstr(place->detail, "no permission") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_limits(void **state)
{
    struct place *place = *state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* sanitizers need more address space than the limit leaves */
#endif
    create(place);
    pmem_map_close(&place->map);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {UINT64_C(1) << 30, UINT64_C(1) << 30};
        if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
        enum error error = open_with(place, (struct pmem_map_options){.reserve_bytes = UINT64_C(1) << 40});
        if (error != ERROR_OK || place->map.reserved_bytes > UINT64_C(1) << 30) _exit(3);
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit file = {2 * FILE_BYTES, 2 * FILE_BYTES};
        if (setrlimit(RLIMIT_FSIZE, &file) != 0) _exit(4);
        _exit(pmem_map_grow(&place->map, 4 * FILE_BYTES) == ERROR_DISK_FULL ? 0 : 5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) return detect(argv[1]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_survive),
        TEST(test_growth),
        TEST(test_private_mode_changes_nothing),
        TEST(test_switching_modes),
        TEST(test_forced_modes),
        TEST(test_detection_by_libpmem),
        TEST(test_second_process_is_kept_out),
        TEST(test_readers_share),
        TEST(test_wrong_places),
        TEST(test_no_permission),
        TEST(test_limits),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
