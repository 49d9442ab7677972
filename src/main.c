/* main.c: the life of the server as a table of contents. */
#include "app/boot.h"
#include "app/tool.h"

int main(int argc, char **argv)
{
    static struct app app; /* large, and signal handlers outlive main's frame */
    int status;
    if (tool_run(argc, argv, &status)) return status; /* cairn check, inspect, --version, --help */
    boot_begin(&app, argv);
    bool served = boot_configure(&app, argc, argv) && /* redis.conf, command line, log */
                  boot_process(&app) &&               /* directory, background, pid file, limits */
                  boot_heap(&app) &&                  /* map, recover, keyspace */
                  boot_workers(&app) &&               /* worker state, event loops, background thread */
                  boot_listen(&app) &&                /* sockets, signals: "Ready to accept connections" */
                  boot_serve(&app);                   /* until SIGTERM or SHUTDOWN */
    bool clean = boot_end(&app);                      /* the heap is synced and marked clean */
    return served && clean ? 0 : 1;
}
