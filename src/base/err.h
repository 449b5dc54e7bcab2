/* base/err.h - outcomes that are expected to happen, and checks that are not.
 * Model:    enum err for what a client, a file or the system may cause; ENSURE for our own bugs.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  ENSURE writes where it stands to stderr and aborts (the crash report follows).
 * Cost:     one predicted branch; DCHECK vanishes unless SNUG_CHECKS is defined. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err {
    ERR_NONE = 0,
    ERR_MEMORY,  /* no memory to be had; nothing has changed */
    ERR_RANGE,   /* a number outside its range, or an overflow */
    ERR_SYNTAX,  /* text that cannot be read */
    ERR_MISSING, /* what was named does not exist */
    ERR_EXISTS,  /* what was to be made is there already */
    ERR_TYPE,    /* the value is of another type */
    ERR_SYSTEM,  /* a call to the system failed; errno tells */
    ERR_LIMIT,   /* a configured limit would be passed */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

__attribute__((noreturn, cold)) void bug_at(const char *file, int line, const char *text);

/* Stays in release builds: memory and file formats are at stake. Never on input. */
#define ENSURE(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            bug_at(__FILE__, __LINE__, #condition);                                                \
    } while (0)

#ifdef SNUG_CHECKS
#define DCHECK(condition) ENSURE(condition)
#else
#define DCHECK(condition) ((void)sizeof(condition))
#endif

#endif
