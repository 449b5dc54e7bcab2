/* The files of the log together: started, rewritten, upgraded, and what a machine that stops at any
 * step leaves to be loaded. */
#include "aof_disk_world.h"
#include "base/memory.h"
#include "base/number.h"
#include "harness.h"
#include "persist/aof_load.h"
#include "persist/aof_set.h"

#include <stdio.h>

struct world {
    struct disk disk;
    struct aof_set set;
    int64_t told, flushed; /* effects are the numbers from 1 on */
    enum aof_policy policy;
    bool busy; /* effects come while a rewrite waits for the disk */
};

static void tell(struct world *world)
{
    uint8_t digits[NUMBER_I64_MAX];
    world->told++;
    struct bytes argv[] = { BYTES("E"), bytes_of(digits, number_write_i64(digits, world->told)) };
    aof_log_effect(&world->set.log, 0, argv, 2);
}

static bool flush(struct world *world)
{
    if (aof_log_flush(&world->set.log, true) != AOF_FLUSHED)
        return false;
    world->flushed = world->told;
    return true;
}

/* The data as they are now, as commands. */
static enum err write_base(struct world *world, uint64_t *bytes)
{
    struct buffer out = { 0 };
    for (int64_t i = 1; i <= world->told; i++) {
        uint8_t digits[NUMBER_I64_MAX];
        size_t count = number_write_i64(digits, i);
        CHECK(buffer_printf(&out, "*2\r\n$1\r\nE\r\n$%zu\r\n%.*s\r\n", count, (int)count, digits));
    }
    enum err err =
        aof_file_replace(&world->set.place, aof_set_temporary(&world->set), buffer_view(&out));
    *bytes = out.count;
    buffer_release(&out);
    return err;
}

/* --- loading ---------------------------------------------------------------------------------- */

static enum err count_up(void *context, const struct bytes *argv, uint32_t argc)
{
    int64_t *last = context, number;
    CHECK_EQ(argc, 2);
    if (bytes_is(argv[0], "select"))
        return ERR_NONE;
    CHECK(number_read_i64(argv[1], &number));
    CHECK_EQ(number, *last + 1);
    *last = number;
    return ERR_NONE;
}

/* The last number of those that are loaded, which are all up to it. */
static int64_t load(struct aof_set *set, uint64_t *bytes)
{
    static const struct rdb_handler nothing = { 0 };
    int64_t last = 0;
    struct aof_handler handler = { .command = count_up, .rdb = &nothing, .context = &last };
    struct aof_load_options options = { .allow_cut = true, .cut = true, .checksum = true };
    struct aof_load_report report;
    struct aof_manifest_fault fault;
    enum err err = aof_set_read(set, &fault);
    CHECKF(err == ERR_NONE, "line %u: %s", fault.line, fault.reason);
    enum aof_outcome outcome = aof_load(&set->place, &set->manifest, &handler, &options, &report);
    CHECKF(outcome <= AOF_SHORTENED, "%s: %d", report.file, (int)outcome);
    *bytes = aof_load_bytes(&set->place, &set->manifest);
    return last;
}

static void world_start(struct world *world)
{
    struct aof_place place = { &world->disk.seam, "aof", "a" };
    CHECK_EQ(aof_set_init(&world->set, &place), ERR_NONE);
    world->set.log.policy = world->policy;
}

static bool start_and_open(struct world *world)
{
    uint64_t bytes;
    world_start(world);
    world->told = world->flushed = load(&world->set, &bytes);
    return aof_set_open(&world->set, bytes) == ERR_NONE;
}

/* --- steps, waited for ------------------------------------------------------------------------ */

static void wait(struct world *world)
{
    for (int i = 0; i < 3 && world->busy; i++) {
        tell(world);
        if (!flush(world))
            break;
    }
    aof_set_wait(&world->set);
}

static enum err begin_rewrite(struct world *world)
{
    for (;;) {
        enum err err = ERR_NONE;
        switch (aof_set_begin_rewrite(&world->set, &err)) {
        case AOF_STEP_DONE:
            return ERR_NONE;
        case AOF_STEP_FAILED:
            return err;
        case AOF_STEP_WAITS:
        default:
            wait(world);
        }
    }
}

static enum err end_rewrite(struct world *world, uint64_t bytes)
{
    for (;;) {
        enum err err = ERR_NONE;
        switch (aof_set_end_rewrite(&world->set, false, bytes, &err)) {
        case AOF_STEP_DONE:
            return ERR_NONE;
        case AOF_STEP_FAILED:
            return err;
        case AOF_STEP_WAITS:
        default:
            wait(world);
        }
    }
}

