/* cairn inspect JOURNAL: what it prints of a journal, and its exit status. */
#include "heap/heap_layout.h"
#include "journal/wal_internal.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGE_BYTES (1 << 20)

struct place {
    char dir[64];
    char image[96];
    char folder[128];
    struct wal_options options;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    strcpy(place->dir, "/tmp/cairn-tool-XXXXXX");
    assert_non_null(scratch_make(place->dir));
    snprintf(place->image, sizeof place->image, "%s/cairn.heap", place->dir);
    snprintf(place->folder, sizeof place->folder, "%s.journal", place->image);
    int fd = open(place->image, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && ftruncate(fd, IMAGE_BYTES) == 0);
    close(fd);
    place->options = (struct wal_options){.image_path = place->image,
                                          .folder_path = place->folder,
                                          .note_off = HEAP_NOTES_OFF,
                                          .boot_mark = 1,
                                          .reserve_bytes = IMAGE_BYTES,
                                          .segment_bytes = 1 << 16};
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    assert_int_equal(wal_remove(&place->options), ERROR_OK);
    unlink(place->image);
    rmdir(place->dir);
    free(place);
    return 0;
}

/* The exit status; what it printed in `output`. */
static int inspect(const struct place *place, char *output, size_t cap)
{
    char command[512];
    snprintf(command, sizeof command, "%s inspect %s/ 2>&1", CAIRN_BINARY, place->folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(output, 1, cap - 1, pipe);
    output[len] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Three records: one adds a byte in use, one sets a bit, one stores a word. */
static uint64_t write_journal(struct place *place)
{
    static const char records[3][12] = {
        {2, 0, 0, 0}, {0, 3 << 2 | 1, 16, 0}, {0, 1 << 2, 16, 1, 2, 3, 4, 5, 6, 7, 8, 0}};
    static const size_t lengths[3] = {4, 4, 12};
    struct wal *wal;
    char detail[512];
    uint64_t end = 0;
    assert_int_equal(wal_create(&place->options, 100, &wal, detail, sizeof detail), ERROR_OK);
    assert_int_equal(wal_base_durable(wal), ERROR_OK);
    for (unsigned i = 0; i < 3; i++)
        end = wal_append(wal, records[i], lengths[i]);
    wal_abandon(wal);
    return end;
}

static void test_a_good_journal(void **state)
{
    struct place *place = *state;
    char output[8192];
    char expected[128];
    uint64_t end = write_journal(place);
    assert_int_equal(inspect(place, output, sizeof output), 0);
    assert_non_null(strstr(output, "epoch 1, 100 bytes in use"));
    snprintf(expected, sizeof expected, "3 frames, 56 bytes, up to LSN %llu", (unsigned long long)end);
    assert_non_null(strstr(output, expected));
    assert_non_null(strstr(output, "nothing but zeros follows"));
    assert_non_null(
        strstr(output, "      1            8      0           0  +0\n")); /* the record with a range */
    assert_null(strstr(output, "MAKES NO SENSE"));
}

static void test_a_damaged_journal(void **state)
{
    struct place *place = *state;
    char output[8192];
    char path[160];
    uint64_t end = write_journal(place);
    snprintf(path, sizeof path, "%s/0000000000000001", place->folder);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "!", 1, (off_t)(WAL_HEAD_BYTES + end % (1 << 16) - 2)), 1);
    close(fd);
    assert_int_equal(inspect(place, output, sizeof output), 1);
    assert_non_null(strstr(output, "2 frames, 32 bytes"));
    assert_non_null(strstr(output, "the next record is incomplete or damaged"));
}

static void test_no_journal(void **state)
{
    struct place *place = *state;
    char output[8192];
    assert_int_equal(wal_remove(&place->options), ERROR_OK);
    assert_int_equal(inspect(place, output, sizeof output), 2);
    assert_non_null(strstr(output, "there is no file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_journal),
        TEST(test_a_damaged_journal),
        TEST(test_no_journal),
    };
    return cmocka_run_group_tests_name("journal_tool", tests, NULL, NULL);
}
