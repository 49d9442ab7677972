/* bitmap_commands.c: the commands of the bitmap group. */
#include "command/bitmap/bitmap_commands.h"

#include "command/index.h"

const struct command *const bitmap_commands[] = {
    &bitmap_bitcount, &bitmap_bitfield, &bitmap_bitfield_ro, &bitmap_bitop,
    &bitmap_bitpos,   &bitmap_getbit,   &bitmap_setbit,      NULL,
};
