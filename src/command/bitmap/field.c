/* field.c: BITFIELD: integers of any width inside a string.
 *
 * Terms: a *field* is `bits` bits from bit `offset` on, highest bit first. A *step* is one GET, SET or INCRBY
 * of the command, with the overflow mode that the last OVERFLOW before it chose.
 *
 * The arguments are read twice: first to find every mistake, whether anything writes and how far, then to
 * execute.
 */
#include "command/arguments.h"
#include "command/bitmap/bitmap_commands.h"
#include "command/bitmap/bits.h"
#include "util/number.h"

#define FIELD_BYTES_MAX 9 /* 64 bits that start inside a byte */

enum overflow { OVERFLOW_WRAP, OVERFLOW_SAT, OVERFLOW_FAIL };
enum step_kind { STEP_GET, STEP_SET, STEP_INCRBY };

struct step {
    enum step_kind kind;
    enum overflow overflow;
    bool is_signed;
    unsigned bits; /* 1..64, unsigned 1..63 */
    uint64_t offset;
    int64_t operand;
};

/* ---- arguments ---- */

/* i1..i64 or u1..u63; false after having replied. */
static bool parse_type(struct call *call, size_t arg, struct step *step)
{
    struct slice text = call->argv[arg];
    int64_t bits;

    if (text.len > 1 && (text.ptr[0] == 'i' || text.ptr[0] == 'u')) {
        step->is_signed = text.ptr[0] == 'i';
        if (number_parse_int((struct slice){text.ptr + 1, text.len - 1}, &bits) && bits >= 1 &&
            bits <= (step->is_signed ? 64 : 63)) {
            step->bits = (unsigned)bits;
            return true;
        }
    }
    resp_error(call->out,
               "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
               "i64 is.");
    return false;
}

