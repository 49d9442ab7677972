/* stream_names.h: sorted lists of what has a name: the groups of a stream, the consumers of a group. For the files of the stream only.
 *
 * A list is a word of its owner that names a block of offsets (X5); 0 is the empty list. What it lists begins with struct
 * stream_named_layout and belongs to the list.
 */
#ifndef CAIRN_DS_STREAM_NAMES_H
#define CAIRN_DS_STREAM_NAMES_H

#include "ds/stream_layout.h"
#include "heap/heap.h"
#include "util/error.h"
#include "util/slice.h"

static inline struct slice stream_named(const void *named)
{
    const struct stream_named_layout *layout = named;
    return (struct slice){(const char *)named + layout->name_at, layout->name_len};
}

static inline const struct stream_names_layout *stream_names_at(const char *base, uint64_t list)
{
    return (const void *)(base + list);
}

static inline unsigned stream_names_count(const char *base, uint64_t list)
{
    return list == 0 ? 0 : stream_names_at(base, list)->count;
}

/* What stands at `index`, below the count. */
static inline void *stream_names_get(char *base, uint64_t list, unsigned index)
{
    return base + stream_names_at(base, list)->offs[index];
}

/* What has the name, or NULL; *index_out is where it stands or would stand. */
void *stream_names_find(char *base, uint64_t list, struct slice name, unsigned *index_out);
/* A new block that begins with the `bytes` of `image` and ends with the name; image->name_* are set here. */
MUST_CHECK enum error stream_names_create(struct tx *tx, struct stream_named_layout *image, size_t bytes,
                                          struct slice name, uint64_t *off_out);
MUST_CHECK enum error stream_names_insert(struct tx *tx, uint64_t *list, unsigned index, uint64_t off);
/* Takes the offset off the list, and frees the list's block when it was the last. What was listed stays. */
MUST_CHECK enum error stream_names_remove(struct tx *tx, uint64_t *list, unsigned index);

#endif
