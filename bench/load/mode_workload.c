/* RAMCloud's workloads (Rumble, Kejriwal, Ousterhout: Log-structured Memory for DRAM-based
 * Storage, FAST 2014, table 1). A first phase writes objects of one range of sizes, several times
 * the live limit, while random deletes hold the limit; then a share of what lives is deleted; then
 * the same again with another range. Keys are never used twice. Each client has its own objects,
 * so that the order of its requests is the order in which they are executed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/modes.h"

struct workload {
    const char *name;
    struct range before;
    double deleted;
    struct range after; /* {0, 0}: no second phase */
};

static const struct workload workloads[] = {
    { "W1", { 100, 100 }, 0.0, { 0, 0 } },         { "W2", { 100, 100 }, 0.0, { 130, 130 } },
    { "W3", { 100, 100 }, 0.9, { 130, 130 } },     { "W4", { 100, 150 }, 0.0, { 200, 250 } },
    { "W5", { 100, 150 }, 0.9, { 200, 250 } },     { "W6", { 100, 200 }, 0.5, { 1000, 2000 } },
    { "W7", { 1000, 2000 }, 0.9, { 1500, 2500 } }, { "W8", { 50, 150 }, 0.9, { 5000, 15000 } },
};

enum { PHASES = 3, OBJECT_OVERHEAD_GOAL = 20 };

/* An object that lives: its number and, since phases differ, the bytes of its value. */
struct object {
    uint64_t number : 40;
    uint64_t bytes : 24;
};

struct owner {
    struct object *live;
    uint64_t live_count;
    uint64_t live_size;
    uint64_t live_bytes; /* keys and values */
    uint64_t written_bytes;
    uint64_t next_number;
    uint64_t deletes_left; /* of the phase between */
    uint64_t verified;
    struct random random;
    struct checker checker;
};

struct herd {
    const struct options *options;
    struct request_plan plan; /* bounds of its values change with the phase */
    struct owner *owners;
    struct reply_sink *sinks;
    uint64_t limit_bytes; /* of one owner */
    uint64_t phase_bytes; /* that one owner writes in a phase */
    uint64_t live_count;  /* of all owners together */
    uint64_t live_bytes;
    uint64_t peak_bytes; /* of payload and OBJECT_OVERHEAD_GOAL an object */
    uint64_t peak_live_bytes;
    uint64_t writes;
    uint64_t written_bytes; /* keys and values, all phases */
    bool out_of_memory;
};

static uint64_t payload(const struct herd *herd, uint64_t bytes)
{
    return herd->plan.prefix_bytes + KEY_DIGITS + bytes;
}

static void count_live(struct herd *herd)
{
    uint64_t bytes = herd->live_bytes + herd->live_count * OBJECT_OVERHEAD_GOAL;
    if (bytes > herd->peak_bytes) {
        herd->peak_bytes = bytes;
    }
    if (herd->live_bytes > herd->peak_live_bytes) {
        herd->peak_live_bytes = herd->live_bytes;
    }
}

static bool make_room(struct owner *owner)
{
    if (owner->live_count < owner->live_size) {
        return true;
    }
    uint64_t size = owner->live_size * 2 + 1024;
    struct object *grown = realloc(owner->live, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    owner->live = grown;
    owner->live_size = size;
    return true;
}

static size_t delete_one(struct herd *herd, struct owner *owner, uint8_t *out)
{
    uint64_t victim = random_below(&owner->random, owner->live_count);
    struct object object = owner->live[victim];
    owner->live[victim] = owner->live[--owner->live_count];
    uint64_t bytes = payload(herd, object.bytes);
    owner->live_bytes -= bytes;
    herd->live_bytes -= bytes;
    herd->live_count--;
    return request_del(&herd->plan, object.number, out);
}

static struct object pack(uint64_t number, uint32_t bytes)
{
    return (struct object){ number & ((UINT64_C(1) << 40) - 1), bytes & 0xffffff };
}

static size_t write_one(struct herd *herd, struct owner *owner, uint32_t bytes, uint8_t *out)
{
    if (!make_room(owner)) {
        herd->out_of_memory = true;
        return 0;
    }
    uint64_t number = owner->next_number;
    owner->next_number += herd->options->clients;
    owner->live[owner->live_count++] = pack(number, bytes);
    owner->live_bytes += payload(herd, bytes);
    owner->written_bytes += payload(herd, bytes);
    herd->live_bytes += payload(herd, bytes);
    herd->live_count++;
    herd->writes++;
    herd->written_bytes += payload(herd, bytes);
    count_live(herd);
    return request_set(&herd->plan, number, out);
}

static size_t next_write(void *state, unsigned client, uint8_t *out)
{
    struct herd *herd = state;
    struct owner *owner = &herd->owners[client];
    if (owner->written_bytes >= herd->phase_bytes) {
        return 0;
    }
    uint32_t bytes = value_bytes(&herd->plan.values, owner->next_number);
    if (owner->live_bytes + payload(herd, bytes) > herd->limit_bytes && owner->live_count > 0) {
        return delete_one(herd, owner, out);
    }
    return write_one(herd, owner, bytes, out);
}

static size_t next_removal(void *state, unsigned client, uint8_t *out)
{
    struct herd *herd = state;
    struct owner *owner = &herd->owners[client];
    if (owner->deletes_left == 0) {
        return 0;
    }
    owner->deletes_left--;
    return delete_one(herd, owner, out);
}

static size_t next_verify(void *state, unsigned client, uint8_t *out)
{
    struct herd *herd = state;
    struct owner *owner = &herd->owners[client];
    if (owner->verified == owner->live_count) {
        return 0;
    }
    struct object object = owner->live[owner->verified++];
    struct expected due = { object.number, (uint32_t)object.bytes, false };
    checker_expect(&owner->checker, due);
    return request_get(&herd->plan, object.number, out);
}

/* ---- phases -------------------------------------------------------------------------------------
 */

static bool run_job(struct herd *herd, const struct loop_job *job, struct loop_result *result)
{
    const struct options *options = herd->options;
    struct address address = options_address(options);
    struct loop_limits limits = { (unsigned)options->clients, (unsigned)options->pipeline,
                                  request_bytes_max(&herd->plan), 0 };
    return loop_run(&address, &limits, job, result) && !herd->out_of_memory;
}

static bool write_phase(struct herd *herd, struct range bytes, struct loop_result *result)
{
    herd->plan.values.bytes_min = (uint32_t)bytes.min;
    herd->plan.values.bytes_max = (uint32_t)bytes.max;
    for (uint64_t i = 0; i < herd->options->clients; i++) {
        herd->owners[i].written_bytes = 0;
    }
    struct loop_job job = { herd, next_write, NULL };
    return run_job(herd, &job, result);
}

static bool delete_phase(struct herd *herd, double fraction, struct loop_result *result)
{
    for (uint64_t i = 0; i < herd->options->clients; i++) {
        struct owner *owner = &herd->owners[i];
        owner->deletes_left = (uint64_t)((double)owner->live_count * fraction);
    }
    struct loop_job job = { herd, next_removal, NULL };
    return run_job(herd, &job, result);
}

static bool run_phases(struct herd *herd, const struct workload *workload,
                       struct loop_result results[PHASES])
{
    if (!write_phase(herd, workload->before, &results[0])) {
        return false;
    }
    if (workload->after.max == 0) {
        return true;
    }
    return delete_phase(herd, workload->deleted, &results[1]) &&
           write_phase(herd, workload->after, &results[2]);
}

/* ---- beginning and end --------------------------------------------------------------------------
 */

static const struct workload *find_workload(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(workloads[i].name, name) == 0) {
            return &workloads[i];
        }
    }
    fprintf(stderr, "snug-load: --workload %s: not W1 to W8\n", name);
    return NULL;
}

