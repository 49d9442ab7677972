/* heap.h: a persistent heap in a mapped file. The public header of the library cairn_heap.
 *
 *     struct heap *heap;
 *     struct heap_report report;
 *     heap_open(&(struct heap_options){.path = "stones.heap"}, &heap, &report);
 *     struct heap_thread *thread;
 *     heap_thread_open(heap, &thread);              // one per thread: a lane and a cache
 *     struct tx *tx = heap_thread_tx(thread);
 *     tx_begin(tx);
 *     uint64_t off;
 *     if (heap_alloc(tx, 64, &off) == ERROR_OK) ... tx_write(tx, heap_ptr(heap, off), ...);
 *     heap_root_set(tx, 0, heap_off_make(off, 0));
 *     tx_commit(tx);
 *
 * After kill -9 the next heap_open answers at once with everything committed (H1: nothing leaks, nothing is
 * scanned). Offsets stay valid across runs; addresses do not (H4).
 */
#ifndef CAIRN_HEAP_HEAP_H
#define CAIRN_HEAP_HEAP_H

#include "heap/heap_off.h"
#include "journal/tx.h"
#include "journal/wal.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ROOTS      64                   /* application roots, 0 .. HEAP_ROOTS-1 */
#define HEAP_OBJECT_MAX UINT64_C(1063251968) /* the data pages of one chunk of 1 GiB; see heap_layout.h */
#define HEAP_SEED_BYTES 16

enum heap_mode {
    HEAP_MODE_AUTO,   /* DAX where libpmem says the mapping is persistent memory, else SHARED */
    HEAP_MODE_SHARED, /* page cache only: survives process death, not power loss */
    HEAP_MODE_DAX,    /* flushes and fences: survives power loss */
    /* A private mapping over the file, which only the journal's applier writes: survives power loss on a disk. AUTO
     * takes it where the file lies on a disk and heap_options.journal.wanted; asked for by name on any medium. */
    HEAP_MODE_JOURNALED,
};

enum heap_unclean {
    HEAP_UNCLEAN_MOVE,   /* move an untrusted file to <path>.unclean-<time> and start empty */
    HEAP_UNCLEAN_REFUSE, /* fail with ERROR_UNCLEAN */
};

/* How the application stops all transactions for some microseconds: from stop() to resume() none is open. Called by a thread of the
 * journal, while heap_journal_allow_rest allows it. NULL: never. */
struct heap_rest {
    void *arg;
    void (*stop)(void *arg);
    void (*resume)(void *arg);
};

/* The journal of HEAP_MODE_JOURNALED, in the folder <path>.journal. */
struct heap_journal_options {
    bool wanted;
    enum wal_policy policy;
    uint64_t tail_limit_bytes; /* 0: a default */
    uint64_t segment_bytes;    /* 0: a default */
    struct wal_callbacks callbacks;
    bool no_threads; /* tests: nothing happens by itself (wal_options) */
    struct heap_rest rest; /* without it an image whose pages are not cached is written slowly */
};

struct heap_options {
    const char *path;
    const struct pmem_storage *storage; /* tests; NULL: the kernel's files */
    enum heap_mode mode;
    enum heap_unclean on_unclean;
    uint64_t reserve_bytes; /* address space; 0: a default that fits the machine (>= 1 TiB where it can) */
    /* Of what the heap takes on the medium (holes in the file don't count). 0: none. See heap_set_limit. */
    uint64_t limit_bytes;
    const char *boot_id; /* tests only; NULL: the kernel's */
    struct heap_journal_options journal;
    bool read_only; /* tools: map privately, recover into memory only, write nothing to the file */
};

/* What heap_open found and did, for the log. */
struct heap_report {
    enum heap_mode mode;
    bool created;
    bool was_clean;
    bool this_boot;           /* not clean, and opened last since the machine started */
    uint64_t boot_mark;       /* names the boot in which it was opened last; 0: closed clean */
    unsigned lanes_undone;    /* transactions taken back */
    unsigned lanes_completed; /* committed transactions whose frees were finished */
    bool journaled;           /* the file's last user kept a journal, which was recovered */
    struct wal_recovery tail; /* what it held */
    uint64_t file_bytes;
    char moved_to[4096 + 64]; /* where an untrusted file went: a path and what it was given; empty otherwise */
    char detail[512];   /* on error: what is wrong and what to do about it */
};

