/* config_load.c: redis.conf files and the command line (config.h).
 *
 * The command line is turned into lines of a configuration: `--port 7000 --save ""` is `port "7000"` and
 * `save ""`. As in Redis the word behind a name is its value even if it begins with `--`; only `--save` may
 * stand alone, for no save points.
 */
#include "app/config.h"
#include "app/config_value.h"
#include "command/server_state.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX     512 /* a user has many rules */
#define INCLUDES_MAX  16  /* files inside of files */
#define BAD_DIRECTIVE "Bad directive or wrong number of arguments"
#define WRONG_COUNT   "wrong number of arguments"

struct loader {
    struct config *config;
    char *error;
    size_t error_cap;
    unsigned depth;
    bool save_given; /* the first `save` line replaces what was built in */
};

static bool fail_at(struct loader *loader, unsigned line_number, struct slice text, const char *why)
{
    const struct config_line line = {.text = text, .number = line_number};
    config_line_error(&line, why, loader->error, loader->error_cap);
    return false;
}

static bool load_file(struct loader *loader, const char *path);

/* Wildcards that match nothing are fine; a plain name must exist. */
static bool include_files(struct loader *loader, struct slice pattern)
{
    char *text = strndup(pattern.ptr, pattern.len);
    glob_t found = {0};
    bool done = true;
    int status = text ? glob(text, GLOB_NOMAGIC, NULL, &found) : GLOB_NOSPACE;
    if (status != 0 && status != GLOB_NOMATCH)
        done = fail_at(loader, 0, SLICE("include: "), "the pattern cannot be read");
    for (size_t i = 0; status == 0 && done && i < found.gl_pathc; i++)
        done = load_file(loader, found.gl_pathv[i]);
    if (status == 0) globfree(&found);
    free(text);
    return done;
}

static const char *base_of_line(struct loader *loader, const struct config_row *row)
{
    if (row->type != CONFIG_SAVE_POINTS) return config_text(loader->config, row->name);
    bool first = !loader->save_given;
    loader->save_given = true;
    return first ? "" : config_text(loader->config, row->name);
}

/* A single quoted list of words counts as its words: --save "900 1". */
static bool assign_quoted_list(struct loader *loader, const struct config_row *row, struct slice list,
                               char *why, size_t why_cap)
{
    struct slice words[WORDS_MAX];
    char *decoded = malloc(list.len + 1);
    int count = decoded ? config_value_split(list, decoded, words, WORDS_MAX) : -1;
    if (count < 0) snprintf(why, why_cap, "%s", WRONG_COUNT);
    bool done = count >= 0 && config_assign(loader->config, row, words, (size_t)count,
                                            base_of_line(loader, row), why, why_cap);
    free(decoded);
    return done;
}

/* A line that somebody else reads. */
static bool keep_line(struct loader *loader, const struct config_line *line)
{
    char why[CONFIG_ERROR_BYTES] = BAD_DIRECTIVE;
    bool fits = (int64_t)line->count >= line->row->min && (int64_t)line->count <= line->row->max;
    if (fits && config_add_line(loader->config, line) == ERROR_OK) return true;
    if (fits) snprintf(why, sizeof why, "out of memory");
    config_line_error(line, why, loader->error, loader->error_cap);
    return false;
}

static bool load_words(struct loader *loader, const struct slice *words, size_t count, char *why,
                       size_t why_cap)
{
    const struct config_row *row = config_table_find(words[0]);
    snprintf(why, why_cap, "%s", row ? WRONG_COUNT : BAD_DIRECTIVE);
    bool no_points = row && count == 1 && row->type == CONFIG_SAVE_POINTS; /* a lone `save` is `save ""` */
    if (no_points) return assign_quoted_list(loader, row, SLICE(""), why, why_cap);
    if (!row || count < 2) return false;
    if (config_value_has_words(row) && count == 2)
        return assign_quoted_list(loader, row, words[1], why, why_cap);
    if (!config_value_has_words(row) && count != 2) return false;
    return config_assign(loader->config, row, words + 1, count - 1, base_of_line(loader, row), why, why_cap);
}

static struct slice trim(struct slice line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.ptr[0])) {
        line.ptr++;
        line.len--;
    }
    while (line.len > 0 && strchr(" \t\r\n", line.ptr[line.len - 1]))
        line.len--;
    return line;
}

