/* heap.c: opening and closing a heap, its threads, its roots, its figures. */
#include "heap/heap.h"

#include "heap/detail.h"
#include "heap/file.h"
#include "heap/grow.h"
#include "heap/heap_state.h"
#include "heap/superblock.h"
#include "journal/wal.h"
#include "pmem/persist.h"
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- recovery ---- */

/* A lane kept an overflow extent over the crash; it is released when system transactions can run. */
static void note_orphan(void *arg, uint64_t *link)
{
    struct heap *heap = arg;
    ASSERT(heap->orphan_count < HEAP_ORPHANS_MAX);
    heap->orphans[heap->orphan_count++] = link;
}

/* The system lane never overflows (H9): extents there are damage. */
static bool is_of_system_lane(const struct heap *heap, const uint64_t *link)
{
    const char *lane = heap->base + HEAP_LANES_OFF + JOURNAL_SYSTEM_LANE * JOURNAL_LANE_BYTES;
    return (uint64_t)((const char *)link - lane) < JOURNAL_LANE_BYTES;
}

static enum error judge_orphans(const struct heap *heap, struct heap_report *report)
{
    for (unsigned i = 0; i < heap->orphan_count; i++) {
        if (!is_of_system_lane(heap, heap->orphans[i])) continue;
        detail_say(report->detail, "the system lane of %s is damaged; restore the file from a backup",
                   heap->map.path);
        return ERROR_CORRUPT;
    }
    return ERROR_OK;
}

/* The link is from media: what it names must be a large run that no data claims (an extent's bit is clear). */
static enum error release_orphan(struct heap *heap, uint64_t *link)
{
    uint32_t page = (uint32_t)(*link >> HEAP_PAGE_SHIFT);
    uint64_t chunk = page_chunk(page);
    struct page_layout entry;
    if (*link % HEAP_PAGE_BYTES != 0 || *link >> HEAP_CHUNK_SHIFT >= heap->pages.super->chunks)
        return ERROR_CORRUPT;
    uint32_t end = chunk_end(heap->base, chunk);
    if (page < chunk_first(chunk) || page >= end || !page_map_is_run(heap->base, page, end, &entry) ||
        entry.kind != PAGE_RUN_HEAD)
        return ERROR_CORRUPT;
    struct block block = block_of(heap->base, *link);
    if (block_is_allocated(&block)) return ERROR_CORRUPT;
    struct pages_stores stores = {.store = {{link, 0}}, .count = 1};
    pages_release(&heap->pages, page, entry.pages, &stores);
    return ERROR_OK;
}

static enum error release_orphans(struct heap *heap, struct heap_report *report)
{
    enum error error = ERROR_OK;
    for (unsigned i = 0; i < heap->orphan_count && !error; i++)
        error = release_orphan(heap, heap->orphans[i]);
    heap->orphan_count = 0;
    if (error)
        detail_say(report->detail,
                   "a lane of %s names an extent that is none; restore the file from a backup",
                   heap->map.path);
    return error;
}

/* ---- open and close ---- */

static enum error start_journal(struct heap *heap, const struct heap_options *options,
                                struct heap_report *report)
{
    enum error error =
        journal_open(&heap->map, heap->base + HEAP_LANES_OFF, &alloc_journal_ops, heap, &heap->journal);
    if (error) return error;
    struct journal_recovery recovery;
    error = journal_recover(heap->journal, note_orphan, &recovery, report->detail, sizeof(report->detail));
    report->lanes_undone = recovery.undone;
    report->lanes_completed = recovery.completed;
    if (!error) error = superblock_validate_chunks(&heap->map, report->detail);
    if (!error) error = judge_orphans(heap, report);
    if (!error) error = journaled_settle(heap, options, report);
    if (!error) error = pages_open(&heap->pages, &heap->map, heap->journal);
    if (error) journal_close(heap->journal);
    return error;
}

/* The first pages, so that a full disk shows at once. */
static enum error first_growth(struct heap *heap, struct heap_report *report)
{
    if (grow_total(&heap->pages) > 0 || heap->map.mode == PMEM_MODE_PRIVATE) return ERROR_OK;
    enum error error = grow_pages(&heap->pages, 2 * PAGES_RESERVE, 0);
    if (error)
        detail_say(report->detail, "cannot allocate the first MiB of %s: %s", heap->map.path,
                   error_text(error));
    return error;
}

static enum error recover_file(struct heap *heap, const struct heap_options *options,
                               struct heap_report *report)
{
    heap->boot_mark = superblock_boot_mark(options->boot_id);
    enum error error = file_open(&heap->map, options, report);
    heap->base = heap->map.base;
    if (error || !report->journaled) return error;
    return heap->map.mode == PMEM_MODE_PRIVATE ? journaled_view(heap, options, report)
                                               : journaled_recover(heap, options, report);
}