struct heap;
struct heap_thread;

/* Opens or creates the heap at options->path and recovers it. On error *heap_out is NULL and report->detail
 * says what to do. The OFD lock keeps a second process out (ERROR_IN_USE). */
MUST_CHECK enum error heap_open(const struct heap_options *options, struct heap **heap_out,
                                struct heap_report *report_out);
/* Every heap_thread must be closed. Syncs the data, then marks the heap clean. */
MUST_CHECK enum error heap_close(struct heap *heap);
/* Makes all committed data durable on its medium: as far as a shared mapping can, or by a checkpoint (SAVE). Any thread, not
 * beside heap_journal_begin and heap_journal_end. */
MUST_CHECK enum error heap_sync(struct heap *heap);

/* ---- the journal (HEAP_MODE_JOURNALED) ---- */

/* Has a running heap on a shared mapping journaled from now on, or back. Nobody but the caller uses the heap: no transaction is open
 * and none begins; figures may be asked for. After heap_journal_begin a power cut may lose everything (a process death nothing)
 * until heap_journal_base has returned OK: it takes as long as the disk and runs beside transactions. */
MUST_CHECK enum error heap_journal_begin(struct heap *heap, const struct heap_journal_options *options,
                                         char *detail, size_t detail_cap);
MUST_CHECK enum error heap_journal_base(struct heap *heap);
MUST_CHECK enum error heap_journal_end(struct heap *heap, char *detail, size_t detail_cap);
/* Whether the journal may call rest.stop; not at first, for every journal. Forbidding waits until no call runs: the caller holds
 * nothing that stop() waits for. heap_journal_end and heap_close are called with it forbidden. */
void heap_journal_allow_rest(struct heap *heap, bool allowed);
/* Whether heap_journal_begin makes sense: the file lies on a disk. */
bool heap_wants_journal(const struct heap *heap);

/* Each is called by the thread that owns `thread`. Without a journal there is nothing to wait for. */

/* The LSN of all that was committed so far; 0 without a journal. */
uint64_t heap_lsn(struct heap_thread *thread);
/* True when that LSN is acknowledged: what depends on nothing behind it may leave the process (J3). Else it will be soon, and the
 * journal's callback `advanced` tells. */
bool heap_await(struct heap_thread *thread, uint64_t lsn);
/* The same for the disk, whatever the policy: false without a journal, and until heap_journal_base was OK, whose caller tells then. */
bool heap_await_durable(struct heap_thread *thread, uint64_t lsn);
/* Before transactions begin: ERROR_OK, ERROR_IN_USE (the journal's tail is at its limit: soon again), ERROR_DISK_FULL, ERROR_IO
 * (the journal failed). */
enum error heap_journal_room(struct heap_thread *thread);
/* What the journal failed with; ERROR_OK. */
enum error heap_journal_error(struct heap_thread *thread);
/* The same for the journal's callbacks. */
enum error heap_journal_failure(const struct heap *heap);
/* Asks for a checkpoint at or behind *lsn_out: done when the journal's stats say noted_lsn >= it. False without a journal. */
bool heap_checkpoint(struct heap_thread *thread, uint64_t *lsn_out);
void heap_journal_set_policy(struct heap_thread *thread, enum wal_policy policy);
void heap_journal_set_tail_limit(struct heap_thread *thread, uint64_t bytes);
/* Tests: the image is written in whole pages even while its own are cached. */
void heap_journal_copy_always(struct heap_thread *thread, bool always);
/* False without a journal. */
bool heap_journal_stats(struct heap_thread *thread, struct wal_stats *stats_out);

/* A lane and a cache for the calling thread. ERROR_NO_LANE when all lanes are taken. */
MUST_CHECK enum error heap_thread_open(struct heap *heap, struct heap_thread **thread_out);
void heap_thread_close(struct heap_thread *thread); /* gives the cache back; the tx must be idle */
struct tx *heap_thread_tx(struct heap_thread *thread);
/* Called when a thread is idle: cached blocks that were not used lately go back to the centre. */
void heap_thread_trim(struct heap_thread *thread);
struct heap *heap_of(const struct tx *tx);

/* Reserves `size` bytes (1 .. HEAP_OBJECT_MAX), 8-byte aligned (16 where the class is a multiple of 16),
 * contents undefined. The block is a new object of the transaction: fill it with tx_write, publish its offset
 * by a logged store; it belongs to committed data from tx_commit on, and vanishes with tx_abort.
 * ERROR_HEAP_FULL, ERROR_DISK_FULL, ERROR_TOO_LARGE, ERROR_MEMORY: nothing changed. */
