/* listen.h: where clients connect: `bind`, `port` and `unixsocket`. */
#ifndef CAIRN_APP_LISTEN_H
#define CAIRN_APP_LISTEN_H

#include "app/app.h"

bool listen_open(struct app *app); /* at the start; logs why when it returns false */
/* After a change of `bind` or `port`: the new sockets, or the old ones and a log line that says why. */
bool listen_again(struct app *app);

#endif
