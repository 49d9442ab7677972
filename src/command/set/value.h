/* value.h: sets as commands change them: the packed blob or the root, and the step from one to the other. */
#ifndef CAIRN_COMMAND_SET_VALUE_H
#define CAIRN_COMMAND_SET_VALUE_H

#include "command/call.h"
#include "ds/set.h"

/* A set being changed or built. Its blob is in the worker's scratch, so there is one at a time. */
struct set_value {
    struct call *call;
    struct set_limits limits;
    uint64_t root; /* 0: the blob in worker->scratch is the set */
    bool is_changed;
    bool is_new_root; /* no entry names the root yet */
};

/* Key `key` for reading; NULL when there is none. False after having replied -WRONGTYPE. */
bool set_read(struct call *call, size_t key, const struct entry **entry_out);

/* Begins with what key `key` holds, an empty set when there is none. False after having replied -WRONGTYPE. */
bool set_value_open(struct call *call, size_t key, struct set_value *value_out);
/* Begins with an empty set that no key has yet. */
struct set_value set_value_new(struct call *call);
MUST_CHECK enum error set_value_add(struct set_value *value, struct slice member, bool *added_out);
MUST_CHECK enum error set_value_remove(struct set_value *value, struct slice member, bool *removed_out);
uint64_t set_value_count(const struct set_value *value);
/* Stores the changes of a set opened at `key`, and removes the key (with "del") when nothing is left. `event`: what else watchers
 * are told when anything changed. False after a failure. */
bool set_value_close(struct set_value *value, size_t key, const char *event);
/* Puts a new set at `key` in place of what is there, as the …STORE commands do. False after a failure. */
bool set_value_store(struct set_value *value, size_t key, const char *event);

#endif
