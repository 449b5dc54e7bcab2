#include "cmd/info.h"

#include "cmd/persist.h"

static int64_t now_s(const struct info *info)
{
    return seam_wall_ms(info->context->seam) / 1000;
}

/* Of a file that is being loaded. */
static void loading(struct info *info, const struct persistence *persistence)
{
    const struct load *load = persistence->loading;
    info_count(info, "loading", load != NULL);
    info_line(info, "async_loading:0");
    if (load == NULL)
        return;
    int64_t spent = now_s(info) - persistence->loading_began_s;
    double share = load->bytes > 0 ? (double)load->offset / (double)load->bytes : 0;
    double eta = share > 0 ? (double)spent / share - (double)spent : 1;
    info_line(info, "loading_start_time:%lld", (long long)persistence->loading_began_s);
    info_count(info, "loading_total_bytes", load->bytes);
    info_count(info, "loading_rdb_used_mem", persistence->loading_used_memory);
    info_count(info, "loading_loaded_bytes", load->offset);
    info_line(info, "loading_loaded_perc:%.2f", share * 100);
    info_line(info, "loading_eta_seconds:%.0f", eta);
}

/* What a fork would have copied on write is here what the snapshot keeps. */
static void current(struct info *info, struct saver *saver)
{
    struct snapshot_figures figures = { 0 };
    if (saver->snapshot != NULL)
        snapshot_figures(saver->snapshot, &figures);
    double share = figures.keys > 0 ? (double)figures.keys_done / (double)figures.keys : 0;
    info_count(info, "snapshot_memory_bytes", figures.held);
    info_count(info, "snapshot_memory_peak_bytes",
               saver->snapshot != NULL ? figures.held_most : saver->last_held);
    info_line(info, "current_cow_peak:0");
    info_line(info, "current_cow_size:0");
    info_line(info, "current_cow_size_age:0");
    info_line(info, "current_fork_perc:%.2f", share * 100);
    info_count(info, "current_save_keys_processed", figures.keys_done);
    info_count(info, "current_save_keys_total", figures.keys);
}

static void saving(struct info *info, const struct persistence *persistence)
{
    const struct saver *saver = &persistence->saver;
    bool running = saver_is_saving(saver);
    uint64_t spent_ns = running ? seam_now_ns(saver->seam) - saver->began_ns : 0;
    info_count(info, "rdb_changes_since_last_save", saver_changes(saver));
    info_count(info, "rdb_bgsave_in_progress", running);
    info_line(info, "rdb_last_save_time:%lld", (long long)saver->saved_s);
    info_line(info, "rdb_last_bgsave_status:%s", saver->last_failed ? "err" : "ok");
    info_line(info, "rdb_last_bgsave_time_sec:%lld", (long long)saver->last_duration);
    info_line(info, "rdb_current_bgsave_time_sec:%lld",
              running ? (long long)(spent_ns / 1000000000) : -1);
    info_count(info, "rdb_saves", saver->saves);
    info_line(info, "rdb_last_cow_size:0");
    info_count(info, "rdb_last_load_keys_expired", persistence->expired);
    info_count(info, "rdb_last_load_keys_loaded", persistence->loaded);
}

static void log_files(struct info *info, const struct persistence *persistence)
{
    const struct persist_log *log = &persistence->log;
    const struct aof_set *set = &log->set;
    if (!log->enabled)
        return;
    info_count(info, "aof_current_size", aof_set_bytes(set));
    info_count(info, "aof_base_size", set->base_bytes);
    info_line(info, "aof_pending_rewrite:0");
    info_count(info, "aof_buffer_length", set->log.pending.count);
    info_count(info, "aof_pending_bio_fsync", aof_worker_state(set->worker).syncing);
    info_count(info, "aof_delayed_fsync", set->log.delayed);
}

static void rewriting(struct info *info, const struct persistence *persistence)
{
    const struct persist_log *log = &persistence->log;
    const struct saver *saver = &persistence->saver;
    bool running = saver_is_rewriting(saver);
    uint64_t spent_ns = running ? seam_now_ns(saver->seam) - log->began_ns : 0;
    info_count(info, "aof_enabled", log->enabled);
    info_count(info, "aof_rewrite_in_progress", running);
    info_count(info, "aof_rewrite_scheduled", saver->rewrite_wanted);
    info_line(info, "aof_last_rewrite_time_sec:%lld", (long long)log->last_duration);
    info_line(info, "aof_current_rewrite_time_sec:%lld",
              running ? (long long)(spent_ns / 1000000000) : -1);
    info_line(info, "aof_last_bgrewrite_status:%s", log->last_failed ? "err" : "ok");
    info_count(info, "aof_rewrites", log->rewrites);
    info_count(info, "aof_rewrites_consecutive_failures", log->made ? log->set.failures : 0);
    info_line(info, "aof_last_write_status:%s", log->refuses ? "err" : "ok");
    info_line(info, "aof_last_cow_size:0");
}

void info_persistence(struct info *info)
{
    struct persistence *persistence = info->context->persistence;
    loading(info, persistence);
    current(info, &persistence->saver);
    saving(info, persistence);
    rewriting(info, persistence);
    info_line(info, "module_fork_in_progress:0");
    info_line(info, "module_fork_last_cow_size:0");
    log_files(info, persistence);
}
