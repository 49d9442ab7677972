/* superblock.h: the head of the file: making it, trusting it, and the mark that tells a crash from an end.
 *
 * `run` is 0 when the heap was closed cleanly, and while nothing was stored since; else it marks the boot in which the
 * heap was opened last. It says nothing while the notes name a journal:
 *
 *   found                          SHARED                                    DAX
 *   0                              clean                                     clean
 *   this boot's mark               lanes are recovered (page cache intact)   lanes are recovered
 *   another boot's mark            untrusted: pages may be missing           lanes are recovered
 */
#ifndef CAIRN_HEAP_SUPERBLOCK_H
#define CAIRN_HEAP_SUPERBLOCK_H

#include "pmem/map.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The mark of a boot, never 0. `boot_id` NULL: the running kernel's. */
uint64_t superblock_boot_mark(const char *boot_id);

/* True for a file whose creation did not end: nothing is lost when it is laid out again. */
bool superblock_is_blank(const struct pmem_map *map);
/* Lays out an empty heap of one chunk without pages, marked with `mark` (0: clean); durable on return. */
MUST_CHECK enum error superblock_create(struct pmem_map *map, uint64_t mark);
/* Judges what is written once, and that the lanes are there. `detail` says what is wrong and what to do. */
MUST_CHECK enum error superblock_validate(const struct pmem_map *map, char *detail);
/* Judges what transactions change, without a walk: only when the lanes are at rest. */
MUST_CHECK enum error superblock_validate_chunks(const struct pmem_map *map, char *detail);
/* Stores `run`; the whole first page is durable on return. */
MUST_CHECK enum error superblock_mark(struct pmem_map *map, uint64_t mark);

#endif
