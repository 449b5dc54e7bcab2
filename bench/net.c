/* What the loop itself costs: a server that sends back what it gets, as `snug-load echo` does with
 * nothing but epoll. Run both under the same load and compare the CPU an operation takes:
 *   build/bench-net 7001 & build/snug-load echo --port 7002 &
 *   build/snug-load run --command get --clients 50 --port 7001 --seconds 2
 * usage: bench-net PORT */
#include "net/net.h"
#include "os/net.h"
#include "os/seam.h"

#include <stdio.h>
#include <stdlib.h>

/* The whole request as an array of bulks: as many bytes as came in. */
static void echo(const struct net_request *request)
{
    struct reply *reply = &request->client->reply;
    reply_array(reply, request->argc);
    for (uint32_t i = 0; i < request->argc; i++)
        reply_bulk(reply, request->argv[i]);
}

static size_t on_batch(void *context, struct net_request *requests, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        if (requests[i].client->flags & CLIENT_STOPPED)
            return i;
        echo(&requests[i]);
    }
    return count;
}

static bool on_held(void *context, const struct net_request *request, bool writes_only)
{
    (void)context;
    (void)request;
    return !writes_only;
}

static uint64_t on_between(void *context)
{
    (void)context;
    return UINT64_MAX;
}

static void on_arrived(void *context, struct client *client)
{
    (void)context;
    client->flags |= CLIENT_AUTHENTICATED;
}

static void on_left(void *context, struct client *client)
{
    (void)context;
    (void)client;
}

static void on_log(void *context, int level, const char *text)
{
    (void)context;
    fprintf(stderr, "%d %s\n", level, text);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: bench-net PORT\n", stderr);
        return 2;
    }
    struct seam seam;
    os_seam_init(&seam);
    const struct net_handler handler = { .batch = on_batch,
                                         .held = on_held,
                                         .between = on_between,
                                         .arrived = on_arrived,
                                         .left = on_left,
                                         .log = on_log };
    const struct net_limits limits = { .clients_max = 10000,
                                       .query_buffer_max = 1u << 30,
                                       .bulk_max = 512u << 20 };
    struct net *net = net_new(&seam, &handler);
    int listener = socket_listen_tcp("127.0.0.1", (uint16_t)strtoul(argv[1], NULL, 10), 511);
    if (net == NULL || listener < 0 || !net_listen(net, listener, NET_TCP)) {
        perror("bench-net");
        return 1;
    }
    net_set_limits(net, &limits);
    net_run(net);
    net_drop(net);
    return 0;
}
