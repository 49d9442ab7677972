/* config.c: the values of all options (config.h). */
#include "app/config.h"

#include "app/config_value.h"
#include "util/assert.h"
#include "util/glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct config {
    struct config_value *values; /* by place in config_table; owned */
    struct config_value *olds;   /* of a change that is not kept yet; text NULL: unchanged */
    char *file;
    struct config_line *lines; /* each a block of its own behind `words` */
    size_t line_count;
};

static size_t place_of(const struct config_row *row)
{
    return (size_t)(row - config_table);
}

static size_t place_named(const char *name)
{
    const struct config_row *row = config_table_find(slice_of(name));
    ASSERT(row);
    return place_of(row);
}

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof *config);
    bool complete = config != NULL;
    if (complete) {
        config->values = calloc(config_table_count, sizeof *config->values);
        config->olds = calloc(config_table_count, sizeof *config->olds);
        complete = config->values && config->olds;
    }
    for (size_t i = 0; complete && i < config_table_count; i++) {
        struct slice initial = slice_of(config_table[i].initial);
        config->values[i] = (struct config_value){config_value_copy(initial), initial.len};
        complete = config->values[i].text != NULL;
    }
    if (complete) return config;
    config_free(config);
    return NULL;
}

void config_free(struct config *config)
{
    if (!config) return;
    for (size_t i = 0; i < config_table_count; i++) {
        if (config->values) free(config->values[i].text);
        if (config->olds) free(config->olds[i].text);
    }
    free(config->values);
    free(config->olds);
    for (size_t i = 0; i < config->line_count; i++)
        free((void *)(uintptr_t)config->lines[i].words);
    free(config->lines);
    free(config->file);
    free(config);
}

/* ---- lines ---- */

static struct slice copy_text(struct slice text, char **to)
{
    struct slice copy = {*to, text.len};
    if (text.len > 0) memcpy(*to, text.ptr, text.len);
    *to += text.len;
    return copy;
}

enum error config_add_line(struct config *config, const struct config_line *line)
{
    struct config_line *lines = realloc(config->lines, (config->line_count + 1) * sizeof *lines);
    if (!lines) return ERROR_MEMORY;
    config->lines = lines;
    size_t bytes = line->text.len;
    for (size_t i = 0; i < line->count; i++)
        bytes += line->words[i].len;
    struct slice *words = malloc(line->count * sizeof *words + bytes);
    if (!words) return ERROR_MEMORY;
    char *to = (char *)(words + line->count);
    for (size_t i = 0; i < line->count; i++)
        words[i] = copy_text(line->words[i], &to);
    lines[config->line_count] = *line;
    lines[config->line_count].words = words;
    lines[config->line_count].text = copy_text(line->text, &to);
    config->line_count++;
    return ERROR_OK;
}

size_t config_lines(const struct config *config, const struct config_line **lines_out)
{
    *lines_out = config->lines;
    return config->line_count;
}

void config_line_error(const struct config_line *line, const char *why, char *error, size_t error_cap)
{
    char start[64] = "";
    bool in_file = line->number > 0;
    if (in_file)
        snprintf(start, sizeof start, "Reading the configuration file, at line %u\n>>> '", line->number);
    snprintf(error, error_cap, "\n*** FATAL CONFIG FILE ERROR (cairn %s) ***\n%s%.*s%s%s\n", CAIRN_VERSION,
             start, (int)line->text.len, line->text.ptr, in_file ? "'\n" : "", why);
}

/* ---- values ---- */

const char *config_file(const struct config *config)
{
    return config->file;
}

void config_set_file(struct config *config, char *path)
{
    free(config->file);
    config->file = path;
}

const char *config_text(const struct config *config, const char *name)
{
    return config->values[place_named(name)].text;
}

static struct slice value_slice(const struct config *config, size_t place)
{
    return (struct slice){config->values[place].text, config->values[place].len};
}

struct slice config_slice(const struct config *config, const char *name)
{
    return value_slice(config, place_named(name));
}

int64_t config_int(const struct config *config, const char *name)
{
    size_t place = place_named(name);
    char *end;
    int64_t value =
        strtoll(config->values[place].text, &end, config_table[place].type == CONFIG_MODE ? 8 : 10);
    return *end == '%' ? -value : value;
}

bool config_bool(const struct config *config, const char *name)
{
    return strcmp(config_text(config, name), "yes") == 0;
}

int config_choice(const struct config *config, const char *name)
{
    size_t place = place_named(name);
    int choice = 0;
    while (strcmp(config_table[place].words[choice], config->values[place].text) != 0)
        choice++; /* C1: it is there */
    return choice;
}

struct config_output_limit config_output_limit(const struct config *config, int class)
{
    long long hard = 0, soft = 0, seconds = 0;
    const char *text = config_text(config, "client-output-buffer-limit");
    for (int i = 0; i <= class; i++) {
        int used = 0;
        sscanf(text, "%*s %lld %lld %lld %n", &hard, &soft, &seconds, &used);
        text += used;
    }
    return (struct config_output_limit){(uint64_t)hard, (uint64_t)soft, seconds};
}

size_t config_percentiles(const struct config *config, double percentiles[CONFIG_PERCENTILES_MAX])
{
    const char *text = config_text(config, "latency-tracking-info-percentiles");
    size_t count = 0;
    while (*text && count < CONFIG_PERCENTILES_MAX) {
        char *end;
        percentiles[count++] = strtod(text, &end);
        text = end;
    }
    return count;
}

