/* options.c: conditions and expiry times of SET and GETEX. */
#include "command/string/options.h"

struct option {
    const char *word;
    unsigned bit;
    unsigned excludes; /* options that must not stand before it */
};

static const struct option known_options[] = {
    {"NX", STRING_OPTION_NX, STRING_OPTION_XX},
    {"XX", STRING_OPTION_XX, STRING_OPTION_NX},
    {"GET", STRING_OPTION_GET, 0},
    {"KEEPTTL", STRING_OPTION_KEEPTTL, STRING_OPTION_PERSIST | STRING_OPTIONS_EXPIRY},
    {"PERSIST", STRING_OPTION_PERSIST, STRING_OPTION_KEEPTTL | STRING_OPTIONS_EXPIRY},
#define EXCLUDED_BY(expiry)                                                                                  \
    (STRING_OPTION_KEEPTTL | STRING_OPTION_PERSIST | (STRING_OPTIONS_EXPIRY & ~(expiry)))
    {"EX", STRING_OPTION_EX, EXCLUDED_BY(STRING_OPTION_EX)},
    {"PX", STRING_OPTION_PX, EXCLUDED_BY(STRING_OPTION_PX)},
    {"EXAT", STRING_OPTION_EXAT, EXCLUDED_BY(STRING_OPTION_EXAT)},
    {"PXAT", STRING_OPTION_PXAT, EXCLUDED_BY(STRING_OPTION_PXAT)},
#undef EXCLUDED_BY
};

static const struct option *option_named(struct slice word)
{
    for (size_t i = 0; i < sizeof(known_options) / sizeof(known_options[0]); i++) {
        if (slice_is_word(word, known_options[i].word)) return &known_options[i];
    }
    return NULL;
}

bool string_options_parse(struct call *call, size_t first, unsigned allowed,
                          struct string_options *options_out)
{
    *options_out = (struct string_options){0};
    for (size_t arg = first; arg < call->argc; arg++) {
        const struct option *option = option_named(call->argv[arg]);
        bool takes_time = option && (option->bit & STRING_OPTIONS_EXPIRY);
        if (!option || !(option->bit & allowed) || (option->excludes & options_out->set) ||
            (takes_time && arg + 1 == call->argc)) {
            call_syntax_error(call);
            return false;
        }
        options_out->set |= option->bit;
        if (takes_time) options_out->expiry_arg = ++arg;
    }
    return true;
}

bool string_expiry(struct call *call, size_t arg, unsigned option, int64_t *expire_at_ms_out)
{
    bool in_seconds = option == STRING_OPTION_EX || option == STRING_OPTION_EXAT;
    bool is_relative = option == STRING_OPTION_EX || option == STRING_OPTION_PX;
    int64_t at_ms;

    if (!call_int(call, arg, &at_ms)) return false;
    if (at_ms <= 0 || (in_seconds && __builtin_mul_overflow(at_ms, INT64_C(1000), &at_ms)) ||
        (is_relative && __builtin_add_overflow(at_ms, call->now_ms, &at_ms))) {
        resp_errorf(call->out, "ERR invalid expire time in '%s' command", call->command->name);
        return false;
    }
    *expire_at_ms_out = at_ms;
    return true;
}
