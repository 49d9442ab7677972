/* log.c: one write per line, so lines of several threads never mix (log.h). */
#include "app/log.h"

#include "app/system_log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static size_t write_head(char *line, enum log_level level)
{
    static const char marks[] = ".-*#";
    struct timeval now;
    struct tm local;
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    int len = snprintf(line, LINE_BYTES, "%d:M ", (int)getpid());
    size_t at = (size_t)len;
    at += strftime(line + at, LINE_BYTES - at, "%d %b %Y %H:%M:%S.", &local);
    return at +
           (size_t)snprintf(line + at, LINE_BYTES - at, "%03d %c ", (int)(now.tv_usec / 1000), marks[level]);
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&log->level, memory_order_relaxed)) return;
    char line[LINE_BYTES];
    size_t head = write_head(line, level);
    size_t cap = sizeof line - head - 1; /* the newline's byte */
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + head, cap, format, args);
    va_end(args);
    size_t text = wanted < 0 ? 0 : (size_t)wanted < cap ? (size_t)wanted : cap - 1;
    size_t len = head + text;
    if (log->to_syslog) system_log_line((int)level, line + head);
    line[len++] = '\n';
    int fd = log->file ? open(log->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : STDOUT_FILENO;
    if (fd < 0) return;
    ssize_t ignored = write(fd, line, len); /* nowhere to complain */
    (void)ignored;
    if (log->file) close(fd);
}
