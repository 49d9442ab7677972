/* tool_journal.c: cairn inspect FOLDER. See tool_journal.h. */
#include "app/tool_journal.h"

#include "heap/heap_layout.h"
#include "heap/superblock.h"
#include "journal/wal_inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX         ".journal"
#define STATUS_WHOLE   0
#define STATUS_DAMAGED 1
#define STATUS_NOT_RUN 2

/* The folder's name without the suffix, and without slashes behind it. */
static bool image_of(const char *folder, char *image_out, size_t cap)
{
    size_t len = strlen(folder);
    size_t suffix = strlen(SUFFIX);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    if (len <= suffix || len - suffix >= cap || memcmp(folder + len - suffix, SUFFIX, suffix) != 0)
        return false;
    snprintf(image_out, cap, "%.*s", (int)(len - suffix), folder);
    return true;
}

bool tool_journal_is(const char *path)
{
    char image[4096];
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && image_of(path, image, sizeof image);
}

static void print_frame(void *arg, const struct wal_inspect_frame *frame)
{
    (void)arg;
    if (frame->record_bytes == 0) {
        printf("%16" PRIu64 "  %5" PRIu32 "  epoch %" PRIu32 " begins\n", frame->lsn, frame->epoch,
               frame->epoch);
        return;
    }
    printf("%16" PRIu64 "  %5" PRIu32 "  %9" PRIu64 "  %7" PRIu64 "  %11" PRIu64 "  %5" PRIu64 "  %10" PRIu64
           "  %+" PRId64 "%s\n",
           frame->lsn, frame->epoch, frame->record_bytes, frame->ranges, frame->range_bytes, frame->bits,
           frame->grown_bytes, frame->used_delta, frame->makes_sense ? "" : "  MAKES NO SENSE");
}

static void print_result(const char *path, const struct wal_inspect_result *result)
{
    printf("segments         %" PRIu64 " of %" PRIu64 " bytes, from the %s on\n", result->segments,
           result->segment_bytes, result->has_checkpoint ? "checkpoint" : "beginning");
    printf("%s       LSN %" PRIu64 ", epoch %" PRIu32 ", %" PRId64 " bytes in use\n",
           result->has_checkpoint ? "checkpoint" : "beginning ", result->checkpoint_lsn,
           result->checkpoint_epoch, result->checkpoint_used_bytes);
    if (result->applied_lsn != 0)
        printf("applied          up to LSN %" PRIu64 ", in this boot\n", result->applied_lsn);
    printf("good part        %" PRIu64 " frames, %" PRIu64 " bytes, up to LSN %" PRIu64 " (%s/%016" PRIx64
           ", offset %" PRIu64 ")\n",
           result->frames, result->good_end - result->checkpoint_lsn, result->good_end, path,
           result->good_end_segment, result->good_end_off);
    printf("behind it        %s\n", result->why);
}

int tool_journal_inspect(const char *path)
{
    char image[4096];
    char detail[512] = "";
    struct wal_inspect_result result;
    if (!image_of(path, image, sizeof image)) return STATUS_NOT_RUN;
    const struct wal_options options = {.image_path = image,
                                        .folder_path = path,
                                        .note_off = HEAP_NOTES_OFF,
                                        .boot_mark = superblock_boot_mark(NULL)};
    printf("             LSN  epoch      bytes   ranges  range bytes   bits  grown bytes  used bytes\n");
    enum error error = wal_inspect(&options, print_frame, NULL, &result, detail, sizeof detail);
    if (error != ERROR_OK) {
        fprintf(stderr, "%s: %s. %s\n", path, error_text(error), detail);
        return error == ERROR_CORRUPT ? STATUS_DAMAGED : STATUS_NOT_RUN;
    }
    print_result(path, &result);
    return result.is_torn || result.nonsense > 0 ? STATUS_DAMAGED : STATUS_WHOLE;
}
