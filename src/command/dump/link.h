/* link.h: connections to other servers, for MIGRATE: sending with a limit of waiting, and keeping some open.
 *
 * Terms: a *link* is one connection. It is *kept* while nobody uses it, for LINK_KEPT_MS: MIGRATE often comes in series.
 *
 * A link is used by the one thread that has taken it. The links kept are shared under a mutex, which is a leaf.
 */
#ifndef CAIRN_COMMAND_DUMP_LINK_H
#define CAIRN_COMMAND_DUMP_LINK_H

#include "util/slice.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_KEPT_MS   10000
#define LINKS_KEPT_MAX 64
#define LINK_LINE_MAX  1024 /* of a reply; what is longer is cut */

struct link {
    char *name; /* "host:port" */
    int fd;
    int64_t db; /* selected there; -1: not known */
    int64_t used_ms;
    bool is_kept_one; /* it was open before: its other end may be gone */
    struct link *next;
    size_t read_len, read_at;
    char read[4096];
};

/* Zeroed memory with an initialised mutex: link_cache_open. */
struct link_cache {
    pthread_mutex_t lock;
    struct link *kept;
    unsigned count;
};

void link_cache_open(struct link_cache *links);
void link_cache_close(struct link_cache *links);
/* Closes what was kept too long. Any thread. */
void link_cache_expire(struct link_cache *links, int64_t now_ms);
unsigned link_cache_count(struct link_cache *links);

enum link_result { LINK_OK, LINK_FAILED, LINK_TIMED_OUT };

/* A link to host:port: one that was kept, unless `fresh`, or a new one, waiting at most timeout_ms. NULL when there is none. */
struct link *link_take(struct link_cache *links, struct slice host, struct slice port, int timeout_ms,
                       bool fresh);
/* Keeps it, or closes it when there are too many. */
void link_keep(struct link_cache *links, struct link *link, int64_t now_ms);
void link_drop(struct link *link);

/* Sends all; waits at most timeout_ms for each bit of progress. */
enum link_result link_send(struct link *link, const char *bytes, size_t len, int timeout_ms);
/* Reads a reply that is a line, without its end. */
enum link_result link_read_line(struct link *link, char line[LINK_LINE_MAX], int timeout_ms);

#endif
