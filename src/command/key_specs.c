/* key_specs.c: walking the key specs of a command over its arguments. */
#include "command/key_specs.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_DIGITS_MAX 10

bool key_specs_any(const struct command *command)
{
    return command->get_keys || command->specs[0].begin != KEY_BEGIN_NONE;
}

/* Where the spec's keys begin; 0 (the command's name, never a key) when they don't. */
static size_t first_argument(const struct key_spec *spec, const struct slice *argv, size_t argc)
{
    if (spec->begin == KEY_BEGIN_INDEX) return (size_t)spec->index < argc ? (size_t)spec->index : 0;
    if (spec->begin != KEY_BEGIN_KEYWORD) return 0;
    bool forward = spec->index > 0;
    long at = forward ? spec->index : (long)argc + spec->index;
    long end = forward ? (long)argc - 1 : 0; /* the keyword is followed by an argument */
    for (; forward ? at < end : at > end; at += forward ? 1 : -1)
        if (at + 1 < (long)argc && slice_is_word(argv[at], spec->keyword)) return (size_t)at + 1;
    return 0;
}

/* A count of keys as clients write it; -1 when it is none. */
static long parse_count(struct slice text)
{
    if (text.len == 0 || text.len > COUNT_DIGITS_MAX) return -1;
    long value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

/* The last key and the step of a spec whose first argument is `first`; moves `first` on for KEYNUM. */
static enum key_specs_result find_range(const struct key_spec *spec, const struct slice *argv, size_t argc,
                                        size_t *first, size_t *last_out, size_t *step_out)
{
    *step_out = spec->step > 0 ? (size_t)spec->step : 1;
    if (spec->find == KEY_FIND_KEYNUM) {
        size_t count_at = *first + (size_t)spec->last;
        if (count_at >= argc) return KEY_SPECS_INVALID;
        long count = parse_count(argv[count_at]);
        *first += (size_t)spec->limit;
        if (count < 1 || *first >= argc || (size_t)count - 1 > (argc - 1 - *first) / *step_out)
            return KEY_SPECS_INVALID;
        *last_out = *first + ((size_t)count - 1) * *step_out;
        return KEY_SPECS_OK;
    }
    long last = (long)*first + spec->last;
    if (spec->last < 0) {
        last = (long)argc + spec->last;
        if (spec->limit > 1) last = (long)*first + ((long)argc - (long)*first) / spec->limit + spec->last;
    }
    if (last < (long)*first || last >= (long)argc) return KEY_SPECS_INVALID;
    *last_out = (size_t)last;
    return KEY_SPECS_OK;
}

/* Keys that a function of the command finds: at most as many as arguments. */
static enum key_specs_result computed_keys(const struct command *command, const struct slice *argv,
                                           size_t argc, key_visitor *visit, void *arg)
{
    size_t few[16];
    size_t cap = sizeof few / sizeof *few;
    size_t *indexes = few;
    if (argc > cap) {
        cap = argc;
        indexes = malloc(cap * sizeof *indexes);
        if (!indexes) return KEY_SPECS_INVALID;
    }
    size_t count = command->get_keys(argv, argc, indexes, cap);
    const struct key_spec *first = command->specs, *last = first;
    while (last + 1 < first + COMMAND_SPECS_MAX && last[1].begin != KEY_BEGIN_NONE)
        last++;
    for (size_t i = 0; i < count; i++)
        if (!visit(arg, indexes[i], i == 0 ? first->flags : last->flags)) break;
    if (indexes != few) free(indexes);
    return KEY_SPECS_OK;
}

enum key_specs_result key_specs_visit(const struct command *command, const struct slice *argv, size_t argc,
                                      key_visitor *visit, void *arg)
{
    if (command->get_keys) return computed_keys(command, argv, argc, visit, arg);
    for (size_t s = 0; s < COMMAND_SPECS_MAX && command->specs[s].begin != KEY_BEGIN_NONE; s++) {
        const struct key_spec *spec = &command->specs[s];
        if (spec->flags & KEY_NOT_KEY) continue;
        size_t first = first_argument(spec, argv, argc), last, step;
        if (first == 0) continue;
        enum key_specs_result result = find_range(spec, argv, argc, &first, &last, &step);
        if (result != KEY_SPECS_OK) return result;
        bool variable = spec->flags & KEY_VARIABLE_FLAGS && command->key_flags;
        uint32_t key_flags = variable ? command->key_flags(argv, argc) : spec->flags;
        for (size_t i = first; i <= last; i += step)
            if (!visit(arg, i, key_flags)) return KEY_SPECS_OK;
    }
    return KEY_SPECS_OK;
}
