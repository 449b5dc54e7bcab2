/* os/process.h - what this process holds and uses, and what machine it runs on.
 * Model:    figures read from the kernel at the moment of the call.
 * Owner:    nobody.
 * Pointers: text goes where the caller says.
 * Threads:  any, but for the functions that set something.
 * Failure:  a figure the kernel does not tell is 0.
 * Cost:     process_resident about 2 us; process_resident_exact grows with what is mapped. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/bytes.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes resident. The quick one may lag by some hundred KiB on machines of many cores, since the
 * kernel counts by core and adds up late; the exact one walks all page tables. */
uint64_t process_resident(void);
uint64_t process_resident_files(void); /* of it, pages of files: code, constants */
uint64_t process_resident_exact(void);
/* Of those, what no file stands behind: what the process alone keeps from others. As quick. */
uint64_t process_anonymous(void);
uint64_t process_resident_peak(void); /* since the start */

/* Physical memory of the machine, and the least of that and what the cgroups (version 1 or 2) of
 * this process and their parents allow it. */
uint64_t machine_memory(void);
uint64_t machine_memory_limit(void);
/* Of a control group: what it may hold at most, from where on it is slowed down, and what it holds.
 * The least of those on the way up (what is held is least where the process itself is), of
 * `groups`, text as in /proc/self/cgroup, by the files under `root` (/sys/fs/cgroup); UINT64_MAX
 * when nothing bounds or tells it. */
enum cgroup_figure { CGROUP_LIMIT, CGROUP_HIGH, CGROUP_CURRENT };
uint64_t cgroup_memory(struct bytes groups, const char *root, enum cgroup_figure figure);
uint64_t machine_cgroup_memory(enum cgroup_figure figure); /* of this process */

/* Transparent huge pages are on for whoever does not ask; address space counts as memory
 * (vm.overcommit_memory 2). */
bool machine_has_huge_pages_always(void);
bool machine_counts_reservations(void);

/* CPU time in microseconds. */
struct process_cpu {
    uint64_t user_us, system_us;
    uint64_t children_user_us, children_system_us;
    uint64_t thread_user_us, thread_system_us; /* the calling thread */
};
void process_cpu(struct process_cpu *cpu);

/* "Linux 6.1.0 x86_64" with NUL, cut to fit. */
void machine_text(char *at, size_t bytes);
/* The path of the running executable with NUL; "" when unknown. */
void process_executable(char *at, size_t bytes);

/* Raises the limit of open files to `wanted`, or as near as may be; returns what then holds. */
uint64_t process_raise_open_files(uint64_t wanted);

/* oom_score_adj, -1000 to 1000: how willingly the kernel ends this process when memory is short. */
MUST_CHECK bool process_oom_score_adj(int *adjustment);
MUST_CHECK bool process_set_oom_score_adj(int adjustment);

/* The kernel's bound on tcp-backlog (somaxconn); 0 when unknown. */
uint64_t machine_backlog_max(void);

#endif
