/* map.c: a heap file, mapped once. See map.h.
 *
 * The whole reserve is mapped over the file at open; what lies beyond its end is address space only, and
 * becomes usable when the file grows under it. No later mmap, so no moment at which the mapping is not there.
 */
#include "pmem/map.h"

#include "pmem/disk.h"
#include "pmem/fault.h"
#include "util/assert.h"

#include <errno.h>
#include <libpmem.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PAGE_BYTES        UINT64_C(4096)
#define RESERVE_MIN_BYTES (UINT64_C(64) << 20)

static uint64_t page_floor(uint64_t bytes)
{
    return bytes & ~(PAGE_BYTES - 1);
}

static bool simulates_dax(void)
{
#ifdef CAIRN_CRASHPOINTS
    return pmem_fault_simulates();
#else
    return false;
#endif
}

/* Asks libpmem whether the medium is persistent memory. It needs at least a page to map: a new file gets one
 * for the time of the question. */
static bool is_persistent_memory(int fd, const char *path, uint64_t size_bytes)
{
    if (size_bytes < PAGE_BYTES && ftruncate(fd, (off_t)PAGE_BYTES) != 0) return false;
    size_t mapped = 0;
    int is_pmem = 0;
    void *probe = pmem_map_file(path, 0, 0, 0, &mapped, &is_pmem);
    if (probe != NULL) pmem_unmap(probe, mapped);
    if (size_bytes < PAGE_BYTES && ftruncate(fd, (off_t)size_bytes) != 0) return false;
    return probe != NULL && is_pmem;
}

static enum pmem_medium find_medium(const struct pmem_map *map)
{
    struct statfs fs;
    if (map->file->storage != pmem_storage_files()) return PMEM_MEDIUM_DISK;
    if (is_persistent_memory(map->fd, map->path, map->size_bytes)) return PMEM_MEDIUM_DAX;
    if (fstatfs(map->fd, &fs) == 0 &&
        ((unsigned)fs.f_type == TMPFS_MAGIC || (unsigned)fs.f_type == RAMFS_MAGIC))
        return PMEM_MEDIUM_MEMORY;
    return PMEM_MEDIUM_DISK;
}

static void choose_mode(struct pmem_map *map, const struct pmem_map_options *options)
{
    map->mode = PMEM_MODE_PRIVATE;
    if (options->read_only) return;
    map->medium = find_medium(map);
    map->mode = map->medium == PMEM_MEDIUM_DAX ? PMEM_MODE_DAX : PMEM_MODE_SHARED;
    if (options->force_shared) map->mode = PMEM_MODE_SHARED;
    if (simulates_dax() || options->force_dax) map->mode = PMEM_MODE_DAX;
}

static bool is_private(enum pmem_mode mode)
{
    return mode == PMEM_MODE_JOURNALED || mode == PMEM_MODE_PRIVATE;
}

static void *map_once(const struct pmem_map *map, uint64_t bytes)
{
    int protection = PROT_READ | PROT_WRITE;
    if (is_private(map->mode)) return mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_NORESERVE, map->fd, 0);
    if (map->mode == PMEM_MODE_DAX) {
        /* MAP_SYNC: the file system's own metadata is durable before a new page is handed out. */
        int flags = MAP_SHARED_VALIDATE | MAP_SYNC | MAP_NORESERVE;
        void *base = mmap(NULL, bytes, protection, flags, map->fd, 0);
        if (base != MAP_FAILED || errno == ENOMEM) return base;
    }
    return mmap(NULL, bytes, protection, MAP_SHARED | MAP_NORESERVE, map->fd, 0);
}

/* The mapping, if as much again can be had: for the applier of a journal, which has a mapping of its own. */
static void *map_with_twin(const struct pmem_map *map, uint64_t bytes)
{
    void *base = map_once(map, bytes);
    if (base == MAP_FAILED || map->mode == PMEM_MODE_PRIVATE) return base;
    void *twin = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (twin == MAP_FAILED) {
        munmap(base, bytes);
        errno = ENOMEM;
        return MAP_FAILED;
    }
    munmap(twin, bytes);
    return base;
}

/* Takes the largest reserve that the process's limits allow: the wish, then halves of it. */
static enum error reserve(struct pmem_map *map, uint64_t wish_bytes, char *detail, size_t cap)
{
    uint64_t least = map->size_bytes > RESERVE_MIN_BYTES ? map->size_bytes : RESERVE_MIN_BYTES;
    uint64_t bytes = page_floor(wish_bytes);
    if (bytes < least) bytes = page_floor(least + PAGE_BYTES - 1);
    for (;;) {
        void *base = map_with_twin(map, bytes);
        if (base != MAP_FAILED) {
            map->base = base;
            map->reserved_bytes = bytes;
            return ERROR_OK;
        }
        if (errno != ENOMEM || bytes / 2 < least) break;
        bytes = page_floor(bytes / 2);
    }
    int failure = errno;
    snprintf(detail, cap, "cannot map %s (%llu bytes of address space): %s%s", map->path,
             (unsigned long long)bytes, strerror(failure),
             failure == ENOMEM ? "; raise the limit on address space (ulimit -v)" : "");
    return failure == ENODEV ? ERROR_UNSUPPORTED : pmem_disk_error(failure);
}

