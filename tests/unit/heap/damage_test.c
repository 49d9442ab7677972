/* damage_test.c: heaps that cannot be trusted: cut, foreign, of another version, damaged, or from another
 * boot. */
#include "fixture.h"

#include "heap/heap_layout.h"
#include "heap/heap_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void make_heap(struct fixture *fixture)
{
    uint32_t random = 5;
    fixture_open(fixture);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t off = fixture_alloc(fixture, 1 + fixture_random(&random) % (i % 10 ? 500 : 100000));
        if (i % 3 == 0) fixture_free(fixture, off);
    }
    fixture_close(fixture);
}

static void patch(struct fixture *fixture, uint64_t off, const void *bytes, size_t len)
{
    int fd = open(fixture->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)off), (ssize_t)len);
    close(fd);
}

static enum error try_open(struct fixture *fixture)
{
    enum error error = heap_open(&fixture->options, &fixture->heap, &fixture->report);
    if (!error) {
        assert_int_equal(heap_close(fixture->heap), ERROR_OK);
    } else {
        assert_null(fixture->heap);
        assert_true(fixture->report.detail[0] != '\0');
    }
    return error;
}

static void test_foreign_and_cut(void **state)
{
    struct fixture *fixture = *state;
    make_heap(fixture);
    struct stat st;
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(truncate(fixture->path, st.st_size - 4096), 0);
    assert_int_equal(try_open(fixture), ERROR_TRUNCATED);
    assert_int_equal(truncate(fixture->path, 8192), 0);
    assert_int_equal(try_open(fixture), ERROR_TRUNCATED);
    assert_int_equal(truncate(fixture->path, 100), 0);
    assert_int_equal(try_open(fixture), ERROR_TRUNCATED);

    char text[8192];
    memset(text, 't', sizeof(text));
    patch(fixture, 0, text, sizeof(text));
    assert_int_equal(try_open(fixture), ERROR_NOT_A_HEAP);

    /* Creation was cut short: it is done again. */
    assert_int_equal(truncate(fixture->path, 0), 0);
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_true(fixture->report.created);
    assert_int_equal(truncate(fixture->path, 0), 0);
    assert_int_equal(truncate(fixture->path, 4096), 0);
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_true(fixture->report.created);
}

static void test_other_version(void **state)
{
    struct fixture *fixture = *state;
    make_heap(fixture);
    for (uint32_t version = 0; version < 4; version++) {
        patch(fixture, offsetof(struct superblock_layout, version), &version, sizeof(version));
        assert_int_equal(try_open(fixture), version == HEAP_FORMAT_VERSION ? ERROR_OK : ERROR_VERSION);
    }
}

static void test_no_permission_no_folder(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.path = "/dev/shm/cairn-no-such-folder/heap";
    assert_int_not_equal(try_open(fixture), ERROR_OK);
    fixture->options.path = fixture->folder;
    assert_int_not_equal(try_open(fixture), ERROR_OK);
}

