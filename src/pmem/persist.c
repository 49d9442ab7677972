/* persist.c: flush and drain, by libpmem or by the simulation in fault.c. */
#include "pmem/persist.h"

#include <libpmem.h>
#include <string.h>

void pmem_persist_flush_dax(const void *addr, size_t len)
{
#ifdef CAIRN_CRASHPOINTS
    if (pmem_fault_simulates()) {
        pmem_fault_flush(addr, len);
        return;
    }
#endif
    pmem_flush(addr, len);
}

void pmem_persist_drain_dax(void)
{
#ifdef CAIRN_CRASHPOINTS
    if (pmem_fault_simulates()) {
        pmem_fault_drain();
        return;
    }
#endif
    pmem_drain();
}

void pmem_persist_store64(const struct pmem_map *map, uint64_t *addr, uint64_t value)
{
    pmem_fault_point();
    __atomic_store_n(addr, value, __ATOMIC_RELEASE);
    pmem_persist_flush(map, addr, sizeof *addr);
    pmem_persist_drain(map);
}

void pmem_persist_copy(const struct pmem_map *map, void *dst, const void *src, size_t len)
{
    pmem_fault_point();
    memcpy(dst, src, len);
    pmem_persist_flush(map, dst, len);
    pmem_persist_drain(map);
}
