#include "persist/aof_set.h"
#include "persist/rdb_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

const char *aof_set_temporary(const struct aof_set *set)
{
    return set->base_name;
}

static bool name_temporary(const struct aof_set *set, const char *end, char *name)
{
    int count = snprintf(name, AOF_NAME_MAX + 1, "temp-%s.%s", set->place.name, end);
    return count > 0 && count <= AOF_NAME_MAX;
}

enum err aof_set_init(struct aof_set *set, const struct aof_place *place)
{
    *set = (struct aof_set){ .place = *place };
    if (!name_temporary(set, "rewritten", set->base_name) ||
        !name_temporary(set, "increment", set->increment_name))
        return ERR_LIMIT;
    set->worker = aof_worker_new(place->seam);
    if (set->worker == NULL)
        return ERR_MEMORY;
    aof_log_init(&set->log, place->seam, set->worker);
    return ERR_NONE;
}

/* --- files ------------------------------------------------------------------------------------ */

static enum err rename_in(const struct aof_set *set, const char *from, const char *to)
{
    const struct seam *seam = set->place.seam;
    char old[AOF_PATH_MAX], new[AOF_PATH_MAX];
    if (!aof_path(&set->place, from, old) || !aof_path(&set->place, to, new))
        return ERR_LIMIT;
    if (seam->rename(seam->context, old, new) != 0)
        return ERR_SYSTEM;
    return aof_directory_sync(seam, set->place.directory);
}

static enum err open_increment(const struct aof_set *set, const char *name, int flags, int *file,
                               uint64_t *bytes)
{
    const struct seam *seam = set->place.seam;
    char path[AOF_PATH_MAX];
    if (!aof_path(&set->place, name, path))
        return ERR_LIMIT;
    *file = seam->open(seam->context, path, O_WRONLY | O_APPEND | O_CREAT | flags, 0644);
    if (*file < 0)
        return ERR_SYSTEM;
    int64_t there = seam->file_bytes(seam->context, *file);
    if (there < 0) {
        int error = errno;
        seam->close(seam->context, *file);
        errno = error;
        return ERR_SYSTEM;
    }
    *bytes = (uint64_t)there;
    return ERR_NONE;
}

static void unlink_in(const struct aof_set *set, const char *name)
{
    const struct seam *seam = set->place.seam;
    char path[AOF_PATH_MAX];
    int error = errno;
    if (aof_path(&set->place, name, path))
        seam->unlink(seam->context, path);
    errno = error;
}

/* The manifest `next` takes the place of the one there is, on disk and here. */
static enum err switch_to(struct aof_set *set, struct aof_manifest *next)
{
    enum err err = aof_manifest_save(&set->place, next);
    if (err != ERR_NONE) {
        aof_manifest_release(next);
        return err;
    }
    aof_manifest_release(&set->manifest);
    set->manifest = *next;
    return ERR_NONE;
}

/* --- the start -------------------------------------------------------------------------------- */

/* A base of the name without a number: the single file of an older version. */
static bool is_upgrade(const struct aof_set *set)
{
    const struct aof_file *base = aof_manifest_nth(&set->manifest, AOF_BASE, 0);
    char path[AOF_PATH_MAX];
    if (aof_manifest_count(&set->manifest, AOF_INCREMENT) > 0)
        return false;
    if (base == NULL)
        return true;
    return strcmp(base->name, set->place.name) == 0 && aof_path(&set->place, base->name, path) &&
           !aof_exists(set->place.seam, path);
}

static enum err upgrade(struct aof_set *set)
{
    const struct seam *seam = set->place.seam;
    struct aof_manifest next = { 0 };
    char path[AOF_PATH_MAX];
    if (!aof_path(&set->place, set->place.name, path))
        return ERR_LIMIT;
    enum err err = aof_directory_make(&set->place);
    if (err == ERR_NONE)
        err = aof_manifest_adopt(&next, set->place.name);
    if (err == ERR_NONE)
        err = switch_to(set, &next);
    if (err == ERR_NONE && seam->rename(seam->context, set->place.name, path) != 0)
        err = ERR_SYSTEM;
    return err == ERR_NONE ? aof_directory_sync(seam, set->place.directory) : err;
}

enum err aof_set_read(struct aof_set *set, struct aof_manifest_fault *fault)
{
    enum err err = aof_manifest_load(&set->place, &set->manifest, fault);
    if (err != ERR_NONE && err != ERR_MISSING)
        return err;
    if (!aof_exists(set->place.seam, set->place.name) || !is_upgrade(set))
        return ERR_NONE;
    aof_manifest_release(&set->manifest);
    return upgrade(set);
}

