#include <stdlib.h>

#include "load/modes.h"

bool is_deleted(double fraction, uint64_t seed, uint64_t number)
{
    double drawn = (double)(mix64(number ^ mix64(seed + 77)) >> 11) * 0x1p-53;
    return drawn < fraction;
}

bool checker_init(struct checker *checker, const struct values *values, uint64_t queue_size)
{
    *checker = (struct checker){ .values = values, .queue_size = queue_size };
    checker->queue = calloc(queue_size, sizeof *checker->queue);
    return checker->queue != NULL;
}

void checker_release(struct checker *checker)
{
    free(checker->queue);
    checker->queue = NULL;
}

void checker_expect(struct checker *checker, struct expected expected)
{
    checker->queue[checker->tail++ % checker->queue_size] = expected;
}

static struct expected *current(struct checker *checker)
{
    return &checker->queue[checker->head % checker->queue_size];
}

/* An empty value has no fragment, so the move to the next reply is made when the next begins. */
static void on_bulk(void *state, int64_t bytes)
{
    struct checker *checker = state;
    if (checker->checked > 0) {
        checker->head++;
    }
    checker->checked++;
    checker->reported = false;
    const struct expected *expected = current(checker);
    if (bytes < 0) {
        checker->missing += expected->absent ? 0 : 1;
    } else if (expected->absent) {
        checker->extra++;
        checker->reported = true;
    } else if ((uint64_t)bytes != expected->bytes) {
        checker->wrong++;
        checker->reported = true;
    }
}

static void on_fragment(void *state, uint64_t offset, const uint8_t *bytes, size_t length)
{
    struct checker *checker = state;
    const struct expected *expected = current(checker);
    if (!checker->reported &&
        !value_holds(checker->values, expected->number, expected->bytes, offset, bytes, length)) {
        checker->wrong++;
        checker->reported = true;
    }
}

struct reply_sink checker_sink(struct checker *checker)
{
    return (struct reply_sink){ checker, on_bulk, on_fragment };
}
