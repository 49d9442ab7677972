/* probe.c: the pinging thread. It runs before the generator on their common core where the system lets it, so
 * that what it measures is the server. A late start of a ping is not counted against the server; a late reply
 * delays the pings after it, as it would delay a client. */
#include "probe.h"

#include "target.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROBE_PERIOD_NS 1000000
#define PROBE_PINGS_MAX (1u << 20) /* 17 minutes of pings: longer loads keep their first ones only */

struct probe {
    pthread_t thread;
    int fd;
    atomic_bool stop;
    uint32_t *reply_us;
    uint32_t pings;
};

static void ping(const struct probe *probe)
{
    static const char request[] = "*1\r\n$4\r\nPING\r\n";
    static const char expected[] = "+PONG\r\n";
    char reply[sizeof(expected) - 1];
    size_t got = 0;
    if (write(probe->fd, request, sizeof(request) - 1) != (ssize_t)(sizeof(request) - 1))
        target_fail("probe: the server does not take a PING");
    while (got < sizeof(reply)) {
        ssize_t n = read(probe->fd, reply + got, sizeof(reply) - got);
        if (n <= 0) target_fail("probe: the server closed the connection");
        got += (size_t)n;
    }
    if (memcmp(reply, expected, sizeof(reply)) != 0) target_fail("probe: not a PONG");
}

static void *probe_main(void *arg)
{
    struct probe *probe = arg;
    struct sched_param param = {.sched_priority = 1};
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &param); /* refused without the privilege: no matter */
    while (!atomic_load(&probe->stop) && probe->pings < PROBE_PINGS_MAX) {
        uint64_t start = target_now_ns();
        ping(probe);
        uint64_t took = target_now_ns() - start;
        probe->reply_us[probe->pings++] = (uint32_t)(took / 1000);
        if (took < PROBE_PERIOD_NS)
            nanosleep(&(struct timespec){.tv_nsec = (long)(PROBE_PERIOD_NS - took)}, NULL);
    }
    return NULL;
}

struct probe *probe_start(const char *address)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (!probe) target_fail("no memory");
    probe->reply_us = calloc(PROBE_PINGS_MAX, sizeof(*probe->reply_us));
    probe->fd = target_connect(address);
    if (!probe->reply_us || probe->fd < 0) target_fail("probe: cannot connect to %s", address);
    if (pthread_create(&probe->thread, NULL, probe_main, probe) != 0) target_fail("probe: no thread");
    return probe;
}

static int compare_us(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

struct probe_result probe_stop(struct probe *probe)
{
    atomic_store(&probe->stop, true);
    pthread_join(probe->thread, NULL);
    close(probe->fd);
    uint32_t pings = probe->pings;
    if (pings == 0) target_fail("probe: no reply at all");
    qsort(probe->reply_us, pings, sizeof(*probe->reply_us), compare_us);
    struct probe_result result = {
        .pings = pings,
        .median_us = probe->reply_us[pings / 2],
        .p999_us = probe->reply_us[(uint64_t)pings * 999 / 1000],
        .longest_us = probe->reply_us[pings - 1],
    };
    free(probe->reply_us);
    free(probe);
    return result;
}
