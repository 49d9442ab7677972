/* fields.h: the arguments FIELDS numfields field ..., and times of fields, as the commands about expiry take them. */
#ifndef CAIRN_COMMAND_HASH_FIELDS_H
#define CAIRN_COMMAND_HASH_FIELDS_H

#include "command/arguments.h"
#include "command/hash/value.h"

#define HASH_FIELDS_POSITIVE "ERR Number of fields must be a positive integer"

/* For rows: FIELDS numfields field ... */
#define HASH_FIELDS_ARGUMENT                                                                                 \
    {                                                                                                        \
        .name = "fields", .type = ARG_BLOCK, .token = "FIELDS",                                              \
        .sub = ARGUMENTS(ARGUMENT("numfields", ARG_INTEGER), ARGUMENT_MANY("field", ARG_STRING))             \
    }

/* What a time is counted in and from. */
struct hash_clock {
    int64_t unit_ms;
    bool is_relative; /* from now on; else since 1970 */
};
#define HASH_CLOCK_EX   ((struct hash_clock){1000, true})
#define HASH_CLOCK_PX   ((struct hash_clock){1, true})
#define HASH_CLOCK_EXAT ((struct hash_clock){1000, false})
#define HASH_CLOCK_PXAT ((struct hash_clock){1, false})

/* Checks that argument `at` is FIELDS, that the number behind it is as many as follow, and answers the first field's index;
 * 0 after having replied an error. `not_positive` is the error for the number. */
size_t hash_fields_first(struct call *call, size_t at, const char *not_positive);
/* The milliseconds since 1970 that argument `arg` means; false after having replied an error. */
bool hash_fields_time(struct call *call, size_t arg, struct hash_clock clock, int64_t *time_out);
/* The clock that the word EX, PX, EXAT or PXAT means; false for other words. */
bool hash_fields_clock(const struct call *call, size_t arg, struct hash_clock *clock_out);

#endif
