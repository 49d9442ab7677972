/* pages.c: carving and releasing page runs.
 *
 * Crash table (each line a store inside one transaction of the system lane; a crash before its commit leaves
 * the page map as it was, after it the change is there):
 *
 *   carve     1. entries of the new run
 *             2. the shortened free run's head and tail
 *             3. the link, if any
 *             4. commit. Then, in the caller: a crash before the caller's own commit leaves a span without a
 *                set bit or a large run whose bit is clear; the rebuild finds and releases both (H1).
 *   release   1. the old head becomes PAGE_NONE if the run merges to the left
 *             2. head and tail of the merged run
 *             3. the caller's words, if any
 *             4. commit
 */
#include "heap/pages.h"

#include "journal/journal.h"
#include "journal/tx.h"
#include "util/assert.h"

#include <sys/mman.h>

enum error pages_open(struct pages *pages, struct pmem_map *map, struct journal *journal)
{
    uint64_t count = map->reserved_bytes >> HEAP_PAGE_SHIFT;
    void *notes = mmap(NULL, count * sizeof(union page_note), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (notes == MAP_FAILED) return ERROR_MEMORY;
    *pages = (struct pages){.base = map->base,
                            .map = map,
                            .journal = journal,
                            .super = (struct superblock_layout *)map->base,
                            .notes = notes};
    enum error error = journal_tx_open(journal, JOURNAL_SYSTEM_LANE, NULL, &pages->system);
    if (error) {
        munmap(notes, count * sizeof(union page_note));
        return error;
    }
    pthread_mutex_init(&pages->lock, NULL);
    pthread_mutex_init(&pages->grow_lock, NULL);
    pages->index = (struct free_index){.base = map->base, .notes = notes, .reserve_pages = PAGES_RESERVE};
    pages->cursor = chunk_first(0);
    pages->grow_chunk = pages->super->chunks - 1;

    /* The free run at the end is likely to hold the reserve, and costs one look: else each start would grow
     * first. */
    uint32_t end = chunk_end(map->base, pages->grow_chunk);
    if (end > chunk_first(pages->grow_chunk)) {
        struct page_layout tail = page_load(map->base, end - 1);
        struct page_layout head;
        if (tail.kind == PAGE_FREE_TAIL && tail.pages <= end - chunk_first(pages->grow_chunk) &&
            page_map_is_run(map->base, end - tail.pages, end, &head) && head.kind == PAGE_FREE_HEAD)
            free_index_insert(&pages->index, end - tail.pages, tail.pages);
    }
    return ERROR_OK;
}

void pages_close(struct pages *pages)
{
    journal_tx_close(pages->system);
    munmap(pages->notes, (pages->map->reserved_bytes >> HEAP_PAGE_SHIFT) * sizeof(union page_note));
    pthread_mutex_destroy(&pages->lock);
    pthread_mutex_destroy(&pages->grow_lock);
}

/* ---- entries, in a transaction of the system lane (its own area holds any of them: it cannot fill) ---- */

static void store_word(struct pages *pages, uint64_t *word, uint64_t value)
{
    enum error error = tx_store64(pages->system, word, value);
    ASSERT(error == ERROR_OK);
}

static void store_entry(struct pages *pages, uint32_t page, struct page_layout entry)
{
    uint64_t value;
    memcpy(&value, &entry, sizeof(value));
    store_word(pages, page_word(pages->base, page), value);
}

/* A run that is known by its two ends. */
static void store_ends(struct pages *pages, uint32_t page, uint32_t count, uint8_t head_kind,
                       uint8_t tail_kind)
{
    store_entry(pages, page, (struct page_layout){.kind = head_kind, .pages = count});
    if (count > 1)
        store_entry(pages, page + count - 1, (struct page_layout){.kind = tail_kind, .pages = count});
}

static void store_span(struct pages *pages, uint32_t page, uint32_t count, uint8_t class)
{
    struct page_layout entries[SIZECLASS_MAX_PAGES];
    ASSERT(count <= SIZECLASS_MAX_PAGES);
    for (uint32_t i = 0; i < count; i++)
        entries[i] =
            (struct page_layout){.kind = PAGE_SPAN, .class = class, .distance = (uint16_t)i, .pages = count};
    enum error error = tx_snapshot(pages->system, page_word(pages->base, page), count * sizeof(*entries));
    ASSERT(error == ERROR_OK);
    tx_write(pages->system, page_word(pages->base, page), entries, count * sizeof(*entries));
}

/* P4: would a user's request for `want` pages of a run of `have` leave the reserve alone? */
static bool reserve_stays(const struct free_index *index, uint32_t have, uint32_t want)
{
    uint32_t others = index->reserve_runs - (have >= PAGES_RESERVE);
    return others > 0 || have - want >= PAGES_RESERVE;
}

enum pages_shortage pages_carve(struct pages *pages, const struct pages_request *request, uint32_t *page_out)
{
    pthread_mutex_lock(&pages->lock);
    enum pages_shortage shortage = PAGES_ENOUGH;
    uint32_t page = free_index_find(&pages->index, request->pages);
    uint32_t have = page ? page_load(pages->base, page).pages : 0;
    if (!page) {
        shortage = PAGES_NO_RUN;
    } else if (!request->system && !reserve_stays(&pages->index, have, request->pages)) {
        shortage = PAGES_NO_RESERVE;
    } else {
        free_index_remove(&pages->index, page, have);
        tx_begin(pages->system);
        if (request->kind == PAGE_SPAN) store_span(pages, page, request->pages, request->class);
        else store_ends(pages, page, request->pages, PAGE_RUN_HEAD, PAGE_RUN_TAIL);
        uint32_t rest = have - request->pages;
        if (rest) store_ends(pages, page + request->pages, rest, PAGE_FREE_HEAD, PAGE_FREE_TAIL);
        if (request->link) store_word(pages, request->link, page_off(page));
        tx_commit(pages->system);
        if (rest) free_index_insert(&pages->index, page + request->pages, rest);
        __atomic_store_n(&pages->notes[page].known, request->note.known, __ATOMIC_RELEASE);
        *page_out = page;
    }
    pthread_mutex_unlock(&pages->lock);
    return shortage;
}

/* Pages of the free run that ends just before `page`, which is not its chunk's first; 0 when there is none.
 */
static uint32_t free_before(struct pages *pages, uint32_t page)
{
    uint32_t first = chunk_first(page_chunk(page));
    if (page == first) return 0;
    struct page_layout last = page_load(pages->base, page - 1);
    if (last.kind == PAGE_FREE_HEAD && last.pages == 1) return 1;
    if (last.kind != PAGE_FREE_TAIL || last.pages == 0 || last.pages > page - first) return 0;
    struct page_layout head;
    bool whole = page_map_is_run(pages->base, page - last.pages, page, &head);
    return whole && head.kind == PAGE_FREE_HEAD && head.pages == last.pages ? last.pages : 0;
}

/* Pages of the free run that starts at `page`; 0 when there is none. */
static uint32_t free_at(struct pages *pages, uint32_t page)
{
    uint32_t end = chunk_end(pages->base, page_chunk(page - 1));
    struct page_layout head;
    if (page >= end || !page_map_is_run(pages->base, page, end, &head)) return 0;
    return head.kind == PAGE_FREE_HEAD ? head.pages : 0;
}

void pages_release_locked(struct pages *pages, uint32_t page, uint32_t count,
                          const struct pages_stores *stores)
{
    uint32_t before = free_before(pages, page);
    uint32_t after = free_at(pages, page + count);
    uint32_t head = page - before;
    uint32_t total = before + count + after;
    if (before && free_index_holds(&pages->index, head)) free_index_remove(&pages->index, head, before);
    if (after && free_index_holds(&pages->index, page + count))
        free_index_remove(&pages->index, page + count, after);
    __atomic_store_n(&pages->notes[page].known, 0, __ATOMIC_RELEASE);

    tx_begin(pages->system);
    if (before) store_entry(pages, page, (struct page_layout){.kind = PAGE_NONE});
    store_ends(pages, head, total, PAGE_FREE_HEAD, PAGE_FREE_TAIL);
    for (unsigned i = 0; stores && i < stores->count; i++)
        store_word(pages, stores->store[i].word, stores->store[i].value);
    tx_commit(pages->system);

    free_index_insert(&pages->index, head, total);
    if (pages->cursor > head && pages->cursor < head + total) pages->cursor = head; /* P3 */
}

void pages_release(struct pages *pages, uint32_t page, uint32_t count, const struct pages_stores *stores)
{
    pthread_mutex_lock(&pages->lock);
    pages_release_locked(pages, page, count, stores);
    pthread_mutex_unlock(&pages->lock);
}
