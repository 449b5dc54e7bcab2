/* Every command of the table while every request for pages, socket call, file call and taking of
 * memory fails in turn: an error reply or a closed connection, never an exit; what was acknowledged
 * before is intact, and the whole store is valid after each.
 *
 * SNUG_FAULTS=all tries each place of failure instead of some of them; it takes minutes. */
#include "base/memory.h"
#include "cmd/table.h"
#include "fault_script.h"
#include "fault_site.h"
#include "harness.h"
#include "persist/crc64.h"
#include "types/string.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LINES = sizeof script / sizeof *script };

/* ---- the script ------------------------------------------------------------------------------ */

enum { BIG = 100000, HUGE_VALUE = 1000000, LONG_KEY = 70000, WORDS_MAX = 24 };

static void add_filler(struct buffer *request, size_t count, char fill)
{
    static uint8_t filler[HUGE_VALUE];
    memset(filler, fill, count);
    CHECK(buffer_printf(request, "$%zu\r\n", count));
    CHECK(buffer_append(request, bytes_of(filler, count)));
    CHECK(buffer_append_text(request, "\r\n"));
}

/* A list of three, of which one is big. */
static void add_dump(struct buffer *request)
{
    static const uint8_t head[] = { 1, 3, 1, 'a', 0x80, 0, 1, 0x86, 0xa0 }, tail[] = { 1, 'c' };
    struct buffer dump = { 0 };
    CHECK(buffer_append(&dump, bytes_of(head, sizeof head)));
    for (int i = 0; i < BIG; i++)
        CHECK(buffer_append_byte(&dump, (uint8_t)('a' + i % 23)));
    CHECK(buffer_append(&dump, bytes_of(tail, sizeof tail)));
    CHECK(buffer_append(&dump, bytes_of("\x0a\0", 2)));
    uint64_t crc = crc64(0, buffer_view(&dump));
    for (unsigned i = 0; i < 8; i++)
        CHECK(buffer_append_byte(&dump, (uint8_t)(crc >> 8 * i)));
    CHECK(buffer_printf(request, "$%zu\r\n", dump.count));
    CHECK(buffer_append(request, buffer_view(&dump)));
    CHECK(buffer_append_text(request, "\r\n"));
    buffer_release(&dump);
}

static void add_word(struct buffer *request, struct bytes word)
{
    if (bytes_is(word, "{big}")) {
        add_filler(request, BIG, 'b');
    } else if (bytes_is(word, "{huge}")) {
        add_filler(request, HUGE_VALUE, 'h');
    } else if (bytes_is(word, "{long}")) {
        add_filler(request, LONG_KEY, 'k');
    } else if (bytes_is(word, "{dump}")) {
        add_dump(request);
    } else if (bytes_is(word, "{empty}")) {
        CHECK(buffer_append_text(request, "$0\r\n\r\n"));
    } else {
        CHECK(buffer_printf(request, "$%zu\r\n", word.count));
        for (size_t i = 0; i < word.count; i++)
            CHECK(buffer_append_byte(request, word.at[i] == '~' ? ' ' : word.at[i]));
        CHECK(buffer_append_text(request, "\r\n"));
    }
}

static void write_request(struct buffer *request, const char *line)
{
    struct bytes words[WORDS_MAX];
    uint32_t count = 0;
    for (const char *at = line; at != NULL;) {
        const char *space = strchr(at, ' ');
        CHECK(count < WORDS_MAX);
        words[count++] = bytes_of(at, space == NULL ? strlen(at) : (size_t)(space - at));
        at = space == NULL ? NULL : space + 1;
    }
    request->count = 0;
    CHECK(buffer_printf(request, "*%u\r\n", count));
    for (uint32_t i = 0; i < count; i++)
        add_word(request, words[i]);
}

/* ---- what must not be lost ------------------------------------------------------------------- */

enum { SAFE_KEYS = 40 };

static size_t safe_bytes(unsigned number)
{
    return number % 8 == 3 ? 70000 + number * 1000 : number * 17;
}

struct trial {
    struct site site;
    struct caller caller;
    struct buffer hello, requests[LINES]; /* written before anything fails */
    unsigned protocol;
    uint64_t asked, failed, closed;
};

static struct key safe_key(const struct trial *trial, unsigned number)
{
    static char name[32];
    int count = snprintf(name, sizeof name, "safe:%u", number);
    return store_key(trial->site.server.store, bytes_of(name, (size_t)count));
}

