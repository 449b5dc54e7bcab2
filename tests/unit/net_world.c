#include "net_world.h"

#include "base/memory.h"
#include "base/number.h"
#include "os/net.h"
#include "os/seam.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { AWAIT_TURNS = 20000 };

/* ---- the handler ----------------------------------------------------------------------------- */

static uint64_t number_of(const struct net_request *request)
{
    uint64_t number = 0;
    if (request->argc > 1 && !number_read_u64(request->argv[1], &number))
        number = 0;
    return number;
}

static void reply_big(struct reply *reply, uint64_t bytes)
{
    uint8_t *value = memory_take(bytes + 1);
    if (value == NULL) {
        reply_error(reply, "OOM no memory");
        return;
    }
    for (uint64_t i = 0; i < bytes; i++)
        value[i] = (uint8_t)('a' + i % 26);
    reply_bulk(reply, bytes_of(value, bytes));
    memory_give(value);
}

static void unblock(struct world *world, uint64_t id, struct reply *reply)
{
    struct client *other = net_client_by_id(world->net, id);
    if (other != NULL) {
        reply_status(&other->reply, "AWAKE");
        client_unblock(other);
    }
    reply_i64(reply, other != NULL);
}

static void kill_client(struct world *world, struct client *client, uint64_t id)
{
    struct client *other = net_client_by_id(world->net, id);
    if (other != NULL)
        client_close(other, other == client);
    reply_i64(&client->reply, other != NULL);
}

/* Commands that reach beyond their client; false: none of these. */
static bool run_far(struct world *world, const struct net_request *request)
{
    struct client *client = request->client;
    struct bytes name = request->argv[0];
    int64_t until = world->shifted.wall_us(world) / 1000 + (int64_t)number_of(request);
    if (bytes_is(name, "kill")) {
        kill_client(world, client, number_of(request));
    } else if (bytes_is(name, "pause") || bytes_is(name, "pausew")) {
        net_pause(world->net, until, bytes_is(name, "pausew"));
        reply_ok(&client->reply);
    } else if (bytes_is(name, "unpause")) {
        net_unpause(world->net);
        reply_ok(&client->reply);
    } else if (bytes_is(name, "block")) {
        client_block(client);
    } else if (bytes_is(name, "unblock")) {
        unblock(world, number_of(request), &client->reply);
    } else {
        return false;
    }
    return true;
}

static void run_near(struct world *world, const struct net_request *request)
{
    struct client *client = request->client;
    struct bytes name = request->argv[0];
    if (bytes_is(name, "ping")) {
        reply_status(&client->reply, "PONG");
    } else if (bytes_is(name, "echo")) {
        reply_bulk(&client->reply, request->argv[request->argc - 1]);
    } else if (bytes_is(name, "big")) {
        reply_big(&client->reply, number_of(request));
    } else if (bytes_is(name, "quit")) {
        reply_ok(&client->reply);
        client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    } else if (bytes_is(name, "off")) {
        client->flags |= CLIENT_CLOSE_NOW;
    } else if (bytes_is(name, "auth")) {
        client->flags |= CLIENT_AUTHENTICATED;
        reply_ok(&client->reply);
    } else if (bytes_is(name, "late")) {
        world->late[world->late_count++] = client->id;
    } else {
        reply_i64(&client->reply, request->argc);
    }
}

static size_t on_batch(void *context, struct net_request *requests, size_t count)
{
    struct world *world = context;
    world->batches++;
    if (count > world->biggest_batch)
        world->biggest_batch = count;
    CHECK(count <= NET_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        if (requests[i].client->flags & CLIENT_STOPPED)
            return i;
        CHECK(requests[i].argc >= 1);
        if (!run_far(world, &requests[i]))
            run_near(world, &requests[i]);
        world->executed++;
    }
    return count;
}

static bool on_held(void *context, const struct net_request *request, bool writes_only)
{
    (void)context;
    return bytes_is(request->argv[0], "w") ||
           (!writes_only && !bytes_is(request->argv[0], "unpause"));
}

static uint64_t on_between(void *context)
{
    struct world *world = context;
    world->betweens++;
    for (uint32_t i = 0; i < world->late_count; i++) {
        struct client *client = net_client_by_id(world->net, world->late[i]);
        if (client != NULL)
            reply_status(&client->reply, "LATE");
    }
    world->late_count = 0;
    return UINT64_MAX;
}

static void on_arrived(void *context, struct client *client)
{
    struct world *world = context;
    world->arrived++;
    if (!world->must_authenticate)
        client->flags |= CLIENT_AUTHENTICATED;
}

static void on_left(void *context, struct client *client)
{
    struct world *world = context;
    world->left++;
    CHECK(net_client_by_id(world->net, client->id) == NULL);
}

static void on_log(void *context, int level, const char *text)
{
    struct world *world = context;
    (void)level;
    world->logged++;
    snprintf(world->log, sizeof(world->log), "%s", text);
}

