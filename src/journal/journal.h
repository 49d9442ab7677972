/* journal.h: the lanes of one heap, and the seam between the journal and the heap above it.
 *
 * The heap owns the file and hands the journal a base address, the area of the lanes and callbacks; the
 * journal owns what stands in the lanes (journal_layout.h), runs transactions (tx.h), recovers them, and
 * derives redo records (redo.h). Lane 0 is the system lane (H9): structural changes of the heap, one at a
 * time under the heap's own lock, always committed before a user's transaction builds on them.
 */
#ifndef CAIRN_JOURNAL_JOURNAL_H
#define CAIRN_JOURNAL_JOURNAL_H

#include "journal/tx.h"
#include "pmem/map.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LANES 64
#define JOURNAL_LANE_BYTES                                                                                   \
    (32 * 1024) /* in the heap file, a lane's header included; more is overflow extents */
#define JOURNAL_SYSTEM_LANE 0

/* What the heap does for the journal. `thread` is the pointer given to journal_tx_open. */
struct journal_ops {
    /* A committed free: the lane is retired, the block at `off` may be reserved again (H2). */
    void (*freed)(void *thread, uint64_t off);
    /* An allocation of this transaction was taken back (abort, rollback): its bit is clear again. */
    void (*unreserved)(void *thread, uint64_t off);
    /* Lane overflow (H9): in one system transaction allocate an extent of >= min_bytes and store its offset
     * in *link (a persistent word of the lane, 0 before). Not called for the system lane, which never
     * overflows. */
    enum error (*extent_alloc)(void *thread, uint64_t *link, size_t min_bytes, size_t *size_out);
    /* In one system transaction: frees the extent that *link names and sets *link to `next`. */
    void (*extent_free)(void *thread, uint64_t *link, uint64_t next);
    /* Names the object around `off` for a T3 report, e.g. "span class 56, block 17". */
    void (*describe)(void *heap, uint64_t off, char *buf, size_t cap);
};

struct journal;
struct redo_extent;
struct wal;

/* `lanes` is the area of JOURNAL_LANES * JOURNAL_LANE_BYTES inside the mapping (zeroed in a new heap). */
MUST_CHECK enum error journal_open(struct pmem_map *map, char *lanes, const struct journal_ops *ops,
                                   void *heap, struct journal **journal_out);
void journal_close(struct journal *journal);

struct journal_recovery {
    unsigned undone;    /* lanes taken back */
    unsigned completed; /* committed lanes whose frees were finished */
};
/* Brings every lane to rest: the system lane first, then the others; idempotent, so a crash inside it is as
 * good as before it. Overflow extents that lanes still hold are reported through `orphan(heap, link)`
 * afterwards, for the heap to free once it can run system transactions. Every byte read is validated:
 * ERROR_CORRUPT with `detail` when a lane makes no sense (nothing was changed then). Touches only memory
 * named by the lanes. Call it once after journal_open, for a new heap too: in a checking build (T3) it is the
 * moment from which every store must be declared. Orphans of a lane are freed before journal_tx_open. */
MUST_CHECK enum error journal_recover(struct journal *journal, void (*orphan)(void *heap, uint64_t *link),
                                      struct journal_recovery *recovery_out, char *detail, size_t detail_cap);

/* The transaction of lane `lane`; `thread` is handed to the callbacks. */
MUST_CHECK enum error journal_tx_open(struct journal *journal, unsigned lane, void *thread,
                                      struct tx **tx_out);
void journal_tx_close(struct tx *tx);
void *tx_thread(const struct tx *tx);

/* ---- for heap_alloc and heap_free ---- */

/* The block [off, off+len) whose allocation bit is `bit` of `word` becomes a new object: logs and sets the
 * bit, and its final bytes belong to the redo record. `class_bytes` counts into the lane's persistent sum of
 * used bytes. */
MUST_CHECK enum error tx_new_object(struct tx *tx, uint64_t off, size_t len, size_t class_bytes,
                                    uint64_t *word, unsigned bit);
/* Logs a free: the bit is cleared after the commit point, then ops->freed(off) once the lane is retired. */
MUST_CHECK enum error tx_defer_free(struct tx *tx, uint64_t off, size_t class_bytes, uint64_t *word,
                                    unsigned bit);

/* Sum over all lanes of bytes allocated minus freed by committed transactions. Cheap: no lock. */
uint64_t journal_used_bytes(const struct journal *journal);

/* From now on what commits is appended to `wal` (NULL: to nothing), and the sum of used bytes is `used_bytes`. No
 * transaction is open meanwhile, nor is one begun. In PMEM_MODE_JOURNALED lanes are plain memory: they serve aborts
 * and savepoints only. */
void journal_set_wal(struct journal *journal, struct wal *wal, uint64_t used_bytes);
struct wal *journal_wal(const struct journal *journal);
/* The blocks of these ranges exist from now on (J5): before the transaction that counts on them. ERROR_MEMORY. */
MUST_CHECK enum error journal_grew(struct journal *journal, const struct redo_extent *extents,
                                   unsigned count);

/* T3 (checking build): compares heap and shadow when no transaction is open; a no-op in other builds. Called
 * by tx_commit/tx_abort every few transactions, by heap_check and by heap_close. Aborts the process with a
 * report. */
void journal_shadow_compare(struct journal *journal);
/* T3: the mapping was made anew, and shows what the file holds. No transaction is open. */
void journal_shadow_remapped(struct journal *journal);
/* T3: these bytes were changed through the file (the notes of the redo journal): the shadow takes them as they are. */
void journal_shadow_take(struct journal *journal, uint64_t off, uint64_t len);

#endif
