/* The log: what effects become, what is read back, and that a disk which stops at any byte leaves
 * a log that loads up to the last whole command or transaction. */
#include "aof_disk_world.h"
#include "harness.h"
#include "persist/aof_load.h"
#include "persist/aof_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static const char path[] = "aof/a.1.incr.aof";

struct world {
    struct disk disk;
    struct aof_worker *worker;
    struct aof_log log;
    struct aof_place place;
};

static void world_open(struct world *world)
{
    world->place = (struct aof_place){ &world->disk.seam, "aof", "a" };
    world->worker = aof_worker_new(&world->disk.seam);
    CHECK(world->worker != NULL);
    aof_log_init(&world->log, &world->disk.seam, world->worker);
    int file = world->disk.seam.open(&world->disk, path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file >= 0)
        aof_log_use(&world->log, file, 0);
}

static void world_close(struct world *world)
{
    aof_worker_wait(world->worker);
    aof_log_release(&world->log);
    aof_worker_drop(world->worker);
}

static void tell(struct aof_log *log, unsigned db, const char *a, const char *b)
{
    struct bytes argv[] = { bytes_of_text(a), bytes_of_text(b) };
    aof_log_effect(log, db, argv, 2);
}

/* --- reading back ----------------------------------------------------------------------------- */

/* Commands as text, those of a transaction from its EXEC on. */
struct taken {
    struct buffer text;
    size_t transaction; /* where it began */
};

static enum err take(void *context, const struct bytes *argv, uint32_t argc)
{
    struct taken *taken = context;
    if (bytes_is(argv[0], "multi"))
        taken->transaction = taken->text.count;
    for (uint32_t i = 0; i < argc; i++) {
        CHECK(buffer_append(&taken->text, argv[i]));
        CHECK(buffer_append_byte(&taken->text, i + 1 < argc ? ' ' : '\n'));
    }
    return ERR_NONE;
}

static void drop(void *context)
{
    struct taken *taken = context;
    if (taken->transaction != SIZE_MAX)
        taken->text.count = taken->transaction;
}

static enum err take_and_settle(void *context, const struct bytes *argv, uint32_t argc)
{
    struct taken *taken = context;
    enum err err = take(context, argv, argc);
    if (bytes_is(argv[0], "exec"))
        taken->transaction = SIZE_MAX;
    return err;
}

static enum aof_outcome load(const struct aof_place *place, struct taken *taken, bool allow,
                             struct aof_load_report *report)
{
    static const struct rdb_handler nothing = { 0 };
    struct aof_handler handler = {
        .command = take_and_settle, .drop = drop, .rdb = &nothing, .context = taken
    };
    struct aof_load_options options = { .allow_cut = allow, .cut = true, .checksum = true };
    struct aof_manifest manifest = { 0 };
    CHECK_EQ(aof_manifest_add_increment(&manifest, "a"), ERR_NONE);
    *taken = (struct taken){ .transaction = SIZE_MAX };
    enum aof_outcome outcome = aof_load(place, &manifest, &handler, &options, report);
    aof_manifest_release(&manifest);
    return outcome;
}

/* --- effects ---------------------------------------------------------------------------------- */

TEST(aof_log_selects_and_wraps_what_belongs_together)
{
    struct world world;
    disk_init(&world.disk);
    world_open(&world);
    tell(&world.log, 0, "A", "1");
    tell(&world.log, 2, "B", "");
    aof_log_begin(&world.log);
    tell(&world.log, 2, "C", "x\r\ny");
    tell(&world.log, 3, "D", "4");
    aof_log_end(&world.log);
    aof_log_begin(&world.log);
    tell(&world.log, 1, "ALONE", "5");
    aof_log_end(&world.log);
    aof_log_begin(&world.log);
    aof_log_end(&world.log);
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    CHECK_EQ(world.log.written, world.log.appended);
    CHECK_EQ(world.log.file_bytes, disk_content(&world.disk, path).count);
    world_close(&world);
    struct taken taken;
    struct aof_load_report report;
    CHECK_EQ(load(&world.place, &taken, false, &report), AOF_LOADED);
    CHECK_TEXT(buffer_view(&taken.text), "SELECT 0\nA 1\nSELECT 2\nB \nMULTI\nC x\r\ny\nSELECT 3\n"
                                         "D 4\nEXEC\nSELECT 1\nALONE 5\n");
    buffer_release(&taken.text);
    disk_release(&world.disk);
}

