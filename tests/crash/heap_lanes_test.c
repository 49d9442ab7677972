/* heap_lanes_test.c: a crash at every persistent store where two lanes meet (an abort while another thread
 * uses the span, a freed block taken by another thread) and where a lane overflows into extents (H9). */
#include "heap_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/crash.h"

/* What the callbacks get: the operation, and how to tell its outcomes by the roots. */
struct plan {
    void (*prepare)(struct model *model);
    void (*run)(struct model *model);
    bool (*holds)(const struct model *model, uint64_t done); /* after `done` transactions were counted */
    uint64_t last;                                           /* count when it has returned */
    struct model model;
};

static void setup(void *arg, const char *path)
{
    struct plan *plan = arg;
    model_open(&plan->model, path);
    if (plan->prepare) plan->prepare(&plan->model);
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
    plan->run(opened);
}

static bool verify(void *arg, void *opened, bool returned)
{
    struct plan *plan = arg;
    struct model *model = opened;
    uint64_t done = heap_root(model->heap, MODEL_COUNTER).raw;
    if (done > plan->last || (returned && done != plan->last)) return false;
    return plan->holds(model, done) && model_is_valid(model);
}

static void close_heap(void *arg, void *opened)
{
    (void)arg;
    model_close(opened);
}

static void explore(const char *name, struct plan *plan, struct crash_case shape)
{
    struct crash_counts counts = {0};
    shape.name = name;
    shape.arg = plan;
    shape.setup = setup;
    shape.open = open_heap;
    shape.operate = operate;
    shape.verify = verify;
    shape.close = close_heap;
    assert_true(crash_explore(&shape, &counts));
    print_message("%s: %llu points, %llu states, %llu during recovery\n", name,
                  (unsigned long long)counts.points, (unsigned long long)counts.states,
                  (unsigned long long)counts.recovery_states);
}

static const struct model_step first_block = {.tx = 1, .root = 0, .bytes = 64};
static const struct model_step second_block = {.tx = 2, .root = 1, .bytes = 64};

static void commit_step(struct model *model, unsigned thread, const struct model_step *step)
{
    struct tx *tx = heap_thread_tx(model->threads[thread]);
    tx_begin(tx);
    model_step(model, tx, step);
    model_count(model, tx);
    tx_commit(tx);
}

/* ---- an abort while another thread already uses the span ---- */

static void abort_beside_use(struct model *model)
{
    struct tx *mine = heap_thread_tx(model->threads[0]);
    tx_begin(mine);
    struct model_step doomed = {.tx = 9, .root = 2, .bytes = 64};
    model_step(model, mine, &doomed);    /* carves the span */
    commit_step(model, 1, &first_block); /* another thread takes a block of it */
    tx_abort(mine);
    commit_step(model, 0, &second_block); /* and the first one takes again what it gave back */
}

static bool holds_blocks(const struct model *model, uint64_t done)
{
    struct model_step nothing[3] = {{.root = 0}, {.root = 1}, {.root = 2}};
    return model_holds(model, done >= 1 ? &first_block : &nothing[0]) &&
           model_holds(model, done >= 2 ? &second_block : &nothing[1]) && model_holds(model, &nothing[2]);
}

static void test_abort_beside_use(void **state)
{
    (void)state;
    struct plan plan = {.run = abort_beside_use, .holds = holds_blocks, .last = 2};
    explore("abort beside use", &plan, (struct crash_case){.recovery_stride = 1});
    explore("abort beside use, persistent memory", &plan,
            (struct crash_case){.persistent_memory = true, .image_bytes = 32 << 20, .samples = 4});
}

/* ---- a freed block taken by another thread ---- */

static void prepare_block(struct model *model)
{
    struct tx *tx = heap_thread_tx(model->threads[0]);
    tx_begin(tx);
    model_step(model, tx, &(struct model_step){.tx = 7, .root = 2, .bytes = 16384});
    tx_commit(tx);
}

