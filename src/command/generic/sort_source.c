/* sort_source.c: copying what SORT reads. */
#include "command/generic/sort_source.h"

#include "ds/hash.h"

#include <stdlib.h>

#define FIRST_CAP       64
#define FIRST_CAP_BYTES 4096
#define KEY_INLINE      256 /* longer names are put together on the heap */

static const struct sort_text absent = {.is_absent = true};

/* ---- texts ---- */

static struct sort_text add_text(struct sort_texts *texts, struct slice text)
{
    if (text.len > texts->cap - texts->len) {
        size_t cap = texts->cap < FIRST_CAP_BYTES ? FIRST_CAP_BYTES : texts->cap * 2;
        if (cap < texts->len + text.len) cap = texts->len + text.len;
        char *bytes = realloc(texts->bytes, cap);
        texts->failed |= bytes == NULL;
        if (!bytes) return absent;
        texts->bytes = bytes;
        texts->cap = cap;
    }
    struct sort_text added = {.at = texts->len, .len = text.len};
    if (text.len > 0) memcpy(texts->bytes + texts->len, text.ptr, text.len);
    texts->len += text.len;
    return added;
}

struct slice sort_slice(const struct sort_vector *vector, const struct sort_text *text)
{
    return text->len == 0 ? SLICE("") : (struct slice){vector->texts.bytes + text->at, text->len};
}

/* ---- elements ---- */

static bool load_element(void *ctx, const struct slice *parts, size_t count)
{
    struct sort_vector *vector = ctx;

    (void)count;
    if (vector->count == vector->cap) {
        size_t cap = vector->cap ? vector->cap * 2 : FIRST_CAP;
        struct sort_element *at = realloc(vector->at, cap * sizeof *at);
        vector->texts.failed |= at == NULL;
        if (!at) return false;
        vector->at = at;
        vector->cap = cap;
    }
    vector->at[vector->count++] =
        (struct sort_element){.text = add_text(&vector->texts, parts[0]), .weight_text = absent};
    return !vector->texts.failed;
}

bool sort_load(const struct call *call, const struct entry *entry, struct sort_vector *vector)
{
    entry_visit(keyspace_heap(call->keyspace), entry, load_element, vector);
    return !vector->texts.failed;
}

void sort_free(struct sort_vector *vector)
{
    free(vector->at);
    free(vector->texts.bytes);
    *vector = (struct sort_vector){0};
}

/* ---- patterns ---- */

bool sort_pattern_names_keys(struct slice pattern)
{
    return memchr(pattern.ptr, '*', pattern.len) != NULL;
}

/* The value of a live field. */
static struct sort_text field_text(const struct call *call, const struct entry *entry, struct slice field,
                                   struct sort_texts *texts)
{
    const struct heap *heap = keyspace_heap(call->keyspace);
    char text[ENTRY_INT_TEXT_MAX];
    struct slice blob;

    if (!entry_packed(heap, entry, &blob)) {
        const struct entry *found = hash_find(heap, entry_root(entry, NULL), field);
        bool live = found && !entry_is_expired(found, call->now_ms);
        return live ? add_text(texts, entry_string(heap, found, text)) : absent;
    }
    struct hash_packed packed = hash_packed_open(blob);
    struct hash_packed_place place;
    if (!hash_packed_find(&packed, field, &place)) return absent;
    int64_t time_ms = hash_packed_time(&packed, place.index);
    bool live = time_ms == HASH_TIME_NONE || time_ms > call->now_ms;
    return live ? add_text(texts, packed_text(&place.item, text)) : absent;
}

/* The string at the key, or the field of the hash there. */
static struct sort_text key_text(const struct call *call, struct slice name, struct slice field,
                                 struct sort_texts *texts)
{
    struct key key = keyspace_key(call->keyspace, name);
    const struct entry *entry = keyspace_find(call->keyspace, call->db, &key);
    char text[ENTRY_INT_TEXT_MAX];

    if (!entry || entry_is_expired(entry, call->now_ms)) return absent;
    if (entry_type(entry) != (field.len > 0 ? ENTRY_HASH : ENTRY_STRING)) return absent;
    if (field.len > 0) return field_text(call, entry, field, texts);
    return add_text(texts, entry_string(keyspace_heap(call->keyspace), entry, text));
}

struct sort_text sort_pattern_text(const struct call *call, struct sort_vector *vector, struct slice pattern,
                                   const struct sort_text *element)
{
    if (slice_equal(pattern, SLICE("#"))) return *element;
    const char *star = memchr(pattern.ptr, '*', pattern.len);
    if (!star) return absent;
    size_t before = (size_t)(star - pattern.ptr), behind = pattern.len - before - 1;
    struct slice field = {"", 0};
    const char *arrow = memmem(star + 1, behind, "->", 2);
    if (arrow && arrow + 2 < pattern.ptr + pattern.len) {
        field = (struct slice){arrow + 2, (size_t)(pattern.ptr + pattern.len - arrow - 2)};
        behind = (size_t)(arrow - star - 1);
    }

    char few[KEY_INLINE];
    size_t len = before + element->len + behind;
    char *name = len <= sizeof few ? few : malloc(len);
    vector->texts.failed |= name == NULL;
    if (!name) return absent;
    memcpy(name, pattern.ptr, before);
    memcpy(name + before, sort_slice(vector, element).ptr, element->len);
    memcpy(name + before + element->len, star + 1, behind);
    struct sort_text found = key_text(call, (struct slice){name, len}, field, &vector->texts);
    if (name != few) free(name);
    return found;
}
