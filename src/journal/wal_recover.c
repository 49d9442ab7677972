/* wal_recover.c: the applier run to the end of the journal's good part, before the heap is mapped. See wal.h.
 *
 * In order: the note is synced, for what stands before it is used again (J2); the segments from there on are taken into the
 * stream, and records are verified up to the first that does not verify (J4, J9); a frame that opens a new epoch is put there;
 * names and bytes are made durable, by one sync, for a process that ended left them in the page cache at best, what is
 * applied must not vanish later (J6), and nothing may be appended behind another end (J7); the records are applied.
 *
 * Crash table:
 *   frame put          the journal is one frame longer; or, after a power cut, it ends earlier, and what is left of the frame is
 *                      no part of it, for the chain names the record before it (J7)
 *   synced             it is one frame longer, and nothing but the image changes until recovery is done
 *   image patched      redo from the same note repeats that (J9). The note stays: the next checkpoint moves it
 */
#include "journal/wal_internal.h"
#include "util/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES        UINT64_C(4096)
#define BATCH_BYTES       (UINT64_C(16) << 20)
#define PROGRESS_AFTER_NS INT64_C(500000000)
#define PROGRESS_EVERY_NS INT64_C(500000000)

struct replay {
    struct wal *wal;
    struct wal_target *target;
    struct wal_position position;
    uint64_t limit;    /* nothing at or behind it is read */
    enum wal_read end; /* why it stopped */
    uint64_t cut_bytes;
    uint64_t start_lsn;
    uint64_t records;
    int64_t opened_ns; /* wal_open or wal_view began */
    int64_t begin_ns;
    int64_t told_ns;
};

/* ---- finding the start ---- */

static enum error choose_start(struct wal *wal, const struct wal_notes *notes,
                               struct wal_position *position_out, char *detail, size_t cap)
{
    const struct wal_note_layout *note = wal_note_choose(notes);
    if (note == NULL) {
        bool is_unfinished = wal_note_presence(notes) == WAL_UNFINISHED;
        snprintf(
            detail, cap,
            is_unfinished
                ? "%s was turned into a journaled heap when the power failed; it was never whole on the disk"
                : "%s has no journal",
            wal->image_path);
        return is_unfinished ? ERROR_UNCLEAN : ERROR_NOT_FOUND;
    }
    if (memcmp(note->heap_id, wal->heap_id, sizeof note->heap_id) != 0 ||
        !wal_note_use(wal, note, position_out)) {
        snprintf(detail, cap, "the journal's note in %s is of another heap; restore the file from a backup",
                 wal->image_path);
        return ERROR_CORRUPT;
    }
    return ERROR_OK;
}

/* Takes the segments from that of `lsn` on into the stream, which must reach up to `start`. */
static enum error take_segments(struct wal *wal, uint64_t lsn, uint64_t start, char *detail, size_t cap)
{
    enum error error = wal_segment_list(wal, false);
    if (error == ERROR_NOT_FOUND) error = ERROR_OK;
    if (error == ERROR_OK) error = wal_segment_adopt(wal, lsn);
    if (error != ERROR_OK) {
        snprintf(detail, cap, "cannot read the journal in %s: %s", wal->folder_path, error_text(error));
        return error;
    }
    if (atomic_load(&wal->prepared_end) > start) return ERROR_OK; /* W1 */
    snprintf(detail, cap,
             "%s needs its journal from segment %016" PRIx64
             " on, which is not in %s; put the folder back, or restore both from a backup",
             wal->image_path, lsn >> wal->data_shift, wal->folder_path);
    return ERROR_CORRUPT;
}

/* ---- replaying ---- */

static void tell_progress(struct replay *replay)
{
    const struct wal *wal = replay->wal;
    int64_t now_ns = clock_monotonic_ns();
    if (wal->callbacks.progress == NULL || now_ns - replay->begin_ns < PROGRESS_AFTER_NS ||
        now_ns - replay->told_ns < PROGRESS_EVERY_NS)
        return;
    replay->told_ns = now_ns;
    uint64_t done_bytes = replay->position.lsn - replay->start_lsn;
    uint64_t elapsed_ms = (uint64_t)(now_ns - replay->begin_ns) / 1000000;
    struct wal_progress progress = {.done_bytes = done_bytes,
                                    .tail_bytes = replay->limit - replay->start_lsn,
                                    .bytes_per_s = done_bytes * 1000 / elapsed_ms};
    wal->callbacks.progress(wal->callbacks.arg, &progress);
}

