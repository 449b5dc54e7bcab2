/* --test-memory and --check-system: requests that test the machine and end. */
#include "base/memory.h"
#include "base/rng.h"
#include "server/cmdline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_ROUNDS = 3 };

struct pattern {
    const char *name;
    /* The word that belongs at an index in one round. */
    uint64_t (*word)(struct rng *rng, size_t index, unsigned round);
};

static uint64_t address_word(struct rng *rng, size_t index, unsigned round)
{
    (void)rng;
    return round % 2 == 0 ? (uint64_t)index : ~(uint64_t)index;
}

static uint64_t random_word(struct rng *rng, size_t index, unsigned round)
{
    (void)index;
    (void)round;
    return rng_next(rng);
}

static uint64_t solid_word(struct rng *rng, size_t index, unsigned round)
{
    (void)rng;
    return (index + round) % 2 == 0 ? UINT64_MAX : 0;
}

static uint64_t checker_word(struct rng *rng, size_t index, unsigned round)
{
    (void)rng;
    return (index + round) % 2 == 0 ? UINT64_C(0xaaaaaaaaaaaaaaaa) : UINT64_C(0x5555555555555555);
}

static const struct pattern patterns[] = {
    { "addresses", address_word },
    { "random", random_word },
    { "solid", solid_word },
    { "checkerboard", checker_word },
};

/* Fills all words, then reads them back; the generator starts anew for the second pass. */
static size_t run_pattern(const struct pattern *pattern, volatile uint64_t *words, size_t count,
                          unsigned round)
{
    struct rng rng;
    size_t errors = 0;
    rng_init(&rng, round);
    for (size_t i = 0; i < count; i++)
        words[i] = pattern->word(&rng, i, round);
    rng_init(&rng, round);
    for (size_t i = 0; i < count; i++)
        errors += words[i] != pattern->word(&rng, i, round);
    return errors;
}

static size_t run_rounds(volatile uint64_t *words, size_t count)
{
    size_t errors = 0;
    for (unsigned round = 0; round < MEMORY_ROUNDS; round++) {
        for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
            size_t found = run_pattern(&patterns[i], words, count, round);
            printf("round %u of %d, %s: %zu errors\n", round + 1, MEMORY_ROUNDS, patterns[i].name,
                   found);
            (void)fflush(stdout);
            errors += found;
        }
    }
    return errors;
}

int cmdline_test_memory(uint64_t megabytes)
{
    if (megabytes == 0 || megabytes > SIZE_MAX / 1024 / 1024) {
        fprintf(stderr, "Please specify the amount of memory to test in megabytes.\n"
                        "Example: snug-server --test-memory 4096\n\n");
        return 1;
    }
    size_t bytes = (size_t)megabytes * 1024 * 1024;
    uint64_t *words = memory_take(bytes);
    if (words == NULL) {
        fprintf(stderr, "Unable to allocate %" PRIu64 " megabytes.\n", megabytes);
        return 1;
    }
    size_t errors = run_rounds(words, bytes / sizeof(*words));
    memory_give(words);
    if (errors == 0)
        printf("The memory passed this test. Only tools like memtest86 tell for sure.\n");
    else
        printf("%zu words did not keep what was written to them. The memory is broken.\n", errors);
    return errors == 0 ? 0 : 1;
}

/* The first line of a file of the kernel, without its end; false when it cannot be read. */
static bool read_line(const char *path, char *line, size_t room)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool good = fgets(line, (int)room, file) != NULL;
    (void)fclose(file);
    if (good)
        line[strcspn(line, "\n")] = '\0';
    return good;
}

/* Why the setting harms, or NULL. */
static const char *check_clock(void)
{
    char line[256];
    if (!read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", line,
                   sizeof(line)))
        return NULL;
    if (strcmp(line, "tsc") == 0 || strcmp(line, "kvm-clock") == 0 ||
        strcmp(line, "arch_sys_counter") == 0 || strcmp(line, "hyperv_clocksource_tsc_page") == 0)
        return NULL;
    return "The clock of this machine is slow to read, and Snug reads it around every command. "
           "See /sys/devices/system/clocksource/clocksource0/available_clocksource for 'tsc', "
           "and write it to current_clocksource.";
}

/* Snug reserves address space that it never fills, which only strict accounting counts. */
static const char *check_overcommit(void)
{
    char line[256];
    if (!read_line("/proc/sys/vm/overcommit_memory", line, sizeof(line)) || strcmp(line, "2") != 0)
        return NULL;
    return "Strict accounting of memory (vm.overcommit_memory = 2) counts address space that is "
           "only reserved. Use 0 or 1: sysctl vm.overcommit_memory=1";
}

static const char *check_huge_pages(void)
{
    char line[256];
    if (!read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line)) ||
        strstr(line, "[always]") == NULL)
        return NULL;
    return "Transparent huge pages are always on: memory that is given back piece by piece may "
           "stay. Snug asks to be left out (disable-thp yes); to be sure, run: "
           "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
}

static const char *check_backlog(void)
{
    char line[256];
    if (!read_line("/proc/sys/net/core/somaxconn", line, sizeof(line)) || strlen(line) >= 3)
        return NULL;
    return "Fewer than 100 connections may wait to be accepted: sysctl net.core.somaxconn=511";
}

int cmdline_check_system(void)
{
    static const struct {
        const char *name;
        const char *(*check)(void);
    } checks[] = {
        { "slow-clocksource", check_clock },
        { "overcommit", check_overcommit },
        { "transparent-huge-pages", check_huge_pages },
        { "listen-backlog", check_backlog },
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *warning = checks[i].check();
        printf("[%s]...%s\n", checks[i].name, warning == NULL ? "OK" : "WARNING:");
        if (warning != NULL) {
            printf("%s\n\n", warning);
            code = 1;
        }
    }
    return code;
}
