/* distinct.c: an open-addressed table of copied texts. */
#include "command/set/distinct.h"

#include "util/hash.h"

#include <stdlib.h>

#define FIRST_CAP   16
#define CHUNK_BYTES 8192

/* Texts are copied into chunks: the newest first, filled from its front. */
struct distinct_chunk {
    struct distinct_chunk *next;
    size_t used;
    size_t cap;
    char bytes[];
};

/* Where the text stands, or the empty slot where it would; there is one, for at most half of them are taken. */
static uint32_t *find_slot(const struct distinct *distinct, struct slice text)
{
    size_t mask = 2 * distinct->cap - 1;
    for (size_t i = hash_bytes(text, 0);; i++) {
        uint32_t *slot = &distinct->slots[i & mask];
        if (*slot == 0 || slice_equal(distinct->items[*slot - 1], text)) return slot;
    }
}

static bool grow(struct distinct *distinct)
{
    struct distinct larger = *distinct;
    larger.cap = distinct->cap == 0 ? FIRST_CAP : distinct->cap * 2;
    larger.items = realloc(distinct->items, larger.cap * sizeof *larger.items);
    if (!larger.items) return false;
    distinct->items = larger.items;
    larger.slots = calloc(2 * larger.cap, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < larger.count; i++)
        *find_slot(&larger, larger.items[i]) = (uint32_t)i + 1;
    free(distinct->slots);
    *distinct = larger;
    return true;
}

/* A copy of the text; ptr NULL: no memory. */
static struct slice copy_text(struct distinct *distinct, struct slice text)
{
    struct distinct_chunk *chunk = distinct->chunks;
    if (!chunk || chunk->cap - chunk->used < text.len) {
        size_t cap = text.len > CHUNK_BYTES ? text.len : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + cap);
        if (!chunk) return (struct slice){NULL, 0};
        *chunk = (struct distinct_chunk){.next = distinct->chunks, .cap = cap};
        distinct->chunks = chunk;
    }
    char *copy = chunk->bytes + chunk->used;
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    chunk->used += text.len;
    return (struct slice){copy, text.len};
}

bool distinct_add(struct distinct *distinct, struct slice text)
{
    if (distinct->count == distinct->cap && (distinct->count == UINT32_MAX || !grow(distinct))) return false;
    uint32_t *slot = find_slot(distinct, text);
    if (*slot != 0) return true;
    struct slice copy = copy_text(distinct, text);
    if (!copy.ptr) return false;
    distinct->items[distinct->count++] = copy;
    *slot = (uint32_t)distinct->count;
    return true;
}

bool distinct_has(const struct distinct *distinct, struct slice text)
{
    return distinct->count > 0 && *find_slot(distinct, text) != 0;
}

void distinct_free(struct distinct *distinct)
{
    while (distinct->chunks) {
        struct distinct_chunk *chunk = distinct->chunks;
        distinct->chunks = chunk->next;
        free(chunk);
    }
    free(distinct->items);
    free(distinct->slots);
    *distinct = (struct distinct){0};
}
