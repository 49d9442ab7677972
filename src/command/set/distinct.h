/* distinct.h: texts in process memory, each once, in the order they came: for results that are put together before they are sent. */
#ifndef CAIRN_COMMAND_SET_DISTINCT_H
#define CAIRN_COMMAND_SET_DISTINCT_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct distinct_chunk;

/* Zero-initialised. */
struct distinct {
    struct slice *items; /* copies, owned here */
    size_t count;
    size_t cap;      /* of items */
    uint32_t *slots; /* item + 1 by hash, 0: empty; twice as many as cap, a power of two */
    struct distinct_chunk *chunks;
};

/* Adds the text unless it is there. False: no memory. */
bool distinct_add(struct distinct *distinct, struct slice text);
bool distinct_has(const struct distinct *distinct, struct slice text);
void distinct_free(struct distinct *distinct);

#endif
