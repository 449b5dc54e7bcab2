/* persist/snapshot.h - the whole store, as it is at one moment, told to a file while it changes.
 * Model:    begun, every key is visited once by the walk of the store: at its turn, or just before
 *           it changes. A small value is written at once; a big one is noted, and told part by part
 *           as it was (struct/past.h). Records never mix: what is written early while another value
 *           is told waits in a buffer of its own.
 *
 *             walk ---- in turn ----> record -----------> chunks -> output (its thread)
 *               |                        ^
 *               +-- early: small -> buffer, big -> note
 *
 *           What is kept for it (copies, notes, bytes not written yet) is bounded: past half of
 *           memory_limit it is pressed, and its steps should go into the way of those who write;
 *           past all of it, it is given up. One value that alone passes it is not counted.
 * Owner:    the snapshot owns the walk, the output and what it keeps.
 * Pointers: options' texts are copied.
 * Threads:  the executing thread; the output has its own.
 * Failure:  SNAPSHOT_FAILED, and the reason as text. The file that was there stays.
 * Cost:     a step goes on until its deadline, and one part of a value, of some 64 KiB, over it. */
#ifndef PERSIST_SNAPSHOT_H
#define PERSIST_SNAPSHOT_H

#include "base/seam.h"
#include "store/store.h"

enum snapshot_use { SNAPSHOT_USE_NONE, SNAPSHOT_USE_LRU, SNAPSHOT_USE_LFU };

struct snapshot_options {
    const struct seam *seam;
    struct store *store;
    const char *directory, *name;
    uint64_t used_memory; /* told in the file */
    unsigned version;     /* of the format; fields that expire may need a later one */
    bool compress, checksum, sync_often;
    bool aof_base;         /* the base of a log */
    bool commands;         /* as commands (persist/aof_commands.h), not as a snapshot */
    enum snapshot_use use; /* what is told of the use of keys */
    uint64_t memory_limit; /* bytes */
    uint64_t key_delay_us; /* between two keys, for tests */
    /* Tells the sources of the libraries of functions, which stand in front; NULL: none. */
    void (*functions)(void *context, void (*tell)(void *to, struct bytes source), void *to);
    void *context;
};

enum snapshot_state {
    SNAPSHOT_RUNNING,
    SNAPSHOT_DONE,
    SNAPSHOT_ABANDONED, /* cancelled, or what it told has been flushed */
    SNAPSHOT_FAILED,
};

struct snapshot_figures {
    uint64_t keys, keys_done; /* when it began; since */
    uint64_t held, held_most; /* bytes that are kept for it */
    uint64_t written;         /* bytes */
    unsigned version;
};

struct snapshot;

/* NULL: nothing has begun. pre: no walk is open and the last one is tidied up. */
MUST_CHECK struct snapshot *snapshot_new(const struct snapshot_options *options);
/* Goes on until the deadline, or until there is nothing to do but to wait. */
enum snapshot_state snapshot_step(struct snapshot *snapshot, uint64_t deadline_ns);
/* The next step has work to do, not only to wait for the disk. */
bool snapshot_is_busy(struct snapshot *snapshot);
/* More than half of what it may keep is kept. */
bool snapshot_is_pressed(struct snapshot *snapshot);
/* Waits for the disk, `most_ns` at most. */
void snapshot_wait(struct snapshot *snapshot, uint64_t most_ns);
/* It ends with SNAPSHOT_ABANDONED, unless the file is named already. */
void snapshot_cancel(struct snapshot *snapshot);
void snapshot_figures(struct snapshot *snapshot, struct snapshot_figures *figures);
/* Why it has failed; "" before. */
const char *snapshot_reason(const struct snapshot *snapshot);
/* Waits for the output's thread. NULL is allowed. */
void snapshot_drop(struct snapshot *snapshot);

#endif
