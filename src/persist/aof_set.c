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
    set->next_file = -1;
    set->worker = aof_worker_new(place->seam);
    set->remover = set->worker == NULL ? NULL : aof_worker_new(place->seam);
    if (set->remover == NULL) {
        aof_worker_drop(set->worker);
        set->worker = NULL;
        return ERR_MEMORY;
    }
    set->change = (struct aof_change){ .place = &set->place, .worker = set->worker };
    aof_log_init(&set->log, place->seam, set->worker);
    return ERR_NONE;
}

/* --- files ------------------------------------------------------------------------------------ */

/* It may be big. */
static void remove_behind(const struct aof_set *set, const char *name)
{
    char path[AOF_PATH_MAX];
    int error = errno;
    if (aof_path(&set->place, name, path))
        aof_worker_unlink(set->remover, path);
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

/* --- changes ---------------------------------------------------------------------------------- */

/* History that a machine which stopped has left behind goes too. The manifest names it until it has
 * gone: else nobody would know of what is left when the process ends meanwhile. */
static void delete_history(struct aof_set *set)
{
    uint32_t count = aof_manifest_count(&set->manifest, AOF_HISTORY);
    set->forgetting = count > 0 && !set->keep_history;
    if (!set->forgetting)
        return;
    set->unremoved = aof_worker_state(set->remover).unremoved;
    for (uint32_t i = 0; i < set->manifest.count; i++) {
        const struct aof_file *file = &set->manifest.files[i];
        if (file->kind == AOF_HISTORY)
            remove_behind(set, file->name);
    }
}

/* The last of a file that the log has left behind is not on disk, and nobody can tell. The base of
 * the rewrite under way is from after that. */
static void look_for_unsynced(struct aof_set *set)
{
    uint32_t unsynced = aof_worker_state(set->worker).unsynced;
    if (unsynced == set->unsynced)
        return;
    set->unsynced = unsynced;
    if (set->rewriting && set->losses == set->log.losses)
        set->losses++;
    aof_log_lose(&set->log);
}

/* Takes over what a change that is done has come to. false: one is under way. */
static bool look(struct aof_set *set)
{
    struct aof_change *change = &set->change;
    look_for_unsynced(set);
    if (aof_change_is_under_way(change))
        return false;
    if (change->kind == AOF_NO_CHANGE)
        return true;
    if (change->err == ERR_NONE) {
        aof_manifest_release(&set->manifest);
        set->manifest = change->next;
        change->next = (struct aof_manifest){ 0 };
    } else {
        aof_manifest_release(&change->next);
    }
    if (change->kind == AOF_PREPARE)
        set->next_file = change->file;
    change->kind = AOF_NO_CHANGE;
    return true;
}

void aof_set_wait(struct aof_set *set)
{
    aof_worker_wait(set->remover);
    aof_worker_wait(set->worker);
}

void aof_set_tidy(struct aof_set *set)
{
    if (set->preparing || set->ending) /* who asked for that looks at it */
        return;
    struct aof_worker_state removing = aof_worker_state(set->remover);
    if (!look(set) || !set->forgetting || !removing.idle)
        return;
    set->forgetting = false;
    if (removing.unremoved != set->unremoved)
        return; /* the next rewrite, or start, tries again */
    if (aof_manifest_copy(&set->manifest, &set->change.next) != ERR_NONE)
        return; /* they are named until the next time; so they are where it fails */
    aof_manifest_forget_history(&set->change.next);
    aof_change_ask(&set->change, AOF_FORGET);
}

static void close_next(struct aof_set *set)
{
    if (set->next_file >= 0)
        set->place.seam->close(set->place.seam->context, set->next_file);
    set->next_file = -1;
}

void aof_set_release(struct aof_set *set)
{
    aof_set_wait(set);
    aof_set_tidy(set);
    aof_set_wait(set);
    bool done = look(set);
    ENSURE(done);
    close_next(set);
    aof_log_release(&set->log);
    aof_worker_drop(set->remover);
    aof_worker_drop(set->worker);
    aof_manifest_release(&set->manifest);
    set->worker = set->remover = NULL;
}

/* --- opened and closed ------------------------------------------------------------------------ */

/* A process that was killed may have left files unsynced that others follow: what is written from
 * now on is worth nothing without them. */
static enum err sync_earlier(const struct aof_set *set, const struct aof_manifest *manifest)
{
    const struct seam *seam = set->place.seam;
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT);
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint64_t bytes;
        int file;
        enum err err = aof_increment_open(
            &set->place, aof_manifest_nth(manifest, AOF_INCREMENT, i)->name, 0, &file, &bytes);
        if (err != ERR_NONE)
            return err;
        bool synced = seam->sync_data(seam->context, file) == 0 || errno == EINVAL;
        int error = errno;
        seam->close(seam->context, file);
        errno = error;
        if (!synced)
            return ERR_SYSTEM;
    }
    return ERR_NONE;
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
        err = sync_earlier(set, &next);
    if (err == ERR_NONE)
        err = aof_increment_open(&set->place, aof_last_increment(&next), 0, &file, &there);
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
    aof_worker_wait(set->worker);
    bool done = look(set);
    ENSURE(done);
    close_next(set);
    if (set->rewriting || set->ending)
        aof_set_fail_rewrite(set);
    if (!aof_set_is_open(set))
        return ERR_NONE;
    enum aof_flush flush = aof_log_flush(&set->log, true);
    bool whole = flush == AOF_FLUSHED && aof_log_sync(&set->log);
    set->log.pending.count = 0;
    set->log.appended = set->log.written;
    aof_log_use(&set->log, -1, 0);
    if (set->provisional)
        remove_behind(set, set->increment_name);
    set->provisional = false;
    return whole ? ERR_NONE : ERR_SYSTEM;
}

