/* storage.h: the one way by which a heap's file, its redo journal and its image reach the disk.
 *
 * Terms: a *storage* is a set of functions over files; pmem_storage_files() is the kernel's, and tests bring
 * one that remembers every step and builds the disks that a power cut could leave.
 *
 * What a power cut may do, and all that callers may count on:
 * S1. Bytes written (or stored through the mapping) since the file's last sync are there or not, sector by
 *     sector (512 bytes), in any order; a sector may hold any of the values that it had in between.
 * S2. After sync the bytes, the size and the allocated blocks of that file are durable; after sync_range the size,
 *     the blocks, and the bytes of the range.
 * S3. A new, renamed or removed name is durable after sync_folder of the folder that it stands in; before, the old or
 *     the new one is there. Nothing is found in a folder whose own name is gone.
 * S4. After an error of sync nothing is known about that file any more (DESIGN J10).
 * S5. A process that ends takes nothing along: what it wrote or stored is there for the next one of the same boot, and
 *     is no more durable than it was.
 */
#ifndef CAIRN_PMEM_STORAGE_H
#define CAIRN_PMEM_STORAGE_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pmem_disk_open;
struct pmem_storage;

enum pmem_storage_way {
    PMEM_STORAGE_OPEN,   /* the file must exist */
    PMEM_STORAGE_CREATE, /* it must not */
    PMEM_STORAGE_READ,   /* it must exist; nothing of it is changed, and nothing may be stored through its mapping */
};

/* An open file; backends put their own fields behind it. */
struct pmem_storage_file {
    const struct pmem_storage *storage;
};

struct pmem_storage {
    void *disk; /* of the backend */

    enum error (*open)(const struct pmem_storage *storage, const char *path, enum pmem_storage_way way,
                       struct pmem_storage_file **file_out);
    /* The file of a heap: on a file system that can hold one, and locked against other processes until close (disk.h). */
    enum error (*open_locked)(const struct pmem_storage *storage, const struct pmem_disk_open *options,
                              struct pmem_storage_file **file_out, char *detail, size_t detail_cap);
    void (*close)(struct pmem_storage_file *file);
    /* To map it, shared or privately; the file's own, valid until close. */
    int (*descriptor)(const struct pmem_storage_file *file);
    uint64_t (*size)(const struct pmem_storage_file *file);
    /* Another one for a copy of the file; never 0. */
    uint64_t (*identity)(const struct pmem_storage_file *file);
    /* The file's bytes, shared with all who map it, from offset 0 on: reserve_bytes of addresses, of which
     * those below the file's size may be used. Once per file, until close. */
    enum error (*map)(struct pmem_storage_file *file, uint64_t reserve_bytes, char **base_out);
    /* Blocks for [off, off+len), zeros where nothing was; extends the file. */
    enum error (*allocate)(struct pmem_storage_file *file, uint64_t off, uint64_t len);
    enum error (*write)(struct pmem_storage_file *file, uint64_t off, const void *bytes, size_t len);
    enum error (*sync)(struct pmem_storage_file *file);
    /* [off, off+len) is mapped, shared, at `at`. */
    enum error (*sync_range)(struct pmem_storage_file *file, const void *at, uint64_t off, uint64_t len);
    /* Writes [off, off+len) and waits for the disk, so that a later sync has less to do at once. OK promises nothing. An error is one of
     * sync (S4), and told here alone: the sync behind it may return OK. */
    enum error (*flush)(struct pmem_storage_file *file, uint64_t off, uint64_t len);
    /* Says that [off, off+len) of the mapping will be needed soon; reads what is not cached, in the background. */
    void (*prefetch)(struct pmem_storage_file *file, uint64_t off, uint64_t len);
    /* True when the page of the mapping is in memory; may guess. */
    bool (*is_cached)(const struct pmem_storage_file *file, uint64_t off);

    enum error (*make_folder)(const struct pmem_storage *storage, const char *path); /* exists: ERROR_OK */
    enum error (*remove_folder)(const struct pmem_storage *storage, const char *path);
    /* Calls each(arg, name) for every file; ERROR_NOT_FOUND without the folder. */
    enum error (*list)(const struct pmem_storage *storage, const char *folder,
                       void (*each)(void *arg, const char *name), void *arg);
    enum error (*rename)(const struct pmem_storage *storage, const char *from, const char *to);
    /* The same, but where `to` is there already nothing changes: *taken_out, and an error. */
    enum error (*rename_new)(const struct pmem_storage *storage, const char *from, const char *to,
                             bool *taken_out);
    enum error (*unlink)(const struct pmem_storage *storage, const char *path);
    /* ERROR_FILES, ERROR_NOT_FOUND: it could not be opened, and nothing was tried. */
    enum error (*sync_folder)(const struct pmem_storage *storage, const char *folder);
};

/* The kernel's files. */
const struct pmem_storage *pmem_storage_files(void);
/* S3 for a new, renamed or removed `path`. */
MUST_CHECK enum error pmem_storage_sync_name(const struct pmem_storage *storage, const char *path);
/* Renames `path` to <path>.<why>-<time>, where nothing stands, durably. The new name is in `to`: empty when it was not renamed. */
MUST_CHECK enum error pmem_storage_set_aside(const struct pmem_storage *storage, const char *path,
                                             const char *why, char *to, size_t to_cap);

#endif
