/* lzf.h: LZF, the compression of strings.
 *
 *     000nnnnn  n + 1 bytes follow as they are
 *     nnnooooo  o:8          n + 2 bytes from o + 1 bytes back (n: 1 .. 6)
 *     111ooooo  n:8 o:8      n + 9 bytes from o + 1 bytes back
 */
#ifndef CAIRN_RDB_LZF_H
#define CAIRN_RDB_LZF_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* Three bytes make 264 at most. */
#define RDB_LZF_RATIO_MAX 88

/* False unless `from` becomes exactly `len` bytes. */
bool rdb_lzf_expand(struct slice from, char *to, size_t len);
/* Bytes written to `to`; 0 when `cap` would not do: then there is nothing to gain. */
size_t rdb_lzf_compress(struct slice from, char *to, size_t cap);

#endif
