/* entry.h: the persistent block of one key: header, expiry, name and value (or where it is). Read access.
 *
 * Bytes on media are validated by entry_is_valid before first use of a heap's contents by tools; accessors
 * trust them.
 */
#ifndef CAIRN_DS_ENTRY_H
#define CAIRN_DS_ENTRY_H

#include "ds/collection.h"
#include "heap/heap.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Values are Redis's types; they stand in the header on media. */
enum entry_type {
    ENTRY_STRING = 0,
    ENTRY_LIST = 1,
    ENTRY_SET = 2,
    ENTRY_ZSET = 3,
    ENTRY_HASH = 4,
    ENTRY_STREAM = 5,
};

struct entry; /* entry_layout.h */

enum entry_type entry_type(const struct entry *entry);
const char *entry_type_name(enum entry_type type); /* "string", "list", ... as TYPE answers */
/* As OBJECT ENCODING answers: int, embstr (<= 44), raw; listpack, intset, hashtable ... */
const char *entry_encoding_name(const struct heap *heap, const struct entry *entry);
struct slice entry_key(const struct entry *entry);
int64_t entry_expire_ms(const struct entry *entry); /* absolute ms, or -1 (EXPIRY_NONE) */
static inline bool entry_is_expired(const struct entry *entry, int64_t now_ms)
{
    int64_t at = entry_expire_ms(entry);
    return at >= 0 && at <= now_ms;
}

/* ---- strings ---- */
#define ENTRY_INT_TEXT_MAX 21
bool entry_int(const struct entry *entry, int64_t *value_out); /* false unless integer-encoded */
size_t entry_string_len(const struct heap *heap, const struct entry *entry); /* bytes, as STRLEN answers */
/* The value's bytes: in place, or for integers their decimal text in `text`. Good until the entry is written.
 */
struct slice entry_string(const struct heap *heap, const struct entry *entry, char text[ENTRY_INT_TEXT_MAX]);

/* ---- collections (ds/collection.h) ---- */
/* The bytes of a packed collection; false for strings and rooted values. Good until the entry is written. */
bool entry_packed(const struct heap *heap, const struct entry *entry, struct slice *blob_out);
/* The root block of a large collection and its kind (NULL: not wanted); 0 for packed ones and strings. */
uint64_t entry_root(const struct entry *entry, enum collection_kind *kind_out);
/* The operations of the entry's type; NULL for strings. */
const struct collection_ops *entry_collection(const struct entry *entry);
/* When the keyspace must look at the entry: its own expiry time, or an earlier one inside a collection; -1: never. */
int64_t entry_due_ms(const struct heap *heap, const struct entry *entry);
/* Visits the elements of a collection, packed or rooted. */
void entry_visit(const struct heap *heap, const struct entry *entry, collection_visit *visit, void *ctx);

/* ---- access clock: 24 scratch bits, meaning as in Redis: LRU seconds, or LFU minutes and counter ---- */
uint32_t entry_access(const struct entry *entry);
void entry_set_access(struct tx *tx, struct entry *entry, uint32_t bits); /* stores only when it changes */

#endif