/* All that the threads have to do is done, and known. */
static void tidy(struct world *world)
{
    for (int i = 0; i < 2; i++) {
        aof_set_wait(&world->set);
        aof_set_tidy(&world->set);
    }
    aof_set_wait(&world->set);
    aof_set_tidy(&world->set);
}

/* --- one life --------------------------------------------------------------------------------- */

static bool rewrite(struct world *world)
{
    uint64_t bytes;
    if (begin_rewrite(world) != ERR_NONE)
        return false;
    enum err err = write_base(world, &bytes);
    tell(world);
    if (!flush(world) || err != ERR_NONE) {
        aof_set_fail_rewrite(&world->set);
        return false;
    }
    tell(world);
    if (end_rewrite(world, bytes) != ERR_NONE)
        return false;
    tidy(world);
    return true;
}

/* What the manifest does not name would stay for ever. */
static void check_names(struct disk *disk)
{
    struct bytes manifest = disk_content(disk, "aof/a.manifest");
    for (int i = 0; i < DISK_FILES; i++) {
        const char *path = disk->files[i].path;
        if (path[0] == 0 || disk->files[i].directory || strcmp(path, "aof/a.manifest") == 0)
            continue;
        const char *name = path + sizeof "aof/" - 1;
        CHECKF(memmem(manifest.at, manifest.count, name, strlen(name)) != NULL,
               "%s is of nobody; the manifest: %.*s", name, (int)manifest.count,
               (const char *)manifest.at);
    }
}

static bool live(struct world *world)
{
    if (!start_and_open(world))
        return false;
    tell(world);
    tell(world);
    if (!flush(world) || !rewrite(world))
        return false;
    tell(world);
    return flush(world) && rewrite(world);
}

/* What is left is loaded, and the log goes on. `lost`: the ends of files that a machine which stops
 * has lost, NULL where only the process has ended. Then what is there is what was flushed with
 * `always`, and something with the others. */
static void come_back(struct world *world, const char *lost, uint64_t steps)
{
    struct world after = { .policy = world->policy };
    uint64_t bytes;
    aof_set_release(&world->set);
    disk_restart(&world->disk, UINT64_MAX);
    if (lost != NULL)
        disk_forget(&world->disk, lost);
    if (lost != NULL && world->policy != AOF_ALWAYS)
        world->flushed = 0;
    after.disk = world->disk;
    after.disk.seam.context = &after.disk;
    world_start(&after);
    int64_t last = load(&after.set, &bytes);
    CHECKF(last >= world->flushed && last <= world->told, "%d of %d to %d, after %d steps",
           (int)last, (int)world->flushed, (int)world->told, (int)steps);
    after.told = last;
    CHECK_EQ(aof_set_open(&after.set, bytes), ERR_NONE);
    CHECK(rewrite(&after));
    CHECK_EQ(aof_set_close(&after.set), ERR_NONE);
    aof_set_release(&after.set);
    check_names(&after.disk);
    disk_release(&after.disk);
}

static void stop_everywhere(enum aof_policy policy, const char *lost)
{
    bool whole = false;
    for (uint64_t steps = 0; !whole; steps++) {
        struct world world = { .policy = policy, .busy = true };
        disk_init(&world.disk);
        world.disk.steps = steps;
        whole = live(&world);
        come_back(&world, lost, steps);
    }
}

TEST(aof_set_loads_what_was_flushed_wherever_the_disk_stops)
{
    stop_everywhere(AOF_NEVER, NULL);
}

/* The ends of all files are lost, or of one, while later ones are on disk. */
TEST(aof_set_loads_what_was_synced_wherever_the_machine_stops)
{
    static const enum aof_policy policies[] = { AOF_ALWAYS, AOF_EVERYSEC, AOF_NEVER };
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        stop_everywhere(policies[i], "");
        stop_everywhere(policies[i], "a.1.incr.aof");
        stop_everywhere(policies[i], "a.2.incr.aof");
    }
}

/* One write, sync, rename or opening fails, and the server goes on, or ends where it must. */
static bool live_on(struct world *world)
{
    if (!start_and_open(world))
        return false;
    for (int i = 0; i < 4; i++) {
        tell(world);
        if (!flush(world) && world->policy == AOF_ALWAYS)
            return false;
        if (i > 0 && !rewrite(world))
            tidy(world);
    }
    tell(world);
    return flush(world);
}

