/* scan.c: options and replies of the SCAN family. */
#include "command/scan.h"

#include "util/glob.h"
#include "util/number.h"

#include <inttypes.h>

#define COUNT_DEFAULT 10

bool scan_cursor(struct call *call, size_t arg, uint64_t *cursor_out)
{
    if (number_parse_unsigned(call->argv[arg], cursor_out)) return true;
    resp_error(call->out, "ERR invalid cursor");
    return false;
}

bool scan_options(struct call *call, size_t arg, unsigned allowed, struct scan_options *options_out)
{
    struct scan_options options = {0};
    int64_t count = COUNT_DEFAULT;
    for (; arg < call->argc; arg++) {
        bool has_value = arg + 1 < call->argc;
        if (has_value && call_arg_is(call, arg, "COUNT")) {
            if (!call_int(call, ++arg, &count)) return false;
        } else if (has_value && call_arg_is(call, arg, "MATCH")) {
            options.pattern = call->argv[++arg];
        } else if (has_value && allowed & SCAN_OPTION_TYPE && call_arg_is(call, arg, "TYPE")) {
            options.type_name = call->argv[++arg];
        } else if (allowed & SCAN_OPTION_NO_VALUES && call_arg_is(call, arg, "NOVALUES")) {
            options.no_values = true;
        } else {
            count = 0;
        }
        if (count < 1) {
            call_syntax_error(call);
            return false;
        }
    }
    options.count = (uint64_t)count;
    *options_out = options;
    return true;
}

bool scan_matches(const struct scan_options *options, struct slice name)
{
    return options->pattern.ptr == NULL || glob_match(options->pattern, name);
}

void scan_reply(struct call *call, uint64_t cursor, const struct resp_out *elements, size_t count)
{
    if (elements->failed) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    resp_array(call->out, 2);
    resp_bulkf(call->out, "%" PRIu64, cursor);
    resp_array(call->out, count);
    resp_raw(call->out, elements->buf, elements->len);
}
