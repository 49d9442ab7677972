/* disk_place.h: a server whose data lies in a folder on a disk, which hangs and fails when it is told to (preload/disk.c). */
#ifndef CAIRN_TESTS_SUPPORT_DISK_PLACE_H
#define CAIRN_TESTS_SUPPORT_DISK_PLACE_H

#include "support/client.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PRELOADS false /* sanitizers want to be first */
#else
#define PRELOADS true
#endif

struct place {
    char folder[64]; /* of the server's data, on a disk */
    struct server *server;
};

static inline void make_place(struct place *place, const char *append_only, const char *fsync,
                              const char *more, const char *value)
{
    snprintf(place->folder, sizeof place->folder, "/var/tmp/cairn-journal.XXXXXX");
    assert_non_null(scratch_make(place->folder));
    if (PRELOADS) {
        setenv("LD_PRELOAD", DISK_PRELOAD, 1);
        setenv("DISK_CONTROL", place->folder, 1);
    }
    place->server =
        server_open((const char *const[]){"--dir", place->folder, "--appendonly", append_only,
                                          "--appendfsync", fsync, "--io-threads", "2", more, value, NULL});
}

static inline void order(const struct place *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static inline bool is_ordered(const struct place *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    return access(path, F_OK) == 0;
}

static inline void take_back(const struct place *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    assert_int_equal(unlink(path), 0);
}

static inline void leave_place(struct place *place)
{
    char command[128];
    server_close(place->server);
    unsetenv("LD_PRELOAD");
    unsetenv("DISK_CONTROL");
    snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
    assert_int_equal(system(command), 0);
}

static inline void send_large(struct client *client, const char *key, const char *value, size_t len)
{
    client_send_argv(client, 3, (const char *[]){"SET", key, value}, (const size_t[]){3, strlen(key), len});
}

#endif
