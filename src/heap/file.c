/* file.c: finding, judging and if need be replacing the file of a heap. */
#include "heap/file.h"

#include "heap/detail.h"
#include "heap/heap_layout.h"
#include "heap/superblock.h"
#include "journal/wal.h"

#define RESERVE_DEFAULT_BYTES (UINT64_C(1) << 40)

static enum error map_file(struct pmem_map *map, const struct heap_options *options, bool create,
                           struct heap_report *report)
{
    uint64_t reserve = options->reserve_bytes ? options->reserve_bytes : RESERVE_DEFAULT_BYTES;
    if (reserve > HEAP_PAGES_MAX * HEAP_PAGE_BYTES) reserve = HEAP_PAGES_MAX * HEAP_PAGE_BYTES;
    struct pmem_map_options map_options = {.path = options->path,
                                           .storage = options->storage,
                                           .reserve_bytes = reserve,
                                           .create = create,
                                           .read_only = options->read_only,
                                           .force_dax = options->mode == HEAP_MODE_DAX,
                                           .force_shared = options->mode == HEAP_MODE_SHARED ||
                                                           options->mode == HEAP_MODE_JOURNALED};
    return pmem_map_open(map, &map_options, report->detail, sizeof(report->detail));
}

bool file_wants_journal(const struct pmem_map *map, const struct heap_options *options)
{
    if (map->mode != PMEM_MODE_SHARED) return false;
    if (options->mode == HEAP_MODE_JOURNALED) return true;
    return options->mode == HEAP_MODE_AUTO && options->journal.wanted && map->medium == PMEM_MEDIUM_DISK;
}

static enum error create_file(struct pmem_map *map, const struct heap_options *options, uint64_t mark,
                              struct heap_report *report)
{
    /* Also of a file that was found: who created it may have ended before its name was durable. */
    enum error error = pmem_storage_sync_name(map->file->storage, map->path);
    if (!error) error = superblock_create(map, file_wants_journal(map, options) ? 0 : mark);
    if (error) {
        detail_say(report->detail, "cannot create the heap %s: %s", map->path, error_text(error));
        return error;
    }
    report->created = true;
    return ERROR_OK;
}

/* Renames the untrusted file, which stays locked until the map is closed. */
static enum error move_aside(struct pmem_map *map, struct heap_report *report)
{
    enum error error = pmem_storage_set_aside(map->file->storage, map->path, "unclean", report->moved_to,
                                              sizeof(report->moved_to));
    if (error)
        detail_say(report->detail,
                   "cannot move %s aside, which was not closed before the last boot: %s",
                   map->path, error_text(error));
    return error;
}

/* A heap on a page cache that is gone: some pages may never have reached the disk. */
static enum error leave_untrusted(struct pmem_map *map, const struct heap_options *options, uint64_t mark,
                                  struct heap_report *report)
{
    if (options->read_only || options->on_unclean == HEAP_UNCLEAN_REFUSE) {
        detail_say(report->detail,
                   "%s was in use when the machine went down, and lies on a "
                   "medium that may have lost some of its pages; move it away to start empty",
                   map->path);
        return ERROR_UNCLEAN;
    }
    enum error error = move_aside(map, report);
    if (error) return error;
    pmem_map_close(map);
    error = map_file(map, options, true, report);
    return error ? error : create_file(map, options, mark, report);
}

static enum error judge_file(struct pmem_map *map, const struct heap_options *options, uint64_t mark,
                             struct heap_report *report)
{
    /* A file of no bytes is what a crash leaves between creating and laying out. It is laid out where it stands, under
     * the lock: unlinking it could take away what another process has just begun. */
    if (!options->read_only && (map->size_bytes == 0 || superblock_is_blank(map)))
        return create_file(map, options, mark, report);
    enum error error = superblock_validate(map, report->detail);
    if (error) return error;
    /* `run` counts only where no journal does. One that was never whole says nothing: nothing but its notes was stored. */
    enum wal_presence presence = wal_presence(map->base + HEAP_NOTES_OFF, mark);
    if (presence == WAL_DAMAGED) {
        detail_say(report->detail, "what %s notes about its journal is damaged; restore both from a backup",
                   map->path);
        return ERROR_CORRUPT;
    }
    report->journaled = presence == WAL_PRESENT;
    if (report->journaled) return ERROR_OK;
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)map->base;
    bool dax = map->mode == PMEM_MODE_DAX || options->mode == HEAP_MODE_DAX;
    report->was_clean = super->run == 0;
    report->this_boot = super->run == mark;
    report->boot_mark = super->run;
    if (super->run != 0 && super->run != mark && !dax) return leave_untrusted(map, options, mark, report);
    if (options->read_only || (super->run == 0 && file_wants_journal(map, options))) return ERROR_OK;
    /* Also where the mark stands already: who stored it may have ended before it was durable, and so may who removed the
     * notes beside it. */
    error = superblock_mark(map, mark);
    if (error) detail_say(report->detail, "cannot write %s: %s", map->path, error_text(error));
    return error;
}

enum error file_open(struct pmem_map *map, const struct heap_options *options, struct heap_report *report)
{
    uint64_t mark = superblock_boot_mark(options->boot_id);
    enum error error = map_file(map, options, false, report);
    if (error == ERROR_NOT_FOUND && !options->read_only) {
        report->detail[0] = '\0';
        error = map_file(map, options, true, report);
        return error ? error : create_file(map, options, mark, report);
    }
    return error ? error : judge_file(map, options, mark, report);
}
