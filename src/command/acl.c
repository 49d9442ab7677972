/* acl.c: the table of users (acl.h). */
#include "command/acl.h"

#include "util/assert.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* ---- the table; its lock is held ---- */

/* Where the user of that name is, or would be. */
static size_t place_of(const struct acl *acl, struct slice name, bool *found_out)
{
    size_t low = 0, high = acl->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct slice other = slice_of(acl->users[middle]->name);
        size_t least = name.len < other.len ? name.len : other.len;
        int order = least > 0 ? memcmp(name.ptr, other.ptr, least) : 0;
        if (order == 0 && name.len == other.len) {
            *found_out = true;
            return middle;
        }
        if (order > 0 || (order == 0 && name.len > other.len)) low = middle + 1;
        else high = middle;
    }
    *found_out = false;
    return low;
}

static struct acl_user *find(const struct acl *acl, struct slice name)
{
    bool found;
    size_t place = place_of(acl, name, &found);
    return found ? acl->users[place] : NULL;
}

static bool is_default(struct slice name)
{
    return slice_equal(name, SLICE("default"));
}

static bool reserve(struct acl *acl)
{
    if (acl->count < acl->cap) return true;
    size_t cap = acl->cap ? acl->cap * 2 : 8;
    struct acl_user **users = realloc(acl->users, cap * sizeof *users);
    if (!users) return false;
    acl->users = users;
    acl->cap = cap;
    return true;
}

static void retire(struct acl_user *user)
{
    atomic_store_explicit(&user->replaced, true, memory_order_release);
    atomic_store_explicit(&user->plain, false, memory_order_release); /* A1: the session looks closer now */
}

static void announce(struct acl *acl, struct acl_user *user)
{
    atomic_store_explicit(&user->plain, acl_user_may_all(user), memory_order_release);
    if (!is_default(slice_of(user->name))) return;
    acl->by_default = user;
    atomic_store_explicit(&acl->nopass_default, user->nopass, memory_order_relaxed);
    atomic_store_explicit(&acl->needs_login, !user->nopass || !user->on, memory_order_relaxed);
}

/* Makes the draft the current version of its user; takes over the caller's reference. There is room. The version before it keeps the
 * reference that the table had: it is the caller's now. */
static struct acl_user *publish(struct acl *acl, struct acl_user *draft)
{
    bool found;
    size_t place = place_of(acl, slice_of(draft->name), &found);
    struct acl_user *before = found ? acl->users[place] : NULL;
    ASSERT(acl->count < acl->cap || found);
    if (!found) {
        memmove(&acl->users[place + 1], &acl->users[place], (acl->count - place) * sizeof *acl->users);
        acl->count++;
    }
    draft->identity = before ? before->identity : ++acl->last_identity;
    acl->users[place] = draft;
    announce(acl, draft);
    if (before) retire(before);
    return before;
}

/* ---- life ---- */

struct acl_user *acl_new_default(const struct acl *acl)
{
    static const char *const rules[] = {"on", "nopass", "+@all", "~*", "&*"};
    struct acl_user *user = acl_user_new(acl->commands, SLICE("default"), false);
    for (size_t i = 0; user && i < sizeof rules / sizeof *rules; i++) {
        acl_mistake mistake = acl_user_apply(user, acl->commands, false, slice_of(rules[i]));
        ASSERT(!mistake); /* none of them allocates */
    }
    return user;
}

enum error acl_open(struct acl *acl, const struct command_table *commands)
{
    memset(acl, 0, sizeof *acl);
    pthread_mutex_init(&acl->lock, NULL);
    acl_log_init(&acl->log);
    acl->commands = commands;
    atomic_init(&acl->log_max_len, 128);
    struct acl_user *user = reserve(acl) ? acl_new_default(acl) : NULL;
    if (user) (void)publish(acl, user);
    return user ? ERROR_OK : ERROR_MEMORY;
}

void acl_close(struct acl *acl)
{
    for (size_t i = 0; i < acl->count; i++)
        acl_user_release(acl->users[i]);
    free(acl->users);
    acl->users = NULL;
    acl->count = acl->cap = 0;
    acl_log_clear(&acl->log);
}

/* ---- users ---- */

struct acl_user *acl_find(struct acl *acl, struct slice name)
{
    pthread_mutex_lock(&acl->lock);
    struct acl_user *user = find(acl, name);
    if (user) acl_user_hold(user);
    pthread_mutex_unlock(&acl->lock);
    return user;
}

static bool all_channels(const struct acl *acl)
{
    return atomic_load_explicit(&acl->all_channels, memory_order_relaxed);
}

static void fail(struct acl_failure *failure, acl_mistake mistake, struct slice word)
{
    size_t len = word.len < sizeof failure->word - 1 ? word.len : sizeof failure->word - 1;
    failure->mistake = mistake;
    if (len > 0) memcpy(failure->word, word.ptr, len);
    failure->word[len] = '\0';
}

