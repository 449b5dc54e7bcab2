/* Limits: how many, how long, how much, and how little before authentication. */
#include "base/memory.h"
#include "net_world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

TEST(net_refuses_more_than_maxclients)
{
    struct world world;
    world_begin(&world);
    world.limits.clients_max = 2;
    net_set_limits(world.net, &world.limits);
    struct peer peers[3];
    for (int i = 0; i < 3; i++)
        peer_open(&peers[i], &world);
    ENDS(&peers[2], "-ERR max number of clients reached\r\n");
    ASKS(&peers[0], "PING\r\n", "+PONG\r\n");
    ASKS(&peers[1], "PING\r\n", "+PONG\r\n");
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK_EQ(figures.rejected, 1);
    CHECK_EQ(figures.accepted, 2);
    CHECK_EQ(figures.clients_max_seen, 2);
    net_reset_counters(world.net);
    net_figures(world.net, &figures);
    CHECK_EQ(figures.rejected, 0);
    CHECK_EQ(figures.clients, 2);
    for (int i = 0; i < 3; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

/* Loopback is let in; from elsewhere one cannot come in a test. */
TEST(net_protected_mode_lets_loopback_in)
{
    struct world world;
    world_begin(&world);
    world.limits.protected_mode_blocks = true;
    net_set_limits(world.net, &world.limits);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    peer_close(&peer);
    world_end(&world);
}

TEST(net_closes_idle_clients)
{
    struct world world;
    world_begin(&world);
    world.limits.timeout_seconds = 10;
    net_set_limits(world.net, &world.limits);
    struct peer idle, busy, blocked;
    peer_open(&idle, &world);
    peer_open(&busy, &world);
    peer_open(&blocked, &world);
    ASKS(&idle, "PING\r\n", "+PONG\r\n");
    ASKS(&blocked, "BLOCK\r\n", "");
    for (int i = 0; i < 3; i++) {
        world.later_ms += 5000;
        usleep(1000);
        ASKS(&busy, "PING\r\n", "+PONG\r\n");
    }
    ENDS(&idle, "");
    ASKS(&busy, "UNBLOCK 3\r\n", ":1\r\n");
    ASKS(&blocked, "", "+AWAKE\r\n");
    peer_close(&idle);
    peer_close(&busy);
    peer_close(&blocked);
    world_end(&world);
}

TEST(net_closes_over_the_hard_output_limit)
{
    struct world world;
    world_begin(&world);
    world.limits.output[CLIENT_CLASS_NORMAL].hard = 5000000;
    net_set_limits(world.net, &world.limits);
    struct peer slow, other;
    peer_open(&slow, &world);
    peer_open(&other, &world);
    for (int i = 0; i < 100; i++)
        peer_write(&slow, &world, BYTES("BIG 300000\r\n"));
    world_turns(&world, 10);
    CHECK_EQ(net_clients(world.net), 1);
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK_EQ(figures.output_buffer_disconnections, 1);
    CHECK_EQ(figures.client_bytes, client_memory(net_client_by_id(world.net, 2)));
    ASKS(&other, "PING\r\n", "+PONG\r\n");
    peer_close(&slow);
    peer_close(&other);
    world_end(&world);
}

TEST(net_closes_over_the_soft_output_limit_in_time)
{
    struct world world;
    world_begin(&world);
    world.limits.output[CLIENT_CLASS_NORMAL].soft = 1000000;
    world.limits.output[CLIENT_CLASS_NORMAL].soft_seconds = 5;
    net_set_limits(world.net, &world.limits);
    struct peer slow, quick;
    peer_open(&slow, &world);
    peer_open(&quick, &world);
    peer_write(&slow, &world, BYTES("BIG 20000000\r\n"));
    peer_write(&quick, &world, BYTES("BIG 20000000\r\n"));
    world_turns(&world, 10);
    peer_await(&quick, &world, 20000000 + 13);
    world_turns(&world, 2);
    CHECK_EQ(net_clients(world.net), 2);
    for (int i = 0; i < 4; i++) {
        world.later_ms += 2000;
        usleep(1000);
        world_turns(&world, 3);
    }
    CHECK_EQ(net_clients(world.net), 1);
    CHECK(net_client_by_id(world.net, 2) != NULL);
    peer_close(&slow);
    peer_close(&quick);
    world_end(&world);
}

TEST(net_closes_over_the_query_buffer_limit)
{
    struct world world;
    world_begin(&world);
    world.limits.query_buffer_max = 2000000;
    net_set_limits(world.net, &world.limits);
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("*2\r\n$4\r\nECHO\r\n$3000000\r\n"));
    uint8_t *value = memory_take_zeroed(3000000);
    CHECK(value != NULL);
    peer_write(&peer, &world, bytes_of(value, 1900000));
    world_turns(&world, 10);
    CHECK_EQ(net_clients(world.net), 1);
    peer_write(&peer, &world, bytes_of(value, 1000000));
    peer_await(&peer, &world, SIZE_MAX);
    CHECK(peer.closed);
    world_turns(&world, 2);
    CHECK_EQ(net_clients(world.net), 0);
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK_EQ(figures.query_buffer_disconnections, 1);
    CHECK_EQ(figures.client_bytes, 0);
    memory_give(value);
    peer_close(&peer);
    world_end(&world);
}

/* Announcing a long argument costs little until it arrives. */
TEST(net_holds_no_more_than_arrives)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "*2\r\n$4\r\nECHO\r\n$500000000\r\n", "");
    for (int i = 0; i < 10; i++)
        ASKS(&peer, "0123456789", "");
    CHECK(client_memory(net_client_by_id(world.net, 1)) < 2000000);
    ASKS(&peer, "*1000000\r\n", "");
    CHECK(client_memory(net_client_by_id(world.net, 1)) < 2000000);
    peer_close(&peer);
    world_end(&world);
}

