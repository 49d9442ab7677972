/* config_value.c: what each type of option accepts, and the texts of its refusals (config_value.h). */
#include "app/config_value.h"

#include "app/title.h"

#include "resp/inline.h"
#include "util/number.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define VALUE_BYTES  512
#define WORD_SET_MAX 8 /* no row has more */

static char *refuse(char *error, size_t error_cap, const char *text)
{
    snprintf(error, error_cap, "%s", text);
    return NULL;
}

char *config_value_copy(struct slice text)
{
    char *copy = malloc(text.len + 1);
    if (!copy) return NULL;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static char *number_value(const struct config_row *row, int64_t value)
{
    char text[32];
    if (row->type == CONFIG_MODE) snprintf(text, sizeof text, "%llo", (unsigned long long)value);
    else if (row->type == CONFIG_SIZE_PERCENT && value < 0)
        snprintf(text, sizeof text, "%lld%%", (long long)-value);
    else snprintf(text, sizeof text, "%lld", (long long)value);
    return strdup(text);
}

/* ---- single words ---- */

static char *parse_bool(struct slice word, char *error, size_t error_cap)
{
    if (slice_is_word(word, "yes")) return strdup("yes");
    if (slice_is_word(word, "no")) return strdup("no");
    return refuse(error, error_cap, "argument must be 'yes' or 'no'");
}

static bool parse_size(struct slice word, int64_t *value_out)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {{"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1024},
                 {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30}};
    size_t digits = 0;
    while (digits < word.len && isdigit((unsigned char)word.ptr[digits]))
        digits++;
    uint64_t count;
    if (digits == 0 || !number_parse_unsigned((struct slice){word.ptr, digits}, &count)) return false;
    struct slice unit = {word.ptr + digits, word.len - digits};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_is_word(unit, units[i].name))
            return count <= INT64_MAX && !__builtin_mul_overflow((int64_t)count, units[i].bytes, value_out);
    return false;
}

/* A percentage, as a negative number. */
static bool parse_percent(struct slice word, int64_t *value_out)
{
    uint64_t percent;
    if (word.len < 2 || word.ptr[word.len - 1] != '%') return false;
    if (!number_parse_unsigned((struct slice){word.ptr, word.len - 1}, &percent) || percent > INT32_MAX)
        return false;
    *value_out = -(int64_t)percent;
    return true;
}

static bool parse_octal(struct slice word, int64_t *value_out)
{
    *value_out = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '7' || word.len > 8) return false;
        *value_out = *value_out * 8 + (word.ptr[i] - '0');
    }
    return word.len > 0;
}

static char *parse_number(const struct config_row *row, struct slice word, char *error, size_t error_cap)
{
    int64_t value;
    switch (row->type) {
    case CONFIG_SIZE:
        if (!parse_size(word, &value)) return refuse(error, error_cap, "argument must be a memory value");
        break;
    case CONFIG_SIZE_PERCENT:
        if (!parse_percent(word, &value) && !parse_size(word, &value))
            return refuse(error, error_cap, "argument must be a memory or percent value");
        break;
    case CONFIG_MODE:
        if (!parse_octal(word, &value))
            return refuse(error, error_cap, "argument couldn't be parsed as an octal number");
        break;
    default:
        if (!number_parse_int(word, &value))
            return refuse(error, error_cap, "argument couldn't be parsed into an integer");
    }
    if (value >= row->min && value <= row->max) return number_value(row, value);
    if (value < 0 && row->type == CONFIG_SIZE_PERCENT) {
        snprintf(error, error_cap, "percentage argument must be less or equal to %lld", (long long)-row->min);
        return NULL;
    }
    snprintf(error, error_cap, "argument must be between %lld and %lld inclusive", (long long)row->min,
             (long long)row->max);
    return NULL;
}

static char *parse_choice(const struct config_row *row, struct slice word, char *error, size_t error_cap)
{
    size_t at = (size_t)snprintf(error, error_cap, "argument(s) must be one of the following: ");
    for (const char *const *choice = row->words; *choice; choice++) {
        if (slice_is_word(word, *choice)) return strdup(*choice);
        if (at < error_cap)
            at += (size_t)snprintf(error + at, error_cap - at, "%s%s", choice == row->words ? "" : ", ",
                                   *choice);
    }
    return NULL;
}

static char *parse_events(struct slice word, char *error, size_t error_cap)
{
    static const char all[] = "g$lshzxetd"; /* what A stands for */
    static const char order[] = "g$lshzxetdnKEm";
    char value[VALUE_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '\0' || (word.ptr[i] != 'A' && !strchr(order, word.ptr[i])))
            return refuse(error, error_cap, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    bool has_a = memchr(word.ptr, 'A', word.len) != NULL;
    for (size_t i = 0; i < sizeof order - 1; i++) {
        bool given = memchr(word.ptr, order[i], word.len) || (has_a && strchr(all, order[i]));
        if (given) value[len++] = order[i];
    }
    value[len] = '\0';
    size_t all_len = sizeof all - 1;
    if (strncmp(value, all, all_len) != 0) return strdup(value);
    memmove(value + 1, value + all_len, len - all_len + 1);
    value[0] = 'A';
    return strdup(value);
}

/* ---- several words ---- */

static char *parse_words(const struct slice *words, size_t count)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += words[i].len + 1;
    char *value = malloc(bytes);
    size_t len = 0;
    for (size_t i = 0; value && i < count; i++) {
        if (i > 0) value[len++] = ' ';
        memcpy(value + len, words[i].ptr, words[i].len);
        len += words[i].len;
    }
    if (value) value[len] = '\0';
    return value;
}

