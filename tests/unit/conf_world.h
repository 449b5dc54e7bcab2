/* tests/unit/conf_world.h - files in memory behind the seam, for the tests of conf/.
 * Model:    names with contents; one descriptor is one file; the nth call may be made to fail.
 * Owner:    the test; world_release ends it.
 * Pointers: contents are good until the next call.
 * Threads:  one.
 * Failure:  as the system's calls: -1 and errno.
 * Cost:     linear in the few files. */
#ifndef TESTS_UNIT_CONF_WORLD_H
#define TESTS_UNIT_CONF_WORLD_H

#include "base/buffer.h"
#include "base/seam.h"
#include "conf/host.h"

enum { WORLD_FILES = 16 };

struct world_file {
    char name[128];
    struct buffer content;
    size_t at; /* of the one descriptor */
    bool exists;
};

struct world {
    struct world_file files[WORLD_FILES];
    struct seam seam;
    struct conf_host host;
    int calls;   /* so far */
    int fail_at; /* this call fails, once; -1: none */
    int error;   /* with this errno */
    unsigned mode;
    char directory[128];
};

void world_init(struct world *world);
void world_release(struct world *world);
void world_put(struct world *world, const char *name, struct bytes content);
/* The content of a file, or an empty view when there is none. */
struct bytes world_view(struct world *world, const char *name);
size_t world_count(const struct world *world);

#endif
