/* What a killed process has left is removed; what somebody writes, and what is no temporary file of
 * ours, stays. */
#include "harness.h"
#include "os/seam.h"
#include "persist/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    struct seam seam;
    char directory[32];
    unsigned removed;
};

static void path_in(const struct place *place, const char *name, char *path, size_t bytes)
{
    CHECK((size_t)snprintf(path, bytes, "%s/%s", place->directory, name) < bytes);
}

static int make(struct place *place, const char *name)
{
    char path[128];
    path_in(place, name, path, sizeof path);
    int file = place->seam.open(place->seam.context, path, O_RDWR | O_CREAT, 0644);
    CHECK(file >= 0);
    return file;
}

static bool is_there(const struct place *place, const char *name)
{
    char path[128];
    path_in(place, name, path, sizeof path);
    return access(path, F_OK) == 0;
}

static void count(void *context, const char *name)
{
    struct place *place = context;
    CHECK(strncmp(name, "temp-", 5) == 0);
    place->removed++;
}

/* A number that no process has any more. */
static pid_t ended_process(void)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, NULL, 0) == child);
    return child;
}

TEST(leftovers_of_processes_that_ended_are_removed)
{
    struct place place = { 0 };
    char gone[3][64];
    static const char *const kept[] = { "dump.rdb",   "temp-x.rdb",     "temp-.rdb",
                                        "temp-0.rdb", "temp-1.rdb.old", "temp-dump.rdb" };
    os_seam_init(&place.seam);
    snprintf(place.directory, sizeof place.directory, "/tmp/snug-left-XXXXXX");
    CHECK(mkdtemp(place.directory) != NULL);
    int process = (int)ended_process();
    snprintf(gone[0], sizeof gone[0], "temp-%d.rdb", process);
    snprintf(gone[1], sizeof gone[1], "temp-rewriteaof-bg-%d.aof", process);
    snprintf(gone[2], sizeof gone[2], "temp-%d.rdb", (int)getpid());
    for (int i = 0; i < 3; i++)
        close(make(&place, gone[i]));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        close(make(&place, kept[i]));
    close(make(&place, "temp-1.rdb")); /* somebody has this number always */
    close(make(&place, "temp-a.aof.manifest"));
    close(make(&place, "temp-b.aof.manifest"));
    int held = make(&place, "temp-a.aof.rewritten");
    CHECK_EQ(place.seam.lock(place.seam.context, held), 0);

    leftovers_remove(
        &(struct leftovers){ &place.seam, place.directory, "temp-a.aof.", count, &place });
    CHECK_EQ(place.removed, 4);
    CHECK(!is_there(&place, gone[0]) && !is_there(&place, gone[2]));
    CHECK(!is_there(&place, "temp-a.aof.manifest"));
    CHECK(is_there(&place, "temp-1.rdb") && is_there(&place, "temp-b.aof.manifest"));
    CHECK(is_there(&place, "temp-a.aof.rewritten"));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CHECK(is_there(&place, kept[i]));
    close(held);

    leftovers_remove(&(struct leftovers){ &place.seam, place.directory, "temp-", count, &place });
    CHECK_EQ(place.removed, 11);
    char path[128];
    path_in(&place, "dump.rdb", path, sizeof path);
    CHECK(unlink(path) == 0);
    path_in(&place, "temp-1.rdb", path, sizeof path);
    CHECK(unlink(path) == 0);
    CHECK_EQ(rmdir(place.directory), 0);
    leftovers_remove(&(struct leftovers){ &place.seam, place.directory, NULL, count, &place });
}
