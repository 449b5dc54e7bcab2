/* load/loop.h - the closed loop: each client sends a batch, awaits its replies, sends the next.
 * Model:    a job renders requests; the loop drives clients until the job has no more, the time
 *           is over, or SIGINT or SIGTERM comes. What was sent is always waited for.
 * Owner:    the caller owns job and result.
 * Pointers: the job's for the duration of loop_run.
 * Threads:  one; signals are blocked and read from a descriptor.
 * Failure:  loop_run says on standard error what is wrong, and is false: no connection, the server
 *           gone or silent for a minute. Error replies are counted, not failures.
 * Cost:     two system calls for a batch, and a few ns a reply. */
#ifndef LOAD_LOOP_H
#define LOAD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/connection.h"

struct loop_job {
    void *state;
    /* Writes the next request of `client` to `out`; 0 when there is none. */
    size_t (*next)(void *state, unsigned client, uint8_t *out);
    /* One for each client, or NULL. */
    const struct reply_sink *sinks;
};

struct loop_limits {
    unsigned clients;
    unsigned pipeline;
    size_t request_bytes_max;
    double seconds; /* 0: no limit */
};

struct loop_result {
    uint64_t ops;
    uint64_t errors;
    uint64_t nulls;
    uint64_t elapsed_ns;
    char first_error[REPLY_TEXT_MAX];
};

bool loop_run(const struct address *address, const struct loop_limits *limits,
              const struct loop_job *job, struct loop_result *result);

/* Prints the fields of a result as members of a JSON object, without the braces. */
void loop_print(const struct loop_result *result);

/* A descriptor from which SIGINT, SIGTERM and SIGUSR1, blocked from now on, are read. */
int signals_open(void);
/* The next signal, or 0. */
int signals_read(int fd);

#endif
