/* bits.h: strings as arrays of bits; bit 0 is the highest bit of the first byte. Pure functions, but for
 * bits_offset. */
#ifndef CAIRN_COMMAND_BITMAP_BITS_H
#define CAIRN_COMMAND_BITMAP_BITS_H

#include "command/call.h"

/* How many bits of bytes[0..len) are set. */
uint64_t bits_count(const unsigned char *bytes, size_t len);
/* How many of the bits first .. last (both included, first <= last) are set. */
uint64_t bits_count_range(const unsigned char *bytes, uint64_t first, uint64_t last);
/* The first of the bits first .. last that is `bit`; -1 when there is none. */
int64_t bits_find(const unsigned char *bytes, uint64_t first, uint64_t last, bool bit);

/* The bit offset in argument `arg`; with field_bits > 0 it may be "#n", the n-th field of that width. False
 * after having replied that it is no offset, or beyond what a string may hold. */
bool bits_offset(struct call *call, size_t arg, unsigned field_bits, uint64_t *offset_out);

/* The string at key `index`, looked up with call_read (`write`: call_peek); empty when there is none. False
 * after -WRONGTYPE. *exists_out may be NULL. */
bool bits_string(struct call *call, size_t index, bool write, char text[ENTRY_INT_TEXT_MAX],
                 struct slice *bytes_out, bool *exists_out);

#endif