bool config_assign(struct config *config, const struct config_row *row, const struct slice *words,
                   size_t count, const char *base, char *error, size_t error_cap)
{
    struct config_value value;
    if (!config_value_parse(row, words, count, base, &value, error, error_cap)) return false;
    free(config->values[place_of(row)].text);
    config->values[place_of(row)] = value;
    return true;
}

/* ---- CONFIG GET ---- */

/* Options that are for tests answer to their whole name only. */
static bool asked_for(const char *name, bool hidden, const struct slice *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (hidden ? slice_is_word(patterns[i], name) : glob_match_nocase(patterns[i], slice_of(name)))
            return true;
    return false;
}

struct config_query {
    const struct slice *patterns;
    size_t count;
    struct resp_out *out;
};

static size_t reply_row(const struct config_query *query, const char *name, bool hidden, struct slice value)
{
    if (!name || !asked_for(name, hidden, query->patterns, query->count)) return 0;
    resp_bulk_text(query->out, name);
    resp_bulk_slice(query->out, value);
    return 1;
}

void config_reply(const struct config *config, const struct slice *patterns, size_t count,
                  struct resp_out *out)
{
    const struct config_query query = {patterns, count, out};
    struct resp_later map = resp_later_begin(out);
    size_t pairs = 0;
    for (size_t i = 0; i < config_table_count; i++) {
        const struct config_row *row = &config_table[i];
        if (row->flags & CONFIG_UNLISTED) continue;
        bool hidden = row->flags & CONFIG_HIDDEN;
        pairs += reply_row(&query, row->name, hidden, value_slice(config, i));
        pairs += reply_row(&query, row->alias, hidden, value_slice(config, i));
    }
    resp_later_map(out, map, pairs);
}

/* ---- CONFIG SET ---- */

/* A change starts from nothing where lines of a file would add up, and from what is there where parts can be
 * set. */
static const char *base_of_change(const struct config_row *row, const char *current)
{
    return row->type == CONFIG_OUTPUT_LIMITS ? current : "";
}

/* The words of one CONFIG SET value; a quoted list counts as its words. */
static bool assign_value(struct config *config, const struct config_row *row, struct slice value, char *error,
                         size_t error_cap)
{
    enum { WORDS_MAX = 64 };
    struct slice words[WORDS_MAX] = {value};
    int count = 1;
    char *decoded = NULL;
    if (config_value_has_words(row)) {
        decoded = malloc(value.len + 1);
        count = decoded ? config_value_split(value, decoded, words, WORDS_MAX) : -1;
    }
    if (count < 0) snprintf(error, error_cap, "wrong number of arguments");
    const char *base = base_of_change(row, config->values[place_of(row)].text);
    bool done = count >= 0 && config_assign(config, row, words, (size_t)count, base, error, error_cap);
    free(decoded);
    return done;
}

static bool change_one(struct config *config, struct slice name, struct slice value, bool protected_too,
                       char *error, size_t error_cap)
{
    char why[CONFIG_ERROR_BYTES];
    const struct config_row *row = config_table_find(name);
    if (!row || row->flags & CONFIG_UNLISTED) {
        snprintf(error, error_cap, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                 (int)(name.len < 128 ? name.len : 128), name.ptr);
        return false;
    }
    size_t place = place_of(row);
    struct config_value before = {NULL, config->values[place].len};
    bool done = false;
    if (config->olds[place].text) snprintf(why, sizeof why, "duplicate parameter");
    else if (!(before.text = config_value_copy(value_slice(config, place))))
        snprintf(why, sizeof why, "out of memory");
    else if (row->flags & CONFIG_PROTECTED && !protected_too)
        snprintf(why, sizeof why, "can't set protected config");
    else if (row->flags & CONFIG_FIXED) snprintf(why, sizeof why, "can't set immutable config");
    else done = assign_value(config, row, value, why, sizeof why);
    if (done) {
        config->olds[place] = before;
        return true;
    }
    free(before.text);
    snprintf(error, error_cap, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
             (int)name.len, name.ptr, why);
    return false;
}

bool config_change(struct config *config, const struct slice *pairs, size_t count, bool protected_too,
                   char *error, size_t error_cap)
{
    for (size_t i = 0; i < count; i++)
        if (!change_one(config, pairs[2 * i], pairs[2 * i + 1], protected_too, error, error_cap)) {
            config_take_back(config); /* C2 */
            return false;
        }
    return true;
}

bool config_names(const struct config *config, const char *name)
{
    return config->olds[place_named(name)].text != NULL;
}

bool config_differs(const struct config *config, const char *name)
{
    size_t place = place_named(name);
    struct slice old = {config->olds[place].text, config->olds[place].len};
    return old.ptr && !slice_equal(old, value_slice(config, place));
}

void config_keep(struct config *config)
{
    for (size_t i = 0; i < config_table_count; i++) {
        free(config->olds[i].text);
        config->olds[i].text = NULL;
    }
}

void config_take_back(struct config *config)
{
    for (size_t i = 0; i < config_table_count; i++) {
        if (!config->olds[i].text) continue;
        free(config->values[i].text);
        config->values[i] = config->olds[i];
        config->olds[i].text = NULL;
    }
}
