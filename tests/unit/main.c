/* Runs the tests: unit-tests [part-of-a-name]... ; SEED=n replays a run. */
#include "harness.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct test *first;
    struct test *running;
    uint64_t seed;
    sigjmp_buf out;
    unsigned passed, failed;
} tests;

static bool runs_before(const struct test *a, const struct test *b)
{
    int order = strcmp(a->file, b->file);
    return order != 0 ? order < 0 : a->line < b->line;
}

void test_register(struct test *test)
{
    struct test **at = &tests.first;
    while (*at != NULL && runs_before(*at, test))
        at = &(*at)->next;
    test->next = *at;
    *at = test;
}

uint64_t test_seed(void)
{
    return tests.seed;
}

static void print_where(const char *file, int line)
{
    fprintf(stderr, "FAILED %s at %s:%d (SEED=%" PRIu64 ")\n    ", tests.running->name, file, line,
            tests.seed);
}

void test_fail(const char *file, int line, const char *format, ...)
{
    print_where(file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    siglongjmp(tests.out, 1);
}

void test_equal(const char *file, int line, const char *text, int64_t found, int64_t wanted)
{
    if (found != wanted)
        test_fail(file, line, "%s is %" PRId64 ", wanted %" PRId64, text, found, wanted);
}

/* Binary bytes as \xNN, long ones cut. */
static void print_bytes(const char *label, struct bytes bytes)
{
    enum { SHOWN = 200 };
    fprintf(stderr, "    %s (%zu) \"", label, bytes.count);
    for (size_t i = 0; i < bytes.count && i < SHOWN; i++) {
        if (bytes.at[i] >= ' ' && bytes.at[i] < 127)
            fputc(bytes.at[i], stderr);
        else
            fprintf(stderr, "\\x%02x", bytes.at[i]);
    }
    fprintf(stderr, bytes.count > SHOWN ? "\"...\n" : "\"\n");
}

void test_bytes(const char *file, int line, const char *text, struct bytes found,
                struct bytes wanted)
{
    if (bytes_equal(found, wanted))
        return;
    print_where(file, line);
    fprintf(stderr, "%s\n", text);
    print_bytes("found ", found);
    print_bytes("wanted", wanted);
    siglongjmp(tests.out, 1);
}

bool test_dies(void (*run)(void *context), void *context)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) != NULL)
            run(context);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        test_fail(__FILE__, __LINE__, "no child process");
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* A failed ENSURE ends the run; say at least which test and seed it was. */
static void on_abort(int number)
{
    (void)number;
    print_where("an abort, see above", 0);
    fprintf(stderr, "\n%u passed, %u failed\n", tests.passed, tests.failed + 1);
    _exit(1);
}

static void run_one(struct test *test)
{
    tests.running = test;
    if (sigsetjmp(tests.out, 1) != 0) {
        tests.failed++;
        return;
    }
    test->run();
    tests.passed++;
}

static bool chosen(const struct test *test, int count, char **parts)
{
    for (int i = 0; i < count; i++) {
        if (strstr(test->name, parts[i]) != NULL || strstr(test->file, parts[i]) != NULL)
            return true;
    }
    return count == 0;
}

static uint64_t pick_seed(void)
{
    const char *given = getenv("SEED");
    if (given != NULL)
        return strtoull(given, NULL, 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    tests.seed = pick_seed();
    signal(SIGABRT, on_abort);
    for (struct test *test = tests.first; test != NULL; test = test->next) {
        if (chosen(test, argc - 1, argv + 1))
            run_one(test);
    }
    if (tests.failed != 0)
        fprintf(stderr, "replay with SEED=%" PRIu64 "\n", tests.seed);
    printf("%u passed, %u failed\n", tests.passed, tests.failed);
    return tests.failed != 0;
}
