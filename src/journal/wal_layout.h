/* wal_layout.h: the bytes of the redo journal: segments, frames, and the notes in the image (H5).
 *
 * A segment is a file: a head of WAL_HEAD_BYTES with struct wal_segment_layout, then data_bytes of the stream (a
 * power of two): segment n holds the LSNs [n * data_bytes, (n + 1) * data_bytes). Its name is n in 16 hexadecimal
 * digits.
 *
 * The stream is a row of frames, each a struct wal_frame_layout and a record (redo_code.h), on 4 bytes. Frames
 * take no notice of the ends of segments (J8). The CRC of a frame is that of
 *
 *     epoch:32 | payload_words:32 | lsn:64 (of the frame's first byte) | crc of the payload:32 | 0:32
 *
 * begun with the predecessor's CRC (J7). A frame without a payload opens the epoch that it names, which is greater
 * than the one before; all others carry the epoch that is open.
 *
 * Notes stand in three sectors of the image: two in turns for checkpoints, of which the one with the higher
 * sequence counts, and one with two halves in turns for the applier's progress: that one is for starts in the
 * same boot on the same file, when the page cache has kept all, and means nothing after a power cut.
 */
#ifndef CAIRN_JOURNAL_WAL_LAYOUT_H
#define CAIRN_JOURNAL_WAL_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define WAL_SEGMENT_MAGIC UINT64_C(0x0a6c61776e726163) /* "carnwal\n" */
#define WAL_NOTE_MAGIC    UINT64_C(0x65746f6e6e726163) /* "carnnote" */
#define WAL_VERSION       1
#define WAL_HEAD_BYTES    4096
#define WAL_SECTOR_BYTES  512
#define WAL_FRAME_ALIGN   4

struct wal_segment_layout {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    uint64_t number;
    uint64_t data_bytes;
    uint64_t stream; /* random, of one wal_create */
    uint8_t heap_id[16];
    uint32_t reserved2;
    uint32_t crc32c; /* of the bytes before it */
};
static_assert(sizeof(struct wal_segment_layout) == 64, "no holes");
static_assert(offsetof(struct wal_segment_layout, crc32c) == 60, "the checksum is the last word");

struct wal_frame_layout {
    uint32_t crc32c;
    uint32_t epoch;
    uint32_t payload_words; /* of 4 bytes */
};
static_assert(sizeof(struct wal_frame_layout) == 12, "no holes");

enum wal_note_kind {
    WAL_NOTE_CHECKPOINT = 1, /* the image is durable at the LSN */
    WAL_NOTE_APPLIED,        /* the page cache has the image at the LSN */
    WAL_NOTE_REMOVED,        /* no journal any more; newer than whatever else stands there */
};

struct wal_note_layout {
    uint64_t magic;
    uint32_t version;
    uint32_t kind;
    uint64_t sequence; /* of all notes in this image */
    uint64_t stream;
    uint64_t lsn;
    uint64_t data_bytes;
    int64_t used_bytes;
    uint64_t boot_mark;
    uint64_t identity; /* of the file: a copy has another, and page cache of its own */
    uint8_t heap_id[16];
    uint32_t epoch;       /* open at the LSN */
    uint32_t chain;       /* the CRC of the frame that ends at the LSN */
    uint32_t is_complete; /* 1: closed there, nothing follows in the journal, which may be missing */
    uint32_t crc32c;      /* of the bytes before it */
};
static_assert(sizeof(struct wal_note_layout) == 104, "no holes");
static_assert(offsetof(struct wal_note_layout, crc32c) == 100, "the checksum is the last word");

#define WAL_NOTE_CHECKPOINT_OFF(turn) ((turn) * (uint64_t)WAL_SECTOR_BYTES)
#define WAL_NOTE_APPLIED_OFF(turn)                                                                           \
    (2 * (uint64_t)WAL_SECTOR_BYTES + (turn) * (uint64_t)(WAL_SECTOR_BYTES / 2))

#endif
