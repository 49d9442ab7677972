/* wal_internal.h: an open redo journal. Private to the wal_* files and their tests.
 *
 * Invariants:
 * W1. noted <= applied <= durable <= published <= reserved < prepared_end; each only grows. So the segment of a noted LSN
 *     exists, and a journal without it is not whole.
 * W2. A segment is prepared (named, head written, blocks there, all of it durable) before a byte of the stream
 *     is reserved in it. So the sync of the segments that hold new bytes is all that makes records durable.
 * W3. Slots of segments from that of `noted` on to prepared_end do not change; who reads or writes in that part of
 *     the stream takes no lock.
 * W4. After a failure (J10) durable, applied and noted stay where they are.
 * W5 to W7 stand in wal_copy.c.
 *
 * Lock order: rest_lock, then what brings the heap to rest, then lock, then append_lock. Steps are run by one thread each, or all by a test.
 */
#ifndef CAIRN_JOURNAL_WAL_INTERNAL_H
#define CAIRN_JOURNAL_WAL_INTERNAL_H

#include "journal/wal.h"
#include "journal/wal_layout.h"
#include "util/spinlock.h"

#include <pthread.h>
#include <stdatomic.h>

#define WAL_SLOTS          16384 /* segments that the stream may take at a time */
#define WAL_COPIES_MAX     64    /* records that are being copied outside of the lock */
#define WAL_NAME_BYTES     16
#define WAL_PATH_BYTES     4096
#define WAL_SEGMENTS_AHEAD 3
#define WAL_LSN_NEVER      UINT64_MAX
#define WAL_SHARE_ALL      1024
#define WAL_SHARE_WRITTEN  960 /* of a checkpoint: the rest is its sync */

/* ---- a place in the stream ---- */

struct wal_position {
    uint64_t lsn;
    int64_t used_bytes;
    uint32_t epoch;
    uint32_t chain;
};

/* ---- segments ---- */

struct wal_segment {
    uint64_t number;
    struct pmem_storage_file *file; /* NULL: not opened yet */
    char *base;
    struct wal_segment *next; /* among the spare ones */
};

/* ---- patches ---- */

/* Words or a bit of one page of the image. */
struct wal_patch {
    uint32_t page;
    uint16_t word; /* in the page */
    uint16_t what; /* kind << 12 | words or bit */
    const char *payload;
};

struct wal_patches {
    struct wal_patch *list;
    struct wal_patch *sorted; /* room for as many */
    size_t count;
    size_t cap;
    char *scratch; /* a record that spans segments */
    size_t scratch_cap;
    bool were_cached; /* the image's pages of the last batch */
};

/* What records are applied to. */
struct wal_target {
    char *base;
    uint64_t size_bytes;             /* of the image; grows with what is applied */
    struct pmem_storage_file *image; /* NULL: memory, which has room up to reserve_bytes */
    uint64_t reserve_bytes;
};

/* The applier while pages of the image are not cached (wal_copy.c). `on` is read by all, the rest is the applier's. */
struct wal_copier {
    _Atomic bool on;
    _Atomic bool always;
    uint64_t *dirty; /* a bit per page that records in (applied, walked] changed, but for those in `swept` */
    uint64_t *swept; /* what the sweep under way is about, or the last one was */
    size_t words;    /* of each */
    struct wal_position walked;
    int64_t moved_ns; /* when the walk found a record last; monotonic */
    char *buffer;     /* a slice of pages */
};

enum wal_thread_role {
    WAL_THREAD_SYNC,
    WAL_THREAD_ROOM,
    WAL_THREAD_APPLY,
    WAL_THREAD_CHECKPOINT,
    WAL_THREADS
};

struct wal_thread {
    struct wal *wal;
    pthread_t id;
    pthread_cond_t cond; /* with wal->lock */
    bool runs;
    bool woken;
    bool was_busy; /* its own */
};

struct wal {
    const struct pmem_storage *storage;
    enum pmem_storage_way way; /* of the image and of segments that are there */
    struct wal_callbacks callbacks;
    struct pmem_storage_file *image;
    char *image_base;
    struct wal_target target; /* the image again; the applier's */
    uint64_t note_off;
    uint64_t boot_mark;
    uint64_t stream;
    uint64_t data_bytes;
    unsigned data_shift;
    uint64_t margin_bytes;
    uint8_t heap_id[WAL_HEAP_ID_BYTES];
    bool has_threads;
    char image_path[WAL_PATH_BYTES];
    char folder_path[WAL_PATH_BYTES];

    /* Appending. Under append_lock: */
    _Alignas(64) struct spinlock append_lock;
    uint32_t chain;
    uint32_t epoch;
    _Atomic uint64_t records;
    unsigned copies;
    uint64_t copy_start[WAL_COPIES_MAX];
    _Atomic bool lost; /* a record found no room: nothing behind it may be appended */
    _Atomic uint64_t reserved;
    _Atomic uint64_t published;
    _Atomic bool awaits_published;