/* In a child: opening and checking a damaged heap ends in some error or none, but it ends. */
static void survives(struct fixture *fixture, uint64_t byte, unsigned bit, unsigned *refused)
{
    unsigned char value;
    int fd = open(fixture->path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &value, 1, (off_t)byte), 1);
    unsigned char flipped = (unsigned char)(value ^ 1u << bit);
    assert_int_equal(pwrite(fd, &flipped, 1, (off_t)byte), 1);
    pid_t pid = fork();
    if (pid == 0) {
        struct heap_check_result result;
        fixture->options.read_only = true;
        if (heap_open(&fixture->options, &fixture->heap, &fixture->report)) _exit(1);
        enum error error = heap_check(fixture->heap, NULL, NULL, &result);
        for (uint64_t off = 0; off < UINT64_C(16) << 20; off += 1000)
            if (heap_holds(fixture->heap, off, 8) && heap_usable_size(fixture->heap, off) == 0) _exit(2);
        while (rebuild_step(fixture->heap)) {
        }
        _exit(error ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        fail_msg("bit %u of byte %llu: status %d", bit, (unsigned long long)byte, status);
    *refused += WEXITSTATUS(status) == 1;
    assert_int_equal(pwrite(fd, &value, 1, (off_t)byte), 1);
    close(fd);
}

static void test_bit_flips(void **state)
{
    struct fixture *fixture = *state;
    unsigned tried = 0;
    unsigned refused = 0;
    make_heap(fixture);
    for (uint64_t byte = 0; byte < 96; byte++, tried++)
        survives(fixture, byte, (unsigned)byte % 8, &refused);
    for (uint64_t byte = 0; byte < 24; byte++, tried++)
        survives(fixture, HEAP_CHUNK_HEAD_OFF + byte, (unsigned)byte % 8, &refused);
    uint64_t map = HEAP_MAP_OFF + chunk_first_page(0) * sizeof(struct page_layout);
    for (uint64_t byte = 0; byte < 256 * sizeof(struct page_layout); byte++, tried++)
        survives(fixture, map + byte, (unsigned)byte % 8, &refused);
    for (uint64_t byte = 0; byte < 512; byte += 8, tried++)
        survives(fixture, HEAP_LANES_OFF + byte, 3, &refused);
    print_message("%u bit flips tried, %u refused\n", tried, refused);
    assert_int_equal(try_open(fixture), ERROR_OK);
}

/* A heap left dirty in another boot: pages may be missing, so it is moved aside or refused. */
static void leave_dirty(struct fixture *fixture)
{
    pid_t pid = fork();
    if (pid == 0) {
        fixture_open(fixture);
        fixture_alloc(fixture, 100);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_moved_aside_at_a_long_path(void **state)
{
    struct fixture *fixture = *state;
    char path[1024];
    char name[200];
    size_t len = (size_t)snprintf(path, sizeof(path), "%s", fixture->folder);
    memset(name, 'n', sizeof(name));
    for (unsigned depth = 0; depth < 3; depth++) {
        len += (size_t)snprintf(path + len, sizeof(path) - len, "/%.*s", (int)sizeof(name), name);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    snprintf(path + len, sizeof(path) - len, "/heap");
    fixture->options.path = path;
    leave_dirty(fixture);
    fixture->options.boot_id = "another boot";
    fixture->options.on_unclean = HEAP_UNCLEAN_MOVE;
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_int_equal(strncmp(fixture->report.moved_to, path, strlen(path)), 0);
    assert_int_equal(access(fixture->report.moved_to, F_OK), 0);
}

static void test_unclean_from_another_boot(void **state)
{
    struct fixture *fixture = *state;
    leave_dirty(fixture);
    fixture->options.boot_id = "another boot";
    assert_int_equal(try_open(fixture), ERROR_UNCLEAN);
    fixture->options.on_unclean = HEAP_UNCLEAN_MOVE;
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_true(fixture->report.created);
    assert_int_equal(strncmp(fixture->report.moved_to, fixture->path, strlen(fixture->path)), 0);
    assert_non_null(strstr(fixture->report.moved_to, ".unclean-"));
    assert_int_equal(access(fixture->report.moved_to, F_OK), 0);

    /* Closed cleanly, another boot may have it. */
    fixture->options.boot_id = "a third boot";
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_true(fixture->report.was_clean);

    /* Persistent memory needs no page cache: dirty from another boot is as good. */
    fixture->options.mode = HEAP_MODE_DAX;
    leave_dirty(fixture);
    fixture->options.boot_id = "a fourth boot";
    assert_int_equal(try_open(fixture), ERROR_OK);
    assert_false(fixture->report.was_clean);
    assert_false(fixture->report.created);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_foreign_and_cut, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_other_version, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_permission_no_folder, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bit_flips, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_moved_aside_at_a_long_path, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unclean_from_another_boot, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
