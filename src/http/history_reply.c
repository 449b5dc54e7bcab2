#include "http/history_reply.h"

#include "http/writer.h"

/* The wall clock may have been set meanwhile; that samples follow each other is never in doubt. */
static int64_t wall_of(uint64_t time_ns, uint64_t now_ns, int64_t wall_ms)
{
    return wall_ms - (int64_t)((now_ns - time_ns) / 1000000);
}

static void put_or_null(struct writer *writer, uint32_t value)
{
    if (value == UINT32_MAX)
        writer_put(writer, ",null");
    else
        writer_put(writer, ",%u", value);
}

static void put_sample(struct writer *writer, const struct history_sample *sample, int64_t time_ms)
{
    writer_put(writer, "[%lld,%u,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%u,%u", (long long)time_ms,
               sample->interval_ms, wide(sample->resident), wide(sample->committed),
               wide(sample->used), wide(sample->allocated), wide(sample->active),
               wide(sample->moved), wide(sample->returned), sample->mover_us, sample->commands);
    put_or_null(writer, sample->mean_ns);
    put_or_null(writer, sample->p99_us);
    writer_put(writer, "]");
}

bool history_write(const struct history *history, uint64_t now_ns, int64_t wall_ms,
                   struct buffer *text)
{
    struct writer writer = { .text = text };
    struct history_walk walk;
    struct history_sample sample;
    const char *before = "";
    writer_put(&writer,
               "{\"time_ms\":%lld,\"columns\":[\"time_ms\",\"interval_ms\",\"resident\","
               "\"committed\",\"used\",\"allocated\",\"active\",\"moved\",\"returned\","
               "\"mover_us\",\"commands\",\"mean_ns\",\"p99_us\"],\"samples\":[",
               (long long)wall_ms);
    history_walk(history, &walk);
    while (history_next(history, &walk, now_ns, &sample)) {
        writer_put(&writer, "%s", before);
        put_sample(&writer, &sample, wall_of(sample.time_ns, now_ns, wall_ms));
        before = ",\n";
    }
    writer_put(&writer, "]}\n");
    return !writer.failed;
}
