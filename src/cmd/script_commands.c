/* SCRIPT and its subcommands. */
#include "cmd/args.h"
#include "cmd/script_load.h"

void script_load_command(struct call *call)
{
    struct cached_script *script = script_load_text(call, call->argv[2]);
    if (script == NULL)
        return;
    script_cache_use(&call->context->scripting->cache, script, true);
    reply_bulk(call->reply, bytes_of(script->sha, SCRIPT_SHA_BYTES));
}

void script_exists(struct call *call)
{
    const struct script_cache *cache = &call->context->scripting->cache;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        reply_i64(call->reply, script_cache_find(cache, call->argv[i]) != NULL);
}

/* What is flushed is out of sight at once; SYNC also waits until it is gone. */
void script_flush(struct call *call)
{
    struct scripting *scripting = call->context->scripting;
    bool sync = call_is(call, 2, "sync");
    if (call->argc > 3 || (call->argc == 3 && !sync && !call_is(call, 2, "async"))) {
        reply_error(call->reply, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    script_cache_flush(&scripting->cache);
    if (sync && scripting->engine != NULL) {
        while (script_cache_free_some(&scripting->cache, scripting->engine, UINT32_MAX))
            ;
        while (script_collect(scripting->engine, UINT64_MAX))
            ;
    }
    reply_ok(call->reply);
}

void script_kill(struct call *call)
{
    scripting_kill(call, true);
}

void script_debug(struct call *call)
{
    if (call_is(call, 2, "no"))
        reply_ok(call->reply);
    else if (call_is(call, 2, "yes") || call_is(call, 2, "sync"))
        reply_error(call->reply, "ERR scripts cannot be debugged on this server");
    else
        reply_error(call->reply, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

void script_help(struct call *call)
{
    static const char *const lines[] = {
        "DEBUG (YES|SYNC|NO)",
        "    There is no debugger of scripts here: NO alone is accepted.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Tell of each of these digests whether its script is loaded.",
        "FLUSH [ASYNC|SYNC]",
        "    Forget all scripts: bit by bit (ASYNC, the default), or before the reply.",
        "KILL",
        "    End the script that runs, unless it has written something.",
        "LOAD <script>",
        "    Load a script without running it, and tell its digest.",
        NULL,
    };
    call_help(call, "SCRIPT", lines);
}
