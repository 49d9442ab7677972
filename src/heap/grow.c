/* grow.c: growing the heap by extents of pages.
 *
 * Blocks are allocated before the heap counts on them, so a full disk is an error here and nowhere else. A
 * chunk grows from its first data page up; where an object does not fit into what is left of a chunk, the
 * next chunk is begun and the rest stays for smaller requests.
 *
 * Crash table:
 *   1. blocks allocated (map entries, bitmaps, data): the file is longer, or less sparse, than the heap knows;
 *      the next growth allocates the same ranges again, which costs nothing. They read as zero.
 *   2. with a redo journal: the growth is appended, so that a replay has the blocks (J5): as after 1
 *   3. one transaction of the system lane: chunk head and number of chunks (a new chunk), the chunk's grown
 *      pages, the sum, and the free run: before its commit as after 1, after it the pages are there.
 */
#include "heap/grow.h"

#include "journal/journal.h"
#include "journal/redo.h"

#define GROW_MIN_PAGES 256  /* 1 MiB */
#define GROW_MAX_PAGES 1024 /* 4 MiB, about 1 ms of posix_fallocate */
#define PAGE_COST      (HEAP_PAGE_BYTES + sizeof(struct page_layout) + HEAP_BITMAP_PAGE_BYTES)

struct place {
    uint64_t chunk;
    uint32_t page;
    uint32_t room; /* pages */
    bool fresh;    /* a chunk not in use yet */
};

uint64_t grow_total(const struct pages *pages)
{
    return __atomic_load_n(&pages->super->grown_pages, __ATOMIC_RELAXED);
}

uint64_t grow_file_bytes(uint64_t grown, uint64_t chunks)
{
    return HEAP_LANES_BYTES + chunks * HEAP_PAGE_BYTES + grown * PAGE_COST;
}

static struct place find_place(struct pages *pages, uint32_t need)
{
    uint64_t chunks = pages->super->chunks;
    struct place place = {chunks, chunk_first(chunks), HEAP_CHUNK_PAGES - chunk_first_page(chunks), true};
    pthread_mutex_lock(&pages->lock);
    for (uint64_t chunk = pages->grow_chunk; chunk < chunks; chunk++) {
        uint32_t page = chunk_end(pages->base, chunk);
        uint32_t room = (uint32_t)(chunk + 1) * HEAP_CHUNK_PAGES - page;
        if (room == 0 && chunk == pages->grow_chunk) pages->grow_chunk++;
        if (room >= need) {
            place = (struct place){chunk, page, room, false};
            break;
        }
    }
    pthread_mutex_unlock(&pages->lock);
    return place;
}

/* Pages that the limit still allows. */
static uint64_t allowed_pages(const struct pages *pages, const struct place *place)
{
    uint64_t limit = __atomic_load_n(&pages->limit_bytes, __ATOMIC_RELAXED);
    uint64_t taken = grow_file_bytes(grow_total(pages), pages->super->chunks + place->fresh);
    if (limit == 0) return HEAP_CHUNK_PAGES;
    return limit > taken ? (limit - taken) / PAGE_COST : 0;
}

struct filled {
    struct redo_extent extents[4];
    unsigned count;
};

/* Allocates whole pages around [off, off+len). */
static enum error fill_around(struct pages *pages, uint64_t off, uint64_t len, struct filled *filled)
{
    uint64_t start = off & ~(HEAP_PAGE_BYTES - 1);
    uint64_t end = (off + len + HEAP_PAGE_BYTES - 1) & ~(HEAP_PAGE_BYTES - 1);
    filled->extents[filled->count++] = (struct redo_extent){start, end - start};
    return pmem_map_fill(pages->map, start, end - start);
}

static enum error fill_pages(struct pages *pages, const struct place *place, uint32_t count)
{
    uint64_t chunk_off = place->chunk << HEAP_CHUNK_SHIFT;
    uint64_t index = page_in_chunk(place->page);
    struct filled filled = {0};
    enum error error = ERROR_OK;
    if (page_off(place->page + count) > pages->map->reserved_bytes) return ERROR_HEAP_FULL;
    if (place->fresh) error = fill_around(pages, chunk_off, HEAP_PAGE_BYTES, &filled);
    if (!error)
        error = fill_around(pages, chunk_off + HEAP_MAP_OFF + index * sizeof(struct page_layout),
                            count * sizeof(struct page_layout), &filled);
    if (!error)
        error = fill_around(pages, chunk_off + HEAP_BITMAP_OFF + index * HEAP_BITMAP_PAGE_BYTES,
                            (uint64_t)count * HEAP_BITMAP_PAGE_BYTES, &filled);
    if (!error) error = fill_around(pages, page_off(place->page), page_off(count), &filled);
    return error ? error : journal_grew(pages->journal, filled.extents, filled.count);
}

/* The filled pages become a free run of the heap. */
static void add_pages(struct pages *pages, const struct place *place, uint32_t count)
{
    struct superblock_layout *super = pages->super;
    struct chunk_layout *head = chunk_head(pages->base, place->chunk);
    struct pages_stores stores = {.store = {{&head->grown_pages, head->grown_pages + count},
                                            {&super->grown_pages, super->grown_pages + count},
                                            {&head->magic, CHUNK_MAGIC},
                                            {&head->index, place->chunk},
                                            {&super->chunks, place->chunk + 1}},
                                  .count = place->fresh ? 5 : 2};
    pthread_mutex_lock(&pages->lock);
    pages_release_locked(pages, place->page, count, &stores);
    pthread_mutex_unlock(&pages->lock);
}

static enum error grow_locked(struct pages *pages, uint32_t need)
{
    struct place place = find_place(pages, need);
    uint64_t allowed = allowed_pages(pages, &place);
    if (place.room < need || allowed < need) return ERROR_HEAP_FULL;

    uint64_t want = grow_total(pages) / 8;
    if (want < GROW_MIN_PAGES) want = GROW_MIN_PAGES;
    if (want > GROW_MAX_PAGES) want = GROW_MAX_PAGES;
    if (want < need) want = need;
    if (want > place.room) want = place.room;
    if (want > allowed) want = allowed;

    enum error error = fill_pages(pages, &place, (uint32_t)want);
    if (error && want > need) {
        want = need;
        error = fill_pages(pages, &place, (uint32_t)want);
    }
    if (!error) add_pages(pages, &place, (uint32_t)want);
    return error;
}

enum error grow_pages(struct pages *pages, uint32_t need, uint64_t seen)
{
    pthread_mutex_lock(&pages->grow_lock);
    enum error error = grow_total(pages) == seen ? grow_locked(pages, need) : ERROR_OK;
    pthread_mutex_unlock(&pages->grow_lock);
    return error;
}