TEST(aof_log_writes_times_once_a_second)
{
    struct world world;
    disk_init(&world.disk);
    world_open(&world);
    world.log.timestamps = true;
    tell(&world.log, 0, "A", "1");
    tell(&world.log, 0, "B", "1");
    world.disk.now_ns += 1000000000;
    tell(&world.log, 0, "C", "1");
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    CHECK_TEXT(disk_content(&world.disk, path),
               "#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$1\r\nA\r\n$1\r\n1\r\n"
               "*2\r\n$1\r\nB\r\n$1\r\n1\r\n#TS:1700000001\r\n*2\r\n$1\r\nC\r\n$1\r\n1\r\n");
    world_close(&world);
    disk_release(&world.disk);
}

/* --- a disk that stops ------------------------------------------------------------------------ */

/* Turns with effects alone and together; what was flushed in all, as text, is what must be there.
 */
static void run_turns(struct world *world, size_t *flushed)
{
    char value[16];
    for (int turn = 0; turn < 6; turn++) {
        snprintf(value, sizeof value, "v%d", turn);
        tell(&world->log, (unsigned)turn / 3, "SET", value);
        if (turn % 2 == 1) {
            aof_log_begin(&world->log);
            tell(&world->log, 1, "LPOP", value);
            tell(&world->log, 1, "RPUSH", value);
            aof_log_end(&world->log);
        }
        if (aof_log_flush(&world->log, true) != AOF_FLUSHED)
            return;
        *flushed = world->log.written;
    }
}

TEST(aof_log_loads_up_to_the_last_whole_command_wherever_the_disk_stops)
{
    struct world world;
    struct taken whole, taken;
    struct aof_load_report report;
    size_t flushed = 0;
    disk_init(&world.disk);
    world_open(&world);
    run_turns(&world, &flushed);
    world_close(&world);
    CHECK_EQ(load(&world.place, &whole, false, &report), AOF_LOADED);
    struct buffer image = { 0 };
    CHECK(buffer_append(&image, disk_content(&world.disk, path)));
    CHECK_EQ(image.count, flushed);
    disk_release(&world.disk);
    for (size_t steps = 0; steps <= image.count + 2; steps++) {
        flushed = 0;
        disk_init(&world.disk);
        world.disk.steps = steps;
        world_open(&world);
        world.log.policy = AOF_NEVER;
        if (world.log.file >= 0)
            run_turns(&world, &flushed);
        world_close(&world);
        disk_restart(&world.disk, UINT64_MAX);
        if (!disk_has(&world.disk, path)) {
            disk_release(&world.disk);
            continue;
        }
        struct bytes there = disk_content(&world.disk, path);
        CHECK(there.count >= flushed && there.count <= image.count);
        CHECK(there.count == 0 || memcmp(there.at, image.at, there.count) == 0);
        enum aof_outcome outcome = load(&world.place, &taken, true, &report);
        CHECK(outcome == AOF_LOADED || outcome == AOF_SHORTENED || outcome == AOF_EMPTY);
        CHECK(report.offset >= flushed || outcome == AOF_EMPTY);
        CHECK(
            taken.text.count <= whole.text.count &&
            (taken.text.count == 0 || memcmp(taken.text.at, whole.text.at, taken.text.count) == 0));
        size_t before = taken.text.count;
        buffer_release(&taken.text);
        /* What is left is whole. */
        outcome = load(&world.place, &taken, false, &report);
        CHECK((outcome == AOF_LOADED || outcome == AOF_EMPTY) && taken.text.count == before);
        buffer_release(&taken.text);
        disk_release(&world.disk);
    }
    buffer_release(&whole.text);
    buffer_release(&image);
}

TEST(aof_log_takes_a_half_written_record_back_and_goes_on)
{
    for (size_t steps = 1; steps < 40; steps++) {
        for (int cut = 0; cut < 2; cut++) {
            struct world world;
            struct taken taken;
            struct aof_load_report report;
            int error;
            disk_init(&world.disk);
            world_open(&world);
            world.log.policy = AOF_NEVER;
            tell(&world.log, 0, "A", "1");
            CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
            tell(&world.log, 1, "B", "123456789");
            world.disk.steps = steps;
            world.disk.error = ENOSPC;
            world.disk.refuse_cut = cut != 0;
            CHECK_EQ(aof_log_flush(&world.log, false), AOF_REFUSING);
            CHECK(aof_log_refuses(&world.log, &error) && error == ENOSPC);
            world.disk.steps = UINT64_MAX;
            tell(&world.log, 1, "C", "2");
            CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
            CHECK(!aof_log_refuses(&world.log, &error));
            world_close(&world);
            CHECK_EQ(load(&world.place, &taken, false, &report), AOF_LOADED);
            CHECK_TEXT(buffer_view(&taken.text), "SELECT 0\nA 1\nSELECT 1\nB 123456789\nC 2\n");
            buffer_release(&taken.text);
            disk_release(&world.disk);
        }
    }
}

