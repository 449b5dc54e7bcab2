/* snug-load: a load generator for servers that speak RESP. See bench/README.md. */
#include <stdio.h>
#include <string.h>

#include "load/modes.h"

struct mode {
    const char *name;
    int (*run)(const struct options *options);
    const char *command; /* defaults of the mode */
    const char *order;
    double fraction;
    uint64_t clients;
    const char *summary;
};

static const struct mode modes[] = {
    { "run", mode_run, "get", "uniform", 0, 1, "one command for --ops or --seconds" },
    { "fill", mode_run, "set", "sequential", 0, 1, "the same, once over all keys, in order" },
    { "delete", mode_delete, "del", "sequential", 1, 1, "DEL of a --fraction of the keys" },
    { "verify", mode_verify, "get", "sequential", 0, 1, "GET of all keys, values checked" },
    { "latency", mode_latency, "get", "uniform", 0, 8,
      "requests at a fixed --rate, measured from "
      "when each was due" },
    { "workload", mode_workload, "set", "sequential", 0, 4, "RAMCloud's W1 to W8 on --live-limit" },
    { "echo", mode_echo, "get", "uniform", 0, 1, "a server that sends back what it gets" },
};

enum { MODES = sizeof modes / sizeof modes[0] };

static int print_usage(void)
{
    puts("snug-load MODE [--option value ...]: load for a server that speaks RESP.\nModes:");
    for (size_t i = 0; i < MODES; i++) {
        printf("  %-14s %s\n", modes[i].name, modes[i].summary);
    }
    options_print_help();
    return 2;
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < MODES; i++) {
        if (strcmp(modes[i].name, name) == 0) {
            return &modes[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct mode *mode = argc > 1 ? find_mode(argv[1]) : NULL;
    if (mode == NULL) {
        return print_usage();
    }
    struct options options = {
        .host = "127.0.0.1",
        .port = 6379,
        .clients = mode->clients,
        .pipeline = 1,
        .command = mode->command,
        .order = mode->order,
        .fraction = mode->fraction,
        .prefix = "key:",
        .workload = "W1",
        .keys = 1000000,
        .field_bytes = 16,
        .seed = 1,
        .delete_seed = 1,
        .rate = 10000,
        .interval_ms = 500,
        .live_limit = 256u << 20,
        .write_factor = 3,
        .value_bytes = { 64, 64 },
        .zipf = 0.99,
    };
    if (!options_parse(&options, argc - 2, argv + 2)) {
        return 2;
    }
    if (options.ops == 0 && strcmp(mode->name, "fill") == 0) {
        options.ops = options.keys;
    }
    return mode->run(&options);
}
