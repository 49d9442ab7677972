/* title.c: the title stands where the kernel looks for it: in the bytes of argv and of the environment behind it (title.h). */
#include "app/title.h"

#include <stdlib.h>

extern char **environ;

static struct {
    char *begin;
    char *end; /* NULL: there is no room, titles are not shown */
} room;

#define FIELD(name) offsetof(struct title_words, name)
static const struct {
    const char *name;
    size_t field;
} variables[] = {
    {"title", FIELD(title)},
    {"listen-addr", FIELD(listen_addr)},
    {"server-mode", FIELD(server_mode)},
    {"port", FIELD(port)},
    {"tls-port", FIELD(tls_port)},
    {"unixsocket", FIELD(unixsocket)},
    {"config-file", FIELD(config_file)},
};

/* Splits off what is before the next word in braces, and which one that is: an index, -1 at the end, -2 where it makes no sense. */
static int next_variable(struct slice *rest, struct slice *text_out)
{
    const char *open = memchr(rest->ptr, '{', rest->len);
    *text_out = (struct slice){rest->ptr, open ? (size_t)(open - rest->ptr) : rest->len};
    rest->ptr += text_out->len;
    rest->len -= text_out->len;
    if (!open) return -1;
    const char *close = memchr(rest->ptr, '}', rest->len);
    if (!close) return -2;
    struct slice name = {open + 1, (size_t)(close - open - 1)};
    rest->len -= name.len + 2;
    rest->ptr += name.len + 2;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (slice_equal(name, slice_of(variables[i].name))) return (int)i;
    return -2;
}

bool title_is_valid(struct slice template)
{
    struct slice text;
    int variable = template.len == 0 ? -2 : 0;
    while (variable >= 0)
        variable = next_variable(&template, &text);
    return variable == -1;
}

static void append(char **at, const char *end, struct slice text)
{
    size_t len = text.len < (size_t)(end - *at) ? text.len : (size_t)(end - *at);
    if (len > 0) memcpy(*at, text.ptr, len);
    *at += len;
}

void title_expand(struct slice template, const struct title_words *words, char *text, size_t cap)
{
    char *at = text, *end = text + cap - 1;
    struct slice part;
    for (int variable = 0; variable >= 0;) {
        variable = next_variable(&template, &part);
        append(&at, end, part);
        if (variable < 0) break;
        const char *const *word = (const void *)((const char *)words + variables[variable].field);
        append(&at, end, slice_of(*word));
    }
    while (at > text && at[-1] == ' ')
        at--;
    *at = '\0';
}

/* A copy of the environment, whose own strings are overwritten. */
static bool move_environment(void)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    bool done = copy != NULL;
    for (size_t i = 0; done && i < count; i++) {
        copy[i] = strdup(environ[i]);
        done = copy[i] != NULL;
    }
    if (done) environ = copy; /* belongs to the process until its end */
    return done;
}

void title_begin(char **argv)
{
    char *end = argv[0];
    for (size_t i = 0; argv[i]; i++)
        if (argv[i] == end) end += strlen(end) + 1;
    for (size_t i = 0; environ[i]; i++)
        if (environ[i] == end) end += strlen(end) + 1;
    if (!move_environment()) return;
    room.begin = argv[0];
    room.end = end;
}

void title_set(const char *text)
{
    if (!room.end) return;
    size_t size = (size_t)(room.end - room.begin), len = strlen(text);
    if (len >= size) len = size - 1;
    memset(room.begin, 0, size);
    memcpy(room.begin, text, len);
}
