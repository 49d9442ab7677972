/* lying_disk.c: a disk in memory that lies. See lying_disk.h. */
#include "support/lying_disk.h"

#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    struct pmem_storage_file file;
    struct lying_file *lying;
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

/* ---- moments ---- */

static void add_version(struct lying_file *file, uint32_t sector)
{
    if (file->version_count == file->version_cap) {
        file->version_cap = file->version_cap > 0 ? 2 * file->version_cap : 16;
        file->versions = realloc(file->versions, file->version_cap * sizeof *file->versions);
        ASSERT(file->versions != NULL);
    }
    struct lying_version *version = &file->versions[file->version_count++];
    version->sector = sector;
    memcpy(version->bytes, file->live + (size_t)sector * LYING_SECTOR, LYING_SECTOR);
}

static void look_at(struct lying_file *file)
{
    uint64_t size = live_size(file);
    for (uint64_t off = 0; off < size; off += 4096) {
        uint64_t end = size - off < 4096 ? size : off + 4096;
        if (memcmp(file->live + off, file->seen + off, end - off) == 0) continue;
        for (uint64_t at = off; at < end; at += LYING_SECTOR) {
            if (memcmp(file->live + at, file->seen + at, LYING_SECTOR) == 0) continue;
            add_version(file, (uint32_t)(at / LYING_SECTOR));
            memcpy(file->seen + at, file->live + at, LYING_SECTOR);
        }
    }
}

void lying_disk_look(struct lying_disk *disk)
{
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists) look_at(&disk->files[i]);
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
    ASSERT(file->name_count < LYING_NAMES && strlen(name) < LYING_NAME_BYTES);
    strcpy(file->names[file->name_count], name);
    file->name_times[file->name_count++] = ++disk->time;
}

static void add_size(struct lying_file *file, uint64_t size)
{
    ASSERT(size <= LYING_FILE_BYTES);
    if (size <= live_size(file)) return;
    if (file->size_count == LYING_SIZES) file->size_count--; /* one in between fewer */
    file->sizes[file->size_count++] = size;
}

static void make_buffers(struct lying_file *file)
{
    file->live = calloc(1, LYING_FILE_BYTES);
    file->durable = calloc(1, LYING_FILE_BYTES);
    file->seen = calloc(1, LYING_FILE_BYTES);
    ASSERT(file->live != NULL && file->durable != NULL && file->seen != NULL);
}

static struct lying_file *make_file(struct lying_disk *disk, const char *name)
{
    unsigned i = 0;
    while (i < LYING_FILES && disk->files[i].exists)
        i++;
    ASSERT(i < LYING_FILES);
    struct lying_file *file = &disk->files[i];
    *file = (struct lying_file){.exists = true, .size_count = 1};
    make_buffers(file);
    file->name_count = 1; /* "": not there */
    add_name(disk, file, name);
    return file;
}

static enum error file_open(const struct pmem_storage *storage, const char *path, bool create,
                            struct pmem_storage_file **file_out)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, create ? "create" : "open", path);
    struct lying_file *file = find(disk, path);
    if (create && file != NULL) return ERROR_IO;
    if (!create && file == NULL) return ERROR_NOT_FOUND;
    if (create) file = make_file(disk, path);
    struct handle *handle = calloc(1, sizeof *handle);
    ASSERT(handle != NULL);
    handle->file.storage = storage;
    handle->lying = file;
    *file_out = &handle->file;
    return ERROR_OK;
}

static void file_close(struct pmem_storage_file *file)
{
    free(file);
}

static uint64_t file_size(const struct pmem_storage_file *file)
{
    return live_size(lying_of(file));
}

static uint64_t file_identity(const struct pmem_storage_file *file)
{
    (void)file;
    return 1;
}

static enum error file_map(struct pmem_storage_file *file, uint64_t reserve_bytes, char **base_out)
{
    ASSERT(reserve_bytes <= LYING_FILE_BYTES);
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
    if (error == ERROR_OK) add_size(lying_of(file), off + len);
    return error;
}