static bool parse_overflow(struct call *call, size_t arg, enum overflow *overflow_out)
{
    if (call_arg_is(call, arg, "WRAP")) {
        *overflow_out = OVERFLOW_WRAP;
    } else if (call_arg_is(call, arg, "SAT")) {
        *overflow_out = OVERFLOW_SAT;
    } else if (call_arg_is(call, arg, "FAIL")) {
        *overflow_out = OVERFLOW_FAIL;
    } else {
        resp_error(call->out, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* Reads the next step from argument *arg on and moves *arg behind it. `step` keeps its overflow mode from one
 * call to the next. False at the end
 * (*arg == argc) and after having replied an error (*arg < argc). */
static bool next_step(struct call *call, size_t *arg, struct step *step)
{
    while (call_arg_is(call, *arg, "OVERFLOW") && *arg + 1 < call->argc) {
        if (!parse_overflow(call, *arg + 1, &step->overflow)) return false;
        *arg += 2;
    }
    if (*arg == call->argc) return false;

    size_t operands = call->argc - *arg - 1;
    if (call_arg_is(call, *arg, "GET") && operands >= 2) {
        step->kind = STEP_GET;
    } else if (call_arg_is(call, *arg, "SET") && operands >= 3) {
        step->kind = STEP_SET;
    } else if (call_arg_is(call, *arg, "INCRBY") && operands >= 3) {
        step->kind = STEP_INCRBY;
    } else {
        call_syntax_error(call);
        return false;
    }
    if (!parse_type(call, *arg + 1, step)) return false;
    if (!bits_offset(call, *arg + 2, step->bits, &step->offset)) return false;
    if (step->kind != STEP_GET && !call_int(call, *arg + 3, &step->operand)) return false;
    *arg += step->kind == STEP_GET ? 3 : 4;
    return true;
}

/* What the whole command does: how many steps, and how long the string must be for those that write (0: none
 * do). */
static bool survey(struct call *call, size_t *steps_out, size_t *write_len_out)
{
    struct step step = {.overflow = OVERFLOW_WRAP};
    size_t arg = 2;

    *steps_out = 0;
    *write_len_out = 0;
    while (next_step(call, &arg, &step)) {
        (*steps_out)++;
        size_t end = (step.offset + step.bits + 7) / 8;
        if (step.kind != STEP_GET && end > *write_len_out) *write_len_out = end;
    }
    return arg == call->argc;
}

/* ---- fields ---- */

/* The bytes that hold a field, as one number: `shift` bits below the field belong to its neighbours. */
struct window {
    size_t at;
    size_t len;
    unsigned shift;
    unsigned __int128 value;
};

/* Bytes beyond the string's end are zero. */
static struct window window_load(struct slice bytes, const struct step *step)
{
    uint64_t end = step->offset + step->bits;
    struct window window = {.at = step->offset / 8, .len = (end + 7) / 8 - step->offset / 8};

    window.shift = (unsigned)(8 - end % 8) % 8;
    for (size_t i = 0; i < window.len; i++) {
        size_t at = window.at + i;
        window.value = window.value << 8 | (at < bytes.len ? (unsigned char)bytes.ptr[at] : 0);
    }
    return window;
}

static uint64_t field_mask(const struct step *step)
{
    return UINT64_MAX >> (64 - step->bits);
}

/* The lowest bits of `raw` as a number of the step's type. */
static __int128 field_value(const struct step *step, uint64_t raw)
{
    raw &= field_mask(step);
    bool negative = step->is_signed && raw >> (step->bits - 1);
    return (__int128)raw - (negative ? (__int128)1 << step->bits : 0);
}

/* Fits `value` into the step's type by its overflow mode; false when that is FAIL and it does not fit. */
static bool fit(const struct step *step, __int128 *value)
{
    __int128 max = (__int128)(field_mask(step) >> step->is_signed);
    __int128 min = step->is_signed ? -max - 1 : 0;

    if (*value >= min && *value <= max) return true;
    switch (step->overflow) {
    case OVERFLOW_WRAP: *value = field_value(step, (uint64_t)*value); return true;
    case OVERFLOW_SAT: *value = *value > max ? max : min; return true;
    case OVERFLOW_FAIL: break;
    }
    return false;
}

/* ---- execution ---- */

static bool write_field(struct call *call, const struct step *step, struct window *window, uint64_t raw)
{
    unsigned __int128 mask = (unsigned __int128)field_mask(step) << window->shift;
    unsigned char bytes[FIELD_BYTES_MAX];
    char *value;

    window->value = (window->value & ~mask) | ((unsigned __int128)raw << window->shift & mask);
    for (size_t i = window->len; i-- > 0; window->value >>= 8)
        bytes[i] = (unsigned char)window->value;
    enum error error = keyspace_edit_string(call->tx, call->keyspace, call->db, &call->keys[0], window->at,
                                            window->len, 0, &value);
    if (error) {
        call_fail(call, error);
        return false;
    }
    tx_write(call->tx, value + window->at, bytes, window->len);
    return true;
}

/* Executes a step that writes and replies; false after a failure. */
static bool execute_write(struct call *call, const struct step *step, struct slice bytes, bool *changed)
{
    struct window window = window_load(bytes, step);
    __int128 old = field_value(step, (uint64_t)(window.value >> window.shift));
    __int128 value = old + step->operand;

    /* An unsigned field takes a negative operand of SET for the large number with the same bits. */
    if (step->kind == STEP_SET) value = step->is_signed ? step->operand : (__int128)(uint64_t)step->operand;
    if (!fit(step, &value)) {
        resp_null(call->out);
        return true;
    }
    resp_int(call->out, (int64_t)(step->kind == STEP_SET ? old : value));
    if (value == old) return true;
    *changed = true;
    return write_field(call, step, &window, (uint64_t)value);
}

static struct slice current_string(struct call *call, char text[ENTRY_INT_TEXT_MAX])
{
    const struct entry *entry = keyspace_find(call->keyspace, call->db, &call->keys[0]);

    return entry_string(keyspace_heap(call->keyspace), entry, text);
}

static void execute(struct call *call, size_t steps, size_t write_len)
{
    struct step step = {.overflow = OVERFLOW_WRAP};
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    size_t arg = 2;
    bool changed = false;

    if (!bits_string(call, 0, write_len > 0, text, &bytes, NULL)) return;
    if (write_len > bytes.len) {
        char *value;
        enum error error =
            keyspace_edit_string(call->tx, call->keyspace, call->db, &call->keys[0], 0, 0, write_len, &value);
        if (error) {
            call_fail(call, error);
            return;
        }
        bytes = current_string(call, text);
        changed = true;
    }
    resp_array(call->out, steps);
    while (next_step(call, &arg, &step)) {
        if (step.kind == STEP_GET) {
            struct window window = window_load(bytes, &step);
            resp_int(call->out, (int64_t)field_value(&step, (uint64_t)(window.value >> window.shift)));
        } else {
            if (!execute_write(call, &step, bytes, &changed)) return;
            bytes = current_string(call, text);
        }
    }
    if (changed) call_notify(call, "setbit", &call->keys[0]);
}

static void bitfield(struct call *call);
static uint32_t bitfield_key_flags(const struct slice *argv, size_t argc);
const struct command bitmap_bitfield = {
    .name = "bitfield",
    .handler = bitfield,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "3.2.0",
    .summary = "Reads, sets and counts up integers of any width inside a string.",
    .complexity = "O(1) for each operation",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, 0, 1, 0,
               KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
               "This command allows both access and modification of the key"}},
    .key_flags = bitfield_key_flags,
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "operation",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL | ARG_MULTIPLE,
         .sub = ARGUMENTS(
             {.name = "get-block",
              .type = ARG_BLOCK,
              .token = "GET",
              .sub = ARGUMENTS(ARGUMENT("encoding", ARG_STRING), ARGUMENT("offset", ARG_INTEGER))},
             {.name = "write",
              .type = ARG_BLOCK,
              .sub = ARGUMENTS(
                  {.name = "overflow-block",
                   .type = ARG_ONEOF,
                   .token = "OVERFLOW",
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT_WORD("wrap", "WRAP"), ARGUMENT_WORD("sat", "SAT"),
                                    ARGUMENT_WORD("fail", "FAIL"))},
                  {.name = "write-operation",
                   .type = ARG_ONEOF,
                   .sub = ARGUMENTS(
                       {.name = "set-block",
                        .type = ARG_BLOCK,
                        .token = "SET",
                        .sub = ARGUMENTS(ARGUMENT("encoding", ARG_STRING), ARGUMENT("offset", ARG_INTEGER),
                                         ARGUMENT("value", ARG_INTEGER))},
                       {.name = "incrby-block",
                        .type = ARG_BLOCK,
                        .token = "INCRBY",
                        .sub = ARGUMENTS(ARGUMENT("encoding", ARG_STRING), ARGUMENT("offset", ARG_INTEGER),
                                         ARGUMENT("increment", ARG_INTEGER))})})})}),
};

