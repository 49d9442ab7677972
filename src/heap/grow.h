/* grow.h: more pages from the medium. */
#ifndef CAIRN_HEAP_GROW_H
#define CAIRN_HEAP_GROW_H

#include "heap/pages.h"

/* Adds at least `need` free pages in one run, and more if the disk and the limit let it: an eighth of the
 * heap, 1 to 4 MiB. Does nothing when another thread has grown the heap since it had `seen` pages. */
MUST_CHECK enum error grow_pages(struct pages *pages, uint32_t need, uint64_t seen);
/* Pages of data on the medium. Cheap. */
uint64_t grow_total(const struct pages *pages);
/* What `grown` pages of data in `chunks` chunks take on the medium, metadata included. */
uint64_t grow_file_bytes(uint64_t grown, uint64_t chunks);

#endif