static enum error run(struct replay *replay, char *detail, size_t cap)
{
    struct wal *wal = replay->wal;
    replay->begin_ns = clock_monotonic_ns();
    replay->start_lsn = replay->position.lsn;
    replay->end = WAL_READ_RECORD;
    while (replay->end == WAL_READ_RECORD) {
        uint64_t records;
        enum error error = wal_apply_some(wal, &wal->patches, replay->target, replay->limit, BATCH_BYTES,
                                          &replay->position, &records, &replay->end);
        if (error != ERROR_OK) {
            snprintf(detail, cap, "cannot apply the journal of %s behind LSN %" PRIu64 ": %s",
                     wal->image_path, replay->position.lsn, error_text(error));
            return error;
        }
        replay->records += records;
        tell_progress(replay);
    }
    return ERROR_OK;
}

/* From the frame that did not verify, at `lsn`, to the last word that is not zero. Frames behind it cannot be told from what an
 * earlier use of their segments left: each is proven by the one before it (J7). */
static uint64_t count_cut(const struct wal *wal, uint64_t lsn, enum wal_read read)
{
    static const char zeros[PAGE_BYTES];
    char page[PAGE_BYTES];
    uint64_t end = atomic_load(&wal->prepared_end);
    if (read != WAL_READ_TORN) return 0;
    for (uint64_t from; end > lsn; end = from) {
        from = (end - 1) & ~(PAGE_BYTES - 1);
        if (from < lsn) from = lsn;
        size_t len = (size_t)(end - from);
        wal_stream_get(wal, from, page, len);
        if (memcmp(page, zeros, len) == 0) continue;
        while (memcmp(page + len - WAL_FRAME_ALIGN, zeros, WAL_FRAME_ALIGN) == 0)
            len -= WAL_FRAME_ALIGN;
        return from + len - lsn;
    }
    return 0;
}

/* J9: one line, for every journal that was not closed. */
static void tell(const struct replay *replay, const struct wal_recovery *recovery)
{
    const struct wal *wal = replay->wal;
    char cut[160] = "";
    bool is_cut = replay->end == WAL_READ_TORN;
    if (is_cut)
        snprintf(cut, sizeof cut,
                 "; everything from there on was cut, %" PRIu64
                 " bytes up to the last that is not zero (an earlier use of the segments may have left some)",
                 recovery->cut_bytes);
    if (recovery->was_closed && recovery->records == 0 && !is_cut) return;
    wal_log(wal, is_cut ? WAL_WARNING : WAL_NOTICE,
            "Journal replayed in %.3f ms: %" PRIu64 " transactions, %" PRIu64 " bytes, up to LSN %" PRIu64
            "; %s%s",
            (double)(clock_monotonic_ns() - replay->opened_ns) / 1e6, recovery->records,
            recovery->applied_bytes, recovery->lsn, wal_stream_end_text(replay->end), cut);
}

/* Then the image needs no journal. */
static bool was_closed(const struct wal_notes *notes)
{
    return notes->checkpoint.kind == WAL_NOTE_CHECKPOINT && notes->checkpoint.is_complete;
}

static void report(const struct replay *replay, const struct wal_notes *notes,
                   struct wal_recovery *recovery_out)
{
    *recovery_out = (struct wal_recovery){.records = replay->records,
                                          .applied_bytes = replay->position.lsn - replay->start_lsn,
                                          .cut_bytes = replay->cut_bytes,
                                          .lsn = replay->position.lsn,
                                          .image_bytes = replay->target->size_bytes,
                                          .used_bytes = replay->position.used_bytes,
                                          .epoch = replay->position.epoch,
                                          .this_boot = wal_note_choose(notes) == &notes->applied,
                                          .was_closed = was_closed(notes)};
    tell(replay, recovery_out);
}

/* ---- opening ---- */

/* A process of this boot had the image open: the checkpoint's may have been its note, and there is one of its applier from the start on. */
static bool was_open_in_this_boot(const struct wal *wal, const struct wal_notes *notes)
{
    return notes->applied.magic != 0 || notes->checkpoint.boot_mark == wal->boot_mark;
}

static void store_again(volatile char *at)
{
    *at = *at;
}

/* A sync that failed in a process before this one left pages that are clean and on no disk (J10): a store into each has them written
 * again, records with the next sync, heads of segments at the latest with that of the first record there. */
