/* user.c: rules about a whole user (user.h). */
#include "command/acl/user.h"

#include "util/assert.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

/* ---- life ---- */

static bool append_selector(struct acl_user *user, struct acl_selector *selector)
{
    struct acl_selector **selectors =
        selector ? realloc(user->selectors, (user->selector_count + 1) * sizeof *selectors) : NULL;
    if (!selectors) {
        acl_selector_free(selector);
        return false;
    }
    user->selectors = selectors;
    selectors[user->selector_count++] = selector;
    return true;
}

static void free_user(struct acl_user *user)
{
    for (size_t i = 0; i < user->selector_count; i++)
        acl_selector_free(user->selectors[i]);
    free(user->selectors);
    free(user->passwords);
    free(user->name);
    free(user);
}

static struct acl_user *named(struct slice name)
{
    struct acl_user *user = calloc(1, sizeof *user);
    if (!user) return NULL;
    atomic_init(&user->refs, 1);
    user->name = strndup(name.ptr, name.len);
    if (user->name) return user;
    free(user);
    return NULL;
}

struct acl_user *acl_user_new(const struct command_table *table, struct slice name, bool all_channels)
{
    struct acl_user *user = named(name);
    if (!user) return NULL;
    if (append_selector(user, acl_selector_new(table))) {
        user->selectors[0]->all_channels = all_channels;
        return user;
    }
    free_user(user);
    return NULL;
}

struct acl_user *acl_user_copy(const struct acl_user *from)
{
    struct acl_user *user = named(slice_of(from->name));
    if (!user) return NULL;
    user->identity = from->identity;
    user->on = from->on;
    user->nopass = from->nopass;
    user->skip_sanitize = from->skip_sanitize;
    size_t bytes = from->password_count * sizeof *user->passwords;
    bool done = true;
    if (bytes > 0) {
        user->passwords = malloc(bytes);
        done = user->passwords != NULL;
    }
    if (done && bytes > 0) {
        memcpy(user->passwords, from->passwords, bytes);
        user->password_count = from->password_count;
    }
    for (size_t i = 0; done && i < from->selector_count; i++)
        done = append_selector(user, acl_selector_copy(from->selectors[i]));
    if (done) return user;
    free_user(user);
    return NULL;
}

void acl_user_hold(struct acl_user *user)
{
    atomic_fetch_add_explicit(&user->refs, 1, memory_order_relaxed);
}

void acl_user_release(struct acl_user *user)
{
    if (!user) return;
    uint64_t before = atomic_fetch_sub_explicit(&user->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1) free_user(user);
}

/* ---- passwords ---- */

