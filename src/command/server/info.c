/* info.c: INFO, TIME, LOLWUT: what the server says of itself. */
#include "command/arguments.h"
#include "command/host.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#include <stdlib.h>

static void info(struct call *call);
const struct command server_info = {
    .name = "info",
    .handler = info,
    .arity = -1,
    .flags = COMMAND_LOADING | COMMAND_STALE | COMMAND_SHARED,
    .categories = CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Answers facts and counters of the server.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "section", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
    .history = HISTORY("7.0.0", "Takes several sections."),
};

/* A malloc'd lower-case copy of the arguments from `first` on, with its slices before it; NULL: no memory. */
static struct slice *lower_case_arguments(const struct call *call, size_t first)
{
    size_t count = call->argc - first, bytes = 0;
    for (size_t i = first; i < call->argc; i++)
        bytes += call->argv[i].len;
    struct slice *words = malloc(count * sizeof *words + bytes + 1);
    if (!words) return NULL;
    char *to = (char *)(words + count);
    for (size_t i = 0; i < count; i++) {
        const struct slice *from = &call->argv[first + i];
        words[i] = (struct slice){to, from->len};
        for (size_t b = 0; b < from->len; b++, to++)
            *to =
                from->ptr[b] >= 'A' && from->ptr[b] <= 'Z' ? (char)(from->ptr[b] + 'a' - 'A') : from->ptr[b];
    }
    return words;
}

static void info(struct call *call)
{
    const struct host *host = call->worker->host;
    struct slice *sections = lower_case_arguments(call, 1);
    if (!sections) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    struct resp_out text;
    resp_out_init(&text);
    host->info(host->app, call->worker, sections, call->argc - 1, &text);
    resp_verbatim(call->out, "txt", (struct slice){text.buf, text.len});
    resp_out_free(&text);
    free(sections);
}

static void time_now(struct call *call);
const struct command server_time = {
    .name = "time",
    .handler = time_now,
    .arity = 1,
    .flags = COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
    .group = GROUP_SERVER,
    .since = "2.6.0",
    .summary = "Answers the server's time in seconds and microseconds.",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

static void time_now(struct call *call)
{
    int64_t now_us = clock_wall_us();
    resp_array(call->out, 2);
    resp_bulk_int(call->out, now_us / 1000000);
    resp_bulk_int(call->out, now_us % 1000000);
}

static void lolwut(struct call *call);
const struct command server_lolwut = {
    .name = "lolwut",
    .handler = lolwut,
    .arity = -1,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .group = GROUP_SERVER,
    .since = "5.0.0",
    .summary = "Draws a cairn.",
    .arguments =
        ARGUMENTS({.name = "version", .type = ARG_INTEGER, .token = "VERSION", .flags = ARG_OPTIONAL}),
};

static void lolwut(struct call *call)
{
    int64_t version;
    if (call->argc > 1 && call_arg_is(call, 1, "version") && call->argc > 2 && !call_int(call, 2, &version))
        return;
    resp_verbatim(call->out, "txt",
                  SLICE("\n"
                        "        _\n"
                        "       (_)\n"
                        "      (___)\n"
                        "     (_____)\n"
                        "   (_________)\n"
                        "  (___________)\n"
                        "\n"
                        "A heap of stones that outlasts its builders.\n"
                        "\n"
                        "Redis ver. " SERVER_REDIS_VERSION "\n"));
}
