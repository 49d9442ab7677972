/* client.c: sends commands and renders replies. */
#include "support/client.h"

#include "support/wait.h"

#include <ctype.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_MS  (WAIT_SECONDS * 1000)
#define LINE_ARGS   256
#define READ_BYTES  16384
#define NESTING_MAX 16

struct client {
    redisContext *context;
    int proto;
    int timeout_ms;
    char *in; /* RESP3: bytes read and not consumed yet */
    size_t in_len;
    size_t in_at;
    char *text; /* the last reply, rendered */
    size_t text_len;
    FILE *text_stream;
};

/* ---- connections ---- */

static struct client *client_of(redisContext *context, int proto)
{
    struct client *client = calloc(1, sizeof(*client));

    assert_non_null(client);
    assert_non_null(context);
    if (context->err) fail_msg("connect: %s", context->errstr);
    client->context = context;
    client->proto = proto;
    client->text_stream = open_memstream(&client->text, &client->text_len);
    assert_non_null(client->text_stream);
    client_set_timeout(client, 0);
    return client;
}

struct client *client_open(const struct server *server, int proto)
{
    struct client *client = client_of(redisConnect("127.0.0.1", (int)server_port(server)), proto);

    if (proto == 3) (void)client_ask(client, "HELLO 3");
    return client;
}

struct client *client_open_unix(const struct server *server)
{
    return client_of(redisConnectUnix(server_socket(server)), 2);
}

void client_close(struct client *client)
{
    redisFree(client->context);
    fclose(client->text_stream);
    free(client->text);
    free(client->in);
    free(client);
}

void client_set_timeout(struct client *client, int timeout_ms)
{
    if (timeout_ms == 0) timeout_ms = TIMEOUT_MS;
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

    client->timeout_ms = timeout_ms;
    assert_int_equal(redisSetTimeout(client->context, timeout), REDIS_OK);
}

static bool can_ping(const struct server *server, bool loading_counts)
{
    struct timeval timeout = {WAIT_SECONDS, 0};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", (int)server_port(server), timeout);
    bool connected = context && !context->err && redisSetTimeout(context, timeout) == REDIS_OK;
    redisReply *reply = connected ? redisCommand(context, "PING") : NULL;
    /* Redis answers -LOADING for a while. */
    bool is_loading = reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "LOADING", 7) == 0;
    bool answers = reply && (loading_counts || !is_loading);

    if (reply) freeReplyObject(reply);
    if (context) redisFree(context);
    return answers;
}

bool client_can_ping(const struct server *server)
{
    return can_ping(server, false);
}

bool client_hears_something(const struct server *server)
{
    return can_ping(server, true);
}

/* ---- rendering ---- */

static void render_byte(FILE *out, unsigned char byte)
{
    if (byte == '\n') fputs("\\n", out);
    else if (byte == '\r') fputs("\\r", out);
    else if (byte == '\t') fputs("\\t", out);
    else if (byte == '\'' || byte == '\\') fprintf(out, "\\%c", byte);
    else if (isprint(byte)) fputc(byte, out);
    else fprintf(out, "\\x%02x", byte);
}

static void render_quoted(FILE *out, const char *bytes, size_t len)
{
    size_t at = 0;

    fputc('\'', out);
    while (at < len) {
        size_t run = at; /* values of megabytes of letters are common here */
        while (run < len && isalnum((unsigned char)bytes[run]))
            run++;
        fwrite(bytes + at, 1, run - at, out);
        if (run < len) render_byte(out, (unsigned char)bytes[run++]);
        at = run;
    }
    fputc('\'', out);
}

static void render_resp2(FILE *out, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_STATUS: fprintf(out, "+%s", reply->str); break;
    case REDIS_REPLY_ERROR: fprintf(out, "-%s", reply->str); break;
    case REDIS_REPLY_INTEGER: fprintf(out, ":%lld", reply->integer); break;
    case REDIS_REPLY_STRING: render_quoted(out, reply->str, reply->len); break;
    case REDIS_REPLY_NIL: fputs("nil", out); break;
    case REDIS_REPLY_ARRAY:
        fputc('[', out);
        for (size_t i = 0; i < reply->elements; i++) {
            if (i > 0) fputs(", ", out);
            render_resp2(out, reply->element[i]);
        }
        fputc(']', out);
        break;
    default: fprintf(out, "unknown type %d", reply->type); break;
    }
}