static void put_safe_keys(struct trial *trial)
{
    struct store *store = trial->site.server.store;
    static uint8_t content[200000];
    for (unsigned number = 0; number < SAFE_KEYS; number++) {
        struct key key = safe_key(trial, number);
        struct string_scratch scratch;
        struct value value;
        memset(content, (int)('a' + number % 26), safe_bytes(number));
        struct bytes bytes = bytes_of(content, safe_bytes(number));
        CHECK_EQ(string_make(store_heap(store), bytes, &scratch, &value), ERR_NONE);
        int64_t expiry = number % 3 == 0 ? store_now_ms(store) + 10000000 : STORE_NO_EXPIRY;
        CHECK_EQ(
            store_put(store, 0, &key, store_look(store, 0, &key), &value, expiry, EVENT_SET, NULL),
            ERR_NONE);
    }
}

static void check_safe_keys(const struct trial *trial)
{
    struct store *store = trial->site.server.store;
    for (unsigned number = 0; number < SAFE_KEYS; number++) {
        struct key key = safe_key(trial, number);
        struct entry *entry = store_look(store, 0, &key);
        CHECKF(entry != NULL, "safe:%u is lost", number);
        struct string_scratch scratch;
        struct value value = entry_value(entry);
        struct bytes bytes = string_view(store_heap(store), &value, &scratch);
        CHECK_EQ(bytes.count, safe_bytes(number));
        for (size_t at = 0; at < bytes.count; at += 997)
            CHECK_EQ(bytes.at[at], 'a' + number % 26);
    }
}

static void check_store(const struct trial *trial)
{
    CHECK(store_valid(trial->site.server.store));
    check_safe_keys(trial);
}

/* ---- a trial --------------------------------------------------------------------------------- */

/* A new connection, without faults, that speaks the protocol of the trial. */
static void connect_anew(struct trial *trial)
{
    struct bytes reply;
    if (trial->caller.fd >= 0)
        caller_close(&trial->caller);
    for (int tries = 0; tries < 20; tries++) { /* a listener that failed rests for a while */
        caller_open(&trial->caller, &trial->site);
        if (caller_ask(&trial->caller, &trial->site, buffer_view(&trial->hello), &reply))
            return;
        caller_close(&trial->caller);
    }
    CHECK(false);
}

/* wall_us: NULL is the real one. */
static void begin(struct trial *trial, unsigned protocol, int64_t (*wall_us)(void *context))
{
    memset(trial, 0, sizeof *trial);
    trial->protocol = protocol;
    trial->caller.fd = -1;
    write_request(&trial->hello, protocol == 3 ? "HELLO 3" : "HELLO 2");
    for (int i = 0; i < LINES; i++)
        write_request(&trial->requests[i],
                      script[i] + (script[i][0] == '-' || script[i][0] == '!'));
    site_prepare(&trial->site);
    if (wall_us != NULL)
        trial->site.real.wall_us = wall_us;
    CHECK(site_start(&trial->site));
    put_safe_keys(trial);
    connect_anew(trial);
}

static unsigned end(struct trial *trial)
{
    check_store(trial);
    caller_close(&trial->caller);
    buffer_release(&trial->hello);
    for (int i = 0; i < LINES; i++)
        buffer_release(&trial->requests[i]);
    return site_end(&trial->site);
}

/* Commands that take the safe keys with them, or might when the connection is in database 0. */
static bool flushes(const char *line)
{
    return strstr(line, "FLUSH") != NULL || strstr(line, "SWAPDB") != NULL;
}

/* Runs one line with whatever fault is planned; true when the fault came. */
static bool run_line(struct trial *trial, int number)
{
    const char *line = script[number];
    struct bytes request = buffer_view(&trial->requests[number]);
    struct bytes reply = bytes_of("", 0);
    bool mute = line[0] == '-', closes = line[0] == '!';
    trial->asked++;
    if (mute)
        caller_tell(&trial->caller, &trial->site, request);
    else if (caller_ask(&trial->caller, &trial->site, request, &reply))
        trial->failed += reply.at[0] == '-';
    bool happened = site_heal(&trial->site);
    trial->closed += trial->caller.closed;
    CHECKF(!trial->caller.closed || happened || closes, "%s closed the connection", line);
    if (flushes(line))
        put_safe_keys(trial);
    if (mute || closes || trial->caller.closed)
        connect_anew(trial);
    return happened;
}

static void fail_line(struct trial *trial, int number, enum site_fault fault, bool always,
                      uint64_t turns_max)
{
    bool happened = true;
    for (uint64_t after = 0; happened && after < turns_max; after++) {
        site_fail(&trial->site, fault, after, always);
        happened = run_line(trial, number);
        if (!store_valid(trial->site.server.store))
            test_fail(__FILE__, __LINE__, "%s: call %ju of %s%s", script[number], (uintmax_t)after,
                      site_fault_names[fault], always ? ", and all that follow" : "");
    }
}

static bool all_places(void)
{
    const char *asked = getenv("SNUG_FAULTS");
    return asked != NULL && strcmp(asked, "all") == 0;
}