static bool open_herd(struct herd *herd, const struct workload *workload)
{
    const struct options *options = herd->options;
    struct options wide = *options; /* the pool has to serve both ranges */
    wide.value_bytes = (struct range){ workload->before.min, workload->after.max };
    if (workload->before.max > workload->after.max) {
        wide.value_bytes.max = workload->before.max;
    }
    herd->owners = calloc(options->clients, sizeof *herd->owners);
    herd->sinks = calloc(options->clients, sizeof *herd->sinks);
    if (herd->owners == NULL || herd->sinks == NULL || !options_plan(&wide, &herd->plan)) {
        return false;
    }
    herd->limit_bytes = options->live_limit / options->clients;
    herd->phase_bytes = herd->limit_bytes * options->write_factor;
    for (uint64_t i = 0; i < options->clients; i++) {
        struct owner *owner = &herd->owners[i];
        owner->next_number = i;
        owner->random = (struct random){ mix64(options->seed * 1000 + i) };
        if (!checker_init(&owner->checker, &herd->plan.values, options->pipeline + 1)) {
            return false;
        }
        herd->sinks[i] = checker_sink(&owner->checker);
    }
    return true;
}

static void close_herd(struct herd *herd)
{
    for (uint64_t i = 0; herd->owners != NULL && i < herd->options->clients; i++) {
        free(herd->owners[i].live);
        checker_release(&herd->owners[i].checker);
    }
    free(herd->owners);
    free(herd->sinks);
    values_release(&herd->plan.values);
}

static uint64_t count_bad(const struct herd *herd)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < herd->options->clients; i++) {
        const struct checker *checker = &herd->owners[i].checker;
        bad += checker->missing + checker->wrong;
    }
    return bad;
}

static void add_up(struct loop_result *sum, const struct loop_result results[PHASES])
{
    for (unsigned i = 0; i < PHASES; i++) {
        sum->ops += results[i].ops;
        sum->errors += results[i].errors;
        sum->nulls += results[i].nulls;
        sum->elapsed_ns += results[i].elapsed_ns;
        if (sum->first_error[0] == '\0') {
            memcpy(sum->first_error, results[i].first_error, sizeof sum->first_error);
        }
    }
}

static void print_herd(const struct herd *herd, const struct loop_result results[PHASES])
{
    struct loop_result sum = { 0 };
    add_up(&sum, results);
    printf("{\"mode\": \"workload\", \"workload\": \"%s\", \"live_objects\": %llu, "
           "\"live_bytes\": %llu, \"peak_live_bytes\": %llu, \"peak_goal_bytes\": %llu, "
           "\"writes\": %llu, \"written_bytes\": %llu, \"wrong\": %llu, ",
           herd->options->workload, (unsigned long long)herd->live_count,
           (unsigned long long)herd->live_bytes, (unsigned long long)herd->peak_live_bytes,
           (unsigned long long)herd->peak_bytes, (unsigned long long)herd->writes,
           (unsigned long long)herd->written_bytes, (unsigned long long)count_bad(herd));
    loop_print(&sum);
    puts("}");
}

int mode_workload(const struct options *options)
{
    const struct workload *workload = find_workload(options->workload);
    struct herd herd = { .options = options };
    struct loop_result results[PHASES] = { 0 };
    struct loop_result verified = { 0 };
    if (workload == NULL) {
        return 1;
    }
    bool done = open_herd(&herd, workload) && run_phases(&herd, workload, results);
    if (done) {
        struct loop_job job = { &herd, next_verify, herd.sinks };
        done = run_job(&herd, &job, &verified);
        print_herd(&herd, results);
        done = done && count_bad(&herd) == 0;
    }
    close_herd(&herd);
    return done ? 0 : 1;
}
