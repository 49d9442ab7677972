/* lying_disk.c: a disk in memory that lies. See lying_disk.h. */
#include "support/lying_disk.h"

#include "pmem/disk.h"
#include "util/assert.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define LOST_MAX   8192

struct handle {
    struct pmem_storage_file file;
    struct lying_file *lying;
    unsigned failed_writes; /* of which it was told */
    bool locks;
};

static struct lying_disk *disk_of(const struct pmem_storage *storage)
{
    return storage->disk;
}

static struct lying_file *lying_of(const struct pmem_storage_file *file)
{
    return ((const struct handle *)(const void *)file)->lying;
}

static uint64_t live_size(const struct lying_file *file)
{
    return file->sizes[file->size_count - 1];
}

static const char *live_name(const struct lying_file *file)
{
    return file->names[file->name_count - 1];
}

static struct lying_file *find(struct lying_disk *disk, const char *name)
{
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists && strcmp(live_name(&disk->files[i]), name) == 0) return &disk->files[i];
    return NULL;
}

/* The first name that is one: all of a file's stand in one folder. */
static const char *any_name(const struct lying_file *file)
{
    unsigned i = 0;
    while (i + 1 < file->name_count && file->names[i][0] == '\0')
        i++;
    return file->names[i];
}

static bool stands_in(const char *name, const char *folder)
{
    const char *slash = strrchr(name, '/');
    if (slash == NULL) return strcmp(folder, ".") == 0;
    return (size_t)(slash - name) == strlen(folder) && strncmp(name, folder, strlen(folder)) == 0;
}

/* ---- bytes ---- */

static size_t capacity(const struct lying_file *file)
{
    return file->is_heap ? LYING_HEAP_BYTES : LYING_FILE_BYTES;
}

static char *map_bytes(int fd)
{
    int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_NORESERVE;
    char *bytes = mmap(NULL, LYING_HEAP_BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);
    ASSERT(bytes != MAP_FAILED);
    return bytes;
}

/* ---- lost pages ---- */

static char *lost[LOST_MAX]; /* in live bytes of whatever file of whatever disk */
static unsigned lost_count;

static bool is_lost(const char *page)
{
    unsigned i = 0;
    while (i < lost_count && lost[i] != page)
        i++;
    return i < lost_count;
}

/* False: it was not lost. */
static bool find_again(char *page)
{
    for (unsigned i = 0; i < lost_count; i++) {
        if (lost[i] != page) continue;
        lost[i] = lost[--lost_count];
        ASSERT(mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE) == 0);
        return true;
    }
    return false;
}

static void on_store(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    char *at = info->si_addr;
    if (!find_again(at - (uintptr_t)at % PAGE_BYTES)) signal(signal_number, SIG_DFL);
}

static void lose_page(char *page)
{
    struct sigaction action = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (is_lost(page)) return;
    ASSERT(lost_count < LOST_MAX && sigaction(SIGSEGV, &action, NULL) == 0);
    lost[lost_count++] = page;
    ASSERT(mprotect(page, PAGE_BYTES, PROT_READ) == 0);
}

/* What is not durable in [from, to). */
static void lose(struct lying_file *file, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < file->version_count; i++) {
        uint64_t page = (uint64_t)file->versions[i].sector * LYING_SECTOR / PAGE_BYTES * PAGE_BYTES;
        if (page + PAGE_BYTES > from && page < to) lose_page(file->live + page);
    }
}

static void find_all_again(struct lying_file *file)
{
    for (unsigned i = lost_count; i-- > 0;)
        if (lost[i] >= file->live && lost[i] < file->live + capacity(file)) find_again(lost[i]);
}

static void lose_the_same(const struct lying_file *from, struct lying_file *to)
{
    unsigned count = lost_count;
    for (unsigned i = 0; i < count; i++)
        if (lost[i] >= from->live && lost[i] < from->live + capacity(from))
            lose_page(to->live + (lost[i] - from->live));
}

/* ---- buffers ---- */

