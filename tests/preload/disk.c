/* disk.c: a disk that can be made to hang or to fail while a server runs: preloaded, it stands between the server and fdatasync.
 *
 * DISK_CONTROL names a folder. While there is a file "hold" in it every sync waits; while there is a file "fail" every sync fails.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd);

static bool is_there(const char *name)
{
    char path[512];
    const char *folder = getenv("DISK_CONTROL");
    if (!folder) return false;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    while (is_there("hold"))
        usleep(1000);
    if (is_there("fail")) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}
