/* bit.c: single bits. */
#include "command/arguments.h"
#include "command/bitmap/bitmap_commands.h"
#include "command/bitmap/bits.h"

static bool bit_at(struct slice bytes, uint64_t offset)
{
    if (offset / 8 >= bytes.len) return false;
    return (unsigned char)bytes.ptr[offset / 8] >> (7 - offset % 8) & 1;
}

static void setbit(struct call *call);
const struct command bitmap_setbit = {
    .name = "setbit",
    .handler = setbit,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "2.2.0",
    .summary = "Sets or clears one bit of a string and answers what it was; the string grows as needed.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("offset", ARG_INTEGER), ARGUMENT("value", ARG_INTEGER)),
};

static void setbit(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice old;
    uint64_t offset;
    int64_t bit;
    char *value;

    if (!bits_offset(call, 2, 0, &offset)) return;
    if (!call_int_range(call, 3, 0, 1, "ERR bit is not an integer or out of range", &bit)) return;
    if (!bits_string(call, 0, true, text, &old, NULL)) return;
    size_t at = offset / 8;
    bool was = bit_at(old, offset);
    if (at >= old.len || was != (bit == 1)) {
        enum error error =
            keyspace_edit_string(call->tx, call->keyspace, call->db, &call->keys[0], at, 1, at + 1, &value);
        if (error) {
            call_fail(call, error);
            return;
        }
        unsigned mask = 0x80u >> offset % 8;
        unsigned char byte = (unsigned char)value[at];
        byte = (unsigned char)(bit ? byte | mask : byte & ~mask);
        tx_write(call->tx, value + at, &byte, 1);
        call_notify(call, "setbit", &call->keys[0]);
    }
    resp_int(call->out, was);
}

static void getbit(struct call *call);
const struct command bitmap_getbit = {
    .name = "getbit",
    .handler = getbit,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "2.2.0",
    .summary = "Answers one bit of a string; beyond its end all are 0.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("offset", ARG_INTEGER)),
};

static void getbit(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    uint64_t offset;

    if (!bits_offset(call, 2, 0, &offset)) return;
    if (bits_string(call, 0, false, text, &bytes, NULL)) resp_int(call->out, bit_at(bytes, offset));
}
