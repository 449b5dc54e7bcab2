/* base/seam.h - the outside world as one struct of functions.
 * Model:    clock, pages, sockets, files, chance; os/ has the real one, tests one that fails.
 * Owner:    server/ makes one and passes it down; it outlives everybody.
 * Pointers: `context` belongs to whoever made the seam.
 * Threads:  clock and files from any thread; pages and sockets from the executing thread.
 * Failure:  as the system call of the same name: -1 and errno, or as said.
 * Cost:     an indirect call on top of the system's. */
#ifndef BASE_SEAM_H
#define BASE_SEAM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct seam {
    void *context;

    uint64_t (*now_ns)(void *context);                     /* monotonic */
    int64_t (*wall_us)(void *context);                     /* since 1970, may jump */
    uint64_t (*cpu_ns)(void *context);                     /* CPU time of the calling thread */
    void (*random)(void *context, void *at, size_t bytes); /* from the kernel, for secrets too */

    /* Address space without memory, aligned to 2 MiB; NULL on failure. */
    void *(*pages_reserve)(void *context, size_t bytes);
    void (*pages_unreserve)(void *context, void *at, size_t bytes);
    /* Makes reserved pages usable (zero when first touched); false when the system refuses. */
    bool (*pages_commit)(void *context, void *at, size_t bytes);
    /* Gives the memory of committed pages back; they stay usable and read as zero. */
    void (*pages_return)(void *context, void *at, size_t bytes);
    /* Touches committed pages in one call, to save faults; may do nothing. */
    void (*pages_touch)(void *context, void *at, size_t bytes);
    /* Puts 2 MiB of touched pages, aligned, on one large page, which holds no more memory and costs
     * fewer misses of the address cache; may do nothing. Only for what is given back as a whole.
     * May be NULL. */
    void (*pages_merge)(void *context, void *at, size_t bytes);
    /* Moves the memory of `bytes` at `from` to `to` without copying (mremap); both stay committed
     * and `from` reads as zero. false: nothing moved, the caller copies. */
    bool (*pages_move)(void *context, void *from, void *to, size_t bytes);

    int (*accept)(void *context, int listener, struct sockaddr *address, socklen_t *bytes);
    ssize_t (*receive)(void *context, int socket, void *at, size_t bytes);
    ssize_t (*send)(void *context, int socket, const struct iovec *parts, int count);
    /* A connection to another host, non-blocking, made within so many ms for each of its addresses;
     * before that, resolving a name may wait for DNS. */
    int (*connect)(void *context, const char *host, uint16_t port, int timeout_ms);
    /* Waits until bytes can be received, or sent; false: ETIMEDOUT, or a failure. */
    bool (*wait_to_receive)(void *context, int socket, int timeout_ms);
    bool (*wait_to_send)(void *context, int socket, int timeout_ms);

    int (*open)(void *context, const char *path, int flags, unsigned mode);
    ssize_t (*read)(void *context, int file, void *at, size_t bytes);
    ssize_t (*write)(void *context, int file, const void *at, size_t bytes);
    int (*sync)(void *context, int file);
    int (*sync_data)(void *context, int file); /* without times: fdatasync */
    int (*truncate)(void *context, int file, uint64_t bytes);
    int64_t (*file_bytes)(void *context, int file); /* -1: as the others */
    int (*make_directory)(void *context, const char *path, unsigned mode);
    int (*rename)(void *context, const char *from, const char *to);
    int (*unlink)(void *context, const char *path);
    int (*close)(void *context, int file);
    /* An open file for this process alone, until it is closed; does not wait: -1 when somebody else
     * has it. */
    int (*lock)(void *context, int file);
    /* Names in a directory, one after the other, until `take` says false. false: errno. */
    bool (*list)(void *context, const char *directory, bool (*take)(void *taker, const char *name),
                 void *taker);
    /* A process of this number is there, and it is not this one. */
    bool (*other_process)(void *context, int64_t number);
};

static inline uint64_t seam_now_ns(const struct seam *seam)
{
    return seam->now_ns(seam->context);
}
static inline int64_t seam_wall_us(const struct seam *seam)
{
    return seam->wall_us(seam->context);
}
static inline int64_t seam_wall_ms(const struct seam *seam)
{
    return seam->wall_us(seam->context) / 1000;
}

#endif
