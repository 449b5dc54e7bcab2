/* http/history_reply.h - /api/history: the last hour as JSON, so that curves begin before the page.
 * Model:    {"time_ms": now, "columns": [names], "samples": [[a value for each], ...]}, the oldest
 *           first: one each ten seconds, and each second for the last five minutes.
 *
 *             time_ms      since 1970
 *             interval_ms  what comes after `active` is of so long until then
 *             resident committed used    bytes; `committed` is INFO's held_memory
 *             allocated active           bytes of the heap, in blocks and in spans with blocks
 *             moved returned             bytes
 *             mover_us                   CPU time of defragmentation
 *             commands
 *             mean_ns p99_us             of commands: null where none ran; p99_us is the ceiling
 *                                        of a histogram that 99 of 100 did not pass
 * Owner:    text goes to the caller's buffer.
 * Pointers: none kept.
 * Threads:  the HTTP thread.
 * Failure:  false: no memory.
 * Cost:     some 300 us; 60 KB of text at most. */
#ifndef HTTP_HISTORY_REPLY_H
#define HTTP_HISTORY_REPLY_H

#include "base/buffer.h"
#include "observe/history.h"

/* Now, by both clocks. */
MUST_CHECK bool history_write(const struct history *history, uint64_t now_ns, int64_t wall_ms,
                              struct buffer *text);

#endif
