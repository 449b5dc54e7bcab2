/* http/state.h - an edition as JSON, for the page.
 * Model:    one object:
 *
 *             edition   number, time_ms (when it was made), age_ms, cost_us
 *             figures   INFO's sections by title, each an object of its lines; then "Snug", what
 *                       INFO does not say. A value that is a number is one, others are text
 *             heap      kinds: [name]; classes: [bytes of a cell]; span_bytes; lanes: for each kind
 *                       and class that has spans {kind, class, cell_bytes, cells_per_span,
 *                       span_bytes, spans, draining, live, free_cells, reclaimable, move_bytes,
 *                       by_occupancy: [16]}; draining, move_bytes and by_occupancy are of the last
 *                       whole sweep over the spans, and 0 before one has ended
 *             mover     slice_us: {ceilings: [us], counts: [at most so long, longer than before],
 *                       count, total_us}
 *             commands  [{name, calls, usec, rejected, failed}]
 *             latency   of all commands: ceilings_us: [us], within: [calls that took at most so
 *                       long], count
 *             doctor    its words
 *             biggest   visited (keys of this round), rounds (whole ones), keys: [{db, name, cut,
 *                       name_bytes, type, encoding, elements, bytes}], the biggest first; bytes of
 *                       a name that are no text stand as \xNN
 *             http      requests, connections, denied
 *
 * Owner:    text goes to the caller's buffer.
 * Pointers: none kept.
 * Threads:  the HTTP thread.
 * Failure:  false: no memory.
 * Cost:     some 100 us. */
#ifndef HTTP_STATE_H
#define HTTP_STATE_H

#include "http/metrics.h"

MUST_CHECK bool state_write(const struct edition *edition, const struct http_figures *figures,
                            uint64_t now_ns, struct buffer *text);

#endif
