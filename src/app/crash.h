/* crash.h: the last words of a process that faults. */
#ifndef CAIRN_APP_CRASH_H
#define CAIRN_APP_CRASH_H

#include "app/log.h"
#include "heap/heap.h"

/* From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT log what happened with a backtrace, then end the
 * process as they would have; a failed assertion is logged; SIGALRM logs a backtrace and nothing else. `log` must live until the end. */
void crash_watch(struct log *log);
/* crash-log-enabled: whether they log; off at first. Any time. */
void crash_set_log(bool on);
/* Where the heap is mapped, so that a fault of its medium can be told from a bug. NULL: no heap. */
void crash_watch_heap(const struct heap *heap);

#endif
