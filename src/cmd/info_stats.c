#include "cmd/info.h"

#include "cmd/access.h"
#include "cmd/channels.h"
#include "cmd/peers.h"
#include "cmd/table.h"
#include "cmd/tracking.h"
#include "conf/config.h"
#include "net/client.h"
#include "store/defrag.h"
#include "store/pressure.h"

#include <stdio.h>

static void traffic(struct info *info, const struct net_figures *net,
                    const struct cmd_figures *commands)
{
    info_count(info, "total_connections_received", net->accepted);
    info_count(info, "total_commands_processed", commands->commands);
    info_line(info, "instantaneous_ops_per_sec:%.0f", net->ops_per_second);
    info_count(info, "total_net_input_bytes", net->input_bytes);
    info_count(info, "total_net_output_bytes", net->output_bytes);
    info_count(info, "total_net_repl_input_bytes", 0);
    info_count(info, "total_net_repl_output_bytes", 0);
    info_line(info, "instantaneous_input_kbps:%.2f", net->input_kbps);
    info_line(info, "instantaneous_output_kbps:%.2f", net->output_kbps);
    info_line(info, "instantaneous_input_repl_kbps:0.00");
    info_line(info, "instantaneous_output_repl_kbps:0.00");
    info_count(info, "rejected_connections", net->rejected);
    info_count(info, "sync_full", 0);
    info_count(info, "sync_partial_ok", 0);
    info_count(info, "sync_partial_err", 0);
}

static void keys(struct info *info, const struct store_figures *store,
                 const struct net_figures *net)
{
    const struct observer *observer = info->context->observer;
    info_count(info, "expired_keys", store->expired);
    info_count(info, "expired_subkeys", store->inner_expired);
    info_line(info, "expired_stale_perc:%.2f", store->expired_stale_percent);
    info_count(info, "expired_time_cap_reached_count", observer->expire_cut_short);
    info_count(info, "expire_cycle_cpu_milliseconds", observer->expire_ns / 1000000);
    const struct pressure *pressure = info->context->pressure;
    info_count(info, "evicted_keys", pressure != NULL ? pressure->evictor.evicted : 0);
    info_count(info, "evicted_clients", net->evicted);
    info_count(info, "total_eviction_exceeded_time",
               pressure != NULL ? pressure_total_ms(pressure) : 0);
    info_count(info, "current_eviction_exceeded_time",
               pressure != NULL ? pressure_current_ms(pressure) : 0);
    info_count(info, "keyspace_hits", store->keyspace_hits);
    info_count(info, "keyspace_misses", store->keyspace_misses);
}

static void pubsub(struct info *info)
{
    const struct channels *channels = info->context->channels;
    info_count(info, "pubsub_channels", channels_count(channels, SUBSCRIBED_CHANNEL));
    info_count(info, "pubsub_patterns", channels_count(channels, SUBSCRIBED_PATTERN));
    info_count(info, "pubsubshard_channels", channels_count(channels, SUBSCRIBED_SHARD));
}

static void tracking(struct info *info)
{
    const struct tracker *tracker = info->context->tracker;
    info_count(info, "tracking_total_keys", tracker->keys.count);
    info_count(info, "tracking_total_items", tracker->items);
    info_count(info, "tracking_total_prefixes", tracker->prefixes.count);
}

static void absent(struct info *info)
{
    static const char *const names[] = {
        "latest_fork_usec",
        "total_forks",
    };
    for (unsigned at = 0; at < sizeof names / sizeof *names; at++)
        info_count(info, names[at], 0);
    info_count(info, "migrate_cached_sockets", info->context->peers->count);
    info_count(info, "slave_expires_tracked_keys", 0);
}

static void defrag(struct info *info, const struct store_figures *store)
{
    struct heap_figures heap;
    heap_figures(store_heap(info->context->store), &heap);
    info_count(info, "active_defrag_hits", heap.moved_blocks);
    info_count(info, "active_defrag_misses", heap.missed_blocks);
    info_count(info, "active_defrag_key_hits", store->key_hits);
    info_count(info, "active_defrag_key_misses", store->key_misses);
    info_count(info, "total_active_defrag_time", defrag_total_ms(info->context->defrag));
    info_count(info, "current_active_defrag_time", defrag_current_ms(info->context->defrag));
}

static uint64_t commands_ns(struct cmd_table *table)
{
    uint64_t sum = 0;
    for (uint32_t at = 0; at < cmd_table_count(table); at++)
        sum += cmd_table_at(table, at)->counters.ns;
    return sum;
}

