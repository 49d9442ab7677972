/* multi.h: the commands that a connection has queued between MULTI and EXEC.
 *
 * Terms: a queued command runs *inside* the transaction when it has keys, looks at the keyspace or concerns its session
 * alone; any other (CONFIG SET, CLIENT LIST, PUBLISH …) may wait for other workers, so it runs *after* the commit, when no lock is
 * held. Replies keep the order of the queue either way.
 */
#ifndef CAIRN_COMMAND_MULTI_H
#define CAIRN_COMMAND_MULTI_H

#include "command/kept.h"
#include "command/session.h"

struct multi {
    struct kept_command **commands;
    size_t count;
    size_t cap;
    size_t bytes;     /* of all copies */
    uint32_t flags;   /* of all commands, or-ed */
    uint64_t stripes; /* of the keys of those that run inside */
    bool exclusive;   /* one of those runs alone in the server */
    bool aborted;     /* a command was refused: EXEC will do nothing */
};

/* Whether the session is between MULTI and EXEC. */
static inline bool multi_is_open(const struct session *session)
{
    return __builtin_expect(session->multi != NULL, 0);
}

MUST_CHECK enum error multi_begin(struct session *session);
/* Forgets the queue and what was watched. */
void multi_end(struct session *session);

/* Appends a copy. `keys` are those of the request, in the order of the specs; `alone`: it needs the gate exclusively. */
MUST_CHECK enum error multi_add(struct multi *multi, const struct command_entry *entry,
                                const struct resp_request *request, const struct key *keys, size_t key_count,
                                bool alone);
/* Memory of the queue; 0 outside MULTI. */
size_t multi_bytes(const struct session *session);

#endif
