/* wal_apply.c: from the stream into the image: patches sorted by page; checkpoints. See wal_internal.h.
 *
 * Records are cut into patches of one page each and sorted by page, stably: within a page they stay in the
 * order of their LSNs, and that is all that replay asks for (J9). A batch's image lies between two LSNs while it
 * is being patched, which nobody sees: the note says the LSN before it.
 *
 * Crash table of a checkpoint at L:
 *   image synced             it is durable at L or later, redo from the last note repeats the rest (J9)
 *   note stored, synced      the next recovery begins at L
 *   segments before L spare  they hold nothing that a recovery reads (J2)
 */
#include "journal/redo_code.h"
#include "journal/wal_internal.h"
#include "util/clock.h"
#include "util/prefetch.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT           12
#define PAGE_BYTES           (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_WORDS           (PAGE_BYTES / REDO_WORD_BYTES)
#define WHAT_SHIFT           12
#define WHAT_MASK            ((1u << WHAT_SHIFT) - 1)
#define PATCHES_START        8192
#define RADIX_BITS           11
#define RADIX_SIZE           (1u << RADIX_BITS)
#define INSERTION_SORT_MAX   32
#define SAMPLE_PAGES         32 /* one page in so many tells whether the batch's pages are cached */
#define TOUCH_AHEAD          12 /* patches */
#define PREFETCH_RUN_PAGES   256
#define PREFETCH_AHEAD_PAGES 4096
#define PREFETCH_GAP_PAGES   4
#define APPLY_BATCH_BYTES    (UINT64_C(4) << 20)
#define FLUSH_BYTES          (UINT64_C(8) << 20)

/* ---- collecting ---- */

static bool make_room(struct wal_patches *patches, size_t more)
{
    if (patches->count + more <= patches->cap) return true;
    size_t cap = patches->cap > 0 ? 2 * patches->cap : PATCHES_START;
    if (cap < patches->count + more) cap = patches->count + more;
    struct wal_patch *list = realloc(patches->list, cap * sizeof *list);
    if (list == NULL) return false;
    patches->list = list;
    struct wal_patch *sorted = realloc(patches->sorted, cap * sizeof *sorted);
    if (sorted == NULL) return false;
    patches->sorted = sorted;
    patches->cap = cap;
    return true;
}

static bool add_patches(struct wal_patches *patches, const struct redo_operation *op)
{
    if (!make_room(patches, op->len / PAGE_BYTES + 2)) return false;
    uint64_t off = op->off;
    uint64_t words = op->len / REDO_WORD_BYTES;
    const char *payload = op->payload;
    while (words > 0) {
        uint64_t word = (off & (PAGE_BYTES - 1)) / REDO_WORD_BYTES;
        uint64_t piece = words < PAGE_WORDS - word ? words : PAGE_WORDS - word;
        uint64_t arg = op->kind == REDO_RANGE ? piece : op->bit;
        patches->list[patches->count++] =
            (struct wal_patch){(uint32_t)(off >> PAGE_SHIFT), (uint16_t)word,
                               (uint16_t)((unsigned)op->kind << WHAT_SHIFT | arg), payload};
        off += piece * REDO_WORD_BYTES;
        words -= piece;
        if (payload != NULL) payload += piece * REDO_WORD_BYTES;
    }
    return true;
}

enum error wal_target_grow(struct wal_target *target, const struct redo_operation *op)
{
    if (!redo_code_fits(op, target->reserve_bytes)) return ERROR_CORRUPT;
    enum error error = ERROR_OK;
    if (target->image != NULL) error = target->image->storage->allocate(target->image, op->off, op->len);
    if (error == ERROR_OK && target->size_bytes < op->off + op->len) target->size_bytes = op->off + op->len;
    return error;
}

/* Pages that must be read are worth more records at a time: each is read once for all of them. */
static uint64_t batch_bytes(const struct wal *wal)
{
    uint64_t large = wal_tail_limit(wal) / 4;
    return wal->patches.were_cached || large < APPLY_BATCH_BYTES ? APPLY_BATCH_BYTES : large;
}

