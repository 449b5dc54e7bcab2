/* observe/doctor.h - what is wrong with the memory, in plain words, with the directive that helps.
 * Model:    a table of rules, the gravest first. A rule is a pure function of figures that says
 *           whether it applies and in what words; the row has its name and what to change.
 * Owner:    the caller has facts and words.
 * Pointers: names and directives are static.
 * Threads:  doctor_examine: any; doctor_facts: the executing thread.
 * Failure:  none.
 * Cost:     memory_report's, and some comparisons. */
#ifndef OBSERVE_DOCTOR_H
#define OBSERVE_DOCTOR_H

#include "observe/memory_report.h"

struct doctor_facts {
    struct memory_report report;
    struct memory_others others;
    struct machine_facts machine;
    uint32_t clients;
    uint64_t keys, keys_with_expiry;
    double stale_percent; /* of the keys with an expiry, those that are due and still there */
    uint64_t snapshot_limit;
    bool defrag_enabled, defrag_running;
    unsigned defrag_effort;
};

void doctor_facts(struct observer *observer, struct doctor_facts *facts);

enum { DOCTOR_WORDS_MAX = 512 };
struct doctor_finding {
    const char *name;      /* "defrag-off" */
    const char *directive; /* what to change; a sentence */
    char words[DOCTOR_WORDS_MAX];
};

/* Below this use figures mean little, and only the machine is looked at. */
#define DOCTOR_USED_MIN ((uint64_t)5 << 20)

/* The next finding from rule *at on, which begins at 0; false: there is none left. */
MUST_CHECK bool doctor_examine(const struct doctor_facts *facts, unsigned *at,
                               struct doctor_finding *finding);
unsigned doctor_rules(void);

#endif
