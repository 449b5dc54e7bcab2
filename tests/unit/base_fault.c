/* The seam that fails on demand, around the real one. */
#include "harness.h"

#include "base/fault.h"
#include "os/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct world {
    struct seam real;
    struct fault_seam fault;
};

static const struct seam *world_init(struct world *world)
{
    os_seam_init(&world->real);
    fault_seam_init(&world->fault, &world->real);
    return &world->fault.seam;
}

TEST(fault_passes_everything_on_without_a_plan)
{
    struct world world;
    const struct seam *seam = world_init(&world);
    CHECK(seam_now_ns(seam) > 0 && seam_wall_us(seam) > 0);
    CHECK(seam->cpu_ns(seam->context) > 0);
    uint64_t chance[2] = { 0 };
    seam->random(seam->context, chance, sizeof(chance));
    CHECK(chance[0] != chance[1]);
    uint8_t *pages = seam->pages_reserve(seam->context, 1 << 20);
    CHECK(pages != NULL && seam->pages_commit(seam->context, pages, 1 << 16));
    pages[0] = 1;
    seam->pages_touch(seam->context, pages, 1 << 16);
    seam->pages_return(seam->context, pages, 1 << 16);
    CHECK_EQ(pages[0], 0);
    seam->pages_unreserve(seam->context, pages, 1 << 20);
    CHECK_EQ(fault_seam_calls(&world.fault, FAULT_PAGES), 3);
    CHECK_EQ(fault_seam_calls(&world.fault, FAULT_FILES | FAULT_SOCKETS), 0);
}

TEST(fault_fails_the_nth_call_of_its_classes_once)
{
    struct world world;
    const struct seam *seam = world_init(&world);
    fault_seam_plan(&world.fault,
                    &(struct fault_plan){ .classes = FAULT_FILES, .after = 1, .error = ENOSPC });
    int file = seam->open(seam->context, "/dev/null", O_WRONLY, 0);
    CHECK(file >= 0);
    void *pages = seam->pages_reserve(seam->context, 4096);
    CHECK(pages != NULL);
    seam->pages_unreserve(seam->context, pages, 4096);
    errno = 0;
    CHECK(seam->write(seam->context, file, "x", 1) == -1 && errno == ENOSPC);
    CHECK(seam->write(seam->context, file, "x", 1) == 1);
    CHECK_EQ(atomic_load(&world.fault.failed), 1);
    CHECK(seam->close(seam->context, file) == 0);
    CHECK_EQ(fault_seam_calls(&world.fault, FAULT_ANY), 5);
}

TEST(fault_fails_always_from_there)
{
    struct world world;
    const struct seam *seam = world_init(&world);
    fault_seam_plan(&world.fault,
                    &(struct fault_plan){ .classes = FAULT_ANY, .error = ENOMEM, .always = true });
    CHECK(seam->pages_reserve(seam->context, 4096) == NULL && errno == ENOMEM);
    CHECK(!seam->pages_commit(seam->context, NULL, 4096));
    CHECK(!seam->pages_move(seam->context, NULL, NULL, 4096));
    CHECK(seam->open(seam->context, "/dev/null", O_RDONLY, 0) == -1);
    CHECK(seam->rename(seam->context, "/a", "/b") == -1);
    CHECK(seam->unlink(seam->context, "/nowhere/a") == -1 && errno == ENOMEM);
    CHECK(seam->accept(seam->context, -1, NULL, NULL) == -1 && errno == ENOMEM);
    CHECK(seam->connect(seam->context, "127.0.0.1", 1, 1) == -1 && errno == ENOMEM);
    CHECK(!seam->wait_to_receive(seam->context, 0, 0) && !seam->wait_to_send(seam->context, 0, 0));
    CHECK(seam->sync_data(seam->context, 0) == -1 && seam->truncate(seam->context, 0, 0) == -1);
    CHECK(seam->file_bytes(seam->context, 0) == -1);
    CHECK(seam->make_directory(seam->context, "/nowhere/a", 0755) == -1 && errno == ENOMEM);
    CHECK_EQ(atomic_load(&world.fault.failed), 14);
}

TEST(fault_closes_even_when_close_fails)
{
    struct world world;
    const struct seam *seam = world_init(&world);
    int file = seam->open(seam->context, "/dev/null", O_RDONLY, 0);
    fault_seam_plan(&world.fault, &(struct fault_plan){ .classes = FAULT_FILES, .error = EIO });
    CHECK(seam->close(seam->context, file) == -1 && errno == EIO);
    CHECK(fcntl(file, F_GETFD) == -1 && errno == EBADF);
}

TEST(fault_trickles_a_byte_at_a_time)
{
    struct world world;
    const struct seam *seam = world_init(&world);
    fault_seam_plan(&world.fault, &(struct fault_plan){ .trickle = true });
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    struct iovec parts[] = { { NULL, 0 }, { "abc", 3 } };
    CHECK_EQ(seam->send(seam->context, ends[0], parts, 2), 1);
    CHECK_EQ(world.real.send(NULL, ends[0], parts, 2), 3);
    char got[8];
    CHECK_EQ(seam->receive(seam->context, ends[1], got, sizeof(got)), 1);
    CHECK_EQ(got[0], 'a');
    CHECK_EQ(world.real.receive(NULL, ends[1], got, sizeof(got)), 3);
    CHECK_BYTES(bytes_of(got, 3), BYTES("abc"));
    close(ends[0]);
    close(ends[1]);
}