static enum error measure(struct pmem_map *map, bool may_be_empty, char *detail, size_t cap)
{
    map->size_bytes = map->file->storage->size(map->file);
    if (map->size_bytes < PAGE_BYTES && !(may_be_empty && map->size_bytes == 0)) {
        snprintf(detail, cap,
                 "%s is too small to be a heap (%llu bytes); restore it, or move it away to start empty",
                 map->path, (unsigned long long)map->size_bytes);
        return ERROR_TRUNCATED;
    }
    return ERROR_OK;
}

enum error pmem_map_open(struct pmem_map *map, const struct pmem_map_options *options, char *detail,
                         size_t detail_cap)
{
    *map = (struct pmem_map){.fd = -1};
    if ((size_t)snprintf(map->path, sizeof map->path, "%s", options->path) >= sizeof map->path) {
        snprintf(detail, detail_cap, "the path of the heap file is too long");
        return ERROR_UNSUPPORTED;
    }
    const struct pmem_storage *storage = options->storage != NULL ? options->storage : pmem_storage_files();
    struct pmem_disk_open disk = {options->path, options->create, options->read_only};
    enum error error = storage->open_locked(storage, &disk, &map->file, detail, detail_cap);
    if (error != ERROR_OK) return error;
    map->fd = storage->descriptor(map->file);

    error = measure(map, !options->read_only, detail, detail_cap);
    if (error == ERROR_OK) {
        choose_mode(map, options);
        error = reserve(map, options->reserve_bytes, detail, detail_cap);
    }
    if (error != ERROR_OK) {
        if (options->create) (void)storage->unlink(storage, map->path);
        storage->close(map->file);
        map->file = NULL;
        map->fd = -1;
        return error;
    }
#ifdef CAIRN_CRASHPOINTS
    if (simulates_dax() && map->mode == PMEM_MODE_DAX) pmem_fault_attach(map);
#endif
    return ERROR_OK;
}

enum error pmem_map_grow(struct pmem_map *map, uint64_t new_bytes)
{
    if (new_bytes <= map->size_bytes) return ERROR_OK;
    return pmem_map_fill(map, map->size_bytes, new_bytes - map->size_bytes);
}

/* Memory in the place of what lies beyond the end of a file that may not be touched. */
static enum error fill_private(const struct pmem_map *map, uint64_t end)
{
    uint64_t from = (map->size_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    if (end <= from) return ERROR_OK;
    void *there = mmap(map->base + from, end - from, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return there == MAP_FAILED ? ERROR_MEMORY : ERROR_OK;
}

enum error pmem_map_fill(struct pmem_map *map, uint64_t off, uint64_t len)
{
    if (off > map->reserved_bytes || len > map->reserved_bytes - off) return ERROR_HEAP_FULL;
    enum error error = map->mode == PMEM_MODE_PRIVATE ? fill_private(map, off + len)
                                                      : map->file->storage->allocate(map->file, off, len);
    if (error != ERROR_OK) return error;
    /* Readers on other threads see the old size or the new one. */
    if (off + len > map->size_bytes) __atomic_store_n(&map->size_bytes, off + len, __ATOMIC_RELEASE);
    return ERROR_OK;
}

enum error pmem_map_sync(struct pmem_map *map, uint64_t off, uint64_t len)
{
    if (is_private(map->mode) || len == 0) return ERROR_OK;
    uint64_t size_bytes = __atomic_load_n(&map->size_bytes, __ATOMIC_ACQUIRE); /* may grow meanwhile */
    ASSERT(off < size_bytes && len <= size_bytes - off);
    enum error error = map->file->storage->sync_range(map->file, map->base + off, off, len);
    if (error != ERROR_OK) return error;
#ifdef CAIRN_CRASHPOINTS
    if (simulates_dax()) {
        pmem_fault_flush(map->base + off, len);
        pmem_fault_drain();
    }
#endif
    return ERROR_OK;
}

enum error pmem_map_switch(struct pmem_map *map, enum pmem_mode mode)
{
    ASSERT(map->mode == PMEM_MODE_SHARED || map->mode == PMEM_MODE_JOURNALED);
    ASSERT(mode == PMEM_MODE_SHARED || mode == PMEM_MODE_JOURNALED);
    int sharing = mode == PMEM_MODE_SHARED ? MAP_SHARED : MAP_PRIVATE;
    /* By the system call, for ThreadSanitizer takes mmap for a store, which those who only look (hints, figures) would have to be
     * ordered with. It is none: the kernel puts one mapping in the other's place at once, and both show the same. */
    void *base = (void *)syscall(SYS_mmap, map->base, map->reserved_bytes, PROT_READ | PROT_WRITE,
                                 sharing | MAP_NORESERVE | MAP_FIXED, map->fd, 0);
    if (base == MAP_FAILED) return pmem_disk_error(errno);
    __atomic_store_n(&map->mode, mode, __ATOMIC_RELEASE); /* who only asks for it does so at any time */
    return ERROR_OK;
}

void pmem_map_close(struct pmem_map *map)
{
    if (map->base != NULL) munmap(map->base, map->reserved_bytes);
    if (map->file != NULL) map->file->storage->close(map->file); /* releases the lock */
    *map = (struct pmem_map){.fd = -1};
}
