/* tests/unit/aof_disk_world.h - a disk in memory that stops after any number of steps.
 * Model:    named files; a byte written is a step, so is every other change. When the steps are
 *           used up all changes fail, as for a process whose machine went down: what was written
 *           before is there. Reading always works.
 * Owner:    the test; disk_release ends it.
 * Pointers: the seam is the disk's.
 * Threads:  a lock around all.
 * Failure:  ENSURE.
 * Cost:     linear in the number of files. */
#ifndef TESTS_UNIT_AOF_DISK_WORLD_H
#define TESTS_UNIT_AOF_DISK_WORLD_H

#include "base/buffer.h"
#include "base/seam.h"

#include <pthread.h>

enum { DISK_FILES = 32, DISK_HANDLES = 64, DISK_PATH = 128 };

struct disk {
    struct seam seam;
    pthread_mutex_t mutex;
    pthread_mutex_t stall; /* whoever holds it holds every sync */
    struct disk_file {
        char path[DISK_PATH]; /* "" when there is none, or it was unlinked */
        struct buffer content;
        size_t synced; /* bytes that a machine which stops does not lose */
        bool directory;
    } files[DISK_FILES];
    struct disk_handle {
        int file; /* -1: free */
        size_t at;
        bool append;
    } handles[DISK_HANDLES];
    uint64_t steps; /* left */
    uint64_t used;
    int error;       /* what fails then */
    bool refuse_cut; /* truncate fails */
    bool refuse_sync;
    bool once; /* what fails is one step; the disk works again after it */
    uint64_t now_ns;
    pthread_t maker;    /* the thread of disk_init */
    uint64_t its_waits; /* calls of it that may wait for the disk: syncs, renames, ... */
};

void disk_init(struct disk *disk);
void disk_release(struct disk *disk);
/* The machine is up again, with open files forgotten. */
void disk_restart(struct disk *disk, uint64_t steps);
/* Of what was not synced the later half is lost, in files whose paths end so; names are where they
 * were. */
void disk_forget(struct disk *disk, const char *ending);
struct bytes disk_content(struct disk *disk, const char *path);
bool disk_has(struct disk *disk, const char *path);
void disk_put(struct disk *disk, const char *path, struct bytes content);

#endif
