/* changes.h: what a transaction will tell others once it is committed: changed keys, for notifications and client-side caching, and messages.
 *
 * Invariants:
 * N1. Nothing is told of a change that was taken back, and all is told in the order in which it was done.
 * N2. It is sent while the stripes of the transaction are still held: changes of one key are told in their order, whoever made them.
 * N3. While nobody wants to know, a change costs one relaxed load (server->wants).
 */
#ifndef CAIRN_COMMAND_CHANGES_H
#define CAIRN_COMMAND_CHANGES_H

#include "command/inbox.h"
#include "db/keyspace.h"

struct call;
struct change;

/* A worker's. Zeroed memory is empty. */
struct changes {
    struct change *list;
    size_t count;
    size_t cap;
    bool *absent; /* which keys of the running command did not exist before it */
    size_t absent_cap;
    const struct key *absent_keys; /* the command's keys; NULL: nobody has looked */
};

void changes_close(struct changes *changes);

/* ---- while a command runs ---- */

/* Before its handler, when somebody wants to hear of new keys, or of expired ones. */
void changes_look(struct call *call);
/* `key` of call->db changed. */
void changes_note(struct call *call, const char *event, const struct key *key);
/* The command of a session that tracks has read call->keys: those that it wants to be told of are tracked (tracking.h), in the order of
 * reads and changes. */
void changes_note_reads(struct call *call);
/* It is new, whatever was there before. */
void changes_note_new(struct call *call, const struct key *key);
/* Something else happened to it, which leaves it as it is ("keymiss"). */
void changes_note_event(struct call *call, const char *event, const struct key *key);
/* All keys of a database went. */
void changes_note_flush(struct call *call);
/* A message of the command's own (PUBLISH, MONITOR), given away: it leaves at once when no transaction is open. */
MUST_CHECK enum error changes_note_message(const struct call *call, struct inbox_message *message,
                                           uint64_t targets);

/* ---- the end of a transaction ---- */

/* How much there is to tell; changes_cut takes back what came after. */
static inline size_t changes_mark(const struct changes *changes)
{
    return changes->count;
}
void changes_cut(struct changes *changes, size_t mark);
/* After the commit, before the stripes are unlocked (N2). */
void changes_send(struct worker *worker);

/* ---- expiry and eviction: any thread, holding the key's stripe ---- */

/* Tells at once, and wakes who has to hear it. */
void changes_tell_name(struct server_state *server, const struct keyspace *keyspace, const char *event, unsigned db,
                       struct slice name);

#endif
