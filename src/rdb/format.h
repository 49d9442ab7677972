/* format.h: numbers of the format: types of values, kinds of lengths, versions. */
#ifndef CAIRN_RDB_FORMAT_H
#define CAIRN_RDB_FORMAT_H

/* The first byte of a payload. */
enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3, /* scores as text */
    RDB_HASH = 4,
    RDB_ZSET_2 = 5, /* scores as doubles */
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14, /* of ziplists */
    RDB_STREAM = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18, /* of listpacks and single items */
    RDB_STREAM_2 = 19,         /* counts of entries, the largest deleted ID */
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,   /* when consumers were last active */
    RDB_HASH_TIMES = 24, /* fields that expire (Redis 7.4) */
    RDB_HASH_TIMES_PACK = 25,
};

/* Behind the value: two bytes of version, eight of CRC-64 over all before them; little endian. */
#define RDB_FOOTER_BYTES  10
#define RDB_VERSION_READ  12 /* the newest that is read: Redis 7.4's */
#define RDB_VERSION_WRITE 10 /* Redis 7.0 */
#define RDB_VERSION_TIMES 12 /* of hashes with fields that expire */

/* The two high bits of a length's first byte. */
enum rdb_length {
    RDB_LENGTH_6 = 0,
    RDB_LENGTH_14 = 1,
    RDB_LENGTH_LONG = 2, /* 0x80: four bytes follow; 0x81: eight; big endian */
    RDB_LENGTH_ENCODED = 3,
};
#define RDB_LONG_4 0x80
#define RDB_LONG_8 0x81

/* The low bits, where a string is encoded. */
enum rdb_encoded { RDB_INT_8, RDB_INT_16, RDB_INT_32, RDB_LZF };

/* What a node of RDB_LIST_QUICKLIST_2 is. */
#define RDB_NODE_PLAIN  1
#define RDB_NODE_PACKED 2

#endif
