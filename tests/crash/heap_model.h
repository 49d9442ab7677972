/* heap_model.h: small programs over a heap's roots, for crash tests.
 *
 * A *script* is a list of steps grouped into transactions. A step replaces the block that a root holds (or
 * none) by one of `bytes` bytes (0: none), filled with a pattern of its root and transaction. The last root
 * counts committed transactions, in the same transaction, so the file says how far the script came; what must
 * be in the heap follows from the script.
 */
#ifndef CAIRN_TESTS_CRASH_HEAP_MODEL_H
#define CAIRN_TESTS_CRASH_HEAP_MODEL_H

#include "heap/heap.h"
#include "util/assert.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MODEL_COUNTER       (HEAP_ROOTS - 1)
#define MODEL_RESERVE_BYTES (UINT64_C(4) << 30)

/* How much of a block carries its pattern: its start, so that huge ones stay cheap. */
#define MODEL_FILL_MAX (4u << 20)

struct model_step {
    uint32_t tx; /* counted from 1, ascending */
    uint32_t root;
    uint32_t bytes;
};

struct model_script {
    const struct model_step *steps;
    unsigned count;
};

/* An open heap with two threads' handles, both used by the one thread of the test. */
struct model {
    struct heap *heap;
    struct heap_thread *threads[2];
};

static inline void model_open(struct model *model, const char *path)
{
    struct heap_report report;
    enum error error = heap_open(&(struct heap_options){.path = path,
                                                        .on_unclean = HEAP_UNCLEAN_REFUSE,
                                                        .reserve_bytes = MODEL_RESERVE_BYTES,
                                                        .boot_id = "one boot"},
                                 &model->heap, &report);
    if (error) fprintf(stderr, "heap_open: %s: %s\n", error_text(error), report.detail);
    ASSERT(error == ERROR_OK);
    for (unsigned i = 0; i < 2; i++)
        ASSERT(heap_thread_open(model->heap, &model->threads[i]) == ERROR_OK);
}

static inline void model_close(struct model *model)
{
    for (unsigned i = 0; i < 2; i++)
        heap_thread_close(model->threads[i]);
    ASSERT(heap_close(model->heap) == ERROR_OK);
}

static inline int model_pattern(const struct model_step *step)
{
    return (int)((step->tx * 31 + step->root * 7 + 1) & 255);
}

static inline uint32_t model_filled(const struct model_step *step)
{
    return step->bytes < MODEL_FILL_MAX ? step->bytes : MODEL_FILL_MAX;
}

/* The tx stays open on return. */
static inline void model_step(struct model *model, struct tx *tx, const struct model_step *step)
{
    uint64_t old = heap_off_get(heap_root(model->heap, step->root));
    uint64_t new = 0;
    if (step->bytes) {
        ASSERT(heap_alloc(tx, step->bytes, &new) == ERROR_OK);
        tx_fill(tx, heap_ptr(model->heap, new), model_pattern(step), model_filled(step));
    }
    if (old) ASSERT(heap_free(tx, old) == ERROR_OK);
    ASSERT(heap_root_set(tx, step->root, heap_off_make(new, 0)) == ERROR_OK);
}

static inline void model_count(struct model *model, struct tx *tx)
{
    uint64_t done = heap_root(model->heap, MODEL_COUNTER).raw;
    ASSERT(heap_root_set(tx, MODEL_COUNTER, (struct heap_off){done + 1}) == ERROR_OK);
}

/* Runs the transactions first .. last of a script. */
static inline void model_run(struct model *model, const struct model_script *script, uint32_t first,
                             uint32_t last)
{
    struct tx *tx = heap_thread_tx(model->threads[0]);
    for (uint32_t number = first; number <= last; number++) {
        tx_begin(tx);
        for (unsigned i = 0; i < script->count; i++)
            if (script->steps[i].tx == number) model_step(model, tx, &script->steps[i]);
        model_count(model, tx);
        tx_commit(tx);
    }
}

static inline void model_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    const struct model *model = app;
    for (unsigned root = 0; root < MODEL_COUNTER; root++) {
        uint64_t off = heap_off_get(heap_root(model->heap, root));
        if (off) own(ctx, off);
    }
}

/* The heap is valid, and every block in it is owned by one root. */
static inline bool model_is_valid(struct model *model)
{
    struct heap_check_result result;
    enum error error = heap_check(model->heap, model_walk, model, &result);
    if (error) fprintf(stderr, "heap_check: %s: %s\n", error_text(error), result.detail);
    return error == ERROR_OK;
}

static inline bool model_holds(const struct model *model, const struct model_step *step)
{
    uint64_t off = heap_off_get(heap_root(model->heap, step->root));
    if (step->bytes == 0) return off == 0;
    if (off == 0 || heap_usable_size(model->heap, off) < step->bytes) return false;
    const unsigned char *bytes = heap_ptr(model->heap, off);
    for (uint32_t i = 0; i < model_filled(step); i++)
        if (bytes[i] != model_pattern(step)) return false;
    return true;
}

/* Every root holds what the counted transactions of the script put there last. */
static inline bool model_follows(const struct model *model, const struct model_script *script)
{
    uint64_t done = heap_root(model->heap, MODEL_COUNTER).raw;
    for (unsigned root = 0; root < MODEL_COUNTER; root++) {
        const struct model_step *last = NULL;
        for (unsigned i = 0; i < script->count; i++)
            if (script->steps[i].root == root && script->steps[i].tx <= done) last = &script->steps[i];
        struct model_step nothing = {.root = root};
        if (!model_holds(model, last ? last : &nothing)) {
            fprintf(stderr, "root %u is not what transaction %u of %llu left\n", root, last ? last->tx : 0,
                    (unsigned long long)done);
            return false;
        }
    }
    return true;
}

#endif
