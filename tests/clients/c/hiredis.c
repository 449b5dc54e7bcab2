/* hiredis: replies, pipelines and scripts on a blocking connection; messages on one that does not
 * block, driven by poll(). What it prints is read by tests/clients/programs.py. */
#include <errno.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIPELINE = 10000, ROUNDS_MAX = 2000, POLL_MS = 10 };

/* Ends a check that does not hold, with the line where. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("not ok %s: line %d: %s\n", name, __LINE__, #condition);                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static redisContext *connected(int port)
{
    struct timeval limit = { .tv_sec = 10 };
    redisContext *context = redisConnectWithTimeout("127.0.0.1", port, limit);
    if (context == NULL || context->err != 0 || redisSetTimeout(context, limit) != REDIS_OK) {
        fprintf(stderr, "no connection: %s\n", context == NULL ? "memory" : context->errstr);
        exit(1);
    }
    return context;
}

static bool is_text(const redisReply *reply, const char *text)
{
    return reply != NULL && reply->str != NULL && (size_t)reply->len == strlen(text) &&
           memcmp(reply->str, text, strlen(text)) == 0;
}

static bool is_integer(const redisReply *reply, long long value)
{
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == value;
}

/* The reply of a command when it is that text, and freed in any case. */
static bool says(redisContext *context, const char *text, const char *command)
{
    redisReply *reply = redisCommand(context, command);
    bool same = is_text(reply, text);
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return same;
}

