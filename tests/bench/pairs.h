/* pairs.h: what the allocator benchmark asks of an allocator.
 *
 * Terms: a *slot* is a place, persistent where the allocator is, that owns one block; a *pair* allocates a
 * block, stores its address in a slot and frees the block that the slot held before: one transaction where
 * there are any.
 */
#ifndef CAIRN_BENCH_PAIRS_H
#define CAIRN_BENCH_PAIRS_H

#include <stddef.h>

#define PAIRS_SLOTS 1024 /* per thread */

struct pairs_allocator {
    const char *name;
    /* `path`: a file that does not exist yet, for those that need one. */
    void (*open)(const char *path);
    void *(*thread_open)(unsigned index);
    void (*pair)(void *thread, unsigned slot, size_t size_bytes);
    void (*thread_close)(void *thread);
    void (*close)(void);
};

extern const struct pairs_allocator pairs_malloc;
extern const struct pairs_allocator pairs_cairn_shared;
extern const struct pairs_allocator pairs_cairn_dax;
#ifdef BENCH_PMEMOBJ
extern const struct pairs_allocator pairs_pmemobj;
#endif

#endif
