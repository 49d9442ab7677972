/* pairs_malloc.c: pairs with malloc and free, whichever library provides them. */
#include "pairs.h"

#include "target.h"

#include <stdlib.h>

static void nothing(void) {}

static void no_file(const char *path)
{
    (void)path;
}

static void *thread_open(unsigned index)
{
    (void)index;
    void **slots = calloc(PAIRS_SLOTS, sizeof(*slots));
    if (!slots) target_fail("no memory");
    return slots;
}

static void pair(void *thread, unsigned slot, size_t size_bytes)
{
    void **slots = thread;
    uint64_t *block = malloc(size_bytes);
    if (!block) target_fail("no memory");
    *block = size_bytes;
    free(slots[slot]);
    slots[slot] = block;
}

static void thread_close(void *thread)
{
    void **slots = thread;
    for (unsigned i = 0; i < PAIRS_SLOTS; i++)
        free(slots[i]);
    free(slots);
}

const struct pairs_allocator pairs_malloc = {"malloc", no_file, thread_open, pair, thread_close, nothing};
