#include "cmd/info.h"

#include "base/version.h"
#include "cmd/blocker.h"
#include "cmd/channels.h"
#include "cmd/memory.h"
#include "cmd/tracking.h"
#include "conf/config.h"
#include "net/client.h"
#include "observe/process_facts.h"

#include <stdio.h>

static const char *supervised(const struct config *config)
{
    switch ((enum config_supervised)config->supervised) {
    case CONFIG_SUPERVISED_SYSTEMD:
        return "systemd";
    case CONFIG_SUPERVISED_UPSTART:
        return "upstart";
    case CONFIG_SUPERVISED_AUTO:
        return "auto";
    case CONFIG_SUPERVISED_NO:
    default:
        return "no";
    }
}

static void listener(struct info *info, int number, const char *name, int64_t port)
{
    const struct config_bind *bind = &info->context->config->bind;
    char addresses[512] = "";
    size_t count = 0;
    for (size_t i = 0; i < bind->count && count < sizeof addresses; i++)
        count += (size_t)snprintf(addresses + count, sizeof addresses - count, ",bind=%s",
                                  bind->addresses[i].at);
    if (port != 0)
        info_line(info, "listener%d:name=%s%s,port=%lld", number, name, addresses, (long long)port);
}

/* The numbers are those of the kinds. */
static void listeners(struct info *info, const struct config *config)
{
    listener(info, 0, "tcp", config->port);
    if (config->unixsocket.count > 0)
        info_line(info, "listener1:name=unix,bind=%s", config->unixsocket.at);
    listener(info, 2, "tls", config->tls_port);
}

void info_server(struct info *info)
{
    const struct config *config = info->context->config;
    const struct observer *observer = info->context->observer;
    struct process_facts facts;
    uint64_t uptime = (seam_now_ns(observer->seam) - observer->start_ns) / 1000000000;
    process_facts(&facts);
    info_line(info, "redis_version:%s", SNUG_REDIS_VERSION);
    info_line(info, "snug_version:%s", SNUG_VERSION);
    info_line(info, "redis_git_sha1:00000000");
    info_line(info, "redis_git_dirty:0");
    info_line(info, "redis_build_id:%s", SNUG_BUILD_ID);
    info_line(info, "redis_mode:standalone");
    info_line(info, "os:%s", facts.system);
    info_line(info, "arch_bits:64");
    info_line(info, "monotonic_clock:%s", "POSIX clock_gettime");
    info_line(info, "multiplexing_api:epoll");
    info_line(info, "atomicvar_api:c11-builtin");
    info_line(info, "gcc_version:%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
    info_count(info, "process_id", facts.pid);
    info_line(info, "process_supervised:%s", supervised(config));
    info_line(info, "run_id:%s", observer->run_id);
    info_line(info, "tcp_port:%lld",
              (long long)(config->port != 0 ? config->port : config->tls_port));
    info_line(info, "server_time_usec:%lld", (long long)seam_wall_us(observer->seam));
    info_count(info, "uptime_in_seconds", uptime);
    info_count(info, "uptime_in_days", uptime / 86400);
    info_line(info, "hz:%lld", (long long)config->hz);
    info_line(info, "configured_hz:%lld", (long long)config->hz);
    info_count(info, "lru_clock", (uint64_t)(seam_wall_ms(observer->seam) / 1000) & 0xffffffu);
    info_line(info, "executable:%s", facts.executable);
    info_line(info, "config_file:%s", config->file.at);
    info_line(info, "io_threads_active:0");
    listeners(info, config);
}

void info_clients(struct info *info)
{
    struct net_figures net;
    const struct queues *waiting = &info->context->blocker->queues;
    net_figures(info->context->net, &net);
    info_count(info, "connected_clients", net.clients);
    info_count(info, "cluster_connections", 0);
    info_count(info, "maxclients", (uint64_t)info->context->config->maxclients);
    info_count(info, "client_recent_max_input_buffer", net.input_max);
    info_count(info, "client_recent_max_output_buffer", net.output_max);
    info_count(info, "blocked_clients", waiting->waiters);
    info_count(info, "tracking_clients", info->context->tracker->clients);
    info_count(info, "pubsub_clients", info->context->channels->clients);
    info_count(info, "watching_clients", 0);
    info_count(info, "clients_in_timeout_table", waiting->deadline_count);
    info_count(info, "total_watched_keys", 0);
    info_count(info, "total_blocking_keys", waiting->keys);
    info_count(info, "total_blocking_keys_on_nokey", waiting->keys_until_gone);
}

void info_replication(struct info *info)
{
    info_line(info, "role:master");
    info_line(info, "connected_slaves:0");
    info_line(info, "master_failover_state:no-failover");
    info_line(info, "master_replid:%s", info->context->observer->replid);
    info_line(info, "master_replid2:%040d", 0);
    info_line(info, "master_repl_offset:0");
    info_line(info, "second_repl_offset:-1");
    info_line(info, "repl_backlog_active:0");
    info_line(info, "repl_backlog_size:1048576");
    info_line(info, "repl_backlog_first_byte_offset:0");
    info_line(info, "repl_backlog_histlen:0");
}

static void seconds(struct info *info, const char *name, uint64_t us)
{
    info_line(info, "%s:%llu.%06llu", name, (unsigned long long)(us / 1000000),
              (unsigned long long)(us % 1000000));
}

void info_cpu(struct info *info)
{
    struct process_facts facts;
    process_facts(&facts);
    seconds(info, "used_cpu_sys", facts.cpu.system_us);
    seconds(info, "used_cpu_user", facts.cpu.user_us);
    seconds(info, "used_cpu_sys_children", facts.cpu.children_system_us);
    seconds(info, "used_cpu_user_children", facts.cpu.children_user_us);
    seconds(info, "used_cpu_sys_main_thread", facts.cpu.thread_system_us);
    seconds(info, "used_cpu_user_main_thread", facts.cpu.thread_user_us);
}

void info_cluster(struct info *info)
{
    info_line(info, "cluster_enabled:0");
}

void info_keyspace(struct info *info)
{
    const struct store *store = info->context->store;
    for (unsigned db = 0; db < store_databases(store); db++)
        if (store_count(store, db) > 0)
            info_line(info, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld,subexpiry=%llu", db,
                      (unsigned long long)store_count(store, db),
                      (unsigned long long)store_expires_count(store, db),
                      (long long)store_average_ttl_ms(store, db),
                      (unsigned long long)store_inner_expires_count(store, db));
}