static bool load_line(struct loader *loader, struct slice raw, unsigned line_number)
{
    struct slice line = trim(raw);
    struct slice words[WORDS_MAX];
    char why[CONFIG_ERROR_BYTES];
    const struct config_row *row;
    if (line.len == 0 || *line.ptr == '#') return true;
    char *decoded = malloc(line.len);
    int count = decoded ? config_value_split(line, decoded, words, WORDS_MAX) : -1;
    bool done;
    if (count < 0) done = fail_at(loader, line_number, line, "Unbalanced quotes in configuration line");
    else if (count == 2 && slice_is_word(words[0], "include")) done = include_files(loader, words[1]);
    else if ((row = config_table_find(words[0])) && row->type == CONFIG_LINES)
        done = keep_line(loader, &(struct config_line){row, words, (size_t)count, line, line_number});
    else
        done = load_words(loader, words, (size_t)count, why, sizeof why) ||
               fail_at(loader, line_number, line, why);
    free(decoded);
    return done;
}

static bool load_text(struct loader *loader, struct slice text)
{
    unsigned line_number = 0;
    bool done = true;
    while (done && text.len > 0) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        done = load_line(loader, (struct slice){text.ptr, len}, ++line_number);
        size_t step = newline ? len + 1 : len;
        text.ptr += step;
        text.len -= step;
    }
    return done;
}

static bool load_stream(struct loader *loader, FILE *file)
{
    char *text = NULL;
    size_t len = 0;
    size_t cap = 0;
    size_t got = 1;
    while (got > 0) {
        if (len == cap) {
            cap = cap ? cap * 2 : 64 * 1024;
            char *grown = realloc(text, cap);
            if (!grown) break;
            text = grown;
        }
        got = fread(text + len, 1, cap - len, file);
        len += got;
    }
    bool done = got == 0 && !ferror(file) ? load_text(loader, (struct slice){text, len})
                                          : fail_at(loader, 0, SLICE(""), "The file cannot be read");
    free(text);
    return done;
}

static bool load_file(struct loader *loader, const char *path)
{
    FILE *file = loader->depth < INCLUDES_MAX ? fopen(path, "re") : NULL;
    if (!file) {
        const char *why = loader->depth < INCLUDES_MAX ? strerror(errno) : "too many files inside of files";
        snprintf(loader->error, loader->error_cap, "Fatal error, can't open config file '%s': %s\n", path,
                 why);
        return false;
    }
    loader->depth++;
    bool done = load_stream(loader, file);
    loader->depth--;
    fclose(file);
    return done;
}

static bool is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] == '-';
}

static bool is_stdin(const char *arg)
{
    return strcmp(arg, "-") == 0;
}

/* "--port", not "--port 7000" in one word of the shell's. */
static bool names_only(const char *arg)
{
    size_t len = strcspn(arg, " \t");
    return arg[len + strspn(arg + len, " \t")] == '\0';
}

static bool load_options(struct loader *loader, int argc, char **argv)
{
    char *text = NULL;
    size_t len = 0;
    FILE *lines = open_memstream(&text, &len);
    if (!lines) return fail_at(loader, 0, SLICE(""), "out of memory");
    bool wants_value = false;
    for (int i = 0; i < argc; i++) {
        if (is_option(argv[i]) && !wants_value) {
            bool may_stand_alone =
                strcasecmp(argv[i], "--save") == 0 && (i + 1 == argc || is_option(argv[i + 1]));
            fprintf(lines, "%s%s%s", i > 0 ? "\n" : "", argv[i] + 2, may_stand_alone ? " \"\"" : "");
            wants_value = names_only(argv[i]) && !may_stand_alone;
        } else {
            fputc(' ', lines);
            config_value_quote(lines, slice_of(argv[i]), true);
            wants_value = false;
        }
    }
    bool done = fclose(lines) == 0 ? load_text(loader, (struct slice){text, len})
                                   : fail_at(loader, 0, SLICE(""), "out of memory");
    free(text);
    return done;
}

bool config_load(struct config *config, int argc, char **argv, char *error, size_t error_cap)
{
    struct loader loader = {.config = config, .error = error, .error_cap = error_cap};
    int at = 1;
    if (at < argc && !is_option(argv[at]) && !is_stdin(argv[at])) {
        if (!load_file(&loader, argv[at])) return false;
        config_set_file(config, realpath(argv[at], NULL));
        at++;
    }
    bool first = at < argc && is_stdin(argv[at]);
    bool last = !first && at < argc && is_stdin(argv[argc - 1]);
    if ((first || last) && !load_stream(&loader, stdin)) return false;
    return load_options(&loader, argc - at - first - last, argv + at + first);
}
