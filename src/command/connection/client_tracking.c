/* client_tracking.c: CLIENT TRACKING and what goes with it: client-side caching. */
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/tracking.h"

#include <stdlib.h>
#include <string.h>

#define FLAGS (COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)

/* ---- TRACKING ---- */

static void tracking(struct call *call);
const struct command connection_client_tracking = {
    .name = "tracking",
    .handler = tracking,
    .arity = -3,
    .flags = FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.0.0",
    .summary = "Says whether and how the connection is told of changes of the keys that it has read.",
    .complexity = "O(1). Some options may introduce additional complexity.",
    .arguments =
        ARGUMENTS({.name = "status",
                   .type = ARG_ONEOF,
                   .sub = ARGUMENTS(ARGUMENT_WORD("on", "ON"), ARGUMENT_WORD("off", "OFF"))},
                  {.name = "client-id", .type = ARG_INTEGER, .token = "REDIRECT", .flags = ARG_OPTIONAL},
                  {.name = "prefix",
                   .type = ARG_STRING,
                   .token = "PREFIX",
                   .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN},
                  {.name = "bcast", .type = ARG_PURE_TOKEN, .token = "BCAST", .flags = ARG_OPTIONAL},
                  {.name = "optin", .type = ARG_PURE_TOKEN, .token = "OPTIN", .flags = ARG_OPTIONAL},
                  {.name = "optout", .type = ARG_PURE_TOKEN, .token = "OPTOUT", .flags = ARG_OPTIONAL},
                  {.name = "noloop", .type = ARG_PURE_TOKEN, .token = "NOLOOP", .flags = ARG_OPTIONAL}),
};