    _Alignas(64) _Atomic uint64_t durable;
    _Atomic uint64_t applied;
    _Atomic uint64_t noted;
    _Atomic uint64_t prepared_end;
    _Atomic uint64_t room_end;        /* ordinary transactions may begin below it */
    _Atomic uint64_t awaited_durable; /* somebody waits for it */
    _Atomic uint64_t requested_checkpoint;
    _Atomic int policy;
    _Atomic uint64_t strict_end; /* nothing is acknowledged before this much is durable: appended under WAL_ALWAYS */
    _Atomic int failure; /* enum error, J10 */
    _Atomic bool base_is_durable;
    _Atomic bool checkpoint_runs;
    _Atomic bool disk_full;

    /* Under lock: */
    pthread_mutex_t lock;
    pthread_cond_t progress;           /* room, checkpoints, failure */
    _Atomic uint64_t tail_limit_bytes; /* also read without it */
    uint64_t wanted_end;               /* of the prepared stream */
    uint64_t promised_bytes;
    struct wal_position applied_position;
    struct wal_segment *spare;
    unsigned segment_files;
    uint64_t note_sequence;
    unsigned checkpoint_turn;
    unsigned applied_turn;
    _Atomic bool stops;
    bool told_of_limit;
    unsigned checkpoint_share; /* of the work for the next note that is done; WAL_SHARE_ALL: all */
    int64_t waits_since_ns; /* the present stretch of waits for room began then */
    int64_t last_wait_ns;
    bool image_failed;
    bool image_is_doubted;
    bool is_complete; /* closing: the next note is the last */
    uint64_t syncs;
    uint64_t checkpoints;
    uint64_t waits_for_room;
    int64_t last_sync_us;
    int64_t last_checkpoint_us;

    /* Who prepares segments: */
    bool told_of_full;
    int64_t told_full_ns;

    struct wal_patches patches; /* the applier's */
    struct wal_copier copier;
    struct wal_live live;
    pthread_mutex_t rest_lock; /* held while rest is asked for, and to forbid it */
    _Atomic bool rest_allowed;
    struct wal_thread threads[WAL_THREADS];
    struct wal_segment *slots[WAL_SLOTS]; /* W3 */
};

/* ---- wal_stream.c: bytes of the stream ---- */

static inline struct wal_segment *wal_segment_at(const struct wal *wal, uint64_t lsn)
{
    return wal->slots[(lsn >> wal->data_shift) % WAL_SLOTS];
}

void wal_stream_put(struct wal *wal, uint64_t lsn, const void *bytes, size_t len);
void wal_stream_get(const struct wal *wal, uint64_t lsn, void *bytes_out, size_t len);
/* The frame that a payload gets behind `chain`, at `lsn`. */
struct wal_frame_layout wal_stream_frame(uint32_t chain, uint32_t epoch, uint64_t lsn, size_t payload_bytes,
                                         uint32_t payload_crc);

enum wal_read {
    WAL_READ_RECORD,
    WAL_READ_EPOCH, /* a frame that opens one */
    WAL_READ_LIMIT, /* the position is at the limit */
    WAL_READ_ZERO,  /* nothing was ever written here */
    WAL_READ_STALE, /* bytes of an earlier use, or of a dead timeline (J7) */
    WAL_READ_TORN,  /* a frame of this epoch that does not verify */
    WAL_READ_MEMORY,
};
struct wal_record {
    const char *bytes; /* in the mapping, or in the scratch of `patches` */
    size_t len;
    bool spans; /* in the scratch: gone with the next that spans */
};
/* Verifies the frame at the position, reads it and moves on. Nothing at or behind `limit` is touched. */
enum wal_read wal_stream_next(const struct wal *wal, struct wal_patches *patches, uint64_t limit,
                              struct wal_position *position, struct wal_record *record_out);
const char *wal_stream_end_text(enum wal_read read);

/* ---- wal_segment.c ---- */

/* Lists the folder; all that is there becomes spare. A missing folder is made when `create`. */
enum error wal_segment_list(struct wal *wal, bool create);
/* The same for a new journal, made if need be. With a segment of another heap in it the folder goes aside, and a new one is made. */
enum error wal_segment_begin(struct wal *wal, char *detail, size_t cap);
/* Takes consecutive segments, from that of `lsn` on, into the stream, as far as they are prepared. */
enum error wal_segment_adopt(struct wal *wal, uint64_t lsn);
void wal_segment_retire(struct wal *wal); /* those before `noted` become spare, or go (J2) */
void wal_segment_close_all(struct wal *wal);
enum error wal_segment_remove_all(struct wal *wal); /* files and folder; all of them spare */
void wal_segment_path(const struct wal *wal, uint64_t number, char *path_out);
bool wal_segment_number(const char *name, uint64_t *number_out);

/* ---- wal_note.c ---- */

