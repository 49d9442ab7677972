/* sort_source.h: what SORT reads: the elements of a list, set or sorted set, and the keys that BY and GET patterns name. */
#ifndef CAIRN_COMMAND_GENERIC_SORT_SOURCE_H
#define CAIRN_COMMAND_GENERIC_SORT_SOURCE_H

#include "command/call.h"

/* Texts are copied here; their places are offsets, for the memory moves as it grows. */
struct sort_texts {
    char *bytes;
    size_t len;
    size_t cap;
    bool failed; /* no memory */
};

struct sort_text {
    size_t at;
    size_t len;
    bool is_absent; /* a pattern named nothing */
};

struct sort_element {
    struct sort_text text;
    struct sort_text weight_text; /* what BY names, with ALPHA */
    double weight;                /* what is compared without ALPHA */
};

struct sort_vector {
    struct sort_element *at;
    size_t count;
    size_t cap;
    struct sort_texts texts;
};

struct slice sort_slice(const struct sort_vector *vector, const struct sort_text *text);
/* Fills the vector with the elements of `entry`, in their order. False: no memory. */
bool sort_load(const struct call *call, const struct entry *entry, struct sort_vector *vector);
void sort_free(struct sort_vector *vector);

/* True when the pattern names other keys: it has a '*'. */
bool sort_pattern_names_keys(struct slice pattern);
/* What the pattern names for an element: "#" the element itself; else the string at the key in which '*' is the element, or a
 * field of the hash there ("key->field"). A copy in the vector's texts; absent when there is no such thing. */
struct sort_text sort_pattern_text(const struct call *call, struct sort_vector *vector, struct slice pattern,
                                   const struct sort_text *element);

#endif
