/* latency.h: the latency monitor: per event the last spikes of at least latency-monitor-threshold.
 *
 * Terms: an *event* is a named source of delays ("command", "fast-command", "expire-cycle"); a *spike* is its
 * longest delay within one second.
 */
#ifndef CAIRN_COMMAND_LATENCY_H
#define CAIRN_COMMAND_LATENCY_H

#include "util/slice.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LATENCY_SPIKES     160
#define LATENCY_EVENTS     16
#define LATENCY_NAME_BYTES 32

struct latency_spike {
    int64_t time_s;
    int64_t duration_ms;
};

struct latency_event {
    char name[LATENCY_NAME_BYTES];
    int64_t max_ms;
    unsigned next;  /* where the next spike goes */
    unsigned count; /* at most LATENCY_SPIKES */
    struct latency_spike spikes[LATENCY_SPIKES];
};

struct latency_monitor {
    pthread_mutex_t lock;
    unsigned count;
    struct latency_event events[LATENCY_EVENTS];
};

void latency_init(struct latency_monitor *monitor);
/* Any thread; the caller has compared the duration with the threshold. */
void latency_add(struct latency_monitor *monitor, const char *event, int64_t duration_ms);
/* Forgets one event, or all when `event.ptr` is NULL; returns how many were there. */
unsigned latency_reset(struct latency_monitor *monitor, struct slice event);
/* Copies event `index` / the one of that name; false when there is none. */
bool latency_event_at(struct latency_monitor *monitor, unsigned index, struct latency_event *event_out);
bool latency_event_named(struct latency_monitor *monitor, struct slice name, struct latency_event *event_out);
/* Spike `i` of an event, oldest first. */
const struct latency_spike *latency_spike(const struct latency_event *event, unsigned i);

#endif
