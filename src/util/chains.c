/* chains.c: a chained hash table whose links stand inside the elements (chains.h). */
#include "util/chains.h"

#include "util/assert.h"

#include <stdlib.h>

#define BUCKETS_FIRST 8

static struct chain_link **bucket_of(const struct chains *chains, uint64_t hash)
{
    return &chains->buckets[hash & (chains->bucket_count - 1)];
}

static void resize(struct chains *chains, size_t bucket_count)
{
    struct chains resized = {.bucket_count = bucket_count, .count = chains->count};
    resized.buckets = calloc(bucket_count, sizeof *resized.buckets);
    if (!resized.buckets) return;
    for (size_t i = 0; i < chains->bucket_count; i++) {
        for (struct chain_link *link = chains->buckets[i], *next; link; link = next) {
            next = link->next;
            struct chain_link **bucket = bucket_of(&resized, link->hash);
            link->next = *bucket;
            *bucket = link;
        }
    }
    free(chains->buckets);
    *chains = resized;
}

bool chains_insert(struct chains *chains, struct chain_link *link, uint64_t hash)
{
    if (chains->count >= chains->bucket_count)
        resize(chains, chains->bucket_count ? chains->bucket_count * 2 : BUCKETS_FIRST);
    if (chains->bucket_count == 0) return false;
    struct chain_link **bucket = bucket_of(chains, hash);
    link->hash = hash;
    link->next = *bucket;
    *bucket = link;
    chains->count++;
    return true;
}

void chains_remove(struct chains *chains, struct chain_link *link)
{
    struct chain_link **at = bucket_of(chains, link->hash);
    while (*at && *at != link)
        at = &(*at)->next;
    ASSERT(*at == link);
    *at = link->next;
    chains->count--;
    if (chains->bucket_count > BUCKETS_FIRST && chains->count < chains->bucket_count / 8)
        resize(chains, chains->bucket_count / 4);
}

void chains_free(struct chains *chains)
{
    free(chains->buckets);
    *chains = (struct chains){0};
}