/* A snapshot of nothing. */
static enum err write_empty_base(struct aof_set *set, const char *name)
{
    struct buffer out = { 0 };
    struct rdb_writer writer;
    rdb_writer_init(&writer, &out, RDB_VERSION, false, true);
    enum err err = rdb_write_header(&writer);
    if (err == ERR_NONE)
        err = rdb_write_aux(&writer, "aof-base", BYTES("1"));
    if (err == ERR_NONE)
        err = rdb_write_footer(&writer);
    if (err == ERR_NONE)
        err = aof_file_replace(&set->place, name, buffer_view(&out));
    rdb_writer_release(&writer);
    buffer_release(&out);
    return err;
}

static enum err add_first_files(struct aof_set *set, struct aof_manifest *next)
{
    enum err err = ERR_NONE;
    bool base = aof_manifest_nth(next, AOF_BASE, 0) != NULL;
    if (aof_manifest_count(next, AOF_INCREMENT) > 0)
        return ERR_NONE;
    if (!base)
        err = aof_manifest_add_base(next, set->place.name, true);
    if (!base && err == ERR_NONE)
        err = write_empty_base(set, aof_manifest_nth(next, AOF_BASE, 0)->name);
    return err == ERR_NONE ? aof_manifest_add_increment(next, set->place.name) : err;
}

/* History that a machine which stopped has left behind goes too. The manifest names it until it has
 * gone: else nobody would know of what is left when the process ends meanwhile. */
static void delete_history(struct aof_set *set)
{
    char path[AOF_PATH_MAX];
    uint32_t count = aof_manifest_count(&set->manifest, AOF_HISTORY);
    set->forgetting = count > 0 && !set->keep_history;
    if (!set->forgetting)
        return;
    for (uint32_t i = 0; i < set->manifest.count; i++) {
        const struct aof_file *file = &set->manifest.files[i];
        if (file->kind == AOF_HISTORY && aof_path(&set->place, file->name, path))
            aof_worker_unlink(set->worker, path);
    }
}

void aof_set_tidy(struct aof_set *set)
{
    struct aof_manifest next;
    if (!set->forgetting || !aof_worker_state(set->worker).idle)
        return;
    set->forgetting = false;
    if (aof_manifest_copy(&set->manifest, &next) != ERR_NONE)
        return; /* they are named until the next time */
    aof_manifest_forget_history(&next);
    enum err err = switch_to(set, &next);
    (void)err; /* the same */
}

void aof_set_release(struct aof_set *set)
{
    aof_worker_wait(set->worker);
    aof_set_tidy(set);
    aof_log_release(&set->log);
    aof_worker_drop(set->worker);
    aof_manifest_release(&set->manifest);
    set->worker = NULL;
}

static const char *last_increment(const struct aof_manifest *manifest)
{
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT);
    ENSURE(count > 0);
    return aof_manifest_nth(manifest, AOF_INCREMENT, count - 1)->name;
}

enum err aof_set_open(struct aof_set *set, uint64_t bytes)
{
    struct aof_manifest next;
    uint64_t there = 0;
    int file = -1;
    enum err err = aof_directory_make(&set->place);
    if (err == ERR_NONE)
        err = aof_manifest_copy(&set->manifest, &next);
    if (err != ERR_NONE)
        return err;
    err = add_first_files(set, &next);
    if (err == ERR_NONE)
        err = open_increment(set, last_increment(&next), 0, &file, &there);
    if (err != ERR_NONE) {
        aof_manifest_release(&next);
        return err;
    }
    err = switch_to(set, &next);
    if (err != ERR_NONE) {
        set->place.seam->close(set->place.seam->context, file);
        return err;
    }
    aof_log_use(&set->log, file, there);
    set->earlier_bytes = bytes > there ? bytes - there : 0;
    set->base_bytes = aof_set_bytes(set);
    delete_history(set);
    return ERR_NONE;
}

enum err aof_set_close(struct aof_set *set)
{
    if (!aof_set_is_open(set))
        return ERR_NONE;
    enum aof_flush flush = aof_log_flush(&set->log, true);
    bool whole = flush == AOF_FLUSHED && aof_log_sync(&set->log);
    set->log.pending.count = 0;
    set->log.appended = set->log.written;
    aof_log_use(&set->log, -1, 0);
    if (set->rewriting)
        aof_set_fail_rewrite(set);
    if (set->provisional)
        unlink_in(set, set->increment_name);
    set->provisional = false;
    return whole ? ERR_NONE : ERR_SYSTEM;
}

/* --- rewriting -------------------------------------------------------------------------------- */

/* All that was told so far is in the file that the rewrite replaces, and on disk: a log whose last
 * file but one is cut off could not be loaded. */