static enum error file_write(struct pmem_storage_file *file, uint64_t off, const void *bytes, size_t len)
{
    struct lying_disk *disk = disk_of(file->storage);
    pass(disk, "write", live_name(lying_of(file)));
    enum error error = take_bytes(disk, lying_of(file), off + len);
    if (error != ERROR_OK) return error;
    add_size(lying_of(file), off + len);
    memcpy(lying_of(file)->live + off, bytes, len);
    return ERROR_OK;
}

static enum error file_sync(struct pmem_storage_file *file)
{
    struct lying_disk *disk = disk_of(file->storage);
    struct lying_file *lying = lying_of(file);
    pass(disk, "sync", live_name(lying));
    const char *fails = disk->faults.fail_sync;
    if (fails[0] != '\0' && strstr(live_name(lying), fails) != NULL) return ERROR_IO;
    disk->syncs++;
    look_at(lying);
    memcpy(lying->durable, lying->live, live_size(lying));
    lying->sizes[0] = live_size(lying);
    lying->size_count = 1;
    lying->version_count = 0;
    return ERROR_OK;
}

static void file_flush(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    ASSERT(off < live_size(lying_of(file)) && len > 0);
    pass(disk_of(file->storage), "flush", live_name(lying_of(file)));
}

static void file_prefetch(struct pmem_storage_file *file, uint64_t off, uint64_t len)
{
    ASSERT(off < live_size(lying_of(file)) && len > 0);
}

static bool file_is_cached(const struct pmem_storage_file *file, uint64_t off)
{
    return off % 8192 != 0 && live_size(lying_of(file)) > off;
}

static enum error folder_make(const struct pmem_storage *storage, const char *path)
{
    pass(disk_of(storage), "make_folder", path);
    return ERROR_OK;
}

static enum error folder_list(const struct pmem_storage *storage, const char *folder,
                              void (*each)(void *arg, const char *name), void *arg)
{
    struct lying_disk *disk = disk_of(storage);
    size_t len = strlen(folder);
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const char *name = disk->files[i].exists ? live_name(&disk->files[i]) : "";
        if (strncmp(name, folder, len) == 0 && name[len] == '/') each(arg, name + len + 1);
    }
    return ERROR_OK;
}

static enum error name_change(const struct pmem_storage *storage, const char *from, const char *to)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "rename", from);
    struct lying_file *file = find(disk, from);
    struct lying_file *other = find(disk, to);
    if (file == NULL) return ERROR_NOT_FOUND;
    if (other != NULL) add_name(disk, other, "");
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

static void forget(struct lying_file *file)
{
    free(file->live);
    free(file->durable);
    free(file->seen);
    free(file->versions);
    *file = (struct lying_file){0};
}

static enum error folder_sync(const struct pmem_storage *storage, const char *folder)
{
    struct lying_disk *disk = disk_of(storage);
    pass(disk, "sync_folder", folder);
    for (unsigned i = 0; i < LYING_FILES; i++) {
        struct lying_file *file = &disk->files[i];
        if (!file->exists) continue;
        memmove(file->names[0], live_name(file), LYING_NAME_BYTES);
        file->name_times[0] = file->name_times[file->name_count - 1];
        file->name_count = 1;
        if (file->names[0][0] == '\0') forget(file);
    }
    return ERROR_OK;
}

static enum error folder_remove(const struct pmem_storage *storage, const char *path)
{
    pass(disk_of(storage), "remove_folder", path);
    return ERROR_OK;
}

static const struct pmem_storage functions = {
    .open = file_open,
    .close = file_close,
    .size = file_size,
    .identity = file_identity,
    .map = file_map,
    .allocate = file_allocate,
    .write = file_write,
    .sync = file_sync,
    .flush = file_flush,
    .prefetch = file_prefetch,
    .is_cached = file_is_cached,
    .make_folder = folder_make,
    .remove_folder = folder_remove,
    .list = folder_list,
    .rename = name_change,
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
    return disk;
}

