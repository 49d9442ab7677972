/* storage.c: the kernel's files as a storage. See storage.h. */
#include "pmem/storage.h"

#include "pmem/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MODE      0600
#define FOLDER_MODE    0700
#define PAGE_BYTES     UINT64_C(4096)
#define INTERRUPTS_MAX 1000
#define PATH_CAP       4096
#define ASIDE_MAX      100 /* tries for a name that is not taken */

struct kernel_file {
    struct pmem_storage_file file;
    int fd;
    char *base; /* NULL: not mapped */
    bool read_only;
    uint64_t reserve_bytes;
};

static struct kernel_file *kernel_file(struct pmem_storage_file *file)
{
    return (struct kernel_file *)(void *)file;
}

static const struct kernel_file *kernel_file_const(const struct pmem_storage_file *file)
{
    return (const struct kernel_file *)(const void *)file;
}

static int open_restarting(const char *path, int flags)
{
    int fd = -1;
    for (int i = 0; i < INTERRUPTS_MAX; i++) {
        fd = open(path, flags | O_CLOEXEC, FILE_MODE);
        if (fd >= 0 || errno != EINTR) break;
    }
    return fd;
}

static enum error file_open(const struct pmem_storage *storage, const char *path, enum pmem_storage_way way,
                            struct pmem_storage_file **file_out)
{
    static const int flags[] = {O_RDWR, O_RDWR | O_CREAT | O_EXCL, O_RDONLY}; /* as the ways stand */
    struct kernel_file *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return ERROR_MEMORY;
    opened->file.storage = storage;
    opened->read_only = way == PMEM_STORAGE_READ;
    opened->fd = open_restarting(path, flags[way]);
    if (opened->fd < 0) {
        free(opened);
        return pmem_disk_error(errno);
    }
    *file_out = &opened->file;
    return ERROR_OK;
}

static enum error file_open_locked(const struct pmem_storage *storage, const struct pmem_disk_open *options,
                                   struct pmem_storage_file **file_out, char *detail, size_t detail_cap)
{
    struct kernel_file *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return ERROR_MEMORY;
    opened->file.storage = storage;
    enum error error = pmem_disk_open(options, &opened->fd, detail, detail_cap);
    if (error != ERROR_OK) {
        free(opened);
        return error;
    }
    *file_out = &opened->file;
    return ERROR_OK;
}

static int file_descriptor(const struct pmem_storage_file *file)
{
    return kernel_file_const(file)->fd;
}

static void file_close(struct pmem_storage_file *file)
{
    struct kernel_file *opened = kernel_file(file);
    if (opened->base != NULL) munmap(opened->base, opened->reserve_bytes);
    close(opened->fd);
    free(opened);
}

