/* crc64.c: eight bytes a step, with a table for each of them (crc64.h). */
#include "rdb/crc64.h"

#include <pthread.h>

#define POLYNOMIAL UINT64_C(0x95ac9329ac4bc9b5) /* 0xad93d23594c935a9 with its bits reversed */

/* tables[n][b]: what byte b does n bytes before the end. */
static uint64_t tables[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (unsigned byte = 0; byte < 256; byte++)
        for (int n = 1; n < 8; n++)
            tables[n][byte] = tables[n - 1][byte] >> 8 ^ tables[0][tables[n - 1][byte] & 0xff];
}

uint64_t rdb_crc64(uint64_t crc, struct slice bytes)
{
    pthread_once(&made, make_tables);
    const unsigned char *at = (const unsigned char *)bytes.ptr, *end = at + bytes.len;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc ^= word;
        uint64_t next = 0;
        for (int n = 0; n < 8; n++)
            next ^= tables[7 - n][crc >> 8 * n & 0xff];
        crc = next;
    }
    for (; at < end; at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return crc;
}