static void free_heap(struct heap *heap)
{
    pmem_map_close(&heap->map);
    pthread_mutex_destroy(&heap->threads_lock);
    free(heap);
}

static void stop_journal(struct heap *heap)
{
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        central_close(&heap->centrals[i]);
    pages_close(&heap->pages);
    journal_close(heap->journal);
    heap->journal = NULL;
}

static enum error give_up_open(struct heap *heap, enum error error, struct heap_report *report)
{
    if (!report->detail[0]) detail_say(report->detail, "cannot open the heap: %s", error_text(error));
    (void)journaled_close(heap); /* the journal has what the image lacks */
    free_heap(heap);
    return error;
}

enum error heap_open(const struct heap_options *options, struct heap **heap_out,
                     struct heap_report *report_out)
{
    struct heap_report *report = report_out;
    *heap_out = NULL;
    *report = (struct heap_report){.mode = options->mode};
    struct heap *heap = aligned_alloc(_Alignof(struct heap), sizeof(*heap));
    if (!heap) return ERROR_MEMORY;
    memset(heap, 0, sizeof(*heap));
    pthread_mutex_init(&heap->threads_lock, NULL);

    enum error error = recover_file(heap, options, report);
    if (!error) error = start_journal(heap, options, report);
    if (error) return give_up_open(heap, error, report);
    heap->pages.limit_bytes = options->limit_bytes;
    for (unsigned i = 0; i < SIZECLASS_COUNT; i++)
        central_open(&heap->centrals[i], i);
    error = release_orphans(heap, report);
    if (!error) error = first_growth(heap, report);
    if (error) {
        stop_journal(heap);
        return give_up_open(heap, error, report);
    }
    rebuild_open(heap);
    report->mode = heap_mode(heap);
    report->file_bytes = grow_file_bytes(grow_total(&heap->pages), heap->pages.super->chunks);
    *heap_out = heap;
    return ERROR_OK;
}

/* ---- syncs of a shared heap ---- */

static struct superblock_layout *super_of(const struct heap *heap)
{
    return (struct superblock_layout *)(void *)heap->map.base;
}

bool heap_is_doubted(const struct heap *heap)
{
    return heap->map.mode == PMEM_MODE_SHARED &&
           __atomic_load_n(&super_of(heap)->failed, __ATOMIC_RELAXED) == heap->boot_mark;
}

/* J10: the pages that it was about are clean now, and maybe on no disk, for whoever opens the heap in this boot. */
static enum error sync_shared(struct heap *heap)
{
    enum error error = pmem_map_sync(&heap->map, 0, __atomic_load_n(&heap->map.size_bytes, __ATOMIC_ACQUIRE));
    if (!error || heap->map.mode != PMEM_MODE_SHARED) return error;
    pmem_persist_store64(&heap->map, &super_of(heap)->failed, heap->boot_mark);
    if (heap->journal)
        journal_shadow_take(heap->journal, offsetof(struct superblock_layout, failed), sizeof(uint64_t));
    return error;
}

/* Cached pages are written once more; the others are as the disk has them. Nobody stores meanwhile. */
static enum error write_again(struct heap *heap)
{
    char page[HEAP_PAGE_BYTES];
    enum error error = ERROR_OK;
    for (uint64_t off = 0; off < heap->map.size_bytes && !error; off += HEAP_PAGE_BYTES) {
        unsigned char cached = 1;
        if (mincore(heap->map.base + off, HEAP_PAGE_BYTES, &cached) == 0 && !(cached & 1)) continue;
        memcpy(page, heap->map.base + off, sizeof(page));
        error = heap->map.file->storage->write(heap->map.file, off, page, sizeof(page));
    }
    return error;
}

static enum error close_shared(struct heap *heap)
{
    enum error error = heap_is_doubted(heap) ? write_again(heap) : ERROR_OK;
    if (!error) error = sync_shared(heap);
    if (error) return error;
    if (heap_is_doubted(heap)) pmem_persist_store64(&heap->map, &super_of(heap)->failed, 0);
    return superblock_mark(&heap->map, 0);
}

enum error heap_close(struct heap *heap)
{
    for (unsigned lane = 0; lane < JOURNAL_LANES; lane++)
        ASSERT(!heap->threads[lane]);
    journal_shadow_compare(heap->journal);
    stop_journal(heap);
    enum error error = journaled_close(heap);
    if (heap->map.mode == PMEM_MODE_SHARED || heap->map.mode == PMEM_MODE_DAX) error = close_shared(heap);
    free_heap(heap);
    return error;
}

enum error heap_sync(struct heap *heap)
{
    struct wal *wal = atomic_load(&heap->wal);
    if (wal) return wal_checkpoint(wal);
    return heap_is_doubted(heap) ? ERROR_IO : sync_shared(heap);
}

