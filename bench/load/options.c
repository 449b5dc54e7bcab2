#include "load/options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_COUNT, KIND_RANGE, KIND_REAL };

struct option_row {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t min; /* of a count or a range */
    uint64_t max;
    const char *summary;
};

#define FIELD(field) offsetof(struct options, field)

/* Key numbers have 12 digits in a key, 10 in a field, and pickers draw below 2^32. */
#define KEYS_MAX (UINT64_C(1) << 32)

static const struct option_row rows[] = {
    { "--host", KIND_TEXT, FIELD(host), 0, 0, "numeric address (127.0.0.1)" },
    { "--port", KIND_COUNT, FIELD(port), 1, 65535, "port (6379)" },
    { "--unix", KIND_TEXT, FIELD(unixpath), 0, 0, "path of a socket, instead of host and port" },
    { "--clients", KIND_COUNT, FIELD(clients), 1, 10000, "connections (1; latency: 8)" },
    { "--pipeline", KIND_COUNT, FIELD(pipeline), 1, 100000, "requests sent together (1)" },
    { "--command", KIND_TEXT, FIELD(command), 0, 0, "see below (get; fill: set)" },
    { "--keys", KIND_COUNT, FIELD(keys), 1, KEYS_MAX, "how many keys or members (1000000)" },
    { "--order", KIND_TEXT, FIELD(order), 0, 0, "uniform, zipf or sequential" },
    { "--zipf", KIND_REAL, FIELD(zipf), 0, 0, "exponent of --order zipf (0.99)" },
    { "--prefix", KIND_TEXT, FIELD(prefix), 0, 0, "of keys; a big collection's key (key:)" },
    { "--value-bytes", KIND_RANGE, FIELD(value_bytes), 0, VALUE_BYTES_MAX, "N or MIN-MAX (64)" },
    { "--field-bytes", KIND_COUNT, FIELD(field_bytes), 10, FIELD_BYTES_MAX, "of a member (16)" },
    { "--elements", KIND_COUNT, FIELD(elements), 1, ELEMENTS_MAX, "of MGET, small collections" },
    { "--ttl", KIND_RANGE, FIELD(ttl_s), 1, 1u << 30, "seconds for SET, N or MIN-MAX (none)" },
    { "--seed", KIND_COUNT, FIELD(seed), 0, UINT64_MAX, "of values and keys (1)" },
    { "--ops", KIND_COUNT, FIELD(ops), 1, UINT64_MAX, "end after so many (fill: keys)" },
    { "--seconds", KIND_REAL, FIELD(seconds), 0, 0, "end after so long (until a signal)" },
    { "--rate", KIND_COUNT, FIELD(rate), 1, 10000000, "latency: requests a second (10000)" },
    { "--interval-ms", KIND_COUNT, FIELD(interval_ms), 10, 3600000, "latency: of series (500)" },
    { "--spin", KIND_COUNT, FIELD(spin), 0, 1, "latency: 1 polls instead of sleeping (0)" },
    { "--fraction", KIND_REAL, FIELD(fraction), 0, 0, "of keys deleted (delete: 1, verify: 0)" },
    { "--delete-seed", KIND_COUNT, FIELD(delete_seed), 0, UINT64_MAX, "which are deleted (1)" },
    { "--workload", KIND_TEXT, FIELD(workload), 0, 0, "W1 to W8" },
    { "--live-limit", KIND_COUNT, FIELD(live_limit), 1 << 20, UINT64_C(1) << 44,
      "workload: bytes of live payload (256mb)" },
    { "--write-factor", KIND_COUNT, FIELD(write_factor), 1, 100,
      "workload: a phase writes so many times the limit (3)" },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* A count with an optional unit, k m g (powers of 1000) or kb mb gb (of 1024); *end is behind. */
static bool read_count(const char *text, const char **end, uint64_t *count)
{
    static const struct unit {
        const char *name;
        uint64_t factor;
    } units[] = { { "kb", 1 << 10 }, { "mb", 1 << 20 }, { "gb", 1 << 30 },
                  { "k", 1000 },     { "m", 1000000 },  { "g", 1000000000 } };
    char *stop;
    errno = 0;
    unsigned long long read = strtoull(text, &stop, 10);
    if (*text < '0' || *text > '9' || errno != 0) {
        return false;
    }
    uint64_t factor = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && factor == 1; i++) {
        size_t bytes = strlen(units[i].name);
        if (strncmp(stop, units[i].name, bytes) == 0) {
            factor = units[i].factor;
            stop += bytes;
        }
    }
    *end = stop;
    return !__builtin_mul_overflow((uint64_t)read, factor, count);
}

