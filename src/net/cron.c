#include "net/internal.h"
#include "os/log.h"

enum {
    VISITS_LEAST = 50,
    VISIT_SHARE = 10, /* a tenth of all each time, so that everybody is visited in a second */
    NS_PER_MS = 1000000,
    MS_PER_S = 1000,
};

/* ---- figures --------------------------------------------------------------------------------- */

static void sample(struct sample_rate *rate, uint32_t at, uint64_t total, uint64_t elapsed_ns)
{
    const double ns_per_s = 1e9;
    uint64_t more = total < rate->last ? total : total - rate->last; /* counters may be reset */
    rate->last = total;
    rate->values[at] =
        elapsed_ns == 0 ? 0 : (uint64_t)((double)more * ns_per_s / (double)elapsed_ns);
}

static void take_samples(struct net *net)
{
    uint64_t now = net->clock.now_ns;
    uint64_t elapsed = now - net->sampled_ns;
    uint32_t at = net->sample_at;
    sample(&net->input_rate, at, net->figures.input_bytes, elapsed);
    sample(&net->output_rate, at, net->figures.output_bytes, elapsed);
    sample(&net->command_rate, at, net->figures.commands, elapsed);
    sample(&net->poll_rate, at, net->figures.polls, elapsed);
    sample(&net->busy_rate, at, net->figures.busy_ticks, elapsed);
    net->sample_at = (at + 1) % NET_SAMPLES;
    net->sampled_ns = now;
}

static double mean(const struct sample_rate *rate)
{
    uint64_t sum = 0;
    for (int i = 0; i < NET_SAMPLES; i++)
        sum += rate->values[i];
    return (double)sum / NET_SAMPLES;
}

static void begin_second(struct net *net)
{
    int64_t second = net->clock.wall_ms / MS_PER_S;
    if (second == net->peaks_second)
        return;
    net->peaks_second = second;
    net->input_peaks[(uint64_t)second % NET_PEAK_SLOTS] = 0;
    net->output_peaks[(uint64_t)second % NET_PEAK_SLOTS] = 0;
}

void net_note_peaks(struct net *net, uint64_t input, uint64_t output)
{
    uint64_t slot = (uint64_t)net->peaks_second % NET_PEAK_SLOTS;
    if (input > net->input_peaks[slot])
        net->input_peaks[slot] = input;
    if (output > net->output_peaks[slot])
        net->output_peaks[slot] = output;
}

static uint64_t highest(const uint64_t *peaks)
{
    uint64_t most = 0;
    for (int i = 0; i < NET_PEAK_SLOTS; i++)
        most = peaks[i] > most ? peaks[i] : most;
    return most;
}

/* The struct of each, input buffers, and chunks that wait to be sent. */
uint64_t net_client_bytes(const struct net *net)
{
    uint64_t free_bytes = (uint64_t)net->pool.free_count * REPLY_CHUNK_BYTES;
    return net->structs_held + net->input_held + net->tls_held + net->pool.held_bytes - free_bytes +
           net->held;
}

void net_figures(const struct net *net, struct net_figures *figures)
{
    const double bytes_per_kb = 1024;
    *figures = net->figures;
    figures->client_bytes = net_client_bytes(net);
    figures->struct_bytes = net->structs_held;
    figures->held_input_bytes = net->input_held;
    figures->spare_bytes = (uint64_t)net->pool.free_count * REPLY_CHUNK_BYTES;
    figures->held_output_bytes = net->pool.held_bytes - figures->spare_bytes;
    figures->tls_bytes = net->tls_held;
    figures->beside_bytes = net->held;
    figures->input_max = highest(net->input_peaks);
    figures->output_max = highest(net->output_peaks);
    figures->clients = net->open;
    figures->paused_until_ms = net->paused_until_ms;
    figures->paused_writes_only = 0;
    if (net->paused_until_ms != 0)
        figures->paused_writes_only = net->pause_writes_only ? 1 : 2;
    figures->input_kbps = mean(&net->input_rate) / bytes_per_kb;
    figures->output_kbps = mean(&net->output_rate) / bytes_per_kb;
    figures->ops_per_second = mean(&net->command_rate);
    figures->polls_per_second = mean(&net->poll_rate);
    figures->busy_ticks_per_second = mean(&net->busy_rate);
}

void net_reset_counters(struct net *net)
{
    uint32_t seen = net->figures.clients_max_seen;
    net->figures = (struct net_figures){ .clients_max_seen = seen };
}

/* ---- visits ---------------------------------------------------------------------------------- */

static bool idle_too_long(const struct net *net, const struct connection *connection)
{
    uint32_t seconds = net->limits.timeout_seconds;
    const uint32_t waiting = CLIENT_BLOCKED | CLIENT_PAUSED;
    return seconds != 0 && !(connection->client.flags & waiting) &&
           connection->client.class_of_limits != CLIENT_CLASS_PUBSUB &&
           net->clock.wall_ms - connection->client.active_ms > (int64_t)seconds * MS_PER_S;
}

static void visit(struct net *net, struct connection *connection)
{
    if (connection->closing)
        return;
    if (idle_too_long(net, connection)) {
        net_log(net, LOG_LEVEL_VERBOSE, "Closing idle client");
        connection_close(connection);
        return;
    }
    uint64_t unsent = reply_unsent(&connection->client.reply);
    if (unsent != 0 && output_over_limits(connection))
        return;
    net_note_peaks(net, connection->client.input.capacity, unsent);
}

static void visit_some(struct net *net)
{
    uint32_t visits = net->open / VISIT_SHARE;
    if (visits < VISITS_LEAST)
        visits = VISITS_LEAST;
    if (visits > net->open)
        visits = net->open;
    for (; visits > 0; visits--) {
        struct connection *connection = net->cron_next;
        if (connection == NULL)
            connection = net->oldest;
        if (connection == NULL)
            return;
        net->cron_next = connection->newer;
        visit(net, connection);
    }
}

void net_cron(struct net *net)
{
    const uint64_t period = (uint64_t)NET_CRON_MS * NS_PER_MS;
    net->cron_ns += period;
    if (net->cron_ns <= net->clock.now_ns)
        net->cron_ns = net->clock.now_ns + period;
    take_samples(net);
    begin_second(net);
    secure_end_slow(net);
    visit_some(net);
    net->cannot_evict = false;
    net_wake_listeners(net);
}
