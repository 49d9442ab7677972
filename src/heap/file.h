/* file.h: the file of a heap, from a path to a map that may be trusted. */
#ifndef CAIRN_HEAP_FILE_H
#define CAIRN_HEAP_FILE_H

#include "heap/heap.h"
#include "pmem/map.h"

/* True when heap_open makes the heap a journaled one, unless it is that already. */
bool file_wants_journal(const struct pmem_map *map, const struct heap_options *options);

/* Maps the file, or a new one where there is none or none to be trusted (superblock.h). On OK the superblock
 * is valid and, unless read-only or journaled, durably marked as in use; a clean one that wants a journal keeps its 0
 * (superblock.h). The caller closes the map on error too. */
MUST_CHECK enum error file_open(struct pmem_map *map, const struct heap_options *options,
                                struct heap_report *report);

#endif
