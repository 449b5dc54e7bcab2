/* Replies in both protocols, across chunk borders, sent in pieces, and without memory. */
#include "base/memory.h"
#include "base/rng.h"
#include "harness.h"
#include "proto/reply.h"

#include <math.h>
#include <stdio.h>

/* A reply whose bytes are gathered as they would be sent. */
struct rig {
    struct reply_pool pool;
    struct reply reply;
    uint8_t *sent;
    size_t sent_count;
};

enum { RIG_MAX = 16 * 1024 * 1024 };

static void rig_begin(struct rig *rig, uint32_t turn_bytes)
{
    *rig = (struct rig){ 0 };
    if (turn_bytes != 0)
        CHECK(reply_pool_begin(&rig->pool, turn_bytes, 4));
    reply_init(&rig->reply, &rig->pool);
    rig->sent = memory_take(RIG_MAX);
    CHECK(rig->sent != NULL);
}

static void rig_end(struct rig *rig)
{
    reply_release(&rig->reply);
    CHECK_EQ(rig->pool.turn_chunks, 0);
    CHECK_EQ(rig->pool.turn_used, 0);
    CHECK_EQ(rig->pool.held_bytes, rig->pool.free_count * (uint64_t)REPLY_CHUNK_BYTES);
    reply_pool_release(&rig->pool);
    memory_give(rig->sent);
}

/* Takes at most `most` bytes, as a socket might. */
static void drain(struct rig *rig, size_t most)
{
    struct iovec parts[3];
    while (most > 0 && reply_unsent(&rig->reply) > 0) {
        int count = reply_parts(&rig->reply, parts, 3);
        CHECK(count > 0);
        size_t taken = 0;
        for (int i = 0; i < count && taken < most; i++) {
            size_t piece = parts[i].iov_len < most - taken ? parts[i].iov_len : most - taken;
            CHECK(rig->sent_count + piece <= RIG_MAX);
            memcpy(rig->sent + rig->sent_count, parts[i].iov_base, piece);
            rig->sent_count += piece;
            taken += piece;
        }
        reply_sent(&rig->reply, taken);
        most -= taken;
    }
}

static struct bytes drained(struct rig *rig)
{
    rig->sent_count = 0;
    drain(rig, SIZE_MAX);
    CHECK_EQ(reply_unsent(&rig->reply), 0);
    return bytes_of(rig->sent, rig->sent_count);
}

#define SAYS(resp_, call, literal)                                                                 \
    do {                                                                                           \
        rig.reply.resp = (resp_);                                                                  \
        call;                                                                                      \
        CHECK_TEXT(drained(&rig), literal);                                                        \
    } while (0)
#define BOTH(call, two, three)                                                                     \
    do {                                                                                           \
        SAYS(2, call, two);                                                                        \
        SAYS(3, call, three);                                                                      \
    } while (0)

