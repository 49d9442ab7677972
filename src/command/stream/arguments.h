/* arguments.h: arguments that rows of this group share. */
#ifndef CAIRN_COMMAND_STREAM_ARGUMENTS_H
#define CAIRN_COMMAND_STREAM_ARGUMENTS_H

#include "command/arguments.h"

#define STREAM_TRIM_ARGUMENT(argument_flags)                                                                 \
    {                                                                                                        \
        .name = "trim", .type = ARG_BLOCK, .flags = (argument_flags),                                        \
        .sub =                                                                                               \
            ARGUMENTS({.name = "strategy",                                                                   \
                       .type = ARG_ONEOF,                                                                    \
                       .sub = ARGUMENTS(                                                                     \
                           ARGUMENT_WORD("maxlen", "MAXLEN"),                                                \
                           {.name = "minid", .type = ARG_PURE_TOKEN, .token = "MINID", .since = "6.2.0"})},  \
                      {.name = "operator",                                                                   \
                       .type = ARG_ONEOF,                                                                    \
                       .flags = ARG_OPTIONAL,                                                                \
                       .sub = ARGUMENTS(ARGUMENT_WORD("equal", "="), ARGUMENT_WORD("approximately", "~"))},  \
                      ARGUMENT("threshold", ARG_STRING),                                                     \
                      {.name = "count",                                                                      \
                       .type = ARG_INTEGER,                                                                  \
                       .token = "LIMIT",                                                                     \
                       .flags = ARG_OPTIONAL,                                                                \
                       .since = "6.2.0"})                                                                    \
    }
#define STREAM_COUNT_ARGUMENT                                                                                \
    {                                                                                                        \
        .name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL                        \
    }

#endif
