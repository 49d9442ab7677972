/* ids.c: stream IDs in arguments and replies. */
#include "command/stream/ids.h"

#include "util/number.h"

/* ---- parsing ---- */

static bool reply_invalid(struct call *call)
{
    resp_error(call->out, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

/* The text up to the first dash, and what stands behind it; false when there is none. */
static bool split(struct slice text, struct slice *ms_out, struct slice *seq_out)
{
    const char *dash = text.len == 0 ? NULL : memchr(text.ptr, '-', text.len);
    *ms_out = text;
    if (!dash) return false;
    ms_out->len = (size_t)(dash - text.ptr);
    *seq_out = (struct slice){dash + 1, text.len - ms_out->len - 1};
    return true;
}

bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id_out)
{
    struct slice ms, seq;
    id_out->seq = missing_seq;
    if (split(text, &ms, &seq) && !number_parse_unsigned(seq, &id_out->seq)) return false;
    return number_parse_unsigned(ms, &id_out->ms);
}

bool stream_arg_id(struct call *call, size_t arg, uint64_t missing_seq, struct stream_id *id_out)
{
    return stream_id_parse(call->argv[arg], missing_seq, id_out) || reply_invalid(call);
}

bool stream_arg_new_id(struct call *call, size_t arg, struct stream_id *id_out, bool *seq_given_out)
{
    struct slice ms, seq;
    *seq_given_out = !split(call->argv[arg], &ms, &seq) || !slice_equal(seq, SLICE("*"));
    if (*seq_given_out) return stream_arg_id(call, arg, 0, id_out);
    id_out->seq = 0;
    return number_parse_unsigned(ms, &id_out->ms) || reply_invalid(call);
}

static bool parse_any(struct slice text, uint64_t missing_seq, struct stream_id *id_out)
{
    if (slice_equal(text, SLICE("-"))) *id_out = STREAM_ID_MIN;
    else if (slice_equal(text, SLICE("+"))) *id_out = STREAM_ID_MAX;
    else return stream_id_parse(text, missing_seq, id_out);
    return true;
}

bool stream_arg_any(struct call *call, size_t arg, struct stream_id *id_out)
{
    return parse_any(call->argv[arg], 0, id_out) || reply_invalid(call);
}

static bool parse_end(struct call *call, size_t arg, uint64_t missing_seq, struct stream_id *id_out,
                      bool *exclusive_out)
{
    struct slice text = call->argv[arg];
    *exclusive_out = text.len > 1 && text.ptr[0] == '(';
    bool valid = *exclusive_out
                     ? stream_id_parse((struct slice){text.ptr + 1, text.len - 1}, missing_seq, id_out)
                     : parse_any(text, missing_seq, id_out);
    return valid || reply_invalid(call);
}

bool stream_arg_first(struct call *call, size_t arg, struct stream_id *id_out)
{
    bool exclusive;
    if (!parse_end(call, arg, 0, id_out, &exclusive)) return false;
    if (!exclusive || stream_id_increment(id_out)) return true;
    resp_error(call->out, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_last(struct call *call, size_t arg, struct stream_id *id_out)
{
    bool exclusive;
    if (!parse_end(call, arg, UINT64_MAX, id_out, &exclusive)) return false;
    if (!exclusive || stream_id_decrement(id_out)) return true;
    resp_error(call->out, "ERR invalid end ID for the interval");
    return false;
}

bool stream_args_are_ids(struct call *call, size_t first)
{
    struct stream_id id;
    for (size_t arg = first; arg < call->argc; arg++)
        if (!stream_arg_id(call, arg, 0, &id)) return false;
    return true;
}

/* ---- replying ---- */

/* Writes the digits before `end`; returns where they begin. */
static char *write_digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

void stream_reply_id(struct resp_out *out, struct stream_id id)
{
    char text[STREAM_ID_TEXT_MAX], *end = text + sizeof(text);
    char *at = write_digits(end, id.seq);
    *--at = '-';
    at = write_digits(at, id.ms);
    resp_bulk(out, at, (size_t)(end - at));
}
