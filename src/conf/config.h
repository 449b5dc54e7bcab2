/* conf/config.h - the configuration as plain typed values: what the server reads.
 * Model:    one struct; every field has the value of the option of the same name, in the unit its
 *           comment states. Which option means which field stands in the rows (conf/options.h).
 * Owner:    server/ holds the one in force; conf/ alone writes to it.
 * Pointers: texts and lists belong to the struct and end with the next change or config_release.
 * Threads:  the executing thread; other threads are handed copies of what they need.
 * Failure:  init, copy and set fail whole (ERR_MEMORY): the target is then as it was.
 * Cost:     about 8 KB; a copy duplicates every text. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/bytes.h"
#include "base/err.h"

enum {
    CONFIG_BIND_MAX = 16,
    CONFIG_SAVE_MAX = 64,
    CONFIG_PERCENTILES_MAX = 64,
    CONFIG_RENAMES_MAX = 1024,
    CONFIG_OPTIONS_MAX = 256,
};

/* Owned bytes, always followed by a NUL that does not count; `at` is never NULL after init. */
struct config_text {
    char *at;
    size_t count;
};

static inline struct bytes config_text_view(const struct config_text *text)
{
    return bytes_of(text->at, text->count);
}

/* An amount of memory: `bytes`, or, where `percent` is not 0, that share of the machine's memory.
 */
struct config_size {
    uint64_t bytes;
    unsigned percent;
};

struct config_bind {
    struct config_text addresses[CONFIG_BIND_MAX]; /* "*", "-::*": a leading '-' means optional */
    size_t count;
};

struct config_save_point {
    int64_t seconds;
    int64_t changes;
};

struct config_save {
    struct config_save_point points[CONFIG_SAVE_MAX];
    size_t count;
};

enum config_client_class {
    CONFIG_CLIENT_NORMAL,
    CONFIG_CLIENT_REPLICA,
    CONFIG_CLIENT_PUBSUB,
    CONFIG_CLIENT_CLASSES,
};

struct config_output_limit {
    uint64_t hard_bytes; /* 0: none */
    uint64_t soft_bytes; /* 0: none */
    int64_t soft_seconds;
};

struct config_percentiles {
    double values[CONFIG_PERCENTILES_MAX]; /* 0 to 100 */
    size_t count;
};

/* A command's new name; an empty one removes the command. */
struct config_rename {
    struct config_text from;
    struct config_text to;
};

struct config_renames {
    struct config_rename *items;
    size_t count;
};

enum config_loglevel {
    CONFIG_LOG_DEBUG,
    CONFIG_LOG_VERBOSE,
    CONFIG_LOG_NOTICE,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_NOTHING,
};

enum config_supervised {
    CONFIG_SUPERVISED_NO,
    CONFIG_SUPERVISED_SYSTEMD,
    CONFIG_SUPERVISED_UPSTART,
    CONFIG_SUPERVISED_AUTO,
};

/* Who may use what is guarded: enable-debug-command and the like. */
enum config_guard {
    CONFIG_GUARD_NO,
    CONFIG_GUARD_YES,
    CONFIG_GUARD_LOCAL, /* only over loopback or the unix socket */
};

enum config_oom_score {
    CONFIG_OOM_SCORE_NO,
    CONFIG_OOM_SCORE_RELATIVE,
    CONFIG_OOM_SCORE_ABSOLUTE,
};

enum config_policy {
    CONFIG_POLICY_VOLATILE_LRU,
    CONFIG_POLICY_VOLATILE_LFU,
    CONFIG_POLICY_VOLATILE_RANDOM,
    CONFIG_POLICY_VOLATILE_TTL,
    CONFIG_POLICY_ALLKEYS_LRU,
    CONFIG_POLICY_ALLKEYS_LFU,
    CONFIG_POLICY_ALLKEYS_RANDOM,
    CONFIG_POLICY_NOEVICTION,
};

/* Channels that a new user may use. */
enum config_pubsub {
    CONFIG_PUBSUB_ALLCHANNELS,
    CONFIG_PUBSUB_RESETCHANNELS,
};

/* shutdown-on-sigint, shutdown-on-sigterm: a set of these; 0 is "default". */
enum config_shutdown {
    CONFIG_SHUTDOWN_SAVE = 1,
    CONFIG_SHUTDOWN_NOSAVE = 2,
    CONFIG_SHUTDOWN_NOW = 4,
    CONFIG_SHUTDOWN_FORCE = 8,
};

/* tls-auth-clients: whether a client must show a certificate. */
enum config_tls_clients {
    CONFIG_TLS_CLIENTS_ANY,
    CONFIG_TLS_CLIENTS_CERTIFIED,
    CONFIG_TLS_CLIENTS_OPTIONAL,
};

enum config_tls_user { CONFIG_TLS_USER_OFF, CONFIG_TLS_USER_COMMON_NAME };

