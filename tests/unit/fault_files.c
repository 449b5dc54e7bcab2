/* Files that end too early, byte by byte, and a disk that is slow, beside a whole server. */
#include "fault_site.h"
#include "harness.h"
#include "persist/aof_manifest.h"
#include "store/store.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct trial {
    struct site site;
    struct caller caller;
};

static void begin(struct trial *trial)
{
    memset(trial, 0, sizeof *trial);
    site_prepare(&trial->site);
    CHECK(site_start(&trial->site));
    caller_open(&trial->caller, &trial->site);
}

static void end(struct trial *trial)
{
    caller_close(&trial->caller);
    site_end(&trial->site);
}

/* An inline command; the reply as it came. */
static struct bytes ask(struct trial *trial, const char *line)
{
    struct bytes reply;
    CHECKF(caller_ask(&trial->caller, &trial->site, bytes_of_text(line), &reply), "%s", line);
    return reply;
}

static bool begins(struct bytes reply, const char *text)
{
    return reply.count >= strlen(text) && memcmp(reply.at, text, strlen(text)) == 0;
}

static void tell(struct trial *trial, const char *line)
{
    struct bytes reply = ask(trial, line);
    CHECKF(!begins(reply, "-"), "%s: %.*s", line, (int)reply.count, (const char *)reply.at);
}

static void await(struct trial *trial, const char *text)
{
    for (int tries = 0;; tries++) {
        struct bytes reply = ask(trial, "INFO persistence\r\n");
        if (memmem(reply.at, reply.count, text, strlen(text)) != NULL)
            return;
        CHECKF(tries < 20000, "%s does not come to pass", text);
        nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
    }
}

static void digest(struct trial *trial, char *text)
{
    struct bytes reply = ask(trial, "DEBUG DIGEST\r\n");
    CHECK(begins(reply, "+") && reply.count < 64);
    memcpy(text, reply.at, reply.count);
    text[reply.count] = 0;
}

/* --- files ------------------------------------------------------------------------------------ */

struct content {
    char path[256];
    uint8_t at[16384];
    size_t count;
};

static void read_content(struct content *content, const struct trial *trial, const char *name)
{
    snprintf(content->path, sizeof content->path, "%s/%s", trial->site.directory, name);
    FILE *file = fopen(content->path, "rb");
    CHECKF(file != NULL, "%s", content->path);
    content->count = fread(content->at, 1, sizeof content->at, file);
    CHECK(content->count > 0 && content->count < sizeof content->at);
    fclose(file);
}

/* In its place, so that who has it open has it open still. */
static void write_first(const struct content *content, size_t count)
{
    FILE *file = fopen(content->path, "r+b");
    CHECK(file != NULL);
    CHECK_EQ(fwrite(content->at, 1, count, file), count);
    fclose(file);
    CHECK_EQ(truncate(content->path, (off_t)count), 0);
}