static enum err settle(struct aof_set *set)
{
    enum aof_flush flush = aof_log_flush(&set->log, true);
    bool written = set->log.pending.count == 0 && flush != AOF_FATAL;
    if (written && (set->provisional || aof_log_is_synced(&set->log) || aof_log_sync(&set->log)))
        return ERR_NONE;
    errno = set->log.error;
    return ERR_SYSTEM;
}

/* Without a log there is no manifest that could name the increment before the base is there. */
static enum err begin_provisional(struct aof_set *set)
{
    uint64_t bytes;
    int file;
    enum err err = aof_directory_make(&set->place);
    if (err == ERR_NONE)
        err = open_increment(set, set->increment_name, O_TRUNC, &file, &bytes);
    if (err != ERR_NONE)
        return err;
    aof_log_use(&set->log, file, 0);
    set->provisional = true;
    return ERR_NONE;
}

static enum err begin_next(struct aof_set *set)
{
    struct aof_manifest next;
    uint64_t bytes, before = set->log.file_bytes;
    int file;
    enum err err = aof_manifest_copy(&set->manifest, &next);
    if (err != ERR_NONE)
        return err;
    err = aof_manifest_add_increment(&next, set->place.name);
    if (err == ERR_NONE)
        err = open_increment(set, last_increment(&next), O_TRUNC, &file, &bytes);
    if (err != ERR_NONE) {
        aof_manifest_release(&next);
        return err;
    }
    err = switch_to(set, &next);
    if (err != ERR_NONE) {
        set->place.seam->close(set->place.seam->context, file);
        return err;
    }
    aof_log_use(&set->log, file, 0);
    set->earlier_bytes += before;
    return ERR_NONE;
}

enum err aof_set_begin_rewrite(struct aof_set *set)
{
    ENSURE(!set->rewriting);
    set->losses = set->log.losses;
    enum err err = settle(set);
    if (err == ERR_NONE)
        err = aof_set_is_open(set) && !set->provisional ? begin_next(set) : begin_provisional(set);
    if (err != ERR_NONE) {
        set->failures++;
        set->failed_ns = seam_now_ns(set->place.seam);
        return err;
    }
    set->rewriting = true;
    return ERR_NONE;
}

void aof_set_fail_rewrite(struct aof_set *set)
{
    ENSURE(set->rewriting);
    set->rewriting = false;
    set->failures++;
    set->failed_ns = seam_now_ns(set->place.seam);
    unlink_in(set, aof_set_temporary(set));
}

/* The new base, the increment that began with it, and all else history. A provisional log has
 * nothing from before that counts. */
static enum err name_files(struct aof_set *set, struct aof_manifest *next, bool rdb)
{
    enum err err = aof_manifest_add_base(next, set->place.name, rdb);
    if (err == ERR_NONE && set->provisional)
        err = aof_manifest_add_increment(next, set->place.name);
    if (err != ERR_NONE)
        return err;
    aof_manifest_retire(next);
    err = rename_in(set, aof_set_temporary(set), aof_manifest_nth(next, AOF_BASE, 0)->name);
    if (err == ERR_NONE && set->provisional)
        err = rename_in(set, set->increment_name, last_increment(next));
    return err;
}

enum err aof_set_end_rewrite(struct aof_set *set, bool rdb, uint64_t bytes)
{
    struct aof_manifest next = { 0 };
    ENSURE(set->rewriting);
    enum err err = aof_manifest_copy(&set->manifest, &next);
    if (err == ERR_NONE)
        err = name_files(set, &next, rdb);
    if (err != ERR_NONE)
        aof_manifest_release(&next);
    else
        err = switch_to(set, &next);
    if (err != ERR_NONE) {
        aof_set_fail_rewrite(set);
        return err;
    }
    set->rewriting = set->provisional = false;
    set->failures = 0;
    aof_log_mend(&set->log, set->losses);
    set->earlier_bytes = bytes;
    set->base_bytes = aof_set_bytes(set);
    delete_history(set);
    return ERR_NONE;
}

bool aof_set_wants_rewrite(const struct aof_set *set, unsigned percentage, uint64_t least_bytes)
{
    static const uint64_t minute_ns = UINT64_C(60) * 1000000000;
    uint64_t bytes = aof_set_bytes(set), base = set->base_bytes > 0 ? set->base_bytes : 1;
    if (!aof_set_is_open(set) || set->rewriting || percentage == 0 || bytes <= least_bytes)
        return false;
    unsigned times = set->failures < 3 ? 0 : set->failures - 3;
    uint64_t pause = set->failures < 3 ? 0 : times > 5 ? 60 * minute_ns : minute_ns << times;
    if (pause > 60 * minute_ns)
        pause = 60 * minute_ns;
    if (seam_now_ns(set->place.seam) - set->failed_ns < pause)
        return false;
    return bytes > base && (double)(bytes - base) * 100 >= (double)base * percentage;
}