static void dirty_again(struct wal *wal, uint64_t start, uint64_t end)
{
    uint64_t prepared_end = atomic_load(&wal->prepared_end);
    for (uint64_t lsn = start & ~(wal->data_bytes - 1); lsn < prepared_end; lsn += wal->data_bytes)
        store_again(wal_segment_at(wal, lsn)->base);
    for (uint64_t lsn = start & ~(PAGE_BYTES - 1); lsn < end; lsn += PAGE_BYTES)
        store_again(wal_segment_at(wal, lsn)->base + WAL_HEAD_BYTES + (lsn & (wal->data_bytes - 1)));
}

/* The same for an image without a checkpoint, which may be that because its sync failed. */
void wal_image_store_again(const struct wal *wal)
{
    for (uint64_t off = 0; off < wal->target.size_bytes; off += PAGE_BYTES)
        if (wal->storage->is_cached(wal->image, off)) store_again(wal->image_base + off);
}

/* To the end of the journal's good part; what is behind it. */
static enum wal_read find_end(struct wal *wal, struct wal_position *position)
{
    struct wal_record record;
    enum wal_read read;
    do
        read = wal_stream_next(wal, &wal->patches, atomic_load(&wal->prepared_end), position, &record);
    while (read == WAL_READ_RECORD || read == WAL_READ_EPOCH);
    return read;
}

/* J1: an image holds nothing that its journal does not. Where it does after all, records that it holds in part cannot be told
 * from what never happened. A copy that was made while a server ran is like that, and so may be one from a disk that forgets. */
static enum error check_end(const struct wal *wal, const struct wal_notes *notes, uint64_t end, char *detail,
                            size_t cap)
{
    const struct wal_note_layout *other = &notes->other;
    if (other->stream != wal->stream || other->lsn <= end) return ERROR_OK;
    snprintf(detail, cap,
             "the good part of the journal in %s ends at LSN %" PRIu64 ", and %s has changes up to LSN %" PRIu64
             ": the journal is damaged, or both were copied while a server used them; restore both from a backup",
             wal->folder_path, end, wal->image_path, other->lsn);
    return ERROR_CORRUPT;
}

/* What will be read. */
static void prefetch_tail(const struct wal *wal, uint64_t start)
{
    uint64_t end = atomic_load(&wal->prepared_end);
    for (uint64_t lsn = start & ~(wal->data_bytes - 1); lsn < end; lsn += wal->data_bytes)
        wal->storage->prefetch(wal_segment_at(wal, lsn)->file, 0, WAL_HEAD_BYTES + wal->data_bytes);
}

static enum error open_epoch(struct wal *wal)
{
    uint64_t lsn = atomic_load(&wal->reserved);
    uint64_t end = lsn + sizeof(struct wal_frame_layout);
    wal->wanted_end = end + 1; /* J8: whatever the limit */
    while (atomic_load(&wal->prepared_end) <= end)
        if (!wal_step_room(wal)) return wal_error(wal) != ERROR_OK ? wal_error(wal) : ERROR_DISK_FULL;
    struct wal_frame_layout frame = wal_stream_frame(wal->chain, wal->epoch + 1, lsn, 0, 0);
    wal_stream_put(wal, lsn, &frame, sizeof frame);
    wal->epoch++;
    wal->chain = frame.crc32c;
    atomic_store(&wal->reserved, end);
    atomic_store(&wal->published, end);
    return ERROR_OK;
}

/* The stream goes on at `end`, in a new epoch; all of it is durable (J6, J7), and nothing of it applied behind `start`. */
static enum error go_on(struct wal *wal, const struct wal_position *start, const struct wal_position *end,
                        uint64_t noted, char *detail, size_t cap)
{
    uint64_t prepared_end = atomic_load(&wal->prepared_end);
    wal_begin_at(wal, end);
    atomic_store(&wal->prepared_end, prepared_end);
    atomic_store(&wal->noted, noted); /* J2: all that the note needs stays */
    atomic_store(&wal->applied, start->lsn);
    atomic_store(&wal->durable, start->lsn);
    enum error error = open_epoch(wal);
    if (error != ERROR_OK)
        snprintf(detail, cap, "cannot go on with the journal in %s: %s", wal->folder_path, error_text(error));
    if (error != ERROR_OK) return error;
    /* W2: the names too, for who prepared the last segments may have ended before it could sync them. */
    error = wal->storage->sync_folder(wal->storage, wal->folder_path);
    if (error == ERROR_OK && !wal_step_sync(wal)) error = wal_error(wal);
    if (error != ERROR_OK)
        snprintf(detail, cap, "cannot sync the journal in %s: %s", wal->folder_path, error_text(error));
    return error;
}

