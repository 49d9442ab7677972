/* pack.h: collections that Redis keeps as one run of bytes: the items of a listpack, a ziplist, a zipmap or an integer set.
 *
 *     listpack   total:32 | count:16 | item ... | ff          item: encoding, bytes, and its length in reverse
 *     ziplist    total:32 | tail:32 | count:16 | item ... | ff   item: the length of the one before, encoding, bytes
 *     zipmap     count:8 | (length, key, length, free:8, value, free bytes) ... | ff
 *     intset     width:32 | count:32 | value ...
 *
 * Counts of 16 bits say ffff when there may be more. Each reader checks all that it passes: the head, that items fill the run to
 * its last byte, their lengths in either direction.
 */
#ifndef CAIRN_RDB_PACK_H
#define CAIRN_RDB_PACK_H

#include "rdb/in.h"

enum rdb_pack_form { RDB_PACK_LISTPACK, RDB_PACK_ZIPLIST, RDB_PACK_ZIPMAP, RDB_PACK_INTSET };

struct rdb_pack_item {
    bool is_int;
    int64_t number;     /* is_int */
    struct slice bytes; /* else: inside the run */
};

/* Behind each item of a listpack stands how many bytes it has: seven bits a byte, high bits first, marked from the second byte on.
 * A byte more is used for 16383, 2097151 and 268435455 than they need. Returns how many bytes that takes. */
#define RDB_PACK_BACK_MAX 5
size_t rdb_pack_back_length(char back[RDB_PACK_BACK_MAX], size_t bytes);

/* Reading one run; an error goes to `in`, whose own place does not move. */
struct rdb_pack {
    struct rdb_in *in;
    enum rdb_pack_form form;
    const char *at;
    const char *end;   /* of the items */
    uint64_t passed;   /* items */
    uint64_t claimed;  /* by the head; UINT64_MAX: it does not say */
    size_t last_bytes; /* ziplist: of the item before */
    bool at_value;     /* zipmap */
    unsigned width;    /* intset */
};

struct rdb_pack rdb_pack_open(struct rdb_in *in, enum rdb_pack_form form, struct slice run);
/* False at the end, or after an error. */
bool rdb_pack_next(struct rdb_pack *pack, struct rdb_pack_item *item_out);
/* The item as text: in the run, or in the arena. */
struct slice rdb_pack_text(struct rdb_pack *pack, const struct rdb_pack_item *item);
/* The next item, which must be an integer; 0 after an error. */
int64_t rdb_pack_int(struct rdb_pack *pack);

#endif
