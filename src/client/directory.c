/* directory.c: a hash table with chains (directory.h). */
#include "client/directory.h"

#include "client/connection.h"
#include "util/assert.h"

#include <stdlib.h>

#define BUCKETS_MIN 16

static struct client_connection **bucket_of(const struct client_directory *directory, uint64_t id)
{
    return &directory->buckets[id & (directory->bucket_count - 1)];
}

static void put(struct client_directory *directory, struct client_connection *c)
{
    struct client_connection **bucket = bucket_of(directory, c->session.id);
    c->same_bucket = *bucket;
    *bucket = c;
}

/* Without memory the table stays as it is: chains grow longer. */
static void grow(struct client_directory *directory)
{
    struct client_directory old = *directory;
    size_t bucket_count = old.bucket_count ? old.bucket_count * 2 : BUCKETS_MIN;
    struct client_connection **buckets = calloc(bucket_count, sizeof(struct client_connection *));
    if (!buckets) return;
    directory->buckets = buckets;
    directory->bucket_count = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct client_connection *next;
        for (struct client_connection *c = old.buckets[i]; c; c = next) {
            next = c->same_bucket;
            put(directory, c);
        }
    }
    free(old.buckets);
}

enum error client_directory_add(struct client_directory *directory, struct client_connection *c)
{
    if (directory->count >= directory->bucket_count) grow(directory);
    if (directory->bucket_count == 0) return ERROR_MEMORY;
    put(directory, c);
    directory->count++;
    return ERROR_OK;
}

void client_directory_remove(struct client_directory *directory, struct client_connection *c)
{
    struct client_connection **link = bucket_of(directory, c->session.id);
    while (*link != c) {
        ASSERT(*link);
        link = &(*link)->same_bucket;
    }
    *link = c->same_bucket;
    directory->count--;
}

struct client_connection *client_directory_find(const struct client_directory *directory, uint64_t id)
{
    if (directory->bucket_count == 0) return NULL;
    struct client_connection *c = *bucket_of(directory, id);
    while (c && c->session.id != id)
        c = c->same_bucket;
    return c;
}

void client_directory_free(struct client_directory *directory)
{
    free(directory->buckets);
    *directory = (struct client_directory){0};
}
