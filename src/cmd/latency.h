/* cmd/latency.h - the LATENCY command's parts.
 * Model:    functions behind the rows of latency_commands; events are the observer's, histograms
 *           the table's.
 * Owner:    cmd/.
 * Pointers: as every call's.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as each row says. */
#ifndef CMD_LATENCY_H
#define CMD_LATENCY_H

#include "cmd/args.h"

void latency_doctor(struct call *call);
void latency_graph(struct call *call);
void latency_help(struct call *call);
void latency_histogram(struct call *call);
void latency_history(struct call *call);
void latency_latest(struct call *call);
void latency_reset_events(struct call *call);

#endif
