/* stall.c: a machine whose threads come to run late: preloaded, it puts threads of the process to sleep, for up to STALL_MAX_US.
 *
 * Two ways: at the calls with which a journal's threads wait for the disk and wake each other, one time in STALL_ONE_IN; and at any
 * instruction whatever, by a signal to a thread picked at random, every STALL_EVERY_US (0: not at all).
 */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define LOOK_EVERY  32 /* signals */

int fdatasync(int fd);
int msync(void *start, size_t len, int flags);
int sync_file_range(int fd, int64_t off, int64_t len, unsigned flags);

static atomic_ullong counter;
static uint64_t max_us = 5000, one_in = 4, every_us;

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Safe in a signal's handler. */
static uint64_t next_random(void)
{
    uint64_t x =
        ((uint64_t)atomic_fetch_add(&counter, 1) + (uint64_t)getpid()) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 27) >> 8;
}

static void sleep_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000},
              NULL);
}

static void stall(void)
{
    if (next_random() % one_in == 0) sleep_us(next_random() % (max_us + 1));
}

/* ---- at calls ---- */

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    stall();
    int status = real(fd);
    stall();
    return status;
}

int msync(void *start, size_t len, int flags)
{
    int (*real)(void *, size_t, int) = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync");
    stall();
    int status = real(start, len, flags);
    stall();
    return status;
}

int sync_file_range(int fd, int64_t off, int64_t len, unsigned flags)
{
    int (*real)(int, int64_t, int64_t, unsigned) =
        (int (*)(int, int64_t, int64_t, unsigned))dlsym(RTLD_NEXT, "sync_file_range");
    stall();
    return real(fd, off, len, flags);
}

/* Without a version dlsym finds the oldest, whose condition variables are others. */
static int wake(pthread_cond_t *cond, const char *name)
{
    void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    if (!found) found = dlsym(RTLD_NEXT, name);
    stall();
    return ((int (*)(pthread_cond_t *))found)(cond);
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    return wake(cond, "pthread_cond_signal");
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    return wake(cond, "pthread_cond_broadcast");
}

/* ---- anywhere ---- */

static int stall_signal(void)
{
    return SIGRTMIN + 7;
}

/* Those who block all signals have not heard of this one. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before_out)
{
    int (*real)(int, const sigset_t *, sigset_t *) =
        (int (*)(int, const sigset_t *, sigset_t *))dlsym(RTLD_NEXT, "pthread_sigmask");
    sigset_t open;
    if (set && how != SIG_UNBLOCK) {
        open = *set;
        sigdelset(&open, stall_signal());
        set = &open;
    }
    return real(how, set, before_out);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A thread runs for as long as it slept before it sleeps again: it shall be late, not stand still. */
static void on_stall(int signal)
{
    static _Thread_local __attribute__((tls_model("initial-exec"))) int64_t not_before_us;
    int64_t begun_us = now_us();
    (void)signal;
    if (begun_us < not_before_us) return;
    sleep_us(next_random() % (max_us + 1));
    int64_t ended_us = now_us();
    not_before_us = ended_us + (ended_us - begun_us);
}

static size_t list_threads(pid_t own, pid_t threads_out[THREADS_MAX])
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) && count < THREADS_MAX) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        if (thread > 0 && thread != own) threads_out[count++] = thread;
    }
    if (folder) closedir(folder);
    return count;
}

static void *stall_threads(void *arg)
{
    pid_t own = (pid_t)syscall(SYS_gettid), process = getpid(), threads[THREADS_MAX];
    size_t count = 0;
    (void)arg;
    for (uint64_t round = 0;; round++) {
        sleep_us(next_random() % (2 * every_us));
        if (round % LOOK_EVERY == 0) count = list_threads(own, threads);
        if (count > 0) syscall(SYS_tgkill, process, threads[next_random() % count], stall_signal());
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    sigset_t all, before;
    max_us = number("STALL_MAX_US", max_us);
    one_in = number("STALL_ONE_IN", one_in);
    every_us = number("STALL_EVERY_US", 0);
    if (one_in == 0) one_in = 1;
    if (every_us == 0) return;
    struct sigaction action = {.sa_handler = on_stall, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(stall_signal(), &action, NULL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* its own signals are the server's */
    if (pthread_create(&thread, NULL, stall_threads, NULL) == 0) pthread_detach(thread);
    sigprocmask(SIG_SETMASK, &before, NULL);
}