void lying_disk_free(struct lying_disk *disk)
{
    for (unsigned i = 0; i < LYING_FILES; i++)
        if (disk->files[i].exists) forget(&disk->files[i]);
    free(disk);
}

char *lying_disk_add(struct lying_disk *disk, const char *name, uint64_t size)
{
    struct lying_file *file = make_file(disk, name);
    strcpy(file->names[0], name);
    file->name_count = 1;
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
        make_buffers(to);
        memcpy(to->live, from->live, most_bytes(from));
        memcpy(to->durable, from->durable, most_bytes(from));
        memcpy(to->seen, from->seen, most_bytes(from));
        to->versions = NULL;
        to->version_cap = from->version_count;
        if (from->version_count == 0) continue;
        to->versions = malloc(from->version_count * sizeof *to->versions);
        ASSERT(to->versions != NULL);
        memcpy(to->versions, from->versions, from->version_count * sizeof *to->versions);
    }
    return copy;
}

/* Of `sector`: which version; 0 is the durable value. */
static unsigned versions_of(const struct lying_file *file, uint32_t sector, unsigned nth,
                            const struct lying_version **version_out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < file->version_count; i++)
        if (file->versions[i].sector == sector && ++count == nth) *version_out = &file->versions[i];
    return count;
}

static bool is_first(const struct lying_file *file, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (file->versions[i].sector == file->versions[index].sector) return false;
    return true;
}

static void cut_file(const struct lying_file *from, struct lying_file *to,
                     unsigned (*choose)(void *arg, unsigned n), void *arg)
{
    uint64_t size = from->sizes[from->size_count > 1 ? choose(arg, from->size_count) : 0];
    memcpy(to->live, from->durable, size < from->sizes[0] ? size : from->sizes[0]);
    for (unsigned i = 0; i < from->version_count; i++) {
        uint32_t sector = from->versions[i].sector;
        if (!is_first(from, i)) continue;
        const struct lying_version *version = NULL;
        unsigned count = versions_of(from, sector, 0, &version);
        versions_of(from, sector, choose(arg, count + 1), &version);
        if (version != NULL && (uint64_t)(sector + 1) * LYING_SECTOR <= size)
            memcpy(to->live + (size_t)sector * LYING_SECTOR, version->bytes, LYING_SECTOR);
    }
    to->sizes[0] = size;
    to->size_count = 1;
    memcpy(to->durable, to->live, size);
    memcpy(to->seen, to->live, size);
}

struct lying_disk *lying_disk_cut(const struct lying_disk *disk, unsigned (*choose)(void *arg, unsigned n),
                                  void *arg)
{
    struct lying_disk *cut = lying_disk_new();
    cut->time = disk->time;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const struct lying_file *from = &disk->files[i];
        if (!from->exists) continue;
        unsigned name = from->name_count > 1 ? choose(arg, from->name_count) : 0;
        if (from->names[name][0] == '\0') continue;
        /* Two files by one name: the later change holds. */
        struct lying_file *other = find(cut, from->names[name]);
        if (other != NULL && other->name_times[0] > from->name_times[name]) continue;
        if (other != NULL) forget(other);
        struct lying_file *to = &cut->files[i];
        *to = (struct lying_file){.exists = true, .name_count = 1};
        strcpy(to->names[0], from->names[name]);
        to->name_times[0] = from->name_times[name];
        make_buffers(to);
        cut_file(from, to, choose, arg);
    }
    return cut;
}

uint64_t lying_disk_cuts(const struct lying_disk *disk, uint64_t limit)
{
    uint64_t cuts = 1;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const struct lying_file *file = &disk->files[i];
        if (!file->exists) continue;
        cuts *= file->name_count * file->size_count;
        for (unsigned at = 0; at < file->version_count; at++) {
            const struct lying_version *version;
            if (is_first(file, at)) cuts *= versions_of(file, file->versions[at].sector, 0, &version) + 1;
            if (cuts > limit) return limit;
        }
    }
    return cuts < limit ? cuts : limit;
}