/* Digits without the zeros that say nothing: "99.9", "0". */
static size_t percentile_text(double value, char *text, size_t cap)
{
    size_t len = (size_t)snprintf(text, cap, "%f", value);
    while (text[len - 1] == '0')
        len--;
    return text[len - 1] == '.' ? len - 1 : len;
}

static char *parse_percentiles(const struct slice *words, size_t count, char *error, size_t error_cap)
{
    char value[VALUE_BYTES];
    size_t len = 0;
    if (count > CONFIG_PERCENTILES_MAX) return refuse(error, error_cap, "too many percentiles");
    for (size_t i = 0; i < count; i++) {
        double percentile;
        if (!number_parse_double(words[i], &percentile))
            return refuse(error, error_cap, "Invalid latency-tracking-info-percentiles parameters");
        if (!(percentile >= 0 && percentile <= 100))
            return refuse(error, error_cap,
                          "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
        if (i > 0) value[len++] = ' ';
        len += percentile_text(percentile, value + len, sizeof value - len);
    }
    return config_value_copy((struct slice){value, len});
}

static bool has_word(const struct slice *words, size_t count, const char *word)
{
    size_t i = 0;
    while (i < count && !slice_is_word(words[i], word))
        i++;
    return i < count;
}

static char *parse_word_set(const struct config_row *row, const struct slice *words, size_t count,
                            char *error, size_t error_cap)
{
    struct slice chosen[WORD_SET_MAX];
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++) {
        char *known = parse_choice(row, words[i], error, error_cap);
        if (!known) return NULL;
        free(known);
    }
    if (has_word(words, count, "save") && has_word(words, count, "nosave"))
        return refuse(error, error_cap, "shutdown options SAVE and NOSAVE can't be used simultaneously");
    for (const char *const *choice = row->words; *choice && chosen_count < WORD_SET_MAX; choice++)
        if (has_word(words, count, *choice)) chosen[chosen_count++] = slice_of(*choice);
    return parse_words(chosen, chosen_count);
}

#define OOM_SCORES    3
#define OOM_SCORE_MAX 2000

