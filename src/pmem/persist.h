/* persist.h: the order in which stores become durable.
 *
 * Invariants:
 * P1. In PMEM_MODE_SHARED (and PRIVATE) a store is "durable" once it is executed: the page cache keeps each
 *     thread's stores in program order after process death, so only the compiler must be kept from
 *     reordering.
 * P2. In PMEM_MODE_DAX a range is durable once it was flushed and then drained by the same thread.
 * P3. Every persistent store outside the journal goes through this header, every one inside it through tx.h:
 *     each has a crash point (T4).
 */
#ifndef CAIRN_PMEM_PERSIST_H
#define CAIRN_PMEM_PERSIST_H

#include "pmem/fault.h"
#include "pmem/map.h"

#include <stddef.h>
#include <stdint.h>

/* Keeps the compiler from moving stores across. */
static inline void pmem_persist_barrier(void)
{
    __asm__ __volatile__("" ::: "memory");
}

void pmem_persist_flush_dax(const void *addr, size_t len);
void pmem_persist_drain_dax(void);

/* Starts the write-back of [addr, addr+len). */
static inline void pmem_persist_flush(const struct pmem_map *map, const void *addr, size_t len)
{
    if (map->mode == PMEM_MODE_DAX) pmem_persist_flush_dax(addr, len);
}

/* After return everything that this thread flushed is durable; also a compiler barrier. */
static inline void pmem_persist_drain(const struct pmem_map *map)
{
    pmem_persist_barrier();
    if (map->mode == PMEM_MODE_DAX) pmem_persist_drain_dax();
}

/* Stores outside of transactions (superblock, clean flag): durable on return. store64 is one atomic release
 * store. */
void pmem_persist_store64(const struct pmem_map *map, uint64_t *addr, uint64_t value);
void pmem_persist_copy(const struct pmem_map *map, void *dst, const void *src, size_t len);

#endif
