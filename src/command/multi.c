/* multi.c: queued commands: one block of memory each (multi.h). */
#include "command/multi.h"

#include "command/key_specs.h"
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

/* ---- copying ---- */

struct adopt {
    struct key *keys;
    const struct key *from;
    size_t count;
    size_t cap;
    const struct slice *argv;
};

/* The same key, named by the copy of its argument. */
static bool adopt_key(void *arg, size_t argv_index, uint32_t key_flags)
{
    (void)key_flags;
    struct adopt *adopt = arg;
    if (adopt->count == adopt->cap) return false;
    adopt->keys[adopt->count] = adopt->from[adopt->count];
    adopt->keys[adopt->count].name = adopt->argv[argv_index];
    adopt->count++;
    return true;
}

static size_t argument_bytes(const struct resp_request *request)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->argc; i++)
        bytes += request->argv[i].len;
    return bytes;
}

/* A block of the command, its arguments, its keys, the arguments' bytes, in this order; NULL: no memory. */
static struct multi_command *copy_request(const struct command_entry *entry,
                                          const struct resp_request *request, const struct key *keys,
                                          size_t key_count, size_t *bytes_out)
{
    struct multi_command *command;
    size_t bytes = sizeof *command + request->argc * sizeof(struct slice) + key_count * sizeof(struct key) +
                   argument_bytes(request);
    command = malloc(bytes);
    if (!command) return NULL;
    struct slice *argv = (struct slice *)(void *)(command + 1);
    struct key *own_keys = (struct key *)(void *)(argv + request->argc);
    char *text = (char *)(own_keys + key_count);
    for (size_t i = 0; i < request->argc; i++) {
        argv[i] = (struct slice){text, request->argv[i].len};
        if (argv[i].len > 0) memcpy(text, request->argv[i].ptr, argv[i].len);
        text += argv[i].len;
    }
    struct adopt adopt = {own_keys, keys, 0, key_count, argv};
    if (key_count > 0) (void)key_specs_visit(entry->command, argv, request->argc, adopt_key, &adopt);
    ASSERT(adopt.count == key_count);
    *command =
        (struct multi_command){.entry = entry, .request = *request, .keys = own_keys, .key_count = key_count};
    command->request.argv = argv;
    *bytes_out = bytes;
    return command;
}

static bool reserve(struct multi *multi)
{
    if (multi->count < multi->cap) return true;
    size_t cap = multi->cap ? multi->cap * 2 : COMMANDS_FIRST_CAP;
    struct multi_command **commands = realloc(multi->commands, cap * sizeof *commands);
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
    struct multi_command *command = copy_request(entry, request, keys, key_count, &bytes);
    if (!command) return ERROR_MEMORY;
    uint32_t flags = entry->command->flags;
    bool of_session = flags & COMMAND_SESSION;
    command->inside = key_count > 0 || of_session || flags & (COMMAND_WRITE | COMMAND_READONLY);
    for (size_t i = 0; i < key_count; i++)
        command->stripes |= UINT64_C(1) << keys[i].stripe;
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
