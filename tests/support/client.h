/* client.h: a connection to a server under test. Replies come as text, so that tests read like tables.
 *
 *     +OK  -ERR syntax error  :7       simple string, error, integer
 *     'bytes\r\n\x00'                  bulk string
 *     nil                              null of any kind
 *     ['a', :1]                        array
 *     {'a': :1}  ~['a']  >['a']        RESP3: map, set, push
 *     ,1.5  #t  (12345  =txt:'text'    RESP3: double, bool, big number, verbatim
 *     closed  timeout                  nothing more came
 *
 * RESP2 is read by hiredis, RESP3 by a reader of our own.
 */
#ifndef CAIRN_TESTS_SUPPORT_CLIENT_H
#define CAIRN_TESTS_SUPPORT_CLIENT_H

#include "support/server.h"

#include <stddef.h>

struct client;

/* Connects over TCP and, with proto 3, says HELLO 3. */
struct client *client_open(const struct server *server, int proto);
/* Connects over the unix socket, RESP2. */
struct client *client_open_unix(const struct server *server);
void client_close(struct client *client);

/* Sends one command, as a shell would split the line: blanks separate, quotes of either kind keep together
 * and know the escapes of C's strings. The reply is good until the client is used again. */
const char *client_ask(struct client *client, const char *line);
/* The same without waiting for the reply, and for the reply alone. */
void client_send(struct client *client, const char *line);
const char *client_read(struct client *client);
/* Sends a command of any bytes. */
void client_send_argv(struct client *client, int argc, const char **argv, const size_t *lens);
/* Sends bytes as they are; returns how many the server took before it closed, or stopped reading for as long as client_read would
 * wait. */
size_t client_send_raw(struct client *client, const void *bytes, size_t len);
/* How long client_read waits; 0: a minute, as at first. */
void client_set_timeout(struct client *client, int timeout_ms);

/* True when a server answers PING, with anything but -LOADING. */
bool client_can_ping(const struct server *server);
/* The same, -LOADING included. */
bool client_hears_something(const struct server *server);

/* True when `text` is `pattern`, where <*> in the pattern stands for any text and <90..100> for an integer of that range: times to
 * live have grown shorter when a slow machine comes to look. */
bool client_reply_is(const char *pattern, const char *text);

/* Fails the test unless the reply is as expected (see client_reply_is). */
#define EXPECT(client, line, expected) client_expect((client), (line), (expected), __FILE__, __LINE__)
void client_expect(struct client *client, const char *line, const char *expected, const char *file,
                   int at_line);

/* Sends the command again and again until the reply is as expected; fails the test after a minute. */
#define AWAIT(client, line, expected) client_await((client), (line), (expected), __FILE__, __LINE__)
void client_await(struct client *client, const char *line, const char *expected, const char *file,
                  int at_line);

#endif