TEST(net_gives_strangers_little)
{
    struct world world;
    world_begin(&world);
    world.must_authenticate = true;
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("PING\r\n*11\r\n"));
    ENDS(&peer, "+PONG\r\n-ERR Protocol error: unauthenticated multibulk length\r\n");
    peer_close(&peer);
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("*1\r\n$16385\r\n"));
    ENDS(&peer, "-ERR Protocol error: unauthenticated bulk length\r\n");
    peer_close(&peer);
    /* More unsent than allowed, and it goes. */
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("BIG 9000000\r\nBIG 9000000\r\nPING\r\n"));
    world_turns(&world, 3);
    peer_await(&peer, &world, SIZE_MAX);
    CHECK(peer.closed);
    CHECK(peer.count < 10000000);
    peer_close(&peer);
    /* In one packet: what follows AUTH has all rights. */
    peer_open(&peer, &world);
    ASKS(&peer,
         "*1\r\n$4\r\nAUTH\r\n*11\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\n"
         "a\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\nPING\r\n",
         "+OK\r\n:11\r\n+PONG\r\n");
    peer_close(&peer);
    world_end(&world);
}

TEST(net_samples_rates)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    for (int i = 0; i < 32; i++) {
        ASKS(&peer, "PING\r\nPING\r\nPING\r\nPING\r\n", "+PONG\r\n+PONG\r\n+PONG\r\n+PONG\r\n");
        world.later_ms += 100;
        usleep(1000);
    }
    world_turns(&world, 1);
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECKF(figures.ops_per_second > 15 && figures.ops_per_second <= 41, "%f",
           figures.ops_per_second);
    CHECKF(figures.input_kbps > 0.1 && figures.input_kbps < 0.3, "%f", figures.input_kbps);
    CHECKF(figures.output_kbps > 0.1 && figures.output_kbps < 0.3, "%f", figures.output_kbps);
    peer_close(&peer);
    world_end(&world);
}

/* Without descriptors the listener rests: it neither spins nor fills the log. */
TEST(net_rests_without_descriptors)
{
    struct world world;
    world_begin(&world);
    struct peer first, second;
    peer_open(&first, &world);
    ASKS(&first, "PING\r\n", "+PONG\r\n");
    fault_seam_plan(&world.fault, &(struct fault_plan){ FAULT_SOCKETS, 0, EMFILE, false, false });
    peer_open(&second, &world);
    world_turns(&world, 1);
    CHECK_EQ(world.logged, 1);
    uint64_t calls = fault_seam_calls(&world.fault, FAULT_SOCKETS);
    world_turns(&world, 10);
    CHECK_EQ(fault_seam_calls(&world.fault, FAULT_SOCKETS), calls);
    ASKS(&first, "PING\r\n", "+PONG\r\n");
    world.later_ms += 200;
    usleep(1000);
    ASKS(&second, "PING\r\n", "+PONG\r\n");
    CHECK_EQ(world.logged, 1);
    peer_close(&first);
    peer_close(&second);
    world_end(&world);
}
