#include "os/process.h"

#include "base/bytes.h"
#include "base/number.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FILE_TEXT_MAX = 16 * 1024, PATH_BYTES_MAX = 4096 };

/* A file of /proc or /sys, at most `room` bytes of it; its files are made as they are read, so a
 * short read is no sign of the end. */
static struct bytes read_text(const char *path, char *at, size_t room)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t count = 0;
    ssize_t got = 1;
    while (file >= 0 && got > 0 && count < room) {
        got = read(file, at + count, room - count);
        count += got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        close(file);
    return bytes_of(at, count);
}

/* Cuts the next word off the front of `text`; empty at the end. */
static struct bytes next_word(struct bytes *text, const char *between)
{
    size_t begin = 0;
    while (begin < text->count && strchr(between, text->at[begin]) != NULL)
        begin++;
    size_t end = begin;
    while (end < text->count && strchr(between, text->at[end]) == NULL)
        end++;
    struct bytes word = bytes_of(text->at + begin, end - begin);
    *text = bytes_of(text->at + end, text->count - end);
    return word;
}

/* The number after `name` in lines of the form "name   1234 kB". */
static uint64_t figure_of(const char *path, const char *name)
{
    char room[FILE_TEXT_MAX];
    struct bytes text = read_text(path, room, sizeof(room));
    while (text.count > 0) {
        struct bytes line = next_word(&text, "\n");
        uint64_t kib;
        if (bytes_equal(next_word(&line, " \t"), bytes_of_text(name)) &&
            number_read_u64(next_word(&line, " \t"), &kib))
            return kib * 1024;
    }
    return 0;
}

/* The first number of a file; false for "max" and for a file that is not there. */
static bool first_number(const char *path, uint64_t *number)
{
    char room[64];
    struct bytes text = read_text(path, room, sizeof(room));
    return number_read_u64(next_word(&text, " \n"), number);
}

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of /proc/self/statm: the address space, what is resident, what of it are pages of files. */
static uint64_t resident_of(unsigned word)
{
    char room[128];
    struct bytes text = read_text("/proc/self/statm", room, sizeof(room));
    uint64_t pages;
    while (word-- > 0)
        next_word(&text, " ");
    return number_read_u64(next_word(&text, " "), &pages) ? pages * page_bytes() : 0;
}

uint64_t process_resident(void)
{
    return resident_of(1);
}

uint64_t process_resident_files(void)
{
    return resident_of(2);
}

uint64_t process_anonymous(void)
{
    char room[128];
    struct bytes text = read_text("/proc/self/statm", room, sizeof(room));
    uint64_t resident, shared;
    next_word(&text, " ");
    if (!number_read_u64(next_word(&text, " "), &resident) ||
        !number_read_u64(next_word(&text, " "), &shared) || shared > resident)
        return 0;
    return (resident - shared) * page_bytes();
}

uint64_t process_resident_exact(void)
{
    uint64_t bytes = figure_of("/proc/self/smaps_rollup", "Rss:");
    return bytes != 0 ? bytes : process_resident();
}

uint64_t process_resident_peak(void)
{
    return figure_of("/proc/self/status", "VmHWM:");
}

uint64_t machine_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes();
}

/* The least that the groups from `group` up to the root of `mount` allow. A group may say more
 * than its parent has; what holds is the least on the way. */
static uint64_t least_limit(const char *mount, struct bytes group, const char *file)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[PATH_BYTES_MAX];
        uint64_t limit;
        int length = snprintf(path, sizeof(path), "%s%.*s/%s", mount, (int)group.count,
                              (const char *)group.at, file);
        if (length > 0 && (size_t)length < sizeof(path) && first_number(path, &limit) &&
            limit < least)
            least = limit;
        if (group.count == 0)
            return least;
        do
            group.count--;
        while (group.count > 0 && group.at[group.count] != '/');
    }
}

static bool names_memory(struct bytes controllers)
{
    while (controllers.count > 0) {
        if (bytes_is(next_word(&controllers, ","), "memory"))
            return true;
    }
    return false;
}

/* What a figure's file is called in either version; NULL: it has none. */
static const struct {
    const char *second, *first;
} cgroup_files[] = {
    [CGROUP_LIMIT] = { "memory.max", "memory.limit_in_bytes" },
    [CGROUP_HIGH] = { "memory.high", NULL },
    [CGROUP_CURRENT] = { "memory.current", "memory.usage_in_bytes" },
};

