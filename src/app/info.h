/* info.h: the text of INFO. */
#ifndef CAIRN_APP_INFO_H
#define CAIRN_APP_INFO_H

#include "app/app.h"

/* `sections`: lower-case names, "default", "all", "everything"; count 0: the default ones. Inside the gate,
 * shared. `thread` NULL: the server is loading, and what it cannot know yet is left out. */
void info_write(struct app *app, struct heap_thread *thread, const struct slice *sections, size_t count,
                struct resp_out *text_out);

/* ---- for the files that write sections ---- */
__attribute__((format(printf, 2, 3))) void info_put(struct resp_out *out, const char *format, ...);
void info_write_memory(struct app *app, struct resp_out *out);

#endif
