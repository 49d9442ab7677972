/* fuzz_resp.c: requests must read the same however the bytes arrive.
 *
 * Input: one byte of settings, one byte that seeds the places of the cuts, then the stream. The stream is
 * read twice, whole and cut into pieces, each time from a buffer of its exact size that moves with every
 * piece; what was read (arguments, lengths, error) must agree.
 */
#include "resp/parse.h"

#include "util/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What was read: for each request its length and arguments, then how it ended. */
struct transcript {
    char *bytes;
    size_t len, cap;
};

static void note(struct transcript *transcript, const void *bytes, size_t len)
{
    if (transcript->len + len > transcript->cap) {
        transcript->cap = (transcript->len + len) * 2;
        transcript->bytes = realloc(transcript->bytes, transcript->cap);
        ASSERT(transcript->bytes);
    }
    if (len > 0) memcpy(transcript->bytes + transcript->len, bytes, len);
    transcript->len += len;
}

static void note_request(struct transcript *transcript, const struct resp_request *request)
{
    note(transcript, &request->bytes, sizeof(request->bytes));
    note(transcript, &request->argc, sizeof(request->argc));
    for (size_t i = 0; i < request->argc; i++) {
        const struct slice *arg = &request->argv[i];
        note(transcript, &arg->len, sizeof(arg->len));
        note(transcript, arg->ptr, arg->len);
    }
}

struct reader {
    struct resp_limits limits;
    struct resp_parser parser;
    struct resp_arena arena;
    struct transcript transcript;
    size_t at;       /* where the current request starts */
    size_t complete; /* stream length before which the current request cannot end */
    bool broken;
};

/* Reads all requests that the first `len` bytes of the stream hold. */
static void read_requests(struct reader *reader, const uint8_t *stream, size_t len)
{
    size_t window = len - reader->at;
    char *copy = malloc(window ? window : 1);
    ASSERT(copy);
    memcpy(copy, stream + reader->at, window);
    size_t at = 0;
    while (!reader->broken && at < window) {
        struct resp_request request;
        size_t wanted = 0;
        const char *error = NULL;
        enum resp_status status = resp_parse(&reader->parser, &reader->limits, &reader->arena, copy + at,
                                             window - at, &request, &wanted, &error);
        if (status == RESP_MORE) {
            ASSERT(wanted > 0);
            reader->complete = len + wanted;
            break;
        }
        reader->broken = status == RESP_ERROR;
        if (reader->broken) {
            note(&reader->transcript, error, strlen(error));
            break;
        }
        ASSERT(request.bytes > 0 && request.bytes <= window - at);
        note_request(&reader->transcript, &request);
        ASSERT(reader->at + at + request.bytes >= reader->complete);
        at += request.bytes;
        resp_arena_reset(&reader->arena);
    }
    reader->at += at;
    free(copy);
}

static void reader_free(struct reader *reader)
{
    resp_parser_reset(&reader->parser);
    resp_arena_free(&reader->arena);
    free(reader->transcript.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    struct resp_limits limits = {.max_bulk_bytes = 4096,
                                 .max_inline_bytes = data[0] & 2 ? 64 : 65536,
                                 .max_args = 1024,
                                 .authenticated = data[0] & 1};
    struct reader whole = {.limits = limits}, cut = {.limits = limits};
    uint32_t random = data[1];
    const uint8_t *stream = data + 2;
    size_t len = size - 2;

    read_requests(&whole, stream, len);
    for (size_t given = 0; given < len && !cut.broken;) {
        random = random * 1103515245u + 12345u;
        size_t piece = 1 + (random >> 16) % (random & 0x40000000 ? 3 : 40);
        given = piece < len - given ? given + piece : len;
        read_requests(&cut, stream, given);
    }
    ASSERT(whole.transcript.len == cut.transcript.len);
    ASSERT(whole.transcript.len == 0 ||
           memcmp(whole.transcript.bytes, cut.transcript.bytes, whole.transcript.len) == 0);
    reader_free(&whole);
    reader_free(&cut);
    return 0;
}
