/* cmd/peers.h - connections to other servers, kept for a while: for MIGRATE.
 * Model:    a connection is found by host and port, or made; one that was not used for ten seconds
 *           is closed, and one that has ended, or says what it was not asked, is not used again.
 *           Requests are written as a whole, replies read line by line; who does either is held
 *           until it is done, as Redis is.
 * Owner:    the dispatcher has one; all zero but the seam is a valid one.
 * Pointers: a peer's holds until the next peers_get, peers_drop or peers_tidy.
 * Threads:  the executing thread.
 * Failure:  NULL or false, and errno; the connection is of no use then, and must be dropped.
 * Cost:     a wait for the network, of the given time at the most for each step. */
#ifndef CMD_PEERS_H
#define CMD_PEERS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/seam.h"

enum { PEERS_MAX = 16, PEER_HOST_MAX = 256, PEER_LINE_MAX = 1024, PEER_RECEIVED_MAX = 4096 };

struct peer {
    bool open;
    bool used_before; /* it may have been closed by the other side meanwhile */
    int socket;
    uint16_t port;
    char host[PEER_HOST_MAX];
    uint64_t used_ns;
    int64_t db; /* selected there; -1: unknown */
    uint8_t received[PEER_RECEIVED_MAX];
    size_t at, count; /* of them, what is read and what is there */
    char line[PEER_LINE_MAX];
};

struct peers {
    const struct seam *seam;
    uint32_t count; /* open ones */
    struct peer peers[PEERS_MAX];
};

void peers_release(struct peers *peers);
/* NULL: it cannot be connected to. */
MUST_CHECK struct peer *peers_get(struct peers *peers, struct bytes host, int64_t port,
                                  int timeout_ms);
void peers_drop(struct peers *peers, struct peer *peer);
/* Closes those that are idle; in how many ns to come back. */
uint64_t peers_tidy(struct peers *peers, uint64_t now_ns);

MUST_CHECK bool peer_send(const struct peers *peers, struct peer *peer, struct bytes bytes,
                          int timeout_ms);
/* The next line, in peer->line without its end; EMSGSIZE: it is too long. */
MUST_CHECK bool peer_read_line(const struct peers *peers, struct peer *peer, int timeout_ms);

#endif
