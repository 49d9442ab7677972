/* scratch.h: folders of a test's own that do not outlive its program, however the tests in it end.
 *
 * A test removes its folder when it is done with it; what is still there at the program's exit, because a test has failed before it came
 * to that, is removed then. Not after a signal. Tests that keep what a failure left, to be looked at, use mkdtemp.
 */
#ifndef CAIRN_TESTS_SCRATCH_H
#define CAIRN_TESTS_SCRATCH_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_FOLDERS_MAX 64 /* at a time; more are not looked after */

static struct {
    pid_t maker; /* children of a test leave its folders alone */
    char folders[SCRATCH_FOLDERS_MAX][256];
} scratch_kept;

static inline int scratch_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void scratch_remove(const char *folder)
{
    (void)nftw(folder, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void scratch_remove_all(void)
{
    if (scratch_kept.maker != getpid()) return;
    for (unsigned i = 0; i < SCRATCH_FOLDERS_MAX; i++)
        if (scratch_kept.folders[i][0] != '\0') scratch_remove(scratch_kept.folders[i]);
}

/* As mkdtemp. */
static inline char *scratch_make(char *pattern)
{
    char *made = mkdtemp(pattern);
    if (!made || strlen(made) >= sizeof scratch_kept.folders[0]) return made;
    if (scratch_kept.maker == 0 && atexit(scratch_remove_all) == 0) scratch_kept.maker = getpid();
    for (unsigned i = 0; i < SCRATCH_FOLDERS_MAX; i++) {
        char *slot = scratch_kept.folders[i];
        if (slot[0] != '\0' && access(slot, F_OK) == 0) continue;
        strcpy(slot, made);
        break;
    }
    return made;
}

#endif
