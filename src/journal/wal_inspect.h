/* wal_inspect.h: a look at a journal on the disk, from its checkpoint on; nothing changes. */
#ifndef CAIRN_JOURNAL_WAL_INSPECT_H
#define CAIRN_JOURNAL_WAL_INSPECT_H

#include "journal/wal.h"

/* A frame of the stream that verifies. */
struct wal_inspect_frame {
    uint64_t lsn; /* of its first byte */
    uint64_t segment;
    uint64_t record_bytes; /* 0: it opens an epoch */
    uint32_t epoch;
    uint64_t ranges;
    uint64_t range_bytes;
    uint64_t bits;
    uint64_t grown_bytes;
    int64_t used_delta;
    bool makes_sense;
};

struct wal_inspect_result {
    uint64_t segment_bytes;
    uint64_t segments; /* from the checkpoint on */
    uint64_t checkpoint_lsn;
    int64_t checkpoint_used_bytes;
    uint32_t checkpoint_epoch;
    bool has_checkpoint;  /* else the stream's beginning stands in its place */
    uint64_t applied_lsn; /* what the applier had reached, in this boot; 0: nothing known */
    uint64_t good_end;
    uint64_t good_end_segment;
    uint64_t good_end_off; /* in the file of that segment */
    uint64_t frames;
    uint64_t nonsense; /* that verify and can't be read */
    bool is_torn;      /* a record of the last epoch begins at the end, and does not verify */
    const char *why;
};

/* Calls visit(arg, frame) for each good frame in order. Of the options image_path, folder_path, note_off, boot_mark and
 * reserve_bytes count. ERROR_NOT_FOUND: no journal; ERROR_CORRUPT: the note or its segments are missing. */
MUST_CHECK enum error wal_inspect(const struct wal_options *options,
                                  void (*visit)(void *arg, const struct wal_inspect_frame *frame), void *arg,
                                  struct wal_inspect_result *result_out, char *detail, size_t detail_cap);

#endif