/* Keys of every type, with lifetimes, groups, and functions. */
static void fill(struct trial *trial)
{
    static const char *const lines[] = {
        "SET string text\r\n",
        "SET number 1234567 PX 100000000\r\n",
        "RPUSH list a b 3 4444444\r\n",
        "SADD set a b c\r\n",
        "SADD integers 1 2 300000\r\n",
        "HSET hash f 1 g 2\r\n",
        "HPEXPIRE hash 100000000 FIELDS 1 f\r\n",
        "ZADD zset 1 a 2.5 b -inf c\r\n",
        "XADD stream 1-1 f v g w\r\n",
        "XADD stream 2-1 f v\r\n",
        "XGROUP CREATE stream group 0\r\n",
        "XREADGROUP GROUP group me COUNT 1 STREAMS stream >\r\n",
        "SETRANGE long 3000 end\r\n",
        "PFADD counted a b c\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        tell(trial, lines[i]);
    tell(trial,
         "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() end)\"\r\n");
}

/* --- torn at every byte ----------------------------------------------------------------------- */

TEST(a_snapshot_cut_at_any_byte_is_refused)
{
    static struct trial trial;
    static struct content content;
    char before[64], after[64];
    begin(&trial);
    fill(&trial);
    digest(&trial, before);
    tell(&trial, "SAVE\r\n");
    read_content(&content, &trial, "dump.rdb");
    for (size_t count = 0; count < content.count; count++) {
        write_first(&content, count);
        struct bytes reply = ask(&trial, "DEBUG RELOAD NOSAVE\r\n");
        CHECKF(begins(reply, "-ERR Error trying to load"), "%zu of %zu bytes", count,
               content.count);
        CHECK(store_valid(trial.site.server.store));
    }
    write_first(&content, content.count);
    tell(&trial, "DEBUG RELOAD NOSAVE\r\n");
    digest(&trial, after);
    CHECK(strcmp(before, after) == 0);
    end(&trial);
}

static void write_log(struct trial *trial)
{
    fill(trial);
    tell(trial, "CONFIG SET appendonly yes appendfsync no\r\n");
    await(trial, "aof_rewrite_in_progress:0");
    for (int i = 0; i < 5; i++) {
        tell(trial, "RPUSH told x\r\n");
        tell(trial, "MULTI\r\n");
        tell(trial, "RPUSH pair x\r\n");
        tell(trial, "RPUSH pair y\r\n");
        tell(trial, "EXEC\r\n");
    }
}

/* What is whole is loaded, transactions as a whole; or nothing, where a cut is not allowed. */
static void cut_log(struct trial *trial, const struct content *content, bool allowed)
{
    int64_t least = 0;
    unsigned refused = 0;
    tell(trial, allowed ? "CONFIG SET aof-load-truncated yes\r\n"
                        : "CONFIG SET aof-load-truncated no\r\n");
    for (size_t count = 0; count <= content->count; count++) {
        write_first(content, count);
        struct bytes reply = ask(trial, "DEBUG LOADAOF\r\n");
        CHECKF(begins(reply, "+OK") || !allowed, "%zu bytes: %.*s", count, (int)reply.count,
               (const char *)reply.at);
        refused += begins(reply, "-");
        CHECK(store_valid(trial->site.server.store));
        reply = ask(trial, "LLEN pair\r\n");
        int64_t pairs = reply.at[1] == '1' && reply.at[2] == '0' ? 10 : reply.at[1] - '0';
        CHECK(pairs % 2 == 0 && pairs >= least && pairs <= 10);
        least = allowed ? pairs : 0;
    }
    CHECK(allowed ? least == 10 && refused == 0 : refused > content->count / 2);
}

TEST(a_log_cut_at_any_byte_is_loaded_up_to_there_or_refused)
{
    static struct trial trial;
    static struct content content, base;
    char before[64], after[64];
    begin(&trial);
    write_log(&trial);
    digest(&trial, before);
    read_content(&content, &trial, "appendonlydir/appendonly.aof.1.incr.aof");
    cut_log(&trial, &content, true);
    cut_log(&trial, &content, false);
    read_content(&base, &trial, "appendonlydir/appendonly.aof.1.base.rdb");
    for (size_t count = 0; count < base.count; count++) {
        write_first(&base, count);
        struct bytes reply = ask(&trial, "DEBUG LOADAOF\r\n");
        CHECKF(begins(reply, "-ERR Error trying to load"), "%zu of %zu bytes", count, base.count);
        CHECK(store_valid(trial.site.server.store));
    }
    write_first(&base, base.count);
    tell(&trial, "DEBUG LOADAOF\r\n");
    digest(&trial, after);
    CHECK(strcmp(before, after) == 0);
    end(&trial);
}

TEST(a_manifest_cut_at_any_byte_names_whole_lines_or_is_refused)
{
    static const char text[] = "file a.2.base.rdb seq 2 type b\nfile a.1.incr.aof seq 1 type h\n"
                               "file a.2.incr.aof seq 2 type i\nfile \"a b.3\" seq 3 type i\n";
    uint32_t names = 0;
    for (size_t count = 0; count < sizeof text; count++) {
        struct aof_manifest manifest = { 0 };
        struct aof_manifest_fault fault = { 0 };
        enum err err = aof_manifest_parse(&manifest, bytes_of(text, count), &fault);
        CHECK(err == ERR_NONE || (err == ERR_SYNTAX && fault.reason != NULL));
        CHECK(err == ERR_NONE || text[count] != 0);
        if (err == ERR_NONE) {
            CHECK(manifest.count >= names);
            names = manifest.count;
        }
        aof_manifest_release(&manifest);
    }
    CHECK_EQ(names, 4);
}

/* --- a slow disk ------------------------------------------------------------------------------ */

static int sync_slowly(void *context, int file)
{
    (void)context, (void)file;
    nanosleep(&(struct timespec){ .tv_nsec = 300 * 1000 * 1000 }, NULL);
    return 0;
}

/* The snapshot is told as a whole and only synced: what FLUSHALL removes now must not come back. */
TEST(a_snapshot_that_is_being_synced_does_not_outlive_flushall)
{
    static struct trial trial;
    begin(&trial);
    trial.site.real.sync = sync_slowly;
    tell(&trial, "SET k v\r\n");
    tell(&trial, "BGSAVE\r\n");
    await(&trial, "current_save_keys_processed:1");
    await(&trial, "rdb_bgsave_in_progress:1");
    tell(&trial, "FLUSHALL\r\n");
    await(&trial, "rdb_saves:1"); /* of nothing */
    await(&trial, "rdb_bgsave_in_progress:0");
    tell(&trial, "DEBUG RELOAD NOSAVE\r\n");
    CHECK(begins(ask(&trial, "EXISTS k\r\n"), ":0"));
    end(&trial);
}
