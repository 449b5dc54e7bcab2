/* Requests cut at every byte, beside a parser that sees all of them at once. */
#include "base/memory.h"
#include "base/number.h"
#include "base/rng.h"
#include "base/split.h"
#include "harness.h"
#include "proto/reader.h"

#include <stdio.h>
#include <stdlib.h>

enum { STREAM_MAX = 256 * 1024, LOG_MAX = 1024 * 1024 };

/* What came of a stream, as text: each request as its arguments, and how it ended. */
struct account {
    uint8_t *at;
    size_t count;
    bool ended;
};

static void note(struct account *account, struct bytes bytes)
{
    CHECK(account->count + bytes.count + 32 < LOG_MAX);
    if (bytes.count > 0)
        memcpy(account->at + account->count, bytes.at, bytes.count);
    account->count += bytes.count;
}

static void note_request(struct account *account, const struct bytes *argv, uint32_t argc)
{
    char head[32];
    for (uint32_t i = 0; i < argc; i++) {
        int length = snprintf(head, sizeof(head), "[%zu]", argv[i].count);
        note(account, bytes_of(head, (size_t)length));
        note(account, argv[i]);
    }
    note(account, BYTES("\n"));
}

static void note_error(struct account *account, const struct reader *reader)
{
    uint8_t text[READER_ERROR_BYTES];
    size_t count = reader_error(reader, text);
    CHECK(count <= READER_ERROR_BYTES);
    note(account, bytes_of(text, count));
    account->ended = true;
}

/* ---- as a connection does it ----------------------------------------------------------------- */

struct feed {
    struct reader reader;
    struct arena arena;
    struct reader_limits limits;
    bool with_whole;
    size_t at; /* of the stream: the request being read begins here */
    struct account account;
};

static const struct reader_limits usual = { .bulk_max = 512u << 20, .authenticated = true };

static void feed_begin(struct feed *feed, bool with_whole)
{
    *feed = (struct feed){ .limits = usual, .with_whole = with_whole };
    arena_init(&feed->arena);
    feed->account.at = memory_take(LOG_MAX);
    CHECK(feed->account.at != NULL);
}

static void feed_end(struct feed *feed)
{
    reader_reset(&feed->reader);
    arena_release(&feed->arena);
    memory_give(feed->account.at);
}

/* Takes what reader_whole knows; false: nothing. */
static bool take_whole(struct feed *feed, struct bytes data)
{
    enum { WHOLE_MAX = 64 };
    struct bytes argv[WHOLE_MAX];
    uint32_t argc;
    if (!feed->with_whole || feed->reader.need != 0)
        return false;
    size_t bytes = reader_whole(data, &feed->limits, argv, WHOLE_MAX, &argc);
    if (bytes == 0)
        return false;
    note_request(&feed->account, argv, argc);
    feed->at += bytes;
    return true;
}

static bool take_step(struct feed *feed, struct bytes data)
{
    struct reader_request request = { 0 };
    enum reader_result result =
        reader_step(&feed->reader, data, &feed->limits, &feed->arena, &request);
    if (result == READER_MORE || result == READER_MEMORY)
        return false;
    if (result == READER_ERROR) {
        note_error(&feed->account, &feed->reader);
        return false;
    }
    if (result == READER_REQUEST)
        note_request(&feed->account, request.argv, request.argc);
    feed->at += request.bytes;
    return true;
}

/* Everything up to `end` has arrived, in memory of its own so that reading past it is seen. */
static void feed_until(struct feed *feed, struct bytes stream, size_t end)
{
    if (feed->account.ended || end == feed->at)
        return;
    size_t from = feed->at;
    uint8_t *copy = memory_take(end - from);
    CHECK(copy != NULL);
    memcpy(copy, stream.at + from, end - from);
    while (feed->at < end && !feed->account.ended) {
        struct bytes data = bytes_of(copy + (feed->at - from), end - feed->at);
        if (!take_whole(feed, data) && !take_step(feed, data))
            break;
        arena_reset(&feed->arena);
    }
    memory_give(copy);
}

