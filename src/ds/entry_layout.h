/* entry_layout.h: bytes of an entry on media.
 *
 *     header | long form: key length | expiry slot | auxiliary words | key bytes | embedded value bytes
 *       8    |          8            |      8      |  by encoding    |
 *
 * Auxiliary words, so that their number is the encoding's value: EMBEDDED none; WORD a string's number, or for
 * other types a struct heap_off of the root block with enum collection_kind as its tag; EXTERNAL offset and length
 * of the value's own block. Embedded and external bytes of other types than strings are packed collections. A
 * 16-byte key with a 32-byte value takes 56 bytes.
 *
 * Invariants:
 * E1. key_len is 0 when the long form is set; then the word after the header is the key's length (> 255).
 * E2. value_len counts embedded bytes and is 0 in other encodings.
 * E3. The expiry slot holds absolute milliseconds (>= 0), or -1 when the expiry was taken away.
 * E4. The block holds at least what the header says; bytes beyond it are slack without meaning.
 * E5. An external block belongs to exactly one entry, and so does a root.
 */
#ifndef CAIRN_DS_ENTRY_LAYOUT_H
#define CAIRN_DS_ENTRY_LAYOUT_H

#include "ds/entry.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum entry_encoding {
    ENTRY_EMBEDDED = 0,
    ENTRY_WORD = 1,
    ENTRY_EXTERNAL = 2,
};

enum {
    ENTRY_FLAG_LONG = 1,   /* E1 */
    ENTRY_FLAG_EXPIRY = 2, /* has an expiry slot */
    ENTRY_FLAG_EDITED = 4, /* a string changed since it was set as a whole: OBJECT ENCODING says raw */
    ENTRY_FLAGS = 7,
};

struct entry_layout {
    uint8_t kind; /* enum entry_type | enum entry_encoding << 4 */
    uint8_t flags;
    uint8_t access[3]; /* scratch bytes (T1): nothing else stands in them */
    uint8_t key_len;
    uint16_t value_len;
};
static_assert(sizeof(struct entry_layout) == 8, "entry header");
static_assert(offsetof(struct entry_layout, access) == 2, "entry header");
static_assert(offsetof(struct entry_layout, key_len) == 5, "entry header");
static_assert(offsetof(struct entry_layout, value_len) == 6, "entry header");

struct entry {
    struct entry_layout head;
};

struct entry_external_layout {
    uint64_t off;
    uint64_t len;
};
static_assert(sizeof(struct entry_external_layout) == 8 * ENTRY_EXTERNAL,
              "aux words are the encoding's value");

#define ENTRY_SHORT_KEY_MAX UINT8_MAX

static inline enum entry_encoding entry_encoding(const struct entry *entry)
{
    return (enum entry_encoding)(entry->head.kind >> 4);
}

/* Bytes before the key. */
static inline size_t entry_prefix_bytes(unsigned flags, enum entry_encoding encoding)
{
    return sizeof(struct entry_layout) +
           8 * ((flags & ENTRY_FLAG_LONG) + ((flags & ENTRY_FLAG_EXPIRY) >> 1) + (size_t)encoding);
}

static inline struct slice entry_key_inline(const struct entry *entry)
{
    const char *bytes = (const char *)entry;
    size_t len = entry->head.key_len;
    if (__builtin_expect(entry->head.flags & ENTRY_FLAG_LONG, 0))
        len = (size_t)((const uint64_t *)(const void *)entry)[1];
    return (struct slice){bytes + entry_prefix_bytes(entry->head.flags, entry_encoding(entry)), len};
}

/* Where the expiry slot stands (only when ENTRY_FLAG_EXPIRY is set). */
static inline int64_t *entry_expiry_slot(struct entry *entry)
{
    return (int64_t *)(void *)((char *)entry + entry_prefix_bytes(entry->head.flags & ENTRY_FLAG_LONG, 0));
}

/* The auxiliary words (WORD, EXTERNAL). */
static inline void *entry_aux(struct entry *entry)
{
    return (char *)entry + entry_prefix_bytes(entry->head.flags, 0);
}

#endif
