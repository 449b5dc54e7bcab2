/* tests/unit/net_world.h - a loop on loopback with a small handler, and clients that do not block.
 * Model:    one thread: a test writes, lets the loop take turns, and reads. Commands: PING, ECHO x,
 *           BIG bytes, QUIT, AUTH, KILL id, PAUSE ms, PAUSEW ms, UNPAUSE, W (a write), BLOCK,
 *           UNBLOCK id, LATE (replied to in between()), OFF.
 * Owner:    the test; world_end closes everything.
 * Pointers: the handler keeps the world's address.
 * Threads:  one.
 * Failure:  as checks of the harness.
 * Cost:     none worth naming. */
#ifndef TESTS_UNIT_NET_WORLD_H
#define TESTS_UNIT_NET_WORLD_H

#include "base/fault.h"
#include "harness.h"
#include "net/net.h"

struct world {
    struct seam real, shifted; /* shifted: the real one, its clocks moved on by `later_ms` */
    struct fault_seam fault;
    int64_t later_ms;
    struct net *net;
    struct net_limits limits;
    uint16_t port;
    bool must_authenticate;

    uint32_t arrived, left, logged;
    uint64_t executed, batches, biggest_batch, betweens;
    uint64_t late[16]; /* ids to reply to in between() */
    uint32_t late_count;
    char log[256]; /* the last line */
};

void world_begin(struct world *world);
void world_end(struct world *world);
void world_turns(struct world *world, int turns); /* that do not wait */

/* A client's socket, and what it has received. */
struct peer {
    int fd;
    uint8_t *got;
    size_t count, capacity;
    bool closed; /* by the server */
};

void peer_open(struct peer *peer, struct world *world);
void peer_close(struct peer *peer);
/* Writes all of it, taking turns while the socket is full. */
void peer_write(struct peer *peer, struct world *world, struct bytes bytes);
/* Reads what there is, at most so much. */
void peer_read(struct peer *peer, size_t most);
/* Takes turns until so much has arrived or the server has closed. */
void peer_await(struct peer *peer, struct world *world, size_t count);
/* Sends, then checks that exactly `reply` comes back; "" waits a few turns for nothing. */
void peer_asks(struct peer *peer, struct world *world, const char *request, const char *reply,
               const char *file, int line);
#define ASKS(peer, request, reply) peer_asks(peer, &world, request, reply, __FILE__, __LINE__)
/* The server must have closed, after sending exactly `last`. */
void peer_ends(struct peer *peer, struct world *world, const char *last, const char *file,
               int line);
#define ENDS(peer, last) peer_ends(peer, &world, last, __FILE__, __LINE__)

#endif