/* ---- the naive way --------------------------------------------------------------------------- */

struct naive {
    struct bytes rest;
    struct account account;
};

static void naive_error(struct naive *naive, const char *text)
{
    note(&naive->account, BYTES("ERR Protocol error: "));
    note(&naive->account, bytes_of_text(text));
    naive->account.ended = true;
}

/* The line up to `end`, or false when it is not there (then too_big may be said). */
static bool naive_line(struct naive *naive, char end, size_t skip, const char *too_big,
                       struct bytes *line)
{
    for (size_t i = 0; i < naive->rest.count && i <= READER_LINE_MAX; i++) {
        if (naive->rest.at[i] != (uint8_t)end)
            continue;
        if (naive->rest.count < i + skip)
            return false;
        *line = bytes_of(naive->rest.at, i);
        naive->rest = bytes_of(naive->rest.at + i + skip, naive->rest.count - i - skip);
        return true;
    }
    if (naive->rest.count > READER_LINE_MAX)
        naive_error(naive, too_big);
    return false;
}

static bool naive_number(struct bytes line, int64_t *number)
{
    return number_read_i64(bytes_of(line.at + 1, line.count - 1), number);
}

static bool naive_bulk(struct naive *naive, struct bytes *argument)
{
    struct bytes line;
    int64_t length;
    if (!naive_line(naive, '\r', 2, "too big bulk count string", &line))
        return false;
    uint8_t type = line.count == 0 ? '\r' : line.at[0];
    if (type != '$') {
        char text[] = "expected '$', got '?'";
        text[sizeof(text) - 3] = type == 0 ? ' ' : (char)type;
        naive_error(naive, text);
        return false;
    }
    if (!naive_number(line, &length) || length < 0 || (uint64_t)length > usual.bulk_max) {
        naive_error(naive, "invalid bulk length");
        return false;
    }
    if (naive->rest.count < (size_t)length + 2)
        return false;
    *argument = bytes_of(naive->rest.at, (size_t)length);
    naive->rest = bytes_of(naive->rest.at + length + 2, naive->rest.count - (size_t)length - 2);
    return true;
}

static bool naive_array(struct naive *naive)
{
    enum { NAIVE_ARGS = 4096 };
    struct bytes line, argv[NAIVE_ARGS];
    int64_t count;
    if (!naive_line(naive, '\r', 2, "too big mbulk count string", &line))
        return false;
    if (!naive_number(line, &count) || count > READER_ARGS_MAX) {
        naive_error(naive, "invalid multibulk length");
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        if (i == NAIVE_ARGS || !naive_bulk(naive, &argv[i]))
            return false;
    }
    if (count > 0)
        note_request(&naive->account, argv, (uint32_t)count);
    return true;
}

static bool naive_inline(struct naive *naive)
{
    struct bytes line;
    if (!naive_line(naive, '\n', 1, "too big inline request", &line))
        return false;
    if (line.count > 0 && line.at[line.count - 1] == '\r')
        line.count--;
    uint8_t *text = memory_take(line.count + 1);
    struct bytes *words = memory_take(split_words_max(line.count) * sizeof(*words));
    CHECK(text != NULL && words != NULL);
    uint32_t count;
    bool balanced = split_line(line, text, words, &count);
    if (!balanced)
        naive_error(naive, "unbalanced quotes in request");
    else if (count > 0)
        note_request(&naive->account, words, count);
    memory_give(text);
    memory_give(words);
    return balanced;
}

static void naive_run(struct naive *naive, struct bytes stream)
{
    *naive = (struct naive){ .rest = stream };
    naive->account.at = memory_take(LOG_MAX);
    CHECK(naive->account.at != NULL);
    while (naive->rest.count > 0 &&
           (naive->rest.at[0] == '*' ? naive_array(naive) : naive_inline(naive)))
        ;
}

/* ---- streams --------------------------------------------------------------------------------- */

struct stream {
    uint8_t *at;
    size_t count;
};