static void fail_every_line(unsigned protocol, bool always)
{
    static struct trial trial;
    begin(&trial, protocol, NULL);
    uint64_t turns_max = all_places() ? 100000 : always ? 2 : 12;
    for (int i = 0; i < LINES; i++) {
        for (int fault = 0; fault < SITE_FAULTS; fault++)
            fail_line(&trial, i, (enum site_fault)fault, always, turns_max);
        run_line(&trial, i);
        check_safe_keys(&trial);
    }
    if (getenv("SNUG_FAULTS") != NULL)
        printf("RESP%u%s: %ju asked, %ju errors, %ju closed\n", protocol, always ? ", always" : "",
               (uintmax_t)trial.asked, (uintmax_t)trial.failed, (uintmax_t)trial.closed);
    CHECK(trial.failed > 0 && trial.closed > 0);
    /* What cannot be removed stays, but a file that was not put in place is removed. */
    CHECK(end(&trial) == 0 || always);
}

TEST(each_command_survives_one_failure)
{
    fail_every_line(2, false);
    fail_every_line(3, false);
}

TEST(each_command_survives_failures_without_end)
{
    fail_every_line(2, true);
    fail_every_line(3, true);
}

/* ---- the log --------------------------------------------------------------------------------- */

static bool ask_line(struct trial *trial, const char *line, struct bytes *reply)
{
    struct buffer request = { 0 };
    write_request(&request, line);
    bool answered = caller_ask(&trial->caller, &trial->site, buffer_view(&request), reply);
    buffer_release(&request);
    return answered;
}

static bool info_has(struct trial *trial, const char *text)
{
    struct bytes reply;
    CHECK(ask_line(trial, "INFO persistence", &reply));
    return memmem(reply.at, reply.count, text, strlen(text)) != NULL;
}

static void await(struct trial *trial, const char *text)
{
    for (int tries = 0; !info_has(trial, text); tries++) {
        CHECKF(tries < 20000, "%s does not come to pass", text);
        nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
    }
}

static void digest_of(struct trial *trial, char *digest)
{
    struct bytes reply;
    CHECK(ask_line(trial, "DEBUG DIGEST", &reply));
    CHECKF(reply.at[0] == '+' && reply.count < 64, "%.*s", (int)reply.count,
           (const char *)reply.at);
    memcpy(digest, reply.at, reply.count);
    digest[reply.count] = 0;
}

/* What the log says is what there is, or it says that it is not whole and is made so. */
static void check_log(struct trial *trial, int number, const char *what)
{
    char before[64], after[64];
    struct bytes reply;
    CHECK(ask_line(trial, "RESET", &reply)); /* out of a transaction, MONITOR and whatever else */
    if (!info_has(trial, "aof_last_write_status:ok")) /* it would try again by itself, later */
        CHECK(ask_line(trial, "BGREWRITEAOF", &reply));
    CHECK(
        ask_line(trial, "WAITAOF 0 0 0", &reply)); /* what threads met with is known from now on */
    await(trial, "aof_last_write_status:ok");
    await(trial, "aof_rewrite_scheduled:0");
    await(trial, "aof_rewrite_in_progress:0");
    digest_of(trial, before);
    CHECK(ask_line(trial, "DEBUG LOADAOF", &reply));
    CHECKF(bytes_is(reply, "+ok\r\n"), "%.*s", (int)reply.count, (const char *)reply.at);
    digest_of(trial, after);
    CHECKF(strcmp(before, after) == 0, "the log knows something else after %s: %s", script[number],
           what);
}

/* A disk that stops is the matter of other tests. */
static int sync_nothing(void *context, int file)
{
    (void)context, (void)file;
    return 0;
}

/* What expires while it is compared would make digests differ, on a machine that is slow. */
static int64_t still_wall(void *context)
{
    (void)context;
    return INT64_C(2000000000000000);
}

static void switch_log_on(struct trial *trial)
{
    struct bytes reply;
    trial->site.real.sync = trial->site.real.sync_data = sync_nothing;
    CHECK(ask_line(trial, "CONFIG SET appendonly yes appendfsync no", &reply));
    CHECK(bytes_is(reply, "+ok\r\n"));
    await(trial, "aof_rewrite_in_progress:0");
}

/* Expiry goes by itself, which would make digests differ; what DEBUG makes is told to nobody. */
static bool is_left_out(const char *line)
{
    return line[0] == '!' || line[0] == '-' || flushes(line) || strncmp(line, "SHUTDOWN", 8) == 0 ||
           strncmp(line, "CONFIG", 6) == 0 || strstr(line, "EXPIRE") != NULL ||
           strncmp(line, "DEBUG POPULATE", 14) == 0;
}

