#include "cmd/command_log.h"

#include "base/memory.h"
#include "base/number.h"
#include "cmd/args.h"
#include "cmd/redact.h"
#include "conf/config.h"

#include <stdio.h>
#include <string.h>

enum { ARGUMENTS_MAX = 32, SHOWN_MAX = 128, NOTE_BYTES = 48, ADDRESS_BYTES = 160, GET_COUNT = 10 };

struct logged_command {
    struct logged_command *newer, *older;
    uint64_t id, amount;
    int64_t seconds; /* since 1970 */
    struct bytes peer, name;
    uint32_t argc;
    struct bytes argv[];
};

/* --- keeping ---------------------------------------------------------------------------------- */

/* The text that is kept of an argument: its beginning, and how much was left out. */
struct excerpt {
    struct bytes text;
    char note[NOTE_BYTES];
    size_t note_bytes;
};

static struct excerpt excerpt_of(const struct call *call, uint32_t at)
{
    struct excerpt excerpt = { .note_bytes = 0 };
    if (call->argc > ARGUMENTS_MAX && at == ARGUMENTS_MAX - 1) {
        int count = snprintf(excerpt.note, sizeof excerpt.note, "... (%u more arguments)",
                             call->argc - ARGUMENTS_MAX + 1);
        excerpt.note_bytes = (size_t)count;
        return excerpt;
    }
    excerpt.text = redact_argument(call, at);
    if (excerpt.text.count > SHOWN_MAX) {
        int count = snprintf(excerpt.note, sizeof excerpt.note, "... (%zu more bytes)",
                             excerpt.text.count - SHOWN_MAX);
        excerpt.note_bytes = (size_t)count;
        excerpt.text.count = SHOWN_MAX;
    }
    return excerpt;
}

static struct bytes put(uint8_t **at, struct bytes text)
{
    struct bytes there = bytes_of(*at, text.count);
    if (text.count > 0)
        memcpy(*at, text.at, text.count);
    *at += text.count;
    return there;
}

static struct logged_command *make(const struct call *call)
{
    char peer[ADDRESS_BYTES];
    client_peer(call->client, peer, sizeof peer);
    const char *name = call->client->name != NULL ? call->client->name : "";
    uint32_t argc = call->argc < ARGUMENTS_MAX ? call->argc : ARGUMENTS_MAX;
    size_t bytes = strlen(peer) + strlen(name);
    for (uint32_t i = 0; i < argc; i++) {
        struct excerpt excerpt = excerpt_of(call, i);
        bytes += excerpt.text.count + excerpt.note_bytes;
    }
    struct logged_command *logged =
        memory_take(sizeof *logged + argc * sizeof *logged->argv + bytes);
    if (logged == NULL)
        return NULL;
    *logged = (struct logged_command){ .argc = argc };
    uint8_t *at = (uint8_t *)&logged->argv[argc];
    logged->peer = put(&at, bytes_of_text(peer));
    logged->name = put(&at, bytes_of_text(name));
    for (uint32_t i = 0; i < argc; i++) {
        struct excerpt excerpt = excerpt_of(call, i);
        struct bytes text = put(&at, excerpt.text);
        text.count += put(&at, bytes_of(excerpt.note, excerpt.note_bytes)).count;
        logged->argv[i] = text;
    }
    return logged;
}

static void cut_to(struct command_log *log, uint64_t most)
{
    while (log->count > most) {
        struct logged_command *oldest = log->oldest;
        log->oldest = oldest->newer;
        if (log->oldest == NULL)
            log->newest = NULL;
        else
            log->oldest->older = NULL;
        memory_give(oldest);
        log->count--;
    }
}

void command_logs_release(struct command_logs *logs)
{
    for (unsigned kind = 0; kind < LOG_KINDS; kind++)
        cut_to(&logs->kinds[kind], 0);
}

uint64_t command_log_threshold(const struct config *config, enum command_log_kind kind)
{
    const int64_t thresholds[LOG_KINDS] = { config->slowlog_log_slower_than,
                                            config->commandlog_request_larger_than,
                                            config->commandlog_reply_larger_than };
    return thresholds[kind] < 0 ? UINT64_MAX : (uint64_t)thresholds[kind];
}

static uint64_t most_kept(const struct config *config, enum command_log_kind kind)
{
    const int64_t lengths[LOG_KINDS] = { config->slowlog_max_len,
                                         config->commandlog_large_request_max_len,
                                         config->commandlog_large_reply_max_len };
    return (uint64_t)lengths[kind];
}