static struct acl_digest digest_of(struct slice password)
{
    struct acl_digest digest;
    _Static_assert(sizeof digest.bytes == SHA256_DIGEST_LENGTH, "SHA-256");
    SHA256((const unsigned char *)password.ptr, password.len, digest.bytes);
    return digest;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_digest(struct slice text, struct acl_digest *digest_out)
{
    if (text.len != ACL_DIGEST_TEXT) return false;
    for (size_t i = 0; i < ACL_DIGEST_BYTES; i++) {
        int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        digest_out->bytes[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

void acl_digest_text(const struct acl_digest *digest, char text[ACL_DIGEST_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < ACL_DIGEST_BYTES; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
}

/* password_count: it is not there. All are looked at, whichever fits. */
static size_t find_digest(const struct acl_user *user, const struct acl_digest *digest)
{
    size_t found = user->password_count;
    for (size_t i = 0; i < user->password_count; i++)
        if (CRYPTO_memcmp(user->passwords[i].bytes, digest->bytes, ACL_DIGEST_BYTES) == 0) found = i;
    return found;
}

bool acl_user_password_fits(const struct acl_user *user, struct slice password)
{
    if (user->nopass) return true;
    struct acl_digest digest = digest_of(password);
    return find_digest(user, &digest) < user->password_count;
}

static acl_mistake add_digest(struct acl_user *user, const struct acl_digest *digest)
{
    if (find_digest(user, digest) == user->password_count) {
        struct acl_digest *passwords =
            realloc(user->passwords, (user->password_count + 1) * sizeof *passwords);
        if (!passwords) return ACL_MISTAKE_MEMORY;
        user->passwords = passwords;
        passwords[user->password_count++] = *digest;
    }
    user->nopass = false;
    return NULL;
}

static acl_mistake remove_digest(struct acl_user *user, const struct acl_digest *digest)
{
    size_t at = find_digest(user, digest);
    if (at == user->password_count)
        return "The password you are trying to remove from the user does not exist";
    user->password_count--;
    memmove(&user->passwords[at], &user->passwords[at + 1],
            (user->password_count - at) * sizeof *user->passwords);
    return NULL;
}

/* ">password", "#digest", "<password", "!digest" */
static acl_mistake apply_password(struct acl_user *user, struct slice rule)
{
    char mark = rule.ptr[0];
    struct slice text = {rule.ptr + 1, rule.len - 1};
    struct acl_digest digest;
    if (mark == '>' || mark == '<') digest = digest_of(text);
    else if (!parse_digest(text, &digest))
        return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
               "characters";
    return mark == '>' || mark == '#' ? add_digest(user, &digest) : remove_digest(user, &digest);
}

/* ---- rules ---- */

static void reset_passwords(struct acl_user *user, bool nopass)
{
    user->password_count = 0;
    user->nopass = nopass;
}

static void clear_selectors(struct acl_user *user)
{
    while (user->selector_count > 1)
        acl_selector_free(user->selectors[--user->selector_count]);
}

static acl_mistake reset(struct acl_user *user, const struct command_table *table, bool all_channels)
{
    struct acl_selector *root = acl_selector_new(table);
    if (!root) return ACL_MISTAKE_MEMORY;
    root->all_channels = all_channels;
    clear_selectors(user);
    acl_selector_free(user->selectors[0]);
    user->selectors[0] = root;
    reset_passwords(user, false);
    user->on = user->skip_sanitize = false;
    return NULL;
}

/* "(~key:* +get)" */
static acl_mistake add_selector(struct acl_user *user, const struct command_table *table, bool all_channels,
                                struct slice rule)
{
    struct acl_selector *selector = acl_selector_new(table);
    if (!selector) return ACL_MISTAKE_MEMORY;
    selector->all_channels = all_channels;
    acl_mistake mistake = NULL;
    size_t end = rule.len - 1;
    for (size_t at = 1; !mistake && at < end;) {
        size_t len = 0;
        while (at + len < end && rule.ptr[at + len] != ' ')
            len++;
        if (len > 0) mistake = acl_selector_apply(selector, table, (struct slice){rule.ptr + at, len});
        at += len + 1;
    }
    if (!mistake) return append_selector(user, selector) ? NULL : ACL_MISTAKE_MEMORY;
    acl_selector_free(selector);
    return mistake;
}

/* Rules that are words. False when it is none of them. */
static bool apply_word(struct acl_user *user, struct slice rule)
{
    if (slice_is_word(rule, "on")) user->on = true;
    else if (slice_is_word(rule, "off")) user->on = false;
    else if (slice_is_word(rule, "nopass")) reset_passwords(user, true);
    else if (slice_is_word(rule, "resetpass")) reset_passwords(user, false);
    else if (slice_is_word(rule, "skip-sanitize-payload")) user->skip_sanitize = true;
    else if (slice_is_word(rule, "sanitize-payload")) user->skip_sanitize = false;
    else if (slice_is_word(rule, "clearselectors")) clear_selectors(user);
    else return false;
    return true;
}

acl_mistake acl_user_apply(struct acl_user *user, const struct command_table *table, bool all_channels,
                           struct slice rule)
{
    if (rule.len == 0) return NULL; /* as in Redis */
    if (apply_word(user, rule)) return NULL;
    if (slice_is_word(rule, "reset")) return reset(user, table, all_channels);
    if (memchr("><#!", rule.ptr[0], 4)) return apply_password(user, rule);
    if (rule.ptr[0] == '(' && rule.ptr[rule.len - 1] == ')')
        return add_selector(user, table, all_channels, rule);
    return acl_selector_apply(user->selectors[0], table, rule);
}

bool acl_user_may_all(const struct acl_user *user)
{
    for (size_t i = 0; i < user->selector_count; i++)
        if (acl_selector_allows_all(user->selectors[i])) return true;
    return false;
}

/* ---- as text ---- */

static void put(struct resp_out *out, const char *text)
{
    resp_raw(out, text, strlen(text));
}

void acl_user_write(const struct acl_user *user, struct resp_out *out)
{
    put(out, "user ");
    put(out, user->name);
    put(out, user->on ? " on " : " off ");
    if (user->nopass) put(out, "nopass ");
    put(out, user->skip_sanitize ? "skip-sanitize-payload " : "sanitize-payload ");
    for (size_t i = 0; i < user->password_count; i++) {
        char text[ACL_DIGEST_TEXT];
        acl_digest_text(&user->passwords[i], text);
        put(out, "#");
        resp_raw(out, text, sizeof text);
        put(out, " ");
    }
    for (size_t i = 0; i < user->selector_count; i++) {
        put(out, i > 0 ? " (" : "");
        acl_selector_write(user->selectors[i], out);
        put(out, i > 0 ? ")" : "");
    }
}

/* ---- words that belong together ---- */

static bool opens(struct slice word)
{
    return word.len > 0 && word.ptr[0] == '(' && word.ptr[word.len - 1] != ')';
}

static bool closes(struct slice word)
{
    return word.len > 0 && word.ptr[word.len - 1] == ')';
}

/* Appends words from *at_inout on to `to`, up to the one that closes, which *at_inout then names. The joined length; 0: none closes. */
static size_t join_selector(const struct slice *words, size_t count, char *to, size_t *at_inout)
{
    size_t len = 0;
    for (size_t i = *at_inout; i < count; i++) {
        if (len > 0) to[len++] = ' ';
        if (words[i].len > 0) memcpy(to + len, words[i].ptr, words[i].len);
        len += words[i].len;
        *at_inout = i;
        if (closes(words[i])) return len;
    }
    return 0;
}

bool acl_rules_join(const struct slice *words, size_t count, struct acl_rules *joined_out,
                    struct slice *mistaken_out)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += words[i].len + 1;
    *joined_out =
        (struct acl_rules){.words = malloc((count + 1) * sizeof(struct slice)), .text = malloc(bytes)};
    *mistaken_out = SLICE("");
    bool done = joined_out->words && joined_out->text;
    char *text = joined_out->text;
    for (size_t i = 0; done && i < count; i++) {
        struct slice word = words[i];
        if (opens(word)) {
            *mistaken_out = word;
            word = (struct slice){text, join_selector(words, count, text, &i)};
            text += word.len;
            done = word.len > 0;
        }
        joined_out->words[joined_out->count++] = word;
    }
    if (!done) acl_rules_free(joined_out);
    return done;
}

void acl_rules_free(struct acl_rules *rules)
{
    free(rules->words);
    free(rules->text);
    *rules = (struct acl_rules){0};
}
