/* aclfile.c: reading and writing the file of users (aclfile.h).
 *
 * Crash table:
 *   1. <file>.tmp-<pid> is written and synced   the old file stands
 *   2. it is renamed                            the new file stands
 */
#include "app/aclfile.h"

#include "command/acl/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void put(struct resp_out *out, const char *text)
{
    resp_raw(out, text, strlen(text));
}

/* False, with the text, when no file is configured. */
static bool has_file(const char *path, struct resp_out *error)
{
    if (*path) return true;
    put(error,
        "This Redis instance is not configured to use an ACL file. You may want to specify users via the "
        "ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file "
        "set) in order to store users in the Redis configuration.");
    return false;
}

static bool read_all(const char *path, struct resp_out *text)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        resp_raw(text, bytes, got);
    bool done = !ferror(file) && !text->failed;
    fclose(file);
    return done;
}

bool aclfile_load(struct app *app, struct resp_out *error)
{
    const char *path = config_text(app->config, "aclfile");
    if (!has_file(path, error)) return false;
    struct resp_out text;
    resp_out_init(&text);
    bool done = read_all(path, &text);
    if (done) {
        done = acl_file_load(&app->server.acl, path, (struct slice){text.buf, text.len}, error);
    } else {
        put(error, "Error loading ACLs, opening file '");
        put(error, path);
        put(error, "': ");
        put(error, strerror(errno));
    }
    resp_out_free(&text);
    return done;
}

static bool write_all(const char *path, const struct resp_out *text)
{
    FILE *file = fopen(path, "we");
    if (!file) return false;
    bool done =
        fwrite(text->buf, 1, text->len, file) == text->len && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int saved = errno;
    fclose(file);
    errno = saved;
    return done;
}

bool aclfile_save(struct app *app, struct resp_out *error)
{
    const char *path = config_text(app->config, "aclfile");
    if (!has_file(path, error)) return false;
    struct resp_out text;
    resp_out_init(&text);
    acl_file_write(&app->server.acl, &text);
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.tmp-%d", path, (int)getpid()) < 0) temporary = NULL;
    bool done = temporary && !text.failed && write_all(temporary, &text) && rename(temporary, path) == 0;
    if (!done) {
        log_line(&app->log, LOG_WARNING, "Saving the users to '%s': %s", path, strerror(errno));
        put(error,
            "There was an error trying to save the ACLs. Please check the server logs for more information");
        if (temporary) unlink(temporary);
    }
    free(temporary);
    resp_out_free(&text);
    return done;
}
