/* evict.h: drops the least worthy keys, one at a time, where memory is short.
 *
 * Terms: a key's *rank* says how good a candidate it is: the caller's policy computes it, larger goes first.
 * An *evictor* belongs to one thread; its *pool* keeps the best candidates seen so far, so that each small
 * sample adds to what earlier ones have learnt.
 *
 * Invariants:
 * V1. No stripe is locked by the caller; a step holds one stripe's lock at a time.
 * V2. A candidate is looked at again under its stripe's lock before it goes: one that is gone, has moved, or
 *     ranks lower than when it was sampled (it was used since) is forgotten instead.
 */
#ifndef CAIRN_DB_EVICT_H
#define CAIRN_DB_EVICT_H

#include "db/keyspace.h"

#define EVICT_SAMPLES_MAX 64

struct evictor;

struct evict_policy {
    bool volatile_only; /* keys without an expiry stay */
    unsigned samples;   /* keys looked at for each that goes: 1 .. EVICT_SAMPLES_MAX */
    /* NULL: any key is as good as another. */
    uint64_t (*rank)(const void *arg, const struct entry *entry);
    const void *arg;
    /* Called once the removal is committed, under the stripe's lock; NULL: nobody wants to know. */
    void (*evicted)(void *arg, unsigned db, struct slice name);
    void *evicted_arg;
};

MUST_CHECK enum error evict_open(struct keyspace *keyspace, struct heap_thread *thread,
                                 struct evictor **evictor_out);
void evict_close(struct evictor *evictor);
struct keyspace *evict_keyspace(const struct evictor *evictor);
struct heap_thread *evict_thread(const struct evictor *evictor);

/* Removes one key in a transaction of its own. False: none can go. The caller holds the gate shared (V1). */
bool evict_step(struct evictor *evictor, const struct evict_policy *policy);

#endif
