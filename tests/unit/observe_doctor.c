/* Every rule of the doctor: a world in which it speaks, and one just short of it. */
#include "harness.h"
#include "observe/doctor.h"

#include <stddef.h>
#include <string.h>

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

/* A healthy server of a gigabyte. */
static struct doctor_facts healthy(void)
{
    struct doctor_facts facts = { .clients = 10,
                                  .keys = 1000000,
                                  .keys_with_expiry = 500000,
                                  .snapshot_limit = 256 * MB,
                                  .defrag_enabled = true };
    struct memory_report *report = &facts.report;
    report->used = report->peak = GB;
    report->rss = GB + 20 * MB;
    report->heap.allocated = 900 * MB;
    report->heap.active = 920 * MB;
    report->held.rounding = 18 * MB;
    report->index_bytes = 60 * MB;
    report->malloc_allocated = 20 * MB;
    report->malloc_active = 22 * MB;
    report->clients = MB;
    report->parts[MEMORY_HEAP_FREE_SPANS] = 60 * MB;
    report->system_total = report->system_limit = 8 * GB;
    facts.others.snapshot_held = 100 * MB;
    facts.others.cached_scripts = 10;
    facts.machine.memory = facts.machine.limit = 8 * GB;
    facts.machine.cgroup_limit = 2 * GB;
    facts.machine.cgroup_current = GB;
    return facts;
}

/* The names of all findings, each with a space behind it. */
static void findings(const struct doctor_facts *facts, char *names, size_t room)
{
    struct doctor_finding finding;
    unsigned at = 0;
    names[0] = 0;
    while (doctor_examine(facts, &at, &finding)) {
        CHECK(strlen(finding.words) > 20 && strlen(finding.words) < DOCTOR_WORDS_MAX - 1);
        CHECK(finding.words[strlen(finding.words) - 1] == '.');
        CHECK(finding.directive[strlen(finding.directive) - 1] == '.');
        strncat(names, finding.name, room - strlen(names) - 1);
        strncat(names, " ", room - strlen(names) - 1);
    }
}

static void expect(const struct doctor_facts *facts, const char *name)
{
    char names[512], wanted[64] = "";
    if (name != NULL) {
        strncat(wanted, name, sizeof wanted - 2);
        strncat(wanted, " ", sizeof wanted - strlen(wanted) - 1);
    }
    findings(facts, names, sizeof names);
    CHECKF(strcmp(names, wanted) == 0, "found '%s', wanted '%s'", names, wanted);
}

TEST(the_doctor_says_nothing_of_a_healthy_server)
{
    struct doctor_facts facts = healthy();
    expect(&facts, NULL);
}

/* One figure of the healthy server, of 64 bits: where the rule speaks, and where not yet. */
static const struct {
    const char *name;
    size_t figure;
    uint64_t speaks, silent;
} figures[] = {
#define FIGURE(member) offsetof(struct doctor_facts, member)
    { "maxmemory-beyond-machine", FIGURE(report.maxmemory), 8 * GB + 1, 8 * GB },
    { "small-headroom", FIGURE(report.maxmemory), 1098 * MB, 1100 * MB },
    { "machine-nearly-full", FIGURE(report.system_limit), 1159 * MB, 1161 * MB },
    { "cgroup-nearly-full", FIGURE(machine.cgroup_current), 1844 * MB, 1843 * MB },
    { "cgroup-nearly-full", FIGURE(machine.cgroup_high), 1137 * MB, 1138 * MB },
    { "cgroup-nearly-full", FIGURE(machine.cgroup_limit), 1137 * MB, 0 },
    { "defrag-idle", FIGURE(report.heap.active), 991 * MB, 990 * MB },
    { "rounding", FIGURE(report.held.rounding), 73 * MB, 72 * MB },
    { "large-index", FIGURE(report.index_bytes), 485 * MB, 484 * MB },
    { "past-peak", FIGURE(report.peak), 1537 * MB, 1536 * MB },
    { "client-buffers", FIGURE(report.clients), 10 * (200 * 1024 + 1), 10 * 200 * 1024 },
    { "replica-buffers", FIGURE(others.replication), 10 * MB + 1, 10 * MB },
    { "many-scripts", FIGURE(others.cached_scripts), 1001, 1000 },
    { "malloc-holes", FIGURE(report.malloc_active), 30 * MB + 1, 30 * MB },
    { "free-pages", FIGURE(report.parts[MEMORY_MALLOC_SPARE]), 45 * MB, 44 * MB },
    { "unnamed", FIGURE(report.unnamed), 105 * MB, 104 * MB },
    { "snapshot-at-limit", FIGURE(others.snapshot_held), 231 * MB, 230 * MB },
};

TEST(the_doctor_speaks_past_each_bound_and_not_before)
{
    for (size_t at = 0; at < sizeof figures / sizeof figures[0]; at++) {
        struct doctor_facts facts = healthy();
        memcpy((char *)&facts + figures[at].figure, &figures[at].silent, sizeof(uint64_t));
        expect(&facts, NULL);
        memcpy((char *)&facts + figures[at].figure, &figures[at].speaks, sizeof(uint64_t));
        expect(&facts, figures[at].name);
    }
}

TEST(the_doctor_knows_the_machine)
{
    struct doctor_facts facts = healthy();
    facts.machine.huge_pages_always = true;
    expect(&facts, "huge-pages");
    facts = healthy();
    facts.machine.counts_reservations = true;
    expect(&facts, "overcommit");
}

TEST(the_doctor_knows_what_is_done_about_fragmentation)
{
    struct doctor_facts facts = healthy();
    facts.report.heap.active = 1200 * MB;
    facts.report.heap_reclaimable = 250 * MB;
    expect(&facts, "defrag-idle");
    facts.defrag_running = true;
    expect(&facts, "defrag-running");
    facts.defrag_enabled = facts.defrag_running = false;
    expect(&facts, "defrag-off");
}

/* Parts that nobody has touched yet. */
TEST(the_doctor_takes_less_than_nothing_for_nothing)
{
    struct doctor_facts facts = healthy();
    facts.report.unnamed = -(int64_t)(200 * MB);
    expect(&facts, NULL);
}

TEST(the_doctor_knows_what_is_due_and_still_there)
{
    struct doctor_facts facts = healthy();
    facts.stale_percent = 10;
    expect(&facts, NULL);
    facts.stale_percent = 10.1;
    expect(&facts, "expired-keys");
    facts.keys_with_expiry = 1000;
    expect(&facts, NULL);
}

TEST(the_doctor_looks_at_the_machine_alone_where_there_is_hardly_any_data)
{
    struct doctor_facts facts = healthy();
    facts.report.used = 4 * MB;
    facts.report.peak = GB;
    facts.others.cached_scripts = 100000;
    expect(&facts, NULL);
    facts.machine.counts_reservations = true;
    expect(&facts, "overcommit");
}

TEST(every_rule_of_the_doctor_was_provoked)
{
    CHECK_EQ(doctor_rules(), 20); /* one more: give it a world above */
}
