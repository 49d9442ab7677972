/* disk.c: what the file system does for a heap file. See disk.h. */
#include "pmem/disk.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILE_MODE 0600
/* A signal storm must not hold us for ever; tmpfs undoes an interrupted fallocate. */
#define INTERRUPTS_MAX 1000

enum error pmem_disk_error(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERROR_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS: return ERROR_PERMISSION;
    case ENOENT: return ERROR_NOT_FOUND;
    case ENOMEM: return ERROR_MEMORY;
    case EMFILE:
    case ENFILE: return ERROR_FILES;
    case EOPNOTSUPP:
    case ENOSYS: return ERROR_UNSUPPORTED;
    default: return ERROR_IO;
    }
}

/* File systems whose shared mappings other machines may change, or that do not keep them coherent. */
static const char *network_name(long magic)
{
    switch ((unsigned)magic) {
    case NFS_SUPER_MAGIC: return "NFS";
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC: return "SMB";
    case CEPH_SUPER_MAGIC: return "Ceph";
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC: return "AFS";
    case CODA_SUPER_MAGIC: return "Coda";
    case V9FS_MAGIC: return "9p";
    default: return NULL;
    }
}

static enum error check_file_system(int fd, const char *path, char *detail, size_t cap)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) != 0 || fstat(fd, &st) != 0) {
        snprintf(detail, cap, "cannot examine %s: %s", path, strerror(errno));
        return pmem_disk_error(errno);
    }
    const char *network = network_name(fs.f_type);
    if (network != NULL) {
        snprintf(detail, cap,
                 "%s is on %s, which cannot hold a memory-mapped heap; put it on a local disk, tmpfs or "
                 "persistent memory ('dir')",
                 path, network);
        return ERROR_UNSUPPORTED;
    }
    if (!S_ISREG(st.st_mode)) {
        snprintf(detail, cap, "%s is not a regular file; name another heap file", path);
        return ERROR_UNSUPPORTED;
    }
    return ERROR_OK;
}

/* True when one of the process's descriptors is the file. */
static bool process_holds(const char *pid, const struct stat *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL) return false;
    bool holds = false;
    struct dirent *entry;
    while (!holds && (entry = readdir(dir)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0) continue;
        holds = st.st_dev == file->st_dev && st.st_ino == file->st_ino;
    }
    closedir(dir);
    return holds;
}

/* OFD locks name no owner, so look for another process that has the file open. 0: none found. */
static long find_holder(int fd)
{
    struct stat file;
    DIR *proc = opendir("/proc");
    if (proc == NULL) return 0;
    long holder = 0;
    long self = getpid();
    struct dirent *entry;
    while (fstat(fd, &file) == 0 && holder == 0 && (entry = readdir(proc)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        long pid = 0;
        if (sscanf(entry->d_name, "%ld", &pid) != 1 || pid == self) continue;
        if (process_holds(entry->d_name, &file)) holder = pid;
    }
    closedir(proc);
    return holder;
}

static enum error lock_file(int fd, const struct pmem_disk_open *options, char *detail, size_t cap)
{
    struct flock lock = {.l_type = options->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            snprintf(detail, cap, "cannot lock %s: %s", options->path, strerror(errno));
            return pmem_disk_error(errno);
        }
        long holder = find_holder(fd);
        if (holder > 0)
            snprintf(detail, cap, "%s is in use by process %ld; stop it, or use another heap file",
                     options->path, holder);
        else
            snprintf(detail, cap, "%s is in use by another process; stop it, or use another heap file",
                     options->path);
        return ERROR_IN_USE;
    }
    /* The last holder may have moved the file away between our open and our lock. */
    struct stat named;
    struct stat opened;
    if (stat(options->path, &named) != 0 || fstat(fd, &opened) != 0 || named.st_ino != opened.st_ino ||
        named.st_dev != opened.st_dev) {
        snprintf(detail, cap, "%s was replaced by another process just now; start again", options->path);
        return ERROR_IN_USE;
    }
    return ERROR_OK;
}

static void describe_open(int errnum, const struct pmem_disk_open *options, char *detail, size_t cap)
{
    const char *path = options->path;
    const char *verb = options->create ? "create" : "open";
    if (errnum == ENOENT && options->create)
        snprintf(detail, cap, "cannot create %s: its directory does not exist; create it, or change 'dir'",
                 path);
    else if (errnum == ENOENT) snprintf(detail, cap, "there is no file %s", path);
    else if (errnum == EACCES || errnum == EPERM)
        snprintf(detail, cap,
                 "no permission to %s %s; check the owner and mode of the file and its directory", verb,
                 path);
    else if (errnum == EROFS)
        snprintf(detail, cap, "cannot %s %s: the file system is mounted read-only", verb, path);
    else snprintf(detail, cap, "cannot %s %s: %s", verb, path, strerror(errnum));
}

static int open_restarting(const char *path, int flags)
{
    int fd = -1;
    for (int i = 0; i < INTERRUPTS_MAX; i++) {
        fd = open(path, flags, FILE_MODE);
        if (fd >= 0 || errno != EINTR) break;
    }
    return fd;
}

enum error pmem_disk_open(const struct pmem_disk_open *options, int *fd_out, char *detail, size_t detail_cap)
{
    int flags =
        O_CLOEXEC | (options->read_only ? O_RDONLY : O_RDWR) | (options->create ? O_CREAT | O_EXCL : 0);
    int fd = open_restarting(options->path, flags);
    if (fd < 0) {
        describe_open(errno, options, detail, detail_cap);
        return pmem_disk_error(errno);
    }
    enum error error = check_file_system(fd, options->path, detail, detail_cap);
    if (error == ERROR_OK) error = lock_file(fd, options, detail, detail_cap);
    if (error != ERROR_OK) {
        if (options->create && error != ERROR_IN_USE) unlink(options->path);
        close(fd);
        return error;
    }
    *fd_out = fd;
    return ERROR_OK;
}

enum error pmem_disk_allocate(int fd, uint64_t off, uint64_t len)
{
    /* Not posix_fallocate: where the file system lacks it, glibc rewrites blocks under our mapping. */
    int failure = EINTR;
    for (int i = 0; i < INTERRUPTS_MAX && failure == EINTR; i++)
        failure = fallocate(fd, 0, (off_t)off, (off_t)len) == 0 ? 0 : errno;
    return failure == 0 ? ERROR_OK : pmem_disk_error(failure);
}
