/* stream_check.c: validity of a stream's bytes. */
#include "ds/stream_group.h"

#include <inttypes.h>
#include <stdio.h>

struct check {
    const struct heap *heap;
    char *base;
    char *detail;
    size_t detail_cap;
    struct stream_id last; /* of what was seen of the tree in work */
    uint64_t live;         /* entries */
    uint64_t tail;
    uint64_t consumer;  /* whose tree is in work; 0: the group's */
    uint64_t freed;     /* dropped: items of the tree in work whose blocks are gone */
    size_t block_bytes; /* dropped: the least that an item's block has */
};

static bool fault(const struct check *check, const char *what, uint64_t off)
{
    if (check->detail[0] == '\0')
        snprintf(check->detail, check->detail_cap, "stream: %s at %" PRIu64, what, off);
    return false;
}

static bool holds(const struct check *check, uint64_t off, size_t bytes)
{
    return off % sizeof(uint64_t) == 0 && heap_holds(check->heap, off, bytes);
}

static bool check_chunk(void *ctx, struct btree_item item)
{
    struct check *check = ctx;
    if (!holds(check, item.ref, sizeof(struct stream_chunk_layout)))
        return fault(check, "no chunk", item.ref);
    const struct stream_chunk_layout *chunk = stream__chunk_at(check->base, item.ref);
    if (item.order != stream_id_order(chunk->first) || stream_id_compare(chunk->first, check->last) <= 0)
        return fault(check, "a chunk's place", item.ref);
    if (!stream_chunk_is_valid(chunk, heap_usable_size(check->heap, item.ref), &check->last))
        return fault(check, "a chunk's bytes", item.ref);
    check->live += stream_chunk_live(chunk);
    check->tail = item.ref;
    return true;
}

static bool check_pending(void *ctx, struct btree_item item)
{
    struct check *check = ctx;
    if (!holds(check, item.ref, sizeof(struct stream_pending_layout)))
        return fault(check, "no record", item.ref);
    const struct stream_pending_layout *pending = (const void *)(check->base + item.ref);
    if (item.order != stream_id_order(pending->id) || stream_id_compare(pending->id, check->last) <= 0)
        return fault(check, "a record's place", item.ref);
    check->last = pending->id;
    return check->consumer == 0 || pending->consumer == check->consumer ||
           fault(check, "another's record", item.ref);
}

static bool check_tree(struct check *check, const struct btree_layout *root, btree_check *item)
{
    check->last = STREAM_ID_MIN;
    return btree_is_valid(check->heap, root, root->count, item, check, check->detail, check->detail_cap);
}

/* The list at `list`, and the names of what it lists, whose blocks begin with `bytes` bytes. */
static bool check_names(struct check *check, uint64_t list, size_t bytes)
{
    if (list == 0) return true;
    if (!holds(check, list, sizeof(struct stream_names_layout))) return fault(check, "no list", list);
    const struct stream_names_layout *names = stream_names_at(check->base, list);
    size_t room = (heap_usable_size(check->heap, list) - sizeof(*names)) / sizeof(uint64_t);
    if (names->count == 0 || names->count > names->capacity || names->capacity > room)
        return fault(check, "a list's count", list);
    for (unsigned i = 0; i < names->count; i++) {
        uint64_t off = names->offs[i];
        if (!holds(check, off, bytes)) return fault(check, "nothing of that name", off);
        const struct stream_named_layout *named = heap_ptr(check->heap, off);
        if (named->name_at != bytes || !holds(check, off, bytes + named->name_len))
            return fault(check, "a name", off);
        struct slice name = stream_named(named);
        struct slice before =
            i == 0 ? (struct slice){"", 0} : stream_named(heap_ptr(check->heap, names->offs[i - 1]));
        size_t len = name.len < before.len ? name.len : before.len;
        int side = len == 0 ? 0 : memcmp(before.ptr, name.ptr, len);
        if (i > 0 && (side > 0 || (side == 0 && before.len >= name.len)))
            return fault(check, "names out of order", off);
    }
    return true;
}

