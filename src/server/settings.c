/* Options put into effect. Each hook names its options and applies them from a whole configuration,
 * so that the start and CONFIG SET take the same way. */
#include "base/ticks.h"
#include "cmd/memory_preview.h"
#include "cmd/notify.h"
#include "cmd/users_file.h"
#include "http/http.h"
#include "os/process.h"
#include "server/server.h"
#include "types/limits.h"

#include <string.h>

/* Descriptors that are not clients. */
enum { FILES_RESERVED = 32, HTTP_FILES_RESERVED = HTTP_CONNECTIONS_MAX + 16 };

struct move_limits server_move_limits(const struct config *config)
{
    return (struct move_limits){
        .enabled = config->activedefrag,
        .ignore_bytes = config->active_defrag_ignore_bytes,
        .threshold_lower = (unsigned)config->active_defrag_threshold_lower,
        .threshold_upper = (unsigned)config->active_defrag_threshold_upper,
        .threshold_stop = config->active_defrag_threshold_stop >= 0
                              ? (double)config->active_defrag_threshold_stop
                              : (double)config->active_defrag_threshold_lower / 2,
        .cycle_min = (unsigned)config->active_defrag_cycle_min,
        .cycle_max = (unsigned)config->active_defrag_cycle_max,
    };
}

static void refuse(struct option_reason *reason, const char *text)
{
    size_t count = strlen(text);
    ENSURE(count < sizeof reason->text);
    memcpy(reason->text, text, count + 1);
}

static bool apply_defrag(void *context, const struct config *before, struct config *after,
                         struct option_reason *reason)
{
    struct server *server = context;
    struct move_limits limits = server_move_limits(after);
    (void)before;
    (void)reason;
    defrag_configure(&server->defrag, &limits, (uint64_t)after->active_defrag_cycle_us);
    return true;
}

static bool policy_is_lfu(const struct config *config)
{
    return config->maxmemory_policy == CONFIG_POLICY_ALLKEYS_LFU ||
           config->maxmemory_policy == CONFIG_POLICY_VOLATILE_LFU;
}

static bool apply_use(void *context, const struct config *before, struct config *after,
                      struct option_reason *reason)
{
    struct server *server = context;
    struct store_use_options use = { policy_is_lfu(after), (unsigned)after->lfu_log_factor,
                                     (unsigned)after->lfu_decay_time };
    (void)before;
    (void)reason;
    store_set_use_options(server->store, &use);
    return true;
}

static bool apply_forms(void *context, const struct config *before, struct config *after,
                        struct option_reason *reason)
{
    struct server *server = context;
    struct type_limits limits = limits_by_config(after);
    (void)before;
    (void)reason;
    store_set_limits(server->store, &limits);
    return true;
}

static uint64_t files_reserved(const struct config *config)
{
    return config->http_port == 0 ? FILES_RESERVED : FILES_RESERVED + HTTP_FILES_RESERVED;
}

static bool files_changed(const struct config *before, const struct config *after)
{
    return before == NULL || before->maxclients != after->maxclients ||
           files_reserved(before) != files_reserved(after);
}

/* The system may allow fewer descriptors than maxclients asks for: then it is lowered. */
static void fit_maxclients(struct server *server, struct config *config)
{
    uint64_t reserved = files_reserved(config);
    uint64_t wanted = (uint64_t)config->maxclients + reserved;
    uint64_t allowed = process_raise_open_files(wanted);
    if (allowed >= wanted)
        return;
    int64_t fits = allowed > reserved ? (int64_t)(allowed - reserved) : 1;
    log_write(&server->log, LOG_LEVEL_WARNING,
              "The limit of open files is %llu: maxclients is lowered from %lld to %lld. Raise it "
              "with 'ulimit -n' to serve more.",
              (unsigned long long)allowed, (long long)config->maxclients, (long long)fits);
    config->maxclients = fits;
}

static void set_output_limits(struct net_limits *limits, const struct config *config)
{
    static const enum client_class classes[CONFIG_CLIENT_CLASSES] = {
        [CONFIG_CLIENT_NORMAL] = CLIENT_CLASS_NORMAL,
        [CONFIG_CLIENT_REPLICA] = CLIENT_CLASS_REPLICA,
        [CONFIG_CLIENT_PUBSUB] = CLIENT_CLASS_PUBSUB,
    };
    for (int i = 0; i < CONFIG_CLIENT_CLASSES; i++) {
        const struct config_output_limit *from = &config->client_output_buffer_limit[i];
        limits->output[classes[i]] = (struct net_output_limit){ from->hard_bytes, from->soft_bytes,
                                                                (uint64_t)from->soft_seconds };
    }
}

