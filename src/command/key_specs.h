/* key_specs.h: which arguments of a command are keys, from its key specs. */
#ifndef CAIRN_COMMAND_KEY_SPECS_H
#define CAIRN_COMMAND_KEY_SPECS_H

#include "command/table.h"

/* Called for each key argument; false ends the walk. */
typedef bool key_visitor(void *arg, size_t argv_index, uint32_t key_flags);

enum key_specs_result {
    KEY_SPECS_OK,
    KEY_SPECS_INVALID, /* a count of keys is not a number or exceeds the arguments */
};

/* Visits the keys of argv in the order of the specs; NOT_KEY specs are left out. Commands with get_keys use
 * that. */
enum key_specs_result key_specs_visit(const struct command *command, const struct slice *argv, size_t argc,
                                      key_visitor *visit, void *arg);

/* True when `command` can have keys at all. */
bool key_specs_any(const struct command *command);

#endif