/* ---- threads ---- */

enum error heap_thread_open(struct heap *heap, struct heap_thread **thread_out)
{
    *thread_out = NULL;
    struct heap_thread *thread = calloc(1, sizeof(*thread));
    if (!thread) return ERROR_MEMORY;
    thread->heap = heap;
    enum error error = thread_cache_open(thread);
    if (error) {
        free(thread);
        return error;
    }
    pthread_mutex_lock(&heap->threads_lock);
    unsigned lane = JOURNAL_SYSTEM_LANE + 1;
    while (lane < JOURNAL_LANES && heap->threads[lane])
        lane++;
    error = lane < JOURNAL_LANES ? journal_tx_open(heap->journal, lane, thread, &thread->tx) : ERROR_NO_LANE;
    if (!error) {
        thread->lane = lane;
        heap->threads[lane] = thread;
    }
    pthread_mutex_unlock(&heap->threads_lock);
    if (error) {
        thread_cache_close(thread);
        free(thread);
        return error;
    }
    *thread_out = thread;
    return ERROR_OK;
}

void heap_thread_close(struct heap_thread *thread)
{
    struct heap *heap = thread->heap;
    ASSERT(!tx_is_open(thread->tx));
    pthread_mutex_lock(&heap->threads_lock);
    heap->threads[thread->lane] = NULL;
    journal_tx_close(thread->tx);
    pthread_mutex_unlock(&heap->threads_lock);
    thread_cache_close(thread);
    free(thread);
}

struct tx *heap_thread_tx(struct heap_thread *thread)
{
    return thread->tx;
}

struct heap *heap_of(const struct tx *tx)
{
    return ((const struct heap_thread *)tx_thread(tx))->heap;
}

bool heap_background_step(struct heap_thread *thread)
{
    return rebuild_step(thread->heap) || supply_ahead(thread->heap);
}

/* ---- roots and figures ---- */

struct heap_off heap_root(const struct heap *heap, unsigned index)
{
    ASSERT(index < HEAP_ROOTS);
    return (struct heap_off){__atomic_load_n(&heap->pages.super->roots[index].raw, __ATOMIC_ACQUIRE)};
}

enum error heap_root_set(struct tx *tx, unsigned index, struct heap_off value)
{
    ASSERT(index < HEAP_ROOTS);
    return tx_store64(tx, &heap_of(tx)->pages.super->roots[index].raw, value.raw);
}

const uint8_t *heap_seed(const struct heap *heap)
{
    return heap->pages.super->seed;
}

uint64_t heap_used_bytes(const struct heap *heap)
{
    return journal_used_bytes(heap->journal);
}

uint64_t heap_end(const struct heap *heap)
{
    uint64_t chunks = __atomic_load_n(&heap->pages.super->chunks, __ATOMIC_RELAXED);
    return chunks == 0 ? 0 : (uint64_t)chunk_end(heap->pages.base, chunks - 1) << HEAP_PAGE_SHIFT;
}

void heap_set_limit(struct heap *heap, uint64_t limit_bytes)
{
    __atomic_store_n(&heap->pages.limit_bytes, limit_bytes, __ATOMIC_RELAXED);
}

enum heap_mode heap_mode(const struct heap *heap)
{
    switch (pmem_map_mode(&heap->map)) {
    case PMEM_MODE_DAX: return HEAP_MODE_DAX;
    case PMEM_MODE_JOURNALED: return HEAP_MODE_JOURNALED;
    default: return HEAP_MODE_SHARED;
    }
}

void heap_stats(struct heap *heap, struct heap_stats *stats_out)
{
    struct pages *pages = &heap->pages;
    uint64_t grown = grow_total(pages);
    uint64_t file_bytes = grow_file_bytes(grown, __atomic_load_n(&pages->super->chunks, __ATOMIC_RELAXED));
    *stats_out = (struct heap_stats){.used_bytes = heap_used_bytes(heap),
                                     .file_bytes = file_bytes,
                                     .limit_bytes = __atomic_load_n(&pages->limit_bytes, __ATOMIC_RELAXED),
                                     .metadata_bytes = file_bytes - (grown << HEAP_PAGE_SHIFT)};
    pthread_mutex_lock(&pages->lock);
    stats_out->free_page_bytes = pages->index.pages << HEAP_PAGE_SHIFT;
    pthread_mutex_unlock(&pages->lock);
    pthread_mutex_lock(&heap->threads_lock);
    for (unsigned lane = 0; lane < JOURNAL_LANES; lane++)
        if (heap->threads[lane]) stats_out->cached_bytes += thread_cache_bytes(heap->threads[lane]);
    pthread_mutex_unlock(&heap->threads_lock);
}
