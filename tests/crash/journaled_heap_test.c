/* journaled_heap_test.c: a heap with a journal, stopped at each of its stores, and at those of changing its mode while it is used.
 *
 * Nothing of the process's memory survives a stop, only what stands in the file and in the journal: every commit before the stop is
 * there, the one that was under way as a whole or not at all, whichever mode the heap is opened in next.
 */
#include "heap_model.h"

#include "pmem/fault.h"
#include "support/crash.h"
#include "support/long.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef CAIRN_CRASHPOINTS

#define SEGMENT_BYTES (UINT64_C(1) << 20)
#define STATUS_WRONG  1

/* Blocks of classes, page runs that are split and joined, objects that need growth. */
static const struct model_step steps[] = {
    {1, 0, 64},     {2, 1, 40960}, {2, 2, 40960}, {3, 0, 200},   {4, 1, 0},  {5, 2, 500000}, {6, 3, 1500000},
    {6, 4, 700000}, {7, 3, 0},     {8, 4, 96},    {9, 5, 32000}, {10, 5, 0}, {11, 6, 24},    {12, 0, 0},
};
static const struct model_script script = {steps, sizeof steps / sizeof *steps};
#define LAST 12u

static void on_advanced(void *arg)
{
    (void)arg;
}

static void on_log(void *arg, enum wal_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

static const struct heap_journal_options journal = {
    .wanted = true,
    .policy = WAL_EVERYSEC,
    .segment_bytes = SEGMENT_BYTES,
    .callbacks = {.advanced = on_advanced, .log = on_log},
};

static void open_as(struct model *model, const char *path, enum heap_mode mode)
{
    struct heap_report report;
    const struct heap_options options = {.path = path,
                                         .mode = mode,
                                         .journal = journal,
                                         .on_unclean = HEAP_UNCLEAN_REFUSE,
                                         .reserve_bytes = MODEL_RESERVE_BYTES,
                                         .boot_id = "one boot"};
    enum error error = heap_open(&options, &model->heap, &report);
    if (error) fprintf(stderr, "heap_open: %s: %s\n", error_text(error), report.detail);
    ASSERT(error == ERROR_OK && heap_mode(model->heap) == mode);
    for (unsigned i = 0; i < 2; i++)
        ASSERT(heap_thread_open(model->heap, &model->threads[i]) == ERROR_OK);
}

typedef void operation(struct model *model);

static void run_script(struct model *model)
{
    model_run(model, &script, 1, LAST);
}

/* The same, and the heap moves to a shared mapping and back on the way. */
static void run_switching(struct model *model)
{
    char detail[256];
    model_run(model, &script, 1, 4);
    ASSERT(heap_journal_end(model->heap, detail, sizeof detail) == ERROR_OK);
    model_run(model, &script, 5, 8);
    ASSERT(heap_journal_begin(model->heap, &journal, detail, sizeof detail) == ERROR_OK);
    model_run(model, &script, 9, 10);
    ASSERT(heap_journal_base(model->heap) == ERROR_OK);
    model_run(model, &script, 11, LAST);
}

static void live(const char *path, operation *operate, uint64_t stop_at)
{
    struct model model;
    open_as(&model, path, HEAP_MODE_JOURNALED);
    pmem_fault_arm(stop_at);
    operate(&model);
    pmem_fault_disarm();
    model_close(&model);
}

static bool is_right(struct model *model, bool returned)
{
    uint64_t done = heap_root(model->heap, MODEL_COUNTER).raw;
    return done <= LAST && (!returned || done == LAST) && model_follows(model, &script) &&
           model_is_valid(model);
}

/* As the mode of its last life, or as the other one first. */
static void look(const char *path, bool change, bool returned)
{
    struct model model;
    if (change) {
        open_as(&model, path, HEAP_MODE_SHARED);
        if (!is_right(&model, returned)) _exit(STATUS_WRONG);
        model_close(&model);
    }
    open_as(&model, path, HEAP_MODE_JOURNALED);
    if (!is_right(&model, returned)) _exit(STATUS_WRONG);
    model_close(&model);
}

static int wait_for(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Stops at one point, or lets it run; true when it ran to its end. */
static bool one_life(operation *operate, uint64_t stop_at, bool change)
{
    char folder[] = "/dev/shm/cairn-journaled.XXXXXX";
    char path[64], command[96];
    assert_non_null(scratch_make(folder));
    snprintf(path, sizeof path, "%s/heap", folder);
    pid_t child = fork();
    if (child == 0) {
        live(path, operate, stop_at);
        _exit(0);
    }
    int status = wait_for(child);
    assert_true(status == 0 || status == PMEM_FAULT_EXIT_CODE);
    child = fork();
    if (child == 0) {
        look(path, change, status == 0);
        _exit(0);
    }
    if (wait_for(child) != 0) fail_msg("stopped at point %llu: see %s", (unsigned long long)stop_at, folder);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    return status == 0;
}

static void explore(const char *name, operation *operate)
{
    unsigned stride = test_is_long() ? 1 : 7;
    unsigned lives = 0;
    pmem_fault_start(0);
    assert_true(one_life(operate, 0, false));
    uint64_t points = pmem_fault_points();
    assert_true(points > 100);
    for (uint64_t point = 1; point <= points; point += stride, lives++)
        assert_false(one_life(operate, point, lives % 3 == 0));
    pmem_fault_stop();
    print_message("%s: %llu points, %u stops\n", name, (unsigned long long)points, lives);
}

static void stops_at_each_store(void **state)
{
    (void)state;
    explore("a heap with a journal", run_script);
}

static void stops_while_the_mode_changes(void **state)
{
    (void)state;
    explore("a heap that changes its mode", run_switching);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stops_at_each_store),
                                       cmocka_unit_test(stops_while_the_mode_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0;
}

#endif