static enum error collect(struct wal_patches *patches, struct wal_target *target,
                          const struct wal_record *record, int64_t *used_delta_out)
{
    struct redo_reader reader;
    struct redo_operation op;
    if (!redo_code_open(&reader, record->bytes, record->len, used_delta_out)) return ERROR_CORRUPT;
    enum redo_read read;
    while ((read = redo_code_next(&reader, &op)) == REDO_READ_OPERATION) {
        if (op.kind == REDO_GROW) {
            enum error error = wal_target_grow(target, &op);
            if (error != ERROR_OK) return error;
        } else {
            if (!redo_code_fits(&op, target->size_bytes)) return ERROR_CORRUPT;
            if (!add_patches(patches, &op)) return ERROR_MEMORY;
        }
    }
    return read == REDO_READ_END ? ERROR_OK : ERROR_CORRUPT;
}

/* ---- sorting ---- */

static void sort_by_insertion(struct wal_patches *patches)
{
    struct wal_patch *list = patches->list;
    for (size_t i = 1; i < patches->count; i++) {
        struct wal_patch patch = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].page > patch.page; at--)
            list[at] = list[at - 1];
        list[at] = patch;
    }
}

static void sort_by_digit(struct wal_patches *patches, uint32_t base, unsigned shift)
{
    uint32_t start[RADIX_SIZE] = {0};
    for (size_t i = 0; i < patches->count; i++)
        start[(patches->list[i].page - base) >> shift & (RADIX_SIZE - 1)]++;
    uint32_t sum = 0;
    for (unsigned digit = 0; digit < RADIX_SIZE; digit++) {
        uint32_t count = start[digit];
        start[digit] = sum;
        sum += count;
    }
    for (size_t i = 0; i < patches->count; i++)
        patches->sorted[start[(patches->list[i].page - base) >> shift & (RADIX_SIZE - 1)]++] =
            patches->list[i];
    struct wal_patch *swap = patches->list;
    patches->list = patches->sorted;
    patches->sorted = swap;
}

static void sort_by_page(struct wal_patches *patches)
{
    if (patches->count <= INSERTION_SORT_MAX) {
        sort_by_insertion(patches);
        return;
    }
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (size_t i = 0; i < patches->count; i++) {
        uint32_t page = patches->list[i].page;
        if (page < least) least = page;
        if (page > most) most = page;
    }
    for (unsigned shift = 0; shift < 32 && (most - least) >> shift != 0; shift += RADIX_BITS)
        sort_by_digit(patches, least, shift);
}

/* ---- patching ---- */

static bool seem_cached(const struct wal_patches *patches, const struct pmem_storage_file *image)
{
    uint32_t last = UINT32_MAX;
    unsigned pages = 0;
    for (size_t i = 0; i < patches->count; i++) {
        if (patches->list[i].page == last) continue;
        last = patches->list[i].page;
        if (pages++ % SAMPLE_PAGES == 0 && !image->storage->is_cached(image, (uint64_t)last << PAGE_SHIFT))
            return false;
    }
    return true;
}

/* Asks for pages some way ahead of those that are patched: a page that is not cached costs a read, many at once and in order
 * cost far less than one by one, and too many push each other out again. */
struct prefetcher {
    const struct wal_patches *patches;
    struct pmem_storage_file *image; /* NULL: everything is cached */
    size_t at;                       /* patches before it were asked for */
    uint64_t asked_pages;            /* distinct ones */
    uint64_t patched_pages;
};

static void prefetch_run(struct prefetcher *prefetcher)
{
    const struct wal_patches *patches = prefetcher->patches;
    uint64_t first = patches->list[prefetcher->at].page;
    uint64_t last = first;
    prefetcher->asked_pages++;
    while (++prefetcher->at < patches->count && last - first < PREFETCH_RUN_PAGES) {
        uint64_t page = patches->list[prefetcher->at].page;
        if (page > last + PREFETCH_GAP_PAGES) break;
        prefetcher->asked_pages += page != last;
        last = page;
    }
    prefetcher->image->storage->prefetch(prefetcher->image, first << PAGE_SHIFT,
                                         (last - first + 1) << PAGE_SHIFT);
}

/* Before patch i is applied. */
static void prefetch(struct prefetcher *prefetcher, size_t i)
{
    const struct wal_patches *patches = prefetcher->patches;
    if (prefetcher->image == NULL) return;
    if (i == 0 || patches->list[i].page != patches->list[i - 1].page) prefetcher->patched_pages++;
    while (prefetcher->at < patches->count &&
           prefetcher->asked_pages < prefetcher->patched_pages + PREFETCH_AHEAD_PAGES)
        prefetch_run(prefetcher);
}

