/* shadow.h: the shadow heap of the checking build (T3); nothing in other builds. Private to the journal.
 *
 * A byte of the heap may change only if a transaction declares it. The shadow is a second image of the heap
 * that is changed by redo records and declared scratch bytes alone; when no transaction is open, both must be
 * equal.
 */
#ifndef CAIRN_JOURNAL_SHADOW_H
#define CAIRN_JOURNAL_SHADOW_H

#include "journal/context.h"
#include "journal/redo.h"

#ifdef CAIRN_TXCHECK

#define SHADOW_CHECKS true

/* From here on every store into the heap outside its lanes must be declared. After recovery. */
MUST_CHECK enum error shadow_start(struct journal *journal);
void shadow_stop(struct journal *journal);

/* The tx logs something: keeps comparisons away until shadow_leave. Once per transaction is enough. */
void shadow_enter(struct tx *tx);
void shadow_leave(struct tx *tx);
/* Applies the transaction's redo record: the one that is appended to the redo journal next, or NULL without one. Its changes must all
 * be there, freed bits included (a granule becomes seen by its first change in the heap, so the shadow may not be ahead either), and
 * nobody was told of the freed blocks yet. */
void shadow_commit(struct tx *tx, const struct redo_record *appended);
/* Bytes that nobody can reach, changed without a record: an aborted object, a lane's extent. */
void shadow_resync(struct journal *journal, uint64_t off, uint64_t len);
void shadow_scratch(struct tx *tx, void *dst, const void *src, size_t len);
/* Compares what was written since the last time; waits for open transactions. */
void shadow_compare(struct journal *journal);
/* The mapping was made anew: its protection is gone, and so are scratch bytes that the file does not hold. */
void shadow_remapped(struct journal *journal);

#else

#define SHADOW_CHECKS false

static inline enum error shadow_start(struct journal *journal)
{
    (void)journal;
    return ERROR_OK;
}
static inline void shadow_stop(struct journal *journal)
{
    (void)journal;
}
static inline void shadow_enter(struct tx *tx)
{
    (void)tx;
}
static inline void shadow_leave(struct tx *tx)
{
    (void)tx;
}
static inline void shadow_commit(struct tx *tx, const struct redo_record *appended)
{
    (void)tx, (void)appended;
}
static inline void shadow_resync(struct journal *journal, uint64_t off, uint64_t len)
{
    (void)journal, (void)off, (void)len;
}
static inline void shadow_scratch(struct tx *tx, void *dst, const void *src, size_t len)
{
    (void)tx, (void)dst, (void)src, (void)len;
}
static inline void shadow_compare(struct journal *journal)
{
    (void)journal;
}
static inline void shadow_remapped(struct journal *journal)
{
    (void)journal;
}

#endif
#endif
