/* scratch_test.c: the folders of tests go with the program that made them (tests/support/scratch.h). */
#include "../../support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

static void make_in(char *folder)
{
    char path[128];
    strcpy(folder, "/tmp/cairn-scratch-XXXXXX");
    if (!scratch_make(folder)) _exit(2);
    snprintf(path, sizeof path, "%s/file", folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* A program that makes two folders, and whose child ends before it; the folders' names go through the pipe. */
static void program(int names, bool ends_well)
{
    char folders[2][64];
    for (unsigned i = 0; i < 2; i++)
        make_in(folders[i]);
    pid_t child = fork();
    if (child == 0) exit(0);
    waitpid(child, NULL, 0);
    bool are_there = access(folders[0], F_OK) == 0 && access(folders[1], F_OK) == 0;
    if (write(names, folders, sizeof folders) != (ssize_t)sizeof folders || !are_there) _exit(1);
    if (!ends_well) _exit(0);
    exit(0);
}

static void run(bool ends_well, char folders[2][64])
{
    int names[2], status;
    assert_int_equal(pipe(names), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) program(names[1], ends_well);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(names[0], folders, 2 * sizeof folders[0]), 2 * sizeof folders[0]);
    close(names[0]);
    close(names[1]);
}

static void test_folders_go_at_the_exit_of_their_maker(void **state)
{
    (void)state;
    char folders[2][64];
    run(true, folders);
    for (unsigned i = 0; i < 2; i++)
        assert_int_not_equal(access(folders[i], F_OK), 0);
    run(false, folders); /* as by a signal */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(access(folders[i], F_OK), 0);
        scratch_remove(folders[i]);
        assert_int_not_equal(access(folders[i], F_OK), 0);
    }
}

static void test_places_are_used_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * SCRATCH_FOLDERS_MAX; i++) {
        char folder[64];
        make_in(folder);
        scratch_remove(folder);
        assert_int_not_equal(access(folder, F_OK), 0);
    }
    unsigned used = 0;
    for (unsigned i = 0; i < SCRATCH_FOLDERS_MAX; i++)
        used += scratch_kept.folders[i][0] != '\0';
    assert_int_equal(used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_go_at_the_exit_of_their_maker),
        cmocka_unit_test(test_places_are_used_again),
    };
    return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
