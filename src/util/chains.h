/* chains.h: a chained hash table in memory whose links stand inside the elements.
 *
 * An element embeds a struct chain_link as its first member and knows its hash; what is equal the caller decides:
 *
 *     for (struct chain_link *at = chains_first(&table, hash); at; at = chains_next(at)) ...
 */
#ifndef CAIRN_UTIL_CHAINS_H
#define CAIRN_UTIL_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chain_link {
    struct chain_link *next;
    uint64_t hash;
};

/* Zeroed memory is an empty table. */
struct chains {
    struct chain_link **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
};

/* False without memory for the first buckets; later the chains grow longer instead. */
bool chains_insert(struct chains *chains, struct chain_link *link, uint64_t hash);
void chains_remove(struct chains *chains, struct chain_link *link);
/* The buckets; the elements are the caller's. */
void chains_free(struct chains *chains);

/* Elements of that hash. */
static inline struct chain_link *chains__of_hash(struct chain_link *link, uint64_t hash)
{
    while (link && link->hash != hash)
        link = link->next;
    return link;
}

static inline struct chain_link *chains_first(const struct chains *chains, uint64_t hash)
{
    if (chains->count == 0) return NULL;
    return chains__of_hash(chains->buckets[hash & (chains->bucket_count - 1)], hash);
}

static inline struct chain_link *chains_next(const struct chain_link *link)
{
    return chains__of_hash(link->next, link->hash);
}

#endif