/* ---- the world ------------------------------------------------------------------------------- */

static int64_t shifted_wall_us(void *context)
{
    const struct world *world = context;
    return world->real.wall_us(world->real.context) + world->later_ms * 1000;
}

static uint64_t shifted_now_ns(void *context)
{
    const struct world *world = context;
    return world->real.now_ns(world->real.context) + (uint64_t)world->later_ms * 1000000;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);
    CHECK(getsockname(fd, (struct sockaddr *)&name, &bytes) == 0);
    return ntohs(name.sin_port);
}

void world_begin(struct world *world)
{
    *world = (struct world){ 0 };
    os_seam_init(&world->real);
    world->shifted = world->real;
    world->shifted.context = world; /* only the clocks look at it */
    world->shifted.wall_us = shifted_wall_us;
    world->shifted.now_ns = shifted_now_ns;
    fault_seam_init(&world->fault, &world->shifted);
    const struct net_handler handler = { .batch = on_batch,
                                         .held = on_held,
                                         .between = on_between,
                                         .arrived = on_arrived,
                                         .left = on_left,
                                         .log = on_log,
                                         .context = world };
    world->net = net_new(&world->fault.seam, &handler);
    CHECK(world->net != NULL);
    world->limits = (struct net_limits){ .clients_max = 10000,
                                         .query_buffer_max = 1u << 30,
                                         .bulk_max = 512u << 20 };
    net_set_limits(world->net, &world->limits);
    int listener = socket_listen_tcp("127.0.0.1", 0, 511);
    CHECK(listener >= 0);
    world->port = port_of(listener);
    CHECK(net_listen(world->net, listener, NET_TCP));
}

void world_end(struct world *world)
{
    net_drop(world->net);
    CHECK_EQ(world->left, world->arrived);
}

void world_turns(struct world *world, int turns)
{
    for (; turns > 0; turns--)
        net_turn(world->net, 0);
}

/* ---- peers ----------------------------------------------------------------------------------- */

void peer_open(struct peer *peer, struct world *world)
{
    const struct sockaddr_in name = { .sin_family = AF_INET,
                                      .sin_port = htons(world->port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    *peer = (struct peer){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    CHECK(peer->fd >= 0);
    CHECK(connect(peer->fd, (const struct sockaddr *)&name, sizeof(name)) == 0);
}

void peer_close(struct peer *peer)
{
    close(peer->fd);
    free(peer->got);
    *peer = (struct peer){ .fd = -1 };
}

void peer_write(struct peer *peer, struct world *world, struct bytes bytes)
{
    for (int turns = 0; bytes.count > 0 && turns < AWAIT_TURNS; turns++) {
        ssize_t sent = send(peer->fd, bytes.at, bytes.count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes = bytes_of(bytes.at + sent, bytes.count - (size_t)sent);
        } else if (errno == EAGAIN) {
            world_turns(world, 1);
        } else {
            return; /* the server has closed; reading finds out */
        }
    }
    CHECK_EQ(bytes.count, 0);
}

void peer_read(struct peer *peer, size_t most)
{
    enum { READ_BYTES = 65536 };
    while (most > 0) {
        if (peer->capacity - peer->count < READ_BYTES) {
            size_t capacity = peer->capacity * 2 + READ_BYTES;
            uint8_t *got = realloc(peer->got, capacity); /* not what is made to fail */
            CHECK(got != NULL);
            peer->got = got;
            peer->capacity = capacity;
        }
        size_t piece = most < READ_BYTES ? most : READ_BYTES;
        ssize_t got = recv(peer->fd, peer->got + peer->count, piece, MSG_DONTWAIT);
        if (got <= 0) {
            peer->closed = peer->closed || got == 0 || errno != EAGAIN;
            return;
        }
        peer->count += (size_t)got;
        most -= (size_t)got;
    }
}

void peer_await(struct peer *peer, struct world *world, size_t count)
{
    for (int turns = 0; turns < AWAIT_TURNS; turns++) {
        peer_read(peer, SIZE_MAX);
        if (peer->count >= count || peer->closed)
            return;
        net_turn(world->net, 100000);
    }
}

static void check_got(const struct peer *peer, const char *text, const char *file, int line)
{
    test_bytes(file, line, "received", bytes_of(peer->got, peer->count), bytes_of_text(text));
}

void peer_asks(struct peer *peer, struct world *world, const char *request, const char *reply,
               const char *file, int line)
{
    peer->count = 0;
    peer_write(peer, world, bytes_of_text(request));
    peer_await(peer, world, strlen(reply));
    world_turns(world, 3);
    peer_read(peer, SIZE_MAX);
    check_got(peer, reply, file, line);
}

void peer_ends(struct peer *peer, struct world *world, const char *last, const char *file, int line)
{
    peer->count = 0;
    peer_await(peer, world, SIZE_MAX);
    check_got(peer, last, file, line);
    if (!peer->closed)
        test_fail(file, line, "not closed");
}
