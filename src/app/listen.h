/* listen.h: where clients connect: `bind`, `port`, `tls-port` and `unixsocket`, and the certificates of TLS. */
#ifndef CAIRN_APP_LISTEN_H
#define CAIRN_APP_LISTEN_H

#include "app/app.h"

bool listen_open(struct app *app); /* at the start; logs why when it returns false */
/* The port of INFO and of the log: that of TLS when it is the only one. */
int listen_port(const struct app *app);
/* After a change of the options tls-...: false with a log line that says why when they make no sense; what was in force stays. */
bool listen_use_tls(struct app *app);
/* After a change of `bind`, `port` or `tls-port`: the new sockets, or the old ones and a log line that says why. */
bool listen_again(struct app *app);

#endif
