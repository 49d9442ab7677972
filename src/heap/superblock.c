/* superblock.c: creation and validation of the head of the file.
 *
 * Crash table of creation (stores in order; the name is durable):
 *   1. blocks of the first page and of the lanes allocated   page 0 is zero: the next open creates again
 *   2. the magic of chunk 0's head, then sync                the same; this page is known as ours from now on, whatever
 *                                                            else of it comes to the disk, and the file has its length
 *   3. the superblock without its magic                      the same
 *   4. the magic, then sync                                  an empty heap, marked as in use or (for a journal) clean
 * Opening stores the mark and syncs it before anything else is stored, or (for a journal) stores nothing but the
 * notes of a journal, until its base is durable; closing syncs all data before it stores 0.
 */
#include "heap/superblock.h"

#include "heap/detail.h"
#include "heap/page_map.h"
#include "pmem/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

uint64_t superblock_boot_mark(const char *boot_id)
{
    char kernel_id[64] = "";
    if (!boot_id) {
        int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? -1 : read(fd, kernel_id, sizeof(kernel_id) - 1);
        if (fd >= 0) close(fd);
        /* Without the kernel's word no two runs may seem to share a boot: a heap would be trusted after power loss. */
        if (len <= 0 && getrandom(kernel_id, sizeof(kernel_id) - 1, 0) < 0) kernel_id[0] = '\0';
        boot_id = kernel_id;
    }
    return XXH3_64bits(boot_id, strlen(boot_id)) | 1;
}

bool superblock_is_blank(const struct pmem_map *map)
{
    static const char zeros[HEAP_PAGE_BYTES];
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)map->base;
    if (map->size_bytes > HEAP_LANES_OFF + HEAP_LANES_BYTES || super->magic != 0) return false;
    return chunk_head(map->base, 0)->magic == CHUNK_MAGIC || memcmp(map->base, zeros, sizeof(zeros)) == 0;
}

static uint64_t checksum(const struct superblock_layout *super)
{
    return XXH3_64bits(super, offsetof(struct superblock_layout, checksum));
}

enum error superblock_create(struct pmem_map *map, uint64_t mark)
{
    enum error error = pmem_map_fill(map, 0, HEAP_PAGE_BYTES);
    if (!error) error = pmem_map_fill(map, HEAP_LANES_OFF, HEAP_LANES_BYTES);
    if (error) return error;

    struct superblock_layout super = {
        .magic = HEAP_MAGIC,
        .version = HEAP_FORMAT_VERSION,
        .page_bytes = HEAP_PAGE_BYTES,
        .chunk_bytes = HEAP_CHUNK_BYTES,
        .lanes = JOURNAL_LANES,
        .lane_bytes = JOURNAL_LANE_BYTES,
        .lanes_off = HEAP_LANES_OFF,
        .run = mark,
        .chunks = 1,
    };
    if (getrandom(super.seed, sizeof(super.seed), 0) != (ssize_t)sizeof(super.seed)) return ERROR_IO;
    super.checksum = checksum(&super);

    struct superblock_layout *dst = (struct superblock_layout *)(void *)map->base;
    pmem_persist_store64(map, &chunk_head(map->base, 0)->magic, CHUNK_MAGIC);
    error = pmem_map_sync(map, 0, map->size_bytes);
    if (error) return error;
    pmem_persist_copy(map, &dst->version, &super.version,
                      sizeof(super) - offsetof(struct superblock_layout, version));
    pmem_persist_store64(map, &dst->magic, super.magic);
    return pmem_map_sync(map, 0, map->size_bytes);
}

enum error superblock_mark(struct pmem_map *map, uint64_t mark)
{
    struct superblock_layout *super = (struct superblock_layout *)(void *)map->base;
    pmem_persist_store64(map, &super->run, mark);
    return pmem_map_sync(map, 0, HEAP_PAGE_BYTES);
}

static enum error judge_length(const struct pmem_map *map, uint64_t needed, char *detail)
{
    if (map->size_bytes >= needed) return ERROR_OK;
    detail_say(detail, "%s has %llu bytes where %llu belong: it was cut; restore it from a backup", map->path,
               (unsigned long long)map->size_bytes, (unsigned long long)needed);
    return ERROR_TRUNCATED;
}

enum error superblock_validate(const struct pmem_map *map, char *detail)
{
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)map->base;
    if (super->magic != HEAP_MAGIC) {
        detail_say(detail, "%s is not a cairn heap; move it away or name another file", map->path);
        return ERROR_NOT_A_HEAP;
    }
    if (super->version != HEAP_FORMAT_VERSION) {
        detail_say(
            detail,
            "%s has format version %u, this program reads version %u; use the version of cairn that wrote it",
            map->path, super->version, HEAP_FORMAT_VERSION);
        return ERROR_VERSION;
    }
    if (super->checksum != checksum(super)) {
        detail_say(detail, "the superblock of %s is damaged (checksum); restore the file from a backup",
                   map->path);
        return ERROR_CORRUPT;
    }
    if (super->page_bytes != HEAP_PAGE_BYTES || super->chunk_bytes != HEAP_CHUNK_BYTES ||
        super->lanes != JOURNAL_LANES || super->lane_bytes != JOURNAL_LANE_BYTES ||
        super->lanes_off != HEAP_LANES_OFF) {
        detail_say(detail, "%s was written by a cairn built with other sizes; use that one", map->path);
        return ERROR_VERSION;
    }
    return judge_length(map, HEAP_LANES_OFF + HEAP_LANES_BYTES, detail);
}

enum error superblock_validate_chunks(const struct pmem_map *map, char *detail)
{
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)map->base;
    uint64_t chunks = super->chunks;
    if (chunks == 0 || chunks > HEAP_PAGES_MAX / HEAP_CHUNK_PAGES) {
        detail_say(detail, "the superblock of %s is damaged (%llu chunks); restore the file from a backup",
                   map->path, (unsigned long long)chunks);
        return ERROR_CORRUPT;
    }
    enum error error = judge_length(map, (chunks - 1) * HEAP_CHUNK_BYTES + HEAP_PAGE_BYTES, detail);
    if (error) return error;
    const struct chunk_layout *last = chunk_head(map->base, chunks - 1);
    uint64_t room = HEAP_CHUNK_PAGES - chunk_first_page(chunks - 1);
    if (last->magic != CHUNK_MAGIC || last->index != chunks - 1 || last->grown_pages > room ||
        last->grown_pages > super->grown_pages) {
        detail_say(detail, "the head of chunk %llu of %s is damaged; restore the file from a backup",
                   (unsigned long long)(chunks - 1), map->path);
        return ERROR_CORRUPT;
    }
    if (last->grown_pages == 0) return ERROR_OK;
    return judge_length(map, page_off(chunk_end(map->base, chunks - 1)), detail);
}
