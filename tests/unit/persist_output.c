/* A file written by a thread of its own, while each call to the system fails in turn. */
#include "harness.h"

#include "base/fault.h"
#include "base/memory.h"
#include "os/seam.h"
#include "persist/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 256, PIECES = 20, PIECE = 10 * 1000, WAIT_NS = 1000 * 1000 * 1000 };

struct world {
    struct seam real;
    struct fault_seam fault;
    char directory[PATH_BYTES], file[PATH_BYTES], temporary[PATH_BYTES];
};

static void world_init(struct world *world)
{
    os_seam_init(&world->real);
    fault_seam_init(&world->fault, &world->real);
    snprintf(world->directory, PATH_BYTES, "/tmp/snug-output-XXXXXX");
    CHECK(mkdtemp(world->directory) != NULL);
    snprintf(world->file, PATH_BYTES, "%.200s/dump.rdb", world->directory);
    snprintf(world->temporary, PATH_BYTES, "%.200s/temp-%d.rdb", world->directory, (int)getpid());
}

static void world_release(struct world *world)
{
    unlink(world->file);
    CHECK(access(world->temporary, F_OK) != 0);
    CHECK(rmdir(world->directory) == 0);
}

static struct output *open_output(struct world *world)
{
    struct output_options options = { .seam = &world->fault.seam,
                                      .directory = world->directory,
                                      .name = "dump.rdb",
                                      .sync_bytes = 3 * PIECE };
    struct output *output = output_new(&options);
    CHECK(output != NULL);
    return output;
}

/* False: it failed on the way. */
static bool give_pieces(struct output *output, uint8_t fill)
{
    for (unsigned i = 0; i < PIECES; i++) {
        struct buffer piece = { 0 };
        CHECK(buffer_reserve(&piece, PIECE));
        memset(piece.at, fill, PIECE);
        piece.count = PIECE;
        if (output_give(output, &piece) != ERR_NONE)
            return false;
        CHECK(piece.at == NULL && piece.count == 0);
    }
    return true;
}

static enum output_state wait_for_end(struct output *output)
{
    while (output_state(output) == OUTPUT_OPEN || output_state(output) == OUTPUT_ENDING)
        output_wait(output, 0, WAIT_NS);
    return output_state(output);
}

/* The file is whole, and of one piece of writing. */
static void check_file(const struct world *world, uint8_t fill)
{
    static uint8_t content[PIECES * PIECE + 1];
    int file = open(world->file, O_RDONLY);
    CHECK(file >= 0);
    CHECK_EQ(read(file, content, sizeof content), PIECES * PIECE);
    for (unsigned i = 0; i < PIECES * PIECE; i++)
        CHECKF(content[i] == fill, "byte %u is %u", i, content[i]);
    close(file);
}

static void write_file(struct world *world, uint8_t fill)
{
    struct output *output = open_output(world);
    CHECK(give_pieces(output, fill));
    output_finish(output);
    CHECK_EQ(wait_for_end(output), OUTPUT_DONE);
    CHECK_EQ(output_pending(output), 0);
    output_drop(output);
    check_file(world, fill);
}

TEST(output_writes_a_file_and_replaces_one)
{
    struct world world;
    world_init(&world);
    write_file(&world, 'a');
    write_file(&world, 'b');
    world_release(&world);
}

TEST(output_moves_bytes_one_at_a_time_where_the_system_does)
{
    struct world world;
    world_init(&world);
    fault_seam_plan(&world.fault, &(struct fault_plan){ .trickle = true });
    write_file(&world, 'c');
    world_release(&world);
}

TEST(output_that_is_cancelled_leaves_no_trace)
{
    struct world world;
    world_init(&world);
    write_file(&world, 'a');
    struct output *output = open_output(&world);
    CHECK(give_pieces(output, 'b'));
    output_cancel(output);
    CHECK_EQ(wait_for_end(output), OUTPUT_CANCELLED);
    output_drop(output);
    output = open_output(&world);
    CHECK(give_pieces(output, 'b'));
    output_drop(output);
    check_file(&world, 'a');
    world_release(&world);
}

/* All but the last: when the directory cannot be synced, the file has its name already. */
TEST(output_that_fails_leaves_the_older_file)
{
    struct world world;
    bool failed = true;
    world_init(&world);
    write_file(&world, 'a');
    for (uint64_t after = 0; failed; after++) {
        fault_seam_plan(&world.fault, &(struct fault_plan){
                                          .classes = FAULT_FILES, .after = after, .error = EIO });
        struct output *output = open_output(&world);
        if (give_pieces(output, 'b'))
            output_finish(output);
        failed = wait_for_end(output) == OUTPUT_FAILED;
        struct output_error error = output_error(output);
        output_drop(output);
        fault_seam_plan(&world.fault, &(struct fault_plan){ 0 });
        CHECKF(failed == (error.step != NULL), "after %llu", (unsigned long long)after);
        CHECK(!failed || error.number == EIO);
        CHECK(after < 1000);
        bool named = !failed || strstr(error.step, "directory") != NULL;
        check_file(&world, named ? 'b' : 'a');
    }
    world_release(&world);
}
