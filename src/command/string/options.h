/* options.h: the options that SET and GETEX share: conditions and expiry times. */
#ifndef CAIRN_COMMAND_STRING_OPTIONS_H
#define CAIRN_COMMAND_STRING_OPTIONS_H

#include "command/call.h"

#define STRING_OPTION_NX      (1u << 0)
#define STRING_OPTION_XX      (1u << 1)
#define STRING_OPTION_GET     (1u << 2)
#define STRING_OPTION_KEEPTTL (1u << 3)
#define STRING_OPTION_PERSIST (1u << 4)
#define STRING_OPTION_EX      (1u << 5)
#define STRING_OPTION_PX      (1u << 6)
#define STRING_OPTION_EXAT    (1u << 7)
#define STRING_OPTION_PXAT    (1u << 8)

#define STRING_OPTIONS_EXPIRY (STRING_OPTION_EX | STRING_OPTION_PX | STRING_OPTION_EXAT | STRING_OPTION_PXAT)

struct string_options {
    unsigned set;      /* STRING_OPTION_* */
    size_t expiry_arg; /* index of the time, when one of STRING_OPTIONS_EXPIRY is set */
};

/* Reads the options from argument `first` on, of which those in `allowed` exist; false after -ERR syntax
 * error. */
bool string_options_parse(struct call *call, size_t first, unsigned allowed,
                          struct string_options *options_out);

/* The absolute time that argument `arg` means under `option`, one of STRING_OPTIONS_EXPIRY; false after
 * having replied that it is no integer, or not a time. */
bool string_expiry(struct call *call, size_t arg, unsigned option, int64_t *expire_at_ms_out);

#endif