TEST(reply_writes_both_protocols)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    struct reply *reply = &rig.reply;
    BOTH(reply_ok(reply), "+OK\r\n", "+OK\r\n");
    BOTH(reply_status(reply, "PONG"), "+PONG\r\n", "+PONG\r\n");
    BOTH(reply_nil(reply), "$-1\r\n", "_\r\n");
    BOTH(reply_nil_array(reply), "*-1\r\n", "_\r\n");
    BOTH(reply_array(reply, 12), "*12\r\n", "*12\r\n");
    BOTH(reply_map(reply, 6), "*12\r\n", "%6\r\n");
    BOTH(reply_set(reply, 0), "*0\r\n", "~0\r\n");
    BOTH(reply_push(reply, 3), "*3\r\n", ">3\r\n");
    BOTH(reply_attribute(reply, 1), "", "|1\r\n");
    BOTH(reply_bool(reply, true), ":1\r\n", "#t\r\n");
    BOTH(reply_bool(reply, false), ":0\r\n", "#f\r\n");
    BOTH(reply_double(reply, 0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
    BOTH(reply_double(reply, 3), "$1\r\n3\r\n", ",3\r\n");
    BOTH(reply_double(reply, HUGE_VAL), "$3\r\ninf\r\n", ",inf\r\n");
    BOTH(reply_double(reply, -HUGE_VAL), "$4\r\n-inf\r\n", ",-inf\r\n");
    BOTH(reply_double(reply, nan("")), "$3\r\nnan\r\n", ",nan\r\n");
    BOTH(reply_big_number(reply, BYTES("123456789012345678901234567890")),
         "$30\r\n123456789012345678901234567890\r\n", "(123456789012345678901234567890\r\n");
    BOTH(reply_verbatim(reply, "txt", BYTES("a b")), "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n");
    rig_end(&rig);
}

TEST(reply_writes_numbers_and_bulks)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    struct reply *reply = &rig.reply;
    SAYS(2, reply_i64(reply, 0), ":0\r\n");
    SAYS(2, reply_i64(reply, 9), ":9\r\n");
    SAYS(2, reply_i64(reply, 10), ":10\r\n");
    SAYS(2, reply_i64(reply, 1000), ":1000\r\n");
    SAYS(2, reply_i64(reply, -1), ":-1\r\n");
    SAYS(2, reply_i64(reply, INT64_MAX), ":9223372036854775807\r\n");
    SAYS(2, reply_i64(reply, INT64_MIN), ":-9223372036854775808\r\n");
    SAYS(2, reply_bulk(reply, bytes_of(NULL, 0)), "$0\r\n\r\n");
    SAYS(2, reply_bulk(reply, BYTES("a\r\n\0b")), "$5\r\na\r\n\0b\r\n");
    SAYS(2, reply_bulk_text(reply, "hello"), "$5\r\nhello\r\n");
    SAYS(2, reply_bulk_i64(reply, -12), "$3\r\n-12\r\n");
    SAYS(2, reply_raw(reply, BYTES("+x\r\n")), "+x\r\n");
    rig_end(&rig);
}

TEST(reply_errors_are_one_line_and_counted)
{
    struct rig rig;
    rig_begin(&rig, 0);
    struct reply *reply = &rig.reply;
    SAYS(2, reply_error(reply, "ERR no\r\nway\n"), "-ERR no  way \r\n");
    CHECK_EQ(reply->errors, 1);
    SAYS(2, reply_errorf(reply, "WRONGTYPE %s %d", "x\ny", 5), "-WRONGTYPE x y 5\r\n");
    CHECK_TEXT(bytes_of_text(rig.pool.error_code), "WRONGTYPE");
    char long_text[5000];
    memset(long_text, 'a', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    reply_errorf(reply, "%s", long_text);
    CHECK_EQ(reply->errors, 3);
    CHECK_EQ(drained(&rig).count, sizeof(long_text) - 1 + 3);
    reply->muted = true;
    SAYS(2, reply_error(reply, "ERR x"), "");
    CHECK_EQ(reply->errors, 4);
    rig_end(&rig);
}

TEST(reply_muted_writes_nothing)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    reply_ok(&rig.reply);
    rig.reply.muted = true;
    struct reply_mark mark = reply_map_later(&rig.reply);
    reply_bulk(&rig.reply, BYTES("abc"));
    static const uint8_t long_value[5000];
    reply_bulk(&rig.reply, bytes_of(long_value, sizeof(long_value)));
    reply_double(&rig.reply, 1.5);
    reply_count(&rig.reply, mark, 1);
    rig.reply.muted = false;
    reply_nil(&rig.reply);
    CHECK_TEXT(drained(&rig), "+OK\r\n$-1\r\n");
    rig_end(&rig);
}

TEST(reply_counts_known_later)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    for (uint8_t resp = 2; resp <= 3; resp++) {
        rig.reply.resp = resp;
        reply_bulk_text(&rig.reply, "before");
        struct reply_mark outer = reply_map_later(&rig.reply);
        reply_bulk_text(&rig.reply, "a");
        struct reply_mark inner = reply_set_later(&rig.reply);
        reply_count(&rig.reply, inner, 0);
        reply_bulk_text(&rig.reply, "b");
        inner = reply_array_later(&rig.reply);
        reply_i64(&rig.reply, 1);
        reply_count(&rig.reply, inner, 1);
        reply_count(&rig.reply, outer, 2);
        if (resp == 2)
            CHECK_TEXT(drained(&rig),
                       "$6\r\nbefore\r\n*4\r\n$1\r\na\r\n*0\r\n$1\r\nb\r\n*1\r\n:1\r\n");
        else
            CHECK_TEXT(drained(&rig),
                       "$6\r\nbefore\r\n%2\r\n$1\r\na\r\n~0\r\n$1\r\nb\r\n*1\r\n:1\r\n");
    }
    rig_end(&rig);
}

