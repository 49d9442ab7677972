/* wal.h: the redo journal of a journaled heap, the image that is written from it, and their recovery.
 *
 * Terms: the *image* is the heap file; its live twin is a private mapping in which the transactions work. A
 * *record* holds what one transaction changed (redo.h). The *journal* is an endless stream of records, kept
 * in *segments*: files of one size in a folder, named by number. An *LSN* is a position in the stream: the
 * byte behind a record's end names that record, and all before it. The *applier* patches the image from
 * durable records. A *checkpoint* makes the image durable and then *notes* its LSN in the image (wal_note.h);
 * segments before the note are used again. The *tail* is what stands behind the note.
 *
 *     stream   ....|=========|==========|======|.....|........
 *                  note      applied    durable      published <= reserved
 *
 * Rules: DESIGN §2, J1 to J10; the sources cite them.
 *
 * Threads: wal_append from any thread; the journal has two threads of its own (wal_thread.c): one syncs,
 * prepares segments and announces, one applies and makes checkpoints. Callbacks come from those, and
 * `advanced` also from a thread that appends.
 */
#ifndef CAIRN_JOURNAL_WAL_H
#define CAIRN_JOURNAL_WAL_H

#include "pmem/storage.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAL_HEAP_ID_BYTES     16
#define WAL_NOTE_BYTES        1536 /* that the notes take in the image: at 2,560 the rest of a heap's first page */
#define WAL_SEGMENT_BYTES     (UINT64_C(16) << 20)
#define WAL_TAIL_LIMIT_BYTES  (UINT64_C(256) << 20)
#define WAL_RECORD_ROOM_BYTES (UINT64_C(256) << 10) /* a record below it needs no wal_reserve */

enum wal_policy { WAL_ALWAYS, WAL_EVERYSEC, WAL_NO };
enum wal_level { WAL_NOTICE, WAL_WARNING };

struct wal_progress {
    uint64_t done_bytes; /* of the tail */
    uint64_t tail_bytes;
    uint64_t bytes_per_s;
};

struct wal_callbacks {
    void *arg;
    /* wal_acknowledged grew, or the journal failed, while somebody waited (wal_await). Short: posts mail. */
    void (*advanced)(void *arg);
    void (*log)(void *arg, enum wal_level level, const char *line);
    /* During wal_open, after half a second, some times a second. May be NULL. */
    void (*progress)(void *arg, const struct wal_progress *progress);
};

/* The image's live twin, for the journal of a heap that does not fit the page cache a second time (wal_copy.c). */
struct wal_live {
    void *arg;
    /* Calls look(context, live) once, at an instant at which no transaction is open and none begins until it returns, with the
     * start of the twin; or returns false. From a thread of the journal, while wal_allow_rest allows it. NULL: never. */
    bool (*at_rest)(void *arg, void (*look)(void *context, const char *live), void *context);
};

struct wal_options {
    const struct pmem_storage *storage; /* NULL: the kernel's files */
    const char *image_path;
    const char *folder_path; /* of the segments, e.g. "cairn.heap.journal" */
    uint8_t heap_id[WAL_HEAP_ID_BYTES];
    uint64_t note_off;         /* of WAL_NOTE_BYTES in the image, 512-aligned, in no record's range */
    uint64_t boot_mark;        /* of this boot; see superblock_boot_mark */
    uint64_t reserve_bytes;    /* of addresses for the applier's own mapping of the image */
    uint64_t segment_bytes;    /* of a new journal; 0: WAL_SEGMENT_BYTES */
    uint64_t tail_limit_bytes; /* 0: WAL_TAIL_LIMIT_BYTES */
    enum wal_policy policy;
    bool image_is_doubted; /* wal_create: a sync of it failed, so the base is what is cached, written once more */
    bool no_threads; /* tests drive the journal by wal_step_* (wal_internal.h) */
    struct wal_callbacks callbacks;
    struct wal_live live;
};

