/* crash.h: the last words of a process that faults. */
#ifndef CAIRN_APP_CRASH_H
#define CAIRN_APP_CRASH_H

#include "app/log.h"
#include "heap/heap.h"

/* From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT log what happened with a backtrace, then end the
 * process as they would have. `log` must live until the end. */
void crash_watch(struct log *log);
/* Where the heap is mapped, so that a fault of its medium can be told from a bug. NULL: no heap. */
void crash_watch_heap(const struct heap *heap);

#endif