/* ---- many sizes, many borders ---------------------------------------------------------------- */

/* What was said, written the simple way. */
struct model {
    uint8_t *at;
    size_t count;
};

static void model_put(struct model *model, struct bytes bytes)
{
    CHECK(model->count + bytes.count <= RIG_MAX);
    if (bytes.count > 0)
        memcpy(model->at + model->count, bytes.at, bytes.count);
    model->count += bytes.count;
}

static void model_line(struct model *model, char type, uint64_t number)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "%c%llu\r\n", type, (unsigned long long)number);
    model_put(model, bytes_of(line, (size_t)length));
}

static void say_bulk(struct rig *rig, struct model *model, struct rng *rng)
{
    static const uint8_t value[100000] = { 1, 2, 3 };
    uint64_t kind = rng_below(rng, 10);
    uint64_t bytes = rng_below(rng, kind == 0 ? sizeof(value) : kind < 3 ? 3000 : 100);
    reply_bulk(&rig->reply, bytes_of(value, bytes));
    model_line(model, '$', bytes);
    model_put(model, bytes_of(value, bytes));
    model_put(model, BYTES("\r\n"));
}

static void say_array(struct rig *rig, struct model *model, struct rng *rng)
{
    uint64_t count = rng_below(rng, 30) == 0 ? rng_below(rng, 100) : rng_below(rng, 12);
    size_t before = model->count;
    struct reply_mark mark = reply_array_later(&rig->reply);
    for (uint64_t i = 0; i < count; i++)
        say_bulk(rig, model, rng);
    reply_count(&rig->reply, mark, count);
    char line[32];
    size_t length = (size_t)snprintf(line, sizeof(line), "*%u\r\n", (unsigned)count);
    memmove(model->at + before + length, model->at + before, model->count - before);
    memcpy(model->at + before, line, length);
    model->count += length;
}

static void say_something(struct rig *rig, struct model *model, struct rng *rng)
{
    uint64_t kind = rng_below(rng, 8);
    uint64_t number = rng_next(rng) >> rng_below(rng, 64) >> 1;
    if (kind == 0) {
        say_array(rig, model, rng);
    } else if (kind < 5) {
        say_bulk(rig, model, rng);
    } else if (kind == 5) {
        reply_i64(&rig->reply, (int64_t)number);
        model_line(model, ':', number);
    } else {
        reply_ok(&rig->reply);
        model_put(model, BYTES("+OK\r\n"));
    }
}

static void write_and_send(struct rig *rig, struct model *model, struct rng *rng)
{
    for (uint64_t left = rng_below(rng, 40); left > 0 && model->count < RIG_MAX / 4; left--) {
        say_something(rig, model, rng);
        if (rng_below(rng, 20) == 0)
            drain(rig, (size_t)rng_below(rng, 5000));
        if (rng_below(rng, 30) == 0)
            reply_keep(&rig->reply);
        CHECK_EQ(reply_unsent(&rig->reply), model->count - rig->sent_count);
    }
    drain(rig, rng_below(rng, 2) == 0 ? SIZE_MAX : (size_t)rng_below(rng, 20000));
    reply_keep(&rig->reply);
    drain(rig, SIZE_MAX);
    CHECK_BYTES(bytes_of(rig->sent, rig->sent_count), bytes_of(model->at, model->count));
}

TEST(reply_is_whole_across_chunks)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    struct model model = { memory_take(RIG_MAX), 0 };
    CHECK(model.at != NULL);
    for (int round = 0; round < 150; round++) {
        static const uint32_t areas[] = { 0, 8192, 65536 };
        struct rig rig;
        rig_begin(&rig, areas[round % 3]);
        for (int again = 0; again < 3; again++) {
            model.count = rig.sent_count = 0;
            write_and_send(&rig, &model, &rng);
        }
        rig_end(&rig);
    }
    memory_give(model.at);
}