TEST(aof_log_with_always_ends_where_it_cannot_write_or_sync)
{
    struct world world;
    disk_init(&world.disk);
    world_open(&world);
    world.log.policy = AOF_ALWAYS;
    tell(&world.log, 0, "A", "1");
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    CHECK_EQ(aof_log_synced(&world.log), world.log.written);
    tell(&world.log, 0, "B", "1");
    world.disk.refuse_sync = true;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FATAL);
    world.disk.refuse_sync = false;
    tell(&world.log, 0, "C", "1");
    world.disk.steps = 3;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FATAL);
    world_close(&world);
    disk_release(&world.disk);
}

TEST(aof_log_syncs_behind_once_a_second_and_refuses_while_that_fails)
{
    struct world world;
    int error;
    disk_init(&world.disk);
    world_open(&world);
    world.disk.refuse_sync = true;
    tell(&world.log, 0, "A", "1");
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    aof_worker_wait(world.worker);
    CHECK(aof_log_refuses(&world.log, &error) && error == EIO);
    CHECK_EQ(aof_log_synced(&world.log), 0);
    world.disk.refuse_sync = false;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_REFUSING);
    aof_worker_wait(world.worker);
    CHECK(aof_log_refuses(&world.log, &error)); /* not again within the second */
    world.disk.now_ns += 1000000000;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_REFUSING);
    aof_worker_wait(world.worker);
    CHECK(!aof_log_refuses(&world.log, &error));
    CHECK_EQ(aof_log_synced(&world.log), world.log.written);
    world_close(&world);
    disk_release(&world.disk);
}

TEST(aof_log_is_not_synced_while_the_file_before_is_not)
{
    struct world world;
    disk_init(&world.disk);
    world_open(&world);
    tell(&world.log, 0, "A", "1");
    world.log.policy = AOF_NEVER;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    int file = world.disk.seam.open(&world.disk, "aof/a.2.incr.aof", O_WRONLY | O_CREAT, 0644);
    world.disk.refuse_sync = true;
    aof_log_use(&world.log, file, 0);
    aof_worker_wait(world.worker);
    world.disk.refuse_sync = false;
    CHECK(!aof_log_sync(&world.log));
    CHECK_EQ(aof_log_synced(&world.log), 0);
    world_close(&world);
    disk_release(&world.disk);
}

TEST(aof_log_waits_two_seconds_for_a_sync_and_no_longer)
{
    struct world world;
    disk_init(&world.disk);
    world_open(&world);
    tell(&world.log, 0, "A", "1");
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    aof_worker_wait(world.worker);
    world.disk.now_ns += 1000000000;
    tell(&world.log, 0, "B", "1");
    pthread_mutex_lock(&world.disk.stall);
    aof_worker_sync(world.worker, world.log.file, world.log.written);
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_WAITS);
    world.disk.now_ns += 1999999999;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_WAITS);
    CHECK_EQ(world.log.delayed, 0);
    CHECK(world.log.written < world.log.appended);
    world.disk.now_ns += 1;
    CHECK_EQ(aof_log_flush(&world.log, false), AOF_FLUSHED);
    CHECK_EQ(world.log.delayed, 1);
    CHECK_EQ(world.log.written, world.log.appended);
    pthread_mutex_unlock(&world.disk.stall);
    aof_worker_wait(world.worker);
    world_close(&world);
    disk_release(&world.disk);
}

/* --- what cannot be read ---------------------------------------------------------------------- */

