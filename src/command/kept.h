/* kept.h: a command that is executed later, from the queue of MULTI or on behalf of a client that waits.
 *
 * Invariant:
 * Q1. Its arguments are copies: they live as long as the command.
 */
#ifndef CAIRN_COMMAND_KEPT_H
#define CAIRN_COMMAND_KEPT_H

#include "command/table.h"
#include "db/keyspace.h"
#include "resp/parse.h"

struct kept_command {
    const struct command_entry *entry;
    struct resp_request request;
    const struct key *keys;
    size_t key_count;
    uint64_t stripes;
    bool inside; /* multi.h */
};

/* One block of memory, to be freed. `keys` are those of the arguments, in the order of the specs. NULL: no memory. */
struct kept_command *kept_copy(const struct command_entry *entry, const struct slice *argv, size_t argc,
                               const struct key *keys, size_t key_count, size_t *bytes_out);

#endif