MUST_CHECK enum error heap_alloc(struct tx *tx, size_t size, uint64_t *off_out);
/* Frees at commit (H2). `off` must be the start of an allocated block. Its bytes stay readable until commit.
 */
MUST_CHECK enum error heap_free(struct tx *tx, uint64_t off);
/* Bytes that the block at `off` can hold: >= the size asked for. */
size_t heap_usable_size(const struct heap *heap, uint64_t off);
/* The size that heap_alloc(size) would give: for deciding whether another size needs another block. */
size_t heap_good_size(size_t size);

/* Start of the mapping; constant while the heap is open. It is the first field of struct heap so that this
 * inlines. */
static inline char *heap_base(const struct heap *heap)
{
    return *(char *const *)(const void *)heap;
}
static inline void *heap_at(char *base, uint64_t off)
{
    return base + off;
}
static inline void *heap_ptr(const struct heap *heap, uint64_t off)
{
    return heap_base(heap) + off;
}
/* True when [off, off+len) lies inside an allocated block: for validating offsets read from media. */
bool heap_holds(const struct heap *heap, uint64_t off, size_t len);

struct heap_off heap_root(const struct heap *heap, unsigned index);
MUST_CHECK enum error heap_root_set(struct tx *tx, unsigned index, struct heap_off value);

/* HEAP_SEED_BYTES random bytes, drawn when the heap was created: its name, and the seed of hashes kept in it.
 */
const uint8_t *heap_seed(const struct heap *heap);

struct heap_stats {
    uint64_t used_bytes; /* blocks that belong to committed data, at their class size; true after a crash */
    uint64_t file_bytes; /* allocated on the medium */
    uint64_t limit_bytes;
    uint64_t metadata_bytes;
    uint64_t free_page_bytes; /* as far as known: grows while the background pass visits chunks */
    uint64_t cached_bytes;    /* reserved in thread caches */
};
void heap_stats(struct heap *heap, struct heap_stats *stats_out);
/* used_bytes alone: cheap enough for every batch of commands. */
uint64_t heap_used_bytes(const struct heap *heap);
/* No block lies at or behind this offset, and every offset below can be read. Grows. Cheap, any thread. */
uint64_t heap_end(const struct heap *heap);
void heap_set_limit(struct heap *heap, uint64_t limit_bytes);
enum heap_mode heap_mode(const struct heap *heap);

/* One bounded step of the background pass that completes the volatile state after a start, and of growth
 * ahead of need. Returns true while there is more to do. Any one thread at a time. */
bool heap_background_step(struct heap_thread *thread);

/* ---- looking (cairn inspect) ---- */

#define HEAP_CENSUS_ROWS 96

struct heap_census_row {
    uint64_t bytes; /* a block of the class can hold; large objects: at most, by doublings. 0: an empty row */
    uint64_t pages; /* of 4 KiB that hold such blocks */
    uint64_t blocks;    /* there is room for in them */
    uint64_t allocated; /* of these */
};
struct heap_census {
    struct heap_census_row rows[HEAP_CENSUS_ROWS]; /* ascending */
    uint64_t free_runs;
    uint64_t free_pages;
    uint64_t longest_free_pages;
};
/* Visits every page's entry; no transaction may be open. */
void heap_census(const struct heap *heap, struct heap_census *census_out);

/* ---- checking (cairn check, tests) ---- */

/* The application's walk: calls own(ctx, off) once for every block it owns, in any order. */
typedef void heap_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx);

struct heap_check_result {
    uint64_t blocks;   /* allocated according to the bitmaps */
    uint64_t owned;    /* named by the walk */
    uint64_t leaked;   /* allocated, owned by nobody */
    uint64_t dangling; /* owned, not allocated */
    uint64_t doubly_owned;
    char detail[512]; /* the first thing that is wrong; empty when all is well */
};
/* Validates every persistent structure of the heap; with `walk`, also that each block has exactly one owner.
 * No transaction may be open. ERROR_CORRUPT when anything is wrong. */
MUST_CHECK enum error heap_check(struct heap *heap, heap_walk *walk, void *app,
                                 struct heap_check_result *result_out);

#endif
