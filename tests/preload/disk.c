/* disk.c: a disk that can be made to hang or to fail while a server runs: preloaded, it stands between the server and fdatasync.
 *
 * DISK_CONTROL names a folder. While there is a file "hold" in it every sync waits, with a file "hold-image" those of heaps, not of
 * their journals; while there is a file "fail" every sync fails. While there is a file "listen" the server waits before it listens at a
 * socket, and "listen.waits" tells that it does.
 * With DISK_GOOD_SYNCS so many syncs of a process succeed, and the others fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int fdatasync(int fd);

static bool name_file(const char *name, char path[512])
{
    const char *folder = getenv("DISK_CONTROL");
    return folder && snprintf(path, 512, "%s/%s", folder, name) < 512;
}

static bool is_there(const char *name)
{
    char path[512];
    return name_file(name, path) && access(path, F_OK) == 0;
}

static bool is_image(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) return false;
    path[len] = '\0';
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".heap") == 0;
}

static bool is_used_up(void)
{
    static _Atomic long syncs;
    const char *good = getenv("DISK_GOOD_SYNCS");
    return good && atomic_fetch_add(&syncs, 1) >= atol(good);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    while (is_there("hold") || (is_there("hold-image") && is_image(fd)))
        usleep(1000);
    if (is_there("fail") || is_used_up()) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int listen(int fd, int backlog)
{
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen");
    char path[512];
    while (is_there("listen")) {
        if (name_file("listen.waits", path)) close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        usleep(1000);
    }
    return real(fd, backlog);
}
