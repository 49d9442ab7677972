/* hash_layout.h: bytes of a large hash's root on media. */
#ifndef CAIRN_DS_HASH_LAYOUT_H
#define CAIRN_DS_HASH_LAYOUT_H

#include "ds/members_layout.h"

struct hash_layout {
    struct members_layout members; /* fields: entries with their own values and expiry times */
    int64_t due_ms;                /* no field expires before; -1: none expires */
};
static_assert(sizeof(struct hash_layout) == 56, "root");
static_assert(offsetof(struct hash_layout, due_ms) == 48, "root");

#endif
