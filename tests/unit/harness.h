/* tests/unit/harness.h - the C tests: a test is TEST(name) { ... } in any file of tests/unit.
 * Model:    tests register themselves before main; each runs until its first failed check.
 * Owner:    main.c runs them, in the order of file and line.
 * Pointers: names are literals.
 * Threads:  one; a check in another thread is not supported.
 * Failure:  file, line, values and the seed are printed; the next test goes on.
 * Cost:     none worth naming. */
#ifndef TESTS_UNIT_HARNESS_H
#define TESTS_UNIT_HARNESS_H

#include "base/bytes.h"

struct test {
    const char *name;
    const char *file;
    int line;
    void (*run)(void);
    struct test *next;
};

void test_register(struct test *test);

#define TEST(title)                                                                                \
    static void test_##title(void);                                                                \
    __attribute__((constructor)) static void register_##title(void)                                \
    {                                                                                              \
        static struct test row = { #title, __FILE__, __LINE__, test_##title, NULL };               \
        test_register(&row);                                                                       \
    }                                                                                              \
    static void test_##title(void)

/* The seed of this run: drawn anew each time, or from the environment (SEED=123). */
uint64_t test_seed(void);

__attribute__((noreturn, format(printf, 3, 4))) void test_fail(const char *file, int line,
                                                               const char *format, ...);
void test_equal(const char *file, int line, const char *text, int64_t found, int64_t wanted);
void test_bytes(const char *file, int line, const char *text, struct bytes found,
                struct bytes wanted);
/* Runs `run(context)` in a child process: true when that ends by a signal or a non-zero code. */
bool test_dies(void (*run)(void *context), void *context);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
    } while (0)
/* With a message for what the condition does not tell: CHECKF(x > y, "x=%d y=%d", x, y). */
#define CHECKF(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)
/* Whole numbers of any type that fits in 64 bits. */
#define CHECK_EQ(found, wanted)                                                                    \
    test_equal(__FILE__, __LINE__, #found, (int64_t)(found), (int64_t)(wanted))
#define CHECK_BYTES(found, wanted) test_bytes(__FILE__, __LINE__, #found, found, wanted)
#define CHECK_TEXT(found, literal) test_bytes(__FILE__, __LINE__, #found, found, BYTES(literal))

#endif