TEST(aof_set_loses_nothing_that_was_answered_when_one_call_fails)
{
    static const enum aof_policy policies[] = { AOF_ALWAYS, AOF_EVERYSEC, AOF_NEVER };
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        for (int stops = 0; stops < 2; stops++) {
            bool failed = true;
            for (uint64_t steps = 0; failed; steps++) {
                struct world world = { .policy = policies[i], .busy = true };
                disk_init(&world.disk);
                world.disk.steps = steps;
                world.disk.once = true;
                bool whole = live_on(&world);
                failed = !whole || world.disk.steps > steps;
                come_back(&world, stops ? "" : NULL, steps);
            }
        }
    }
}

/* A call that fails once is not the end: the next rewrite succeeds, and nothing is missing. */
TEST(aof_set_goes_on_after_a_rewrite_that_failed)
{
    bool failed = true;
    for (uint64_t steps = 0; failed; steps++) {
        struct world world = { .policy = AOF_NEVER };
        uint64_t bytes;
        disk_init(&world.disk);
        CHECK(start_and_open(&world));
        tell(&world);
        CHECK(flush(&world));
        world.disk.steps = steps;
        failed = !rewrite(&world);
        tidy(&world);
        world.disk.steps = UINT64_MAX;
        CHECK_EQ(world.set.failures > 0, failed);
        tell(&world);
        CHECK(flush(&world));
        CHECK(rewrite(&world));
        CHECK(flush(&world));
        CHECK_EQ(world.set.failures, 0);
        int64_t told = world.told;
        aof_set_release(&world.set);
        world_start(&world);
        CHECK_EQ(load(&world.set, &bytes), told);
        CHECK_EQ(aof_manifest_count(&world.set.manifest, AOF_HISTORY), 0);
        aof_set_release(&world.set);
        disk_release(&world.disk);
    }
}

/* The thread that executes commands neither syncs, renames, deletes nor makes a file for it. */
TEST(aof_set_is_rewritten_without_waiting_for_the_disk)
{
    static const enum aof_policy policies[] = { AOF_EVERYSEC, AOF_NEVER };
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct world world = { .policy = policies[i], .busy = true };
        uint64_t bytes;
        disk_init(&world.disk);
        CHECK(start_and_open(&world));
        tell(&world);
        CHECK(flush(&world));
        uint64_t waits = world.disk.its_waits;
        CHECK_EQ(begin_rewrite(&world), ERR_NONE);
        CHECK_EQ(world.disk.its_waits, waits);
        CHECK_EQ(write_base(&world, &bytes), ERR_NONE);
        waits = world.disk.its_waits;
        CHECK_EQ(end_rewrite(&world, bytes), ERR_NONE);
        tidy(&world);
        CHECK_EQ(world.disk.its_waits, waits);
        CHECK_EQ(world.set.manifest.count, 2);
        aof_set_release(&world.set);
        disk_release(&world.disk);
    }
}

TEST(aof_set_begins_with_the_base_of_no_data_and_deletes_what_was_rewritten)
{
    struct world world = { .policy = AOF_NEVER };
    disk_init(&world.disk);
    CHECK(start_and_open(&world));
    CHECK(disk_has(&world.disk, "aof/a.1.base.rdb") && disk_has(&world.disk, "aof/a.1.incr.aof"));
    CHECK_TEXT(disk_content(&world.disk, "aof/a.manifest"),
               "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n");
    tell(&world);
    CHECK(rewrite(&world));
    CHECK(!disk_has(&world.disk, "aof/a.1.base.rdb") && !disk_has(&world.disk, "aof/a.1.incr.aof"));
    CHECK_TEXT(disk_content(&world.disk, "aof/a.manifest"),
               "file a.2.base.aof seq 2 type b\nfile a.2.incr.aof seq 2 type i\n");
    world.set.keep_history = true;
    CHECK(flush(&world) && rewrite(&world));
    CHECK(disk_has(&world.disk, "aof/a.2.base.aof") && disk_has(&world.disk, "aof/a.2.incr.aof"));
    CHECK_EQ(aof_manifest_count(&world.set.manifest, AOF_HISTORY), 2);
    aof_set_release(&world.set);
    disk_release(&world.disk);
}