/* notify-keyspace-events: a set of these. */
enum config_notify {
    CONFIG_NOTIFY_KEYSPACE = 1 << 0,  /* K */
    CONFIG_NOTIFY_KEYEVENT = 1 << 1,  /* E */
    CONFIG_NOTIFY_GENERIC = 1 << 2,   /* g */
    CONFIG_NOTIFY_STRING = 1 << 3,    /* $ */
    CONFIG_NOTIFY_LIST = 1 << 4,      /* l */
    CONFIG_NOTIFY_SET = 1 << 5,       /* s */
    CONFIG_NOTIFY_HASH = 1 << 6,      /* h */
    CONFIG_NOTIFY_ZSET = 1 << 7,      /* z */
    CONFIG_NOTIFY_EXPIRED = 1 << 8,   /* x */
    CONFIG_NOTIFY_EVICTED = 1 << 9,   /* e */
    CONFIG_NOTIFY_STREAM = 1 << 10,   /* t */
    CONFIG_NOTIFY_KEY_MISS = 1 << 11, /* m: not part of A */
    CONFIG_NOTIFY_MODULE = 1 << 13,   /* d */
    CONFIG_NOTIFY_NEW = 1 << 14,      /* n: not part of A */
    CONFIG_NOTIFY_ALL = CONFIG_NOTIFY_GENERIC | CONFIG_NOTIFY_STRING | CONFIG_NOTIFY_LIST |
                        CONFIG_NOTIFY_SET | CONFIG_NOTIFY_HASH | CONFIG_NOTIFY_ZSET |
                        CONFIG_NOTIFY_EXPIRED | CONFIG_NOTIFY_EVICTED | CONFIG_NOTIFY_STREAM |
                        CONFIG_NOTIFY_MODULE, /* A */
};

struct config {
    struct config_text file; /* the configuration file's path, absolute; "" when there is none */

    /* network */
    struct config_bind bind;
    struct config_text bind_source_addr;
    int64_t port;        /* 0: do not listen on TCP */
    int64_t tcp_backlog; /* connections */
    struct config_text unixsocket;
    int64_t unixsocketperm; /* mode bits; 0: leave what umask gives */
    int64_t timeout;        /* seconds an idle client may stay; 0: for ever */
    int64_t tcp_keepalive;  /* seconds; 0: off */
    int64_t socket_mark_id;
    bool protected_mode;

    /* clients */
    struct config_text requirepass; /* may hold any byte */
    struct config_text aclfile;     /* "": users stand in the configuration file */
    int64_t acllog_max_len;
    int acl_pubsub_default; /* enum config_pubsub */
    int64_t maxclients;
    struct config_size maxmemory_clients;
    int64_t tracking_table_max_keys;    /* 0: no bound */
    uint64_t client_query_buffer_limit; /* bytes */
    uint64_t proto_max_bulk_len;        /* bytes */
    struct config_output_limit client_output_buffer_limit[CONFIG_CLIENT_CLASSES];

    /* general */
    bool daemonize;
    int supervised; /* enum config_supervised */
    struct config_text pidfile;
    int loglevel; /* enum config_loglevel */
    struct config_text logfile;
    bool syslog_enabled;
    struct config_text syslog_ident;
    int syslog_facility; /* LOG_USER, LOG_LOCAL0 ... of <syslog.h> */
    bool crash_log_enabled;
    bool crash_memcheck_enabled;
    int64_t databases;
    bool always_show_logo;
    bool set_proc_title;
    struct config_text proc_title_template;
    struct config_text locale_collate;
    struct config_text dir;
    int64_t hz; /* cron runs a second, 1 to 500 */
    bool dynamic_hz;
    int64_t shutdown_timeout;     /* seconds */
    unsigned shutdown_on_sigint;  /* enum config_shutdown */
    unsigned shutdown_on_sigterm; /* enum config_shutdown */
    int oom_score_adj;            /* enum config_oom_score */
    int oom_score_adj_values[3];  /* primary, replica, child */
    bool disable_thp;
    int enable_debug_command;     /* enum config_guard */
    int enable_module_command;    /* enum config_guard */
    int enable_protected_configs; /* enum config_guard */
    struct config_renames renames;

    /* memory */
    struct config_size maxmemory; /* 0: no limit */
    int maxmemory_policy;         /* enum config_policy */
    int64_t maxmemory_samples;
    int64_t maxmemory_eviction_tenacity; /* 0 to 100 */
    int64_t lfu_log_factor;
    int64_t lfu_decay_time; /* minutes */
    bool lazyfree_lazy_eviction;
    bool lazyfree_lazy_expire;
    bool lazyfree_lazy_server_del;
    bool lazyfree_lazy_user_del;
    bool lazyfree_lazy_user_flush;
    int64_t active_expire_effort; /* 1 to 10 */
    bool jemalloc_bg_thread;

