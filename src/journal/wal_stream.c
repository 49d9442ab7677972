/* wal_stream.c: bytes of the stream, put over the ends of segments and read back with proof. See wal_layout.h. */
#include "journal/wal_internal.h"
#include "util/crc32c.h"

#include <stdlib.h>
#include <string.h>

/* The bytes at `lsn` and how many follow in the same segment. */
static char *place(const struct wal *wal, uint64_t lsn, size_t *room_out)
{
    uint64_t off = lsn & (wal->data_bytes - 1);
    *room_out = (size_t)(wal->data_bytes - off);
    return wal_segment_at(wal, lsn)->base + WAL_HEAD_BYTES + off;
}

void wal_stream_put(struct wal *wal, uint64_t lsn, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len > 0) {
        size_t room;
        char *to = place(wal, lsn, &room);
        size_t piece = len < room ? len : room;
        memcpy(to, from, piece);
        from += piece;
        lsn += piece;
        len -= piece;
    }
}

void wal_stream_get(const struct wal *wal, uint64_t lsn, void *bytes_out, size_t len)
{
    char *to = bytes_out;
    while (len > 0) {
        size_t room;
        const char *from = place(wal, lsn, &room);
        size_t piece = len < room ? len : room;
        memcpy(to, from, piece);
        to += piece;
        lsn += piece;
        len -= piece;
    }
}

static uint32_t stream_crc(const struct wal *wal, uint64_t lsn, size_t len)
{
    uint32_t crc = 0;
    while (len > 0) {
        size_t room;
        const char *from = place(wal, lsn, &room);
        size_t piece = len < room ? len : room;
        crc = crc32c(crc, from, piece);
        lsn += piece;
        len -= piece;
    }
    return crc;
}

struct wal_frame_layout wal_stream_frame(uint32_t chain, uint32_t epoch, uint64_t lsn, size_t payload_bytes,
                                         uint32_t payload_crc)
{
    struct wal_frame_layout frame = {.epoch = epoch,
                                     .payload_words = (uint32_t)(payload_bytes / WAL_FRAME_ALIGN)};
    uint64_t covered[3] = {epoch | (uint64_t)frame.payload_words << 32, lsn, payload_crc};
    frame.crc32c = crc32c(chain, covered, sizeof covered);
    return frame;
}

/* Whether a frame at `lsn` that does not verify was whole when its segment had another number: the one behind it was chained to it
 * then. Frames of one size come to stand where others stood. */
static bool is_left_over(const struct wal *wal, uint64_t lsn, const struct wal_frame_layout *frame,
                         uint64_t limit)
{
    struct wal_frame_layout next;
    uint64_t end = (lsn | (wal->data_bytes - 1)) + 1;
    uint64_t at = lsn + sizeof *frame + (uint64_t)frame->payload_words * WAL_FRAME_ALIGN;
    if (end > limit || at > end - sizeof next) return false;
    wal_stream_get(wal, at, &next, sizeof next);
    uint64_t len = (uint64_t)next.payload_words * WAL_FRAME_ALIGN;
    if (len > end - at - sizeof next) return false;
    uint32_t payload_crc = stream_crc(wal, at + sizeof next, len);
    for (uint64_t back = 1; back <= WAL_SLOTS && back << wal->data_shift <= at; back++) {
        uint64_t then = at - (back << wal->data_shift);
        if (wal_stream_frame(frame->crc32c, next.epoch, then, len, payload_crc).crc32c == next.crc32c)
            return true;
    }
    return false;
}

/* What the bytes of a frame that is not good look like. */
static enum wal_read judge(const struct wal *wal, uint64_t lsn, const struct wal_frame_layout *frame,
                           uint64_t limit, uint32_t epoch)
{
    if (frame->crc32c == 0 && frame->epoch == 0 && frame->payload_words == 0) return WAL_READ_ZERO;
    bool is_other = frame->epoch != epoch || is_left_over(wal, lsn, frame, limit);
    return is_other ? WAL_READ_STALE : WAL_READ_TORN;
}

static bool gather(const struct wal *wal, struct wal_patches *patches, uint64_t lsn, size_t len)
{
    if (len > patches->scratch_cap) {
        char *grown = realloc(patches->scratch, len);
        if (grown == NULL) return false;
        patches->scratch = grown;
        patches->scratch_cap = len;
    }
    wal_stream_get(wal, lsn, patches->scratch, len);
    return true;
}

enum wal_read wal_stream_next(const struct wal *wal, struct wal_patches *patches, uint64_t limit,
                              struct wal_position *position, struct wal_record *record_out)
{
    struct wal_frame_layout frame = {0};
    uint64_t lsn = position->lsn;
    if (lsn >= limit) return WAL_READ_LIMIT;
    if (limit - lsn < sizeof frame) return WAL_READ_LIMIT;
    wal_stream_get(wal, lsn, &frame, sizeof frame);
    uint64_t payload_lsn = lsn + sizeof frame;
    uint64_t len = (uint64_t)frame.payload_words * WAL_FRAME_ALIGN;
    bool opens = frame.payload_words == 0;
    if ((opens ? frame.epoch <= position->epoch : frame.epoch != position->epoch) ||
        len > limit - payload_lsn)
        return judge(wal, lsn, &frame, limit, position->epoch);
    /* J8: verified to its end before anybody sees it. */
    uint32_t payload_crc = stream_crc(wal, payload_lsn, len);
    struct wal_frame_layout expected = wal_stream_frame(position->chain, frame.epoch, lsn, len, payload_crc);
    if (frame.crc32c != expected.crc32c) return judge(wal, lsn, &frame, limit, position->epoch);

    if (!opens) {
        size_t room;
        record_out->bytes = place(wal, payload_lsn, &room);
        record_out->len = len;
        record_out->spans = len > room;
        if (record_out->spans && !gather(wal, patches, payload_lsn, len)) return WAL_READ_MEMORY;
        if (record_out->spans) record_out->bytes = patches->scratch;
    }
    position->lsn = payload_lsn + len;
    position->epoch = frame.epoch;
    position->chain = frame.crc32c;
    return opens ? WAL_READ_EPOCH : WAL_READ_RECORD;
}

const char *wal_stream_end_text(enum wal_read read)
{
    switch (read) {
    case WAL_READ_RECORD:
    case WAL_READ_EPOCH: return "more follows";
    case WAL_READ_LIMIT: return "the last segment is full";
    case WAL_READ_ZERO: return "nothing but zeros follows";
    case WAL_READ_STALE: return "what follows is of an earlier use of the segment";
    case WAL_READ_TORN: return "the next record is incomplete or damaged";
    case WAL_READ_MEMORY: return "out of memory";
    }
    return "";
}
