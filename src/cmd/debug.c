#include "cmd/debug.h"

#include "base/glob.h"
#include "base/number.h"
#include "cmd/persist.h"
#include "conf/config.h"
#include "observe/observer.h"
#include "store/defrag.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

/* --- time ------------------------------------------------------------------------------------- */

enum { SLEEP_SECONDS_MAX = 1000 * 1000 };

/* What is no number is taken for none, as in Redis. */
static void debug_sleep(struct call *call)
{
    double seconds = 0;
    if (!number_read_double(call->argv[2], &seconds) || !(seconds > 0))
        seconds = 0;
    if (seconds > SLEEP_SECONDS_MAX)
        seconds = SLEEP_SECONDS_MAX;
    struct timespec pause = { .tv_sec = (time_t)seconds };
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL);
    reply_ok(call->reply);
}

/* 0 and what is no number turn it off. */
static void debug_set_active_expire(struct call *call)
{
    int64_t on = 0;
    if (!number_read_i64(call->argv[2], &on))
        on = 0;
    store_set_active_expire(call->store, on != 0);
    reply_ok(call->reply);
}

/* --- the heap and the store ------------------------------------------------------------------- */

static void debug_verify(struct call *call)
{
    if (store_valid(call->store))
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR heap, index and keys do not fit together");
}

/* No entry is held here or by the rest of the batch, which has hashes only. */
static void debug_move_all(struct call *call)
{
    reply_i64(call->reply, (int64_t)defrag_move_every(call->context->defrag));
}

static void debug_structsize(struct call *call)
{
    reply_status(call->reply, "bits:64 entry:8 expiry:6 bucket:64 bucket_slots:10 node:32");
}

/* --- talking ---------------------------------------------------------------------------------- */

static void debug_log(struct call *call)
{
    enum { TEXT_MAX = 1024 };
    char text[TEXT_MAX];
    size_t count = call->argv[2].count;
    snprintf(text, sizeof text, "DEBUG LOG: %.*s", (int)(count < TEXT_MAX ? count : TEXT_MAX),
             (const char *)call->argv[2].at);
    call->context->log(call->context->server, CONFIG_LOG_WARNING, text);
    reply_ok(call->reply);
}

static void debug_error(struct call *call)
{
    reply_error_bytes(call->reply, call->argv[2]);
}

/* How the matcher behind KEYS does with a text of that many letters a: 1 or 0. */
static void debug_stringmatch_len(struct call *call)
{
    enum { TEXT_MAX = 16 * 1024 * 1024 };
    int64_t count;
    if (!call_i64_within(call, 2, 0, TEXT_MAX, &count))
        return;
    uint8_t *text = arena_take(call->arena, (size_t)count + 1);
    if (text == NULL) {
        call_memory_error(call);
        return;
    }
    memset(text, 'a', (size_t)count);
    reply_i64(call->reply, glob_match(call->argv[3], bytes_of(text, (size_t)count)));
}

static void debug_change_replid(struct call *call)
{
    observer_change_replid(call->context->observer);
    reply_ok(call->reply);
}

/* --- ends of the process ---------------------------------------------------------------------- */

static void debug_segfault(struct call *call)
{
    (void)call;
    raise(SIGSEGV);
}

static void debug_panic(struct call *call)
{
    (void)call;
    bug_at(__FILE__, __LINE__, "DEBUG PANIC was called");
}

static void debug_assert(struct call *call)
{
    ENSURE(call == NULL);
}

/* --- the table -------------------------------------------------------------------------------- */

enum { ANY_COUNT = UINT8_MAX };

struct subcommand {
    const char *name;
    uint8_t least, most; /* arguments after the name */
    void (*run)(struct call *call);
    const char *arguments; /* for HELP */
    const char *does;      /* for HELP; of a refused one: why */
};

static void debug_help(struct call *call);

static const struct subcommand subcommands[] = {
    { "assert", 0, 0, debug_assert, "", "End the process by a failed check." },
    { "change-repl-id", 0, 0, debug_change_replid, "", "Draw a new replication id." },
    { "digest", 0, 0, debug_digest, "", "40 digits that are the same for the same data." },
    { "digest-value", 0, ANY_COUNT, debug_digest_value, " [<key> ...]",
      "The same for the value of each key." },
    { "effects", 1, 2, debug_effects, " ON|OFF|TAKE|CLOCK <ms>|LONG-AGO|FREE",
      "Keep what commands did, as commands, and take it; hold the clock." },
    { "error", 1, 1, debug_error, " <text>", "Reply with this error." },
    { "help", 0, 0, debug_help, "", NULL },
    { "htstats", 1, 2, debug_htstats, " <db> [FULL]",
      "Tell how the table of a database is filled." },
    { "loadaof", 0, 0, debug_loadaof, "",
      "Flush the append-only file, empty the server, load it." },
    { "log", 1, 1, debug_log, " <text>", "Write a line to the server's log." },
    { "move-all", 0, 0, debug_move_all, "",
      "Move every movable block of the heap; reply how many blocks there are." },
    { "object", 1, 2, debug_object, " <key> [FAST]", "Tell how a value is stored." },
    { "panic", 0, 0, debug_panic, "", "End the process as a bug would." },
    { "populate", 1, 3, debug_populate, " <count> [<prefix>] [<bytes>]",
      "Add that many keys \"<prefix>:<number>\"; those that are there stay." },
    { "protocol", 1, 1, debug_protocol, " <type>", "Reply with a value of this type." },
    { "reload", 0, 3, debug_reload, " [NOSAVE] [NOFLUSH] [MERGE]",
      "Write a snapshot, empty the server, load it. MERGE: replace keys that are there." },
    { "sdslen", 1, 1, debug_sdslen, " <key>", "Tell the lengths of a key and its string." },
    { "segfault", 0, 0, debug_segfault, "", "End the process by SIGSEGV." },
    { "set-active-expire", 1, 1, debug_set_active_expire, " <0|1>",
      "Whether expired keys go before they are asked for." },
    { "sleep", 1, 1, debug_sleep, " <seconds>", "Stop the server for a while; decimals allowed." },
    { "stringmatch-len", 2, 2, debug_stringmatch_len, " <count> <pattern>",
      "Whether a pattern matches that many letters a." },
    { "structsize", 0, 0, debug_structsize, "", "Bytes of what is made for every key." },
    { "touched", 1, 1, debug_touched, " ON|OFF|TAKE",
      "Keep which keys commands touch, and take it." },
    { "verify", 0, 0, debug_verify, "", "Check the whole heap, every index and every key." },
};