    /* active defragmentation */
    bool activedefrag;
    uint64_t active_defrag_ignore_bytes;
    int64_t active_defrag_threshold_lower; /* percent */
    int64_t active_defrag_threshold_upper; /* percent */
    int64_t active_defrag_threshold_stop;  /* percent; -1: half of threshold_lower */
    int64_t active_defrag_cycle_min;       /* percent of one CPU */
    int64_t active_defrag_cycle_max;       /* percent of one CPU */
    int64_t active_defrag_cycle_us;        /* microseconds: the longest slice */
    int64_t active_defrag_max_scan_fields; /* without effect */

    /* observation */
    int64_t slowlog_log_slower_than; /* microseconds; negative: off */
    int64_t slowlog_max_len;
    int64_t commandlog_request_larger_than, commandlog_reply_larger_than; /* bytes; negative: off */
    int64_t commandlog_large_request_max_len, commandlog_large_reply_max_len;
    int64_t http_port; /* 0: none */
    struct config_bind http_bind;
    struct config_text http_password, http_token; /* may hold any byte */
    int64_t latency_monitor_threshold;            /* milliseconds; 0: off */
    bool latency_tracking;
    struct config_percentiles latency_tracking_info_percentiles;
    unsigned notify_keyspace_events; /* enum config_notify */

    /* forms of values: types/limits.h */
    int64_t hash_max_listpack_entries;
    uint64_t hash_max_listpack_value;
    int64_t list_max_listpack_size;
    int64_t list_compress_depth;
    int64_t set_max_intset_entries;
    int64_t set_max_listpack_entries;
    int64_t set_max_listpack_value;
    int64_t zset_max_listpack_entries;
    uint64_t zset_max_listpack_value;
    uint64_t hll_sparse_max_bytes;
    uint64_t stream_node_max_bytes;
    int64_t stream_node_max_entries;

    /* persistence */
    struct config_save save;
    struct config_text dbfilename;
    bool stop_writes_on_bgsave_error;
    bool rdbcompression;
    bool rdbchecksum;
    bool rdb_save_incremental_fsync;
    int64_t rdb_version;
    uint64_t snapshot_memory_limit; /* bytes */
    int64_t rdb_key_save_delay;     /* microseconds */
    int64_t key_load_delay;         /* microseconds */
    int64_t loading_process_events_interval_bytes;

    /* the append-only log */
    bool appendonly;
    struct config_text appendfilename, appenddirname;
    int appendfsync; /* enum aof_policy */
    bool no_appendfsync_on_rewrite;
    int64_t auto_aof_rewrite_percentage;
    uint64_t auto_aof_rewrite_min_size; /* bytes */
    bool aof_load_truncated;
    bool aof_use_rdb_preamble;
    bool aof_timestamp_enabled;
    bool aof_rewrite_incremental_fsync;
    bool aof_disable_auto_gc;

    /* scripts: read by what asks for it, without effect yet */
    int64_t busy_reply_threshold; /* milliseconds */
    uint64_t script_memory_limit; /* bytes, of each interpreter */

    /* TLS */
    int64_t tls_port; /* 0: none */
    struct config_text tls_cert_file;
    struct config_text tls_key_file;
    struct config_text tls_key_file_pass;
    struct config_text tls_dh_params_file;
    struct config_text tls_ca_cert_file;
    struct config_text tls_ca_cert_dir;
    int tls_auth_clients;      /* enum config_tls_clients */
    int tls_auth_clients_user; /* enum config_tls_user */
    struct config_text tls_protocols;
    struct config_text tls_ciphers;
    struct config_text tls_ciphersuites;
    bool tls_prefer_server_ciphers;
    bool tls_session_caching;
    int64_t tls_session_cache_size;    /* sessions; 0: no limit */
    int64_t tls_session_cache_timeout; /* seconds */

    /* The values of the options that have no field of their own, by the number of the row; a text
     * without address stands for the default. */
    struct config_text texts[CONFIG_OPTIONS_MAX];
};

/* Replaces a text; on ERR_MEMORY it is as before. */
MUST_CHECK enum err config_text_set(struct config_text *text, struct bytes bytes);
void config_text_release(struct config_text *text);

/* All defaults. */
MUST_CHECK enum err config_init(struct config *config);
void config_release(struct config *config);

/* A deep copy into `to`, which is not initialised. */
MUST_CHECK enum err config_copy(struct config *to, const struct config *from);

/* Adds a renaming (rename-command): ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err config_rename_add(struct config *config, struct bytes from, struct bytes to);

/* The threshold at which compaction ends, in percent. */
static inline int64_t config_defrag_stop(const struct config *config)
{
    if (config->active_defrag_threshold_stop >= 0)
        return config->active_defrag_threshold_stop;
    return config->active_defrag_threshold_lower / 2;
}

#endif