static void make_buffers(struct lying_file *file)
{
    if (file->is_folder) return;
    if (file->is_heap) {
        file->fd = memfd_create("lying heap", MFD_CLOEXEC);
        ASSERT(file->fd >= 0 && ftruncate(file->fd, LYING_HEAP_BYTES) == 0);
        file->live = map_bytes(file->fd);
        file->durable = map_bytes(-1);
        file->seen = map_bytes(-1);
        return;
    }
    file->live = aligned_alloc(PAGE_BYTES, LYING_FILE_BYTES);
    file->durable = calloc(1, LYING_FILE_BYTES);
    file->seen = calloc(1, LYING_FILE_BYTES);
    ASSERT(file->live != NULL && file->durable != NULL && file->seen != NULL);
    memset(file->live, 0, LYING_FILE_BYTES);
}

static void forget(struct lying_file *file)
{
    if (!file->is_folder) find_all_again(file);
    if (file->is_heap) {
        munmap(file->live, LYING_HEAP_BYTES);
        munmap(file->durable, LYING_HEAP_BYTES);
        munmap(file->seen, LYING_HEAP_BYTES);
        close(file->fd);
    } else {
        free(file->live);
        free(file->durable);
        free(file->seen);
    }
    free(file->versions);
    *file = (struct lying_file){0};
}

/* The next range below `end` that may hold anything but zeros, in whatever of the file's buffers. */
static bool next_data(const struct lying_file *file, uint64_t end, uint64_t *from, uint64_t *to)
{
    uint64_t start = *to;
    if (start >= end) return false;
    *from = start;
    *to = end;
    if (!file->is_heap) return true;
    off_t data = lseek(file->fd, (off_t)start, SEEK_DATA);
    if (data < 0 || (uint64_t)data >= end) return false;
    off_t hole = lseek(file->fd, data, SEEK_HOLE);
    *from = (uint64_t)data;
    if ((uint64_t)hole < end) *to = (uint64_t)hole;
    return true;
}

static bool is_zero(const char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* `bytes` of `file` into another of its buffers, or of a file that was empty. */
static void copy_bytes(const struct lying_file *file, char *to_bytes, const char *bytes, uint64_t end)
{
    uint64_t from = 0;
    uint64_t to = 0;
    while (next_data(file, end, &from, &to)) {
        for (uint64_t at = from; at < to; at += PAGE_BYTES) {
            size_t len = to - at < PAGE_BYTES ? to - at : PAGE_BYTES;
            if (!is_zero(bytes + at, len) || !is_zero(to_bytes + at, len))
                memcpy(to_bytes + at, bytes + at, len);
        }
    }
}

/* ---- moments ---- */

static void add_version(struct lying_disk *disk, struct lying_file *file, uint32_t sector)
{
    disk->changes++;
    if (file->version_count == file->version_cap) {
        file->version_cap = file->version_cap > 0 ? 2 * file->version_cap : 16;
        file->versions = realloc(file->versions, file->version_cap * sizeof *file->versions);
        ASSERT(file->versions != NULL);
    }
    struct lying_version *version = &file->versions[file->version_count++];
    version->sector = sector;
    memcpy(version->bytes, file->live + (size_t)sector * LYING_SECTOR, LYING_SECTOR);
}

static void look_at_page(struct lying_disk *disk, struct lying_file *file, uint64_t off, uint64_t end)
{
    if (memcmp(file->live + off, file->seen + off, end - off) == 0) return;
    find_again(file->live + off); /* stored through a mapping of the heap's own */
    for (uint64_t at = off; at < end; at += LYING_SECTOR) {
        if (memcmp(file->live + at, file->seen + at, LYING_SECTOR) == 0) continue;
        add_version(disk, file, (uint32_t)(at / LYING_SECTOR));
        memcpy(file->seen + at, file->live + at, LYING_SECTOR);
    }
}

static void look_at(struct lying_disk *disk, struct lying_file *file)
{
    uint64_t size = live_size(file);
    uint64_t from = 0;
    uint64_t to = 0;
    while (!file->is_folder && next_data(file, size, &from, &to))
        for (uint64_t off = from; off < to; off += PAGE_BYTES)
            look_at_page(disk, file, off, to - off < PAGE_BYTES ? to : off + PAGE_BYTES);
}

void lying_disk_look(struct lying_disk *disk)
{
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists) look_at(disk, &disk->files[i]);
}

