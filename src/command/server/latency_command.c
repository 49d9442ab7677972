/* latency_command.c: LATENCY: histograms per command and the spikes of the monitor. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#define LATENCY_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)
#define LATENCY_TIPS  TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")

static const struct command latency_help, latency_histogram, latency_history, latency_latest,
    latency_reset_row;
static const struct command *const subcommands[] = {
    &server_latency_doctor, &server_latency_graph, &latency_help,      &latency_histogram,
    &latency_history,       &latency_latest,       &latency_reset_row, NULL,
};

const struct command server_latency = {
    .name = "latency",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Holds the commands about delays.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

/* ---- HISTOGRAM ---- */

/* One command's calls, cumulated at powers of two µs; false when it has none. */
static bool reply_histogram(struct call *call, const struct command_entry *entry)
{
    struct histogram_sum sum;
    if (!stats_histogram(call->worker->server, entry->id, &sum)) return false;
    resp_bulk_text(call->out, entry->full_name);
    resp_map(call->out, 2);
    resp_bulk_text(call->out, "calls");
    resp_int(call->out, (int64_t)sum.total);
    resp_bulk_text(call->out, "histogram_usec");
    struct resp_later later = resp_later_begin(call->out);
    size_t steps = 0;
    uint64_t before = 0;
    for (unsigned exponent = 0; exponent <= HISTOGRAM_OCTAVES; exponent++) {
        uint64_t below = histogram_below_us(&sum, exponent);
        if (below == before) continue;
        resp_int(call->out, INT64_C(1) << exponent);
        resp_int(call->out, (int64_t)below);
        before = below;
        steps++;
    }
    resp_later_map(call->out, later, steps);
    return true;
}

static void histogram(struct call *call)
{
    const struct command_table *table = call->worker->server->table;
    struct resp_later later = resp_later_begin(call->out);
    size_t count = 0;
    for (unsigned id = 0; call->argc == 2 && id < command_table_count(table); id++)
        count += reply_histogram(call, command_table_at(table, id));
    for (size_t i = 2; i < call->argc; i++) {
        const struct command_entry *entry = command_table_named(table, call->argv[i]);
        if (!entry) continue;
        const struct command *const *sub = entry->command->subcommands;
        count += reply_histogram(call, entry);
        for (unsigned next = 1; sub && *sub; sub++, next++)
            count += reply_histogram(call, command_table_at(table, entry->id + next));
    }
    resp_later_map(call->out, later, count);
}

static const struct command latency_histogram = {
    .name = "histogram",
    .handler = histogram,
    .arity = -2,
    .flags = LATENCY_FLAGS,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Answers how long the calls of commands took, as histograms.",
    .complexity = "O(N) where N is the number of commands with latency information being retrieved.",
    .arguments = ARGUMENTS({.name = "command", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = LATENCY_TIPS,
};

/* ---- spikes ---- */

static void latest(struct call *call)
{
    struct latency_event event;
    struct resp_later later = resp_later_begin(call->out);
    unsigned count = 0;
    for (; latency_event_at(&call->worker->server->latency, count, &event); count++) {
        const struct latency_spike *last = latency_spike(&event, event.count - 1);
        resp_array(call->out, 4);
        resp_bulk_text(call->out, event.name);
        resp_int(call->out, last->time_s);
        resp_int(call->out, last->duration_ms);
        resp_int(call->out, event.max_ms);
    }
    resp_later_array(call->out, later, count);
}

static const struct command latency_latest = {
    .name = "latest",
    .handler = latest,
    .arity = 2,
    .flags = LATENCY_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Answers the last and the worst spike of every event.",
    .complexity = "O(1)",
    .tips = LATENCY_TIPS,
};

static void history(struct call *call)
{
    struct latency_event event = {.count = 0};
    (void)latency_event_named(&call->worker->server->latency, call->argv[2], &event);
    resp_array(call->out, event.count);
    for (unsigned i = 0; i < event.count; i++) {
        resp_array(call->out, 2);
        resp_int(call->out, latency_spike(&event, i)->time_s);
        resp_int(call->out, latency_spike(&event, i)->duration_ms);
    }
}

static const struct command latency_history = {
    .name = "history",
    .handler = history,
    .arity = 3,
    .flags = LATENCY_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Answers the spikes of an event, oldest first.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("event", ARG_STRING)),
    .tips = LATENCY_TIPS,
};

static void reset(struct call *call)
{
    struct latency_monitor *monitor = &call->worker->server->latency;
    unsigned gone = call->argc == 2 ? latency_reset(monitor, (struct slice){NULL, 0}) : 0;
    for (size_t i = 2; i < call->argc; i++)
        gone += latency_reset(monitor, call->argv[i]);
    resp_int(call->out, gone);
}

static const struct command latency_reset_row = {
    .name = "reset",
    .handler = reset,
    .arity = -2,
    .flags = LATENCY_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Forgets the spikes of the named events, or of all.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "event", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    A report on the spikes, in words.",
        "GRAPH <event>",
        "    The spikes of an event, drawn with characters.",
        "HISTOGRAM [<command> ...]",
        "    How long calls of the named commands took, or of all that ran.",
        "HISTORY <event>",
        "    Time and length of the event's spikes.",
        "LATEST",
        "    The last spike of every event.",
        "RESET [<event> ...]",
        "    Forget the spikes of the named events, or of all.",
        NULL,
    };
    help_reply(call, "LATENCY", lines);
}

static const struct command latency_help = {HELP_ROW(help, GROUP_SERVER, 0, "2.8.13")};