static bool apply_rules(const struct acl *acl, struct acl_user *draft, const struct slice *words,
                        size_t count, struct acl_failure *failure)
{
    struct acl_rules rules;
    struct slice mistaken;
    if (!acl_rules_join(words, count, &rules, &mistaken)) {
        fail(failure, mistaken.len > 0 ? NULL : ACL_MISTAKE_MEMORY, mistaken);
        return false;
    }
    acl_mistake mistake = NULL;
    for (size_t i = 0; i < rules.count && !mistake; i++) {
        mistake = acl_user_apply(draft, acl->commands, all_channels(acl), rules.words[i]);
        if (mistake) fail(failure, mistake, rules.words[i]);
    }
    acl_rules_free(&rules);
    return !mistake;
}

/* The lock is held. */
static struct acl_user *draft_of(const struct acl *acl, struct slice name)
{
    const struct acl_user *user = find(acl, name);
    return user ? acl_user_copy(user) : acl_user_new(acl->commands, name, all_channels(acl));
}

bool acl_set_user(struct acl *acl, struct slice name, const struct slice *rules, size_t count,
                  struct acl_user **before_out, struct acl_failure *failure_out)
{
    pthread_mutex_lock(&acl->lock);
    struct acl_user *draft = reserve(acl) ? draft_of(acl, name) : NULL;
    if (!draft) fail(failure_out, ACL_MISTAKE_MEMORY, name);
    bool done = draft && apply_rules(acl, draft, rules, count, failure_out);
    *before_out = done ? publish(acl, draft) : NULL;
    pthread_mutex_unlock(&acl->lock);
    if (!done) acl_user_release(draft);
    return done;
}

struct acl_user *acl_delete_user(struct acl *acl, struct slice name)
{
    bool found;
    struct acl_user *user = NULL;
    ASSERT(!is_default(name)); /* A2 */
    pthread_mutex_lock(&acl->lock);
    size_t place = place_of(acl, name, &found);
    if (found) {
        user = acl->users[place];
        acl->count--;
        memmove(&acl->users[place], &acl->users[place + 1], (acl->count - place) * sizeof *acl->users);
        retire(user);
    }
    pthread_mutex_unlock(&acl->lock);
    return user;
}

enum error acl_set_default_password(struct acl *acl, struct slice password)
{
    char *rule = malloc(password.len + 1);
    if (!rule) return ERROR_MEMORY;
    rule[0] = '>';
    if (password.len > 0) memcpy(rule + 1, password.ptr, password.len);
    struct acl_user *before;
    struct acl_failure failure;
    const struct slice set[] = {SLICE("resetpass"), {rule, password.len + 1}};
    const struct slice none[] = {SLICE("nopass")};
    bool done = password.len > 0 ? acl_set_user(acl, SLICE("default"), set, 2, &before, &failure)
                                 : acl_set_user(acl, SLICE("default"), none, 1, &before, &failure);
    OPENSSL_cleanse(rule, password.len + 1);
    free(rule);
    acl_user_release(before);
    return done ? ERROR_OK : ERROR_MEMORY;
}

size_t acl_visit_users(struct acl *acl, acl_visit *visit, void *arg)
{
    pthread_mutex_lock(&acl->lock);
    size_t count = acl->count;
    for (size_t i = 0; i < count; i++)
        visit(arg, acl->users[i]);
    pthread_mutex_unlock(&acl->lock);
    return count;
}

void acl_reset_stats(struct acl *acl)
{
    for (size_t i = 0; i < ACL_REASONS; i++)
        atomic_store_explicit(&acl->denied[i], 0, memory_order_relaxed);
}

/* ---- all at once ---- */

bool acl_replace_users(struct acl *acl, struct acl_user *const *drafts, size_t count)
{
    size_t cap = count + 8;
    struct acl_user **users = malloc(cap * sizeof *users);
    if (!users) return false;
    pthread_mutex_lock(&acl->lock);
    struct acl fresh = {.users = users, .cap = cap};
    for (size_t i = 0; i < count; i++) {
        bool stays = is_default(slice_of(drafts[i]->name));
        (void)publish(&fresh, drafts[i]);
        drafts[i]->identity = stays ? acl->by_default->identity : ++acl->last_identity;
    }
    struct acl_user **olds = acl->users;
    size_t old_count = acl->count;
    acl->users = users;
    acl->count = fresh.count;
    acl->cap = cap;
    announce(acl, fresh.by_default);
    for (size_t i = 0; i < old_count; i++)
        retire(olds[i]);
    pthread_mutex_unlock(&acl->lock);
    for (size_t i = 0; i < old_count; i++)
        acl_user_release(olds[i]);
    free(olds);
    return true;
}
