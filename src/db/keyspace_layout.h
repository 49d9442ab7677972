/* keyspace_layout.h: bytes of the keyspace's root and of a database on media.
 *
 *     heap root 0 ──> keyspace ──> database 0, database 1, ...      one table per stripe in each
 *                        └──> reclaim list of each stripe
 *
 * Invariants:
 * K1. database[i] names what SELECT i sees: SWAPDB exchanges two words. No database is named twice
 *     (the heap's check finds a block with two owners).
 * K2. Tables and reclaim words of stripe s are written under the lock of s only, or by someone alone (H3).
 * K3. Every entry stands in the table of its name's stripe.
 * K4. reclaim[s].pending counts the values on the list of s: entries in tables, and roots of collections.
 */
#ifndef CAIRN_DB_KEYSPACE_LAYOUT_H
#define CAIRN_DB_KEYSPACE_LAYOUT_H

#include "db/keyspace.h"
#include "ds/hashtable_layout.h"

#define KEYSPACE_MAGIC   UINT64_C(0x6563617073796b2e) /* ".kyspace" */
#define KEYSPACE_VERSION 1
/* Bounds what a damaged count can make us read; Redis knows no more than an int's worth. */
#define KEYSPACE_DATABASES_MAX (UINT64_C(1) << 20)

/* A line of its own: stripes of one database are written by different threads. */
struct keyspace_table_layout {
    struct hashtable_layout table;
    uint64_t reserved[4];
};
static_assert(sizeof(struct keyspace_table_layout) == 64, "a table's root is a line");

struct keyspace_database_layout {
    struct keyspace_table_layout stripe[KEYSPACE_STRIPES];
};

struct keyspace_reclaim_layout {
    uint64_t head; /* ds/reclaim.h */
    uint64_t pending;
};

struct keyspace_layout {
    uint64_t magic;
    uint32_t version;
    uint32_t stripes;
    uint64_t databases;
    uint64_t reserved;
    struct keyspace_reclaim_layout reclaim[KEYSPACE_STRIPES];
    uint64_t database[]; /* offsets */
};
static_assert(offsetof(struct keyspace_layout, databases) == 16, "keyspace");
static_assert(offsetof(struct keyspace_layout, reclaim) == 32, "keyspace");
static_assert(offsetof(struct keyspace_layout, database) == 32 + 16 * KEYSPACE_STRIPES, "keyspace");

#endif