/* A miss that overlaps with others costs a tenth of one that is waited for. */
static void touch_ahead(const char *base, const struct wal_patch *at)
{
    const char *target = base + ((uint64_t)at->page << PAGE_SHIFT) + at->word * REDO_WORD_BYTES;
    prefetch_write(target);
    prefetch_write(target + PREFETCH_LINE_BYTES);
    if (at->payload != NULL) prefetch_read(at->payload);
}

static void patch(const struct wal_target *target, struct wal_patches *patches)
{
    char *base = target->base;
    struct prefetcher prefetcher = {.patches = patches};
    patches->were_cached = target->image == NULL || seem_cached(patches, target->image);
    if (!patches->were_cached) prefetcher.image = target->image;
    for (size_t i = 0; i < patches->count; i++) {
        const struct wal_patch *at = &patches->list[i];
        prefetch(&prefetcher, i);
        if (i + TOUCH_AHEAD < patches->count) touch_ahead(base, at + TOUCH_AHEAD);
        unsigned arg = at->what & WHAT_MASK;
        struct redo_operation op = {.kind = (enum redo_kind)(at->what >> WHAT_SHIFT),
                                    .bit = arg & 63,
                                    .off = ((uint64_t)at->page << PAGE_SHIFT) + at->word * REDO_WORD_BYTES,
                                    .len = arg * REDO_WORD_BYTES,
                                    .payload = at->payload};
        redo_code_apply(base, &op);
    }
}

enum error wal_apply_some(const struct wal *wal, struct wal_patches *patches, struct wal_target *target,
                          uint64_t limit, uint64_t max_bytes, struct wal_position *position,
                          uint64_t *records_out, enum wal_read *read_out)
{
    struct wal_position at = *position;
    struct wal_record record = {0};
    enum error error = ERROR_OK;
    enum wal_read read = WAL_READ_RECORD;
    patches->count = 0;
    *records_out = 0;
    /* A record in the scratch ends the batch: its patches point there. */
    while (error == ERROR_OK && at.lsn - position->lsn < max_bytes && !record.spans) {
        read = wal_stream_next(wal, patches, limit, &at, &record);
        if (read == WAL_READ_EPOCH) continue;
        if (read != WAL_READ_RECORD) break;
        int64_t used_delta = 0;
        error = collect(patches, target, &record, &used_delta);
        at.used_bytes += used_delta;
        ++*records_out;
    }
    *read_out = read == WAL_READ_EPOCH ? WAL_READ_RECORD : read;
    if (error != ERROR_OK) return error;
    if (read == WAL_READ_MEMORY) return ERROR_MEMORY;
    sort_by_page(patches);
    patch(target, patches);
    *position = at;
    return ERROR_OK;
}

void wal_patches_free(struct wal_patches *patches)
{
    free(patches->list);
    free(patches->sorted);
    free(patches->scratch);
    *patches = (struct wal_patches){0};
}

/* ---- the applier ---- */

void wal_note_applied(struct wal *wal, const struct wal_position *position)
{
    wal_note_write(wal, WAL_NOTE_APPLIED, position);
    pthread_mutex_lock(&wal->lock);
    wal->applied_position = *position;
    pthread_mutex_unlock(&wal->lock);
    atomic_store(&wal->applied, position->lsn);
}

static bool patch_some(struct wal *wal, enum error *error_out)
{
    uint64_t durable = atomic_load(&wal->durable);        /* J1 */
    struct wal_position position = wal->applied_position; /* written by this step alone */
    uint64_t records;
    enum wal_read read;
    if (position.lsn == durable) return false;
    *error_out = wal_apply_some(wal, &wal->patches, &wal->target, durable, batch_bytes(wal), &position,
                                &records, &read);
    if (*error_out == ERROR_OK && read != WAL_READ_RECORD && read != WAL_READ_LIMIT)
        *error_out = ERROR_CORRUPT;
    if (*error_out != ERROR_OK) return false;
    wal_note_applied(wal, &position);
    if (!wal->patches.were_cached || atomic_load(&wal->copier.always)) wal_copy_begin(wal);
    return true;
}