static void pass(struct lying_disk *disk, const char *what, const char *path)
{
    lying_disk_look(disk);
    if (disk->moment == NULL || disk->in_moment) return;
    disk->in_moment = true;
    disk->moment(disk->moment_arg, what, path);
    disk->in_moment = false;
}

/* ---- the storage ---- */

static void add_name(struct lying_disk *disk, struct lying_file *file, const char *name)
{
    disk->changes++;
    ASSERT(file->name_count < LYING_NAMES && strlen(name) < LYING_NAME_BYTES);
    strcpy(file->names[file->name_count], name);
    file->name_times[file->name_count++] = ++disk->time;
}

static void add_size(struct lying_disk *disk, struct lying_file *file, uint64_t size)
{
    ASSERT(size <= capacity(file));
    if (size <= live_size(file)) return;
    disk->changes++;
    if (file->size_count == LYING_SIZES) file->size_count--; /* one in between fewer */
    file->sizes[file->size_count++] = size;
}

enum kind { A_FILE, A_HEAP, A_FOLDER };

static struct lying_file *make_file(struct lying_disk *disk, const char *name, enum kind kind)
{
    unsigned i = 0;
    while (i < LYING_FILES && disk->files[i].exists)
        i++;
    ASSERT(i < LYING_FILES);
    struct lying_file *file = &disk->files[i];
    *file = (struct lying_file){
        .exists = true, .is_folder = kind == A_FOLDER, .is_heap = kind == A_HEAP, .size_count = 1};
    make_buffers(file);
    file->name_count = 1; /* "": not there */
    add_name(disk, file, name);
    return file;
}

static struct handle *make_handle(const struct pmem_storage *storage, struct lying_file *file)
{
    struct handle *handle = calloc(1, sizeof *handle);
    ASSERT(handle != NULL);
    handle->file.storage = storage;
    handle->lying = file;
    handle->failed_writes = file->failed_writes - (file->failed_writes > 0 && !file->is_told);
    return handle;
}

static enum error file_open(const struct pmem_storage *storage, const char *path, enum pmem_storage_way way,
                            struct pmem_storage_file **file_out)
{
    bool create = way == PMEM_STORAGE_CREATE;
    struct lying_disk *disk = disk_of(storage);
    pass(disk, create ? "create" : "open", path);
    struct lying_file *file = find(disk, path);
    if (create && file != NULL) return ERROR_IO;
    if (!create && file == NULL) return ERROR_NOT_FOUND;
    if (create) file = make_file(disk, path, A_FILE);
    *file_out = &make_handle(storage, file)->file;
    return ERROR_OK;
}

static enum error file_open_locked(const struct pmem_storage *storage, const struct pmem_disk_open *options,
                                   struct pmem_storage_file **file_out, char *detail, size_t detail_cap)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, options->create ? "create" : "open", options->path);
    struct lying_file *file = find(disk, options->path);
    snprintf(detail, detail_cap, "%s %s", options->path, file != NULL ? "is there" : "is not there");
    if (options->create && file != NULL) return ERROR_IO;
    if (!options->create && file == NULL) return ERROR_NOT_FOUND;
    if (options->create) file = make_file(disk, options->path, A_HEAP);
    ASSERT(file->is_heap);
    if (file->is_locked) return ERROR_IN_USE;
    file->is_locked = true;
    struct handle *handle = make_handle(storage, file);
    handle->locks = true;
    *file_out = &handle->file;
    detail[0] = '\0';
    return ERROR_OK;
}

static int file_descriptor(const struct pmem_storage_file *file)
{
    return lying_of(file)->fd;
}

static void file_close(struct pmem_storage_file *file)
{
    struct handle *handle = (struct handle *)(void *)file;
    if (handle->locks) handle->lying->is_locked = false;
    free(handle);
}

static uint64_t file_size(const struct pmem_storage_file *file)
{
    return live_size(lying_of(file));
}

static uint64_t file_identity(const struct pmem_storage_file *file)
{
    return (uint64_t)(lying_of(file) - disk_of(file->storage)->files) + 1;
}

