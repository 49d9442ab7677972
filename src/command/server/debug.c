/* debug.c: DEBUG: what test suites ask of a server. Runs alone in the server (SLEEP stops everybody, as it
 * should). */
#include "command/arguments.h"
#include "command/help.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"
#include "util/assert.h"
#include "util/glob.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES_MAX    (1 << 20) /* STRINGMATCH-LEN */
#define SLEEP_SECONDS_MAX 3600
#define ERROR_BYTES       512

/* RELOAD and LOADAOF enter the gate themselves, when they have saved. */
static bool saves_first(const struct slice *argv, size_t argc)
{
    return argc > 1 && (slice_is_word(argv[1], "reload") || slice_is_word(argv[1], "loadaof"));
}

static void debug(struct call *call);
const struct command server_debug = {
    .name = "debug",
    .handler = debug,
    .arity = -2,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_EXCLUSIVE,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Holds the tools of tests and developers.",
    .may_share = saves_first,
    .complexity = "Depends on subcommand.",
};

/* ---- tools ---- */

static void sleep_for(struct call *call)
{
    double seconds;
    if (!call_double(call, 2, &seconds)) return;
    if (seconds > 0) {
        seconds = fmin(seconds, SLEEP_SECONDS_MAX);
        double whole = floor(seconds);
        struct timespec left = {(time_t)whole, (long)((seconds - whole) * 1e9)};
        nanosleep(&left, NULL);
    }
    resp_ok(call->out);
}

static void set_flag(struct call *call, _Atomic bool *flag)
{
    int64_t on;
    if (!call_int(call, 2, &on)) return;
    atomic_store_explicit(flag, on != 0, memory_order_relaxed);
    resp_ok(call->out);
}

static void set_active_expire(struct call *call)
{
    set_flag(call, &call->worker->server->settings->active_expire);
}

static void pause_cron(struct call *call)
{
    set_flag(call, &call->worker->server->settings->cron_paused);
}

static void skip_checksum(struct call *call)
{
    set_flag(call, &call->worker->server->settings->skip_checksum);
}

static void copy_pages(struct call *call)
{
    int64_t on;
    if (!call_int(call, 2, &on)) return;
    heap_journal_copy_always(call->worker->thread, on != 0);
    resp_ok(call->out);
}

/* How a pattern fares against a long text: <len> times 'a'. */
static void stringmatch_len(struct call *call)
{
    int64_t len;
    if (!call_int_range(call, 2, 0, TEXT_BYTES_MAX, NULL, &len)) return;
    char *text = malloc((size_t)len + 1);
    if (!text) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    memset(text, 'a', (size_t)len);
    resp_int(call->out, glob_match(call->argv[3], (struct slice){text, (size_t)len}));
    free(text);
}

static void reply_given_error(struct call *call)
{
    resp_errorf(call->out, "%.*s", (int)call->argv[2].len, call->argv[2].ptr);
}

static void log_line(struct call *call)
{
    const struct host *host = call->worker->host;
    host->log(host->app, HOST_LOG_WARNING, "DEBUG LOG: %.*s", (int)call->argv[2].len, call->argv[2].ptr);
    resp_ok(call->out);
}

static void rewrite_config(struct call *call)
{
    const struct host *host = call->worker->host;
    char error[ERROR_BYTES];
    if (host->config_rewrite(host->app, true, error, sizeof error)) resp_ok(call->out);
    else resp_error(call->out, error);
}

static void segfault(struct call *call)
{
    (void)call;
    raise(SIGSEGV);
}

static void panic(struct call *call)
{
    ASSERT(call == NULL);
}

static void accept_only(struct call *call)
{
    resp_ok(call->out);
}

static void refuse(struct call *call)
{
    resp_errorf(call->out, "ERR DEBUG %.*s is not supported: it is about internals that cairn does not have",
                (int)call->argv[1].len, call->argv[1].ptr);
}

/* ---- PROTOCOL: a reply of every type ---- */

