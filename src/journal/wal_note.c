/* wal_note.c: the notes in the image. See wal_layout.h.
 *
 * Crash table: a checkpoint's note is one sector, in the place of the one before the last:
 *   before the sector      the last note counts, whose segments are all there still (J2)
 *   after it, not synced   either of both, both with all their segments; a start in the same boot finds the new one and
 *                          makes it durable before it relies on it
 * The removing note is the same; behind it older ones have no meaning.
 */
#include "journal/wal_internal.h"
#include "util/crc32c.h"

#include <string.h>

static uint32_t checksum(const struct wal_note_layout *note)
{
    return crc32c(0, note, offsetof(struct wal_note_layout, crc32c));
}

static bool read_one(const char *at, struct wal_note_layout *note_out)
{
    struct wal_note_layout *note = note_out;
    memcpy(note, at, sizeof *note);
    return note->magic == WAL_NOTE_MAGIC && note->version == WAL_VERSION && note->crc32c == checksum(note);
}

void wal_note_read(const char *notes, uint64_t boot_mark, uint64_t identity, struct wal_notes *notes_out)
{
    struct wal_notes *found = notes_out;
    *found = (struct wal_notes){0};
    for (unsigned turn = 0; turn < 2; turn++) {
        struct wal_note_layout note;
        if (read_one(notes + WAL_NOTE_CHECKPOINT_OFF(turn), &note) &&
            note.sequence > found->checkpoint.sequence) {
            found->checkpoint = note;
            found->checkpoint_turn = turn;
        }
    }
    for (unsigned turn = 0; turn < 2; turn++) {
        struct wal_note_layout note;
        if (!read_one(notes + WAL_NOTE_APPLIED_OFF(turn), &note)) continue;
        bool is_same = note.boot_mark == boot_mark && (identity == 0 || note.identity == identity);
        struct wal_note_layout *best = is_same ? &found->applied : &found->other;
        if (note.sequence > best->sequence) *best = note;
    }
}

void wal_note_read_own(const struct wal *wal, struct wal_notes *notes_out)
{
    wal_note_read(wal->image_base + wal->note_off, wal->boot_mark, wal->storage->identity(wal->image),
                  notes_out);
}

const struct wal_note_layout *wal_note_choose(const struct wal_notes *notes)
{
    const struct wal_note_layout *checkpoint = &notes->checkpoint;
    const struct wal_note_layout *applied = &notes->applied;
    if (checkpoint->kind == WAL_NOTE_CHECKPOINT) {
        bool is_further = applied->stream == checkpoint->stream && applied->lsn >= checkpoint->lsn;
        return applied->magic != 0 && is_further ? applied : checkpoint;
    }
    bool is_newer = applied->magic != 0 && applied->sequence > checkpoint->sequence;
    return is_newer ? applied : NULL;
}

enum wal_presence wal_note_presence(const struct wal_notes *notes)
{
    if (wal_note_choose(notes) != NULL) return WAL_PRESENT;
    return notes->other.sequence > notes->checkpoint.sequence ? WAL_UNFINISHED : WAL_ABSENT;
}

/* The first note is the applier's: until it stands, and whoever stores it may end meanwhile, no checkpoint is noted. */
static bool is_damaged(const char *notes, const struct wal_notes *found)
{
    static const char zeros[WAL_NOTE_CHECKPOINT_OFF(2)];
    bool has_one = found->checkpoint.magic != 0 || found->applied.magic != 0 || found->other.magic != 0;
    return !has_one && memcmp(notes, zeros, sizeof zeros) != 0;
}

enum wal_presence wal_presence(const void *notes, uint64_t boot_mark)
{
    struct wal_notes found;
    wal_note_read(notes, boot_mark, 0, &found);
    return is_damaged(notes, &found) ? WAL_DAMAGED : wal_note_presence(&found);
}

bool wal_note_use(struct wal *wal, const struct wal_note_layout *note, struct wal_position *position_out)
{
    if ((note->data_bytes & (note->data_bytes - 1)) != 0 || note->data_bytes < WAL_HEAD_BYTES) return false;
    wal->stream = note->stream;
    wal_set_geometry(wal, note->data_bytes);
    *position_out = (struct wal_position){note->lsn, note->used_bytes, note->epoch, note->chain};
    return true;
}

/* The lock is held. */
static void store(struct wal *wal, struct wal_note_layout *note)
{
    uint64_t off = note->kind == WAL_NOTE_APPLIED ? WAL_NOTE_APPLIED_OFF(wal->applied_turn ^= 1)
                                                  : WAL_NOTE_CHECKPOINT_OFF(wal->checkpoint_turn ^= 1);
    note->sequence = ++wal->note_sequence;
    note->boot_mark = wal->boot_mark;
    note->identity = wal->storage->identity(wal->image);
    note->crc32c = checksum(note);
    /* What it speaks of was stored before it: after a process death the page cache says no less. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memcpy(wal->image_base + wal->note_off + off, note, sizeof *note);
}

void wal_note_write(struct wal *wal, enum wal_note_kind kind, const struct wal_position *position)
{
    struct wal_note_layout note = {.magic = WAL_NOTE_MAGIC,
                                   .version = WAL_VERSION,
                                   .kind = kind,
                                   .stream = wal->stream,
                                   .lsn = position->lsn,
                                   .data_bytes = wal->data_bytes,
                                   .used_bytes = position->used_bytes,
                                   .epoch = position->epoch,
                                   .is_complete = wal->is_complete,
                                   .chain = position->chain};
    memcpy(note.heap_id, wal->heap_id, sizeof note.heap_id);
    pthread_mutex_lock(&wal->lock);
    if (kind != WAL_NOTE_APPLIED || !wal->image_failed) store(wal, &note);
    pthread_mutex_unlock(&wal->lock);
}

void wal_note_distrust(struct wal *wal)
{
    struct wal_notes notes;
    pthread_mutex_lock(&wal->lock);
    wal->image_failed = true;
    wal_note_read_own(wal, &notes);
    /* Without a checkpoint there is no other place to begin at: recovery writes the image once more (wal_image_store_again). */
    if (atomic_load(&wal->base_is_durable) && notes.checkpoint.kind == WAL_NOTE_CHECKPOINT) {
        struct wal_note_layout note = notes.checkpoint;
        memset(wal->image_base + wal->note_off + WAL_NOTE_APPLIED_OFF(0), 0, WAL_SECTOR_BYTES);
        note.kind = WAL_NOTE_APPLIED; /* no further, and by this boot: recovery does not trust the journal's pages either */
        note.is_complete = 0;
        store(wal, &note);
    }
    pthread_mutex_unlock(&wal->lock);
}
