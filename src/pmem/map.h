/* map.h: a heap file, mapped once at a fixed address and grown in place.
 *
 * Address space is reserved at open (MAP_NORESERVE) and the mapping never moves while open. Growth allocates
 * blocks first (fallocate), so a full disk is an error here and never a SIGBUS later.
 */
#ifndef CAIRN_PMEM_MAP_H
#define CAIRN_PMEM_MAP_H

#include "pmem/storage.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pmem_mode {
    PMEM_MODE_SHARED, /* page cache: stores survive process death in program order; no flush, no fence */
    PMEM_MODE_DAX,    /* persistent memory: pmem_persist_* flush and drain through libpmem */
    PMEM_MODE_JOURNALED, /* private pages: stores never reach the file, which only the journal's applier writes */
    PMEM_MODE_PRIVATE, /* tools: nothing reaches the file */
};

/* What the file lies on, as far as it decides about the mode. */
enum pmem_medium {
    PMEM_MEDIUM_DISK,   /* power loss loses what was not synced; the kernel writes pages when it likes */
    PMEM_MEDIUM_MEMORY, /* tmpfs: power loss loses everything */
    PMEM_MEDIUM_DAX,
};

struct pmem_map {
    char *base;
    uint64_t reserved_bytes;
    uint64_t size_bytes; /* of the file, all of it mapped; grows atomically */
    enum pmem_mode mode; /* pmem_map_switch changes it; pmem_map_mode for who may run beside that */
    enum pmem_medium medium;
    struct pmem_storage_file *file;
    int fd; /* the file's */
    char path[4096];
};

struct pmem_map_options {
    const char *path;
    const struct pmem_storage *storage; /* NULL: the kernel's files. Others count as disks */
    uint64_t reserve_bytes;
    bool create;    /* O_CREAT|O_EXCL */
    bool read_only; /* PMEM_MODE_PRIVATE */
    bool force_dax; /* flush and drain whatever the medium (tests, benchmarks) */
    bool force_shared;
};

/* Opens, locks (OFD; ERROR_IN_USE) and maps the file, which may be empty unless read_only; the name of a new one is not durable yet. `detail` says on error what to do about it. */
MUST_CHECK enum error pmem_map_open(struct pmem_map *map, const struct pmem_map_options *options,
                                    char *detail, size_t detail_cap);
/* Extends file and mapping to new_bytes, blocks allocated. For ranges inside the size but sparse:
 * pmem_map_fill. */
MUST_CHECK enum error pmem_map_grow(struct pmem_map *map, uint64_t new_bytes);
/* Allocates the blocks of [off, off+len), which may lie beyond the end of the file (it is then extended; in
 * PMEM_MODE_PRIVATE by memory alone). */
MUST_CHECK enum error pmem_map_fill(struct pmem_map *map, uint64_t off, uint64_t len);
/* Those bytes, and the size of the file. */
MUST_CHECK enum error pmem_map_sync(struct pmem_map *map, uint64_t off, uint64_t len);
/* Changes between SHARED and JOURNALED at the same address. To JOURNALED: the private pages show the file from
 * now on. To SHARED: what the private pages held and the file does not is gone. Nobody may store into the
 * mapping meanwhile. */
MUST_CHECK enum error pmem_map_switch(struct pmem_map *map, enum pmem_mode mode);
void pmem_map_close(struct pmem_map *map);

static inline enum pmem_mode pmem_map_mode(const struct pmem_map *map)
{
    return __atomic_load_n(&map->mode, __ATOMIC_ACQUIRE);
}

/* True for addresses inside the mapped part. */
static inline bool pmem_map_holds(const struct pmem_map *map, const void *addr)
{
    return (uint64_t)((const char *)addr - map->base) < __atomic_load_n(&map->size_bytes, __ATOMIC_ACQUIRE);
}

#endif
