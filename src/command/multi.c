/* multi.c: queued commands (multi.h). */
#include "command/multi.h"

#include "command/watch.h"
#include "util/assert.h"

#include <stdlib.h>

#define COMMANDS_FIRST_CAP 8

enum error multi_begin(struct session *session)
{
    ASSERT(!session->multi);
    session->multi = calloc(1, sizeof *session->multi);
    return session->multi ? ERROR_OK : ERROR_MEMORY;
}

void multi_end(struct session *session)
{
    struct multi *multi = session->multi;
    watch_end(&session->watcher);
    if (!multi) return;
    for (size_t i = 0; i < multi->count; i++)
        free(multi->commands[i]);
    free(multi->commands);
    free(multi);
    session->multi = NULL;
}

static bool reserve(struct multi *multi)
{
    if (multi->count < multi->cap) return true;
    size_t cap = multi->cap ? multi->cap * 2 : COMMANDS_FIRST_CAP;
    struct kept_command **commands = realloc(multi->commands, cap * sizeof *commands);
    if (!commands) return false;
    multi->commands = commands;
    multi->bytes += (cap - multi->cap) * sizeof *commands;
    multi->cap = cap;
    return true;
}

enum error multi_add(struct multi *multi, const struct command_entry *entry,
                     const struct resp_request *request, const struct key *keys, size_t key_count, bool alone)
{
    size_t bytes;
    if (!reserve(multi)) return ERROR_MEMORY;
    struct kept_command *command = kept_copy(entry, request->argv, request->argc, keys, key_count, &bytes);
    if (!command) return ERROR_MEMORY;
    uint32_t flags = entry->command->flags;
    bool of_session = flags & COMMAND_SESSION;
    command->inside = !(flags & COMMAND_OUTSIDE) &&
                      (key_count > 0 || of_session || flags & (COMMAND_WRITE | COMMAND_READONLY));
    multi->commands[multi->count++] = command;
    multi->bytes += bytes;
    multi->flags |= flags;
    multi->stripes |= command->stripes;
    /* One without keys may lock stripes by itself (SCAN). */
    bool roams = key_count == 0 && flags & COMMAND_SHARED && !of_session;
    multi->exclusive |= command->inside && (alone || roams);
    return ERROR_OK;
}

size_t multi_bytes(const struct session *session)
{
    return session->multi ? session->multi->bytes : 0;
}
