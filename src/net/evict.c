/* maxmemory-clients: when all clients together hold too much, the largest go. They are sorted by
 * powers of two and not beyond: two passes, and whoever goes is at most twice smaller than another
 * who stays. */
#include "net/internal.h"
#include "os/log.h"

enum { SIZES = 64 };

struct sizes {
    uint64_t bytes[SIZES]; /* held by clients of at least 2^n bytes, and less than 2^(n+1) */
};

static unsigned size_of(uint64_t bytes)
{
    return bytes == 0 ? 0 : 63U - (unsigned)__builtin_clzll(bytes);
}

static bool may_go(const struct connection *connection)
{
    return !connection->closing && (connection->client.flags & CLIENT_NO_EVICT) == 0 &&
           connection->client.class_of_limits != CLIENT_CLASS_REPLICA;
}

static void evict(struct net *net, struct connection *connection, uint64_t bytes)
{
    char peer[128];
    client_peer(&connection->client, peer, sizeof(peer));
    net_log(net, LOG_LEVEL_NOTICE, "Evicting client %llu (%s), which holds %llu bytes",
            (unsigned long long)connection->client.id, peer, (unsigned long long)bytes);
    net->figures.evicted++;
    connection_close(connection);
}

/* From which size on they must go, so that so much is given back; all, if that is not enough. */
static unsigned least_to_go(const struct sizes *sizes, uint64_t excess)
{
    uint64_t sum = 0;
    unsigned size = SIZES;
    while (size > 0 && sum < excess)
        sum += sizes->bytes[--size];
    return size;
}

/* What is closed in this turn holds its memory until the turn's end. */
static uint64_t excess_of(const struct net *net)
{
    uint64_t bytes = net_client_bytes(net), most = net->limits.clients_bytes_max;
    for (const struct connection *at = net->closing; at != NULL && bytes > most;
         at = at->next_closing) {
        uint64_t gone = client_memory(&at->client);
        bytes -= gone < bytes ? gone : bytes;
    }
    return bytes > most ? bytes - most : 0;
}

/* The largest first; of the last size only as many as it takes. */
static uint64_t evict_from(struct net *net, unsigned least, uint64_t excess)
{
    uint64_t freed = 0;
    for (unsigned size = SIZES; size-- > least && freed < excess;) {
        for (struct connection *at = net->oldest; at != NULL && freed < excess; at = at->newer) {
            uint64_t bytes = client_memory(&at->client);
            if (!may_go(at) || size_of(bytes) != size)
                continue;
            evict(net, at, bytes);
            freed += bytes;
        }
    }
    return freed;
}

void net_evict(struct net *net)
{
    if (LIKELY(net->limits.clients_bytes_max == 0) || net->cannot_evict ||
        net_client_bytes(net) <= net->limits.clients_bytes_max)
        return;
    uint64_t excess = excess_of(net);
    struct sizes sizes = { { 0 } };
    if (excess == 0)
        return;
    for (struct connection *at = net->oldest; at != NULL; at = at->newer) {
        uint64_t bytes = client_memory(&at->client);
        if (may_go(at))
            sizes.bytes[size_of(bytes)] += bytes;
    }
    net->cannot_evict = evict_from(net, least_to_go(&sizes, excess), excess) < excess;
}