static void put(struct stream *stream, const char *text)
{
    size_t count = strlen(text);
    CHECK(stream->count + count <= STREAM_MAX);
    memcpy(stream->at + stream->count, text, count);
    stream->count += count;
}

static void put_random(struct stream *stream, struct rng *rng, size_t count, const char *from)
{
    CHECK(stream->count + count <= STREAM_MAX);
    for (size_t i = 0; i < count; i++)
        stream->at[stream->count++] =
            from == NULL ? (uint8_t)rng_next(rng) : (uint8_t)from[rng_below(rng, strlen(from))];
}

static void put_array(struct stream *stream, struct rng *rng)
{
    char line[32];
    uint64_t args = rng_below(rng, 10) == 0 ? rng_below(rng, 120) : rng_below(rng, 5);
    snprintf(line, sizeof(line), "*%u\r\n", (unsigned)args);
    put(stream, line);
    for (uint64_t i = 0; i < args; i++) {
        uint64_t bytes = rng_below(rng, 12);
        if (rng_below(rng, 20) == 0)
            bytes = rng_below(rng, 1200);
        snprintf(line, sizeof(line), "$%u\r\n", (unsigned)bytes);
        put(stream, line);
        put_random(stream, rng, bytes, NULL);
        put(stream, "\r\n");
    }
}

static void put_line(struct stream *stream, struct rng *rng)
{
    put_random(stream, rng, 1, "pgsPGS ");
    put_random(stream, rng, rng_below(rng, 30), "abc xyz 09\t");
    if (rng_below(rng, 4) == 0)
        put(stream, rng_below(rng, 2) == 0 ? " \"a \\x41\\n\\\"\"" : " 'it\\'s'");
    put(stream, rng_below(rng, 2) == 0 ? "\r\n" : "\n");
}

/* Rarely something that ends the stream; a mutation of a byte mostly does. */
static void put_odd(struct stream *stream, struct rng *rng)
{
    static const char *const odd[] = { "\r\n",
                                       "\n",
                                       "*0\r\n",
                                       "*-1\r\n",
                                       "*1\r\n$-1\r\n",
                                       "*x\r\n",
                                       "*01\r\n",
                                       "\"a\r\n",
                                       "*1\r\n:1\r\n",
                                       "*1\r\n\r\n",
                                       "*2\r\n$0\r\n\r\n$1\r\nx\r\n",
                                       "*1\r\n$1xx?zz" };
    put(stream, odd[rng_below(rng, sizeof(odd) / sizeof(odd[0]))]);
}

static void make_stream(struct stream *stream, struct rng *rng)
{
    stream->count = 0;
    for (uint64_t left = 1 + rng_below(rng, 12); left > 0; left--) {
        uint64_t kind = rng_below(rng, 20);
        if (kind < 14)
            put_array(stream, rng);
        else if (kind < 19)
            put_line(stream, rng);
        else
            put_odd(stream, rng);
    }
    if (stream->count > 0 && rng_below(rng, 4) == 0)
        stream->at[rng_below(rng, stream->count)] = (uint8_t)rng_next(rng);
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void check_same(const struct feed *feed, const struct naive *naive, size_t split)
{
    CHECKF(bytes_equal(bytes_of(feed->account.at, feed->account.count),
                       bytes_of(naive->account.at, naive->account.count)),
           "cut at %zu: \"%.*s\" and not \"%.*s\"", split, (int)feed->account.count,
           (const char *)feed->account.at, (int)naive->account.count,
           (const char *)naive->account.at);
}

/* The range grows by random pieces; half the time by single bytes. */
static void feed_in_pieces(struct feed *feed, struct bytes stream, struct rng *rng)
{
    size_t end = 0;
    uint64_t piece_max = rng_below(rng, 2) == 0 ? 1 : 100;
    while (end < stream.count) {
        size_t piece = 1 + (size_t)rng_below(rng, piece_max);
        end = piece < stream.count - end ? end + piece : stream.count;
        feed_until(feed, stream, end);
    }
}

TEST(reader_equals_the_naive_one_in_random_pieces)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    struct stream stream = { memory_take(STREAM_MAX), 0 };
    CHECK(stream.at != NULL);
    for (int round = 0; round < 400; round++) {
        make_stream(&stream, &rng);
        struct bytes bytes = bytes_of(stream.at, stream.count);
        struct naive naive;
        naive_run(&naive, bytes);
        struct feed feed;
        feed_begin(&feed, round % 2 == 0);
        feed_in_pieces(&feed, bytes, &rng);
        check_same(&feed, &naive, 0);
        feed_end(&feed);
        memory_give(naive.account.at);
    }
    memory_give(stream.at);
}

