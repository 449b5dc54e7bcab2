/* tests/unit/fault_site.h - a whole server in this process, on a seam that fails on demand.
 * Model:    the parts of server/ wired as main wires them, listening on loopback; callers that do
 *           not block, and wait by letting the loop turn.
 * Owner:    the test holds the site and its callers.
 * Pointers: a reply is good until the caller's next request.
 * Threads:  one.
 * Failure:  a failed check, but where what is made to fail is the point.
 * Cost:     some milliseconds for a site, under the sanitizers. */
#ifndef TESTS_UNIT_FAULT_SITE_H
#define TESTS_UNIT_FAULT_SITE_H

#include "base/fault.h"
#include "server/server.h"

struct site {
    struct seam real;
    struct fault_seam fault;
    struct server server;
    uint16_t port;
    char directory[64]; /* of the configuration and the log */
    int planned;        /* enum site_fault, or SITE_NOTHING */
};

/* What can fail: the classes of base/fault.h, and the taking of memory. */
enum site_fault { SITE_PAGES, SITE_SOCKETS, SITE_FILES, SITE_MEMORY, SITE_FAULTS, SITE_NOTHING };
extern const char *const site_fault_names[SITE_FAULTS];

/* Directory and configuration file, then the server; false when a fault planned before has ended
 * the start: site_end is to be called all the same. */
void site_prepare(struct site *site);
MUST_CHECK bool site_start(struct site *site);
/* Returns how many files were left beside the configuration and the log. */
unsigned site_end(struct site *site);

/* The call after the next `after` of this kind fails, and with `always` all that follow. */
void site_fail(struct site *site, enum site_fault fault, uint64_t after, bool always);
/* No more; true when one has failed since. */
bool site_heal(struct site *site);

/* A client. */
struct caller {
    int fd;
    uint8_t *got;
    size_t count, capacity;
    bool closed; /* by the server, or given up */
};

void caller_open(struct caller *caller, struct site *site);
void caller_close(struct caller *caller);
/* Sends and waits for one whole reply; false: the connection was closed, or nothing came. */
bool caller_ask(struct caller *caller, struct site *site, struct bytes request,
                struct bytes *reply);
/* Sends; no reply is expected. */
void caller_tell(struct caller *caller, struct site *site, struct bytes request);

#endif
