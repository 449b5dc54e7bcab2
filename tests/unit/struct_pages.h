/* tests/unit/struct_pages.h - real pages for the tests of struct/, which fail on demand.
 * Model:    the page calls of a seam over mmap; what is not committed cannot be touched.
 * Owner:    the test keeps the struct.
 * Pointers: the seam points at the struct.
 * Threads:  one.
 * Failure:  fails_left counts down over reserves and commits; at 0 they fail (UINT64_MAX: never).
 * Cost:     system calls. */
#ifndef TESTS_UNIT_STRUCT_PAGES_H
#define TESTS_UNIT_STRUCT_PAGES_H

#include "base/seam.h"

struct test_pages {
    struct seam seam;
    uint64_t fails_left;   /* calls that succeed before one fails */
    bool fails_once;       /* only that one, not all after it */
    uint64_t reserve_most; /* address space that there is; 0: no bound */
    uint64_t commits, returns, reserved;
};

void test_pages_init(struct test_pages *pages);
/* Bytes of the range that hold memory, as the kernel says. */
uint64_t test_pages_resident(void *at, uint64_t bytes);

#endif