static void cut_everywhere(struct bytes stream)
{
    struct naive naive;
    naive_run(&naive, stream);
    for (size_t split = 0; split <= stream.count; split++) {
        struct feed feed;
        feed_begin(&feed, split % 2 == 0);
        feed_until(&feed, stream, split);
        feed_until(&feed, stream, stream.count);
        check_same(&feed, &naive, split);
        feed_end(&feed);
    }
    memory_give(naive.account.at);
}

TEST(reader_takes_a_request_cut_at_every_byte)
{
    cut_everywhere(BYTES("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$5\r\na\r\nbc\r\n"
                         "*1\r\n$4\r\nPING\r\nPING\r\n  echo \"a b\" 'c'\n\r\n*0\r\n"
                         "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*1\r\n$10\r\n0123456789\r\n"));
    cut_everywhere(BYTES("PING\r\n*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n%1\r\na\r\n"));
    cut_everywhere(BYTES("*1\r\n$4\rxPINGyz*1\rx$4\r\nPONG\r\n*1\r\n$+4\r\nPONG\r\n"));
}

/* The text of the error that `stream` ends with, "" for none. */
static void check_error(struct bytes stream, struct reader_limits limits, const char *text)
{
    for (int whole = 0; whole < 2; whole++) {
        struct feed feed;
        feed_begin(&feed, whole == 1);
        feed.limits = limits;
        feed_until(&feed, stream, stream.count);
        size_t skip = strlen("ERR Protocol error: ");
        CHECK_EQ(feed.account.ended, text[0] != '\0');
        if (feed.account.ended) {
            CHECK(feed.account.count > skip);
            CHECK_BYTES(bytes_of(feed.account.at + skip, feed.account.count - skip),
                        bytes_of_text(text));
        }
        feed_end(&feed);
    }
}

/* Compared with redis-server 7.0.15. */
TEST(reader_names_errors_as_clients_know_them)
{
    check_error(BYTES("*x\r\n"), usual, "invalid multibulk length");
    check_error(BYTES("*1048577\r\n"), usual, "invalid multibulk length");
    check_error(BYTES("*1048576\r\n"), usual, "");
    check_error(BYTES("*+1\r\n"), usual, "invalid multibulk length");
    check_error(BYTES("*18446744073709551617\r\n"), usual, "invalid multibulk length");
    check_error(BYTES("*1\r\n%4\r\n"), usual, "expected '$', got '%'");
    check_error(BYTES("*1\r\n\r\n"), usual, "expected '$', got '\r'");
    check_error(BYTES("*1\r\n$-1\r\n"), usual, "invalid bulk length");
    check_error(BYTES("*1\r\n$04\r\n"), usual, "invalid bulk length");
    check_error(BYTES("*1\r\n$536870913\r\n"), usual, "invalid bulk length");
    check_error(BYTES("*1\r\n$536870912\r\n"), usual, "");
    check_error(BYTES("\"abc\r\n"), usual, "unbalanced quotes in request");
}

TEST(reader_gives_strangers_little)
{
    const struct reader_limits unknown = { .bulk_max = usual.bulk_max };
    check_error(BYTES("*11\r\n"), unknown, "unauthenticated multibulk length");
    check_error(BYTES("*10\r\n"), unknown, "");
    check_error(BYTES("*1\r\n$16385\r\n"), unknown, "unauthenticated bulk length");
    check_error(BYTES("*1\r\n$16384\r\n"), unknown, "");
}

