/* crc64.h: the checksum of payloads: CRC-64 of the Jones polynomial, reflected, from 0. */
#ifndef CAIRN_RDB_CRC64_H
#define CAIRN_RDB_CRC64_H

#include "util/slice.h"

#include <stdint.h>

/* The checksum of `bytes` after those whose checksum is `crc` (0: none). */
uint64_t rdb_crc64(uint64_t crc, struct slice bytes);

#endif