static enum error file_map(struct pmem_storage_file *file, uint64_t reserve_bytes, char **base_out)
{
    ASSERT(reserve_bytes <= capacity(lying_of(file)));
    *base_out = lying_of(file)->live;
    return ERROR_OK;
}

static enum error take_bytes(struct lying_disk *disk, const struct lying_file *file, uint64_t end)
{
    uint64_t more = end > live_size(file) ? end - live_size(file) : 0;
    if (more > disk->faults.bytes_left) return ERROR_DISK_FULL;
    if (disk->faults.bytes_left != UINT64_MAX) disk->faults.bytes_left -= more;
    return ERROR_OK;
}

static enum error file_allocate(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    struct lying_disk *disk = disk_of(file->storage);
    pass(disk, "allocate", live_name(lying_of(file)));
    enum error error = take_bytes(disk, lying_of(file), off + len);
    if (error == ERROR_OK) add_size(disk, lying_of(file), off + len);
    return error;
}

static enum error file_write(struct pmem_storage_file *file, uint64_t off, const void *bytes, size_t len)
{
    struct lying_disk *disk = disk_of(file->storage);
    pass(disk, "write", live_name(lying_of(file)));
    enum error error = take_bytes(disk, lying_of(file), off + len);
    if (error != ERROR_OK) return error;
    add_size(disk, lying_of(file), off + len);
    memcpy(lying_of(file)->live + off, bytes, len);
    return ERROR_OK;
}

/* False: this one fails. */
static bool takes_sync(struct lying_disk *disk)
{
    if (disk->faults.good_syncs == 0) return false;
    if (disk->faults.good_syncs != UINT64_MAX) disk->faults.good_syncs--;
    return true;
}

static void make_durable(struct lying_file *file, uint64_t from, uint64_t to)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < file->version_count; i++) {
        uint64_t off = (uint64_t)file->versions[i].sector * LYING_SECTOR;
        bool is_clean = is_lost(file->live + off / PAGE_BYTES * PAGE_BYTES);
        if (is_clean || off + LYING_SECTOR <= from || off >= to) file->versions[kept++] = file->versions[i];
        else memcpy(file->durable + off, file->live + off, LYING_SECTOR);
    }
    file->version_count = kept;
    file->sizes[0] = live_size(file);
    file->size_count = 1;
}

static bool is_named(const struct lying_file *file, const char *part)
{
    return part[0] != '\0' && strstr(live_name(file), part) != NULL;
}

/* Once. */
static bool is_told_of_failure(struct pmem_storage_file *file)
{
    struct handle *handle = (struct handle *)(void *)file;
    if (handle->failed_writes == handle->lying->failed_writes) return false;
    handle->failed_writes = handle->lying->failed_writes;
    handle->lying->is_told = true;
    return true;
}

static enum error sync_bytes(struct pmem_storage_file *file, uint64_t from, uint64_t to)
{
    struct lying_disk *disk = disk_of(file->storage);
    struct lying_file *lying = lying_of(file);
    pass(disk, "sync", live_name(lying));
    if (is_named(lying, disk->faults.fail_sync) || !takes_sync(disk)) {
        lose(lying, from, to);
        return ERROR_IO;
    }
    disk->syncs++;
    disk->changes++;
    look_at(disk, lying);
    make_durable(lying, from, to);
    return is_told_of_failure(file) ? ERROR_IO : ERROR_OK;
}

static enum error file_sync(struct pmem_storage_file *file)
{
    return sync_bytes(file, 0, UINT64_MAX);
}

static enum error file_sync_range(struct pmem_storage_file *file, const void *at, uint64_t off, uint64_t len)
{
    (void)at;
    /* Who asks for a page has stored into it, maybe through a mapping of the heap's own, maybe what stood there. */
    if (len <= PAGE_BYTES) find_again(lying_of(file)->live + off / PAGE_BYTES * PAGE_BYTES);
    return sync_bytes(file, off, off + len);
}