static uint32_t bitfield_key_flags(const struct slice *argv, size_t argc)
{
    for (size_t i = 2; i < argc; i++)
        if (slice_is_word(argv[i], "set") || slice_is_word(argv[i], "incrby"))
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    return KEY_RO | KEY_ACCESS;
}

static void bitfield(struct call *call)
{
    size_t steps;
    size_t write_len;

    if (survey(call, &steps, &write_len)) execute(call, steps, write_len);
}

static void bitfield_ro(struct call *call);
const struct command bitmap_bitfield_ro = {
    .name = "bitfield_ro",
    .handler = bitfield_ro,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "6.0.0",
    .summary = "Reads integers of any width inside a string.",
    .complexity = "O(1) for each operation",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), {.name = "get-block",
                                                    .type = ARG_BLOCK,
                                                    .token = "GET",
                                                    .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
                                                    .sub = ARGUMENTS(ARGUMENT("encoding", ARG_STRING),
                                                                     ARGUMENT("offset", ARG_INTEGER))}),
};

static void bitfield_ro(struct call *call)
{
    size_t steps;
    size_t write_len;

    if (!survey(call, &steps, &write_len)) return;
    if (write_len > 0) resp_error(call->out, "ERR BITFIELD_RO only supports the GET subcommand");
    else execute(call, steps, 0);
}
