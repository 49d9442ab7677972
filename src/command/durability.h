/* durability.h: how far what was written is safe from a loss of power: what WAITAOF answers.
 *
 * Terms: a *mark* is a place in the order of all commits.
 */
#ifndef CAIRN_COMMAND_DURABILITY_H
#define CAIRN_COMMAND_DURABILITY_H

#include "command/worker.h"

#define DURABILITY_NOT_WANTED "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."

/* Whether the settings ask for writes to be safe one by one (appendonly). */
bool durability_is_wanted(const struct worker *worker);
/* Behind all that has been committed so far. */
uint64_t durability_mark(const struct worker *worker);
/* Who makes more durable calls block_durable_moved. */
bool durability_reached(const struct worker *worker, uint64_t mark);

#endif
