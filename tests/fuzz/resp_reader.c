/* Requests: the first byte seeds how the rest arrives in pieces; what is read that way must be what
 * is read when all is there at once, with and without the fast path. */
#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"
#include "proto/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* All requests so far as one digest, and where reading stands. */
struct account {
    struct sha1 sha1;
    uint64_t requests;
    size_t at;
    const char *error;
};

struct feed {
    struct reader reader;
    struct arena arena;
    struct reader_limits limits;
    bool with_whole;
    struct account account;
};

static void note(struct account *account, const struct bytes *argv, uint32_t argc)
{
    account->requests++;
    sha1_add(&account->sha1, bytes_of(&argc, sizeof(argc)));
    for (uint32_t i = 0; i < argc; i++) {
        sha1_add(&account->sha1, bytes_of(&argv[i].count, sizeof(argv[i].count)));
        sha1_add(&account->sha1, argv[i]);
    }
}

static size_t take_whole(struct feed *feed, struct bytes data)
{
    enum { WHOLE_MAX = 32 };
    struct bytes argv[WHOLE_MAX];
    uint32_t argc;
    if (!feed->with_whole || feed->reader.need != 0)
        return 0;
    size_t bytes = reader_whole(data, &feed->limits, argv, WHOLE_MAX, &argc);
    if (bytes != 0)
        note(&feed->account, argv, argc);
    return bytes;
}

static size_t take_step(struct feed *feed, struct bytes data)
{
    struct reader_request request = { 0 };
    uint8_t text[READER_ERROR_BYTES];
    switch (reader_step(&feed->reader, data, &feed->limits, &feed->arena, &request)) {
    case READER_REQUEST:
        note(&feed->account, request.argv, request.argc);
        return request.bytes;
    case READER_EMPTY:
        return request.bytes;
    case READER_ERROR:
        ENSURE(reader_error(&feed->reader, text) <= sizeof(text));
        feed->account.error = feed->reader.text;
        break;
    case READER_MORE:
        ENSURE(feed->reader.need > data.count);
        break;
    case READER_MEMORY:
        break;
    }
    return 0;
}

/* Bytes up to `end` have arrived, in memory of their own so that reading past them is seen. */
static void feed_until(struct feed *feed, const uint8_t *stream, size_t end)
{
    size_t from = feed->account.at;
    uint8_t *copy = memory_take(end - from);
    ENSURE(copy != NULL);
    memcpy(copy, stream + from, end - from);
    while (feed->account.at < end && feed->account.error == NULL) {
        struct bytes data = bytes_of(copy + (feed->account.at - from), end - feed->account.at);
        size_t bytes = take_whole(feed, data);
        if (bytes == 0)
            bytes = take_step(feed, data);
        if (bytes == 0)
            break;
        feed->account.at += bytes;
        arena_reset(&feed->arena);
    }
    memory_give(copy);
}

static void run(struct feed *feed, const uint8_t *at, size_t count, uint64_t seed,
                bool authenticated)
{
    struct rng rng;
    rng_init(&rng, seed);
    *feed = (struct feed){ .limits = { 1u << 20u, authenticated }, .with_whole = seed % 2 == 0 };
    arena_init(&feed->arena);
    sha1_init(&feed->account.sha1);
    size_t end = 0;
    while (end < count && feed->account.error == NULL) {
        size_t piece = seed == 0 ? count : 1 + (size_t)rng_below(&rng, seed % 4 == 1 ? 4 : 200);
        end = piece < count - end ? end + piece : count;
        feed_until(feed, at, end);
    }
    reader_reset(&feed->reader);
    arena_release(&feed->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    if (count == 0)
        return 0;
    struct feed once, pieces;
    uint64_t seed = at[0];
    run(&once, at + 1, count - 1, 0, seed < 128);
    run(&pieces, at + 1, count - 1, seed + 1, seed < 128);
    uint8_t first[SHA1_BYTES], second[SHA1_BYTES];
    sha1_end(&once.account.sha1, first);
    sha1_end(&pieces.account.sha1, second);
    ENSURE(once.account.requests == pieces.account.requests);
    ENSURE(memcmp(first, second, SHA1_BYTES) == 0);
    ENSURE(once.account.error == pieces.account.error);
    ENSURE(once.account.at == pieces.account.at);
    return 0;
}
