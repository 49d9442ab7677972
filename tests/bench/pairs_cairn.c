/* pairs_cairn.c: pairs with the heap, each one transaction. Root i names the slots of thread i. */
#include "pairs.h"

#include "heap/heap.h"
#include "target.h"

#include <stdlib.h>

static struct heap *heap;

struct pairs_thread {
    struct heap_thread *heap_thread;
    struct tx *tx;
    uint64_t *slots;
};

static void check(enum error error)
{
    if (error != ERROR_OK) target_fail("cairn: %s", error_text(error));
}

static void open_mode(const char *path, enum heap_mode mode)
{
    struct heap_report report;
    if (heap_open(&(struct heap_options){.path = path, .mode = mode}, &heap, &report) != ERROR_OK)
        target_fail("cairn: %s", report.detail);
}

static void open_shared(const char *path)
{
    open_mode(path, HEAP_MODE_SHARED);
}

static void open_dax(const char *path)
{
    open_mode(path, HEAP_MODE_DAX);
}

static void *thread_open(unsigned index)
{
    struct pairs_thread *thread = calloc(1, sizeof(*thread));
    if (!thread) target_fail("no memory");
    check(heap_thread_open(heap, &thread->heap_thread));
    thread->tx = heap_thread_tx(thread->heap_thread);
    uint64_t off;
    tx_begin(thread->tx);
    check(heap_alloc(thread->tx, PAIRS_SLOTS * sizeof(uint64_t), &off));
    thread->slots = heap_ptr(heap, off);
    tx_fill(thread->tx, thread->slots, 0, PAIRS_SLOTS * sizeof(uint64_t));
    check(heap_root_set(thread->tx, index, heap_off_make(off, 0)));
    tx_commit(thread->tx);
    return thread;
}

static void pair(void *arg, unsigned slot, size_t size_bytes)
{
    struct pairs_thread *thread = arg;
    uint64_t off, old = thread->slots[slot];
    tx_begin(thread->tx);
    check(heap_alloc(thread->tx, size_bytes, &off));
    tx_write64(thread->tx, heap_ptr(heap, off), size_bytes);
    check(tx_store64(thread->tx, &thread->slots[slot], off));
    if (old) check(heap_free(thread->tx, old));
    tx_commit(thread->tx);
}

static void thread_close(void *arg)
{
    struct pairs_thread *thread = arg;
    heap_thread_close(thread->heap_thread);
    free(thread);
}

static void close_heap(void)
{
    check(heap_close(heap));
}

const struct pairs_allocator pairs_cairn_shared = {
    "cairn", open_shared, thread_open, pair, thread_close, close_heap,
};
const struct pairs_allocator pairs_cairn_dax = {
    "cairn-dax", open_dax, thread_open, pair, thread_close, close_heap,
};