/* ---- RESP3 ---- */

/* Gets more bytes into client->in; false at the end of the stream or the timeout, which it renders. */
static bool resp3_fill(struct client *client)
{
    client->in = realloc(client->in, client->in_len + READ_BYTES);
    assert_non_null(client->in);
    ssize_t got = recv(client->context->fd, client->in + client->in_len, READ_BYTES, 0);
    if (got > 0) {
        client->in_len += (size_t)got;
        return true;
    }
    fputs(got < 0 && errno == EAGAIN ? "timeout" : "closed", client->text_stream);
    return false;
}

/* The next line without its CRLF, NUL-terminated in place; NULL at the end of the stream. */
static char *resp3_line(struct client *client)
{
    for (;;) {
        char *start = client->in + client->in_at;
        char *end = client->in ? memchr(start, '\n', client->in_len - client->in_at) : NULL;
        if (end) {
            client->in_at += (size_t)(end + 1 - start);
            end[end > start && end[-1] == '\r' ? -1 : 0] = '\0';
            return start;
        }
        if (!resp3_fill(client)) return NULL;
    }
}

static bool resp3_bulk(struct client *client, char kind, long len)
{
    if (len < 0) {
        fputs("nil", client->text_stream);
        return true;
    }
    size_t bytes = (size_t)len;
    while (client->in_len - client->in_at < bytes + 2) {
        if (!resp3_fill(client)) return false;
    }
    const char *start = client->in + client->in_at;
    client->in_at += bytes + 2;
    if (kind == '=') {
        fprintf(client->text_stream, "=%.4s", start);
        start += 4;
        bytes -= 4;
    }
    render_quoted(client->text_stream, start, bytes);
    return true;
}

static bool resp3_reply(struct client *client, int depth);

static bool resp3_aggregate(struct client *client, char kind, long count, int depth)
{
    FILE *out = client->text_stream;

    if (count < 0) {
        fputs("nil", out);
        return true;
    }
    if (kind == '~' || kind == '>') fputc(kind, out);
    fputc(kind == '%' ? '{' : '[', out);
    for (long i = 0; i < count; i++) {
        if (i > 0) fputs(", ", out);
        if (!resp3_reply(client, depth + 1)) return false;
        if (kind != '%') continue;
        fputs(": ", out);
        if (!resp3_reply(client, depth + 1)) return false;
    }
    fputc(kind == '%' ? '}' : ']', out);
    return true;
}

/* Renders the next value; false when the stream ended within it. */
static bool resp3_reply(struct client *client, int depth)
{
    char *line = resp3_line(client);

    if (!line) return false;
    if (depth > NESTING_MAX) {
        fputs("nested too deeply", client->text_stream);
        return false;
    }
    switch (line[0]) {
    case '$':
    case '=': return resp3_bulk(client, line[0], strtol(line + 1, NULL, 10));
    case '*':
    case '~':
    case '>':
    case '%': return resp3_aggregate(client, line[0], strtol(line + 1, NULL, 10), depth);
    case '_': fputs("nil", client->text_stream); return true;
    default: fputs(line, client->text_stream); return true;
    }
}

/* ---- commands ---- */

static void read_resp2(struct client *client)
{
    void *reply = NULL;

    if (redisGetReply(client->context, &reply) == REDIS_OK) {
        render_resp2(client->text_stream, reply);
        freeReplyObject(reply);
    } else if (client->context->err == REDIS_ERR_IO && errno == EAGAIN) {
        fputs("timeout", client->text_stream);
    } else if (client->context->err == REDIS_ERR_EOF || client->context->err == REDIS_ERR_IO) {
        fputs("closed", client->text_stream);
    } else {
        fputs(client->context->errstr, client->text_stream);
    }
}

const char *client_read(struct client *client)
{
    rewind(client->text_stream);
    if (client->proto == 2) {
        read_resp2(client);
    } else {
        memmove(client->in ? client->in : "", client->in ? client->in + client->in_at : "",
                client->in_len - client->in_at);
        client->in_len -= client->in_at;
        client->in_at = 0;
        (void)resp3_reply(client, 0);
    }
    fputc('\0', client->text_stream);
    fflush(client->text_stream);
    return client->text;
}

