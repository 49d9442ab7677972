/* config.h: the options of redis.conf: their values, from files, the command line and CONFIG SET.
 *
 * Terms: a *row* describes an option (config_table.h); its *value* is text in canonical form, as CONFIG GET
 * shows it. An option that only knows its *initial* value belongs to a feature that is not there: anything
 * else is refused, with the reason.
 *
 * Invariants:
 * C1. Every value has passed its row's checks.
 * C2. A change of several options takes effect as a whole or not at all.
 *
 * No lock in here: the caller serialises.
 */
#ifndef CAIRN_APP_CONFIG_H
#define CAIRN_APP_CONFIG_H

#include "app/config_table.h"
#include "resp/write.h"
#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_ERROR_BYTES 512

struct config;

struct config *config_new(void); /* initial values; NULL without memory */
void config_free(struct config *config);

/* ---- start ---- */

/* Reads the command line as redis-server does: `[file|-] [--option value ...] ...`. False with the whole text
 * for stderr. */
bool config_load(struct config *config, int argc, char **argv, char *error, size_t error_cap);
/* The absolute path of the file that was read; NULL: none. */
const char *config_file(const struct config *config);

/* ---- values, by the name of a row that exists ---- */
const char *config_text(const struct config *config, const char *name);
struct slice config_slice(const struct config *config, const char *name); /* secrets: NUL bytes and all */
int64_t config_int(const struct config *config, const char *name); /* numbers, sizes, modes; -n: n percent */
bool config_bool(const struct config *config, const char *name);
int config_choice(const struct config *config, const char *name); /* the word's place in its row */
struct config_output_limit {
    uint64_t hard_bytes, soft_bytes;
    int64_t soft_s;
};
/* `class`: normal, replica, pubsub, as in enum output_class. */
struct config_output_limit config_output_limit(const struct config *config, int class);
/* Those of INFO latencystats; returns how many. */
size_t config_percentiles(const struct config *config, double percentiles[CONFIG_PERCENTILES_MAX]);

/* Lines of directives that are no options (CONFIG_LINES), in the order in which they stand. */
struct config_line {
    const struct config_row *row;
    const struct slice *words; /* decoded, the directive's name among them */
    size_t count;
    struct slice text; /* as it stands there */
    unsigned number;   /* in its file; 0: the command line */
};
size_t config_lines(const struct config *config, const struct config_line **lines_out);
/* The whole text for stderr about a line that is wrong. */
void config_line_error(const struct config_line *line, const char *why, char *error, size_t error_cap);

/* ---- for config_load ---- */

/* Copies the line. */
MUST_CHECK enum error config_add_line(struct config *config, const struct config_line *line);

/* Gives the row what the words say; `base`: see config_value_parse. */
bool config_assign(struct config *config, const struct config_row *row, const struct slice *words,
                   size_t count, const char *base, char *error, size_t error_cap);
void config_set_file(struct config *config, char *path); /* takes the path over */

/* ---- run time ---- */

/* CONFIG GET: the whole map. */
void config_reply(const struct config *config, const struct slice *patterns, size_t count,
                  struct resp_out *out);
/* CONFIG SET: name/value pairs. `protected_too`: options that are protected may be set. On success the old values are kept until config_keep or config_take_back is
 * called, so that the caller can try the new ones out. `count` is of pairs. False with Redis's error text. */
bool config_change(struct config *config, const struct slice *pairs, size_t count, bool protected_too, char *error,
                   size_t error_cap);
/* Until then: whether the option has another value than before. */
/* The change in progress names the option, with whatever value. */
bool config_names(const struct config *config, const char *name);
bool config_differs(const struct config *config, const char *name);
void config_keep(struct config *config);
void config_take_back(struct config *config);
/* CONFIG REWRITE: writes the file again, comments and order kept; `all`: with the options that have their initial
 * value. `users`: the lines of all users; empty: they stand elsewhere. False with Redis's error text. */
bool config_rewrite(const struct config *config, bool all, struct slice users, char *error, size_t error_cap);

#endif
