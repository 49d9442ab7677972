/* entry_edit.h: building, changing and checking entries. For the layers that own the tables.
 *
 * Terms: an *image* is the wanted contents of an entry; *bytes* of an image or entry are what it needs,
 * header to embedded value, without the block's slack.
 */
#ifndef CAIRN_DS_ENTRY_EDIT_H
#define CAIRN_DS_ENTRY_EDIT_H

#include "ds/entry_layout.h"
#include "util/error.h"

/* Entries up to this size embed their string; above, the value has a block of its own. */
#define ENTRY_EMBEDDED_TOTAL_MAX 1024
/* Longest value that fits what a proto-max-bulk-len may allow, and one heap object. */
#define ENTRY_VALUE_MAX HEAP_OBJECT_MAX

struct entry_image {
    enum entry_type type;
    enum entry_encoding encoding;
    bool edited;
    bool expiry_slot;     /* set whenever expire_at_ms >= 0 */
    int64_t expire_at_ms; /* or -1 */
    uint32_t access;
    struct slice key;
    struct slice value; /* EMBEDDED: its bytes */
    int64_t number;     /* WORD of a string */
    uint64_t root;      /* WORD of a collection: struct heap_off, tagged with its kind */
    struct entry_external_layout external;
};

/* Image of what `entry` holds, its slices pointing into it. */
struct entry_image entry_image_of(const struct entry *entry);
size_t entry_image_bytes(const struct entry_image *image);
/* Writes the image to `dst`, a new object or a range under snapshot of at least entry_image_bytes. The
 * image's slices must not overlap `dst`. */
void entry_image_write(struct tx *tx, struct entry *dst, const struct entry_image *image);

/* True when the image may take the place of `entry` in its block: it fits and does not waste the block. */
bool entry_fits(const struct heap *heap, const struct entry *entry, const struct entry_image *image);
/* Overwrites `entry` with the image, logging only what changes. Only when entry_fits. Slices as above. */
MUST_CHECK enum error entry_overwrite(struct tx *tx, struct entry *entry, const struct entry_image *image);

/* Allocates a block of at least min_bytes (0: what it needs) and writes the image into it. */
MUST_CHECK enum error entry_create(struct tx *tx, const struct entry_image *image, size_t min_bytes,
                                   uint64_t *off_out);
/* Sets the expiry in the entry's slot, or makes room for one in the block's slack. *done_out false: there is
 * no room, nothing was changed. */
MUST_CHECK enum error entry_set_expiry(struct tx *tx, struct entry *entry, int64_t expire_at_ms,
                                       bool *done_out);

/* A block with the bytes of `value`, for an EXTERNAL image; capacity is at least min_capacity. */
MUST_CHECK enum error entry_external_create(struct tx *tx, struct slice value, size_t min_capacity,
                                            struct entry_external_layout *external_out);
/* Frees the value's own block, if there is one; hangs a root onto the reclaim list `list` (ds/reclaim.h). NULL: an element of a
 * collection, which has none. */
MUST_CHECK enum error entry_free_value(struct tx *tx, const struct entry *entry, uint64_t *list);
/* Frees the value and the entry. */
MUST_CHECK enum error entry_free(struct tx *tx, struct entry *entry, uint64_t *list);

size_t entry_bytes(const struct entry *entry);
uint64_t entry_off(const struct heap *heap, const struct entry *entry);
/* Bytes of the entry's blocks at their class size; of a large collection as sampled over `samples` elements (0: all). */
size_t entry_heap_bytes(const struct heap *heap, const struct entry *entry, size_t samples);
/* Validates the entry at `off` without trusting a byte of it; what its value points to is not followed. */
bool entry_is_valid(const struct heap *heap, uint64_t off);
/* Validates the value of an entry that is valid. */
bool entry_value_is_valid(const struct heap *heap, const struct entry *entry, char *detail, size_t detail_cap);
/* Names the entry's blocks and its value's (heap_walk). */
void entry_walk(const struct heap *heap, const struct entry *entry, void (*own)(void *ctx, uint64_t off),
                void *ctx);

#endif