static uint64_t file_size(const struct pmem_storage_file *file)
{
    struct stat st;
    return fstat(kernel_file_const(file)->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t file_identity(const struct pmem_storage_file *file)
{
    struct stat st;
    if (fstat(kernel_file_const(file)->fd, &st) != 0) return UINT64_MAX;
    return ((uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 48) | UINT64_C(1) << 63;
}

static enum error file_map(struct pmem_storage_file *file, uint64_t reserve_bytes, char **base_out)
{
    struct kernel_file *opened = kernel_file(file);
    int access = opened->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void *base = mmap(NULL, reserve_bytes, access, MAP_SHARED | MAP_NORESERVE, opened->fd, 0);
    if (base == MAP_FAILED) return pmem_disk_error(errno);
    opened->base = base;
    opened->reserve_bytes = reserve_bytes;
    *base_out = base;
    return ERROR_OK;
}

static enum error file_allocate(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    return pmem_disk_allocate(kernel_file(file)->fd, off, len);
}

static enum error file_write(struct pmem_storage_file *file, uint64_t off, const void *bytes, size_t len)
{
    const char *at = bytes;
    int interrupts = 0;
    while (len > 0) {
        ssize_t written = pwrite(kernel_file(file)->fd, at, len, (off_t)off);
        if (written < 0 && errno == EINTR && ++interrupts < INTERRUPTS_MAX) continue;
        if (written <= 0) return written < 0 ? pmem_disk_error(errno) : ERROR_IO;
        at += written;
        off += (uint64_t)written;
        len -= (size_t)written;
    }
    return ERROR_OK;
}

/* On Linux fdatasync writes what was stored through mappings as well. */
static enum error file_sync(struct pmem_storage_file *file)
{
    return fdatasync(kernel_file(file)->fd) == 0 ? ERROR_OK : pmem_disk_error(errno);
}

/* The range alone, and what it takes to find it: a whole file may have more to write than anybody wants to wait for. */
static enum error file_sync_range(struct pmem_storage_file *file, const void *at, uint64_t off, uint64_t len)
{
    (void)file;
    uint64_t before = off & (PAGE_BYTES - 1);
    char *start = (char *)(uintptr_t)at - before;
    return msync(start, len + before, MS_SYNC) == 0 ? ERROR_OK : pmem_disk_error(errno);
}

static enum error file_flush(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    /* The kernel tells a descriptor of a failed write once: fdatasync knows nothing of what this call returned. */
    if (sync_file_range(kernel_file(file)->fd, (off_t)off, (off_t)len,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0)
        return ERROR_OK;
    return errno == ENOSYS ? ERROR_OK : pmem_disk_error(errno); /* a kernel without the call has written nothing */
}

static void file_prefetch(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    uint64_t start = off & ~(PAGE_BYTES - 1);
    posix_fadvise(kernel_file(file)->fd, (off_t)start, (off_t)(off + len - start), POSIX_FADV_WILLNEED);
}

static bool file_is_cached(const struct pmem_storage_file *file, uint64_t off)
{
    unsigned char resident = 1;
    char *page = kernel_file_const(file)->base + (off & ~(PAGE_BYTES - 1));
    return mincore(page, PAGE_BYTES, &resident) != 0 || (resident & 1) != 0;
}

static enum error folder_make(const struct pmem_storage *storage, const char *path)
{
    (void)storage;
    return mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST ? ERROR_OK : pmem_disk_error(errno);
}

static enum error folder_remove(const struct pmem_storage *storage, const char *path)
{
    (void)storage;
    return rmdir(path) == 0 || errno == ENOENT ? ERROR_OK : pmem_disk_error(errno);
}

static enum error folder_list(const struct pmem_storage *storage, const char *folder,
                              void (*each)(void *arg, const char *name), void *arg)
{
    (void)storage;
    /* Not opendir: ThreadSanitizer knows open, and that a descriptor's number may have been a connection's before. */
    int fd = open_restarting(folder, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        enum error error = pmem_disk_error(errno);
        if (fd >= 0) close(fd);
        return error;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') each(arg, entry->d_name);
    closedir(dir);
    return ERROR_OK;
}

static enum error name_change(const struct pmem_storage *storage, const char *from, const char *to)
{
    (void)storage;
    return rename(from, to) == 0 ? ERROR_OK : pmem_disk_error(errno);
}

static enum error name_change_new(const struct pmem_storage *storage, const char *from, const char *to,
                                  bool *taken_out)
{
    (void)storage;
    int failure = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
    *taken_out = failure == EEXIST;
    return failure == 0 ? ERROR_OK : pmem_disk_error(failure);
}

static enum error name_remove(const struct pmem_storage *storage, const char *path)
{
    (void)storage;
    return unlink(path) == 0 || errno == ENOENT ? ERROR_OK : pmem_disk_error(errno);
}

static enum error folder_sync(const struct pmem_storage *storage, const char *folder)
{
    (void)storage;
    int fd = open_restarting(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return pmem_disk_error(errno);
    enum error error = fsync(fd) == 0 || errno == EINVAL ? ERROR_OK : pmem_disk_error(errno);
    close(fd);
    return error;
}

const struct pmem_storage *pmem_storage_files(void)
{
    static const struct pmem_storage files = {
        .open = file_open,
        .open_locked = file_open_locked,
        .close = file_close,
        .descriptor = file_descriptor,
        .size = file_size,
        .identity = file_identity,
        .map = file_map,
        .allocate = file_allocate,
        .write = file_write,
        .sync = file_sync,
        .sync_range = file_sync_range,
        .flush = file_flush,
        .prefetch = file_prefetch,
        .is_cached = file_is_cached,
        .make_folder = folder_make,
        .remove_folder = folder_remove,
        .list = folder_list,
        .rename = name_change,
        .rename_new = name_change_new,
        .unlink = name_remove,
        .sync_folder = folder_sync,
    };
    return &files;
}

enum error pmem_storage_sync_name(const struct pmem_storage *storage, const char *path)
{
    char parent[PATH_CAP];
    if ((size_t)snprintf(parent, sizeof parent, "%s", path) >= sizeof parent) return ERROR_IO;
    char *slash = strrchr(parent, '/');
    if (slash == NULL) strcpy(parent, ".");
    else if (slash == parent) parent[1] = '\0';
    else *slash = '\0';
    return storage->sync_folder(storage, parent);
}

enum error pmem_storage_set_aside(const struct pmem_storage *storage, const char *path, const char *why,
                                  char *to, size_t to_cap)
{
    char when[32];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
    bool taken = true;
    enum error error = ERROR_IO;
    for (unsigned i = 0; i < ASIDE_MAX && taken; i++) {
        char number[16] = "";
        if (i > 0) snprintf(number, sizeof number, "-%u", i);
        int len = snprintf(to, to_cap, "%s.%s-%s%s", path, why, when, number);
        if (len < 0 || (size_t)len >= to_cap) break; /* ERROR_IO */
        error = storage->rename_new(storage, path, to, &taken);
    }
    if (error == ERROR_OK) return pmem_storage_sync_name(storage, path);
    to[0] = '\0';
    return error;
}
