/* lcs.c: the longest common subsequence of two strings.
 *
 * Terms: lengths[i][j] is the length of the longest subsequence that the first i bytes of `a` and the first j
 * of `b` have in common; a *match* is a run of equal bytes on the path from the end of both strings back to
 * their start.
 */
#include "command/arguments.h"
#include "command/call.h"
#include "command/server_state.h"
#include "command/string/string_commands.h"

#include <stdlib.h>

struct lcs {
    struct slice a;
    struct slice b;
    uint32_t *lengths; /* rows of b.len + 1 */
};

struct lcs_options {
    bool len;
    bool idx;
    bool with_match_len;
    int64_t min_match_len;
};

static uint32_t *length_at(const struct lcs *lcs, size_t i, size_t j)
{
    return &lcs->lengths[i * (lcs->b.len + 1) + j];
}

static void measure(struct lcs *lcs)
{
    for (size_t i = 0; i <= lcs->a.len; i++) {
        for (size_t j = 0; j <= lcs->b.len; j++) {
            uint32_t *here = length_at(lcs, i, j);
            if (i == 0 || j == 0) {
                *here = 0;
            } else if (lcs->a.ptr[i - 1] == lcs->b.ptr[j - 1]) {
                *here = *length_at(lcs, i - 1, j - 1) + 1;
            } else {
                uint32_t up = *length_at(lcs, i - 1, j);
                uint32_t left = *length_at(lcs, i, j - 1);
                *here = up > left ? up : left;
            }
        }
    }
}

/* Goes back from (*i, *j) to the next match: its end is *i, *j, its length is returned; 0 when there is no
 * more. */
static size_t next_match(const struct lcs *lcs, size_t *i, size_t *j)
{
    size_t len = 0;

    while (*i > 0 && *j > 0 && lcs->a.ptr[*i - 1] != lcs->b.ptr[*j - 1]) {
        if (*length_at(lcs, *i - 1, *j) > *length_at(lcs, *i, *j - 1)) (*i)--;
        else (*j)--;
    }
    while (len < *i && len < *j && lcs->a.ptr[*i - 1 - len] == lcs->b.ptr[*j - 1 - len])
        len++;
    return len;
}

static void reply_range(struct resp_out *out, size_t end, size_t len)
{
    resp_array(out, 2);
    resp_int(out, (int64_t)(end - len));
    resp_int(out, (int64_t)(end - 1));
}

static void reply_matches(struct call *call, const struct lcs *lcs, const struct lcs_options *options)
{
    size_t i = lcs->a.len;
    size_t j = lcs->b.len;
    size_t count = 0;

    resp_map(call->out, 2);
    resp_bulk_text(call->out, "matches");
    struct resp_later later = resp_later_begin(call->out);
    for (size_t len; (len = next_match(lcs, &i, &j)) > 0; i -= len, j -= len) {
        if ((int64_t)len < options->min_match_len) continue;
        resp_array(call->out, options->with_match_len ? 3 : 2);
        reply_range(call->out, i, len);
        reply_range(call->out, j, len);
        if (options->with_match_len) resp_int(call->out, (int64_t)len);
        count++;
    }
    resp_later_array(call->out, later, count);
    resp_bulk_text(call->out, "len");
    resp_int(call->out, *length_at(lcs, lcs->a.len, lcs->b.len));
}

static void reply_text(struct call *call, const struct lcs *lcs)
{
    size_t i = lcs->a.len;
    size_t j = lcs->b.len;
    size_t total = *length_at(lcs, i, j);
    size_t at = total;
    char *text = malloc(total + 1);

    if (!text) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    for (size_t len; (len = next_match(lcs, &i, &j)) > 0; i -= len, j -= len) {
        at -= len;
        memcpy(text + at, lcs->a.ptr + i - len, len);
    }
    resp_bulk(call->out, text, total);
    free(text);
}

