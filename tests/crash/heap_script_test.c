/* heap_script_test.c: a crash at every persistent store of allocating, freeing and replacing blocks of each
 * class, page runs that split and coalesce, large objects and growth, and at every store of the recovery
 * after it. */
#include "heap_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap/sizeclass.h"
#include "support/crash.h"
#include "support/long.h"

#include <sys/statvfs.h>

/* What crash.h's callbacks get: transactions 1 .. prepared are run by setup, the rest is the operation. */
struct plan {
    struct model_script script;
    uint32_t prepared;
    uint32_t last;
    struct model model;
};

static void setup(void *arg, const char *path)
{
    struct plan *plan = arg;
    model_open(&plan->model, path);
    model_run(&plan->model, &plan->script, 1, plan->prepared);
    model_close(&plan->model);
}

static void *open_heap(void *arg, const char *path)
{
    struct plan *plan = arg;
    model_open(&plan->model, path);
    return &plan->model;
}

static void operate(void *arg, void *opened)
{
    struct plan *plan = arg;
    model_run(opened, &plan->script, plan->prepared + 1, plan->last);
}

static bool verify(void *arg, void *opened, bool returned)
{
    struct plan *plan = arg;
    struct model *model = opened;
    uint64_t done = heap_root(model->heap, MODEL_COUNTER).raw;
    if (done < plan->prepared || done > plan->last || (returned && done != plan->last)) return false;
    if (!model_follows(model, &plan->script) || !model_is_valid(model)) return false;
    /* It goes on working: the rebuild to its end, and one more block. */
    for (unsigned i = 0; heap_background_step(model->threads[0]); i++)
        if (i > 100000) return false;
    uint64_t off;
    struct tx *tx = heap_thread_tx(model->threads[0]);
    tx_begin(tx);
    bool works = heap_alloc(tx, 100, &off) == ERROR_OK;
    tx_abort(tx);
    return works && model_is_valid(model);
}

static void close_heap(void *arg, void *opened)
{
    (void)arg;
    model_close(opened);
}

static void explore(const char *name, struct plan *plan, const struct crash_case *shape,
                    struct crash_counts *counts)
{
    struct crash_case test = *shape;
    test.name = name;
    test.arg = plan;
    test.setup = setup;
    test.open = open_heap;
    test.operate = operate;
    test.verify = verify;
    test.close = close_heap;
    assert_true(crash_explore(&test, counts));
}

static void report(const char *what, const struct crash_counts *counts)
{
    print_message("%s: %llu points, %llu states, %llu during recovery\n", what,
                  (unsigned long long)counts->points, (unsigned long long)counts->states,
                  (unsigned long long)counts->recovery_states);
}

/* Allocate, then replace by another of the class: from an empty heap, so spans are carved on the way. */
static void explore_class(uint32_t bytes, const struct crash_case *shape, struct crash_counts *counts)
{
    char name[64];
    const struct model_step steps[] = {{1, 0, bytes}, {2, 0, bytes}};
    struct plan plan = {.script = {steps, 2}, .last = 2};
    snprintf(name, sizeof(name), "class of %u bytes", bytes);
    explore(name, &plan, shape, counts);
}

static void test_each_class(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        explore_class(sizeclass_table[i].bytes, &(struct crash_case){.recovery_stride = i % 20 == 0 ? 7 : 0},
                      &counts);
    report("each class", &counts);
}

static void test_large_runs(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    explore_class(40000, &(struct crash_case){.recovery_stride = 1}, &counts);
    explore_class(600000, &(struct crash_case){.recovery_stride = 3}, &counts);
    explore_class(6 << 20, &(struct crash_case){.recovery_stride = 0}, &counts);
    report("large runs", &counts);
}

/* Neighbours freed in each order: alone, merging left, right, and joining two. */
static const struct model_step split_steps[] = {
    {1, 0, 40960}, {1, 1, 40960}, {1, 2, 40960}, {1, 3, 40960}, {1, 4, 40960},   {1, 5, 40960},
    {1, 6, 40960}, {2, 1, 0},     {3, 2, 0},     {4, 0, 0},     {5, 5, 0},       {6, 3, 36900},
    {7, 4, 0},     {8, 6, 81920}, {9, 3, 0},     {10, 6, 0},    {11, 0, 122880},
};

