/* tx.h: transactions on persistent memory.
 *
 * Terms: a *lane* is the persistent undo log of one thread; *reachable* memory can be found from a root;
 * a *new object* was reserved in this transaction and is reachable by nobody yet.
 *
 * Rules (DESIGN §3): H2 reserve -> fill -> publish. T1 whatever may write persistent memory takes
 * `struct tx *` first. T2 the redo record is derived from the very calls below. T3 a checking build keeps a
 * shadow heap from redo records alone. T4 every persistent store goes through tx_write*, tx_fill, tx_move or
 * the bit helpers, each a numbered crash point.
 *
 * Order for a writer: tx_begin; heap_alloc + tx_write into new objects; tx_snapshot then tx_write on
 * reachable memory (or tx_store64, which does both); tx_commit or tx_abort. Reachable memory is never written
 * without a snapshot that covers it; new objects need none. tx_begin costs nothing until the first logged
 * call, and committing a transaction that logged nothing is free.
 *
 * Threads: a tx belongs to its thread. Callers hold their locks (stripes) until tx_commit/tx_abort returned
 * (H3).
 */
#ifndef CAIRN_JOURNAL_TX_H
#define CAIRN_JOURNAL_TX_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tx;

/* A point inside an open transaction to which tx_rollback_to can return. Opaque, by value. */
struct tx_mark {
    uint64_t lane_tail;
    uint32_t new_objects;
    uint32_t frees;
    uint32_t hooks;
};

/* Opens the thread's transaction. Not nested: the tx must be idle. */
static inline void tx_begin(struct tx *tx);
static inline bool tx_is_open(const struct tx *tx);

/* Logs the old bytes of [addr, addr+len), an address inside the mapping. After OK the range may be written.
 * ERROR_HEAP_FULL / ERROR_DISK_FULL when the lane cannot grow: nothing changed, the caller aborts or rolls
 * back. */
MUST_CHECK static inline enum error tx_snapshot(struct tx *tx, void *addr, size_t len);

/* Snapshot and store of one aligned word; the store is a single atomic (release) 8-byte store. */
MUST_CHECK static inline enum error tx_store64(struct tx *tx, uint64_t *addr, uint64_t value);

/* Atomic bit operations on words shared between threads (H3): logged as bit operations, never as words. */
MUST_CHECK enum error tx_setbit(struct tx *tx, uint64_t *word, unsigned bit);
MUST_CHECK enum error tx_clearbit(struct tx *tx, uint64_t *word, unsigned bit);

/* Stores into a new object or into a range that this transaction has snapshotted. */
static inline void tx_write(struct tx *tx, void *dst, const void *src, size_t len);
static inline void tx_write64(struct tx *tx, uint64_t *dst,
                              uint64_t value); /* aligned, atomic release store */
static inline void tx_fill(struct tx *tx, void *dst, int byte, size_t len);
static inline void tx_move(struct tx *tx, void *dst, const void *src, size_t len); /* ranges may overlap */

/* Before tx_begin: whether a record of about so many bytes has room in the redo journal, which is then kept for this transaction, so
 * that it does not wait while it holds locks. ERROR_IN_USE: not yet, ask again; others as wal_reserve, and the transaction will fail
 * with them. It lasts until the next transaction ends, or until tx_forgo; the journal must stay meanwhile. */
MUST_CHECK enum error tx_promise(struct tx *tx, uint64_t record_bytes);
void tx_forgo(struct tx *tx);

/* Scratch bytes (T1's one exception; access clocks): no undo, no redo; validated on read. */
void tx_scratch(struct tx *tx, void *dst, const void *src, size_t len);

/* A failing command inside a larger transaction: takes back everything since the mark. Never allocates. */
struct tx_mark tx_savepoint(const struct tx *tx);
void tx_rollback_to(struct tx *tx, struct tx_mark mark);

/* Runs hook(arg) at the end of a successful commit, in order of registration; forgotten on abort or rollback.
 * A hook must not use this tx. */
MUST_CHECK enum error tx_on_commit(struct tx *tx, void (*hook)(void *arg), void *arg);

/* After return every change is there and stays after a crash (as the heap's mode promises). */
static inline void tx_commit(struct tx *tx);
/* Takes every change back. Never fails, never allocates. */
void tx_abort(struct tx *tx);

#include "journal/tx_inline.h"

#endif