static bool read_range(const char *text, struct range *range)
{
    const char *end;
    if (!read_count(text, &end, &range->min)) {
        return false;
    }
    range->max = range->min;
    if (*end == '-' && !read_count(end + 1, &end, &range->max)) {
        return false;
    }
    return *end == '\0' && range->min <= range->max;
}

static bool read_real(const char *text, double *real)
{
    char *end;
    *real = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*real) && *real >= 0;
}

static bool set_option(struct options *options, const struct option_row *row, char *word)
{
    void *field = (char *)options + row->offset;
    struct range range;
    switch (row->kind) {
    case KIND_TEXT:
        *(const char **)field = word;
        return true;
    case KIND_REAL:
        return read_real(word, field);
    case KIND_COUNT:
    case KIND_RANGE:
        break;
    }
    if (!read_range(word, &range) || range.min < row->min || range.max > row->max) {
        return false;
    }
    if (row->kind == KIND_RANGE) {
        *(struct range *)field = range;
    } else {
        *(uint64_t *)field = range.min;
    }
    return row->kind == KIND_RANGE || range.min == range.max;
}

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool options_parse(struct options *options, int count, char **words)
{
    for (int i = 0; i < count; i += 2) {
        const struct option_row *row = find_row(words[i]);
        if (row == NULL || i + 1 == count) {
            fprintf(stderr, "snug-load: %s: %s\n", words[i],
                    row == NULL ? "no such option" : "a value is missing");
            return false;
        }
        if (!set_option(options, row, words[i + 1])) {
            fprintf(stderr, "snug-load: %s %s: not a value it takes\n", words[i], words[i + 1]);
            return false;
        }
    }
    return true;
}

void options_print_help(void)
{
    puts("Options (counts take k, m, g, kb, mb, gb):");
    for (size_t i = 0; i < ROWS; i++) {
        printf("  %-14s %s\n", rows[i].name, rows[i].summary);
    }
    puts("Commands:");
    const struct request_row *row;
    for (size_t i = 0; (row = request_row_at(i)) != NULL; i++) {
        printf("  %-14s %s\n", row->name, row->summary);
    }
}

bool options_plan(const struct options *options, struct request_plan *plan)
{
    const struct request_row *row = request_find(options->command);
    if (row == NULL) {
        fprintf(stderr, "snug-load: --command %s: no such command\n", options->command);
        return false;
    }
    if (strlen(options->prefix) > PREFIX_MAX) {
        fprintf(stderr, "snug-load: --prefix is longer than %d bytes\n", PREFIX_MAX);
        return false;
    }
    *plan = (struct request_plan){
        .row = row,
        .prefix = options->prefix,
        .prefix_bytes = strlen(options->prefix),
        .elements = options->elements > 0 ? (uint32_t)options->elements : row->default_elements,
        .field_bytes = (uint32_t)options->field_bytes,
        .ttl_min_s = (uint32_t)options->ttl_s.min,
        .ttl_max_s = (uint32_t)options->ttl_s.max,
    };
    return values_init(&plan->values, (uint32_t)options->value_bytes.min,
                       (uint32_t)options->value_bytes.max, options->seed);
}

bool options_picker(const struct options *options, struct picker *picker)
{
    static const char *const names[] = { "sequential", "uniform", "zipf" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(options->order, names[i]) == 0) {
            return picker_init(picker, (enum order)i, options->keys, options->seed, options->zipf);
        }
    }
    fprintf(stderr, "snug-load: --order %s: not uniform, zipf or sequential\n", options->order);
    return false;
}
