/* cmd/latency.h - the LATENCY command's parts.
 * Model:    functions behind the rows of latency_commands; events are the observer's, histograms
 *           the table's.
 * Owner:    cmd/, which tells of events of its own too (latency_begin, latency_end).
 * Pointers: as every call's.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as each row says. */
#ifndef CMD_LATENCY_H
#define CMD_LATENCY_H

#include "cmd/args.h"
#include "observe/latency.h"

/* Around what may take long; without a threshold no clock is read. */
uint64_t latency_begin(const struct cmd_context *context);
void latency_end(const struct cmd_context *context, enum latency_event event, uint64_t began_ns);

void latency_doctor(struct call *call);
void latency_graph(struct call *call);
void latency_help(struct call *call);
void latency_histogram(struct call *call);
void latency_history(struct call *call);
void latency_latest(struct call *call);
void latency_reset_events(struct call *call);

#endif
