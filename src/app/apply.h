/* apply.h: from the values of options to what the running server looks at. */
#ifndef CAIRN_APP_APPLY_H
#define CAIRN_APP_APPLY_H

#include "app/app.h"

/* Puts all options that may change at run time into effect. At start, or alone in the server, with the config
 * lock. */
void apply_config(struct app *app);
/* Logs which promises of Redis the options ask for and do not get yet; each once, when it begins. The heap is open; at start, or
 * with the config lock. */
void apply_warn(struct app *app);

#endif
