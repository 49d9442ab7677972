/* wal_copy.c: the image from the live heap, in whole pages, while its own pages are not cached. See wal_internal.h.
 *
 * To patch a page that the kernel gave up it must be read first, once for each batch; the live heap has every page at hand. So
 * the applier, once it meets pages that are not cached, only *walks* the journal and marks the pages that its records
 * change. A *sweep* copies what is marked, in the order of the file, a few dozen pages at each of many instants at which no
 * transaction is open (*at rest*), and writes them whole: nothing is read, and what was written can be given up at once.
 *
 * Invariants:
 * W5. What is copied at rest is what all records so far make of that page. It is written once those are durable (J1). So a
 *     page of the image is at most as new as the journal, and redo from the last note on makes it what it has to be (J9).
 * W6. A sweep ends with an image that has all records up to where the walk was when it began: that is `applied`.
 *     Between sweeps `applied` stays, and a start after kill -9 repeats what a start after a power cut does.
 * W7. The page of the notes is never copied, for it differs from the live one: it is patched by the walk.
 */
#include "journal/redo_code.h"
#include "journal/wal_internal.h"
#include "util/clock.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BITS       64
#define WALK_BYTES      (UINT64_C(4) << 20)
#define SLICE_PAGES     256 /* written at a time */
#define REST_PAGES      32  /* copied at a time: some 20 microseconds in which nobody writes */
#define FLUSH_PAGES     2048
#define SAMPLES         64
#define GROW_WORDS      1024
#define IDLE_SWEEP_NS   (INT64_C(1000) * 1000 * 1000) /* without a new record */
#define WAIT_MS         100
#define NS_PER_MS       INT64_C(1000000)
#define BYTES_OF(pages) ((uint64_t)(pages) * REDO_PAGE_BYTES)

/* ---- sets of pages ---- */

static bool has_room(struct wal_copier *copier, uint64_t page)
{
    if (page / WORD_BITS < copier->words) return true;
    size_t words = page / WORD_BITS + GROW_WORDS;
    uint64_t *dirty = realloc(copier->dirty, words * sizeof *dirty);
    if (dirty == NULL) return false;
    copier->dirty = dirty;
    uint64_t *swept = realloc(copier->swept, words * sizeof *swept);
    if (swept == NULL) return false;
    copier->swept = swept;
    memset(dirty + copier->words, 0, (words - copier->words) * sizeof *dirty);
    memset(swept + copier->words, 0, (words - copier->words) * sizeof *swept);
    copier->words = words;
    return true;
}

/* The first page of the set at or behind `page`; UINT64_MAX: none. */
static uint64_t next_page(const uint64_t *set, size_t words, uint64_t page)
{
    for (size_t i = page / WORD_BITS; i < words; i++) {
        uint64_t word = set[i];
        if (i == page / WORD_BITS) word &= ~UINT64_C(0) << page % WORD_BITS;
        if (word != 0) return i * WORD_BITS + (unsigned)__builtin_ctzll(word);
    }
    return UINT64_MAX;
}

static uint64_t count_pages(const uint64_t *set, size_t words)
{
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (unsigned)__builtin_popcountll(set[i]);
    return count;
}

/* ---- beginning and ending ---- */

void wal_copy_begin(struct wal *wal)
{
    struct wal_copier *copier = &wal->copier;
    if (atomic_load(&copier->on) || !atomic_load(&wal->rest_allowed)) return;
    copier->buffer = malloc(BYTES_OF(SLICE_PAGES));
    if (copier->buffer == NULL) return; /* patching does without */
    copier->walked = wal->applied_position;
    copier->moved_ns = clock_monotonic_ns();
    wal_patches_free(&wal->patches); /* which may be large, and memory is scarce */
    atomic_store(&copier->on, true);
}

void wal_copy_end(struct wal *wal)
{
    struct wal_copier *copier = &wal->copier;
    if (!atomic_load(&copier->on)) return;
    free(copier->dirty);
    free(copier->swept);
    free(copier->buffer);
    copier->dirty = copier->swept = NULL;
    copier->buffer = NULL;
    copier->words = 0;
    wal->patches.were_cached = true;
    atomic_store(&copier->on, false);
}

/* ---- the walk ---- */

