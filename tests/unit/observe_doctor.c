/* Every rule of the doctor: a world in which it speaks, and one just short of it. */
#include "harness.h"
#include "observe/doctor.h"

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
    report->system_total = report->system_limit = 8 * GB;
    facts.others.snapshot_held = 100 * MB;
    facts.others.cached_scripts = 10;
    facts.machine.memory = facts.machine.limit = 8 * GB;
    return facts;
}

static unsigned findings(const struct doctor_facts *facts, char *names, size_t room)
{
    struct doctor_finding finding;
    unsigned at = 0, count = 0;
    names[0] = 0;
    while (doctor_examine(facts, &at, &finding)) {
        CHECK(strlen(finding.words) > 20 && strlen(finding.words) < DOCTOR_WORDS_MAX - 1);
        CHECK(finding.words[strlen(finding.words) - 1] == '.');
        CHECK(finding.directive[strlen(finding.directive) - 1] == '.');
        strncat(names, finding.name, room - strlen(names) - 1);
        strncat(names, " ", room - strlen(names) - 1);
        count++;
    }
    return count;
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

TEST(the_doctor_knows_the_machine)
{
    struct doctor_facts facts = healthy();
    facts.report.maxmemory = 9 * GB;
    expect(&facts, "maxmemory-beyond-machine");
    facts = healthy();
    facts.report.maxmemory = 8 * GB;
    expect(&facts, NULL);
    facts = healthy();
    facts.report.maxmemory = GB;
    expect(&facts, "small-headroom");
    facts = healthy();
    facts.report.system_limit = GB;
    expect(&facts, "machine-nearly-full");
    facts = healthy();
    facts.machine.cgroup_limit = 2 * GB;
    facts.machine.cgroup_current = GB;
    expect(&facts, NULL);
    facts.machine.cgroup_current = 2 * GB - 100 * MB;
    expect(&facts, "cgroup-nearly-full");
    facts.machine.cgroup_current = GB;
    facts.machine.cgroup_high = GB;
    expect(&facts, "cgroup-nearly-full");
    facts = healthy();
    facts.machine.huge_pages_always = true;
    expect(&facts, "huge-pages");
    facts = healthy();
    facts.machine.counts_reservations = true;
    expect(&facts, "overcommit");
}

TEST(the_doctor_knows_fragmentation)
{
    struct doctor_facts facts = healthy();
    facts.report.heap.active = 1200 * MB;
    facts.report.heap_reclaimable = 250 * MB;
    expect(&facts, "defrag-idle");
    facts.defrag_running = true;
    expect(&facts, "defrag-running");
    facts.defrag_enabled = facts.defrag_running = false;
    expect(&facts, "defrag-off");
    facts = healthy();
    facts.report.held.rounding = 100 * MB;
    expect(&facts, "rounding");
    facts = healthy();
    facts.report.index_bytes = 600 * MB;
    expect(&facts, "large-index");
    facts = healthy();
    facts.report.peak = 2 * GB;
    expect(&facts, "past-peak");
}

TEST(the_doctor_knows_what_is_beside_the_heap)
{
    struct doctor_facts facts = healthy();
    facts.report.clients = 10 * MB;
    expect(&facts, "client-buffers");
    facts = healthy();
    facts.others.replication = 11 * MB;
    expect(&facts, "replica-buffers");
    facts = healthy();
    facts.others.cached_scripts = 1001;
    expect(&facts, "many-scripts");
    facts = healthy();
    facts.report.malloc_active = 40 * MB;
    expect(&facts, "malloc-holes");
    facts = healthy();
    facts.report.parts[MEMORY_HEAP_FREE_SPANS] = 60 * MB;
    facts.report.parts[MEMORY_MALLOC_SPARE] = 60 * MB;
    expect(&facts, "free-pages");
    facts = healthy();
    facts.report.unnamed = (int64_t)(200 * MB);
    expect(&facts, "unnamed");
    facts = healthy();
    facts.report.unnamed = -(int64_t)(200 * MB);
    expect(&facts, NULL);
}

TEST(the_doctor_knows_what_runs_late)
{
    struct doctor_facts facts = healthy();
    facts.stale_percent = 20;
    expect(&facts, "expired-keys");
    facts.keys_with_expiry = 10;
    expect(&facts, NULL);
    facts = healthy();
    facts.others.snapshot_held = 250 * MB;
    expect(&facts, "snapshot-at-limit");
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