/* Several replies take turns in one area; each is whole. */
TEST(reply_shares_the_area_of_a_turn)
{
    enum { REPLIES = 7, STEPS = 400 };
    struct rng rng;
    rng_init(&rng, test_seed());
    struct reply_pool pool;
    CHECK(reply_pool_begin(&pool, 16384, 2));
    struct reply replies[REPLIES];
    uint64_t said[REPLIES] = { 0 }, heard[REPLIES] = { 0 };
    for (int i = 0; i < REPLIES; i++)
        reply_init(&replies[i], &pool);
    for (int step = 0; step < STEPS; step++) {
        uint64_t i = rng_below(&rng, REPLIES);
        reply_i64(&replies[i], (int64_t)(said[i]++ % 10));
        i = rng_below(&rng, REPLIES);
        if (rng_below(&rng, 10) == 0)
            reply_keep(&replies[i]);
        struct iovec part;
        if (rng_below(&rng, 4) != 0 || reply_parts(&replies[i], &part, 1) == 0)
            continue;
        CHECK_EQ(part.iov_len % 4, 0);
        for (size_t at = 1; at < part.iov_len; at += 4)
            CHECK_EQ(((uint8_t *)part.iov_base)[at], '0' + heard[i]++ % 10);
        reply_sent(&replies[i], part.iov_len);
    }
    for (int i = 0; i < REPLIES; i++)
        reply_release(&replies[i]);
    CHECK_EQ(pool.turn_chunks, 0);
    CHECK_EQ(pool.turn_used, 0);
    reply_pool_release(&pool);
}

TEST(reply_tells_who_has_something_to_send)
{
    struct reply_pool pool;
    CHECK(reply_pool_begin(&pool, 16384, 2));
    struct reply a, b, script;
    reply_init(&a, &pool);
    reply_init(&b, &pool);
    reply_init(&script, &pool);
    a.owner = &a;
    b.owner = &b;
    CHECK(reply_pool_next_written(&pool) == NULL);
    reply_ok(&script);
    reply_ok(&a);
    reply_ok(&b);
    reply_ok(&a);
    reply_release(&script);
    CHECK(reply_pool_next_written(&pool) == &a);
    reply_release(&b);
    CHECK(reply_pool_next_written(&pool) == NULL);
    reply_release(&a);
    reply_pool_release(&pool);
}

TEST(reply_fails_whole_without_memory)
{
    for (uint64_t fail = 0; fail < 3; fail++) {
        struct reply_pool pool = { .free_max = 4 };
        struct reply reply;
        reply_init(&reply, &pool);
        static const uint8_t value[40000];
        memory_fail_after(fail);
        struct reply_mark mark = reply_array_later(&reply);
        reply_bulk(&reply, bytes_of(value, sizeof(value)));
        reply_bulk(&reply, bytes_of(value, sizeof(value)));
        reply_count(&reply, mark, 2);
        memory_fail_after(UINT64_MAX);
        CHECK(reply.failed);
        CHECK_EQ(reply_unsent(&reply), 0);
        reply_ok(&reply);
        CHECK_EQ(reply_unsent(&reply), 0);
        reply_release(&reply);
        reply_pool_release(&pool);
    }
}

TEST(reply_keeping_fails_whole_without_memory)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    reply_ok(&rig.reply);
    memory_fail_after(0);
    reply_keep(&rig.reply);
    memory_fail_after(UINT64_MAX);
    CHECK(rig.reply.failed);
    rig_end(&rig);
}

TEST(reply_stops_at_its_limit)
{
    struct rig rig;
    rig_begin(&rig, 65536);
    rig.reply.bytes_max = 100000;
    static const uint8_t value[30000];
    for (int i = 0; i < 3; i++)
        reply_bulk(&rig.reply, bytes_of(value, sizeof(value)));
    CHECK(!rig.reply.failed);
    for (int i = 0; i < 3; i++)
        reply_bulk(&rig.reply, bytes_of(value, sizeof(value)));
    CHECK(rig.reply.failed && rig.reply.over_limit);
    rig_end(&rig);
}