void command_log_note(struct command_logs *logs, enum command_log_kind kind,
                      const struct call *call, uint64_t amount)
{
    const struct config *config = call->context->config;
    struct command_log *log = &logs->kinds[kind];
    uint64_t threshold = command_log_threshold(config, kind);
    if (threshold == UINT64_MAX || amount < threshold ||
        (call->command->flags & CMD_SKIP_SLOWLOG) != 0)
        return;
    struct logged_command *logged = make(call);
    if (logged == NULL)
        return;
    logged->id = log->next_id++;
    logged->amount = amount;
    logged->seconds = seam_wall_ms(call->context->seam) / 1000;
    logged->older = log->newest;
    if (log->newest != NULL)
        log->newest->newer = logged;
    else
        log->oldest = logged;
    log->newest = logged;
    log->count++;
    cut_to(log, most_kept(config, kind));
}

bool command_log_last(const struct command_logs *logs, enum command_log_kind kind, uint64_t *id,
                      uint64_t *amount)
{
    const struct logged_command *newest = logs->kinds[kind].newest;
    if (newest == NULL)
        return false;
    *id = newest->id;
    *amount = newest->amount;
    return true;
}

/* --- showing ---------------------------------------------------------------------------------- */

static void reply_logged(struct reply *reply, const struct logged_command *logged)
{
    reply_array(reply, 6);
    reply_i64(reply, (int64_t)logged->id);
    reply_i64(reply, logged->seconds);
    reply_i64(reply, (int64_t)logged->amount);
    reply_array(reply, logged->argc);
    for (uint32_t i = 0; i < logged->argc; i++)
        reply_bulk(reply, logged->argv[i]);
    reply_bulk(reply, logged->peer);
    reply_bulk(reply, logged->name);
}

/* -1: all. */
static void reply_log(struct call *call, enum command_log_kind kind, int64_t count)
{
    const struct command_log *log = &call->context->command_logs->kinds[kind];
    uint64_t shown = count < 0 || (uint64_t)count > log->count ? log->count : (uint64_t)count;
    const struct logged_command *at = log->newest;
    reply_array(call->reply, shown);
    for (; shown > 0; shown--, at = at->older)
        reply_logged(call->reply, at);
}

static bool read_count(struct call *call, int64_t *count)
{
    if (number_read_i64(call->argv[2], count) && *count >= -1)
        return true;
    reply_error(call->reply, "ERR count should be greater than or equal to -1");
    return false;
}

static void forget(struct call *call, enum command_log_kind kind)
{
    cut_to(&call->context->command_logs->kinds[kind], 0);
    reply_ok(call->reply);
}

void slowlog_get(struct call *call)
{
    int64_t count = GET_COUNT;
    if (call->argc > 3)
        reply_error(call->reply, "ERR unknown subcommand or wrong number of arguments for 'GET'. "
                                 "Try SLOWLOG HELP.");
    else if (call->argc == 2 || read_count(call, &count))
        reply_log(call, LOG_SLOW, count);
}

void slowlog_len(struct call *call)
{
    reply_i64(call->reply, (int64_t)call->context->command_logs->kinds[LOG_SLOW].count);
}

void slowlog_reset(struct call *call)
{
    forget(call, LOG_SLOW);
}

void slowlog_help(struct call *call)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show the latest slow commands, 10 or so many; -1 shows all. Of each: its number, when",
        "    it ran, microseconds, its arguments, the client's address and name.",
        "LEN",
        "    Count the commands that are kept.",
        "RESET",
        "    Forget them.",
        NULL,
    };
    call_help(call, "SLOWLOG", lines);
}

static bool read_kind(struct call *call, uint32_t at, enum command_log_kind *kind)
{
    static const char *const words[LOG_KINDS] = { "slow", "large-request", "large-reply" };
    for (unsigned i = 0; i < LOG_KINDS; i++) {
        if (call_is(call, at, words[i])) {
            *kind = (enum command_log_kind)i;
            return true;
        }
    }
    reply_error(call->reply,
                "ERR type should be one of the following: slow, large-request, large-reply");
    return false;
}

void commandlog_get(struct call *call)
{
    int64_t count = 0;
    enum command_log_kind kind = LOG_SLOW;
    if (read_count(call, &count) && read_kind(call, 3, &kind))
        reply_log(call, kind, count);
}

void commandlog_len(struct call *call)
{
    enum command_log_kind kind = LOG_SLOW;
    if (read_kind(call, 2, &kind))
        reply_i64(call->reply, (int64_t)call->context->command_logs->kinds[kind].count);
}

void commandlog_reset(struct call *call)
{
    enum command_log_kind kind = LOG_SLOW;
    if (read_kind(call, 2, &kind))
        forget(call, kind);
}

void commandlog_help(struct call *call)
{
    static const char *const lines[] = {
        "GET <count> <type>",
        "    Show so many of the latest commands of a type; -1 shows all. Of each: its number, "
        "when",
        "    it ran, microseconds or bytes, its arguments, the client's address and name.",
        "LEN <type>",
        "    Count the commands that are kept.",
        "RESET <type>",
        "    Forget them.",
        "Types are slow, large-request and large-reply.",
        NULL,
    };
    call_help(call, "COMMANDLOG", lines);
}
