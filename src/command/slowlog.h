/* slowlog.h: the last commands that took longer than slowlog-log-slower-than, newest first. */
#ifndef CAIRN_COMMAND_SLOWLOG_H
#define CAIRN_COMMAND_SLOWLOG_H

#include "resp/write.h"
#include "util/slice.h"

#include <pthread.h>
#include <stdint.h>

struct slowlog_entry;

struct slowlog {
    pthread_mutex_t lock;
    struct slowlog_entry *newest;
    struct slowlog_entry *oldest;
    uint64_t length;
    int64_t next_id;
};

void slowlog_init(struct slowlog *log);
struct slowlog_source {
    const struct slice *argv;
    size_t argc;
    uint32_t redacted;   /* bit i: argument i is kept as "(redacted)" */
    const char *address; /* NULL texts count as empty */
    const char *client_name;
};

/* Copies what it keeps: at most 32 arguments of 128 bytes. Drops the oldest beyond max_len. */
void slowlog_add(struct slowlog *log, uint64_t max_len, const struct slowlog_source *source,
                 int64_t duration_us);
void slowlog_clear(struct slowlog *log);
uint64_t slowlog_length(struct slowlog *log);
/* Replies the `count` newest entries (all when negative) as SLOWLOG GET does. */
void slowlog_reply(struct slowlog *log, int64_t count, struct resp_out *out);

#endif
