/* load/modes.h - what snug-load can do; each mode prints one JSON object (latency: several).
 * Model:    options in, figures on standard output, an exit code.
 * Owner:    a mode releases all it takes.
 * Pointers: none kept.
 * Threads:  one.
 * Failure:  1 when the server failed or an answer was wrong, and standard error says how.
 * Cost:     the server's. */
#ifndef LOAD_MODES_H
#define LOAD_MODES_H

#include "load/connection.h"
#include "load/loop.h"
#include "load/options.h"

/* One command for --ops or --seconds. */
int mode_run(const struct options *options);
/* DEL of a chosen fraction of the keys, in order. */
int mode_delete(const struct options *options);
/* GET of all keys: each has its value, and those that `delete` chose are absent. */
int mode_verify(const struct options *options);
/* Requests at a fixed rate, measured from when each was due. */
int mode_latency(const struct options *options);
/* RAMCloud's fragmenting workloads. */
int mode_workload(const struct options *options);
/* Serves --port, sending back all it gets, until a signal. */
int mode_echo(const struct options *options);

struct address options_address(const struct options *options);

/* Whether `delete` with this fraction and seed chooses key `number`. */
bool is_deleted(double fraction, uint64_t seed, uint64_t number);

/* Checks GET replies of one client against the values that are due, in order. */
struct expected {
    uint64_t number;
    uint32_t bytes;
    bool absent;
};
struct checker {
    const struct values *values;
    struct expected *queue; /* a ring of `queue_size`, the replies owed */
    uint64_t queue_size;
    uint64_t head;
    uint64_t tail;
    uint64_t checked;
    uint64_t missing; /* null, though it should be there */
    uint64_t extra;   /* there, though it should be absent */
    uint64_t wrong;   /* another size or other bytes */
    bool reported;    /* as wrong: the value being read */
};
bool checker_init(struct checker *checker, const struct values *values, uint64_t queue_size);
void checker_release(struct checker *checker);
void checker_expect(struct checker *checker, struct expected expected);
struct reply_sink checker_sink(struct checker *checker);

#endif