static void protocol(struct call *call)
{
    struct resp_out *out = call->out;
    if (call_arg_is(call, 2, "string")) {
        resp_bulk_text(out, "Hello World");
    } else if (call_arg_is(call, 2, "integer")) {
        resp_int(out, 12345);
    } else if (call_arg_is(call, 2, "double")) {
        resp_double(out, 3.141);
    } else if (call_arg_is(call, 2, "null")) {
        resp_null(out);
    } else if (call_arg_is(call, 2, "array")) {
        resp_array(out, 3);
        for (int i = 0; i < 3; i++)
            resp_int(out, i);
    } else if (call_arg_is(call, 2, "set")) {
        resp_set(out, 3);
        for (int i = 0; i < 3; i++)
            resp_int(out, i);
    } else if (call_arg_is(call, 2, "map")) {
        resp_map(out, 3);
        for (int i = 0; i < 3; i++) {
            resp_int(out, i);
            resp_bool(out, i == 1);
        }
    } else if (call_arg_is(call, 2, "attrib")) {
        if (out->proto > 2) {
            resp_attribute(out, 1);
            resp_bulk_text(out, "key-popularity");
            resp_array(out, 2);
            resp_bulk_text(out, "key:123");
            resp_int(out, 90);
        }
        resp_bulk_text(out, "Some real reply following the attribute");
    } else if (call_arg_is(call, 2, "push") && out->proto < 3) {
        resp_error(out, "ERR RESP2 is not supported by this command");
    } else if (call_arg_is(call, 2, "push")) {
        resp_push(out, 2);
        resp_bulk_text(out, "server-cpu-usage");
        resp_int(out, 42);
    } else if (call_arg_is(call, 2, "verbatim")) {
        resp_verbatim(out, "txt", SLICE("This is a verbatim\nstring"));
    } else if (call_arg_is(call, 2, "bignum")) {
        resp_big_number(out, SLICE("1234567999999999999999999999999999999"));
    } else if (call_arg_is(call, 2, "true") || call_arg_is(call, 2, "false")) {
        resp_bool(out, call_arg_is(call, 2, "true"));
    } else {
        resp_error(out, "ERR Wrong protocol type name. Please use one of the following: "
                        "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
    }
}

static void help(struct call *call)
{
    static const char *const lines[] = {
        "ASSERT",
        "    Crash by a failed assertion.",
        "CHANGE-REPL-ID",
        "    Accepted.",
        "CONFIG-REWRITE-FORCE-ALL",
        "    As CONFIG REWRITE, with the settings that have their initial value.",
        "DICT-RESIZING (0|1)",
        "    Accepted.",
        "DIGEST",
        "    A hex signature of all data.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    A hex signature of each key's value.",
        "ERROR <string>",
        "    Answer that error.",
        "HTSTATS <dbid>",
        "    Slots and entries of a database's tables.",
        "HTSTATS-KEY <key>",
        "    The same for the table of a value.",
        "JOURNAL-COPY-PAGES (0|1)",
        "    Whether the journal's image is written in whole pages even while it is cached.",
        "LISTPACK <key>",
        "    Log the elements of a small collection.",
        "LOADAOF",
        "    As RELOAD.",
        "LOG <message>",
        "    Write a line to the server's log.",
        "OBJECT <key>",
        "    Where and how a value is kept.",
        "OOM",
        "    Crash by a failed assertion.",
        "PANIC",
        "    Crash by a failed assertion.",
        "PAUSE-CRON (0|1)",
        "    Whether background work rests.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Create keys <prefix>:<number> (default: key) that are not there.",
        "PROTOCOL <type>",
        "    Answer a value of that type.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    Accepted.",
        "REPLYBUFFER <PEAK-RESET-TIME|RESIZING> <value>",
        "    Accepted.",
        "RELOAD [option ...]",
        "    Make the data durable and check it; there is nothing to load.",
        "SDSLEN <key>",
        "    Lengths of key and value.",
        "SEGFAULT",
        "    Crash by SIGSEGV.",
        "SET-ACTIVE-EXPIRE (0|1)",
        "    Whether keys expire that nobody reads.",
        "SET-DISABLE-DENY-SCRIPTS (0|1)",
        "    Accepted.",
        "SET-SKIP-CHECKSUM-VALIDATION (0|1)",
        "    Whether RESTORE takes payloads with a wrong checksum.",
        "SLEEP <seconds>",
        "    Stop the server that long.",
        "STRINGMATCH-LEN <len> <pattern>",
        "    Match a pattern with <len> times 'a'.",
        NULL,
    };
    help_reply(call, "DEBUG", lines);
}

/* ---- dispatch: DEBUG's subcommands have no rows, as in Redis ---- */

static const struct {
    const char *name;
    size_t argc_min;
    size_t argc_max;
    void (*handler)(struct call *call);
} tools[] = {
    {"assert", 2, 2, panic},
    {"change-repl-id", 2, 2, accept_only},
    {"config-rewrite-force-all", 2, 2, rewrite_config},
    {"dict-resizing", 3, 3, accept_only},
    {"digest", 2, 2, server_debug_digest},
    {"digest-value", 2, SIZE_MAX, server_debug_digest_value},
    {"error", 3, 3, reply_given_error},
    {"help", 2, 2, help},
    {"htstats", 3, 4, server_debug_htstats},
    {"htstats-key", 3, 4, server_debug_htstats_key},
    {"jmap", 2, SIZE_MAX, refuse},
    {"journal-copy-pages", 3, 3, copy_pages},
    {"listpack", 3, 3, server_debug_listpack},
    {"loadaof", 2, 2, server_debug_reload},
    {"log", 3, 3, log_line},
    {"mallctl", 3, 4, refuse},
    {"object", 3, 4, server_debug_object},
    {"oom", 2, 2, panic},
    {"panic", 2, 2, panic},
    {"pause-cron", 3, 3, pause_cron},
    {"populate", 3, 5, server_debug_populate},
    {"protocol", 3, 3, protocol},
    {"quicklist", 3, 4, refuse},
    {"quicklist-packed-threshold", 3, 3, accept_only},
    {"reload", 2, SIZE_MAX, server_debug_reload},
    {"replybuffer", 4, 4, accept_only}, /* connections have no buffers of their own */
    {"replicate", 3, SIZE_MAX, refuse},
    {"sdslen", 3, 3, server_debug_sdslen},
    {"segfault", 2, 2, segfault},
    {"set-active-expire", 3, 3, set_active_expire},
    {"set-disable-deny-scripts", 3, 3, accept_only},
    {"set-skip-checksum-validation", 3, 3, skip_checksum},
    {"sleep", 3, 3, sleep_for},
    {"stringmatch-len", 4, 4, stringmatch_len},
    {"ziplist", 3, 3, refuse},
};

static void debug(struct call *call)
{
    const struct settings *settings = call->worker->server->settings;
    if (!server_allow(call, &settings->enable_debug_command, "DEBUG", "enable-debug-command")) return;
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        if (!call_arg_is(call, 1, tools[i].name)) continue;
        if (call->argc < tools[i].argc_min || call->argc > tools[i].argc_max) break;
        tools[i].handler(call);
        return;
    }
    resp_errorf(call->out, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                (int)(call->argv[1].len < 128 ? call->argv[1].len : 128), call->argv[1].ptr);
}