static void check_long_line(const char *begin, const char *error)
{
    const size_t most = 70000;
    uint8_t *at = memory_take(most);
    CHECK(at != NULL);
    memset(at, '1', most);
    memcpy(at, begin, strlen(begin));
    size_t line = strlen(begin) > 2 ? strlen(begin) - 1 : 0; /* where the long line begins */
    check_error(bytes_of(at, line + READER_LINE_MAX), usual, "");
    check_error(bytes_of(at, line + READER_LINE_MAX + 1), usual, error);
    check_error(bytes_of(at, most), usual, error);
    memory_give(at);
}

TEST(reader_bounds_lines)
{
    check_long_line("a", "too big inline request");
    check_long_line("*1", "too big mbulk count string");
    check_long_line("*1\r\n$", "too big bulk count string");
}

TEST(reader_says_how_much_it_needs)
{
    struct feed feed;
    feed_begin(&feed, false);
    struct bytes stream = BYTES("*2\r\n$3\r\nSET\r\n$100000\r\nabc");
    feed_until(&feed, stream, stream.count);
    CHECK_EQ(feed.reader.need, stream.count - 3 + 100000 + 2);
    feed_end(&feed);
}

TEST(reader_survives_without_memory)
{
    struct bytes stream = BYTES("*2\r\n$4\r\nECHO\r\n$2\r\nab\r\nPING x\r\n");
    struct naive naive;
    naive_run(&naive, stream);
    for (uint64_t fail = 0; fail < 8; fail++) {
        struct feed feed;
        feed_begin(&feed, false);
        for (int again = 0; again < 4; again++) {
            if (again == 0)
                memory_fail_after(fail + 1); /* the first take is the feed's own */
            feed_until(&feed, stream, stream.count);
        }
        memory_fail_after(UINT64_MAX);
        check_same(&feed, &naive, fail);
        feed_end(&feed);
    }
    memory_give(naive.account.at);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void check_split(const char *line, const char *joined)
{
    uint8_t text[64], all[128];
    struct bytes words[40];
    uint32_t count;
    size_t used = 0;
    CHECK(split_line(bytes_of_text(line), text, words, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (words[i].count > 0)
            memcpy(all + used, words[i].at, words[i].count);
        used += words[i].count;
        all[used++] = '|';
    }
    CHECK_BYTES(bytes_of(all, used), bytes_of_text(joined));
}

/* Compared with redis-server 7.0.15. */
TEST(split_takes_quotes_and_escapes)
{
    check_split("", "");
    check_split(" \t\v\f ", "");
    check_split("  a  b\tc ", "a|b|c|");
    check_split("a\vb", "a\vb|");
    check_split("\"a\\x41\\n\"", "aA\n|");
    check_split("\"\\x4\" \"\\xg1\"", "x4|xg1|");
    check_split("\"\\x414\\t\\b\\a\\r\\q\"", "A4\t\b\a\rq|");
    check_split("'a\\'b\\x41'", "a'b\\x41|");
    check_split("a\"b\" ab'c' \"\" a''", "ab|abc||a|");
    check_split("\\n", "\\n|");
    check_split("\"a\"\v b", "a|b|");
}

TEST(split_is_binary_safe)
{
    uint8_t text[8];
    struct bytes words[8];
    uint32_t count;
    CHECK(split_line(BYTES("a\0b \xff"), text, words, &count));
    CHECK_EQ(count, 2);
    CHECK_TEXT(words[0], "a\0b");
    CHECK_TEXT(words[1], "\xff");
}

TEST(split_wants_balanced_quotes)
{
    uint8_t text[64];
    struct bytes words[40];
    uint32_t count;
    static const char *const wrong[] = { "\"abc",    "'abc",    "\"a\"b",    "'a'b",
                                         "a\"b\"c",  "\"a\\\"", "'a\\",      "\"a\\",
                                         "\"\"\"\"", "a \"",    "\"a\"\"b\"" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECKF(!split_line(bytes_of_text(wrong[i]), text, words, &count), "%s", wrong[i]);
}