TEST(aof_load_says_where_a_log_is_corrupt)
{
    static const struct {
        const char *text;
        uint64_t bad, whole;
    } rows[] = {
        { "*1\r\n$1\r\nA\r\nx", 11, 11 },
        { "*1\r\n$1\r\nA\r\n*0\r\n", 11, 11 },
        { "*1\r\n$1\r\nA\r\n*-1\r\n", 11, 11 },
        { "*1\r\n$1\r\nA\r\n*1\n$1\r\nB\r\n", 13, 11 },
        { "*1\r\n$1\r\nA\r\n*1\r\n:1\r\n", 15, 11 },
        { "*1\r\n$1\r\nA\r\n*1\r\n$-1\r\n", 15, 11 },
        { "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nBB\r\n", 20, 11 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        struct taken taken;
        struct aof_load_report report;
        struct buffer words = { 0 };
        disk_init(&world.disk);
        world.place = (struct aof_place){ &world.disk.seam, "aof", "a" };
        disk_put(&world.disk, path, bytes_of_text(rows[i].text));
        CHECKF(load(&world.place, &taken, true, &report) == AOF_CORRUPT, "%s", rows[i].text);
        CHECKF(report.bad == rows[i].bad && report.offset == rows[i].whole, "%s: %d %d",
               rows[i].text, (int)report.bad, (int)report.offset);
        CHECK(aof_load_explain(&report, &words) && words.count > 0);
        CHECK_TEXT(buffer_view(&taken.text), "A\n");
        buffer_release(&words);
        buffer_release(&taken.text);
        disk_release(&world.disk);
    }
}

/* A log of two files. */
struct two_files {
    struct world world;
    struct taken taken;
    struct aof_manifest manifest;
    struct aof_load_report report;
};
static const char second[] = "aof/a.2.incr.aof";

static void two_files_init(struct two_files *two)
{
    *two = (struct two_files){ .taken.transaction = SIZE_MAX };
    disk_init(&two->world.disk);
    two->world.place = (struct aof_place){ &two->world.disk.seam, "aof", "a" };
    CHECK_EQ(aof_manifest_add_increment(&two->manifest, "a"), ERR_NONE);
    CHECK_EQ(aof_manifest_add_increment(&two->manifest, "a"), ERR_NONE);
}

static void two_files_release(struct two_files *two)
{
    buffer_release(&two->taken.text);
    aof_manifest_release(&two->manifest);
    disk_release(&two->world.disk);
}

static enum aof_outcome load_two(struct two_files *two, bool allow_cut, bool cut)
{
    static const struct rdb_handler nothing = { 0 };
    const struct aof_handler handler = { .command = take, .rdb = &nothing, .context = &two->taken };
    const struct aof_load_options options = { .allow_cut = allow_cut, .cut = cut };
    two->taken.text.count = 0;
    return aof_load(&two->world.place, &two->manifest, &handler, &options, &two->report);
}

static bool was_taken(const struct two_files *two, char letter)
{
    return memchr(two->taken.text.at, letter, two->taken.text.count) != NULL;
}

TEST(aof_load_takes_a_cut_of_the_last_file_only)
{
    struct two_files two;
    two_files_init(&two);
    disk_put(&two.world.disk, path, BYTES("*1\r\n$1\r\nA\r\n*1\r\n"));
    CHECK_EQ(aof_load_bytes(&two.world.place, &two.manifest), (int64_t)UINT64_MAX);
    disk_put(&two.world.disk, second, BYTES(""));
    CHECK_EQ(aof_load_bytes(&two.world.place, &two.manifest), 15);
    CHECK_EQ(load_two(&two, true, false), AOF_SHORTENED);
    CHECK_EQ(two.report.offset, 11);
    disk_put(&two.world.disk, second, BYTES("*1\r\n$1\r\nA\r\n"));
    CHECK_EQ(load_two(&two, true, false), AOF_ENDS);
    disk_put(&two.world.disk, path, BYTES("*1\r\n$1\r\nA\r\n"));
    CHECK_EQ(load_two(&two, true, false), AOF_LOADED);
    two_files_release(&two);
}

/* After a machine has stopped, the second file is on disk and the end of the first is not. */
TEST(aof_load_leaves_out_what_follows_more_than_there_is)
{
    static const char *const heads[] = { "#FOLLOWS:12\r\n*1\r\n$1\r\nB\r\n", "#FOLLOWS:1", "#",
                                         "#FOLLOWS:12\r" };
    struct two_files two;
    two_files_init(&two);
    disk_put(&two.world.disk, path, BYTES("*1\r\n$1\r\nA\r\n"));
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        disk_put(&two.world.disk, second, bytes_of_text(heads[i]));
        CHECK_EQ(load_two(&two, false, true), AOF_ENDS);
        CHECK_EQ(load_two(&two, true, true), AOF_SHORTENED);
        CHECK(two.report.left_out && strcmp(two.report.file, "a.1.incr.aof") == 0);
        CHECK(!was_taken(&two, 'B'));
        CHECK_EQ(disk_content(&two.world.disk, second).count, 0);
        CHECK_EQ(disk_content(&two.world.disk, path).count, 11);
    }
    disk_put(&two.world.disk, second, BYTES("#FOLLOWS:11\r\n*1\r\n$1\r\nB\r\n"));
    CHECK_EQ(load_two(&two, true, true), AOF_LOADED);
    CHECK(was_taken(&two, 'B'));
    two_files_release(&two);
}