TEST(aof_set_takes_a_single_file_over_wherever_the_disk_stops)
{
    bool whole = false;
    for (uint64_t steps = 0; !whole; steps++) {
        struct world world = { .policy = AOF_NEVER };
        struct aof_manifest_fault fault;
        uint64_t bytes;
        disk_init(&world.disk);
        disk_put(&world.disk, "a", BYTES("*2\r\n$1\r\nE\r\n$1\r\n1\r\n"));
        world.disk.steps = steps;
        world_start(&world);
        whole = aof_set_read(&world.set, &fault) == ERR_NONE;
        aof_set_release(&world.set);
        disk_restart(&world.disk, UINT64_MAX);
        world_start(&world);
        CHECK_EQ(load(&world.set, &bytes), 1);
        CHECK(!disk_has(&world.disk, "a") && disk_has(&world.disk, "aof/a"));
        CHECK_EQ(aof_set_open(&world.set, bytes), ERR_NONE);
        CHECK_TEXT(disk_content(&world.disk, "aof/a.manifest"),
                   "file a seq 1 type b\nfile a.1.incr.aof seq 1 type i\n");
        aof_set_release(&world.set);
        disk_release(&world.disk);
    }
}

TEST(aof_set_switched_on_with_data_is_loaded_from_its_first_base_on)
{
    struct world world = { .told = 3 };
    uint64_t bytes;
    disk_init(&world.disk);
    world_start(&world);
    CHECK_EQ(begin_rewrite(&world), ERR_NONE);
    tell(&world);
    CHECK(flush(&world));
    CHECK(!disk_has(&world.disk, "aof/a.manifest"));
    aof_set_fail_rewrite(&world.set);
    CHECK(rewrite(&world) && flush(&world));
    int64_t told = world.told;
    CHECK_EQ(aof_set_close(&world.set), ERR_NONE);
    CHECK(!aof_set_is_open(&world.set));
    CHECK(rewrite(&world)); /* and again */
    CHECK_EQ(aof_set_close(&world.set), ERR_NONE);
    aof_set_release(&world.set);
    world_start(&world);
    CHECK_EQ(load(&world.set, &bytes), told + 2);
    CHECK_EQ(world.set.manifest.count, 2);
    aof_set_release(&world.set);
    disk_release(&world.disk);
}

TEST(aof_set_is_rewritten_when_it_has_grown_and_pauses_after_failures)
{
    struct world world = { .policy = AOF_NEVER };
    static const uint64_t minute = UINT64_C(60000000000);
    disk_init(&world.disk);
    CHECK(start_and_open(&world));
    world.set.base_bytes = 100;
    world.set.earlier_bytes = 199;
    CHECK(!aof_set_wants_rewrite(&world.set, 100, 0));
    world.set.earlier_bytes = 200;
    CHECK(aof_set_wants_rewrite(&world.set, 100, 0));
    CHECK(!aof_set_wants_rewrite(&world.set, 0, 0) && !aof_set_wants_rewrite(&world.set, 101, 0));
    CHECK(!aof_set_wants_rewrite(&world.set, 100, 200));
    CHECK(aof_set_wants_rewrite(&world.set, 100, 199));
    static const unsigned minutes[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60 };
    for (uint32_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
        world.set.failures = i;
        world.set.failed_ns = world.disk.now_ns - minutes[i] * minute;
        CHECK(aof_set_wants_rewrite(&world.set, 100, 0));
        world.set.failed_ns++;
        CHECK_EQ(aof_set_wants_rewrite(&world.set, 100, 0), minutes[i] == 0);
    }
    world.set.failures = 1000000;
    CHECK(!aof_set_wants_rewrite(&world.set, 100, 0));
    aof_set_release(&world.set);
    disk_release(&world.disk);
}

TEST(aof_log_refuses_after_a_loss_until_a_rewrite_is_done)
{
    struct world world = { .policy = AOF_NEVER };
    int error;
    uint64_t bytes;
    disk_init(&world.disk);
    CHECK(start_and_open(&world));
    memory_fail_after(0);
    tell(&world);
    memory_fail_after(UINT64_MAX);
    CHECK(aof_log_refuses(&world.set.log, &error) && error == 0);
    CHECK_EQ(world.set.log.pending.count, 0);
    CHECK_EQ(begin_rewrite(&world), ERR_NONE);
    CHECK(aof_log_refuses(&world.set.log, &error));
    CHECK_EQ(write_base(&world, &bytes), ERR_NONE);
    CHECK_EQ(end_rewrite(&world, bytes), ERR_NONE);
    CHECK(!aof_log_refuses(&world.set.log, &error));
    aof_set_release(&world.set);
    disk_release(&world.disk);
}
