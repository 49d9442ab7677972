/* output.h: what a connection could not send at once, waiting for its socket.
 *
 * Terms: a *block* is a run of reply bytes, owned by the queue. The queue exists only while something waits,
 * so an idle connection pays for a pointer.
 */
#ifndef CAIRN_CLIENT_OUTPUT_H
#define CAIRN_CLIENT_OUTPUT_H

#include "resp/write.h"

#include <stdbool.h>
#include <uv.h>

struct client_output_block {
    struct client_output_block *next;
    char *bytes; /* malloc'd */
    size_t at;   /* what is not handed to the kernel yet begins here */
    size_t end;
    size_t cap;
    size_t size; /* of what it added to the queue */
};

struct client_output {
    uv_write_t write;
    struct client_output_block *first; /* being written */
    struct client_output_block *last;
    size_t queued_bytes;
    size_t memory_bytes; /* of the queue and its blocks */
    size_t block_count;
    int64_t over_soft_since_ms; /* 0: below the soft limit */
    void (*drained)(void *owner, int status);
    void *owner;
};

/* Takes bytes [at, end) of replies over; large ones with their buffer, when they end it: what stands before them is done with.
 * Creates *output when it is NULL and begins to write; `drained(owner, status)` is called once nothing waits any more (status 0), or
 * on a failure. False without memory or when the stream is broken: the connection must be closed. */
bool client_output_add(struct client_output **output, uv_stream_t *stream, struct resp_out *out, size_t at,
                       size_t end, void (*drained)(void *owner, int status), void *owner);
/* No write may be under way: after `drained`, or when the stream is closed. */
void client_output_free(struct client_output *output);

#endif
