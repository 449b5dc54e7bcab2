/* persist/aof_change.h - a change of the files of the log, done by the worker.
 * Model:    what is to be opened, renamed and synced, and the manifest that says so at the end; the
 *           log goes on in the file it has meanwhile:
 *
 *             prepare:   [an increment, empty] -> manifest
 *             conclude:  base and increment get their names -> sync of the directory -> manifest
 *             forget:    manifest
 *
 *           One at a time, behind what the worker was asked for before.
 * Owner:    the set has one. `next` is the worker's from aof_change_ask on until it is not under
 *           way any more; then it is the set's to take or to release.
 * Pointers: the place and the names outlive it.
 * Threads:  the executing thread asks and looks; the worker does it.
 * Failure:  `err` and `error`; what was opened is closed again.
 * Cost:     calls of the system, none of them by the executing thread. */
#ifndef PERSIST_AOF_CHANGE_H
#define PERSIST_AOF_CHANGE_H

#include "persist/aof_manifest.h"
#include "persist/aof_worker.h"

enum aof_change_kind { AOF_NO_CHANGE, AOF_PREPARE, AOF_CONCLUDE, AOF_FORGET };

struct aof_change {
    enum aof_change_kind kind; /* AOF_NO_CHANGE: none under way, none to be looked at */
    const struct aof_place *place;
    struct aof_worker *worker;
    struct aof_manifest next;
    uint64_t position; /* AOF_PREPARE: of the log; on disk before the manifest is */
    const char *base_name, *increment_name; /* AOF_CONCLUDE: temporary ones, or NULL */

    enum err err; /* what came of it */
    int error;    /* errno */
    int file;     /* AOF_PREPARE: the increment, opened */
};

/* pre: none is under way or waits to be looked at. */
void aof_change_ask(struct aof_change *change, enum aof_change_kind kind);
bool aof_change_is_under_way(const struct aof_change *change);

/* The last of the manifest. pre: there is one. */
const char *aof_last_increment(const struct aof_manifest *manifest);
/* Opened to be appended to, and made unless it is there. */
MUST_CHECK enum err aof_increment_open(const struct aof_place *place, const char *name, int flags,
                                       int *file, uint64_t *bytes);

#endif
