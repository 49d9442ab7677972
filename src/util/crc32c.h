/* crc32c.h: the Castagnoli CRC, by the processor's instruction where there is one. */
#ifndef CAIRN_UTIL_CRC32C_H
#define CAIRN_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of [bytes, bytes+len) that goes on from `crc`, which is 0 at the start: so
 * crc32c(crc32c(0, a), b) is the CRC of a and b in a row. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* Without the instruction; for its test. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
