/* pattern.c: lists of compiled patterns (pattern.h). */
#include "command/acl/pattern.h"

#include "util/glob.h"

#include <stdlib.h>

static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

static enum acl_pattern_kind kind_of(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_special(text.ptr[i]))
            return text.ptr[i] == '*' && i + 1 == text.len ? PATTERN_PREFIX : PATTERN_GLOB;
    return PATTERN_LITERAL;
}

static struct slice text_of(const struct acl_pattern *pattern)
{
    return (struct slice){pattern->text, pattern->len};
}

static struct acl_pattern *find(const struct acl_patterns *list, struct slice text)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equal(text_of(&list->items[i]), text)) return &list->items[i];
    return NULL;
}

enum error acl_patterns_add(struct acl_patterns *list, struct slice text, unsigned permits)
{
    struct acl_pattern *same = find(list, text);
    if (same) {
        same->permits |= permits;
        return ERROR_OK;
    }
    struct acl_pattern *items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items) return ERROR_MEMORY;
    list->items = items;
    char *copy = malloc(text.len + 1);
    if (!copy) return ERROR_MEMORY;
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    items[list->count++] = (struct acl_pattern){copy, text.len, kind_of(text), permits};
    return ERROR_OK;
}

enum error acl_patterns_copy(struct acl_patterns *list, const struct acl_patterns *from)
{
    for (size_t i = 0; i < from->count; i++) {
        enum error error = acl_patterns_add(list, text_of(&from->items[i]), from->items[i].permits);
        if (error) return error;
    }
    return ERROR_OK;
}

void acl_patterns_clear(struct acl_patterns *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct acl_patterns){0};
}

static bool matches(const struct acl_pattern *pattern, struct slice text)
{
    size_t prefix = pattern->len - 1;
    switch (pattern->kind) {
    case PATTERN_LITERAL: return slice_equal(text_of(pattern), text);
    case PATTERN_PREFIX:
        return text.len >= prefix && (prefix == 0 || memcmp(text.ptr, pattern->text, prefix) == 0);
    case PATTERN_GLOB: return glob_match(text_of(pattern), text);
    }
    return false;
}

bool acl_patterns_match(const struct acl_patterns *list, struct slice text, unsigned permits)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct acl_pattern *pattern = &list->items[i];
        if ((pattern->permits & permits) == permits && matches(pattern, text)) return true;
    }
    return false;
}

bool acl_patterns_contain(const struct acl_patterns *list, struct slice text)
{
    return find(list, text) != NULL;
}
