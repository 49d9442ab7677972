/* process.h: what the process asks of the system: directory, files, signals, going to the background. */
#ifndef CAIRN_APP_PROCESS_H
#define CAIRN_APP_PROCESS_H

#include "app/app.h"

/* Each returns false after having logged why the server cannot start. */
bool process_enter_dir(struct app *app);
bool process_daemonize(struct app *app); /* `daemonize yes`; no thread may run yet */
bool process_write_pidfile(struct app *app);

/* Puts oom-score-adj into effect; false, after having logged why, when the system does not allow it. */
bool process_set_oom_score(struct app *app);

void process_remove_pidfile(struct app *app);
/* A file that may not grow (ulimit -f) is like a full disk: it is told, and ends nobody. Before the heap is opened. */
void process_expect_file_limit(struct app *app);
/* Raises the limit of open files for so many clients; returns how many it allows, at most `clients`. */
uint64_t process_raise_file_limit(struct app *app, uint64_t clients);
/* SIGTERM and SIGINT stop the pool (the second one ends the process at once), without a pool the one that comes; SIGHUP and SIGPIPE are
 * ignored. */
void process_watch_signals(struct client_pool *pool);
int process_signal_received(void); /* 0: none */
unsigned process_cpu_count(void);  /* that this process may run on */
/* `supervised`: finds out who supervises the process. Before process_daemonize, which then stays in the foreground. */
void process_supervise(struct app *app);
/* "READY=1" and the like, to systemd; to upstart, which wants a signal, when the text says READY=1. */
void process_notify(struct app *app, const char *text);
/* `set-proc-title`, `proc-title-template`. */
void process_set_title(struct app *app);

#endif