/* One line of /proc/self/cgroup: "4:memory:/group" in version 1, "0::/group" in version 2. */
static uint64_t figure_of_line(struct bytes line, const char *root, enum cgroup_figure figure)
{
    const uint8_t *first = memchr(line.at, ':', line.count);
    if (first == NULL)
        return UINT64_MAX;
    const uint8_t *end = line.at + line.count;
    const uint8_t *second = memchr(first + 1, ':', (size_t)(end - first - 1));
    if (second == NULL)
        return UINT64_MAX;
    struct bytes controllers = bytes_of(first + 1, (size_t)(second - first - 1));
    struct bytes group = bytes_of(second + 1, (size_t)(end - second - 1));
    if (group.count == 1)
        group.count = 0; /* the root itself, without its slash */
    if (controllers.count == 0)
        return least_limit(root, group, cgroup_files[figure].second);
    char mount[PATH_BYTES_MAX];
    snprintf(mount, sizeof(mount), "%s/memory", root);
    if (!names_memory(controllers) || cgroup_files[figure].first == NULL)
        return UINT64_MAX;
    return least_limit(mount, group, cgroup_files[figure].first);
}

uint64_t cgroup_memory(struct bytes groups, const char *root, enum cgroup_figure figure)
{
    uint64_t least = UINT64_MAX;
    while (groups.count > 0) {
        uint64_t found = figure_of_line(next_word(&groups, "\n"), root, figure);
        if (found < least)
            least = found;
    }
    return least;
}

uint64_t machine_cgroup_memory(enum cgroup_figure figure)
{
    char room[FILE_TEXT_MAX];
    struct bytes groups = read_text("/proc/self/cgroup", room, sizeof(room));
    return cgroup_memory(groups, "/sys/fs/cgroup", figure);
}

uint64_t machine_memory_limit(void)
{
    uint64_t machine = machine_memory();
    uint64_t allowed = machine_cgroup_memory(CGROUP_LIMIT);
    return allowed < machine ? allowed : machine;
}

bool machine_has_huge_pages_always(void)
{
    char room[256];
    struct bytes text = read_text("/sys/kernel/mm/transparent_hugepage/enabled", room, sizeof room);
    return bytes_equal(next_word(&text, " \n"), BYTES("[always]"));
}

bool machine_counts_reservations(void)
{
    uint64_t mode;
    return first_number("/proc/sys/vm/overcommit_memory", &mode) && mode == 2;
}

static uint64_t us_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void process_cpu(struct process_cpu *cpu)
{
    struct rusage self = { 0 }, children = { 0 }, thread = { 0 };
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    getrusage(RUSAGE_THREAD, &thread);
    *cpu = (struct process_cpu){
        .user_us = us_of(self.ru_utime),
        .system_us = us_of(self.ru_stime),
        .children_user_us = us_of(children.ru_utime),
        .children_system_us = us_of(children.ru_stime),
        .thread_user_us = us_of(thread.ru_utime),
        .thread_system_us = us_of(thread.ru_stime),
    };
}

void machine_text(char *at, size_t bytes)
{
    struct utsname name = { 0 };
    uname(&name);
    snprintf(at, bytes, "%s %s %s", name.sysname, name.release, name.machine);
}

void process_executable(char *at, size_t bytes)
{
    ssize_t count = readlink("/proc/self/exe", at, bytes - 1);
    at[count < 0 ? 0 : count] = '\0';
}

/* Only root may raise the hard limit; when it cannot, the soft one goes up to it. */
uint64_t process_raise_open_files(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur >= wanted)
        return limit.rlim_cur;
    struct rlimit raised = { wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted };
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return wanted;
    raised = (struct rlimit){ limit.rlim_max < wanted ? limit.rlim_max : wanted, limit.rlim_max };
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool process_oom_score_adj(int *adjustment)
{
    char room[32];
    struct bytes text = read_text("/proc/self/oom_score_adj", room, sizeof(room));
    int64_t value;
    if (!number_read_i64(next_word(&text, "\n"), &value) || value < -1000 || value > 1000)
        return false;
    *adjustment = (int)value;
    return true;
}

bool process_set_oom_score_adj(int adjustment)
{
    uint8_t text[NUMBER_I64_MAX];
    size_t count = number_write_i64(text, adjustment);
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool done = write(file, text, count) == (ssize_t)count;
    close(file);
    return done;
}

uint64_t machine_backlog_max(void)
{
    uint64_t connections = 0;
    return first_number("/proc/sys/net/core/somaxconn", &connections) ? connections : 0;
}
