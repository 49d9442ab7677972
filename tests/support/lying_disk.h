/* lying_disk.h: a disk in memory that remembers what it was told and not made to keep (pmem/storage.h, S1 to S4).
 *
 * Terms: *live* is what the running process sees; *durable* is what no power cut takes away; a *version* is a
 * value that a sector had since its file's last sync. A *moment* is every call of the storage, and whenever a test
 * says so (stores through mappings are seen at moments). A *cut* is a disk that a power cut at this moment could
 * leave: of each sector any version or the durable value, of each file any of its sizes and names, of each folder whether
 * it is there.
 *
 * As on Linux, a sync or flush that fails leaves its pages *lost*: clean, as this and later processes of the boot see them, and maybe not on
 * the disk. So does a write that the kernel makes by itself (lying_disk_fail_write). The error is told once to each that has the file open,
 * and, if nobody was told yet, to the next who opens it. A later sync makes such a page durable only if something was stored into it since, be it what stands
 * there (a store into memory that is write-protected meanwhile).
 *
 * A file that a heap opened (open_locked) is a large and sparse one: its live bytes are those of a file in memory, so
 * that the heap's own mappings, shared or private, show them.
 */
#ifndef CAIRN_TESTS_LYING_DISK_H
#define CAIRN_TESTS_LYING_DISK_H

#include "pmem/storage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LYING_FILES      32
#define LYING_FILE_BYTES (48 * 1024)
#define LYING_HEAP_BYTES (64 * 1024 * 1024) /* of a heap's file, most of them holes */
#define LYING_NAME_BYTES 64
#define LYING_NAMES      8 /* changes of a file's name between two syncs of the folder */
#define LYING_SIZES      8
#define LYING_SECTOR     512

struct lying_version {
    uint32_t sector;
    char bytes[LYING_SECTOR];
};

struct lying_file {
    bool exists; /* at least one of its names may */
    bool is_folder;
    bool is_heap; /* opened as one, or a copy of such a file */
    bool is_locked;
    unsigned failed_writes; /* of the kernel's own */
    bool is_told;           /* somebody was told of the last one */
    int fd; /* of a heap: what `live` maps */
    char *live;
    char *durable;
    char *seen;                  /* live at the last moment */
    uint64_t sizes[LYING_SIZES]; /* [0] is durable, the last one live */
    unsigned size_count;
    char names[LYING_NAMES][LYING_NAME_BYTES]; /* the same; "" is removed */
    uint64_t name_times[LYING_NAMES];
    unsigned name_count;
    struct lying_version *versions;
    unsigned version_count;
    unsigned version_cap;
};

/* What a test may choose to break. */
struct lying_faults {
    char fail_sync[LYING_NAME_BYTES];  /* syncs of files with this in their name fail; "" none */
    char fail_flush[LYING_NAME_BYTES]; /* the same for flushes */
    uint64_t good_syncs; /* so many, of files and folders, until all fail; UINT64_MAX: none does */
    uint64_t bytes_left; /* for allocate and new files; UINT64_MAX: plenty */
};

struct lying_disk {
    struct pmem_storage storage; /* give this to the journal */
    struct lying_file files[LYING_FILES];
    struct lying_faults faults;
    uint64_t time;
    uint64_t syncs;
    uint64_t changes; /* of what stands on the disk, or of what is durable of it */
    /* Called at every moment; NULL: nobody. `what` names the call, `path` its file. */
    void (*moment)(void *arg, const char *what, const char *path);
    void *moment_arg;
    bool in_moment;
};

struct lying_disk *lying_disk_new(void);
void lying_disk_free(struct lying_disk *disk);
/* A file of zeros, durable. Its live bytes. */
char *lying_disk_add(struct lying_disk *disk, const char *name, uint64_t size);
char *lying_disk_live(struct lying_disk *disk, const char *name, uint64_t *size_out);
/* A moment of the test's own: what was stored through mappings becomes versions. */
void lying_disk_look(struct lying_disk *disk);
/* The kernel writes what is not durable of the file, and fails. */
void lying_disk_fail_write(struct lying_disk *disk, const char *name);
/* A copy of the file takes its place and its name; nothing of it is durable. */
void lying_disk_copy(struct lying_disk *disk, const char *name);
/* The same disk under another process: everything live is there, nothing became durable. */
struct lying_disk *lying_disk_clone(const struct lying_disk *disk);
/* choose(arg, n) picks one of n: random, or in turns for all of them. */
struct lying_disk *lying_disk_cut(const struct lying_disk *disk, unsigned (*choose)(void *arg, unsigned n),
                                  void *arg);
/* How many cuts there are, at most `limit`. */
uint64_t lying_disk_cuts(const struct lying_disk *disk, uint64_t limit);

#endif
