/* directory.h: a loop's connections by the id of their session. Private to client/; under the loop's lock. */
#ifndef CAIRN_CLIENT_DIRECTORY_H
#define CAIRN_CLIENT_DIRECTORY_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

struct client_connection;

/* Chains through client_connection.same_bucket. Ids are handed out in turn: the low bits spread them evenly. */
struct client_directory {
    struct client_connection **buckets; /* NULL: none yet */
    size_t bucket_count;                /* a power of two */
    size_t count;
};

MUST_CHECK enum error client_directory_add(struct client_directory *directory,
                                           struct client_connection *connection);
void client_directory_remove(struct client_directory *directory, struct client_connection *connection);
struct client_connection *client_directory_find(const struct client_directory *directory, uint64_t id);
void client_directory_free(struct client_directory *directory);

#endif