struct wal_recovery {
    uint64_t records;       /* applied */
    uint64_t applied_bytes; /* of the journal */
    uint64_t cut_bytes;   /* a damaged record and all behind it, up to the last byte that is not zero (J9) */
    uint64_t lsn;         /* where the journal goes on */
    uint64_t image_bytes; /* size of the file, all growth done (J5) */
    int64_t used_bytes;   /* as given at wal_create, plus the deltas of all records */
    uint32_t epoch;
    bool this_boot;  /* began at what the applier had reached when the process ended */
    bool was_closed; /* by wal_close, and nothing was appended since */
};

struct wal;

/* ---- opening and closing ---- */

/* What the notes in the image say; `notes` are its WAL_NOTE_BYTES at note_off. */
enum wal_presence {
    WAL_ABSENT,     /* no journal belongs to this image */
    WAL_PRESENT,    /* wal_open recovers it */
    WAL_UNFINISHED, /* wal_create began in an earlier boot and was never completed: nothing of it counts */
    WAL_DAMAGED,    /* a checkpoint was noted, and not one note can be read */
};
enum wal_presence wal_presence(const void *notes, uint64_t boot_mark);

/* Begins a journal for an image that holds a whole heap with that many used bytes. Until wal_base_durable has
 * returned OK nothing is promised after a power cut (after a process death all is), and the image is not
 * written. Remains of an older journal in the folder are used up. */
MUST_CHECK enum error wal_create(const struct wal_options *options, int64_t used_bytes, struct wal **wal_out,
                                 char *detail, size_t detail_cap);
/* Syncs the image as it was at wal_create, notes that durably, lets the applier begin. Takes as long as
 * the disk; call it from any thread, one at a time. wal_open has done it where a process died too early. */
MUST_CHECK enum error wal_base_durable(struct wal *wal);
bool wal_base_is_durable(const struct wal *wal);

/* Recovery: brings the image to the end of the journal's good part, opens a new epoch and goes on. ERROR_UNCLEAN
 * for WAL_UNFINISHED, ERROR_NOT_FOUND for WAL_ABSENT, ERROR_CORRUPT for a journal that is not the image's or that
 * lacks its noted position. The caller maps the image afterwards. */
MUST_CHECK enum error wal_open(const struct wal_options *options, struct wal **wal_out,
                               struct wal_recovery *recovery_out, char *detail, size_t detail_cap);
/* Tools: applies the tail to memory that holds the image's bytes, [base, base+reserve_bytes), and writes nothing. An
 * image that was closed is taken without its journal, as wal_open does. */
MUST_CHECK enum error wal_view(const struct wal_options *options, char *base,
                               struct wal_recovery *recovery_out, char *detail, size_t detail_cap);

/* Appends nothing any more, makes a last checkpoint unless the journal failed, and ends the threads. No
 * other call may run. An error: the image is behind, the journal has it all. */
enum error wal_close(struct wal *wal);
/* The same, but the journal stays open, for wal_close, wal_abandon or wal_give_up; others may still ask what it acknowledged.
 * On an error that is not final (wal_error) it goes on as if nothing had been asked. */
MUST_CHECK enum error wal_finish(struct wal *wal);
/* After wal_finish: the image did not become a heap of its own, for that reason, and nobody knows what the disk has of it. Nothing
 * is acknowledged any more (J10). */
void wal_give_up(struct wal *wal, enum error error);
/* Tests: as if the process died. */
void wal_abandon(struct wal *wal);
/* After wal_finish: the image is a heap of its own again, once this is OK: removes the notes, durably. */
MUST_CHECK enum error wal_remove_notes(struct wal *wal);
/* What the folder has of a journal that is named by no note. What stays after an error is used up by the next journal. */
enum error wal_remove_segments(const struct wal_options *options);
/* The notes of a journal that is not open, then its segments. */
enum error wal_remove(const struct wal_options *options);

/* ---- appending ---- */

/* Puts a record at the end of the stream and returns its LSN. The order of LSNs is the order in which replay
 * repeats them: callers hold what orders their transactions. Does not fail and makes no system call as a rule: room
 * for ordinary records was prepared (wal_has_room, wal_reserve). Without room it waits for the journal's threads; when the
 * journal failed, the LSN is one that will never be acknowledged. */
