/* persist/load.h - an RDB file into the store.
 * Model:    file -> reader -> parts -> maker -> value -> the store's door. Keys that have expired
 *           are passed over; of all others the expiry and the use are given.
 * Owner:    the caller; nothing is kept but what the store has.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  ERR_MISSING: there is no such file. ERR_SYNTAX, ERR_SYSTEM, ERR_MEMORY, ERR_LIMIT (told
 *           to end): load.reason and load.offset say why and where. What was read until then is in
 *           the store.
 * Cost:     one pass. `turn` is called between two parts of a value or two keys. */
#ifndef PERSIST_LOAD_H
#define PERSIST_LOAD_H

#include "base/seam.h"
#include "persist/rdb_read.h"
#include "store/store.h"

enum { LOAD_REASON_MAX = 200 };

struct load {
    const struct seam *seam;
    struct store *store;
    const char *path;
    bool checksum;       /* is to be checked */
    bool merge;          /* a key that is there is replaced; else it is an error */
    uint64_t turn_bytes; /* how often `turn` is called; 0: never */
    bool (*turn)(void *context, const struct load *load); /* false: to end */
    void (*key)(void *context); /* after each that is loaded; NULL: nothing is to be done */
    void (*aux)(void *context, struct bytes name, struct bytes value);
    /* A library of functions; false: it cannot be one, and `reason` may say why. NULL: they are
     * passed over. */
    bool (*function)(void *context, struct load *load, struct bytes source);
    void *context;

    /* What has come of it so far: */
    uint64_t bytes, offset; /* of the file (0: unknown); read */
    uint64_t keys, expired; /* that were loaded; that were passed over */
    uint64_t functions;     /* libraries that were loaded, or passed over */
    unsigned version;
    char reason[LOAD_REASON_MAX];
};

MUST_CHECK enum err load_file(struct load *load);
/* The file is read as a whole, and nothing of it is kept or called for. What is well formed and
 * still cannot be, such as a key twice, is not found. */
MUST_CHECK enum err load_check(struct load *load);

/* A snapshot within another file, which somebody else reads: what its records are given to. NULL:
 * no memory. `load->path` and `load->bytes` are the caller's, and `load->offset` is added to by
 * about what was read. */
struct loader;
MUST_CHECK struct loader *load_within(struct load *load);
const struct rdb_handler *load_handler(const struct loader *loader);
void load_within_drop(struct loader *loader); /* NULL is allowed */

#endif
