/* wal_inspect.c: a look at a journal on the disk. See wal_inspect.h. */
#include "journal/wal_inspect.h"
#include "journal/redo_code.h"
#include "journal/wal_internal.h"

#include <stdio.h>
#include <string.h>

/* The checkpoint; for a journal without one, where the applier stood. */
static const struct wal_note_layout *start_note(const struct wal_notes *notes)
{
    if (notes->checkpoint.kind == WAL_NOTE_CHECKPOINT) return &notes->checkpoint;
    if (notes->applied.sequence > notes->checkpoint.sequence) return &notes->applied;
    return notes->other.sequence > notes->checkpoint.sequence ? &notes->other : NULL;
}

static enum error find_stream(struct wal *wal, struct wal_position *position_out,
                              struct wal_inspect_result *result, char *detail, size_t cap)
{
    struct wal_notes notes;
    wal_note_read_own(wal, &notes);
    const struct wal_note_layout *note = start_note(&notes);
    if (note == NULL) {
        snprintf(detail, cap, "%s has no journal", wal->image_path);
        return ERROR_NOT_FOUND;
    }
    memcpy(wal->heap_id, note->heap_id, sizeof wal->heap_id);
    if (!wal_note_use(wal, note, position_out)) {
        snprintf(detail, cap, "the journal's note in %s makes no sense", wal->image_path);
        return ERROR_CORRUPT;
    }
    *result = (struct wal_inspect_result){.segment_bytes = wal->data_bytes,
                                          .checkpoint_lsn = note->lsn,
                                          .checkpoint_used_bytes = note->used_bytes,
                                          .checkpoint_epoch = note->epoch,
                                          .has_checkpoint = note == &notes.checkpoint};
    if (notes.applied.stream == wal->stream) result->applied_lsn = notes.applied.lsn;
    enum error error = wal_segment_list(wal, false);
    if (error == ERROR_OK) error = wal_segment_adopt(wal, note->lsn);
    if (error != ERROR_OK) snprintf(detail, cap, "cannot read %s: %s", wal->folder_path, error_text(error));
    else if (atomic_load(&wal->prepared_end) <= note->lsn) {
        snprintf(detail, cap, "the segment with LSN %llu, where %s begins to need it, is not in %s",
                 (unsigned long long)note->lsn, wal->image_path, wal->folder_path);
        error = ERROR_CORRUPT;
    }
    return error;
}

static void count_operations(const struct wal_record *record, struct wal_inspect_frame *frame)
{
    struct redo_reader reader;
    struct redo_operation op;
    enum redo_read read = REDO_READ_BAD;
    if (redo_code_open(&reader, record->bytes, record->len, &frame->used_delta))
        while ((read = redo_code_next(&reader, &op)) == REDO_READ_OPERATION) {
            frame->ranges += op.kind == REDO_RANGE;
            frame->range_bytes += op.kind == REDO_RANGE ? op.len : 0;
            frame->bits += op.kind == REDO_SETBIT || op.kind == REDO_CLEARBIT;
            frame->grown_bytes += op.kind == REDO_GROW ? op.len : 0;
        }
    frame->makes_sense = read == REDO_READ_END;
}

enum error wal_inspect(const struct wal_options *options,
                       void (*visit)(void *arg, const struct wal_inspect_frame *frame), void *arg,
                       struct wal_inspect_result *result_out, char *detail, size_t detail_cap)
{
    struct wal *wal;
    struct wal_position position;
    struct wal_inspect_result *result = result_out;
    enum error error = wal_make_for_notes(options, PMEM_STORAGE_READ, &wal, detail, detail_cap);
    if (error != ERROR_OK) return error;
    error = find_stream(wal, &position, result, detail, detail_cap);
    enum wal_read read = WAL_READ_RECORD;
    uint64_t limit = atomic_load(&wal->prepared_end);
    while (error == ERROR_OK) {
        struct wal_inspect_frame frame = {.lsn = position.lsn, .segment = position.lsn >> wal->data_shift};
        struct wal_record record = {0};
        read = wal_stream_next(wal, &wal->patches, limit, &position, &record);
        if (read != WAL_READ_RECORD && read != WAL_READ_EPOCH) break;
        frame.epoch = position.epoch;
        frame.record_bytes = record.len;
        frame.makes_sense = true;
        if (read == WAL_READ_RECORD) count_operations(&record, &frame);
        result->nonsense += !frame.makes_sense;
        result->frames++;
        visit(arg, &frame);
    }
    if (read == WAL_READ_MEMORY) error = ERROR_MEMORY;
    if (error == ERROR_OK) {
        result->segments = (limit >> wal->data_shift) - (result->checkpoint_lsn >> wal->data_shift);
        result->good_end = position.lsn;
        result->good_end_segment = position.lsn >> wal->data_shift;
        result->good_end_off = WAL_HEAD_BYTES + (position.lsn & (wal->data_bytes - 1));
        result->is_torn = read == WAL_READ_TORN;
        result->why = wal_stream_end_text(read);
    }
    wal_destroy(wal);
    return error;
}
