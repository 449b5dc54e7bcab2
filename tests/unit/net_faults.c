/* Every call on a socket, and every taking of memory, fails in turn: a connection may be lost, the
 * others go on. */
#include "base/memory.h"
#include "net_world.h"

#include <errno.h>
#include <unistd.h>

/* A bit of everything; replies are not looked at, since any of it may fail. */
static void use_all(struct world *world, struct peer *peer)
{
    static uint8_t value[100000];
    peer_open(peer, world);
    world_turns(world, 1);
    peer_write(peer, world, BYTES("PING\r\nECHO a\r\n*2\r\n$4\r\nECHO\r\n$100000\r\n"));
    world_turns(world, 2);
    peer_write(peer, world, bytes_of(value, sizeof(value)));
    peer_write(peer, world, BYTES("\r\nBIG 100000\r\nLATE\r\nPING"));
    world_turns(world, 3);
    peer_read(peer, 1000);
    peer_write(peer, world, BYTES("\r\nPING x \"y\"\r\nPAUSE 1\r\nPING\r\n"));
    usleep(1500);
    world_turns(world, 3);
    peer_read(peer, SIZE_MAX);
    peer_write(peer, world, BYTES("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1"));
    world_turns(world, 2);
    peer_write(peer, world, BYTES("\r\nc\r\n"));
    world_turns(world, 2);
    peer_read(peer, SIZE_MAX);
}

/* Whatever happened to others, a client that comes now is served. */
static void check_serves(struct world *world)
{
    struct peer peer;
    world->later_ms += 300; /* listeners rest no longer */
    usleep(1000);
    peer_open(&peer, world);
    peer_write(&peer, world, BYTES("ECHO still here\r\nECHO x\r\n"));
    peer_await(&peer, world, 7 + 7);
    CHECK_TEXT(bytes_of(peer.got, peer.count), "$4\r\nhere\r\n$1\r\nx\r\n");
    peer_close(&peer);
}

static void fail_each_call(int error)
{
    for (uint64_t after = 0; after < 60; after++) {
        struct world world;
        world_begin(&world);
        struct peer first, second;
        peer_open(&first, &world);
        ASKS(&first, "PING\r\n", "+PONG\r\n");
        fault_seam_plan(&world.fault,
                        &(struct fault_plan){ FAULT_SOCKETS, after, error, false, false });
        use_all(&world, &second);
        bool happened = world.fault.failed != 0;
        fault_seam_plan(&world.fault, &(struct fault_plan){ 0 });
        check_serves(&world);
        if (error == EAGAIN || error == EINTR) {
            CHECK(!second.closed);
            ASKS(&first, "PING\r\n", "+PONG\r\n");
        }
        peer_close(&second);
        peer_close(&first);
        world_end(&world);
        if (!happened)
            return;
    }
    CHECK(false); /* every call has had its turn before */
}

TEST(net_survives_each_socket_call_failing)
{
    static const int errors[] = { ECONNRESET, EAGAIN, EINTR, EMFILE, ENOMEM, EPIPE };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        fail_each_call(errors[i]);
}

TEST(net_survives_each_taking_of_memory_failing)
{
    for (uint64_t after = 0; after < 40; after++) {
        struct world world;
        world_begin(&world);
        struct peer second;
        memory_fail_after(after);
        use_all(&world, &second);
        memory_fail_after(UINT64_MAX);
        check_serves(&world);
        peer_close(&second);
        world_end(&world);
    }
}

TEST(net_is_not_made_without_memory)
{
    struct world world;
    world_begin(&world);
    const struct net_handler handler = { 0 };
    for (uint64_t after = 0; after < 3; after++) {
        memory_fail_after(after);
        struct net *net = net_new(&world.fault.seam, &handler);
        memory_fail_after(UINT64_MAX);
        CHECK(net == NULL);
    }
    world_end(&world);
}
