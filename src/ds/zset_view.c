/* zset_view.c: one way to read both forms of a sorted set. */
#include "ds/zset_view.h"

#include "util/assert.h"

void zset_view_peek(struct zset_view *view, const struct heap *heap, const struct entry *entry)
{
    uint64_t root = entry == NULL ? 0 : entry_root(entry, NULL);
    view->is_large = root != 0;
    view->blob = (struct slice){NULL, 0};
    zset_small_init(&view->small);
    if (view->is_large) {
        view->large = zset_at(heap, root);
    } else if (entry != NULL) {
        bool packed = entry_packed(heap, entry, &view->blob);
        ASSERT(packed);
    }
}

enum error zset_view_open(struct zset_view *view, const struct heap *heap, const struct entry *entry)
{
    zset_view_peek(view, heap, entry);
    return view->is_large ? ERROR_OK : zset_small_unpack(&view->small, view->blob);
}

void zset_view_close(struct zset_view *view)
{
    zset_small_free(&view->small);
}

uint64_t zset_view_count(const struct zset_view *view)
{
    return view->is_large ? zset_count(&view->large) : zset_packed_count(view->blob);
}

bool zset_view_score(const struct zset_view *view, struct slice member, double *score_out)
{
    struct zset_place place;
    return view->is_large ? zset_find(&view->large, member, &place, score_out)
                          : zset_packed_find(view->blob, member, score_out);
}

uint64_t zset_view_rank_of(const struct zset_view *view, const struct zset_bound *bound)
{
    if (!view->is_large) return zset_small_rank_of(&view->small, bound);
    struct btree_key key = zset_key(bound);
    return btree_rank_of(&view->large.tree, &key);
}

static bool place_small(const struct zset_view *view, size_t index, struct zset_position *position_out)
{
    position_out->index = index;
    return index < view->small.count;
}

bool zset_view_seek(const struct zset_view *view, const struct zset_bound *bound, bool backward,
                    struct zset_position *position_out)
{
    if (!view->is_large)
        return place_small(view, zset_small_rank_of(&view->small, bound) - backward, position_out);
    struct btree_key key = zset_key(bound);
    bool found = backward ? btree_seek_before(&view->large.tree, &key, &position_out->cursor)
                          : btree_seek(&view->large.tree, &key, &position_out->cursor);
    if (found) btree_prefetch(&view->large.tree, &position_out->cursor, backward);
    return found;
}

bool zset_view_at(const struct zset_view *view, uint64_t rank, struct zset_position *position_out)
{
    if (!view->is_large) return place_small(view, rank, position_out);
    return btree_at(&view->large.tree, rank, &position_out->cursor);
}

bool zset_view_step(const struct zset_view *view, bool backward, struct zset_position *position)
{
    if (!view->is_large)
        return place_small(view, backward ? position->index - 1 : position->index + 1, position);
    const struct btree *tree = &view->large.tree;
    bool found = backward ? btree_prev(tree, &position->cursor) : btree_next(tree, &position->cursor);
    if (found) btree_prefetch_ahead(tree, &position->cursor, backward);
    return found;
}

struct zset_item zset_view_item(const struct zset_view *view, const struct zset_position *position)
{
    return view->is_large ? zset_item(&view->large, &position->cursor) : view->small.items[position->index];
}
