/* crc32c.c: the Castagnoli CRC. See crc32c.h. */
#include "util/crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* Four bits at a time: a table of 64 bytes needs no start-up, and few processors come here. */
static uint32_t step_nibble(uint32_t crc)
{
    for (unsigned bit = 0; bit < 4; bit++)
        crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    return crc;
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++)
        table[i] = step_nibble(i);
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t wide = ~crc;
    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; len > 0; len--, at++)
        narrow = __builtin_ia32_crc32qi(narrow, *at);
    return ~narrow;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    if (__builtin_cpu_supports("sse4.2")) return by_instruction(crc, bytes, len);
    return crc32c_portable(crc, bytes, len);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; len > 0; len--, at++)
        crc = __crc32cb(crc, *at);
    return ~crc;
}

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    return crc32c_portable(crc, bytes, len);
}

#endif
