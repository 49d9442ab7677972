/* title.h: what the process calls itself in ps and top: set-proc-title, proc-title-template.
 *
 *     {title} {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file}
 */
#ifndef CAIRN_APP_TITLE_H
#define CAIRN_APP_TITLE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* False when braces are open or name something else, or there is nothing in it. */
bool title_is_valid(struct slice template);

/* What the words in braces stand for; the order of the list above. */
struct title_words {
    const char *title, *listen_addr, *server_mode, *port, *tls_port, *unixsocket, *config_file;
};
/* The template with its words in place, without blanks at its end; cut where `cap` ends. */
void title_expand(struct slice template, const struct title_words *words, char *text, size_t cap);

/* Makes the room of the arguments and the environment ours: argv's strings are overwritten by title_set. Once, at the start. */
void title_begin(char **argv);
void title_set(const char *text);

#endif
