/* redo.h: what a transaction changed, as a record that repeats it on another image of the heap (T2).
 *
 * Nothing is declared twice: the record is derived from the undo entries, new objects and frees of the
 * transaction, and takes the final bytes from the heap. Applying it again, or over a torn page, gives the
 * same bytes (J9). The bytes are described in redo_code.h.
 */
#ifndef CAIRN_JOURNAL_REDO_H
#define CAIRN_JOURNAL_REDO_H

#include "journal/tx.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* Start with {0}; reusable for one record after the other. */
struct redo_record {
    char *bytes; /* owned */
    size_t len;
    size_t cap;
};

/* The record of an open transaction whose changes are complete, before it commits. ERROR_MEMORY. */
MUST_CHECK enum error redo_build(const struct tx *tx, struct redo_record *record_out);
struct redo_extent {
    uint64_t off;
    uint64_t len;
};
/* A record of growth (J5): the blocks of these ranges of the file exist, whole pages around them. Appended before
 * the transaction that counts on them. ERROR_MEMORY. */
MUST_CHECK enum error redo_growth(struct redo_record *record_out, const struct redo_extent *extents,
                                  unsigned count);
/* Repeats the record on the image [base, base+size_bytes). Validates all of it first: ERROR_CORRUPT changed
 * nothing. Bits are set and cleared atomically, so records of different transactions may be applied at once.
 */
MUST_CHECK enum error redo_apply(char *base, uint64_t size_bytes, const struct redo_record *record);
/* Memory for a record of that many bytes: building it cannot fail then. ERROR_MEMORY. */
MUST_CHECK enum error redo_reserve(struct redo_record *record, size_t bytes);
/* Gives back memory beyond that; the record is gone. */
void redo_shrink(struct redo_record *record, size_t bytes);
void redo_free(struct redo_record *record);

#endif
