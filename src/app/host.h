/* host.h: what the commands call back: config, INFO, saves, SHUTDOWN, other workers' clients. */
#ifndef CAIRN_APP_HOST_H
#define CAIRN_APP_HOST_H

#include "app/app.h"

/* Fills app->host. Its functions use what is open in `app` when they are called. */
void host_init(struct app *app);

#endif