static enum error file_flush(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    struct lying_disk *disk = disk_of(file->storage);
    ASSERT(off < live_size(lying_of(file)) && len > 0);
    pass(disk, "flush", live_name(lying_of(file)));
    if (!is_named(lying_of(file), disk->faults.fail_flush))
        return is_told_of_failure(file) ? ERROR_IO : ERROR_OK;
    lose(lying_of(file), off, off + len);
    return ERROR_IO;
}

static void file_prefetch(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    ASSERT(off < live_size(lying_of(file)) && len > 0);
}

static bool file_is_cached(const struct pmem_storage_file *file, uint64_t off)
{
    if (is_lost(lying_of(file)->live + off / PAGE_BYTES * PAGE_BYTES)) return true;
    return off % 8192 != 0 && live_size(lying_of(file)) > off;
}

static enum error folder_make(const struct pmem_storage *storage, const char *path)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "make_folder", path);
    if (find(disk, path) == NULL) make_file(disk, path, A_FOLDER);
    return ERROR_OK;
}

static enum error folder_list(const struct pmem_storage *storage, const char *folder,
                              void (*each)(void *arg, const char *name), void *arg)
{
    struct lying_disk *disk = disk_of(storage);
    if (find(disk, folder) == NULL) return ERROR_NOT_FOUND;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const char *name = disk->files[i].exists ? live_name(&disk->files[i]) : "";
        if (name[0] != '\0' && stands_in(name, folder)) each(arg, strrchr(name, '/') + 1);
    }
    return ERROR_OK;
}

/* Along with its folder; a power cut may part them, as it never would. */
static void move_into(struct lying_disk *disk, struct lying_file *file, const char *folder)
{
    char name[LYING_NAME_BYTES];
    ASSERT((size_t)snprintf(name, sizeof name, "%s%s", folder, strrchr(live_name(file), '/')) < sizeof name);
    add_name(disk, file, name);
}

static enum error name_change(const struct pmem_storage *storage, const char *from, const char *to)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "rename", from);
    struct lying_file *file = find(disk, from);
    struct lying_file *other = find(disk, to);
    if (file == NULL) return ERROR_NOT_FOUND;
    if (other != NULL) add_name(disk, other, "");
    for (unsigned i = 0; i < LYING_FILES && file->is_folder; i++) {
        struct lying_file *inside = &disk->files[i];
        if (inside->exists && stands_in(live_name(inside), from)) move_into(disk, inside, to);
    }
    add_name(disk, file, to);
    return ERROR_OK;
}

static enum error name_remove(const struct pmem_storage *storage, const char *path)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "unlink", path);
    struct lying_file *file = find(disk, path);
    if (file != NULL) add_name(disk, file, "");
    return ERROR_OK;
}

static enum error name_change_new(const struct pmem_storage *storage, const char *from, const char *to,
                                  bool *taken_out)
{
    *taken_out = find(disk_of(storage), to) != NULL;
    return *taken_out ? ERROR_IO : name_change(storage, from, to);
}

/* What stood in a folder that is gone for good. */
static void forget_inside(struct lying_disk *disk, const char *folder)
{
    for (unsigned i = 0; i < LYING_FILES; i++) {
        struct lying_file *file = &disk->files[i];
        if (!file->exists || !stands_in(any_name(file), folder)) continue;
        ASSERT(live_name(file)[0] == '\0'); /* a folder is removed empty */
        forget(file);
    }
}

static enum error folder_sync(const struct pmem_storage *storage, const char *folder)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "sync_folder", folder);
    if (!takes_sync(disk)) return ERROR_IO;
    disk->changes++;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        struct lying_file *file = &disk->files[i];
        if (!file->exists || !stands_in(any_name(file), folder)) continue;
        char name[LYING_NAME_BYTES];
        strcpy(name, any_name(file));
        memmove(file->names[0], live_name(file), LYING_NAME_BYTES);
        file->name_times[0] = file->name_times[file->name_count - 1];
        file->name_count = 1;
        if (file->names[0][0] != '\0') continue;
        bool was_folder = file->is_folder;
        forget(file);
        if (was_folder && find(disk, name) == NULL) forget_inside(disk, name);
    }
    return ERROR_OK;
}

static enum error folder_remove(const struct pmem_storage *storage, const char *path)
{
    return name_remove(storage, path);
}

