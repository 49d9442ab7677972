/* thread.h: threads that leave signals to the main thread, but for those that tell of their own faults. */
#ifndef CAIRN_UTIL_THREAD_H
#define CAIRN_UTIL_THREAD_H

#include <pthread.h>

/* Starts run(arg) in a thread called `name` (at most 15 bytes). Returns 0 or an errno, as pthread_create. */
int thread_start(pthread_t *id_out, const char *name, void *(*run)(void *arg), void *arg);

#endif
