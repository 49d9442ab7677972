/* latency_report.c: LATENCY DOCTOR and LATENCY GRAPH: spikes for human eyes. */
#include "command/arguments.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#include <stdarg.h>
#include <stdio.h>

#define REPORT_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)
#define REPORT_TIPS  TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")
#define GRAPH_ROWS   4

__attribute__((format(printf, 2, 3))) static void add_text(struct resp_out *text, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    resp_raw(text, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static void reply_text(struct call *call, struct resp_out *text)
{
    resp_verbatim(call->out, "txt", (struct slice){text->buf, text->len});
    resp_out_free(text);
}

/* ---- DOCTOR ---- */

struct event_summary {
    int64_t sum_ms;
    int64_t min_ms;
    int64_t span_s; /* from the first spike kept to now */
};

static struct event_summary summarize(const struct latency_event *event, int64_t now_s)
{
    struct event_summary summary = {.min_ms = INT64_MAX};
    for (unsigned i = 0; i < event->count; i++) {
        int64_t duration_ms = latency_spike(event, i)->duration_ms;
        summary.sum_ms += duration_ms;
        if (duration_ms < summary.min_ms) summary.min_ms = duration_ms;
    }
    summary.span_s = now_s - latency_spike(event, 0)->time_s;
    return summary;
}

static void doctor(struct call *call)
{
    struct server_state *server = call->worker->server;
    int64_t threshold_ms =
        atomic_load_explicit(&server->settings->latency_threshold_ms, memory_order_relaxed);
    struct latency_event event;
    struct resp_out text;
    unsigned count = 0;
    resp_out_init(&text);
    for (; latency_event_at(&server->latency, count, &event); count++) {
        struct event_summary summary = summarize(&event, call->now_ms / 1000);
        if (count == 0) add_text(&text, "Delays of at least %lld ms:\n\n", (long long)threshold_ms);
        add_text(&text, "%u. %s: %u spikes in %lld s, on average %.1f ms, between %lld and %lld ms.\n",
                 count + 1, event.name, event.count, (long long)summary.span_s,
                 (double)summary.sum_ms / (double)event.count, (long long)summary.min_ms,
                 (long long)event.max_ms);
    }
    if (count > 0)
        add_text(&text,
                 "\nSLOWLOG GET names the slow commands; commands over many keys or elements are the usual "
                 "cause, then a busy host or disk.\n");
    else if (threshold_ms == 0)
        add_text(&text,
                 "Latency monitoring is disabled in this server. \"CONFIG SET latency-monitor-threshold "
                 "<milliseconds>\" enables it.\n");
    else
        add_text(&text, "No delay of at least %lld ms was seen since the start or the last reset.\n",
                 (long long)threshold_ms);
    reply_text(call, &text);
}

const struct command server_latency_doctor = {
    .name = "doctor",
    .handler = doctor,
    .arity = 2,
    .flags = REPORT_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Reports on the spikes in words.",
    .complexity = "O(1)",
    .tips = REPORT_TIPS,
};

/* ---- GRAPH ---- */

/* Row `row` from the top: a column per spike, filled from below in proportion to the worst. */
static void draw_row(struct resp_out *text, const struct latency_event *event, unsigned row)
{
    for (unsigned i = 0; i < event->count; i++) {
        int64_t duration_ms = latency_spike(event, i)->duration_ms;
        int64_t halves = event->max_ms ? duration_ms * GRAPH_ROWS * 2 / event->max_ms : 0;
        int64_t here = halves - (int64_t)(GRAPH_ROWS - 1 - row) * 2;
        add_text(text, "%c", here >= 2 ? '#' : here == 1 || (row == GRAPH_ROWS - 1 && here == 0) ? '_' : ' ');
    }
    add_text(text, "\n");
}

/* Below each column how long ago it was, top to bottom: "12m". */
static void draw_ages(struct resp_out *text, const struct latency_event *event, int64_t now_s)
{
    char ages[LATENCY_SPIKES][8];
    for (unsigned i = 0; i < event->count; i++) {
        int64_t age = now_s - latency_spike(event, i)->time_s;
        const char *unit = age < 60 ? "s" : age < 3600 ? "m" : age < 86400 ? "h" : "d";
        int64_t value = age < 60 ? age : age < 3600 ? age / 60 : age < 86400 ? age / 3600 : age / 86400;
        snprintf(ages[i], sizeof ages[i], "%d%s", (int)(value % 100000), unit);
    }
    for (size_t line = 0; line < sizeof ages[0] - 1; line++) {
        bool any = false;
        for (unsigned i = 0; i < event->count; i++)
            any |= strlen(ages[i]) > line;
        if (!any) break;
        for (unsigned i = 0; i < event->count; i++)
            add_text(text, "%c", strlen(ages[i]) > line ? ages[i][line] : ' ');
        add_text(text, "\n");
    }
}

static void graph(struct call *call)
{
    struct latency_event event;
    if (!latency_event_named(&call->worker->server->latency, call->argv[2], &event)) {
        resp_errorf(call->out, "ERR No samples available for event '%.*s'", (int)call->argv[2].len,
                    call->argv[2].ptr);
        return;
    }
    struct event_summary summary = summarize(&event, call->now_ms / 1000);
    struct resp_out text;
    resp_out_init(&text);
    add_text(&text, "%s - high %lld ms, low %lld ms (all time high %lld ms)\n", event.name,
             (long long)event.max_ms, (long long)summary.min_ms, (long long)event.max_ms);
    for (unsigned i = 0; i < event.count; i++)
        add_text(&text, "-");
    add_text(&text, "\n");
    for (unsigned row = 0; row < GRAPH_ROWS; row++)
        draw_row(&text, &event, row);
    draw_ages(&text, &event, call->now_ms / 1000);
    reply_text(call, &text);
}

const struct command server_latency_graph = {
    .name = "graph",
    .handler = graph,
    .arity = 3,
    .flags = REPORT_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Draws the spikes of an event.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("event", ARG_STRING)),
    .tips = REPORT_TIPS,
};