void client_send_argv(struct client *client, int argc, const char **argv, const size_t *lens)
{
    int done = 0;

    assert_int_equal(redisAppendCommandArgv(client->context, argc, argv, lens), REDIS_OK);
    /* A closed connection is seen by the read that follows. */
    while (!done && redisBufferWrite(client->context, &done) == REDIS_OK) {
    }
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* One byte of a quoted word, escapes resolved. */
static char unescape(const char **at)
{
    char c = *(*at)++;

    if (c != '\\') return c;
    c = *(*at)++;
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'x': {
        int byte = hex_digit((*at)[0]) * 16 + hex_digit((*at)[1]);
        *at += 2;
        return (char)byte;
    }
    default: return c;
    }
}

/* Splits the line into words, which stand one after the other in `bytes`. */
static int split(const char *line, char *bytes, const char **argv, size_t *lens)
{
    int argc = 0;

    while (*line == ' ')
        line++;
    while (*line) {
        assert_true(argc < LINE_ARGS);
        argv[argc] = bytes;
        char quote = '\0'; /* the one that is open */
        while (*line && (quote || *line != ' ')) {
            if (quote ? *line == quote : *line == '\'' || *line == '"') {
                quote = quote ? '\0' : *line;
                line++;
            } else if (quote) {
                *bytes++ = unescape(&line);
            } else {
                *bytes++ = *line++;
            }
        }
        assert_int_equal(quote, '\0');
        lens[argc] = (size_t)(bytes - argv[argc]);
        argc++;
        while (*line == ' ')
            line++;
    }
    return argc;
}

void client_send(struct client *client, const char *line)
{
    const char *argv[LINE_ARGS];
    size_t lens[LINE_ARGS];
    char *bytes = malloc(strlen(line) + 1);

    assert_non_null(bytes);
    client_send_argv(client, split(line, bytes, argv, lens), argv, lens);
    free(bytes);
}

const char *client_ask(struct client *client, const char *line)
{
    client_send(client, line);
    return client_read(client);
}

size_t client_send_raw(struct client *client, const void *bytes, size_t len)
{
    struct pollfd writable = {.fd = client->context->fd, .events = POLLOUT};
    size_t sent = 0;

    while (sent < len && poll(&writable, 1, client->timeout_ms) > 0) {
        ssize_t wrote =
            send(writable.fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0 && errno != EAGAIN) break;
        if (wrote > 0) sent += (size_t)wrote;
    }
    return sent;
}

/* ---- expectations ---- */

/* Takes a number that <A..B> allows from the text; false when there is none. */
static bool take_number(const char *range, const char **text)
{
    long long min, max;
    char *end;

    if (sscanf(range, "<%lld..%lld>", &min, &max) != 2) return false;
    long long number = strtoll(*text, &end, 10);
    if (end == *text || number < min || number > max) return false;
    *text = end;
    return true;
}

bool client_reply_is(const char *pattern, const char *text)
{
    size_t head = strcspn(pattern, "<");

    if (strncmp(pattern, text, head) != 0) return false;
    pattern += head;
    text += head;
    if (*pattern == '\0') return *text == '\0';
    if (strncmp(pattern, "<*>", 3) == 0) {
        for (;; text++) {
            if (client_reply_is(pattern + 3, text)) return true;
            if (*text == '\0') return false;
        }
    }
    if (take_number(pattern, &text)) return client_reply_is(strchr(pattern, '>') + 1, text);
    return *text == '<' && client_reply_is(pattern + 1, text + 1);
}

void client_expect(struct client *client, const char *line, const char *expected, const char *file,
                   int at_line)
{
    const char *reply = client_ask(client, line);

    if (client_reply_is(expected, reply)) return;
    print_error("%s\n  expected  %s\n  got       %s\n", line, expected, reply);
    _fail(file, at_line);
}

void client_await(struct client *client, const char *line, const char *expected, const char *file,
                  int at_line)
{
    const char *reply = "";

    if (WAIT_FOR(client_reply_is(expected, reply = client_ask(client, line)))) return;
    print_error("%s\n  awaited   %s\n  got       %s\n", line, expected, reply);
    _fail(file, at_line);
}
