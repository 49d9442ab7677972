/* output.c: the queue of a slow reader (output.h).
 *
 * Invariants:
 * O1. While the queue is not empty exactly one write is under way, of its first blocks.
 * O2. queued_bytes is the sum of the blocks' sizes, memory_bytes what all of it takes.
 * O3. Bytes may join the last block while it is being written: they stand behind those that the kernel was given.
 */
#include "client/output.h"

#include "util/assert.h"

#include <stdlib.h>

#define TAKE_WHOLE_BYTES (32 * 1024) /* larger rests are taken with their buffer instead of being copied */
#define BLOCK_BYTES      (16 * 1024) /* at least: a slow reader of small messages costs what they are long */
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
    output->memory_bytes -= sizeof *block + block->cap;
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

static void append(struct client_output *output, struct client_output_block *block)
{
    if (output->last) output->last->next = block;
    else output->first = block;
    output->last = block;
    output->queued_bytes += block->size;
    output->memory_bytes += sizeof *block + block->cap;
    output->block_count++;
}

/* A block that owns `bytes`, or has room for `cap` when they are NULL; NULL without memory. */
static struct client_output_block *new_block(char *bytes, size_t cap)
{
    struct client_output_block *block = malloc(sizeof *block);
    if (!block) return NULL;
    *block = (struct client_output_block){.bytes = bytes ? bytes : malloc(cap), .cap = cap};
    if (block->bytes) return block;
    free(block);
    return NULL;
}

/* The buffer ends with these bytes, and they are most of it. */
static bool take_buffer(struct client_output *output, struct resp_out *out, size_t at)
{
    if (out->cap - out->len >= BLOCK_BYTES) { /* it has grown in large steps */
        char *fitting = realloc(out->buf, out->len);
        if (fitting) out->buf = fitting;
        if (fitting) out->cap = out->len;
    }
    struct client_output_block *block = new_block(out->buf, out->cap);
    if (!block) return false;
    block->at = at;
    block->end = out->len;
    block->size = out->len - at;
    append(output, block);
    out->buf = NULL;
    out->len = out->cap = 0;
    return true;
}

/* O3: into the last block's room, the rest into another. */
static bool copy(struct client_output *output, const char *bytes, size_t len)
{
    struct client_output_block *last = output->last;
    size_t fits = last ? last->cap - last->end : 0;
    if (fits > len) fits = len;
    if (len > fits) {
        size_t rest = len - fits;
        struct client_output_block *block = new_block(NULL, rest > BLOCK_BYTES ? rest : BLOCK_BYTES);
        if (!block) return false;
        memcpy(block->bytes, bytes + fits, rest);
        block->end = block->size = rest;
        append(output, block);
    }
    if (fits == 0) return true;
    memcpy(last->bytes + last->end, bytes, fits);
    last->end += fits;
    last->size += fits;
    output->queued_bytes += fits;
    return true;
}

static struct client_output *new_queue(void (*drained)(void *owner, int status), void *owner)
{
    struct client_output *output = calloc(1, sizeof *output);
    if (!output) return NULL;
    output->memory_bytes = sizeof *output;
    output->drained = drained;
    output->owner = owner;
    output->write.data = output;
    return output;
}

bool client_output_add(struct client_output **output, uv_stream_t *stream, struct resp_out *out, size_t at,
                       size_t end, void (*drained)(void *owner, int status), void *owner)
{
    ASSERT(at < end && end <= out->len);
    if (!*output) *output = new_queue(drained, owner);
    struct client_output *queue = *output;
    if (!queue) return false;
    size_t size = end - at;
    bool idle = !queue->first;
    bool whole = size > TAKE_WHOLE_BYTES && end == out->len && size >= at; /* else what stands before it wastes more */
    if (!(whole ? take_buffer(queue, out, at) : copy(queue, out->buf + at, size))) return false;
    return !idle || write_first(queue, stream) == 0;
}

void client_output_free(struct client_output *output)
{
    if (!output) return;
    while (output->first)
        drop_first(output);
    free(output);
}