/* The image is at the end of the good part. */
static void settle(struct wal *wal, const struct wal_position *end)
{
    atomic_store(&wal->applied, end->lsn);
    wal_note_write(wal, WAL_NOTE_APPLIED, end);
    pthread_mutex_lock(&wal->lock);
    wal->applied_position = *end;
    wal_update_room(wal);
    pthread_mutex_unlock(&wal->lock);
}

/* The image was closed, and came here alone (from a backup, say). */
static enum error begin_anew(struct wal *wal, const struct wal_position *start,
                             struct wal_recovery *recovery_out, char *detail, size_t cap)
{
    wal_log(wal, WAL_NOTICE, "%s has no journal beside it; it was closed completely, so it gets a new one",
            wal->image_path);
    detail[0] = '\0';
    wal_segment_close_all(wal);
    memset(wal->slots, 0, sizeof wal->slots);
    wal->segment_files = 0;
    atomic_store(&wal->base_is_durable, false); /* the old journal's */
    enum error error = wal_begin_new(wal, start->used_bytes, detail, cap);
    if (error == ERROR_OK) error = wal_base_durable(wal);
    if (error != ERROR_OK && detail[0] == '\0') snprintf(detail, cap, "cannot sync %s", wal->image_path);
    *recovery_out = (struct wal_recovery){.lsn = atomic_load(&wal->reserved),
                                          .image_bytes = wal->target.size_bytes,
                                          .used_bytes = start->used_bytes,
                                          .epoch = wal->epoch,
                                          .was_closed = true};
    return error;
}

/* The page cache shows a note of this boot whether or not who stored it saw it become durable: it may have ended before.
 * What the note speaks of was durable before it was stored. */
static enum error sync_note(struct wal *wal, const struct wal_notes *notes, char *detail, size_t cap)
{
    if (notes->checkpoint.boot_mark != wal->boot_mark) return ERROR_OK;
    store_again(wal->image_base + wal->note_off); /* as dirty_again */
    enum error error =
        wal->storage->sync_range(wal->image, wal->image_base + wal->note_off, wal->note_off, WAL_NOTE_BYTES);
    if (error != ERROR_OK) {
        wal_note_distrust(wal); /* it may have been told of any page */
        snprintf(detail, cap, "cannot sync %s: %s", wal->image_path, error_text(error));
    }
    return error;
}

/* The first start on a copy: its checkpoint speaks of the file that it was copied from, whose bytes were durable under that name. */
static enum error sync_copy(const struct wal *wal, const struct wal_notes *notes, char *detail, size_t cap)
{
    bool is_copy = notes->checkpoint.identity != wal->storage->identity(wal->image);
    if (notes->checkpoint.kind != WAL_NOTE_CHECKPOINT || notes->applied.magic != 0 || !is_copy) return ERROR_OK;
    enum error error = wal->storage->sync(wal->image);
    if (error == ERROR_OK) error = pmem_storage_sync_name(wal->storage, wal->image_path);
    if (error != ERROR_OK) snprintf(detail, cap, "cannot sync %s: %s", wal->image_path, error_text(error));
    return error;
}

static enum error recover(struct wal *wal, struct wal_recovery *recovery_out, char *detail, size_t cap)
{
    struct wal_notes notes;
    struct wal_position start;
    int64_t opened_ns = clock_monotonic_ns();
    wal_note_read_own(wal, &notes);
    enum error error = choose_start(wal, &notes, &start, detail, cap);
    if (error != ERROR_OK) return error;
    wal->note_sequence = notes.checkpoint.sequence;
    if (notes.applied.sequence > wal->note_sequence) wal->note_sequence = notes.applied.sequence;
    if (notes.other.sequence > wal->note_sequence) wal->note_sequence = notes.other.sequence;
    wal->checkpoint_turn = notes.checkpoint_turn;
    bool has_checkpoint = notes.checkpoint.kind == WAL_NOTE_CHECKPOINT;
    uint64_t noted = has_checkpoint ? notes.checkpoint.lsn : start.lsn;
    atomic_store(&wal->base_is_durable, has_checkpoint);

