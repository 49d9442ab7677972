/* config_value.h: words of a configuration line to the canonical value of a row, and back to a line. */
#ifndef CAIRN_APP_CONFIG_VALUE_H
#define CAIRN_APP_CONFIG_VALUE_H

#include "app/config_table.h"

#include <stdio.h>

/* A canonical value: malloc'd, a NUL behind it. Only secrets may have NUL bytes in them. */
struct config_value {
    char *text;
    size_t len;
};

char *config_value_copy(struct slice text); /* malloc'd, a NUL behind it; NULL without memory */
/* The value that the words give to the row. `base` is what lines of a kind that adds up build upon: the value
 * so far, or "" for none. False with Redis's text in `error`. */
bool config_value_parse(const struct config_row *row, const struct slice *words, size_t count,
                        const char *base, struct config_value *value_out, char *error, size_t error_cap);
/* True for types whose value may be several words of a line. */
bool config_value_has_words(const struct config_row *row);
/* Splits a line with the quoting of redis.conf into at most `cap` words, decoded in `decoded` (room for
 * text.len bytes). Returns how many, or -1 when quotes are not balanced or there are more. */
int config_value_split(struct slice text, char *decoded, struct slice *words, int cap);
/* Writes `text` in quotes when it needs any to be one word. */
void config_value_quote(FILE *file, struct slice text, bool always);

#endif