static enum error mark(struct wal *wal, const struct redo_operation *op)
{
    uint64_t notes_page = wal->note_off / REDO_PAGE_BYTES;
    uint64_t last = (op->off + op->len - 1) / REDO_PAGE_BYTES;
    if (!redo_code_fits(op, wal->target.size_bytes)) return ERROR_CORRUPT;
    if (!has_room(&wal->copier, last)) return ERROR_MEMORY;
    for (uint64_t page = op->off / REDO_PAGE_BYTES; page <= last; page++) {
        if (page == notes_page) redo_code_apply(wal->target.base, op); /* W7 */
        else wal->copier.dirty[page / WORD_BITS] |= UINT64_C(1) << page % WORD_BITS;
    }
    return ERROR_OK;
}

static enum error mark_record(struct wal *wal, const struct wal_record *record)
{
    struct redo_reader reader;
    struct redo_operation op;
    enum redo_read read;
    enum error error = ERROR_OK;
    int64_t used_delta = 0;
    if (!redo_code_open(&reader, record->bytes, record->len, &used_delta)) return ERROR_CORRUPT;
    while (error == ERROR_OK && (read = redo_code_next(&reader, &op)) != REDO_READ_END) {
        if (read == REDO_READ_BAD) return ERROR_CORRUPT;
        error = op.kind == REDO_GROW ? wal_target_grow(&wal->target, &op) : mark(wal, &op);
    }
    wal->copier.walked.used_bytes += used_delta;
    return error;
}

/* Some of what is durable (J1); false: there is no more. */
static bool walk(struct wal *wal, enum error *error_out)
{
    uint64_t durable = atomic_load(&wal->durable);
    struct wal_copier *copier = &wal->copier;
    struct wal_record record = {0};
    uint64_t begin = copier->walked.lsn;
    enum wal_read read = WAL_READ_RECORD;
    *error_out = ERROR_OK;
    while (*error_out == ERROR_OK && copier->walked.lsn - begin < WALK_BYTES) {
        read = wal_stream_next(wal, &wal->patches, durable, &copier->walked, &record);
        if (read == WAL_READ_EPOCH) continue;
        if (read != WAL_READ_RECORD) break;
        *error_out = mark_record(wal, &record);
    }
    if (read == WAL_READ_MEMORY) *error_out = ERROR_MEMORY;
    else if (read == WAL_READ_ZERO || read == WAL_READ_STALE || read == WAL_READ_TORN)
        *error_out = ERROR_CORRUPT;
    if (copier->walked.lsn != begin) copier->moved_ns = clock_monotonic_ns();
    return copier->walked.lsn - begin >= WALK_BYTES;
}

/* ---- the sweep ---- */

struct slice {
    struct wal *wal;
    uint64_t pages[SLICE_PAGES];
    unsigned count;
    unsigned copied;
    uint64_t end_lsn; /* of all that the copies may show */
};

static void take(void *context, const char *live)
{
    struct slice *slice = context;
    struct wal *wal = slice->wal;
    unsigned end = slice->copied + REST_PAGES < slice->count ? slice->copied + REST_PAGES : slice->count;
    for (; slice->copied < end; slice->copied++)
        memcpy(wal->copier.buffer + BYTES_OF(slice->copied), live + BYTES_OF(slice->pages[slice->copied]),
               REDO_PAGE_BYTES);
    slice->end_lsn = atomic_load(&wal->reserved);
}

static bool copy(struct slice *slice)
{
    struct wal *wal = slice->wal;
    bool copies = true;
    while (copies && slice->copied < slice->count) {
        pthread_mutex_lock(&wal->rest_lock);
        copies = atomic_load(&wal->rest_allowed) && wal->live.at_rest(wal->live.arg, take, slice);
        pthread_mutex_unlock(&wal->rest_lock);
    }
    return copies;
}

/* W5. False: it will not be. */
static bool await_durable(struct wal *wal, uint64_t lsn)
{
    while (!wal_await_durable(wal, lsn)) {
        if (!wal->has_threads) {
            if (!wal_step_sync(wal)) return false;
            continue;
        }
        pthread_mutex_lock(&wal->lock);
        bool goes_on = !wal->stops && wal_error(wal) == ERROR_OK;
        if (goes_on && wal_durable(wal) < lsn) wal_wait_progress(wal, clock_monotonic_ns() + WAIT_MS * NS_PER_MS);
        pthread_mutex_unlock(&wal->lock);
        if (!goes_on) return false;
    }
    return true;
}

static enum error write_out(const struct slice *slice)
{
    const struct wal *wal = slice->wal;
    unsigned run;
    for (unsigned at = 0; at < slice->count; at += run) {
        run = 1;
        while (at + run < slice->count && slice->pages[at + run] == slice->pages[at] + run)
            run++;
        enum error error = wal->storage->write(wal->image, BYTES_OF(slice->pages[at]),
                                               wal->copier.buffer + BYTES_OF(at), BYTES_OF(run));
        if (error != ERROR_OK) return error;
    }
    return ERROR_OK;
}

