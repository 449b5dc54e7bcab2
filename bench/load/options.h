/* load/options.h - the command line: a mode and what it takes.
 * Model:    options are rows; each names a field of the struct and how it is read.
 * Owner:    the caller; strings point into argv.
 * Pointers: as long as argv.
 * Threads:  read-only once parsed.
 * Failure:  options_parse says on standard error what is wrong, and is false.
 * Cost:     none worth naming. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "load/random.h"
#include "load/request.h"

struct range {
    uint64_t min;
    uint64_t max;
};

struct options {
    const char *host;
    const char *unixpath;
    const char *command;
    const char *order;
    const char *prefix;
    const char *workload;
    uint64_t port;
    uint64_t clients;
    uint64_t pipeline;
    uint64_t keys;
    uint64_t ops;
    uint64_t elements; /* 0: the command's own default */
    uint64_t field_bytes;
    uint64_t seed;
    uint64_t delete_seed;
    uint64_t rate;
    uint64_t interval_ms;
    uint64_t live_limit;
    uint64_t write_factor;
    uint64_t spin;
    struct range value_bytes;
    struct range ttl_s;
    double seconds;
    double fraction;
    double zipf;
};

bool options_parse(struct options *options, int count, char **words);
void options_print_help(void);

/* The plan and the picker that these options ask for; both are the caller's to release. */
bool options_plan(const struct options *options, struct request_plan *plan);
bool options_picker(const struct options *options, struct picker *picker);

#endif