static void fail_logged_line(struct trial *trial, int number, enum site_fault fault, bool always)
{
    bool happened = true;
    for (uint64_t after = 0; happened && after < (always ? 2 : 8); after++) {
        site_fail(&trial->site, fault, after, always);
        happened = run_line(trial, number);
    }
}

/* Each command while memory, pages and files fail, the log being written: what it could not be told
 * is in it nevertheless when it says that it is whole. */
TEST(the_log_knows_what_commands_did_that_failed)
{
    static struct trial trial;
    begin(&trial, 2, still_wall); /* the safe keys too are of that time */
    switch_log_on(&trial);
    for (int i = 0; i < LINES; i++) {
        if (is_left_out(script[i]))
            continue;
        for (int always = 0; always < 2; always++) {
            fail_logged_line(&trial, i, SITE_MEMORY, always != 0);
            fail_logged_line(&trial, i, SITE_PAGES, always != 0);
            fail_logged_line(&trial, i, SITE_FILES, always != 0);
        }
        if (all_places() || i % 16 == 15)
            check_log(&trial, i, "memory, pages or files failed");
        run_line(&trial, i);
    }
    check_log(&trial, LINES - 1, "in the end");
    end(&trial);
}

/* ---- the script as a whole ------------------------------------------------------------------- */

static uint64_t calls_of(struct trial *trial, enum site_fault fault)
{
    return fault == SITE_MEMORY ? 2000 : fault_seam_calls(&trial->site.fault, 1u << fault);
}

/* From the nth call on, wherever that is in the script: a server that has just started takes pages
 * and memory for the first time everywhere. */
static bool run_script(enum site_fault fault, uint64_t after, bool always)
{
    static struct trial trial;
    struct bytes reply;
    begin(&trial, 2, NULL);
    site_fail(&trial.site, fault, after, always);
    for (int i = 0; i < LINES && !trial.caller.closed; i++) {
        if (script[i][0] == '-' || script[i][0] == '!' || flushes(script[i]))
            continue;
        struct bytes request = buffer_view(&trial.requests[i]);
        (void)caller_ask(&trial.caller, &trial.site, request, &reply);
    }
    bool happened = site_heal(&trial.site);
    connect_anew(&trial);
    end(&trial);
    return happened;
}

static void fail_script(enum site_fault fault, bool always)
{
    static struct trial trial;
    begin(&trial, 2, NULL);
    uint64_t most = calls_of(&trial, fault) + 2000, runs = all_places() ? most : 25;
    end(&trial);
    uint64_t after = 0, step = 1;
    for (uint64_t run = 0; run < runs && after < most; run++) {
        if (!run_script(fault, after, always))
            return;
        step = all_places() ? 1 : 1 + after / 4; /* the first ones one by one */
        after += step;
    }
}

TEST(the_script_survives_pages_that_are_refused)
{
    fail_script(SITE_PAGES, false);
    fail_script(SITE_PAGES, true);
}

TEST(the_script_survives_memory_that_is_refused)
{
    fail_script(SITE_MEMORY, false);
    fail_script(SITE_MEMORY, true);
}

/* ---- the start ------------------------------------------------------------------------------- */

TEST(a_start_that_fails_leaves_nothing_behind)
{
    static struct site site;
    const enum site_fault faults[] = { SITE_PAGES, SITE_FILES, SITE_MEMORY };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        for (uint64_t after = 0; after < 3000; after += all_places() ? 1 : 1 + after / 8) {
            uint64_t held = memory_held();
            site_prepare(&site);
            site_fail(&site, faults[i], after, after % 2 == 1);
            bool started = site_start(&site);
            bool happened = site_heal(&site);
            CHECK(started || happened);
            CHECK_EQ(site_end(&site), 0);
            CHECK_EQ(memory_held(), held);
            if (!happened)
                break;
        }
}

/* ---- the table ------------------------------------------------------------------------------- */

/* The first words of a line are the command's name, in any case of letters. */
static bool in_script(const struct command_row *row)
{
    char words[64];
    snprintf(words, sizeof words, "%s", row->full_name);
    for (char *at = words; *at != 0; at++)
        *at = *at == '|' ? ' ' : *at;
    size_t count = strlen(words);
    for (int i = 0; i < LINES; i++) {
        const char *line = script[i] + (script[i][0] == '-' || script[i][0] == '!');
        if (strncasecmp(line, words, count) == 0 && (line[count] == ' ' || line[count] == 0))
            return true;
    }
    return strcmp(words, "hello") == 0; /* begins every connection */
}

TEST(the_script_has_every_command)
{
    struct cmd_table *table = cmd_table_new(cmd_groups);
    CHECK(table != NULL);
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        const struct command_row *row = cmd_table_at(table, i);
        CHECKF(row->subcommand_count > 0 || in_script(row), "%s is missing", row->full_name);
    }
    cmd_table_drop(table);
}
