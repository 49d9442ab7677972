/* arguments.h: short forms for the lists in a command's row. */
#ifndef CAIRN_COMMAND_ARGUMENTS_H
#define CAIRN_COMMAND_ARGUMENTS_H

#include "command/table.h"

/* At file scope these literals live as long as the program. */
#define ARGUMENTS(...) ((const struct argument[]){__VA_ARGS__, {.name = NULL}})
#define TIPS(...)      ((const char *const[]){__VA_ARGS__, NULL})
#define HISTORY(...)   ((const char *const[]){__VA_ARGS__, NULL})

#define ARGUMENT(label, kind)                                                                                \
    {                                                                                                        \
        .name = (label), .type = (kind)                                                                      \
    }
#define ARGUMENT_MANY(label, kind)                                                                           \
    {                                                                                                        \
        .name = (label), .type = (kind), .flags = ARG_MULTIPLE                                               \
    }
#define ARGUMENT_KEY(label, spec)                                                                            \
    {                                                                                                        \
        .name = (label), .type = ARG_KEY, .key_spec = (spec)                                                 \
    }
#define ARGUMENT_KEYS(label, spec)                                                                           \
    {                                                                                                        \
        .name = (label), .type = ARG_KEY, .key_spec = (spec), .flags = ARG_MULTIPLE                          \
    }
#define ARGUMENT_WORD(label, word)                                                                           \
    {                                                                                                        \
        .name = (label), .type = ARG_PURE_TOKEN, .token = (word)                                             \
    }
#define ARGUMENT_AFTER(label, kind, word)                                                                    \
    {                                                                                                        \
        .name = (label), .type = (kind), .token = (word)                                                     \
    }

#endif
