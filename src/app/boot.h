/* boot.h: the steps of a start, in their order, and of an end. Each step logs why when it returns false. */
#ifndef CAIRN_APP_BOOT_H
#define CAIRN_APP_BOOT_H

#include "app/app.h"

void boot_begin(struct app *app, char **argv);
bool boot_configure(struct app *app, int argc, char **argv); /* options, log; says what is wrong on stderr */
bool boot_process(struct app *app); /* directory, background, pid file, crash log, limits */
bool boot_heap(struct app *app);    /* opens and recovers the heap and the keyspace */
bool boot_workers(struct app *app); /* worker state, event loops, the background thread */
bool boot_listen(struct app *app);  /* sockets and signals: from here on clients connect */
bool boot_serve(struct app *app);   /* until the server is told to stop */
/* Closes what is open, the heap clean; true when that worked. */
bool boot_end(struct app *app);

#endif
