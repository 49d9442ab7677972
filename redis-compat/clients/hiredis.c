/* hiredis.c: the C client: blocking calls, pipelines and its asynchronous API on a libuv loop. */
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIPELINE 10000
#define ASYNC    2000

static redisContext *own;
static bool failed;

static void check(const char *name, bool ok)
{
    printf(ok ? "ok %s\n" : "not ok %s: not as expected\n", name);
    fflush(stdout);
    failed |= !ok;
}

static int port(const char *name)
{
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

/* The reply of a command, to be freed; ends the program when there is none. */
static redisReply *ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(own, format, args);
    va_end(args);
    if (reply == NULL) {
        printf("not ok connection: %s\n", own->errstr);
        exit(1);
    }
    return reply;
}

static bool is_text(redisReply *reply, int type, const char *text)
{
    bool same = reply->type == type && strcmp(reply->str, text) == 0;
    freeReplyObject(reply);
    return same;
}

static bool is_number(redisReply *reply, long long number)
{
    bool same = reply->type == REDIS_REPLY_INTEGER && reply->integer == number;
    freeReplyObject(reply);
    return same;
}

static void values(void)
{
    char bytes[256], name[] = "a\0b";
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    check("PING", is_text(ask("PING"), REDIS_REPLY_STATUS, "PONG"));
    check("formats", is_text(ask("SET %s:%d %b", "key", 7, bytes, sizeof bytes), REDIS_REPLY_STATUS, "OK"));
    redisReply *reply = ask("GET key:7");
    check("binary values", reply->type == REDIS_REPLY_STRING && reply->len == 256 && memcmp(reply->str, bytes, 256) == 0);
    freeReplyObject(reply);
    freeReplyObject(ask("SET %b %s", name, sizeof name - 1, "zero"));
    check("binary names", is_text(ask("GET %b", name, sizeof name - 1), REDIS_REPLY_STRING, "zero"));
    check("empty values", is_text(ask("SET empty %s", ""), REDIS_REPLY_STATUS, "OK") &&
                              is_text(ask("GET empty"), REDIS_REPLY_STRING, ""));
    reply = ask("GET nosuch");
    check("nil", reply->type == REDIS_REPLY_NIL);
    freeReplyObject(reply);
    reply = ask("INCR key:7");
    check("errors", reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR value is not an integer", 27) == 0);
    freeReplyObject(reply);
    const char *argv[] = {"RPUSH", "list", "with blank", "b", ""};
    const size_t lens[] = {5, 4, 10, 1, 0};
    check("redisCommandArgv", is_number(redisCommandArgv(own, 5, argv, lens), 3));
    reply = ask("LRANGE list 0 -1");
    check("arrays", reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[2]->len == 0 &&
                        strcmp(reply->element[0]->str, "with blank") == 0);
    freeReplyObject(reply);
}

static void transactions(void)
{
    freeReplyObject(ask("MULTI"));
    check("QUEUED", is_text(ask("SET t 1"), REDIS_REPLY_STATUS, "QUEUED"));
    freeReplyObject(ask("LRANGE list 0 1"));
    freeReplyObject(ask("INCR list"));
    redisReply *reply = ask("EXEC");
    check("EXEC, nested", reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                              reply->element[1]->type == REDIS_REPLY_ARRAY && reply->element[1]->elements == 2 &&
                              reply->element[2]->type == REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static void pipelines(void)
{
    bool right = true;
    for (int i = 0; i < PIPELINE; i++)
        redisAppendCommand(own, i % 2 ? "GET p:%d" : "SET p:%d value:%d", i / 2, i / 2);
    for (int i = 0; i < PIPELINE; i++) {
        char expected[32] = "OK";
        redisReply *reply = NULL;
        if (redisGetReply(own, (void **)&reply) != REDIS_OK) {
            right = false;
            break;
        }
        if (i % 2) snprintf(expected, sizeof expected, "value:%d", i / 2);
        right = is_text(reply, i % 2 ? REDIS_REPLY_STRING : REDIS_REPLY_STATUS, expected) && right;
    }
    check("a pipeline of 10,000", right);
    size_t len = 20 << 20;
    char *large = malloc(len);
    memset(large, 'x', len);
    check("20 MB in", is_text(ask("SET large %b", large, len), REDIS_REPLY_STATUS, "OK"));
    redisReply *reply = ask("GET large");
    check("20 MB out", reply->len == len && memcmp(reply->str, large, len) == 0);
    freeReplyObject(reply);
    free(large);
}

static void connections(void)
{
    check("a timeout", redisSetTimeout(own, (struct timeval){0, 200000}) == REDIS_OK);
    redisReply *reply = redisCommand(own, "BLPOP nothing 0");
    check("it ends a blocking command", reply == NULL && own->err == REDIS_ERR_IO && errno == EAGAIN);
    check("redisReconnect", redisReconnect(own) == REDIS_OK);
    redisSetTimeout(own, (struct timeval){60, 0});
    check("after it", is_text(ask("GET t"), REDIS_REPLY_STRING, "1"));
    redisContext *local = redisConnectUnix(getenv("CAIRN_SOCKET"));
    reply = local->err ? NULL : redisCommand(local, "GET t");
    check("a unix socket", reply != NULL && is_text(reply, REDIS_REPLY_STRING, "1"));
    redisFree(local);
    freeReplyObject(ask("CLIENT SETNAME hiredis"));
    check("CLIENT GETNAME", is_text(ask("CLIENT GETNAME"), REDIS_REPLY_STRING, "hiredis"));
    redisContext *closed = redisConnect("127.0.0.1", 1);
    check("a port where nobody is", closed != NULL && closed->err == REDIS_ERR_IO);
    redisFree(closed);
}

/* ---- the asynchronous API ---- */

struct counts {
    redisAsyncContext *async, *other;
    int replies, wrong, messages, ended;
};

static void on_end(const redisAsyncContext *async, int status)
{
    struct counts *counts = async->data;
    if (status == REDIS_OK) counts->ended++;
}

static void on_count(redisAsyncContext *async, void *reply, void *arg)
{
    struct counts *counts = async->data;
    redisReply *got = reply;
    counts->replies++;
    if (got == NULL || got->type != REDIS_REPLY_INTEGER || got->integer != (intptr_t)arg) counts->wrong++;
    if (counts->replies == ASYNC) redisAsyncDisconnect(async);
}

static redisAsyncContext *connect_async(uv_loop_t *loop, struct counts *counts)
{
    redisAsyncContext *async = redisAsyncConnect("127.0.0.1", port("CAIRN_PORT"));
    if (async == NULL || async->err || redisLibuvAttach(async, loop) != REDIS_OK) exit(1);
    async->data = counts;
    redisAsyncSetDisconnectCallback(async, on_end);
    return async;
}

static void counting(void)
{
    uv_loop_t loop;
    struct counts counts = {0};
    uv_loop_init(&loop);
    redisAsyncContext *async = connect_async(&loop, &counts);
    for (intptr_t i = 1; i <= ASYNC; i++)
        redisAsyncCommand(async, on_count, (void *)i, "INCR async");
    uv_run(&loop, UV_RUN_DEFAULT);
    check("2,000 asynchronous commands in order", counts.replies == ASYNC && counts.wrong == 0);
    check("an asynchronous end", counts.ended == 1);
    uv_loop_close(&loop);
}

static void on_message(redisAsyncContext *async, void *reply, void *arg)
{
    struct counts *counts = async->data;
    redisReply *got = reply;
    (void)arg;
    if (got == NULL || got->type != REDIS_REPLY_ARRAY) return;
    const char *kind = got->element[0]->str;
    if (strcmp(kind, "subscribe") == 0) {
        for (int i = 0; i < 10; i++)
            redisAsyncCommand(counts->other, NULL, NULL, "PUBLISH news message:%d", i);
    } else if (strcmp(kind, "message") == 0) {
        char expected[16];
        snprintf(expected, sizeof expected, "message:%d", counts->messages++);
        if (strcmp(got->element[2]->str, expected) != 0) counts->wrong++;
        if (counts->messages == 10) redisAsyncCommand(async, on_message, NULL, "UNSUBSCRIBE news");
    } else if (strcmp(kind, "unsubscribe") == 0) {
        redisAsyncDisconnect(async);
        redisAsyncDisconnect(counts->other);
    }
}

static void subscribing(void)
{
    redisReply *reply = ask("COMMAND INFO subscribe");
    bool known = reply->elements == 1 && reply->element[0]->type == REDIS_REPLY_ARRAY;
    freeReplyObject(reply);
    if (!known) {
        printf("skip pubsub: the server has none\n");
        return;
    }
    uv_loop_t loop;
    struct counts counts = {0};
    uv_loop_init(&loop);
    counts.other = connect_async(&loop, &counts);
    counts.async = connect_async(&loop, &counts);
    redisAsyncCommand(counts.async, on_message, NULL, "SUBSCRIBE news");
    uv_run(&loop, UV_RUN_DEFAULT);
    check("asynchronous messages", counts.messages == 10 && counts.wrong == 0 && counts.ended == 2);
    uv_loop_close(&loop);
}

int main(void)
{
    own = redisConnectWithTimeout("127.0.0.1", port("CAIRN_PORT"), (struct timeval){60, 0});
    if (own == NULL || own->err) return 1;
    redisSetTimeout(own, (struct timeval){60, 0});
    redisEnableKeepAlive(own);
    freeReplyObject(ask("FLUSHALL"));
    values();
    transactions();
    pipelines();
    connections();
    counting();
    subscribing();
    redisFree(own);
    return failed;
}