static void loop(struct info *info, const struct net_figures *net)
{
    const struct ticks_rate *ticks = &info->context->ticks;
    double busy_us = (double)ticks_ns(ticks, (uint64_t)net->busy_ticks_per_second) / 1000;
    double polls = net->polls_per_second;
    info_count(info, "eventloop_cycles", net->polls);
    info_count(info, "eventloop_duration_sum", ticks_ns(ticks, net->busy_ticks) / 1000);
    info_count(info, "eventloop_duration_cmd_sum", commands_ns(info->context->table) / 1000);
    info_line(info, "instantaneous_eventloop_cycles_per_sec:%.0f", polls);
    info_line(info, "instantaneous_eventloop_duration_usec:%.0f", polls > 0 ? busy_us / polls : 0);
}

void info_stats(struct info *info)
{
    struct net_figures net;
    struct store_figures store;
    const struct cmd_figures *commands = cmd_table_figures(info->context->table);
    net_figures(info->context->net, &net);
    store_figures(info->context->store, &store);
    traffic(info, &net, commands);
    keys(info, &store, &net);
    pubsub(info);
    absent(info);
    defrag(info, &store);
    tracking(info);
    info_count(info, "unexpected_error_replies", 0);
    info_count(info, "total_error_replies", commands->error_replies);
    info_count(info, "dump_payload_sanitizations", 0);
    info_count(info, "total_reads_processed", net.reads);
    info_count(info, "total_writes_processed", net.writes);
    info_count(info, "io_threaded_reads_processed", 0);
    info_count(info, "io_threaded_writes_processed", 0);
    info_count(info, "reply_buffer_shrinks", 0);
    info_count(info, "reply_buffer_expands", 0);
    loop(info, &net);
    info_count(info, "client_query_buffer_limit_disconnections", net.query_buffer_disconnections);
    info_count(info, "client_output_buffer_limit_disconnections", net.output_buffer_disconnections);
    info_count(info, "acl_access_denied_auth", commands->denied[ACCESS_LOGIN]);
    info_count(info, "acl_access_denied_cmd", commands->denied[ACCESS_COMMAND]);
    info_count(info, "acl_access_denied_key", commands->denied[ACCESS_KEY]);
    info_count(info, "acl_access_denied_channel", commands->denied[ACCESS_CHANNEL]);
}

void info_commandstats(struct info *info)
{
    struct cmd_table *table = info->context->table;
    for (uint32_t at = 0; at < cmd_table_count(table); at++) {
        const struct command_row *row = cmd_table_at(table, at);
        const struct command_counters *counters = &row->counters;
        double us = (double)counters->ns / 1000;
        if (counters->calls == 0 && counters->rejected == 0)
            continue;
        info_line(info,
                  "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,"
                  "failed_calls=%llu",
                  row->full_name, (unsigned long long)counters->calls, us,
                  counters->calls > 0 ? us / (double)counters->calls : 0,
                  (unsigned long long)counters->rejected, (unsigned long long)counters->failed);
    }
}

void info_errorstats(struct info *info)
{
    const struct cmd_figures *figures = cmd_table_figures(info->context->table);
    for (uint32_t at = 0; at < figures->code_count; at++)
        info_line(info, "errorstat_%s:count=%llu", figures->codes[at].code,
                  (unsigned long long)figures->codes[at].count);
}

static void percentiles(struct info *info, const struct command_row *row)
{
    const struct config_percentiles *wanted =
        &info->context->config->latency_tracking_info_percentiles;
    char line[1024];
    size_t used = 0;
    for (size_t at = 0; at < wanted->count; at++) {
        uint64_t ns = histogram_percentile_ns(row->counters.latency, wanted->values[at]);
        int more = snprintf(line + used, sizeof line - used, "%sp%g=%.3f", at > 0 ? "," : "",
                            wanted->values[at], (double)histogram_ceiling_ns(ns) / 1000);
        if (more < 0 || (size_t)more >= sizeof line - used)
            break;
        used += (size_t)more;
    }
    info_line(info, "latency_percentiles_usec_%s:%.*s", row->full_name, (int)used, line);
}

void info_latencystats(struct info *info)
{
    struct cmd_table *table = info->context->table;
    if (!info->context->config->latency_tracking)
        return;
    for (uint32_t at = 0; at < cmd_table_count(table); at++) {
        const struct command_row *row = cmd_table_at(table, at);
        if (row->counters.latency != NULL && row->counters.latency->total > 0)
            percentiles(info, row);
    }
}
