/* kept.c: a command, its arguments, its keys and the arguments' bytes, in this order, in one block of memory (kept.h). */
#include "command/kept.h"

#include "command/key_specs.h"
#include "util/assert.h"

#include <stdlib.h>
#include <string.h>

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

static size_t argument_bytes(const struct slice *from, size_t argc)
{
    size_t bytes = 0;
    for (size_t i = 0; i < argc; i++)
        bytes += from[i].len;
    return bytes;
}

struct kept_command *kept_copy(const struct command_entry *entry, const struct slice *from, size_t argc,
                               const struct key *keys, size_t key_count, size_t *bytes_out)
{
    struct kept_command *command;
    size_t bytes = sizeof *command + argc * sizeof(struct slice) + key_count * sizeof(struct key) +
                   argument_bytes(from, argc);
    command = malloc(bytes);
    if (!command) return NULL;
    struct slice *argv = (struct slice *)(void *)(command + 1);
    struct key *own_keys = (struct key *)(void *)(argv + argc);
    char *text = (char *)(own_keys + key_count);
    for (size_t i = 0; i < argc; i++) {
        argv[i] = (struct slice){text, from[i].len};
        if (argv[i].len > 0) memcpy(text, from[i].ptr, argv[i].len);
        text += argv[i].len;
    }
    struct adopt adopt = {own_keys, keys, 0, key_count, argv};
    if (key_count > 0) (void)key_specs_visit(entry->command, argv, argc, adopt_key, &adopt);
    ASSERT(adopt.count == key_count);
    *command = (struct kept_command){
        .entry = entry, .request = {.argv = argv, .argc = argc}, .keys = own_keys, .key_count = key_count};
    for (size_t i = 0; i < key_count; i++)
        command->stripes |= UINT64_C(1) << keys[i].stripe;
    *bytes_out = bytes;
    return command;
}
