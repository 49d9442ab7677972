/* crash.h: stops a process at its 1st, 2nd, ... n-th persistent store, and checks what each stop leaves.
 *
 * A case is a handful of callbacks. Each runs in a child process of its own, so nothing but the file passes
 * from one to the next:
 *
 *     setup     makes the file and closes it cleanly; once
 *     open      opens the file, which recovers it; the result goes to the callbacks below
 *     operate   the operation under test, run to each of its crash points in turn
 *     verify    the operation is there whole, or (unless it had returned) not at all; and the heap is valid
 *     close     optional, after verify
 *
 * For every stop: open + verify on what it left; and, for every recovery_stride-th of these states, a stop at
 * each point of open itself, then open + verify again.
 *
 * With persistent_memory, stores that were not flushed and drained may be lost: every subset of the cache
 * lines that differ between live and durable bytes is a state of its own, all of them while there are few,
 * else a seeded sample (all lost and all kept are always among them).
 *
 * Callbacks use ASSERT or return false, never cmocka's asserts (those would go on with the test runner in the
 * child). A callback that fails or hangs fails the case; what it was given is kept, and its path printed.
 *
 *     static const struct crash_case overwrite = {.name = "overwrite", .setup = ..., .recovery_stride = 1};
 *     struct crash_counts counts = {0};
 *     assert_true(crash_explore(&overwrite, &counts));
 *
 * Without CAIRN_CRASHPOINTS in the build there are no points: crash_is_built() is false, crash_explore does
 * nothing.
 */
#ifndef CAIRN_TESTS_CRASH_H
#define CAIRN_TESTS_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crash_case {
    const char *name;
    void *arg; /* handed to every callback */
    void (*setup)(void *arg, const char *path);
    void *(*open)(void *arg, const char *path);
    void (*operate)(void *arg, void *opened);
    bool (*verify)(void *arg, void *opened, bool returned);
    void (*close)(void *arg, void *opened);
    bool persistent_memory;
    size_t image_bytes;       /* persistent_memory: the file stays smaller; 0: 1 GiB */
    unsigned point_stride;    /* every how many points of operate; 0: each */
    unsigned recovery_stride; /* every how many states recovery is stopped as well; 0: never */
    unsigned samples;         /* of subsets, when there are too many for all; 0: 16 */
    uint64_t seed;
    bool discard_failed; /* do not keep the file of a failure (tests of this harness) */
};

struct crash_counts {
    uint64_t points;          /* at which operate was stopped */
    uint64_t states;          /* files verified after a stop of operate, or its return */
    uint64_t recovery_states; /* files verified after a stop of open */
};

bool crash_is_built(void);
/* Adds to *counts and prints a line about the case. False when any state fails; says on stderr which. */
bool crash_explore(const struct crash_case *test, struct crash_counts *counts);

#endif