static void fill(struct slice *slice, uint64_t page)
{
    const struct wal_copier *copier = &slice->wal->copier;
    slice->count = slice->copied = 0;
    while (slice->count < SLICE_PAGES && (page = next_page(copier->swept, copier->words, page)) != UINT64_MAX)
        slice->pages[slice->count++] = page++;
}

static bool flush(struct wal *wal, uint64_t first, uint64_t end)
{
    enum error error = wal->storage->flush(wal->image, BYTES_OF(first), BYTES_OF(end - first));
    if (error != ERROR_OK) wal_image_failed(wal, error); /* whatever it is: out of memory, too */
    return error == ERROR_OK;
}

static bool copy_all(struct wal *wal, enum error *error_out)
{
    struct slice slice = {.wal = wal};
    uint64_t total = count_pages(wal->copier.swept, wal->copier.words);
    uint64_t done = 0, flushed = 0, first = 0;
    for (fill(&slice, 0); slice.count > 0; fill(&slice, slice.pages[slice.count - 1] + 1)) {
        if (wal->stops || !copy(&slice) || !await_durable(wal, slice.end_lsn)) return false;
        *error_out = write_out(&slice);
        if (*error_out != ERROR_OK) return false;
        if (done == flushed) first = slice.pages[0];
        done += slice.count;
        uint64_t end = slice.pages[slice.count - 1] + 1;
        if (done - flushed >= FLUSH_PAGES) {
            if (!flush(wal, first, end)) return false;
            flushed = done;
        }
        wal_checkpoint_progress(wal, done, total);
        walk(wal, error_out); /* while these pages of the journal are cached */
        if (*error_out != ERROR_OK) return false;
    }
    return true;
}

/* Pages that will be written next tell whether patching could go on. */
static bool seems_cached(const struct wal *wal)
{
    const struct wal_copier *copier = &wal->copier;
    if (atomic_load(&copier->always)) return false;
    const uint64_t *set = copier->dirty;
    uint64_t count = count_pages(set, copier->words);
    if (count == 0) count = count_pages(set = copier->swept, copier->words);
    uint64_t index = 0;
    for (uint64_t page = 0; (page = next_page(set, copier->words, page)) != UINT64_MAX; page++, index++)
        if (index % (count / SAMPLES + 1) == 0 && !wal->storage->is_cached(wal->image, BYTES_OF(page)))
            return false;
    return true;
}

static bool sweep_is_due(const struct wal *wal)
{
    const struct wal_copier *copier = &wal->copier;
    uint64_t applied = atomic_load(&wal->applied);
    uint64_t noted = atomic_load(&wal->noted);
    uint64_t limit = wal_tail_limit(wal);
    uint64_t requested = atomic_load(&wal->requested_checkpoint);
    uint64_t walked = copier->walked.lsn;
    if (walked == applied || noted != applied) return false; /* one checkpoint for each sweep */
    if (requested > noted) return walked >= requested;
    if (wal_needs_segments(wal, walked)) return true;
    if (walked - applied > limit / 4 || atomic_load(&wal->reserved) - noted > limit / 2) return true;
    return walked == atomic_load(&wal->durable) && clock_monotonic_ns() - copier->moved_ns > IDLE_SWEEP_NS;
}

/* False: it was given up; the journal still has what it was about. */
static bool sweep(struct wal *wal, enum error *error_out)
{
    struct wal_copier *copier = &wal->copier;
    struct wal_position position = copier->walked;
    uint64_t *set = copier->swept;
    copier->swept = copier->dirty;
    copier->dirty = set;
    if (copier->words > 0) memset(set, 0, copier->words * sizeof *set);
    *error_out = ERROR_OK;
    if (!copy_all(wal, error_out)) return false;
    wal_note_applied(wal, &position); /* W6 */
    pthread_mutex_lock(&wal->lock);
    wal_thread_wake(wal, WAL_THREAD_CHECKPOINT);
    pthread_mutex_unlock(&wal->lock);
    return true;
}

bool wal_copy_step(struct wal *wal, enum error *error_out)
{
    bool works = walk(wal, error_out);
    bool may_go_on = *error_out == ERROR_OK && atomic_load(&wal->rest_allowed);
    if (may_go_on && !works && sweep_is_due(wal)) {
        works = true;
        may_go_on = sweep(wal, error_out) && !seems_cached(wal);
    }
    if (may_go_on) return works;
    wal_copy_end(wal);
    return *error_out == ERROR_OK || *error_out == ERROR_MEMORY;
}