/* False after having replied. */
static bool parse_redirect(struct call *call, size_t arg, struct tracking_options *options)
{
    const struct host *host = call->worker->host;
    int64_t id;
    if (options->redirect) {
        resp_error(call->out, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_int(call, arg, &id)) return false;
    options->redirect = (uint64_t)id;
    if (id > 0 && host->session_worker(host->app, call->worker, options->redirect, &options->redirect_worker))
        return true;
    resp_error(call->out, "ERR The client ID you want redirect to does not exist");
    return false;
}

/* Gathers the prefixes in `prefixes`, which has room for all arguments. False after having replied. */
static bool parse_options(struct call *call, struct tracking_options *options, struct slice *prefixes)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } words[] = {{"BCAST", TRACKING_BCAST},
                 {"OPTIN", TRACKING_OPTIN},
                 {"OPTOUT", TRACKING_OPTOUT},
                 {"NOLOOP", TRACKING_NOLOOP}};
    for (size_t arg = 3; arg < call->argc; arg++) {
        bool more = arg + 1 < call->argc;
        uint32_t flag = 0;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (call_arg_is(call, arg, words[i].word)) flag = words[i].flag;
        if (flag) {
            options->flags |= flag;
        } else if (more && call_arg_is(call, arg, "REDIRECT")) {
            if (!parse_redirect(call, ++arg, options)) return false;
        } else if (more && call_arg_is(call, arg, "PREFIX")) {
            prefixes[options->prefix_count++] = call->argv[++arg];
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    options->prefixes = prefixes;
    return true;
}

static bool overlap(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    return common == 0 || memcmp(a.ptr, b.ptr, common) == 0;
}

static bool prefixes_fit(struct call *call, const struct tracking_options *options)
{
    static const char rule[] = "Prefixes for a single client must not overlap.";
    for (size_t i = 0; i < options->prefix_count; i++) {
        struct slice prefix = options->prefixes[i];
        for (size_t j = 0; j < tracking_prefix_count(call->session); j++) {
            struct slice old = tracking_prefix(call->session, j);
            if (!overlap(prefix, old)) continue;
            resp_errorf(call->out, "ERR Prefix '%.*s' overlaps with an existing prefix '%.*s'. %s",
                        (int)prefix.len, prefix.ptr, (int)old.len, old.ptr, rule);
            return false;
        }
        for (size_t j = i + 1; j < options->prefix_count; j++) {
            struct slice other = options->prefixes[j];
            if (!overlap(prefix, other)) continue;
            resp_errorf(call->out, "ERR Prefix '%.*s' overlaps with another provided prefix '%.*s'. %s",
                        (int)prefix.len, prefix.ptr, (int)other.len, other.ptr, rule);
            return false;
        }
    }
    return true;
}

/* What is wrong with the options, by themselves or after those that are in force; NULL: nothing. */
static const char *conflict(const struct tracking_options *options, uint32_t current)
{
    uint32_t wanted = options->flags;
    bool on = current & TRACKING_ON;
    if (!(wanted & TRACKING_BCAST) && options->prefix_count > 0)
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (on && (wanted ^ current) & TRACKING_BCAST)
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
               "re-enabling it with "
               "a different mode.";
    if (wanted & TRACKING_BCAST && wanted & (TRACKING_OPTIN | TRACKING_OPTOUT))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (wanted & TRACKING_OPTIN && wanted & TRACKING_OPTOUT)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if ((wanted & TRACKING_OPTIN && current & TRACKING_OPTOUT) ||
        (wanted & TRACKING_OPTOUT && current & TRACKING_OPTIN))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
               "re-enabling it with a "
               "different mode.";
    return NULL;
}

static void turn_on(struct call *call, const struct tracking_options *options)
{
    const char *error = conflict(options, tracking_flags(call->session));
    if (error) {
        resp_error(call->out, error);
        return;
    }
    if (options->flags & TRACKING_BCAST && !prefixes_fit(call, options)) return;
    if (tracking_enable(call->worker, call->session, options) == ERROR_OK) resp_ok(call->out);
    else call_fail(call, ERROR_MEMORY);
}

static void tracking(struct call *call)
{
    struct tracking_options options = {0};
    struct slice *prefixes = malloc(call->argc * sizeof *prefixes);
    if (!prefixes) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    if (parse_options(call, &options, prefixes)) {
        if (call_arg_is(call, 2, "ON")) {
            turn_on(call, &options);
        } else if (call_arg_is(call, 2, "OFF")) {
            tracking_disable(call->worker, call->session);
            resp_ok(call->out);
        } else {
            call_syntax_error(call);
        }
    }
    free(prefixes);
}

/* ---- CACHING ---- */

static void caching(struct call *call);
const struct command connection_client_caching = {
    .name = "caching",
    .handler = caching,
    .arity = 3,
    .flags = FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.0.0",
    .summary = "Says whether the keys that the next command reads are tracked.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "mode",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("yes", "YES"), ARGUMENT_WORD("no", "NO"))}),
};

static void caching(struct call *call)
{
    uint32_t flags = tracking_flags(call->session);
    bool yes = call_arg_is(call, 2, "yes");
    if (!(flags & TRACKING_ON)) {
        resp_error(call->out,
                   "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
                   "OPTOUT mode enabled");
    } else if (!yes && !call_arg_is(call, 2, "no")) {
        call_syntax_error(call);
    } else if (yes && !(flags & TRACKING_OPTIN)) {
        resp_error(call->out, "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    } else if (!yes && !(flags & TRACKING_OPTOUT)) {
        resp_error(call->out, "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    } else {
        tracking_set_caching(call->session, true);
        resp_ok(call->out);
    }
}

/* ---- looking ---- */

static int64_t redirection(const struct session *session)
{
    return tracking_flags(session) & TRACKING_ON ? (int64_t)tracking_redirect(session) : -1;
}

static void getredir(struct call *call);
const struct command connection_client_getredir = {
    .name = "getredir",
    .handler = getredir,
    .arity = 2,
    .flags = FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.0.0",
    .summary = "Answers the number of the connection that is told instead of this one.",
    .complexity = "O(1)",
};

static void getredir(struct call *call)
{
    resp_int(call->out, redirection(call->session));
}

static void trackinginfo(struct call *call);
const struct command connection_client_trackinginfo = {
    .name = "trackinginfo",
    .handler = trackinginfo,
    .arity = 2,
    .flags = FLAGS | COMMAND_SESSION,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "6.2.0",
    .summary = "Answers how the connection tracks.",
    .complexity = "O(1)",
};

static size_t put_word(struct resp_out *out, bool applies, const char *word)
{
    if (applies) resp_bulk_text(out, word);
    return applies;
}

static void trackinginfo(struct call *call)
{
    struct resp_out *out = call->out;
    uint32_t flags = tracking_flags(call->session);
    bool cached = flags & TRACKING_CACHING;
    resp_map(out, 3);
    resp_bulk_text(out, "flags");
    struct resp_later words = resp_later_begin(out);
    size_t count = put_word(out, true, flags & TRACKING_ON ? "on" : "off");
    count += put_word(out, flags & TRACKING_BCAST, "bcast");
    count += put_word(out, flags & TRACKING_OPTIN, "optin");
    count += put_word(out, flags & TRACKING_OPTIN && cached, "caching-yes");
    count += put_word(out, flags & TRACKING_OPTOUT, "optout");
    count += put_word(out, flags & TRACKING_OPTOUT && cached, "caching-no");
    count += put_word(out, flags & TRACKING_NOLOOP, "noloop");
    count += put_word(out, flags & TRACKING_BROKEN, "broken_redirect");
    resp_later_set(out, words, count);
    resp_bulk_text(out, "redirect");
    resp_int(out, redirection(call->session));
    resp_bulk_text(out, "prefixes");
    resp_array(out, tracking_prefix_count(call->session));
    for (size_t i = 0; i < tracking_prefix_count(call->session); i++)
        resp_bulk_slice(out, tracking_prefix(call->session, i));
}