uint64_t wal_append(struct wal *wal, const void *record, size_t len);

/* Before a transaction begins: false when the tail is at its limit, the disk is full or the journal failed. */
bool wal_has_room(const struct wal *wal);
/* Waits for room for at most timeout_ms. ERROR_OK: there is; ERROR_DISK_FULL: no segment can be made now;
 * ERROR_IO: the journal failed; ERROR_IN_USE: the tail is still at its limit: ask again. The first that waits
 * makes the journal log it. */
MUST_CHECK enum error wal_wait_room(struct wal *wal, int timeout_ms);
/* A transaction that will log more than WAL_RECORD_ROOM_BYTES asks before it changes anything beyond them: prepares
 * segments for `bytes` more, whatever the tail's limit (J8). ERROR_DISK_FULL; ERROR_TOO_LARGE beyond 15 GiB. */
MUST_CHECK enum error wal_reserve(struct wal *wal, uint64_t bytes);
/* The same without waiting: ERROR_IN_USE when the segments are not there yet; they are being prepared, ask again. */
MUST_CHECK enum error wal_try_reserve(struct wal *wal, uint64_t bytes);
/* Gives back what wal_reserve promised, once the transaction appended its record or was aborted. */
void wal_release(struct wal *wal, uint64_t bytes);

/* ---- acknowledging (J3, J4) ---- */

/* All records so far. A reply that may depend on any of them has this LSN to wait for. */
uint64_t wal_end(const struct wal *wal);
/* Replies that depend on nothing behind this LSN may leave: durable under WAL_ALWAYS, else published. */
uint64_t wal_acknowledged(const struct wal *wal);
/* True when wal_acknowledged >= lsn. Else makes sure that it will be, soon, and that `advanced` is called then. */
bool wal_await(struct wal *wal, uint64_t lsn);
/* Durable on the journal's disk, whatever the policy (WAITAOF). */
uint64_t wal_durable(const struct wal *wal);
/* As wal_await for wal_durable. */
bool wal_await_durable(struct wal *wal, uint64_t lsn);

/* From now on. A stricter policy holds for what was appended before, too; and what was appended under WAL_ALWAYS is acknowledged when it
 * is durable, whatever comes after it. */
void wal_set_policy(struct wal *wal, enum wal_policy policy);
void wal_set_tail_limit(struct wal *wal, uint64_t bytes);
/* Whether live.at_rest may be called; not at first. Once it returns from forbidding it, no call runs: so whoever forbids holds
 * nothing that at_rest waits for. */
void wal_allow_rest(struct wal *wal, bool allowed);
/* Tests: pages count as not cached from now on. */
void wal_copy_always(struct wal *wal, bool always);

/* ---- checkpoints ---- */

/* Asks for a checkpoint at or behind the present end; returns that LSN. Done once stats.noted_lsn >= it. */
uint64_t wal_request_checkpoint(struct wal *wal);
/* The same, and waits. ERROR_IO when the journal failed. */
MUST_CHECK enum error wal_checkpoint(struct wal *wal);

/* ---- state ---- */

/* J10: ERROR_OK, or what a sync failed with; final. */
enum error wal_error(const struct wal *wal);

struct wal_stats {
    uint64_t reserved_lsn;
    uint64_t published_lsn;
    uint64_t durable_lsn;
    uint64_t applied_lsn;
    uint64_t noted_lsn; /* tail = reserved - noted */
    uint64_t segment_files_bytes;
    uint64_t records; /* appended since open */
    uint64_t syncs;
    uint64_t checkpoints;
    uint64_t waits_for_room;
    int64_t last_sync_us;
    int64_t last_checkpoint_us;
    uint32_t epoch;
    bool checkpoint_runs;
    bool base_durable;
    bool disk_full;
    bool copies; /* the image is written in whole pages, for it is not cached */
};
void wal_stats(const struct wal *wal, struct wal_stats *stats_out);

#endif