/* A percentage is of maxmemory: without one there is no limit. */
static uint64_t clients_bytes_max(const struct config *config)
{
    if (config->maxmemory_clients.percent == 0)
        return config->maxmemory_clients.bytes;
    uint64_t whole = config->maxmemory.bytes;
    if (config->maxmemory.percent != 0)
        whole = machine_memory_limit() / 100 * config->maxmemory.percent;
    return whole / 100 * config->maxmemory_clients.percent;
}

static bool apply_limits(void *context, const struct config *before, struct config *after,
                         struct option_reason *reason)
{
    struct server *server = context;
    (void)reason;
    if (files_changed(before, after))
        fit_maxclients(server, after);
    struct net_limits limits = {
        .clients_max = (uint32_t)after->maxclients,
        .timeout_seconds = (uint32_t)after->timeout,
        .keepalive_seconds = (uint32_t)after->tcp_keepalive,
        .protected_mode_blocks =
            after->protected_mode && (users_default(server->users)->flags & USER_NO_PASSWORD) != 0,
        .query_buffer_max = after->client_query_buffer_limit,
        .bulk_max = after->proto_max_bulk_len,
        .clients_bytes_max = clients_bytes_max(after),
    };
    set_output_limits(&limits, after);
    net_set_limits(server->net, &limits);
    return true;
}

static bool apply_notifications(void *context, const struct config *before, struct config *after,
                                struct option_reason *reason)
{
    struct server *server = context;
    (void)before;
    (void)reason;
    notify_configure(&server->context, after->notify_keyspace_events);
    return true;
}

/* requirepass is the default user's only password. */
static bool apply_password(void *context, const struct config *before, struct config *after,
                           struct option_reason *reason)
{
    struct server *server = context;
    (void)before;
    if (users_set_default_password(server->users, config_text_view(&after->requirepass)))
        return true;
    refuse(reason, "out of memory");
    return false;
}

/* Whether the default user has a password decides whom protected mode lets in. */
static void users_changed(void *context)
{
    struct server *server = context;
    struct option_reason reason;
    (void)apply_limits(server, &server->config, &server->config, &reason);
}

static bool apply_log_level(void *context, const struct config *before, struct config *after,
                            struct option_reason *reason)
{
    struct server *server = context;
    (void)before;
    (void)reason;
    server->log.level = (enum log_level)after->loglevel;
    return true;
}

static bool apply_listeners(void *context, const struct config *before, struct config *after,
                            struct option_reason *reason)
{
    struct server *server = context;
    net_unlisten(server->net, NET_TCP);
    if (server_listen_tcp(server, after))
        return true;
    if (!server_listen_tcp(server, before))
        log_write(&server->log, LOG_LEVEL_WARNING, "Nor can the old port be listened on again.");
    refuse(reason, before->port != after->port ? "Unable to listen on this port. Check server logs."
                                               : "Failed to bind to specified addresses.");
    return false;
}

static bool apply_title(void *context, const struct config *before, struct config *after,
                        struct option_reason *reason)
{
    (void)before;
    (void)after;
    (void)reason;
    server_show_title(context);
    return true;
}

static bool apply_oom_score(void *context, const struct config *before, struct config *after,
                            struct option_reason *reason)
{
    (void)context;
    int base = 0;
    if (before == NULL && after->oom_score_adj == CONFIG_OOM_SCORE_NO)
        return true;
    if (after->oom_score_adj == CONFIG_OOM_SCORE_NO)
        return process_set_oom_score_adj(0) || before == NULL;
    if (after->oom_score_adj == CONFIG_OOM_SCORE_RELATIVE && !process_oom_score_adj(&base))
        base = 0;
    if (process_set_oom_score_adj(base + after->oom_score_adj_values[0]) || before == NULL)
        return true;
    refuse(reason, "Failed to apply new oom_score_adj configuration, check server logs.");
    return false;
}