static const struct pmem_storage functions = {
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

/* ---- disks ---- */

struct lying_disk *lying_disk_new(void)
{
    struct lying_disk *disk = calloc(1, sizeof *disk);
    ASSERT(disk != NULL);
    disk->storage = functions;
    disk->storage.disk = disk;
    disk->faults.bytes_left = UINT64_MAX;
    disk->faults.good_syncs = UINT64_MAX;
    return disk;
}

void lying_disk_free(struct lying_disk *disk)
{
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists) forget(&disk->files[i]);
    free(disk);
}

/* Durable from the start. */
static struct lying_file *add_durable(struct lying_disk *disk, const char *name, enum kind kind)
{
    struct lying_file *file = make_file(disk, name, kind);
    strcpy(file->names[0], name);
    file->name_count = 1;
    return file;
}

char *lying_disk_add(struct lying_disk *disk, const char *name, uint64_t size)
{
    const char *slash = strrchr(name, '/');
    if (slash != NULL) {
        char folder[LYING_NAME_BYTES];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        if (find(disk, folder) == NULL) add_durable(disk, folder, A_FOLDER);
    }
    struct lying_file *file = add_durable(disk, name, A_FILE);
    file->sizes[0] = size;
    return file->live;
}

char *lying_disk_live(struct lying_disk *disk, const char *name, uint64_t *size_out)
{
    struct lying_file *file = find(disk, name);
    if (file == NULL) return NULL;
    *size_out = live_size(file);
    return file->live;
}

void lying_disk_copy(struct lying_disk *disk, const char *name)
{
    struct lying_file *from = find(disk, name);
    ASSERT(from != NULL && !from->is_heap && !from->is_folder);
    add_name(disk, from, "");
    struct lying_file *to = make_file(disk, name, A_FILE);
    add_size(disk, to, live_size(from));
    copy_bytes(from, to->live, from->live, live_size(from));
    lying_disk_look(disk);
}

void lying_disk_fail_write(struct lying_disk *disk, const char *name)
{
    struct lying_file *file = find(disk, name);
    ASSERT(file != NULL);
    lying_disk_look(disk);
    lose(file, 0, UINT64_MAX);
    file->failed_writes++;
    file->is_told = false;
}

static uint64_t most_bytes(const struct lying_file *file)
{
    return live_size(file) > file->sizes[0] ? live_size(file) : file->sizes[0];
}

struct lying_disk *lying_disk_clone(const struct lying_disk *disk)
{
    struct lying_disk *copy = lying_disk_new();
    copy->time = disk->time;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const struct lying_file *from = &disk->files[i];
        if (!from->exists) continue;
        struct lying_file *to = &copy->files[i];
        *to = *from;
        to->is_locked = false;
        make_buffers(to);
        copy_bytes(from, to->live, from->live, most_bytes(from));
        copy_bytes(from, to->durable, from->durable, most_bytes(from));
        copy_bytes(from, to->seen, from->seen, most_bytes(from));
        lose_the_same(from, to);
        to->versions = NULL;
        to->version_cap = from->version_count;
        if (from->version_count == 0) continue;
        to->versions = malloc(from->version_count * sizeof *to->versions);
        ASSERT(to->versions != NULL);
        memcpy(to->versions, from->versions, from->version_count * sizeof *to->versions);
    }
    return copy;
}

/* Versions sorted by sector, those of one sector from the oldest on: places in file->versions, and a last one that ends the
 * list. */
struct order {
    unsigned *at;
    unsigned count;
};

static int compare_versions(const void *a, const void *b, void *arg)
{
    const struct lying_version *versions = arg;
    unsigned i = *(const unsigned *)a;
    unsigned j = *(const unsigned *)b;
    if (versions[i].sector != versions[j].sector) return versions[i].sector < versions[j].sector ? -1 : 1;
    return i < j ? -1 : 1;
}

static struct order sort_versions(const struct lying_file *file)
{
    struct order order = {.count = file->version_count};
    order.at = malloc((order.count + 1) * sizeof *order.at);
    ASSERT(order.at != NULL);
    for (unsigned i = 0; i < order.count; i++)
        order.at[i] = i;
    qsort_r(order.at, order.count, sizeof *order.at, compare_versions, file->versions);
    return order;
}

