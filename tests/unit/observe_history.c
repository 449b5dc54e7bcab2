/* The history beside a list of all that was noted: bounded, in order, whole while it is written. */
#include "base/rng.h"
#include "harness.h"
#include "observe/history.h"

#include <pthread.h>
#include <string.h>

enum { MS = 1000 * 1000, NOTED_MAX = 20000 };
static const uint64_t second_ns = (uint64_t)1000 * MS;

static struct history *begin(struct history *history)
{
    memset(history, 0, sizeof *history);
    history_init(history);
    return history;
}

/* Figures that tell the second they are of. */
static struct history_reading reading_of(uint64_t second)
{
    struct history_reading reading = { .time_ns = (second + 1) * second_ns,
                                       .resident = second << 20,
                                       .committed = second << 19,
                                       .used = second << 18,
                                       .allocated = second << 17,
                                       .active = second << 16,
                                       .mover_us = 7 * second,
                                       .moved = second << 20,
                                       .returned = second << 21,
                                       .commands = 3 * second,
                                       .calls = 2 * second,
                                       .calls_ns = 2000 * second,
                                       .timed = 100 * second };
    for (unsigned at = 0; at < HISTORY_CEILINGS; at++) {
        reading.ceilings_us[at] = 10 * (at + 1);
        reading.within[at] = second * (at == 0 ? 98 : 100);
    }
    return reading;
}

/* Samples of the last hour, in order; how many of each step. */
static void check_all(const struct history *history, uint64_t noted)
{
    struct history_walk walk;
    struct history_sample sample;
    uint64_t now_ns = noted * second_ns + second_ns / 2, last_ns = 0, fine = 0, coarse = 0;
    history_walk(history, &walk);
    while (history_next(history, &walk, now_ns, &sample)) {
        uint64_t second = sample.time_ns / second_ns - 1, interval = sample.interval_ms / 1000;
        CHECK(sample.time_ns > last_ns && sample.time_ns <= now_ns);
        CHECK(interval == 1 || interval == 10);
        CHECK_EQ(sample.time_ns % second_ns, 0);
        CHECK_EQ(sample.resident, second << 20);
        CHECK_EQ(sample.active, second << 16);
        CHECK_EQ(sample.commands, 3 * interval);
        CHECK_EQ(sample.moved, interval << 20);
        CHECK_EQ(sample.returned, interval << 21);
        CHECK_EQ(sample.mover_us, 7 * interval);
        CHECK_EQ(sample.mean_ns, 1000);
        CHECK_EQ(sample.p99_us, 20);
        CHECK(interval == 1 || fine == 0);
        *(interval == 1 ? &fine : &coarse) += 1;
        last_ns = sample.time_ns;
    }
    uint64_t samples = noted > 0 ? noted - 1 : 0;
    CHECK_EQ(fine, samples < HISTORY_FINE ? samples : HISTORY_FINE - 1);
    CHECK(noted < 4000 || (coarse >= HISTORY_COARSE - 32 && coarse < HISTORY_COARSE));
    CHECK(samples == 0 || last_ns == noted * second_ns);
}

TEST(history_keeps_the_last_hour_and_no_more)
{
    static struct history history;
    begin(&history);
    check_all(&history, 0);
    for (uint64_t second = 0; second < 9000; second++) {
        struct history_reading reading = reading_of(second);
        CHECK_EQ(history_wait(&history, reading.time_ns), 0);
        history_note(&history, &reading);
        CHECK_EQ(history_wait(&history, reading.time_ns), second_ns);
        if (second < 400 || second % 97 == 0)
            check_all(&history, second + 1);
    }
}

static struct history_sample last_of(const struct history *history, uint64_t now_ns)
{
    struct history_walk walk;
    struct history_sample sample = { .time_ns = 0 };
    history_walk(history, &walk);
    while (history_next(history, &walk, now_ns, &sample))
        ;
    return sample;
}

TEST(history_of_odd_moments)
{
    static struct history history;
    struct history_reading reading = reading_of(100);
    begin(&history);
    history_note(&history, &reading);
    struct history_reading later = reading;
    later.time_ns += 2500 * (uint64_t)MS; /* a command that ran long; and no command was done */
    later.moved = 5 << 20;                /* CONFIG RESETSTAT */
    later.resident = (uint64_t)1 << 60;
    history_note(&history, &later);
    struct history_sample sample = last_of(&history, later.time_ns);
    CHECK_EQ(sample.interval_ms, 2500);
    CHECK_EQ(sample.moved, 5 << 20);
    CHECK_EQ(sample.mean_ns, UINT32_MAX);
    CHECK_EQ(sample.p99_us, UINT32_MAX);
    CHECK_EQ(sample.resident, (uint64_t)(UINT32_MAX - 1) * 1024);
    later.time_ns += second_ns;
    later.timed += 100; /* longer than is told apart */
    history_note(&history, &later);
    CHECK_EQ(last_of(&history, later.time_ns).p99_us, UINT32_MAX);
    CHECK_EQ(last_of(&history, later.time_ns + 7200 * second_ns).time_ns, 0);
}

/* Clocks of machines that are up for long: the low half of the milliseconds begins anew. */
TEST(history_goes_on_where_milliseconds_wrap)
{
    static struct history history;
    uint64_t from_ns = (((uint64_t)1 << 32) - 5000) * MS;
    begin(&history);
    for (uint64_t second = 0; second < 20; second++) {
        struct history_reading reading = reading_of(second);
        reading.time_ns = from_ns + second * second_ns;
        history_note(&history, &reading);
        if (second > 0)
            CHECK_EQ(last_of(&history, reading.time_ns).time_ns, reading.time_ns);
    }
}

static void *note_many(void *context)
{
    for (uint64_t second = 0; second < NOTED_MAX; second++) {
        struct history_reading reading = reading_of(second);
        history_note(context, &reading);
    }
    return NULL;
}

TEST(history_is_whole_while_it_is_written)
{
    static struct history history;
    pthread_t writer;
    struct history_sample sample = { .time_ns = 0 };
    uint64_t seen = 0;
    begin(&history);
    CHECK_EQ(pthread_create(&writer, NULL, note_many, &history), 0);
    while (sample.time_ns < NOTED_MAX * second_ns) {
        struct history_walk walk;
        history_walk(&history, &walk);
        while (history_next(&history, &walk, (NOTED_MAX + 1) * second_ns, &sample)) {
            uint64_t second = sample.time_ns / second_ns - 1;
            CHECK_EQ(sample.resident, second << 20);
            CHECK_EQ(sample.active, second << 16);
            CHECK_EQ(sample.p99_us, 20);
            seen++;
        }
    }
    CHECK_EQ(pthread_join(writer, NULL), 0);
    CHECK(seen > 0);
}