static void check_replies(const char *name, int port)
{
    redisContext *context = connected(port);
    EXPECT(says(context, "OK", "SET key value"));
    EXPECT(says(context, "value", "GET key"));
    const char bytes[] = { 0, '\r', '\n', (char)255 };
    redisReply *reply = redisCommand(context, "SET %b %b", bytes, sizeof(bytes), bytes, (size_t)2);
    EXPECT(is_text(reply, "OK"));
    freeReplyObject(reply);
    reply = redisCommand(context, "GET %b", bytes, sizeof(bytes));
    EXPECT(reply->len == 2 && memcmp(reply->str, bytes, 2) == 0);
    freeReplyObject(reply);
    reply = redisCommand(context, "GET absent");
    EXPECT(reply->type == REDIS_REPLY_NIL);
    freeReplyObject(reply);
    reply = redisCommand(context, "RPUSH list %s %d %f", "a", 1, 1.5);
    EXPECT(is_integer(reply, 3));
    freeReplyObject(reply);
    reply = redisCommand(context, "LRANGE list 0 -1");
    EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
    EXPECT(is_text(reply->element[0], "a") && is_text(reply->element[2], "1.500000"));
    freeReplyObject(reply);
    reply = redisCommand(context, "INCR key");
    EXPECT(reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR value is", 12) == 0);
    freeReplyObject(reply);
    printf("ok %s\n", name);
    redisFree(context);
}

static void check_pipeline(const char *name, int port)
{
    redisContext *context = connected(port);
    for (int i = 0; i < PIPELINE; i++) {
        EXPECT(redisAppendCommand(context, "INCR pipelined") == REDIS_OK);
    }
    for (int i = 0; i < PIPELINE; i++) {
        void *reply = NULL;
        EXPECT(redisGetReply(context, &reply) == REDIS_OK && is_integer(reply, i + 1));
        freeReplyObject(reply);
    }
    printf("ok %s\n", name);
    redisFree(context);
}

static void check_transaction(const char *name, int port)
{
    redisContext *context = connected(port);
    EXPECT(says(context, "OK", "MULTI"));
    EXPECT(says(context, "QUEUED", "SET t 1"));
    EXPECT(says(context, "QUEUED", "INCR t"));
    redisReply *reply = redisCommand(context, "EXEC");
    EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    EXPECT(is_text(reply->element[0], "OK") && is_integer(reply->element[1], 2));
    freeReplyObject(reply);
    printf("ok %s\n", name);
    redisFree(context);
}

static void check_script(const char *name, int port)
{
    redisContext *context = connected(port);
    redisReply *reply = redisCommand(context, "EVAL %s 1 %s %s",
                                     "return {redis.call('APPEND', KEYS[1], ARGV[1]), KEYS[1]}",
                                     "appended", "four");
    EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    EXPECT(is_integer(reply->element[0], 4) && is_text(reply->element[1], "appended"));
    freeReplyObject(reply);
    printf("ok %s\n", name);
    redisFree(context);
}

/* One connection that does not block, and what poll() has to wait for on it. */
struct loop {
    redisAsyncContext *context;
    bool reads, writes, gone;
    int count;
    char last[64];
};

static void wants_read(void *loop)
{
    ((struct loop *)loop)->reads = true;
}
static void no_read(void *loop)
{
    ((struct loop *)loop)->reads = false;
}
static void wants_write(void *loop)
{
    ((struct loop *)loop)->writes = true;
}
static void no_write(void *loop)
{
    ((struct loop *)loop)->writes = false;
}
static void forget(void *loop)
{
    ((struct loop *)loop)->gone = true;
}

static bool loop_open(struct loop *loop, int port)
{
    *loop = (struct loop){ .context = redisAsyncConnect("127.0.0.1", port) };
    if (loop->context == NULL || loop->context->err != 0) {
        return false;
    }
    loop->context->ev.data = loop;
    loop->context->ev.addRead = wants_read;
    loop->context->ev.delRead = no_read;
    loop->context->ev.addWrite = wants_write;
    loop->context->ev.delWrite = no_write;
    loop->context->ev.cleanup = forget;
    loop->writes = true;
    return true;
}

/* Waits once, at most POLL_MS, and handles what came. */
static void loop_step(struct loop *loop)
{
    short events = (short)((loop->reads ? POLLIN : 0) | (loop->writes ? POLLOUT : 0));
    struct pollfd entry = { .fd = loop->context->c.fd, .events = events };
    if (poll(&entry, 1, POLL_MS) <= 0) {
        return;
    }
    if ((entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && loop->reads) {
        redisAsyncHandleRead(loop->context);
    }
    if (!loop->gone && (entry.revents & POLLOUT) != 0 && loop->writes) {
        redisAsyncHandleWrite(loop->context);
    }
}

static void loop_until(struct loop *loop, int count)
{
    for (int i = 0; i < ROUNDS_MAX && loop->count < count && !loop->gone; i++) {
        loop_step(loop);
    }
}

static void on_reply(redisAsyncContext *context, void *reply, void *unused)
{
    (void)unused;
    struct loop *loop = context->ev.data;
    loop->count += is_integer(reply, loop->count + 1);
}

static void check_async(const char *name, int port)
{
    struct loop loop;
    EXPECT(loop_open(&loop, port));
    for (int i = 0; i < PIPELINE; i++) {
        EXPECT(redisAsyncCommand(loop.context, on_reply, NULL, "INCR async") == REDIS_OK);
    }
    loop_until(&loop, PIPELINE);
    EXPECT(loop.count == PIPELINE);
    redisAsyncFree(loop.context);
    EXPECT(loop.gone);
    printf("ok %s\n", name);
}

/* Subscriptions and messages are counted alike; the last message is kept. */
static void on_message(redisAsyncContext *context, void *reply_given, void *unused)
{
    (void)unused;
    const redisReply *reply = reply_given;
    struct loop *loop = context->ev.data;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 3) {
        return;
    }
    loop->count++;
    const redisReply *last = reply->element[reply->elements - 1];
    if (last->str != NULL) {
        snprintf(loop->last, sizeof(loop->last), "%s", last->str);
    }
}

static void check_messages(const char *name, int port)
{
    struct loop loop;
    redisContext *publisher = connected(port);
    EXPECT(loop_open(&loop, port));
    EXPECT(redisAsyncCommand(loop.context, on_message, NULL, "SUBSCRIBE news") == REDIS_OK);
    EXPECT(redisAsyncCommand(loop.context, on_message, NULL, "PSUBSCRIBE log.*") == REDIS_OK);
    loop_until(&loop, 2);
    EXPECT(loop.count == 2);
    for (int i = 0; i < 100; i++) {
        redisReply *reply = redisCommand(publisher, "PUBLISH %s %d", i % 2 ? "news" : "log.a", i);
        EXPECT(is_integer(reply, 1));
        freeReplyObject(reply);
    }
    loop_until(&loop, 102);
    EXPECT(loop.count == 102 && strcmp(loop.last, "99") == 0);
    redisAsyncFree(loop.context);
    redisFree(publisher);
    printf("ok %s\n", name);
}

static void check(const char *name, void (*body)(const char *name, int port), int port)
{
    body(name, port);
    fflush(stdout);
}

int main(void)
{
    const char *text = getenv("SNUG_PORT");
    int port = text == NULL ? 0 : (int)strtol(text, NULL, 10);
    check("replies of every type", check_replies, port);
    check("a pipeline", check_pipeline, port);
    check("a transaction", check_transaction, port);
    check("a script", check_script, port);
    check("ten thousand replies without blocking", check_async, port);
    check("messages without blocking", check_messages, port);
    return 0;
}
