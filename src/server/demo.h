/* server/demo.h - `snug-server --demo`: loads data, fragments it and heals it, and tells of it.
 * Model:    the server is an ordinary one on loopback; a thread of its own is its client, over a
 *           socket, so that what is shown is what any client would see.
 *
 *             load ─▶ delete most keys ─▶ a key, or some seconds ─▶ activedefrag yes ─▶ compare
 *
 * Owner:    main makes one where --demo was asked for.
 * Pointers: the server outlives it.
 * Threads:  its own, and main's, which begins and ends it.
 * Failure:  it says so in the terminal; the server is ended as by SHUTDOWN.
 * Cost:     memory: what was asked for, and no more. */
#ifndef SERVER_DEMO_H
#define SERVER_DEMO_H

#include "base/buffer.h"
#include "base/seam.h"

enum { DEMO_MEGABYTES = 400, DEMO_MEGABYTES_MIN = 16, DEMO_MEGABYTES_MAX = 64 * 1024 };

struct demo;

struct demo_start {
    const struct seam *seam;
    uint64_t megabytes;
    uint16_t port, http_port;
};

enum { DEMO_DIRECTORY_MAX = 64 };
/* Puts the options of a demo before those that were given: loopback, free ports, no files; should
 * somebody save all the same, it is in a directory of the demo's own, whose path is written to
 * `directory`. */
MUST_CHECK bool demo_options(struct buffer *options, char directory[DEMO_DIRECTORY_MAX]);
/* NULL: no thread. */
MUST_CHECK struct demo *demo_begin_thread(const struct demo_start *start);
/* Ends the thread wherever it is; answers the process's exit code. */
int demo_end_thread(struct demo *demo);

#endif
