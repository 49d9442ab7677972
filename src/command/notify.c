/* notify.c: events to their channels (notify.h). */
#include "command/notify.h"

#include "command/server_state.h"
#include "command/worker.h"
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL_BYTES 256 /* longer names of channels are built in memory of their own */

uint32_t notify_classes(struct slice letters)
{
    static const char all[] = "KEg$lshzxetmdn"; /* in the order of the bits */
    uint32_t classes = 0;
    for (size_t i = 0; i < letters.len; i++) {
        const char *at = letters.ptr[i] ? strchr(all, letters.ptr[i]) : NULL;
        if (at) classes |= 1u << (at - all);
        if (letters.ptr[i] == 'A') classes |= NOTIFY_ALL;
    }
    return classes & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT) ? classes : 0;
}

/* By name, ascending. */
static const struct event {
    const char *name;
    uint32_t class;
} events[] = {
    {"append", NOTIFY_STRING},
    {"copy_to", NOTIFY_GENERIC},
    {"del", NOTIFY_GENERIC},
    {"evicted", NOTIFY_EVICTED},
    {"expire", NOTIFY_GENERIC},
    {"expired", NOTIFY_EXPIRED},
    {"georadiusstore", NOTIFY_ZSET},
    {"geosearchstore", NOTIFY_ZSET},
    {"hdel", NOTIFY_HASH},
    {"hexpire", NOTIFY_HASH},
    {"hexpired", NOTIFY_HASH},
    {"hincrby", NOTIFY_HASH},
    {"hincrbyfloat", NOTIFY_HASH},
    {"hpersist", NOTIFY_HASH},
    {"hset", NOTIFY_HASH},
    {"incrby", NOTIFY_STRING},
    {"incrbyfloat", NOTIFY_STRING},
    {"keymiss", NOTIFY_KEY_MISS},
    {"linsert", NOTIFY_LIST},
    {"lpop", NOTIFY_LIST},
    {"lpush", NOTIFY_LIST},
    {"lrem", NOTIFY_LIST},
    {"lset", NOTIFY_LIST},
    {"ltrim", NOTIFY_LIST},
    {"move_from", NOTIFY_GENERIC},
    {"move_to", NOTIFY_GENERIC},
    {"new", NOTIFY_NEW},
    {"persist", NOTIFY_GENERIC},
    {"pfadd", NOTIFY_STRING},
    {"rename_from", NOTIFY_GENERIC},
    {"rename_to", NOTIFY_GENERIC},
    {"restore", NOTIFY_GENERIC},
    {"rpop", NOTIFY_LIST},
    {"rpush", NOTIFY_LIST},
    {"sadd", NOTIFY_SET},
    {"sdiffstore", NOTIFY_SET},
    {"set", NOTIFY_STRING},
    {"setbit", NOTIFY_STRING},
    {"setrange", NOTIFY_STRING},
    {"sinterstore", NOTIFY_SET},
    {"sortstore", NOTIFY_LIST},
    {"spop", NOTIFY_SET},
    {"srem", NOTIFY_SET},
    {"sunionstore", NOTIFY_SET},
    {"xadd", NOTIFY_STREAM},
    {"xautoclaim", NOTIFY_STREAM},
    {"xclaim", NOTIFY_STREAM},
    {"xdel", NOTIFY_STREAM},
    {"xgroup-create", NOTIFY_STREAM},
    {"xgroup-createconsumer", NOTIFY_STREAM},
    {"xgroup-delconsumer", NOTIFY_STREAM},
    {"xgroup-destroy", NOTIFY_STREAM},
    {"xgroup-setid", NOTIFY_STREAM},
    {"xsetid", NOTIFY_STREAM},
    {"xtrim", NOTIFY_STREAM},
    {"zadd", NOTIFY_ZSET},
    {"zdiffstore", NOTIFY_ZSET},
    {"zincr", NOTIFY_ZSET},
    {"zinterstore", NOTIFY_ZSET},
    {"zpopmax", NOTIFY_ZSET},
    {"zpopmin", NOTIFY_ZSET},
    {"zrangestore", NOTIFY_ZSET},
    {"zrem", NOTIFY_ZSET},
    {"zremrangebylex", NOTIFY_ZSET},
    {"zremrangebyrank", NOTIFY_ZSET},
    {"zremrangebyscore", NOTIFY_ZSET},
    {"zunionstore", NOTIFY_ZSET},
};

static int compare_names(const void *name, const void *event)
{
    return strcmp(name, ((const struct event *)event)->name);
}

uint32_t notify_class_of(const char *name)
{
    const struct event *event =
        bsearch(name, events, sizeof events / sizeof *events, sizeof *events, compare_names);
    ASSERT(event); /* a new event is a line in the table */
    return event->class;
}

static uint64_t publish(struct server_state *server, struct inbox_sender *sender, const char *kind,
                        unsigned db, struct slice tail, struct slice payload)
{
    char buf[CHANNEL_BYTES];
    int head = snprintf(buf, sizeof buf, "__%s@%u__:", kind, db);
    size_t len = (size_t)head + tail.len;
    char *channel = len <= sizeof buf ? buf : malloc(len);
    struct inbox_message *message;
    uint64_t targets, receivers;
    if (!channel) return 0;
    if (channel != buf) memcpy(channel, buf, (size_t)head);
    if (tail.len > 0) memcpy(channel + head, tail.ptr, tail.len);
    enum error error = pubsub_prepare(server, sender, false, (struct slice){channel, len}, payload, &message,
                                      &targets, &receivers);
    if (!error && message) inbox_send(server, message, targets);
    if (channel != buf) free(channel);
    return error ? 0 : targets;
}

uint64_t notify_send(struct server_state *server, struct inbox_sender *sender, const char *event, unsigned db,
                     struct slice key)
{
    uint32_t wanted = atomic_load_explicit(&server->wants, memory_order_relaxed);
    uint64_t targets = 0;
    if (!(wanted & notify_class_of(event)) || !pubsub_has_subscribers(server)) return 0;
    if (wanted & NOTIFY_KEYSPACE) targets |= publish(server, sender, "keyspace", db, key, slice_of(event));
    if (wanted & NOTIFY_KEYEVENT) targets |= publish(server, sender, "keyevent", db, slice_of(event), key);
    return targets;
}