static char *parse_oom_scores(const struct slice *words, size_t count, char *error, size_t error_cap)
{
    if (count != OOM_SCORES) return refuse(error, error_cap, "wrong number of arguments");
    for (size_t i = 0; i < count; i++) {
        int64_t score;
        if (!number_parse_int(words[i], &score) || score < -OOM_SCORE_MAX || score > OOM_SCORE_MAX)
            return refuse(error, error_cap,
                          "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    return parse_words(words, count);
}

static char *parse_save_points(const struct slice *words, size_t count, const char *base, char *error,
                               size_t error_cap)
{
    if (count == 0) return strdup("");
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        int64_t least = i % 2 == 0 ? 1 : 0; /* seconds, changes */
        if (count % 2 != 0 || !number_parse_int(words[i], &value) || value < least || value > INT32_MAX)
            return refuse(error, error_cap, "Invalid save parameters");
    }
    char *added = parse_words(words, count);
    if (!added || !*base) return added;
    size_t bytes = strlen(base) + strlen(added) + 2;
    char *value = malloc(bytes);
    if (value) snprintf(value, bytes, "%s %s", base, added);
    free(added);
    return value;
}

#define OUTPUT_CLASSES 3
#define OUTPUT_WORDS   4 /* class, hard, soft, seconds */

static int output_class(struct slice word)
{
    static const char *const names[] = {"normal", "slave", "pubsub"};
    if (slice_is_word(word, "replica")) return 1;
    for (int i = 0; i < OUTPUT_CLASSES; i++)
        if (slice_is_word(word, names[i])) return i;
    return -1;
}

/* `limits` of all classes in the order of their names; `text` is canonical. */
static void read_output_limits(const char *text, long long limits[OUTPUT_CLASSES][3])
{
    for (int i = 0; i < OUTPUT_CLASSES; i++) {
        int used = 0;
        sscanf(text, "%*s %lld %lld %lld %n", &limits[i][0], &limits[i][1], &limits[i][2], &used);
        text += used;
    }
}

static char *parse_output_limits(const struct slice *words, size_t count, const char *base, char *error,
                                 size_t error_cap)
{
    long long limits[OUTPUT_CLASSES][3];
    read_output_limits(base, limits);
    if (count == 0 || count % OUTPUT_WORDS != 0)
        return refuse(error, error_cap, "Wrong number of arguments in buffer limit configuration.");
    for (size_t i = 0; i < count; i += OUTPUT_WORDS) {
        int class = output_class(words[i]);
        int64_t hard, soft, seconds;
        if (class < 0)
            return refuse(error, error_cap, "Invalid client class specified in buffer limit configuration.");
        if (!parse_size(words[i + 1], &hard) || !parse_size(words[i + 2], &soft) ||
            !number_parse_int(words[i + 3], &seconds) || seconds < 0)
            return refuse(error, error_cap,
                          "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
        limits[class][0] = hard;
        limits[class][1] = soft;
        limits[class][2] = seconds;
    }
    char value[VALUE_BYTES];
    snprintf(value, sizeof value, "normal %lld %lld %lld slave %lld %lld %lld pubsub %lld %lld %lld",
             limits[0][0], limits[0][1], limits[0][2], limits[1][0], limits[1][1], limits[1][2], limits[2][0],
             limits[2][1], limits[2][2]);
    return strdup(value);
}

/* ---- all ---- */

bool config_value_has_words(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_WORDS:
    case CONFIG_WORD_SET:
    case CONFIG_SAVE_POINTS:
    case CONFIG_OUTPUT_LIMITS:
    case CONFIG_PERCENTILES:
    case CONFIG_OOM_SCORES: return true;
    default: return false;
    }
}

static char *parse_by_type(const struct config_row *row, const struct slice *words, size_t count,
                           const char *base, char *error, size_t error_cap)
{
    switch (row->type) {
    case CONFIG_WORDS: return parse_words(words, count);
    case CONFIG_WORD_SET: return parse_word_set(row, words, count, error, error_cap);
    case CONFIG_SAVE_POINTS: return parse_save_points(words, count, base, error, error_cap);
    case CONFIG_OUTPUT_LIMITS: return parse_output_limits(words, count, base, error, error_cap);
    case CONFIG_PERCENTILES: return parse_percentiles(words, count, error, error_cap);
    case CONFIG_OOM_SCORES: return parse_oom_scores(words, count, error, error_cap);
    default: break;
    }
    if (count != 1) return refuse(error, error_cap, "wrong number of arguments");
    switch (row->type) {
    case CONFIG_BOOL: return parse_bool(words[0], error, error_cap);
    case CONFIG_TEXT: return config_value_copy(words[0]);
    case CONFIG_TITLE:
        if (title_is_valid(words[0])) return config_value_copy(words[0]);
        return refuse(error, error_cap, "template format is invalid or contains unknown variables");
    case CONFIG_NAME:
        if (!memchr(words[0].ptr, '/', words[0].len)) return config_value_copy(words[0]);
        return refuse(error, error_cap, row->reason);
    case CONFIG_CHOICE: return parse_choice(row, words[0], error, error_cap);
    case CONFIG_EVENTS: return parse_events(words[0], error, error_cap);
    default: return parse_number(row, words[0], error, error_cap);
    }
}

static bool has_nul(const struct slice *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memchr(words[i].ptr, '\0', words[i].len)) return true;
    return false;
}

/* "replicaof no one" and the like say nothing else than the initial value. */
static bool says_none(const char *value)
{
    return strcasecmp(value, "no one") == 0;
}

/* The initial value of a row that takes no other, for words that mean it. */
static char *initial_only(const struct config_row *row, char *value, char *error, size_t error_cap)
{
    if (strcmp(value, row->initial) == 0) return value;
    bool none = says_none(value);
    free(value);
    return none ? strdup(row->initial) : refuse(error, error_cap, row->reason);
}

bool config_value_parse(const struct config_row *row, const struct slice *words, size_t count,
                        const char *base, struct config_value *value_out, char *error, size_t error_cap)
{
    bool secret = row->flags & CONFIG_SECRET;
    snprintf(error, error_cap, "out of memory");
    char *text = !secret && has_nul(words, count) ? refuse(error, error_cap, "argument has a NUL byte in it")
                                                  : parse_by_type(row, words, count, base, error, error_cap);
    if (text && row->flags & CONFIG_INITIAL) text = initial_only(row, text, error, error_cap);
    if (!text) return false;
    *value_out = (struct config_value){text, secret ? words[0].len : strlen(text)};
    return true;
}

int config_value_split(struct slice text, char *decoded, struct slice *words, int cap)
{
    int count = 0;
    for (;;) {
        struct slice word;
        enum inline_status status = resp_inline_word(&text, decoded, &word);
        if (status == INLINE_END) return count;
        if (status == INLINE_UNBALANCED || count == cap) return -1;
        if (word.ptr == decoded) decoded += word.len;
        words[count++] = word;
    }
}

static bool needs_quotes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isgraph((unsigned char)text.ptr[i]) || strchr("\"'\\#", text.ptr[i])) return true;
    return text.len == 0;
}

void config_value_quote(FILE *file, struct slice text, bool always)
{
    if (!always && !needs_quotes(text)) {
        fwrite(text.ptr, 1, text.len, file);
        return;
    }
    fputc('"', file);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') fprintf(file, "\\%c", c);
        else if (isprint(c)) fputc(c, file);
        else fprintf(file, "\\x%02x", c);
    }
    fputc('"', file);
}
