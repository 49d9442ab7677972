/* output.c: the queue of a slow reader (output.h).
 *
 * Invariants:
 * O1. While the queue is not empty exactly one write is under way, of its first blocks.
 * O2. queued_bytes is the sum of the blocks' sizes.
 */
#include "client/output.h"

#include "util/assert.h"

#include <stdlib.h>

#define TAKE_WHOLE_BYTES (32 * 1024) /* larger rests are taken with their buffer instead of being copied */
#define BLOCKS_PER_WRITE 16

static void on_written(uv_write_t *write, int status);

/* O1 */
static int write_first(struct client_output *output, uv_stream_t *stream)
{
    uv_buf_t bufs[BLOCKS_PER_WRITE];
    unsigned count = 0;
    for (struct client_output_block *block = output->first; block && count < BLOCKS_PER_WRITE;
         block = block->next) {
        bufs[count++] = (uv_buf_t){block->bytes + block->at, block->end - block->at};
        block->at = block->end; /* so on_written knows how far this write goes */
    }
    return uv_write(&output->write, stream, bufs, count, on_written);
}

static void drop_first(struct client_output *output)
{
    struct client_output_block *block = output->first;
    output->first = block->next;
    if (!output->first) output->last = NULL;
    output->queued_bytes -= block->size;
    output->block_count--;
    free(block->bytes);
    free(block);
}

static void on_written(uv_write_t *write, int status)
{
    struct client_output *output = write->data;
    if (status == 0) {
        while (output->first && output->first->at == output->first->end)
            drop_first(output);
        if (output->first) status = write_first(output, write->handle);
        if (status == 0 && output->first) return;
    }
    output->drained(output->owner, status);
}

/* Bytes [at, end) as a block; NULL without memory. */
static struct client_output_block *take(struct resp_out *out, size_t at, size_t end)
{
    struct client_output_block *block = malloc(sizeof *block);
    if (!block) return NULL;
    size_t size = end - at;
    if (size > TAKE_WHOLE_BYTES && end == out->len) {
        *block = (struct client_output_block){.bytes = out->buf, .at = at, .end = end, .size = size};
        out->buf = NULL;
        out->len = out->cap = 0;
        return block;
    }
    *block = (struct client_output_block){.bytes = malloc(size), .end = size, .size = size};
    if (block->bytes) {
        memcpy(block->bytes, out->buf + at, size);
        return block;
    }
    free(block);
    return NULL;
}

bool client_output_add(struct client_output **output, uv_stream_t *stream, struct resp_out *out, size_t at,
                       size_t end, void (*drained)(void *owner, int status), void *owner)
{
    ASSERT(at < end && end <= out->len);
    struct client_output_block *block = take(out, at, end);
    if (!block) return false;
    struct client_output *queue = *output;
    if (!queue) {
        queue = calloc(1, sizeof *queue);
        if (!queue) {
            free(block->bytes);
            free(block);
            return false;
        }
        queue->drained = drained;
        queue->owner = owner;
        queue->write.data = queue;
        *output = queue;
    }
    bool idle = !queue->first;
    if (queue->last) queue->last->next = block;
    else queue->first = block;
    queue->last = block;
    queue->queued_bytes += block->size;
    queue->block_count++;
    return !idle || write_first(queue, stream) == 0;
}

void client_output_free(struct client_output *output)
{
    if (!output) return;
    while (output->first)
        drop_first(output);
    free(output);
}
