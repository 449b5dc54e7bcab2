#include "cmd/peers.h"

#include <errno.h>
#include <string.h>

#define IDLE_NS (UINT64_C(10) * 1000 * 1000 * 1000)
enum { SEND_BYTES = 64 * 1024 };

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* --- which ------------------------------------------------------------------------------------ */

void peers_drop(struct peers *peers, struct peer *peer)
{
    if (!peer->open)
        return;
    peers->seam->close(peers->seam->context, peer->socket);
    peer->open = false;
    peers->count--;
}

void peers_release(struct peers *peers)
{
    for (int i = 0; i < PEERS_MAX; i++)
        peers_drop(peers, &peers->peers[i]);
}

uint64_t peers_tidy(struct peers *peers, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    if (LIKELY(peers->count == 0))
        return next_ns;
    for (int i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &peers->peers[i];
        if (!peer->open)
            continue;
        uint64_t end_ns = peer->used_ns + IDLE_NS;
        if (end_ns <= now_ns)
            peers_drop(peers, peer);
        else if (end_ns - now_ns < next_ns)
            next_ns = end_ns - now_ns;
    }
    return next_ns;
}

/* A free place, or that of the connection whose last use is longest ago. */
static struct peer *place(struct peers *peers)
{
    struct peer *oldest = &peers->peers[0];
    for (int i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &peers->peers[i];
        if (!peer->open)
            return peer;
        if (peer->used_ns < oldest->used_ns)
            oldest = peer;
    }
    peers_drop(peers, oldest);
    return oldest;
}

static struct peer *find(struct peers *peers, const char *host, uint16_t port)
{
    for (int i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &peers->peers[i];
        if (peer->open && peer->port == port && strcmp(peer->host, host) == 0)
            return peer;
    }
    return NULL;
}

static struct peer *connect_to(struct peers *peers, const char *host, uint16_t port, int timeout_ms)
{
    const struct seam *seam = peers->seam;
    int socket = seam->connect(seam->context, host, port, timeout_ms);
    if (socket < 0)
        return NULL;
    struct peer *peer = place(peers);
    *peer = (struct peer){ .open = true, .socket = socket, .port = port, .db = -1 };
    memcpy(peer->host, host, strlen(host) + 1);
    peers->count++;
    return peer;
}

/* Nothing was asked, so nothing may have come: an answer too many would be taken for that of the
 * next request. An end is one the next request would find. */
static bool is_quiet(const struct peers *peers, struct peer *peer)
{
    const struct seam *seam = peers->seam;
    ssize_t got = seam->receive(seam->context, peer->socket, peer->received, sizeof peer->received);
    peer->at = peer->count = 0;
    return got < 0 && (would_wait() || errno == EINTR);
}

struct peer *peers_get(struct peers *peers, struct bytes host, int64_t port, int timeout_ms)
{
    char name[PEER_HOST_MAX];
    bool fits = host.count < sizeof name && port >= 0 && port <= UINT16_MAX;
    if (!fits || (host.count > 0 && memchr(host.at, 0, host.count) != NULL)) {
        errno = EADDRNOTAVAIL;
        return NULL;
    }
    if (host.count > 0)
        memcpy(name, host.at, host.count);
    name[host.count] = 0;
    struct peer *peer = find(peers, name, (uint16_t)port);
    if (peer != NULL && !is_quiet(peers, peer)) {
        peers_drop(peers, peer);
        peer = NULL;
    }
    if (peer != NULL)
        peer->used_before = true;
    else
        peer = connect_to(peers, name, (uint16_t)port, timeout_ms);
    if (peer != NULL)
        peer->used_ns = seam_now_ns(peers->seam);
    return peer;
}

/* --- what is said ----------------------------------------------------------------------------- */

bool peer_send(const struct peers *peers, struct peer *peer, struct bytes bytes, int timeout_ms)
{
    const struct seam *seam = peers->seam;
    while (bytes.count > 0) {
        size_t some = bytes.count < SEND_BYTES ? bytes.count : SEND_BYTES;
        struct iovec part = { (void *)(uintptr_t)bytes.at, some };
        ssize_t sent = seam->send(seam->context, peer->socket, &part, 1);
        if (sent > 0)
            bytes = bytes_of(bytes.at + sent, bytes.count - (size_t)sent);
        else if (sent < 0 && errno == EINTR)
            continue;
        else if (sent == 0 || !would_wait() ||
                 !seam->wait_to_send(seam->context, peer->socket, timeout_ms))
            return false;
    }
    return true;
}

static bool receive(const struct peers *peers, struct peer *peer, int timeout_ms)
{
    const struct seam *seam = peers->seam;
    for (;;) {
        ssize_t got =
            seam->receive(seam->context, peer->socket, peer->received, sizeof peer->received);
        peer->at = 0;
        peer->count = got > 0 ? (size_t)got : 0;
        if (got > 0)
            return true;
        if (got == 0) {
            errno = ECONNRESET;
            return false;
        }
        if (errno == EINTR)
            continue;
        if (!would_wait() || !seam->wait_to_receive(seam->context, peer->socket, timeout_ms))
            return false;
    }
}

bool peer_read_line(const struct peers *peers, struct peer *peer, int timeout_ms)
{
    size_t count = 0;
    for (;;) {
        if (peer->at == peer->count && !receive(peers, peer, timeout_ms))
            return false;
        uint8_t byte = peer->received[peer->at++];
        if (byte == '\n')
            break;
        if (count == sizeof peer->line - 1) {
            errno = EMSGSIZE;
            return false;
        }
        peer->line[count++] = (char)byte;
    }
    if (count > 0 && peer->line[count - 1] == '\r')
        count--;
    peer->line[count] = 0;
    return true;
}
