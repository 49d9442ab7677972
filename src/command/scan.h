/* scan.h: what SCAN, HSCAN, SSCAN and ZSCAN share: their options and the shape of their replies. */
#ifndef CAIRN_COMMAND_SCAN_H
#define CAIRN_COMMAND_SCAN_H

#include "command/call.h"

struct scan_options {
    uint64_t count;
    struct slice pattern;   /* ptr NULL: every name */
    struct slice type_name; /* TYPE; ptr NULL: every type */
    bool no_values;         /* NOVALUES */
};

#define SCAN_OPTION_TYPE      (1u << 0)
#define SCAN_OPTION_NO_VALUES (1u << 1)

/* False after having replied. */
bool scan_cursor(struct call *call, size_t arg, uint64_t *cursor_out);
/* The options from argument `arg` on: MATCH and COUNT, and those that `allowed` names. False after having replied. */
bool scan_options(struct call *call, size_t arg, unsigned allowed, struct scan_options *options_out);
bool scan_matches(const struct scan_options *options, struct slice name);
/* The cursor, and the `count` elements written to `elements`. */
void scan_reply(struct call *call, uint64_t cursor, const struct resp_out *elements, size_t count);

#endif
