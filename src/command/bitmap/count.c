/* count.c: counting and finding bits in a range of a string. */
#include "command/arguments.h"
#include "command/bitmap/bitmap_commands.h"
#include "command/bitmap/bits.h"
#include "util/range.h"

#define UNIT_ARGUMENT                                                                                        \
    {                                                                                                        \
        .name = "unit", .type = ARG_ONEOF, .flags = ARG_OPTIONAL, .since = "7.0.0",                          \
        .sub = ARGUMENTS(ARGUMENT_WORD("byte", "BYTE"), ARGUMENT_WORD("bit", "BIT"))                         \
    }

/* Argument `arg`, if there is one: BYTE or BIT. False after -ERR syntax error. */
static bool parse_unit(struct call *call, size_t arg, bool *in_bits_out)
{
    *in_bits_out = call_arg_is(call, arg, "BIT");
    if (arg >= call->argc || *in_bits_out || call_arg_is(call, arg, "BYTE")) return true;
    call_syntax_error(call);
    return false;
}

/* Turns a range in bytes or bits of a string of `len` bytes into one of bits; false when it is empty. */
static bool bit_range(int64_t *first, int64_t *last, bool in_bits, size_t len)
{
    int64_t units = (int64_t)len * (in_bits ? 8 : 1);

    if (!range_clamp(first, last, units)) return false;
    if (!in_bits) {
        *first *= 8;
        *last = *last * 8 + 7;
    }
    return true;
}

static void bitcount(struct call *call);
const struct command bitmap_bitcount = {
    .name = "bitcount",
    .handler = bitcount,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "2.6.0",
    .summary = "Counts the bits that are set in a string or in a range of it.",
    .complexity = "O(N)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "range",
         .type = ARG_BLOCK,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(ARGUMENT("start", ARG_INTEGER), ARGUMENT("end", ARG_INTEGER), UNIT_ARGUMENT)}),
    .history = HISTORY("7.0.0", "Added the `BYTE|BIT` option."),
};

static void bitcount(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    int64_t first = 0;
    int64_t last = -1;
    bool in_bits;
    bool exists;

    if (!bits_string(call, 0, false, text, &bytes, &exists)) return;
    if (!exists) { /* whatever the range says, as Redis 7 */
        resp_int(call->out, 0);
        return;
    }
    if (call->argc == 3 || call->argc > 5) {
        call_syntax_error(call);
        return;
    }
    if (call->argc > 3 && (!call_int(call, 2, &first) || !call_int(call, 3, &last))) return;
    if (first < 0 && last < 0 && first > last) {
        resp_int(call->out, 0);
        return;
    }
    if (!parse_unit(call, 4, &in_bits)) return;
    uint64_t count = 0;
    if (bit_range(&first, &last, in_bits, bytes.len))
        count = bits_count_range((const unsigned char *)bytes.ptr, (uint64_t)first, (uint64_t)last);
    resp_int(call->out, (int64_t)count);
}

static void bitpos(struct call *call);
const struct command bitmap_bitpos = {
    .name = "bitpos",
    .handler = bitpos,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "2.8.7",
    .summary = "Finds the first bit that is set, or clear, in a string or in a range of it.",
    .complexity = "O(N)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("bit", ARG_INTEGER),
                  {.name = "range",
                   .type = ARG_BLOCK,
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT("start", ARG_INTEGER),
                                    {.name = "end-unit-block",
                                     .type = ARG_BLOCK,
                                     .flags = ARG_OPTIONAL,
                                     .sub = ARGUMENTS(ARGUMENT("end", ARG_INTEGER), UNIT_ARGUMENT)})}),
    .history = HISTORY("7.0.0", "Added the `BYTE|BIT` option."),
};

static void bitpos(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    int64_t bit;
    int64_t first = 0;
    int64_t last = -1;
    bool in_bits;
    bool exists;

    if (!call_int(call, 2, &bit)) return;
    if (bit != 0 && bit != 1) {
        resp_error(call->out, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (!bits_string(call, 0, false, text, &bytes, &exists)) return;
    if (!exists) { /* an endless row of zeros, whatever the range says, as Redis 7 */
        resp_int(call->out, bit ? -1 : 0);
        return;
    }
    if (call->argc > 6) {
        call_syntax_error(call);
        return;
    }
    bool has_end = call->argc > 4;
    if (call->argc > 3 && !call_int(call, 3, &first)) return;
    if (!parse_unit(call, 5, &in_bits)) return;
    if (has_end && !call_int(call, 4, &last)) return;
    int64_t found = -1;
    if (bit_range(&first, &last, in_bits, bytes.len)) {
        found = bits_find((const unsigned char *)bytes.ptr, (uint64_t)first, (uint64_t)last, bit == 1);
        /* Without an end the string goes on with zeros. */
        if (found < 0 && bit == 0 && !has_end) found = (int64_t)bytes.len * 8;
    }
    resp_int(call->out, found);
}