static void free_and_take(struct model *model)
{
    uint64_t freed = heap_off_get(heap_root(model->heap, 2));
    struct tx *mine = heap_thread_tx(model->threads[0]);
    struct tx *other = heap_thread_tx(model->threads[1]);
    tx_begin(mine);
    model_step(model, mine, &(struct model_step){.root = 2});
    model_count(model, mine);
    tx_commit(mine);
    heap_thread_trim(model->threads[0]);
    heap_thread_trim(model->threads[0]); /* out of the cache, for everyone */
    bool taken = false;
    tx_begin(other);
    for (unsigned root = 3; root < 8; root++) {
        model_step(model, other, &(struct model_step){.tx = 8, .root = root, .bytes = 16384});
        taken |= heap_off_get(heap_root(model->heap, root)) == freed;
    }
    model_count(model, other);
    tx_commit(other);
    ASSERT(taken);
}

static bool holds_freed_or_taken(const struct model *model, uint64_t done)
{
    struct model_step old = {.tx = 7, .root = 2, .bytes = done >= 1 ? 0 : 16384};
    bool holds = model_holds(model, &old);
    for (unsigned root = 3; root < 8; root++) {
        struct model_step new = {.tx = 8, .root = root, .bytes = done >= 2 ? 16384 : 0};
        holds = holds && model_holds(model, &new);
    }
    return holds;
}

static void test_freed_block_is_taken(void **state)
{
    (void)state;
    struct plan plan = {
        .prepare = prepare_block, .run = free_and_take, .holds = holds_freed_or_taken, .last = 2};
    explore("freed block taken", &plan, (struct crash_case){.recovery_stride = 1});
    explore("freed block taken, persistent memory", &plan,
            (struct crash_case){.persistent_memory = true, .image_bytes = 32 << 20, .samples = 4});
}

/* ---- lane overflow ---- */

/* An object that is overwritten in snapshots of 64 bytes: with 42,000 the lane just overflows, with ten times
 * that into several extents. */
static struct model_step overflow_block = {.tx = 1, .root = 0};

static void prepare_overflow(struct model *model)
{
    struct tx *tx = heap_thread_tx(model->threads[0]);
    tx_begin(tx);
    model_step(model, tx, &overflow_block);
    tx_commit(tx);
}

static void overwrite(struct model *model, struct tx *tx)
{
    char *bytes = heap_ptr(model->heap, heap_off_get(heap_root(model->heap, 0)));
    for (unsigned at = 0; at + 64 <= overflow_block.bytes; at += 100) {
        ASSERT(tx_snapshot(tx, bytes + at, 64) == ERROR_OK);
        tx_fill(tx, bytes + at, 'n', 64);
    }
}

static void overflow(struct model *model)
{
    struct tx *tx = heap_thread_tx(model->threads[0]);
    tx_begin(tx);
    overwrite(model, tx);
    tx_abort(tx);
    tx_begin(tx);
    overwrite(model, tx);
    model_count(model, tx);
    tx_commit(tx);
}

static bool holds_overwritten(const struct model *model, uint64_t done)
{
    const char *bytes = heap_ptr(model->heap, heap_off_get(heap_root(model->heap, 0)));
    char old = (char)model_pattern(&overflow_block);
    for (unsigned at = 0; at < overflow_block.bytes; at++) {
        bool overwritten = done > 0 && at % 100 < 64 && at - at % 100 + 64 <= overflow_block.bytes;
        if (bytes[at] != (overwritten ? 'n' : old)) return false;
    }
    return true;
}

static void test_lane_overflow(void **state)
{
    (void)state;
    struct plan plan = {.prepare = prepare_overflow, .run = overflow, .holds = holds_overwritten, .last = 1};
    /* A prime stride meets each kind of point; where the lane has just overflowed, recovery is stopped as
     * well. */
    overflow_block.bytes = 420000;
    explore("lane overflow", &plan, (struct crash_case){.point_stride = 101});
    overflow_block.bytes = 42000;
    explore("lane overflow and recovery", &plan,
            (struct crash_case){.point_stride = 1601, .recovery_stride = 1});
    explore("lane overflow, persistent memory", &plan,
            (struct crash_case){
                .persistent_memory = true, .image_bytes = 32 << 20, .samples = 2, .point_stride = 401});
}

int main(void)
{
    if (!crash_is_built()) return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abort_beside_use),
        cmocka_unit_test(test_freed_block_is_taken),
        cmocka_unit_test(test_lane_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
