/* server.h: a server binary under test, on a folder of its own.
 *
 * The binary is the build's cairn, or what the environment variable TEST_SERVER_BINARY names: with a
 * redis-server there the same tests show what Redis answers.
 *
 * With TEST_APPENDFSYNC=always, everysec or no in the environment servers run with `appendonly yes` on a disk:
 * their heap has a journal.
 *
 * All waits are bounded; what goes wrong fails the running cmocka test. A server dies with its test. A server that ends in the
 * test's hands fails it when a sanitizer or T3 has reported something in its log, or when it had ended by itself before a SIGKILL.
 */
#ifndef CAIRN_TESTS_SUPPORT_SERVER_H
#define CAIRN_TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server;

/* Makes a folder and starts the server there, on a free loopback port and a unix socket, without persistence;
 * returns once it answers. `options`: more words for its command line ("--maxclients", "5"), ends with NULL;
 * may be NULL. */
struct server *server_open(const char *const *options);
/* The same with the redis-server of Debian's packages, for tests of what passes between the two; NULL when it is not installed. */
struct server *server_open_redis(const char *const *options);
/* Ends it with SIGTERM (if it runs), checks that it ended well, and removes the folder. */
void server_close(struct server *server);

/* Sends the signal and waits for the end; the status as waitpid gives it. */
int server_stop(struct server *server, int signal_number);
/* Waits for the server to end by itself. */
int server_wait(struct server *server);
/* Starts it again, on the same folder, port and options; returns once it answers. */
void server_start(struct server *server);
/* The same, for a server that may have to load for long: returns once it answers anything. */
void server_start_loading(struct server *server);
/* The same, for a start that is expected to fail: returns the status it ended with. */
int server_start_failing(struct server *server);

/* A configuration file for the starts to come, in the server's folder. */
void server_set_config(struct server *server, const char *text);
/* More words for the command line of the starts to come; ends with NULL. */
void server_add_options(struct server *server, const char *const *options);

/* The starts to come run as this user; only root can ask for that. */
void server_run_as(struct server *server, uid_t user);

/* A second port of the test's own, for as long as the server is open. */
unsigned server_spare_port(struct server *server);
unsigned server_port(const struct server *server);
const char *server_socket(const struct server *server);
const char *server_folder(const struct server *server);
pid_t server_pid(const struct server *server);
/* True when the log (stdout and stderr of all starts) holds the text. */
bool server_logged(const struct server *server, const char *text);
/* True when servers run on a heap with a journal (TEST_APPENDFSYNC). */
bool server_is_journaled(void);
/* True when the binary under test is not cairn. */
bool server_is_other(void);

#endif
