/* page_map.c: judging entries that may be damaged. */
#include "heap/page_map.h"

bool page_map_is_run(char *base, uint32_t page, uint32_t end, struct page_layout *entry_out)
{
    struct page_layout entry = page_load(base, page);
    *entry_out = entry;
    if (entry.pages == 0 || entry.pages > end - page) return false;
    struct page_layout last = page_load(base, page + entry.pages - 1);
    switch (entry.kind) {
    case PAGE_FREE_HEAD:
        return entry.pages == 1 || (last.kind == PAGE_FREE_TAIL && last.pages == entry.pages);
    case PAGE_RUN_HEAD: return entry.pages == 1 || (last.kind == PAGE_RUN_TAIL && last.pages == entry.pages);
    case PAGE_SPAN:
        return entry.distance == 0 && entry.class < SIZECLASS_COUNT &&
               entry.pages == sizeclass_table[entry.class].pages && last.kind == PAGE_SPAN &&
               last.distance == entry.pages - 1;
    default: return false;
    }
}
