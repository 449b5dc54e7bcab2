#include "persist/aof_change.h"

#include <errno.h>
#include <fcntl.h>

const char *aof_last_increment(const struct aof_manifest *manifest)
{
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT);
    ENSURE(count > 0);
    return aof_manifest_nth(manifest, AOF_INCREMENT, count - 1)->name;
}

enum err aof_increment_open(const struct aof_place *place, const char *name, int flags, int *file,
                            uint64_t *bytes)
{
    const struct seam *seam = place->seam;
    char path[AOF_PATH_MAX];
    if (!aof_path(place, name, path))
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

/* --- the worker's ----------------------------------------------------------------------------- */

/* The sync was queued in front of this. */
static enum err check_synced(const struct aof_change *change)
{
    struct aof_worker_state state = aof_worker_state(change->worker);
    if (state.synced >= change->position)
        return ERR_NONE;
    errno = state.error != 0 ? state.error : EIO;
    return ERR_SYSTEM;
}

static enum err prepare(struct aof_change *change)
{
    const struct seam *seam = change->place->seam;
    uint64_t bytes;
    int file;
    enum err err = check_synced(change);
    if (err == ERR_NONE)
        err = aof_increment_open(change->place, aof_last_increment(&change->next), O_TRUNC, &file,
                                 &bytes);
    if (err != ERR_NONE)
        return err;
    err = aof_manifest_save(change->place, &change->next);
    if (err == ERR_NONE) {
        change->file = file;
        return ERR_NONE;
    }
    int error = errno;
    seam->close(seam->context, file);
    errno = error;
    return err;
}

static enum err rename_in(const struct aof_place *place, const char *from, const char *to)
{
    const struct seam *seam = place->seam;
    char old[AOF_PATH_MAX], new[AOF_PATH_MAX];
    if (!aof_path(place, from, old) || !aof_path(place, to, new))
        return ERR_LIMIT;
    return seam->rename(seam->context, old, new) == 0 ? ERR_NONE : ERR_SYSTEM;
}

static enum err conclude(struct aof_change *change)
{
    const struct aof_place *place = change->place;
    enum err err =
        rename_in(place, change->base_name, aof_manifest_nth(&change->next, AOF_BASE, 0)->name);
    if (err == ERR_NONE && change->increment_name != NULL)
        err = rename_in(place, change->increment_name, aof_last_increment(&change->next));
    if (err == ERR_NONE)
        err = aof_directory_sync(place->seam, place->directory);
    return err == ERR_NONE ? aof_manifest_save(place, &change->next) : err;
}

static void perform(void *context)
{
    struct aof_change *change = context;
    if (change->kind == AOF_PREPARE)
        change->err = prepare(change);
    else if (change->kind == AOF_CONCLUDE)
        change->err = conclude(change);
    else
        change->err = aof_manifest_save(change->place, &change->next);
    change->error = change->err == ERR_SYSTEM ? errno : 0;
}

/* --- the executing thread's ------------------------------------------------------------------- */

void aof_change_ask(struct aof_change *change, enum aof_change_kind kind)
{
    ENSURE(change->kind == AOF_NO_CHANGE && kind != AOF_NO_CHANGE);
    change->kind = kind;
    change->file = -1;
    aof_worker_run(change->worker, perform, change);
}

bool aof_change_is_under_way(const struct aof_change *change)
{
    return change->kind != AOF_NO_CHANGE && aof_worker_state(change->worker).running;
}