/* What Redis has and Snug has no use for; better told than taken without effect. */
static const struct {
    const char *name, *why;
} refused[] = {
    { "aof-flush-sleep", "a slow disk is not played" },
    { "client-eviction", "clients are not evicted in this version" },
    { "clusterlink", "there is no cluster in this version" },
    { "config-rewrite-force-all", "CONFIG REWRITE writes what was changed" },
    { "crash-and-recover", "the process does not start itself anew" },
    { "dict-resizing", "tables grow and shrink a bucket at a time, always" },
    { "drop-cluster-packet-filter", "there is no cluster in this version" },
    { "htstats-key", "strings have no table of their own" },
    { "leak", "every block of memory has an owner" },
    { "listpack", "there are no lists in this version" },
    { "mallctl", "values are not in the allocator's memory; see MEMORY MALLOC-STATS" },
    { "mallctl-str", "values are not in the allocator's memory; see MEMORY MALLOC-STATS" },
    { "oom", "a lack of memory is an error reply, not an end" },
    { "pause-cron", "the work between commands cannot be stopped" },
    { "quicklist", "there are no lists in this version" },
    { "quicklist-packed-threshold", "there are no lists in this version" },
    { "replicate", "there are no replicas in this version" },
    { "replybuffer", "replies have no buffers of changing size" },
    { "restart", "the process does not start itself anew" },
    { "script", "there are no scripts in this version" },
    { "set-disable-deny-scripts", "there are no scripts in this version" },
    { "set-skip-checksum-validation", "nothing with a checksum is loaded by this version" },
    { "stringmatch-test", "the matcher is fuzzed by the tests; see STRINGMATCH-LEN" },
};

enum {
    SUBCOMMANDS = sizeof subcommands / sizeof *subcommands,
    REFUSED = sizeof refused / sizeof *refused,
    HELP_LINE = 128,
};

static const char *help_line(struct call *call, const char *name, const char *arguments)
{
    char *line = arena_take(call->arena, HELP_LINE);
    if (line == NULL)
        return NULL;
    snprintf(line, HELP_LINE, "%s%s", name, arguments);
    for (char *at = line; *at != 0 && *at != ' '; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    return line;
}

static void debug_help(struct call *call)
{
    const char *lines[2 * SUBCOMMANDS + 1];
    unsigned used = 0;
    for (unsigned at = 0; at < SUBCOMMANDS; at++) {
        char does[HELP_LINE];
        if (subcommands[at].does == NULL)
            continue;
        snprintf(does, sizeof does, "    %s", subcommands[at].does);
        lines[used++] = help_line(call, subcommands[at].name, subcommands[at].arguments);
        lines[used++] = help_line(call, "", does);
        if (lines[used - 1] == NULL || lines[used - 2] == NULL) {
            call_memory_error(call);
            return;
        }
    }
    lines[used] = NULL;
    call_help(call, "DEBUG", lines);
}

static const struct subcommand *find(const struct call *call)
{
    for (unsigned at = 0; at < SUBCOMMANDS; at++)
        if (call_is(call, 1, subcommands[at].name))
            return &subcommands[at];
    return NULL;
}

static const char *reason_to_refuse(const struct call *call)
{
    for (unsigned at = 0; at < REFUSED; at++)
        if (call_is(call, 1, refused[at].name))
            return refused[at].why;
    return NULL;
}

void cmd_debug(struct call *call)
{
    enum { NAME_MAX = 128 };
    const struct subcommand *subcommand = find(call);
    uint32_t count = call->argc - 2;
    if (subcommand != NULL && count >= subcommand->least &&
        (count <= subcommand->most || subcommand->most == ANY_COUNT)) {
        subcommand->run(call);
        return;
    }
    struct bytes name = call->argv[1];
    int shown = (int)(name.count < NAME_MAX ? name.count : NAME_MAX);
    const char *why = reason_to_refuse(call);
    if (why != NULL)
        reply_errorf(call->reply, "ERR DEBUG %.*s does not apply to Snug: %s", shown,
                     (const char *)name.at, why);
    else
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG "
                     "HELP.",
                     shown, (const char *)name.at);
}