static bool parse_options(struct call *call, struct lcs_options *options_out)
{
    *options_out = (struct lcs_options){0};
    for (size_t arg = 3; arg < call->argc; arg++) {
        if (call_arg_is(call, arg, "IDX")) {
            options_out->idx = true;
        } else if (call_arg_is(call, arg, "LEN")) {
            options_out->len = true;
        } else if (call_arg_is(call, arg, "WITHMATCHLEN")) {
            options_out->with_match_len = true;
        } else if (call_arg_is(call, arg, "MINMATCHLEN") && arg + 1 < call->argc) {
            if (!call_int(call, ++arg, &options_out->min_match_len)) return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    if (options_out->idx && options_out->len) {
        resp_error(call->out, "ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

/* Allocates lengths; false after having replied that the strings are too long for that. */
static bool allocate(struct call *call, struct lcs *lcs)
{
    const _Atomic uint64_t *max_bytes = &call->worker->server->settings->max_bulk_bytes;

    if (lcs->a.len >= UINT32_MAX - 1 || lcs->b.len >= UINT32_MAX - 1) {
        resp_error(call->out, "ERR String too long for LCS");
        return false;
    }
    uint64_t cells = (uint64_t)(lcs->a.len + 1) * (lcs->b.len + 1); /* below 2^64 by the check above */
    uint64_t bytes;
    if (!__builtin_mul_overflow(cells, sizeof(uint32_t), &bytes)) {
        if (bytes > atomic_load_explicit(max_bytes, memory_order_relaxed)) {
            resp_error(call->out,
                       "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
            return false;
        }
        lcs->lengths = malloc(bytes);
    }
    if (lcs->lengths) return true;
    resp_error(call->out, "ERR Insufficient memory, failed allocating transient memory for LCS");
    return false;
}

static void lcs(struct call *call);
const struct command string_lcs = {
    .name = "lcs",
    .handler = lcs,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_STRING,
    .group = GROUP_STRING,
    .since = "7.0.0",
    .summary = "Finds the longest common subsequence of two strings.",
    .complexity = "O(N*M) where N and M are the lengths of the strings.",
    .specs = {KEY_RANGE(1, 1, 1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key1", 0), ARGUMENT_KEY("key2", 0),
        {.name = "len", .type = ARG_PURE_TOKEN, .token = "LEN", .flags = ARG_OPTIONAL},
        {.name = "idx", .type = ARG_PURE_TOKEN, .token = "IDX", .flags = ARG_OPTIONAL},
        {.name = "min-match-len", .type = ARG_INTEGER, .token = "MINMATCHLEN", .flags = ARG_OPTIONAL},
        {.name = "withmatchlen", .type = ARG_PURE_TOKEN, .token = "WITHMATCHLEN", .flags = ARG_OPTIONAL}),
};

static void lcs(struct call *call)
{
    char text_a[ENTRY_INT_TEXT_MAX];
    char text_b[ENTRY_INT_TEXT_MAX];
    struct lcs work = {SLICE(""), SLICE(""), NULL};
    struct lcs_options options;

    /* Reading a key may remove it, and entries then move: so read both, then look at both. */
    bool has_a = call_read(call, 0) != NULL;
    bool has_b = call_read(call, 1) != NULL;
    const struct entry *a = has_a ? keyspace_find(call->keyspace, call->db, &call->keys[0]) : NULL;
    const struct entry *b = has_b ? keyspace_find(call->keyspace, call->db, &call->keys[1]) : NULL;
    if ((a && entry_type(a) != ENTRY_STRING) || (b && entry_type(b) != ENTRY_STRING)) {
        resp_error(call->out, "ERR The specified keys must contain string values");
        return;
    }
    if (!parse_options(call, &options)) return;
    if (a) work.a = entry_string(keyspace_heap(call->keyspace), a, text_a);
    if (b) work.b = entry_string(keyspace_heap(call->keyspace), b, text_b);
    if (!allocate(call, &work)) return;
    measure(&work);
    if (options.len) resp_int(call->out, *length_at(&work, work.a.len, work.b.len));
    else if (options.idx) reply_matches(call, &work, &options);
    else reply_text(call, &work);
    free(work.lengths);
}