/* Behind the last version of the sector whose first one stands at `first`. */
static unsigned end_of_sector(const struct lying_file *file, const struct order *order, unsigned first)
{
    unsigned end = first + 1;
    while (end < order->count &&
           file->versions[order->at[end]].sector == file->versions[order->at[first]].sector)
        end++;
    return end;
}

static void cut_file(const struct lying_file *from, struct lying_file *to,
                     unsigned (*choose)(void *arg, unsigned n), void *arg)
{
    uint64_t size = from->sizes[from->size_count > 1 ? choose(arg, from->size_count) : 0];
    uint64_t kept = size < from->sizes[0] ? size : from->sizes[0];
    copy_bytes(from, to->live, from->durable, kept);
    struct order order = sort_versions(from);
    for (unsigned first = 0, end; first < order.count; first = end) {
        end = end_of_sector(from, &order, first);
        unsigned choice = choose(arg, end - first + 1);
        if (choice == 0) continue; /* the durable value */
        const struct lying_version *version = &from->versions[order.at[first + choice - 1]];
        uint64_t off = (uint64_t)version->sector * LYING_SECTOR;
        if (off + LYING_SECTOR <= size) memcpy(to->live + off, version->bytes, LYING_SECTOR);
    }
    free(order.at);
    to->sizes[0] = size;
    to->size_count = 1;
    copy_bytes(to, to->durable, to->live, size);
    copy_bytes(to, to->seen, to->live, size);
}

static void cut_entry(const struct lying_disk *disk, unsigned i, struct lying_disk *cut,
                      unsigned (*choose)(void *arg, unsigned n), void *arg)
{
    const struct lying_file *from = &disk->files[i];
    unsigned name = from->name_count > 1 ? choose(arg, from->name_count) : 0;
    if (from->names[name][0] == '\0') return;
    /* Two files by one name: the later change holds. */
    struct lying_file *other = find(cut, from->names[name]);
    if (other != NULL && other->name_times[0] > from->name_times[name]) return;
    if (other != NULL) forget(other);
    struct lying_file *to = &cut->files[i];
    *to = (struct lying_file){.exists = true,
                              .is_folder = from->is_folder,
                              .is_heap = from->is_heap,
                              .name_count = 1,
                              .size_count = 1};
    strcpy(to->names[0], from->names[name]);
    to->name_times[0] = from->name_times[name];
    make_buffers(to);
    if (!to->is_folder) cut_file(from, to, choose, arg);
}

/* Where the folder did not come to the disk, or left it, nothing that stood in it is found. */
static void forget_lost(struct lying_disk *cut)
{
    for (unsigned i = 0; i < LYING_FILES; i++) {
        struct lying_file *file = &cut->files[i];
        const char *slash = file->exists ? strrchr(file->names[0], '/') : NULL;
        if (slash == NULL) continue;
        char folder[LYING_NAME_BYTES];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - file->names[0]), file->names[0]);
        if (find(cut, folder) == NULL) forget(file);
    }
}

struct lying_disk *lying_disk_cut(const struct lying_disk *disk, unsigned (*choose)(void *arg, unsigned n),
                                  void *arg)
{
    struct lying_disk *cut = lying_disk_new();
    cut->time = disk->time;
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists) cut_entry(disk, i, cut, choose, arg);
    forget_lost(cut);
    return cut;
}

uint64_t lying_disk_cuts(const struct lying_disk *disk, uint64_t limit)
{
    uint64_t cuts = 1;
    for (unsigned i = 0; i < LYING_FILES && cuts < limit; i++) {
        const struct lying_file *file = &disk->files[i];
        if (!file->exists) continue;
        cuts *= file->name_count * file->size_count;
        struct order order = sort_versions(file);
        for (unsigned first = 0, end; first < order.count && cuts < limit; first = end) {
            end = end_of_sector(file, &order, first);
            cuts *= end - first + 1;
        }
        free(order.at);
    }
    return cuts < limit ? cuts : limit;
}