/* --- rewriting -------------------------------------------------------------------------------- */

static void note_failure(struct aof_set *set)
{
    set->failures++;
    set->failed_ns = seam_now_ns(set->place.seam);
}

/* All that was told so far is in the file that the rewrite replaces. */
static enum aof_step settle(struct aof_set *set, bool now, enum err *err)
{
    enum aof_flush flush = aof_log_flush(&set->log, now);
    if (flush == AOF_WAITS)
        return AOF_STEP_WAITS;
    if (set->log.pending.count == 0 && flush != AOF_FATAL)
        return AOF_STEP_DONE;
    errno = set->log.error;
    *err = ERR_SYSTEM;
    return AOF_STEP_FAILED;
}

/* Without a log there is no manifest that could name the increment before the base is there. */
static enum aof_step begin_provisional(struct aof_set *set, enum err *err)
{
    uint64_t bytes;
    int file;
    enum aof_step step = settle(set, true, err);
    if (step != AOF_STEP_DONE)
        return step;
    *err = aof_directory_make(&set->place);
    if (*err == ERR_NONE)
        *err = aof_increment_open(&set->place, set->increment_name, O_TRUNC, &file, &bytes);
    if (*err != ERR_NONE)
        return AOF_STEP_FAILED;
    aof_log_use(&set->log, file, 0);
    set->provisional = true;
    return AOF_STEP_DONE;
}

/* With `always` everything is on disk that was answered. */
static enum aof_step prepare(struct aof_set *set, enum err *err)
{
    struct aof_change *change = &set->change;
    *err = aof_manifest_copy(&set->manifest, &change->next);
    if (*err != ERR_NONE)
        return AOF_STEP_FAILED;
    *err = aof_manifest_add_increment(&change->next, set->place.name);
    if (*err != ERR_NONE) {
        aof_manifest_release(&change->next);
        return AOF_STEP_FAILED;
    }
    change->position = 0;
    if (!aof_log_is_synced(&set->log)) {
        change->position = set->log.written;
        aof_worker_sync(set->worker, set->log.file, set->log.written);
    }
    set->preparing = true;
    aof_change_ask(change, AOF_PREPARE);
    return AOF_STEP_WAITS;
}

static enum aof_step go_over(struct aof_set *set, enum err *err)
{
    enum aof_step step = settle(set, false, err);
    if (step != AOF_STEP_DONE)
        return step;
    uint64_t before = set->log.file_bytes;
    if (!aof_log_follow(&set->log, set->next_file)) {
        *err = ERR_MEMORY;
        return AOF_STEP_FAILED;
    }
    set->next_file = -1;
    set->earlier_bytes += before;
    return AOF_STEP_DONE;
}

static enum aof_step begin_next(struct aof_set *set, enum err *err)
{
    bool asked = set->preparing;
    if (set->next_file >= 0) {
        set->preparing = false;
        return go_over(set, err);
    }
    set->preparing = false;
    if (!asked)
        return prepare(set, err);
    *err = set->change.err;
    errno = set->change.error;
    return AOF_STEP_FAILED;
}

enum aof_step aof_set_begin_rewrite(struct aof_set *set, enum err *err)
{
    ENSURE(!set->rewriting);
    enum aof_step step = AOF_STEP_WAITS;
    if (!look(set) || !aof_worker_state(set->remover).idle)
        return step;
    set->losses = set->log.losses;
    if (aof_set_is_open(set) && !set->provisional)
        step = begin_next(set, err);
    else
        step = begin_provisional(set, err);
    if (step == AOF_STEP_FAILED)
        note_failure(set);
    set->rewriting = step == AOF_STEP_DONE;
    return step;
}

void aof_set_fail_rewrite(struct aof_set *set)
{
    bool began = set->rewriting;
    set->rewriting = set->ending = set->preparing = false;
    note_failure(set);
    if (began)
        remove_behind(set, aof_set_temporary(set));
}

/* The new base, the increment that began with it, and all else history. A provisional log has
 * nothing from before that counts. */
static enum err name_files(struct aof_set *set, bool rdb)
{
    struct aof_change *change = &set->change;
    enum err err = aof_manifest_copy(&set->manifest, &change->next);
    if (err != ERR_NONE)
        return err;
    err = aof_manifest_add_base(&change->next, set->place.name, rdb);
    if (err == ERR_NONE && set->provisional)
        err = aof_manifest_add_increment(&change->next, set->place.name);
    if (err != ERR_NONE) {
        aof_manifest_release(&change->next);
        return err;
    }
    aof_manifest_retire(&change->next);
    change->base_name = aof_set_temporary(set);
    change->increment_name = set->provisional ? set->increment_name : NULL;
    return ERR_NONE;
}

static void end_well(struct aof_set *set, uint64_t bytes)
{
    set->rewriting = set->ending = set->provisional = false;
    set->failures = 0;
    aof_log_mend(&set->log, set->losses);
    set->earlier_bytes = bytes;
    set->base_bytes = aof_set_bytes(set);
    delete_history(set);
}

enum aof_step aof_set_end_rewrite(struct aof_set *set, bool rdb, uint64_t bytes, enum err *err)
{
    ENSURE(set->rewriting);
    if (!look(set))
        return AOF_STEP_WAITS;
    if (set->ending) {
        *err = set->change.err;
    } else {
        *err = name_files(set, rdb);
        set->ending = *err == ERR_NONE;
        if (set->ending) {
            aof_change_ask(&set->change, AOF_CONCLUDE);
            return AOF_STEP_WAITS;
        }
    }
    if (*err != ERR_NONE) {
        aof_set_fail_rewrite(set);
        errno = set->change.error;
        return AOF_STEP_FAILED;
    }
    end_well(set, bytes);
    return AOF_STEP_DONE;
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
