/* collection.c: the kinds of collections. */
#include "ds/collection.h"

#include "ds/hash.h"
#include "ds/list.h"
#include "ds/set.h"
#include "ds/stream.h"
#include "ds/zset.h"

static const struct collection_ops *const kinds[COLLECTION_KINDS] = {
    [COLLECTION_HASH] = &hash_ops, [COLLECTION_LIST] = &list_ops,     [COLLECTION_SET] = &set_ops,
    [COLLECTION_ZSET] = &zset_ops, [COLLECTION_STREAM] = &stream_ops,
};

const struct collection_ops *collection_ops(enum collection_kind kind)
{
    return kind < COLLECTION_KINDS ? kinds[kind] : NULL;
}
