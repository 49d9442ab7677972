/* config_table.h: every option of Redis 7.2's redis.conf and our own, one row each. */
#ifndef CAIRN_APP_CONFIG_TABLE_H
#define CAIRN_APP_CONFIG_TABLE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_BOOL,          /* yes, no */
    CONFIG_NUMBER,        /* decimal, min .. max */
    CONFIG_SIZE,          /* bytes, with units k kb m mb g gb; min .. max */
    CONFIG_SIZE_PERCENT,  /* the same, or a percentage */
    CONFIG_MODE,          /* octal, kept so */
    CONFIG_TEXT,          /* one word, quotes undone */
    CONFIG_TITLE,         /* the same: proc-title-template */
    CONFIG_NAME,          /* the same: of a file or folder, no path; else row->reason */
    CONFIG_WORDS,         /* the words of the line, joined by blanks */
    CONFIG_CHOICE,        /* one of row->words */
    CONFIG_WORD_SET,      /* some of row->words, in their order there */
    CONFIG_SAVE_POINTS,   /* seconds changes ...; lines add up */
    CONFIG_OUTPUT_LIMITS, /* class hard soft seconds ...; lines add up */
    CONFIG_EVENTS,        /* notify-keyspace-events */
    CONFIG_PERCENTILES,   /* numbers 0 .. 100, joined by blanks */
    CONFIG_LINES,         /* no option but lines that are kept as they are (config_lines); row->min words, or row->max */
    CONFIG_OOM_SCORES,    /* three numbers -2000 .. 2000: of masters, replicas, children */
};

#define CONFIG_PERCENTILES_MAX 16

#define CONFIG_FIXED    (1u << 0) /* only at start */
#define CONFIG_INITIAL  (1u << 1) /* any other value is refused, with row->reason */
#define CONFIG_UNLISTED (1u << 2) /* a directive, not an option: not in CONFIG GET */
#define CONFIG_SECRET   (1u << 3) /* stays out of the slow log; CONFIG_TEXT */
#define CONFIG_PROTECTED (1u << 5) /* CONFIG SET only as enable-protected-configs says */
#define CONFIG_HIDDEN   (1u << 4) /* for tests: in CONFIG GET by its whole name only */

struct config_row {
    const char *name;
    const char *alias; /* NULL: none */
    enum config_type type;
    unsigned flags;
    const char *initial; /* canonical */
    int64_t min, max;
    const char *const *words; /* CONFIG_CHOICE, CONFIG_WORD_SET; ends with NULL */
    const char *reason;       /* CONFIG_INITIAL, CONFIG_NAME */
};

extern const struct config_row config_table[];
extern const size_t config_table_count;

/* The row of that name or alias, any case; NULL when there is none. */
const struct config_row *config_table_find(struct slice name);

#endif
