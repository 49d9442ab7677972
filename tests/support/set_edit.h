/* set_edit.h: SADD and SREM on a keyspace without a server, with small limits, so that few members make a set large. */
#ifndef CAIRN_TESTS_SUPPORT_SET_EDIT_H
#define CAIRN_TESTS_SUPPORT_SET_EDIT_H

#include "db/keyspace.h"
#include "ds/packed.h"
#include "ds/set.h"
#include "util/assert.h"

struct set_edit {
    struct tx *tx;
    struct keyspace *keyspace;
    unsigned db;
    struct key key;
    struct set_limits limits;
    struct packed_out blob;
    uint64_t root;
    bool is_new_root;
};

static inline struct set_edit set_edit_open(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                            struct key key)
{
    struct set_edit edit = {.tx = tx, .keyspace = keyspace, .db = db, .key = key, .limits = {12, 8, 20}};
    const struct entry *entry = keyspace_find(keyspace, db, &key);
    struct slice blob;
    ASSERT(entry == NULL || entry_type(entry) == ENTRY_SET);
    if (entry == NULL) return edit;
    edit.root = entry_root(entry, NULL);
    if (entry_packed(keyspace_heap(keyspace), entry, &blob)) packed_load(&edit.blob, blob);
    return edit;
}

static inline bool set_edit_add(struct set_edit *edit, struct slice member)
{
    bool added;
    if (edit->root == 0) {
        enum set_added result = set_blob_add(&edit->blob, member, &edit->limits);
        ASSERT(!edit->blob.failed);
        if (result != SET_TOO_LARGE) return result == SET_ADDED;
        ASSERT(set_root_create(edit->tx, keyspace_heap(edit->keyspace), packed_out_blob(&edit->blob),
                               &edit->root) == ERROR_OK);
        edit->is_new_root = true;
    }
    ASSERT(set_root_add(edit->tx, keyspace_heap(edit->keyspace), edit->root, member, &added) == ERROR_OK);
    return added;
}

static inline bool set_edit_remove(struct set_edit *edit, struct slice member)
{
    bool removed;
    if (edit->root == 0) return set_blob_remove(&edit->blob, member);
    ASSERT(set_root_remove(edit->tx, keyspace_heap(edit->keyspace), edit->root, member, &removed) ==
           ERROR_OK);
    return removed;
}

static inline void set_edit_close(struct set_edit *edit)
{
    struct slice blob = packed_out_blob(&edit->blob);
    const struct heap *heap = keyspace_heap(edit->keyspace);
    uint64_t count = edit->root != 0 ? set_ops.count(heap, edit->root) : set_blob_count(blob);
    enum error error = ERROR_OK;
    bool removed;
    if (count == 0) error = keyspace_remove(edit->tx, edit->keyspace, edit->db, &edit->key, &removed);
    else if (edit->is_new_root)
        error = keyspace_put_root(edit->tx, edit->keyspace, edit->db, &edit->key, ENTRY_SET, COLLECTION_SET,
                                  edit->root, EXPIRY_KEEP);
    else if (edit->root == 0)
        error =
            keyspace_put_packed(edit->tx, edit->keyspace, edit->db, &edit->key, ENTRY_SET, blob, EXPIRY_KEEP);
    ASSERT(error == ERROR_OK);
    packed_out_free(&edit->blob);
}

#endif
