/* disk.h: what the file system does for a heap file: opening, locking, allocating blocks.
 *
 * Each function restarts after EINTR, and writes into `detail` what is wrong and what to do about it.
 */
#ifndef CAIRN_PMEM_DISK_H
#define CAIRN_PMEM_DISK_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pmem_disk_open {
    const char *path;
    bool create; /* the file must not exist */
    bool read_only;
};

/* Opens a regular file on a file system that can hold a heap, and takes the OFD lock (shared when read_only).
 * A new name is not durable yet. */
MUST_CHECK enum error pmem_disk_open(const struct pmem_disk_open *options, int *fd_out, char *detail,
                                     size_t detail_cap);
/* Allocates the blocks of [off, off+len); the file is extended when the range ends beyond it. */
MUST_CHECK enum error pmem_disk_allocate(int fd, uint64_t off, uint64_t len);
/* The error for an errno of a file operation. */
enum error pmem_disk_error(int errnum);

#endif
