/* latency.c: rings of spikes, one per event. */
#include "command/latency.h"

#include "util/clock.h"

#include <stdio.h>
#include <string.h>

void latency_init(struct latency_monitor *monitor)
{
    memset(monitor, 0, sizeof *monitor);
    pthread_mutex_init(&monitor->lock, NULL);
}

/* The lock is held. */
static struct latency_event *event_named(struct latency_monitor *monitor, struct slice name)
{
    for (unsigned i = 0; i < monitor->count; i++)
        if (slice_equal(slice_of(monitor->events[i].name), name)) return &monitor->events[i];
    return NULL;
}

static struct latency_event *event_new(struct latency_monitor *monitor, const char *name)
{
    if (monitor->count == LATENCY_EVENTS) return NULL;
    struct latency_event *event = &monitor->events[monitor->count++];
    memset(event, 0, sizeof *event);
    snprintf(event->name, sizeof event->name, "%s", name);
    return event;
}

void latency_add(struct latency_monitor *monitor, const char *name, int64_t duration_ms)
{
    int64_t now_s = clock_wall_ms() / 1000;
    pthread_mutex_lock(&monitor->lock);
    struct latency_event *event = event_named(monitor, slice_of(name));
    if (!event) event = event_new(monitor, name);
    if (event) {
        if (duration_ms > event->max_ms) event->max_ms = duration_ms;
        struct latency_spike *last = &event->spikes[(event->next + LATENCY_SPIKES - 1) % LATENCY_SPIKES];
        if (event->count > 0 && last->time_s == now_s) {
            if (duration_ms > last->duration_ms) last->duration_ms = duration_ms;
        } else {
            event->spikes[event->next] = (struct latency_spike){now_s, duration_ms};
            event->next = (event->next + 1) % LATENCY_SPIKES;
            if (event->count < LATENCY_SPIKES) event->count++;
        }
    }
    pthread_mutex_unlock(&monitor->lock);
}

unsigned latency_reset(struct latency_monitor *monitor, struct slice name)
{
    pthread_mutex_lock(&monitor->lock);
    unsigned gone = 0;
    if (!name.ptr) {
        gone = monitor->count;
        monitor->count = 0;
    } else {
        struct latency_event *event = event_named(monitor, name);
        if (event) {
            *event = monitor->events[--monitor->count];
            gone = 1;
        }
    }
    pthread_mutex_unlock(&monitor->lock);
    return gone;
}

bool latency_event_at(struct latency_monitor *monitor, unsigned index, struct latency_event *event_out)
{
    pthread_mutex_lock(&monitor->lock);
    bool found = index < monitor->count;
    if (found) *event_out = monitor->events[index];
    pthread_mutex_unlock(&monitor->lock);
    return found;
}

bool latency_event_named(struct latency_monitor *monitor, struct slice name, struct latency_event *event_out)
{
    pthread_mutex_lock(&monitor->lock);
    const struct latency_event *event = event_named(monitor, name);
    if (event) *event_out = *event;
    pthread_mutex_unlock(&monitor->lock);
    return event != NULL;
}

const struct latency_spike *latency_spike(const struct latency_event *event, unsigned i)
{
    unsigned oldest = (event->next + LATENCY_SPIKES - event->count) % LATENCY_SPIKES;
    return &event->spikes[(oldest + i) % LATENCY_SPIKES];
}