static bool apply_persistence(void *context, const struct config *before, struct config *after,
                              struct option_reason *reason)
{
    struct server *server = context;
    (void)before;
    (void)after;
    (void)reason;
    server->context.gated = true; /* the gate looks anew, by what is then in force */
    return true;
}

/* At the start it is load_data of main.c that switches it on. */
static bool apply_appendonly(void *context, const struct config *before, struct config *after,
                             struct option_reason *reason)
{
    struct server *server = context;
    (void)before;
    if (persist_log_switch(server->persistence, after->appendonly))
        return true;
    refuse(reason, after->appendonly ? "Unable to turn on AOF. Check server logs."
                                     : "Unable to turn off AOF. Check server logs.");
    return false;
}

/* Those of a file of their own are not the configuration's. */
static bool write_users(void *context, struct buffer *lines)
{
    const struct server *server = context;
    return server->config.aclfile.count > 0 || users_lines(server->users, lines);
}

static const char *const defrag_options[] = { "activedefrag",
                                              "active-defrag-ignore-bytes",
                                              "active-defrag-threshold-lower",
                                              "active-defrag-threshold-upper",
                                              "active-defrag-threshold-stop",
                                              "active-defrag-cycle-min",
                                              "active-defrag-cycle-max",
                                              "active-defrag-cycle-us",
                                              NULL };
static const char *const use_options[] = { "maxmemory-policy", "lfu-log-factor", "lfu-decay-time",
                                           NULL };
static const char *const form_options[] = {
    "hash-max-listpack-entries", "hash-max-listpack-value",  "list-max-listpack-size",
    "set-max-intset-entries",    "set-max-listpack-entries", "set-max-listpack-value",
    "zset-max-listpack-entries", "zset-max-listpack-value",  "hll-sparse-max-bytes",
    "stream-node-max-bytes",     "stream-node-max-entries",  NULL,
};
static const char *const limit_options[] = { "maxclients",
                                             "http-port",
                                             "timeout",
                                             "tcp-keepalive",
                                             "protected-mode",
                                             "client-query-buffer-limit",
                                             "proto-max-bulk-len",
                                             "client-output-buffer-limit",
                                             "maxmemory-clients",
                                             "maxmemory",
                                             NULL };
static const char *const notify_options[] = { "notify-keyspace-events", NULL };
static const char *const password_options[] = { "requirepass", NULL };
static const char *const log_options[] = { "loglevel", NULL };
static const char *const listen_options[] = { "port", "bind", NULL };
static const char *const title_options[] = {
    "proc-title-template", "port", "tls-port", "bind", "unixsocket", NULL,
};
static const char *const oom_options[] = { "oom-score-adj", "oom-score-adj-values", NULL };

static const char *const persistence_options[] = { "save", "stop-writes-on-bgsave-error", NULL };
static const char *const appendonly_options[] = { "appendonly", NULL };

void server_hook_settings(struct server *server)
{
    const struct conf_hook hooks[] = {
        { defrag_options, apply_defrag, server },
        { use_options, apply_use, server },
        { password_options, apply_password, server }, /* before limits, which look at the user */
        { limit_options, apply_limits, server },
        { log_options, apply_log_level, server },
        { notify_options, apply_notifications, server },
        { listen_options, apply_listeners, server },
        { title_options, apply_title, server },
        { oom_options, apply_oom_score, server },
        { form_options, apply_forms, server },
        { persistence_options, apply_persistence, server },
        { appendonly_options, apply_appendonly, server },
    };
    for (size_t at = 0; at < sizeof hooks / sizeof *hooks; at++)
        conf_runtime_hook(server->runtime, &hooks[at]);
    server_hook_secure(server);
    server_hook_http(server);
    server_hook_limit(server);
    users_on_change(server->users, users_changed, server);
    conf_runtime_users(server->runtime, write_users, server);
}

void server_apply_settings(struct server *server)
{
    struct option_reason reason;
    memset(&reason, 0, sizeof reason);
    apply_defrag(server, NULL, &server->config, &reason);
    apply_use(server, NULL, &server->config, &reason);
    apply_forms(server, NULL, &server->config, &reason);
    apply_limits(server, NULL, &server->config, &reason);
    apply_notifications(server, NULL, &server->config, &reason);
    apply_oom_score(server, NULL, &server->config, &reason);
    server_set_limit(server, &server->config);
}