    error = sync_copy(wal, &notes, detail, cap);
    if (error == ERROR_OK) error = sync_note(wal, &notes, detail, cap); /* J2: what stands before it is used again */
    if (error != ERROR_OK) return error;
    error = take_segments(wal, noted, start.lsn, detail, cap);
    bool was_complete = was_closed(&notes);
    if (error == ERROR_CORRUPT && was_complete) return begin_anew(wal, &start, recovery_out, detail, cap);
    if (error != ERROR_OK) return error;
    prefetch_tail(wal, start.lsn);
    struct wal_position end = start;
    enum wal_read behind = find_end(wal, &end);
    if (behind == WAL_READ_MEMORY) return ERROR_MEMORY;
    error = check_end(wal, &notes, end.lsn, detail, cap);
    if (error != ERROR_OK) return error;
    uint64_t cut = count_cut(wal, end.lsn, behind);
    if (was_open_in_this_boot(wal, &notes)) dirty_again(wal, start.lsn, end.lsn);
    else wal_note_write(wal, WAL_NOTE_APPLIED, &start); /* for the next one, should a sync of this one fail */
    error = go_on(wal, &start, &end, noted, detail, cap);
    if (error != ERROR_OK) return error;
    struct replay replay = {
        .wal = wal, .target = &wal->target, .position = start, .limit = end.lsn, .opened_ns = opened_ns};
    error = run(&replay, detail, cap);
    if (error != ERROR_OK) return error;
    if (replay.position.lsn != end.lsn) {
        snprintf(detail, cap, "the journal in %s reads differently a second time", wal->folder_path);
        return ERROR_IO;
    }
    settle(wal, &replay.position);
    replay.end = behind;
    replay.cut_bytes = cut;
    report(&replay, &notes, recovery_out);
    recovery_out->epoch = wal->epoch;
    /* It died before its base was durable; without one the applier would never begin (J1). */
    if (error == ERROR_OK && !has_checkpoint) {
        wal_image_store_again(wal);
        error = wal_base_durable(wal);
    }
    /* Something may follow from here on. */
    if (error == ERROR_OK && was_complete) error = wal_note_checkpoint(wal, &start);
    return error;
}

enum error wal_open(const struct wal_options *options, struct wal **wal_out,
                    struct wal_recovery *recovery_out, char *detail, size_t detail_cap)
{
    struct wal *wal;
    *wal_out = NULL;
    enum error error = wal_make(options, PMEM_STORAGE_OPEN, &wal, detail, detail_cap);
    if (error != ERROR_OK) return error;
    error = recover(wal, recovery_out, detail, detail_cap);
    wal->has_threads = !options->no_threads;
    if (error == ERROR_OK && wal->has_threads) error = wal_thread_start_all(wal);
    if (error != ERROR_OK) {
        wal_destroy(wal);
        return error;
    }
    *wal_out = wal;
    return ERROR_OK;
}

static enum error view(struct replay *replay, const struct wal_notes *notes,
                       struct wal_recovery *recovery_out, char *detail, size_t cap)
{
    struct wal *wal = replay->wal;
    uint64_t start = replay->position.lsn;
    enum error error = take_segments(wal, start, start, detail, cap);
    if (error == ERROR_CORRUPT && was_closed(notes)) { /* as wal_open would begin anew */
        detail[0] = '\0';
        replay->start_lsn = start;
        replay->end = WAL_READ_ZERO;
    } else {
        replay->limit = atomic_load(&wal->prepared_end);
        if (error == ERROR_OK) error = run(replay, detail, cap);
        if (error == ERROR_OK) error = check_end(wal, notes, replay->position.lsn, detail, cap);
        if (error != ERROR_OK) return error;
        replay->cut_bytes = count_cut(wal, replay->position.lsn, replay->end);
    }
    report(replay, notes, recovery_out);
    return ERROR_OK;
}

enum error wal_view(const struct wal_options *options, char *base, struct wal_recovery *recovery_out,
                    char *detail, size_t detail_cap)
{
    struct wal *wal;
    enum error error = wal_make_for_notes(options, PMEM_STORAGE_READ, &wal, detail, detail_cap);
    if (error != ERROR_OK) return error;
    struct wal_notes notes;
    struct wal_target memory = {base, wal->target.size_bytes, NULL, options->reserve_bytes};
    struct replay replay = {.wal = wal, .target = &memory, .opened_ns = clock_monotonic_ns()};
    wal_note_read_own(wal, &notes);
    error = choose_start(wal, &notes, &replay.position, detail, detail_cap);
    if (error == ERROR_OK) error = view(&replay, &notes, recovery_out, detail, detail_cap);
    wal_destroy(wal);
    return error;
}
