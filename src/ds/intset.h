/* intset.h: small sets of integers as one run of bytes, sorted.
 *
 *     width:8 | ff | value | value | ...       values of `width` (2, 4, 8) bytes, little endian, signed, ascending
 *
 * The second byte tells it from a packed blob (ds/packed.h), whose count never begins so high. All values have the
 * width of the longest that ever was there.
 */
#ifndef CAIRN_DS_INTSET_H
#define CAIRN_DS_INTSET_H

#include "ds/packed.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool intset_is(struct slice blob); /* by its head: packed blobs are not, empty blobs neither */
bool intset_is_valid(struct slice blob);
size_t intset_count(struct slice blob);
int64_t intset_at(struct slice blob, size_t index);
/* True when `value` is there; *index_out: where it stands, or would. */
bool intset_find(struct slice blob, int64_t value, size_t *index_out);

/* Change the intset (or empty blob) in `out`; `index` as intset_find gave it. The last value's removal empties the blob. */
void intset_insert(struct packed_out *out, size_t index, int64_t value);
void intset_remove(struct packed_out *out, size_t index);

#endif
