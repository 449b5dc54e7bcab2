/* server/demo_link.h - a client of our own server, for --demo: a socket and a few commands.
 * Model:    commands are put together, sent at once, and answered by as many replies.
 * Owner:    the demo's thread.
 * Pointers: a reply's bytes hold until the next reply is read.
 * Threads:  the demo's; `stop` is an eventfd that anybody may write.
 * Failure:  false: the server is gone, memory is short, or the demo is to end.
 * Cost:     a batch is at most DEMO_BATCH_MAX commands. */
#ifndef SERVER_DEMO_LINK_H
#define SERVER_DEMO_LINK_H

#include "base/buffer.h"

enum { DEMO_BATCH_MAX = 512, DEMO_WORDS_MAX = 64 };

struct demo_link {
    int socket;
    int stop; /* readable: the demo ends */
    struct buffer out, in;
    size_t read;     /* of `in` */
    uint32_t queued; /* commands in `out` */
};

/* What the demo reports, from INFO memory. */
struct demo_figures {
    uint64_t resident, used, returned, moved, cpu_us, slice_max_us, slice_cpu_max_us;
    uint64_t reclaimable;
    double ratio;
    bool running, at_rest;
};

MUST_CHECK bool demo_link_open(struct demo_link *link, uint16_t port, int stop);
void demo_link_close(struct demo_link *link);

/* Queues a command; demo_flush sends what is queued and reads that many replies. An error reply is
 * a failure. */
MUST_CHECK bool demo_queue(struct demo_link *link, const struct bytes *words, size_t count);
MUST_CHECK bool demo_flush(struct demo_link *link);
/* "CONFIG SET name value" and the like: blanks part the words. */
MUST_CHECK bool demo_command(struct demo_link *link, const char *line);
MUST_CHECK bool demo_figures(struct demo_link *link, struct demo_figures *figures);
/* Whether the demo was told to end. */
bool demo_is_stopped(const struct demo_link *link);

#endif
