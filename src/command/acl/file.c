/* file.c: users as lines of text (file.h). */
#include "command/acl/file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES 1024

struct load {
    struct acl *acl;
    const char *file;
    struct resp_out *errors;
    unsigned line;
    struct acl_user **drafts; /* room for one per line, and the default user */
    size_t count;
};

static __attribute__((format(printf, 2, 3))) void complain(struct load *load, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (len < 0) return;
    resp_raw(load->errors, message, (size_t)len < sizeof message ? (size_t)len : sizeof message - 1);
}

static bool is_loaded(const struct load *load, struct slice name)
{
    for (size_t i = 0; i < load->count; i++)
        if (slice_equal(slice_of(load->drafts[i]->name), name)) return true;
    return false;
}

/* A mistake in one rule does not hide those in the next: only what cannot be read at all ends the line. */
static void apply_rules(struct load *load, struct acl_user *draft, const struct acl_rules *rules)
{
    bool all_channels = atomic_load_explicit(&load->acl->all_channels, memory_order_relaxed);
    for (size_t i = 0; i < rules->count; i++) {
        struct slice rule = rules->words[i];
        acl_mistake mistake = acl_user_apply(draft, load->acl->commands, all_channels, rule);
        if (!mistake) continue;
        if (strcmp(mistake, ACL_MISTAKE_UNKNOWN) != 0) {
            complain(load, "%s:%u: %s. ", load->file, load->line, mistake);
            return;
        }
        complain(load, "%s:%u: Error in applying operation '%.*s': %s. ", load->file, load->line,
                 (int)rule.len, rule.ptr, mistake);
    }
}

static void load_user(struct load *load, const struct slice *words, size_t count)
{
    bool all_channels = atomic_load_explicit(&load->acl->all_channels, memory_order_relaxed);
    struct slice name = words[0];
    struct acl_rules rules;
    struct slice mistaken;
    if (is_loaded(load, name)) {
        complain(load, "WARNING: Duplicate user '%.*s' found on line %u. ", (int)name.len, name.ptr,
                 load->line);
        return;
    }
    if (!acl_rules_join(words + 1, count - 1, &rules, &mistaken)) {
        complain(load, "%s:%u: Unmatched parenthesis in selector definition.", load->file, load->line);
        return;
    }
    struct acl_user *draft = acl_user_new(load->acl->commands, name, all_channels);
    if (draft) apply_rules(load, draft, &rules);
    else complain(load, "%s:%u: %s. ", load->file, load->line, ACL_MISTAKE_MEMORY);
    if (draft) load->drafts[load->count++] = draft;
    acl_rules_free(&rules);
}

static struct slice trim(struct slice line)
{
    while (line.len > 0 && isspace((unsigned char)line.ptr[0]))
        line = (struct slice){line.ptr + 1, line.len - 1};
    while (line.len > 0 && isspace((unsigned char)line.ptr[line.len - 1]))
        line.len--;
    return line;
}

/* The words of the line; returns how many. There is room. */
static size_t split(struct slice line, struct slice *words)
{
    size_t count = 0;
    for (size_t at = 0; at < line.len;) {
        size_t len = 0;
        while (at + len < line.len && line.ptr[at + len] != ' ')
            len++;
        if (len > 0) words[count++] = (struct slice){line.ptr + at, len};
        at += len + 1;
    }
    return count;
}

static void load_line(struct load *load, struct slice raw, struct slice *words)
{
    struct slice line = trim(raw);
    if (line.len == 0) return;
    size_t count = split(line, words);
    if (count < 2 || !slice_equal(words[0], SLICE("user")))
        complain(load, "%s:%u should start with user keyword followed by the username. ", load->file,
                 load->line);
    else if (acl_has_blanks(words[1]))
        complain(load, "'%s:%u: username '%.*s' contains invalid characters. ", load->file, load->line,
                 (int)words[1].len, words[1].ptr);
    else load_user(load, words + 1, count - 1);
}

static void load_lines(struct load *load, struct slice text, struct slice *words)
{
    while (text.len > 0) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        load->line++;
        load_line(load, (struct slice){text.ptr, len}, words);
        size_t step = newline ? len + 1 : len;
        text = (struct slice){text.ptr + step, text.len - step};
    }
}

static bool add_default(struct load *load)
{
    if (is_loaded(load, SLICE("default"))) return true;
    struct acl_user *user = acl_new_default(load->acl);
    if (user) load->drafts[load->count++] = user;
    return user != NULL;
}

static size_t count_lines(struct slice text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

bool acl_file_load(struct acl *acl, const char *name, struct slice text, struct resp_out *errors)
{
    struct load load = {.acl = acl, .file = name, .errors = errors};
    struct slice *words = malloc((text.len / 2 + 2) * sizeof *words);
    load.drafts = malloc((count_lines(text) + 1) * sizeof(struct acl_user *));
    bool ready = words && load.drafts;
    if (ready) load_lines(&load, text, words);
    bool done = ready && errors->len == 0;
    if (ready && !done)
        complain(&load,
                 "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
    bool swapped = done && add_default(&load) && acl_replace_users(acl, load.drafts, load.count);
    if ((done || !ready) && !swapped) complain(&load, "%s: %s", name, ACL_MISTAKE_MEMORY);
    for (size_t i = 0; !swapped && i < load.count; i++)
        acl_user_release(load.drafts[i]);
    free(load.drafts);
    free(words);
    return swapped;
}

static void write_line(void *arg, const struct acl_user *user)
{
    acl_user_write(user, arg);
    resp_raw(arg, "\n", 1);
}

void acl_file_write(struct acl *acl, struct resp_out *out)
{
    acl_visit_users(acl, write_line, out);
}