static bool check_group(struct check *check, struct stream stream, const struct stream_group_layout *group)
{
    uint64_t pending = 0;
    check->consumer = 0;
    if (!check_tree(check, &group->pending, check_pending)) return false;
    if (!check_names(check, group->consumers, sizeof(struct stream_consumer_layout))) return false;
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        const struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        check->consumer = (uint64_t)((const char *)consumer - check->base);
        if (!check_tree(check, &consumer->pending, check_pending)) return false;
        pending += consumer->pending.count;
    }
    if (pending != group->pending.count) /* X4 */
        return fault(check, "records of no consumer", (uint64_t)((const char *)group - check->base));
    return true;
}

/* ---- what is being dropped: blocks that are left must be there, whatever they hold ---- */

static bool check_block(void *ctx, struct btree_item item)
{
    struct check *check = ctx;
    if (check->freed > 0) {
        check->freed--;
        return true;
    }
    return holds(check, item.ref, check->block_bytes) || fault(check, "no block", item.ref);
}

static bool check_dropped_tree(struct check *check, const struct btree_layout *root, uint64_t freed,
                               size_t block_bytes)
{
    if (root->top == 0) return true;
    if (freed >= root->count)
        return btree_unowned_is_valid(check->heap, root, check->detail, check->detail_cap);
    check->freed = freed;
    check->block_bytes = block_bytes;
    return check_tree(check, root, check_block);
}

static bool check_dropped_group(struct check *check, struct stream stream,
                                const struct stream_group_layout *group, uint64_t freed)
{
    if (!check_dropped_tree(check, &group->pending, freed, sizeof(struct stream_pending_layout)))
        return false;
    if (!check_names(check, group->consumers, sizeof(struct stream_consumer_layout))) return false;
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        const struct btree_layout *tree = &stream_consumer_at(stream, group, i)->pending;
        if (tree->top != 0 && !btree_unowned_is_valid(check->heap, tree, check->detail, check->detail_cap))
            return false;
    }
    return true;
}

static bool check_dropped(struct check *check, struct stream stream)
{
    const struct stream_layout *root = stream.root;
    bool chunks_left = root->chunks.top != 0;
    if (!check_dropped_tree(check, &root->chunks, root->node.progress, sizeof(struct stream_chunk_layout)))
        return false;
    if (!check_names(check, root->groups, sizeof(struct stream_group_layout))) return false;
    unsigned groups = stream_group_count(stream);
    for (unsigned i = 0; i < groups; i++) {
        uint64_t freed = !chunks_left && i + 1 == groups ? root->node.progress : 0;
        if (!check_dropped_group(check, stream, stream_group_at(stream, i), freed)) return false;
    }
    return true;
}

bool stream__is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap)
{
    struct check check = {.heap = heap, .base = heap_base(heap), .detail = detail, .detail_cap = detail_cap};
    if (detail_cap > 0) detail[0] = '\0';
    if (!holds(&check, root, sizeof(struct stream_layout))) return fault(&check, "no root", root);
    struct stream stream = stream_at((struct heap *)(uintptr_t)heap, root);
    if (dropped) return check_dropped(&check, stream);
    const struct stream_layout *layout = stream.root;
    if (layout->node.link != 0 || layout->node.progress != 0)
        return fault(&check, "a root that is dropped", root);
    if (!check_tree(&check, &layout->chunks, check_chunk)) return false;
    if (check.live != layout->counts.length || check.tail != layout->tail ||
        stream_id_compare(check.last, layout->counts.last) > 0)
        return fault(&check, "a root's counts", root);
    if (!check_names(&check, layout->groups, sizeof(struct stream_group_layout))) return false;
    for (unsigned i = 0; i < stream_group_count(stream); i++)
        if (!check_group(&check, stream, stream_group_at(stream, i))) return false;
    return true;
}
