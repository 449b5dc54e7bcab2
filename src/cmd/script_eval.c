/* EVAL and EVALSHA, with their forms that only read, and the loading of scripts. */
#include "base/split.h"
#include "cmd/args.h"
#include "cmd/functions.h"
#include "cmd/script_load.h"

/* --- the first line --------------------------------------------------------------------------- */

/* The flags of "flags=a,b". */
static bool read_flags(struct call *call, struct bytes names, uint32_t *flags)
{
    while (names.count > 0) {
        const uint8_t *comma = memchr(names.at, ',', names.count);
        size_t count = comma == NULL ? names.count : (size_t)(comma - names.at);
        uint32_t flag = script_flag_by_name(bytes_of(names.at, count));
        if (flag == 0) {
            reply_errorf(call->reply, "ERR Unexpected flag in script shebang: %.*s", (int)count,
                         (const char *)names.at);
            return false;
        }
        *flags |= flag;
        size_t past = comma == NULL ? count : count + 1;
        names = bytes_of(names.at + past, names.count - past);
    }
    return true;
}

static bool read_options(struct call *call, struct splitter *words, uint32_t *flags)
{
    static const char option[] = "flags=";
    enum { OPTION_BYTES = sizeof option - 1 };
    struct bytes word;
    enum split_result result;
    while ((result = split_next(words, &word)) == SPLIT_WORD) {
        if (word.count < OPTION_BYTES || memcmp(word.at, option, OPTION_BYTES) != 0) {
            reply_errorf(call->reply, "ERR Unknown lua shebang option: %.*s", (int)word.count,
                         (const char *)word.at);
            return false;
        }
        if (!read_flags(call, bytes_of(word.at + OPTION_BYTES, word.count - OPTION_BYTES), flags))
            return false;
    }
    return true;
}

/* "#!lua flags=..." is taken off the text, but for its line break, so that lines keep their
 * numbers. */
static bool take_first_line(struct call *call, struct bytes *text, uint32_t *flags)
{
    *flags = SCRIPT_PLAIN;
    if (text->count < 2 || memcmp(text->at, "#!", 2) != 0)
        return true;
    const uint8_t *end = memchr(text->at, '\n', text->count);
    if (end == NULL) {
        reply_error(call->reply, "ERR Invalid script shebang");
        return false;
    }
    struct bytes line = bytes_of(text->at, (size_t)(end - text->at)), engine;
    uint8_t *room = arena_take(call->arena, line.count + 1);
    if (room == NULL) {
        call_memory_error(call);
        return false;
    }
    struct splitter words = split_begin(line, room);
    if (split_next(&words, &engine) != SPLIT_WORD) {
        reply_error(call->reply, "ERR Invalid engine in script shebang");
        return false;
    }
    if (!bytes_equal(engine, BYTES("#!lua"))) {
        reply_errorf(call->reply, "ERR Unexpected engine in script shebang: %.*s",
                     (int)engine.count, (const char *)engine.at);
        return false;
    }
    *flags = 0;
    *text = bytes_of(end, text->count - line.count);
    return read_options(call, &words, flags);
}

/* --- loading ---------------------------------------------------------------------------------- */

struct cached_script *script_load_text(struct call *call, struct bytes text)
{
    struct scripting *scripting = call->context->scripting;
    struct script_engine *engine = scripting_engine(call);
    char sha[SCRIPT_SHA_BYTES];
    script_sha(text, sha);
    struct cached_script *script = script_cache_find(&scripting->cache, bytes_of(sha, sizeof sha));
    uint32_t flags;
    if (engine == NULL || script != NULL || !take_first_line(call, &text, &flags))
        return engine == NULL ? NULL : script;
    struct buffer error = { 0 };
    int function = script_load(engine, text, "@user_script", &error);
    if (function == 0)
        reply_errorf(call->reply, "ERR Error compiling script (new function): %.*s",
                     (int)error.count, (const char *)error.at);
    buffer_release(&error);
    if (function == 0)
        return NULL;
    script = script_cache_add(&scripting->cache, engine, sha, function, flags);
    if (script == NULL) {
        script_forget(engine, function);
        call_memory_error(call);
    }
    return script;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool is_read_only(const struct call *call)
{
    return (call->command->flags & CMD_READ) != 0;
}

static void run(struct call *call, struct cached_script *script, struct script_job *job)
{
    struct scripting *scripting = call->context->scripting;
    char sha[SCRIPT_SHA_BYTES]; /* the cache may forget the script meanwhile */
    memcpy(sha, script->sha, sizeof sha);
    script_cache_use(&scripting->cache, script, false);
    job->engine = scripting->engine;
    job->function = script->function;
    job->flags = script->flags;
    job->read_only = is_read_only(call);
    job->is_eval = true;
    job->name = bytes_of(sha, sizeof sha);
    (void)scripting_run(call, job);
}

void cmd_eval(struct call *call)
{
    struct script_job job = { 0 };
    if (!scripting_arguments(call, 2, &job))
        return;
    struct cached_script *script = script_load_text(call, call->argv[1]);
    if (script != NULL)
        run(call, script, &job);
}

void cmd_evalsha(struct call *call)
{
    struct script_job job = { 0 };
    struct cached_script *script =
        script_cache_find(&call->context->scripting->cache, call->argv[1]);
    /* What cannot be a digest is no script, whatever else is wrong. */
    if (call->argv[1].count != SCRIPT_SHA_BYTES)
        reply_error(call->reply, "NOSCRIPT No matching script. Please use EVAL.");
    else if (!scripting_arguments(call, 2, &job))
        return;
    else if (script == NULL)
        reply_error(call->reply, "NOSCRIPT No matching script. Please use EVAL.");
    else
        run(call, script, &job);
}

/* --- queued ----------------------------------------------------------------------------------- */

/* What is wrong with the first line is said when it runs. */
static uint32_t flags_of_text(struct call *call, struct bytes text)
{
    char sha[SCRIPT_SHA_BYTES];
    script_sha(text, sha);
    const struct cached_script *script =
        script_cache_find(&call->context->scripting->cache, bytes_of(sha, sizeof sha));
    if (script != NULL)
        return script->flags;
    struct reply unsaid;
    struct call quiet = *call;
    uint32_t flags;
    reply_init(&unsaid, call->reply->pool);
    quiet.reply = &unsaid;
    bool read = take_first_line(&quiet, &text, &flags);
    reply_release(&unsaid);
    return read ? flags : SCRIPT_PLAIN;
}

static uint32_t flags_of_queued(struct call *call, const struct command_row *row)
{
    if (row->run == cmd_eval)
        return flags_of_text(call, call->argv[1]);
    if (row->run == cmd_evalsha) {
        const struct cached_script *script =
            script_cache_find(&call->context->scripting->cache, call->argv[1]);
        return script != NULL ? script->flags : SCRIPT_PLAIN;
    }
    if (row->run != cmd_fcall)
        return SCRIPT_PLAIN;
    const struct function *function = functions_find(call->context->functions, call->argv[1]);
    return function != NULL ? function->flags : SCRIPT_PLAIN;
}

uint32_t scripting_queued_flags(struct call *call, const struct command_row *row)
{
    enum { NEEDS_NONE = SCRIPT_PLAIN | SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM };
    return (flags_of_queued(call, row) & NEEDS_NONE) == 0 ? CMD_DENYOOM : 0;
}