static void test_split_and_coalesce(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    struct plan plan = {
        .script = {split_steps, sizeof(split_steps) / sizeof(*split_steps)}, .prepared = 1, .last = 11};
    explore("split and coalesce", &plan, &(struct crash_case){.recovery_stride = 2}, &counts);
    report("split and coalesce", &counts);
}

static void test_growth(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    const struct model_step steps[] = {{1, 0, 500000}, {2, 1, 500000}, {3, 2, 1500000}, {3, 3, 700000}};
    struct plan plan = {.script = {steps, 4}, .last = 3};
    explore("growth", &plan, &(struct crash_case){.recovery_stride = 1}, &counts);
    report("growth", &counts);
}

/* An object that does not fit into what is left of a chunk begins the next one. */
static void test_new_chunk(void **state)
{
    (void)state;
    struct statvfs room;
    assert_int_equal(statvfs("/dev/shm", &room), 0);
    if (room.f_bavail * room.f_frsize < UINT64_C(3) << 30) skip();
    struct crash_counts counts = {0};
    const struct model_step steps[] = {{1, 0, 520u << 20}, {2, 1, 520u << 20}};
    struct plan plan = {.script = {steps, 2}, .prepared = 1, .last = 2};
    explore("new chunk", &plan, &(struct crash_case){.point_stride = test_is_long() ? 1 : 5}, &counts);
    report("new chunk", &counts);
}

/* ---- laying out a new heap: here heap_open is the operation ---- */

struct creation {
    char path[256];
    struct model model;
};

static void setup_empty_file(void *arg, const char *path)
{
    (void)arg;
    FILE *file = fopen(path, "w");
    ASSERT(file && fclose(file) == 0);
}

static void *note_path(void *arg, const char *path)
{
    struct creation *creation = arg;
    snprintf(creation->path, sizeof(creation->path), "%s", path);
    return creation;
}

static void create(void *arg, void *opened)
{
    (void)arg;
    struct creation *creation = opened;
    model_open(&creation->model, creation->path);
    model_close(&creation->model);
}

static bool verify_creation(void *arg, void *opened, bool returned)
{
    (void)arg;
    (void)returned;
    struct creation *creation = opened;
    model_open(&creation->model, creation->path);
    bool valid = model_is_valid(&creation->model);
    model_close(&creation->model);
    return valid;
}

static void test_creation(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    struct creation creation;
    const struct crash_case test = {.name = "creation",
                                    .arg = &creation,
                                    .setup = setup_empty_file,
                                    .open = note_path,
                                    .operate = create,
                                    .verify = verify_creation};
    assert_true(crash_explore(&test, &counts));
    report("creation", &counts);
}

/* The page map's words flushed or not: spans, runs, growth on persistent memory. */
static void test_persistent_memory(void **state)
{
    (void)state;
    struct crash_counts counts = {0};
    struct crash_case shape = {.persistent_memory = true, .image_bytes = 32 << 20, .samples = 4, .seed = 7};
    explore_class(64, &shape, &counts);
    explore_class(4096, &shape, &counts);
    explore_class(40000, &shape, &counts);
    struct plan plan = {
        .script = {split_steps, sizeof(split_steps) / sizeof(*split_steps)}, .prepared = 1, .last = 11};
    struct crash_case sparse = shape;
    sparse.point_stride = 3;
    explore("split and coalesce, persistent memory", &plan, &sparse, &counts);
    const struct model_step steps[] = {{1, 0, 500000}, {2, 1, 300000}, {3, 2, 500000}};
    struct plan growth = {.script = {steps, 3}, .last = 3};
    explore("growth, persistent memory", &growth, &shape, &counts);
    report("persistent memory", &counts);
}

int main(void)
{
    if (!crash_is_built()) return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_class),         cmocka_unit_test(test_large_runs),
        cmocka_unit_test(test_split_and_coalesce), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_creation),           cmocka_unit_test(test_new_chunk),
        cmocka_unit_test(test_persistent_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
