/* fault.c: crash points and simulated persistent memory. See fault.h. */
#include "pmem/fault.h"

#ifdef CAIRN_CRASHPOINTS

#include "pmem/map.h"
#include "util/assert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In memory shared with the children, so that the count outlives the one that ends at its point. */
struct fault_counters {
    _Atomic uint64_t points;
    _Atomic uint64_t end_at;
};

/* A flushed line holds at least the bytes of the moment of the flush once it is drained. */
struct fault_line {
    size_t off;
    char bytes[PMEM_FAULT_LINE_BYTES];
};

struct fault_pending {
    struct fault_line *lines;
    size_t count;
    size_t cap;
};

bool pmem_fault_armed;
static void (*watcher)(void *arg);
static void *watcher_arg;
static struct fault_counters *counters;
static char *image;
static size_t image_bytes;
static bool image_ignored;
static const char *image_base;                     /* of the map that the image mirrors */
static _Thread_local struct fault_pending pending; /* a drain orders its own thread's flushes only */

static void *shared_memory(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(memory != MAP_FAILED);
    return memory;
}

void pmem_fault_start(size_t bytes)
{
    ASSERT(counters == NULL);
    counters = shared_memory(sizeof *counters);
    image = bytes > 0 ? shared_memory(bytes) : NULL;
    image_bytes = bytes;
}

void pmem_fault_stop(void)
{
    pmem_fault_armed = false;
    if (counters != NULL) munmap(counters, sizeof *counters);
    if (image != NULL) munmap(image, image_bytes);
    free(pending.lines);
    pending = (struct fault_pending){0};
    counters = NULL;
    image = NULL;
    image_base = NULL;
    image_ignored = false;
}

void pmem_fault_watch(void (*at_point)(void *arg), void *arg)
{
    watcher = at_point;
    watcher_arg = arg;
    pmem_fault_armed = at_point != NULL;
}

void pmem_fault_arm(uint64_t point)
{
    ASSERT(counters != NULL);
    atomic_store(&counters->points, 0);
    atomic_store(&counters->end_at, point);
    pmem_fault_armed = true;
}

void pmem_fault_disarm(void)
{
    pmem_fault_armed = false;
}

uint64_t pmem_fault_points(void)
{
    return atomic_load(&counters->points);
}

void pmem_fault_ignore_image(void)
{
    image_ignored = true;
}

void pmem_fault_hit(void)
{
    if (watcher != NULL) watcher(watcher_arg);
    if (counters == NULL) return;
    uint64_t point = atomic_fetch_add(&counters->points, 1) + 1;
    if (point == atomic_load(&counters->end_at)) _exit(PMEM_FAULT_EXIT_CODE);
}

const char *pmem_fault_image(void)
{
    return image;
}

bool pmem_fault_simulates(void)
{
    return image != NULL;
}

void pmem_fault_attach(const struct pmem_map *map)
{
    if (image_ignored) return;
    ASSERT(map->size_bytes <= image_bytes);
    ASSERT(madvise(image, image_bytes, MADV_REMOVE) == 0); /* zeroes it */
    image_base = map->base;
    pending.count = 0;
    off_t from = 0;
    while ((from = lseek(map->fd, from, SEEK_DATA)) >= 0) {
        off_t to = lseek(map->fd, from, SEEK_HOLE);
        ASSERT(to > from);
        memcpy(image + from, map->base + from, (size_t)(to - from));
        from = to;
    }
}

static void add_line(size_t off)
{
    if (pending.count == pending.cap) {
        pending.cap = pending.cap > 0 ? 2 * pending.cap : 256;
        pending.lines = realloc(pending.lines, pending.cap * sizeof *pending.lines);
        ASSERT(pending.lines != NULL);
    }
    struct fault_line *line = &pending.lines[pending.count++];
    line->off = off;
    memcpy(line->bytes, image_base + off, PMEM_FAULT_LINE_BYTES);
}

void pmem_fault_flush(const void *addr, size_t len)
{
    if (len == 0 || image_ignored) return;
    size_t off = (size_t)((const char *)addr - image_base);
    ASSERT(image_base != NULL && off < image_bytes && len <= image_bytes - off);
    size_t end = off + len;
    for (size_t line = off - off % PMEM_FAULT_LINE_BYTES; line < end; line += PMEM_FAULT_LINE_BYTES)
        add_line(line);
}

void pmem_fault_drain(void)
{
    pmem_fault_point();
    for (size_t i = 0; i < pending.count; i++)
        memcpy(image + pending.lines[i].off, pending.lines[i].bytes, PMEM_FAULT_LINE_BYTES);
    pending.count = 0;
}

#endif
