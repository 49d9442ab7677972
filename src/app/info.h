/* info.h: the text of INFO. */
#ifndef CAIRN_APP_INFO_H
#define CAIRN_APP_INFO_H

#include "app/app.h"

/* `sections`: lower-case names, "default", "all", "everything"; count 0: the default ones. Inside the gate,
 * shared. */
void info_write(struct app *app, struct heap_thread *thread, const struct slice *sections, size_t count,
                struct resp_out *text_out);

#endif