struct wal_notes {
    struct wal_note_layout checkpoint; /* the newest of its kind; magic 0: none */
    struct wal_note_layout applied;    /* the newest of this boot */
    unsigned checkpoint_turn;          /* where the newest one stands */
    struct wal_note_layout other;      /* the newest of another boot or file */
};
/* identity 0: of any file. */
void wal_note_read(const char *notes, uint64_t boot_mark, uint64_t identity, struct wal_notes *notes_out);
/* Those of an open image. */
void wal_note_read_own(const struct wal *wal, struct wal_notes *notes_out);
/* The note to begin at; NULL: none (then presence is not WAL_PRESENT). */
const struct wal_note_layout *wal_note_choose(const struct wal_notes *notes);
enum wal_presence wal_note_presence(const struct wal_notes *notes);
/* The stream of a note, and the place that it names. False: it makes no sense. */
bool wal_note_use(struct wal *wal, const struct wal_note_layout *note, struct wal_position *position_out);
void wal_note_write(struct wal *wal, enum wal_note_kind kind, const struct wal_position *position);
/* Syncs the image, which holds all up to there, then notes that, durably. An error was told (wal_fail). */
enum error wal_note_checkpoint(struct wal *wal, const struct wal_position *position);
/* J10: a sync of the image failed, so its cached pages prove nothing: the next start begins at the checkpoint, if there is one. */
void wal_note_distrust(struct wal *wal);
/* That, and the journal has failed with the error. */
void wal_image_failed(struct wal *wal, enum error error);

/* ---- wal_apply.c ---- */

/* Applies whole records from the position on, about max_bytes, and moves it. read_out says why it stopped:
 * WAL_READ_RECORD when there is more. ERROR_CORRUPT: a record verifies and makes no sense. */
enum error wal_apply_some(const struct wal *wal, struct wal_patches *patches, struct wal_target *target,
                          uint64_t limit, uint64_t max_bytes, struct wal_position *position,
                          uint64_t *records_out, enum wal_read *read_out);
void wal_patches_free(struct wal_patches *patches);
/* J5: before anything is applied that lies there. */
struct redo_operation;
enum error wal_target_grow(struct wal_target *target, const struct redo_operation *op);
/* The image holds everything up to there: for a start in this boot, and for who looks. The applier's. */
void wal_note_applied(struct wal *wal, const struct wal_position *position);
/* So much of the work for the next note is done: gives writers room. */
void wal_checkpoint_progress(struct wal *wal, uint64_t done, uint64_t total);

/* An image whose sync failed has pages that are clean and on no disk (J10): a store into each that is cached has it written again. Those
 * that are not are as the disk has them. Nobody else stores into it but the notes. */
void wal_image_store_again(const struct wal *wal);

/* ---- wal_copy.c ---- */

void wal_copy_begin(struct wal *wal); /* not while rest is forbidden, or without memory */
void wal_copy_end(struct wal *wal);   /* patching goes on at `applied` */
/* In place of patching: walks, sweeps when it is due, ends when pages are cached again or rest is forbidden. False:
 * nothing to do. */
bool wal_copy_step(struct wal *wal, enum error *error_out);

/* ---- steps: true when there was something to do ---- */

bool wal_step_sync(struct wal *wal);
bool wal_step_room(struct wal *wal);
bool wal_step_apply(struct wal *wal);
bool wal_step_checkpoint(struct wal *wal);

/* ---- wal.c, wal_thread.c ---- */

enum error wal_make(const struct wal_options *options, enum pmem_storage_way way, struct wal **wal_out,
                    char *detail, size_t detail_cap);
/* The same for who wants no more of the image than its notes: addresses of as much as the heap reserves may not be there, beside
 * the heap's own. */
enum error wal_make_for_notes(const struct wal_options *options, enum pmem_storage_way way,
                              struct wal **wal_out, char *detail, size_t detail_cap);
void wal_destroy(struct wal *wal);
void wal_set_geometry(struct wal *wal, uint64_t data_bytes);
/* A stream of its own for an image with that many used bytes; notes that the applier has it, for this boot. */
enum error wal_begin_new(struct wal *wal, int64_t used_bytes, char *detail, size_t detail_cap);
void wal_begin_at(struct wal *wal, const struct wal_position *position); /* nothing was appended behind it */
void wal_fail(struct wal *wal, enum error error, const char *what);      /* J10 */
void wal_log(const struct wal *wal, enum wal_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t wal_tail_limit(const struct wal *wal); /* what was asked for, or what there are slots for */
/* The disk is full, and segments before that of `lsn` come back by a checkpoint there: there will be no others. */
bool wal_needs_segments(const struct wal *wal, uint64_t lsn);
void wal_update_room(struct wal *wal); /* lock is held */
/* Waits on `progress` until the deadline; lock is held. False: it has passed. */
bool wal_wait_progress(struct wal *wal, int64_t deadline_ns);
/* Returns when every record that was being copied under the lock is published. */
void wal_pass_appenders(struct wal *wal);
bool wal_checkpoint_is_due(const struct wal *wal);
enum error wal_thread_start_all(struct wal *wal);
void wal_thread_stop_all(struct wal *wal);
void wal_thread_wake(struct wal *wal, enum wal_thread_role role);

#endif
