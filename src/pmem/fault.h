/* fault.h: the crash-injecting backend (T4), compiled only with CAIRN_CRASHPOINTS; elsewhere it is nothing.
 *
 * Terms: a *crash point* stands before each persistent store and each drain. An armed process ends with _exit
 * at the n-th point it reaches, as kill -9 would end it there. The *image* is what simulated persistent
 * memory holds: a copy of the mapped file in shared anonymous memory, updated by drained cache lines only, so
 * that a parent process can tell after the "power cut" which lines of the live file might be lost.
 *
 * Use: the parent calls pmem_fault_start before it forks; the child arms itself. One simulated map at a time.
 */
#ifndef CAIRN_PMEM_FAULT_H
#define CAIRN_PMEM_FAULT_H

#ifdef CAIRN_CRASHPOINTS

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMEM_FAULT_EXIT_CODE  86
#define PMEM_FAULT_LINE_BYTES 64

struct pmem_map;

/* Shares counters with later children. image_bytes > 0 also turns on the simulation of persistent memory:
 * maps are opened in PMEM_MODE_DAX, without libpmem, and may hold up to image_bytes. Aborts when there is no
 * memory. */
void pmem_fault_start(size_t image_bytes);
void pmem_fault_stop(void);

/* From now on (NULL: no longer) calls at_point(arg) at each point, before its store; needs no pmem_fault_start. What
 * at_point itself does passes points, too. */
void pmem_fault_watch(void (*at_point)(void *arg), void *arg);

/* Restarts the count; the process ends at the given point (1 is the next), with 0 it only counts. */
void pmem_fault_arm(uint64_t point);
void pmem_fault_disarm(void);
/* Points passed since the last pmem_fault_arm, in whichever process. */
uint64_t pmem_fault_points(void);
/* This process's maps, flushes and drains leave the image alone from now on: nobody looks at what it leaves. */
void pmem_fault_ignore_image(void);
/* The durable bytes of the map opened last; valid until the next one is opened. NULL without simulation. */
const char *pmem_fault_image(void);

/* ---- for map.c and persist.c ---- */

bool pmem_fault_simulates(void);
/* The image becomes a copy of the file behind `map`. */
void pmem_fault_attach(const struct pmem_map *map);
void pmem_fault_flush(const void *addr, size_t len);
void pmem_fault_drain(void);

extern bool pmem_fault_armed;
void pmem_fault_hit(void);

static inline void pmem_fault_point(void)
{
    if (pmem_fault_armed) pmem_fault_hit();
}

#else

static inline void pmem_fault_point(void) {}

#endif
#endif
