/* log.h: log lines in the format of Redis: "PID:M 20 Nov 2026 12:00:00.000 * message". Any thread. */
#ifndef CAIRN_APP_LOG_H
#define CAIRN_APP_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };

struct log {
    _Atomic int level; /* enum log_level: what is below is dropped */
    bool to_syslog; /* as well */
    char *file; /* malloc'd; NULL: standard output. Opened for each line, so that log rotation just works */
};

__attribute__((format(printf, 3, 4))) void log_line(struct log *log, enum log_level level, const char *format,
                                                    ...);

#endif
