/* system_log.h: lines to syslog. Apart from log.h, as the names of syslog's levels are those of ours. */
#ifndef CAIRN_APP_SYSTEM_LOG_H
#define CAIRN_APP_SYSTEM_LOG_H

/* `facility`: index of the words of syslog-facility. `ident` must live until the end. */
void system_log_open(const char *ident, int facility);
/* `level`: enum log_level. Any thread. */
void system_log_line(int level, const char *text);

#endif
