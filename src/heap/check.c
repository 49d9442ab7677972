/* check.c: validation of everything persistent (L1-L4 of heap_layout.h), and of ownership.
 *
 * Two passes over the page map, run by run: the first checks structure and counts blocks; the second, when an
 * application's walk has named what it owns, finds what is allocated and owned by nobody. Nothing is changed,
 * and nothing on the medium is believed: a damaged file ends in ERROR_CORRUPT with a detail, never in a
 * crash.
 */
#include "heap/heap_state.h"
#include "heap/superblock.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

struct check {
    struct heap *heap;
    struct heap_check_result *result;
    uint64_t used_bytes;
    uint64_t grown_pages;
    uint64_t *owned; /* a copy in shape of all chunks' bitmaps: blocks named by the walk */
    size_t owned_bytes;
};

struct run {
    uint32_t page;
    struct page_layout entry;
    bool after_free; /* the run before it is free */
};

/* Keeps the first thing that is wrong. */
__attribute__((format(printf, 2, 3))) static void complain(struct check *check, const char *format, ...)
{
    if (check->result->detail[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(check->result->detail, sizeof(check->result->detail), format, args);
    va_end(args);
}

static unsigned run_blocks(const struct run *run)
{
    if (run->entry.kind == PAGE_SPAN) return sizeclass_table[run->entry.class].blocks;
    return run->entry.kind == PAGE_RUN_HEAD ? 1 : 0;
}

static uint64_t run_block_bytes(const struct run *run)
{
    return run->entry.kind == PAGE_SPAN ? sizeclass_table[run->entry.class].bytes
                                        : page_off(run->entry.pages);
}

/* The bits of word `word` of a run's bitmap that stand for blocks. */
static uint64_t block_bits(const struct run *run, uint64_t word)
{
    uint64_t blocks = run_blocks(run);
    if (word * 64 >= blocks) return 0;
    return blocks - word * 64 >= 64 ? ~UINT64_C(0) : ~(~UINT64_C(0) << (blocks - word * 64));
}

static uint64_t run_words(const struct run *run)
{
    return (uint64_t)run->entry.pages * HEAP_BITMAP_PAGE_BYTES / sizeof(uint64_t);
}

/* Calls visit for each run of a chunk. */
static void for_runs(struct check *check, uint64_t chunk, void (*visit)(struct check *, const struct run *))
{
    char *base = check->heap->base;
    uint32_t end = chunk_end(base, chunk);
    struct run run = {.page = chunk_first(chunk)};
    while (run.page < end) {
        if (!page_map_is_run(base, run.page, end, &run.entry)) {
            complain(check, "page map: no run starts at page %u (kind %u, %u pages)", run.page,
                     run.entry.kind, run.entry.pages);
            return;
        }
        visit(check, &run);
        run.after_free = run.entry.kind == PAGE_FREE_HEAD;
        run.page += run.entry.pages;
    }
}

/* ---- first pass ---- */

static void check_span_pages(struct check *check, const struct run *run)
{
    for (uint32_t i = 0; i < run->entry.pages; i++) {
        struct page_layout page = page_load(check->heap->base, run->page + i);
        if (page.kind != PAGE_SPAN || page.class != run->entry.class || page.distance != i ||
            page.pages != run->entry.pages)
            complain(check, "page map: page %u does not say that it is page %u of the span at %u",
                     run->page + i, i, run->page);
    }
}

static void check_run(struct check *check, const struct run *run)
{
    if (run->after_free && run->entry.kind == PAGE_FREE_HEAD)
        complain(check, "page map: two free runs touch at page %u", run->page);
    if (run->entry.kind == PAGE_SPAN) check_span_pages(check, run);
    const uint64_t *bitmap = page_bitmap(check->heap->base, run->page);
    uint64_t words = run_words(run);
    for (uint64_t word = 0; word < words; word++) {
        uint64_t bits = block_bits(run, word);
        if (bitmap[word] & ~bits)
            complain(check, "bitmap: bits set that stand for no block, run at page %u (kind %u), word %llu",
                     run->page, run->entry.kind, (unsigned long long)word);
        unsigned allocated = (unsigned)__builtin_popcountl(bitmap[word] & bits);
        check->result->blocks += allocated;
        check->used_bytes += allocated * run_block_bytes(run);
    }
}

static void check_chunk(struct check *check, uint64_t chunk)
{
    const struct chunk_layout *head = chunk_head(check->heap->base, chunk);
    if (head->magic != CHUNK_MAGIC || head->index != chunk ||
        head->grown_pages > HEAP_CHUNK_PAGES - chunk_first_page(chunk))
        complain(check, "chunk %llu: damaged head", (unsigned long long)chunk);
    check->grown_pages += head->grown_pages;
    for_runs(check, chunk, check_run);
}

/* ---- ownership ---- */

/* Words of `owned` that mirror the bitmap of the run at `page`. */
static uint64_t *owned_words(const struct check *check, uint32_t page)
{
    return check->owned + (uint64_t)page * HEAP_BITMAP_PAGE_BYTES / sizeof(uint64_t);
}

static void own(void *ctx, uint64_t off)
{
    struct check *check = ctx;
    check->result->owned++;
    struct block block = {.off = off + 1};
    if (heap_holds(check->heap, off, 1)) block = block_of(check->heap->base, off);
    if (block.off != off) {
        check->result->dangling++;
        complain(check, "ownership: offset %llu is owned but not an allocated block",
                 (unsigned long long)off);
        return;
    }
    uint64_t *word = owned_words(check, block.page) + block.index / 64;
    uint64_t bit = UINT64_C(1) << block.index % 64;
    if (*word & bit) {
        check->result->doubly_owned++;
        complain(check, "ownership: the block at %llu has two owners", (unsigned long long)off);
    }
    *word |= bit;
}

static void find_leaks(struct check *check, const struct run *run)
{
    const uint64_t *bitmap = page_bitmap(check->heap->base, run->page);
    const uint64_t *owned = owned_words(check, run->page);
    uint64_t words = (run_blocks(run) + 63u) / 64;
    for (uint64_t word = 0; word < words; word++) {
        uint64_t leaked = bitmap[word] & ~owned[word];
        if (!leaked) continue;
        uint64_t index = word * 64 + (unsigned)__builtin_ctzl(leaked);
        check->result->leaked += (unsigned)__builtin_popcountl(leaked);
        complain(check, "ownership: the block at %llu (%llu bytes) is allocated and nobody's",
                 (unsigned long long)(page_off(run->page) + index * run_block_bytes(run)),
                 (unsigned long long)run_block_bytes(run));
    }
}

static enum error check_ownership(struct check *check, heap_walk *walk, void *app)
{
    uint64_t chunks = check->heap->pages.super->chunks;
    check->owned_bytes = chunks * HEAP_BITMAP_BYTES;
    void *owned = mmap(NULL, check->owned_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (owned == MAP_FAILED) return ERROR_MEMORY;
    check->owned = owned;
    walk(app, own, check);
    for (uint64_t chunk = 0; chunk < chunks; chunk++)
        for_runs(check, chunk, find_leaks);
    munmap(owned, check->owned_bytes);
    return ERROR_OK;
}

enum error heap_check(struct heap *heap, heap_walk *walk, void *app, struct heap_check_result *result_out)
{
    *result_out = (struct heap_check_result){0};
    struct check check = {.heap = heap, .result = result_out};
    journal_shadow_compare(heap->journal);
    enum error error = superblock_validate(&heap->map, result_out->detail);
    if (!error) error = superblock_validate_chunks(&heap->map, result_out->detail);
    if (error) return ERROR_CORRUPT;

    const struct superblock_layout *super = heap->pages.super;
    for (uint64_t chunk = 0; chunk < super->chunks; chunk++)
        check_chunk(&check, chunk);
    if (check.grown_pages != super->grown_pages)
        complain(&check, "superblock: %llu pages grown, but the chunks have %llu",
                 (unsigned long long)super->grown_pages, (unsigned long long)check.grown_pages);
    if (check.used_bytes != heap_used_bytes(heap))
        complain(&check, "accounts: %llu bytes are allocated, the lanes' sum says %llu",
                 (unsigned long long)check.used_bytes, (unsigned long long)heap_used_bytes(heap));
    if (walk && !result_out->detail[0]) error = check_ownership(&check, walk, app);
    if (error) return error;
    return result_out->detail[0] ? ERROR_CORRUPT : ERROR_OK;
}
