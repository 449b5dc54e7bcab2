#include <stdio.h>
#include <stdlib.h>

#include "load/modes.h"

struct address options_address(const struct options *options)
{
    return (struct address){ options->host, options->unixpath, (uint16_t)options->port };
}

static struct loop_limits limits_of(const struct options *options, size_t request_bytes)
{
    return (struct loop_limits){ .clients = (unsigned)options->clients,
                                 .pipeline = (unsigned)options->pipeline,
                                 .request_bytes_max = request_bytes,
                                 .seconds = options->seconds };
}

/* ---- one command ---------------------------------------------------------------------------- */

struct run {
    struct request_plan plan;
    struct picker picker;
    uint64_t ops_left;
};

static size_t next_request(void *state, unsigned client, uint8_t *out)
{
    struct run *run = state;
    (void)client;
    if (run->ops_left == 0) {
        return 0;
    }
    run->ops_left--;
    return request_render(&run->plan, &run->picker, out);
}

int mode_run(const struct options *options)
{
    struct run run = { .ops_left = options->ops > 0 ? options->ops : UINT64_MAX };
    if (!options_plan(options, &run.plan) || !options_picker(options, &run.picker)) {
        return 1;
    }
    struct address address = options_address(options);
    struct loop_limits limits = limits_of(options, request_bytes_max(&run.plan));
    struct loop_job job = { .state = &run, .next = next_request };
    struct loop_result result;
    bool done = loop_run(&address, &limits, &job, &result);
    if (done) {
        printf("{\"mode\": \"run\", \"command\": \"%s\", ", options->command);
        loop_print(&result);
        puts("}");
    }
    values_release(&run.plan.values);
    picker_release(&run.picker);
    return done ? 0 : 1;
}

/* ---- delete -----------------------------------------------------------------------------------
 */

struct removal {
    struct request_plan plan;
    const struct options *options;
    uint64_t number;
};

static size_t next_del(void *state, unsigned client, uint8_t *out)
{
    struct removal *removal = state;
    const struct options *options = removal->options;
    (void)client;
    while (removal->number < options->keys) {
        uint64_t number = removal->number++;
        if (is_deleted(options->fraction, options->delete_seed, number)) {
            return request_del(&removal->plan, number, out);
        }
    }
    return 0;
}

int mode_delete(const struct options *options)
{
    struct removal removal = { .options = options };
    if (!options_plan(options, &removal.plan)) {
        return 1;
    }
    struct address address = options_address(options);
    struct loop_limits limits = limits_of(options, request_bytes_max(&removal.plan));
    struct loop_job job = { .state = &removal, .next = next_del };
    struct loop_result result;
    bool done = loop_run(&address, &limits, &job, &result);
    if (done) {
        printf("{\"mode\": \"delete\", ");
        loop_print(&result);
        puts("}");
    }
    values_release(&removal.plan.values);
    return done ? 0 : 1;
}

/* ---- verify -------------------------------------------------------------------------------------
 */

struct audit {
    struct request_plan plan;
    const struct options *options;
    struct checker *checkers; /* one a client */
    struct reply_sink *sinks;
    uint64_t number;
};

static size_t next_check(void *state, unsigned client, uint8_t *out)
{
    struct audit *audit = state;
    const struct options *options = audit->options;
    if (audit->number == options->keys) {
        return 0;
    }
    uint64_t number = audit->number++;
    bool absent = is_deleted(options->fraction, options->delete_seed, number);
    struct expected due = { number, value_bytes(&audit->plan.values, number), absent };
    checker_expect(&audit->checkers[client], due);
    return request_get(&audit->plan, number, out);
}

static bool open_audit(struct audit *audit, const struct options *options)
{
    audit->options = options;
    audit->checkers = calloc(options->clients, sizeof *audit->checkers);
    audit->sinks = calloc(options->clients, sizeof *audit->sinks);
    if (audit->checkers == NULL || audit->sinks == NULL || !options_plan(options, &audit->plan)) {
        return false;
    }
    for (uint64_t i = 0; i < options->clients; i++) {
        /* One more than a batch, since the reply read last keeps its place until the next. */
        if (!checker_init(&audit->checkers[i], &audit->plan.values, options->pipeline + 1)) {
            return false;
        }
        audit->sinks[i] = checker_sink(&audit->checkers[i]);
    }
    return true;
}

static void close_audit(struct audit *audit)
{
    for (uint64_t i = 0; audit->checkers != NULL && i < audit->options->clients; i++) {
        checker_release(&audit->checkers[i]);
    }
    free(audit->checkers);
    free(audit->sinks);
    values_release(&audit->plan.values);
}

static bool print_audit(const struct audit *audit, const struct loop_result *result)
{
    uint64_t missing = 0;
    uint64_t extra = 0;
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < audit->options->clients; i++) {
        missing += audit->checkers[i].missing;
        extra += audit->checkers[i].extra;
        wrong += audit->checkers[i].wrong;
    }
    printf("{\"mode\": \"verify\", \"missing\": %llu, \"extra\": %llu, \"wrong\": %llu, ",
           (unsigned long long)missing, (unsigned long long)extra, (unsigned long long)wrong);
    loop_print(result);
    puts("}");
    return missing + extra + wrong + result->errors == 0;
}

int mode_verify(const struct options *options)
{
    struct audit audit = { 0 };
    struct loop_result result;
    bool right = open_audit(&audit, options);
    if (right) {
        struct address address = options_address(options);
        struct loop_limits limits = limits_of(options, request_bytes_max(&audit.plan));
        struct loop_job job = { &audit, next_check, audit.sinks };
        right = loop_run(&address, &limits, &job, &result) && print_audit(&audit, &result);
    }
    close_audit(&audit);
    return right ? 0 : 1;
}
