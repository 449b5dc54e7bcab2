/* How long a connection may take for what, to the nanosecond, by a clock of the test's own. */
#include "harness.h"
#include "http/inside.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000, came_ns = 77777;

static uint64_t now_ns(void *context)
{
    return *(uint64_t *)context;
}

struct world {
    uint64_t now_ns;
    struct seam seam;
    struct http http;
    int other; /* the peer's end */
};

static struct connection *begin(struct world *world, bool answering, bool answered)
{
    int ends[2];
    memset(world, 0, sizeof *world);
    world->seam = (struct seam){ .context = &world->now_ns, .now_ns = now_ns };
    world->http.seam = &world->seam;
    connections_init(&world->http);
    CHECK_EQ(connections_sweep(&world->http, 1), UINT64_MAX);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    world->other = ends[1];
    struct connection *place = &world->http.connections[5];
    *place = (struct connection){ ends[0], came_ns, answering, answered };
    return place;
}

/* Nothing that the peer sends gives it more time. */
static void check(bool answering, bool answered, uint64_t seconds)
{
    static struct world world;
    struct connection *place = begin(&world, answering, answered);
    char byte;
    uint64_t end_ns = came_ns + seconds * second_ns;
    for (uint64_t second = 0; second < seconds; second++) {
        world.now_ns = came_ns + second * second_ns;
        CHECK_EQ(write(world.other, "x", 1), 1);
        CHECK_EQ(connections_sweep(&world.http, world.now_ns), end_ns);
    }
    world.now_ns = end_ns - 1;
    CHECK_EQ(connections_sweep(&world.http, world.now_ns), end_ns);
    CHECK_EQ(read(world.other, &byte, 1), -1); /* still open */
    CHECK_EQ(world.http.figures.closed, 0);
    world.now_ns = end_ns;
    CHECK_EQ(connections_sweep(&world.http, world.now_ns), end_ns + seconds * second_ns);
    CHECK_EQ(read(world.other, &byte, 1), 0); /* its end */
    CHECK_EQ(world.http.figures.closed, 1);
    close(place->socket);
    close(world.other);
}

TEST(http_connections_have_so_long_and_no_longer)
{
    check(false, false, 10); /* for the first request */
    check(false, true, 75);  /* for the next */
    check(true, false, 60);  /* to take a reply */
    check(true, true, 60);
}