bool wal_step_apply(struct wal *wal)
{
    enum error error = ERROR_OK;
    if (!atomic_load(&wal->base_is_durable) || wal_error(wal) != ERROR_OK) return false;
    bool works = atomic_load(&wal->copier.on) ? wal_copy_step(wal, &error) : patch_some(wal, &error);
    if (error == ERROR_MEMORY)
        wal_log(wal, WAL_WARNING, "The journal's applier is out of memory; it tries again");
    else if (error != ERROR_OK) {
        wal_note_distrust(wal);
        wal_fail(wal, error, "the image (the journal as read back makes no sense, or the disk is full)");
        works = false;
    }
    return works;
}

/* ---- checkpoints ---- */

bool wal_checkpoint_is_due(const struct wal *wal)
{
    uint64_t noted = atomic_load(&wal->noted);
    uint64_t applied = atomic_load(&wal->applied);
    if (!atomic_load(&wal->base_is_durable) || wal_error(wal) != ERROR_OK) return false;
    if (atomic_load(&wal->copier.on)) return applied > noted; /* W6 */
    uint64_t requested = atomic_load(&wal->requested_checkpoint);
    if (requested > noted) return applied >= requested;
    if (wal_needs_segments(wal, applied)) return true;
    /* Each costs a fault for every page that is written again afterwards: few and large ones, also when the applier is behind. */
    uint64_t limit = wal_tail_limit(wal);
    return applied - noted > limit / 4 && atomic_load(&wal->reserved) - noted > limit / 8 * 5;
}

/* In slices, so that the syncs of the journal find a disk that is not busy for long. */
static enum error flush_image(struct wal *wal)
{
    uint64_t size = wal->storage->size(wal->image);
    for (uint64_t off = 0; off < size && !wal->stops; off += FLUSH_BYTES) {
        uint64_t len = size - off < FLUSH_BYTES ? size - off : FLUSH_BYTES;
        enum error error = wal->storage->flush(wal->image, off, len);
        if (error != ERROR_OK) return error;
        wal_checkpoint_progress(wal, off + len, size);
    }
    return ERROR_OK;
}

void wal_checkpoint_progress(struct wal *wal, uint64_t done, uint64_t total)
{
    unsigned share = (unsigned)(done * WAL_SHARE_WRITTEN / (total > 0 ? total : 1));
    pthread_mutex_lock(&wal->lock);
    if (wal->checkpoint_share < share) {
        wal->checkpoint_share = share;
        wal_update_room(wal);
        pthread_cond_broadcast(&wal->progress);
    }
    pthread_mutex_unlock(&wal->lock);
}

void wal_image_failed(struct wal *wal, enum error error)
{
    wal_note_distrust(wal);
    wal_fail(wal, error, "the image");
}

enum error wal_note_checkpoint(struct wal *wal, const struct wal_position *position)
{
    enum error error = wal->storage->sync(wal->image);
    if (error == ERROR_OK && wal_error(wal) != ERROR_OK) return wal_error(wal); /* W4 */
    if (error == ERROR_OK) {
        wal_note_write(wal, WAL_NOTE_CHECKPOINT, position);
        error = wal->storage->sync(wal->image);
    }
    if (error != ERROR_OK) wal_image_failed(wal, error);
    return error;
}

bool wal_step_checkpoint(struct wal *wal)
{
    if (!wal_checkpoint_is_due(wal)) return false;
    int64_t begin_ns = clock_monotonic_ns();
    atomic_store(&wal->checkpoint_runs, true);
    pthread_mutex_lock(&wal->lock);
    struct wal_position position = wal->applied_position;
    pthread_mutex_unlock(&wal->lock);
    enum error error = flush_image(wal);
    if (error != ERROR_OK) wal_image_failed(wal, error);
    else error = wal_note_checkpoint(wal, &position);
    atomic_store(&wal->checkpoint_runs, false);
    if (error != ERROR_OK) return false;
    pthread_mutex_lock(&wal->lock);
    atomic_store(&wal->noted, position.lsn);
    wal->checkpoints++;
    wal->last_checkpoint_us = (clock_monotonic_ns() - begin_ns) / 1000;
    wal->told_of_limit = false;
    wal->checkpoint_share = 0;
    wal_thread_wake(wal, WAL_THREAD_APPLY);
    wal_update_room(wal);
    pthread_cond_broadcast(&wal->progress);
    pthread_mutex_unlock(&wal->lock);
    wal_segment_retire(wal);
    pthread_mutex_lock(&wal->lock);
    if (atomic_load(&wal->disk_full)) wal_thread_wake(wal, WAL_THREAD_ROOM); /* there are spare ones now */
    pthread_mutex_unlock(&wal->lock);
    return true;
}
