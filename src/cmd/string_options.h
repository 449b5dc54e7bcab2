/* cmd/string_options.h - the options of SET, GETEX and MSETEX.
 * Model:    one table of words, which flag each sets, and which flags it does not go with.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false: the error reply is written.
 * Cost:     a few comparisons for each argument. */
#ifndef CMD_STRING_OPTIONS_H
#define CMD_STRING_OPTIONS_H

#include "cmd/command.h"

enum string_option_flag {
    WITH_NX = 1u << 0,
    WITH_XX = 1u << 1,
    WITH_GET = 1u << 2,
    WITH_KEEPTTL = 1u << 3,
    WITH_PERSIST = 1u << 4,
    WITH_EX = 1u << 5,
    WITH_PX = 1u << 6,
    WITH_EXAT = 1u << 7,
    WITH_PXAT = 1u << 8,
    WITH_IFEQ = 1u << 9, /* the value is this one; IFDEQ: its digest (cmd/string_compare.h) */
    WITH_IFNE = 1u << 10,
    WITH_IFDEQ = 1u << 11,
    WITH_IFDNE = 1u << 12,
    WITH_TIMES = WITH_EX | WITH_PX | WITH_EXAT | WITH_PXAT,
    WITH_COMPARISON = WITH_IFEQ | WITH_IFNE | WITH_IFDEQ | WITH_IFDNE,
    WITH_CONDITION = WITH_NX | WITH_XX | WITH_COMPARISON,
    WITHIN_SET = WITH_CONDITION | WITH_GET | WITH_KEEPTTL | WITH_TIMES,
    WITHIN_MSETEX = WITH_NX | WITH_XX | WITH_KEEPTTL | WITH_TIMES,
    WITHIN_GETEX = WITH_PERSIST | WITH_TIMES,
};

struct string_options {
    unsigned flags;
    uint32_t time_at;    /* argv, of the time to expire at; 0: none is given */
    uint32_t compare_at; /* argv, of what to compare with; 0: nothing is */
    unsigned time_form;  /* enum expiry_form */
};

/* Reads argv from `at` to the end; only options in `allowed` are known. */
MUST_CHECK bool string_options_read(struct call *call, uint32_t at, unsigned allowed,
                                    struct string_options *options);

/* When the key is to expire by its options: a time in ms since 1970, STORE_KEEP_EXPIRY for KEEPTTL,
 * STORE_NO_EXPIRY otherwise. */
MUST_CHECK bool string_options_expiry(struct call *call, const struct string_options *options,
                                      int64_t *expiry);

#endif
