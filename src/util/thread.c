/* thread.c: starting threads. */
#include "util/thread.h"

#include <signal.h>
#include <stddef.h>

int thread_start(pthread_t *id_out, const char *name, void *(*run)(void *arg), void *arg)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t blocked, before;
    sigfillset(&blocked);
    /* A blocked fault would end the process without its last words (and T3 works by faults). */
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int status = pthread_create(id_out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0) pthread_setname_np(*id_out, name);
    return status;
}
