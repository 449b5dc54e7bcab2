/* FCALL and FCALL_RO, and FUNCTION on what runs. */
#include "cmd/args.h"
#include "cmd/functions.h"
#include "cmd/scripting.h"

#include "base/number.h"

/* As of EVAL, but that the number has an error of its own. */
static bool read_arguments(struct call *call, struct script_job *job)
{
    int64_t keys;
    if (!number_read_i64(call->argv[2], &keys)) {
        reply_error(call->reply, "ERR Bad number of keys provided");
        return false;
    }
    return scripting_arguments(call, 2, job);
}

void cmd_fcall(struct call *call)
{
    struct functions *functions = call->context->functions;
    const struct function *function = functions_find(functions, call->argv[1]);
    struct script_job job = { .parameters = true };
    if (function == NULL) {
        reply_error(call->reply, "ERR Function not found");
        return;
    }
    if (!read_arguments(call, &job))
        return;
    job.engine = functions_engine(functions);
    job.function = function->number;
    job.flags = function->flags;
    job.read_only = (call->command->flags & CMD_READ) != 0;
    job.name = function->name;
    functions_set_running(functions, call->argv, call->argc);
    (void)scripting_run(call, &job);
}

/* The function that runs: its name, the whole command, for how long. EVAL is none. */
static void tell_running(struct reply *reply, const struct functions *functions,
                         const struct script_job *job)
{
    enum { NS_PER_MS = 1000000 };
    struct bytes words;
    uint32_t count = functions_running(functions, &words);
    reply_map(reply, 3);
    reply_bulk_text(reply, "name");
    reply_bulk(reply, job->name);
    reply_bulk_text(reply, "command");
    reply_array(reply, count);
    reply_raw(reply, words);
    reply_bulk_text(reply, "duration_ms");
    reply_i64(reply, (int64_t)(script_running_ns(job->engine) / NS_PER_MS));
}

void function_stats(struct call *call)
{
    const struct scripting *scripting = call->context->scripting;
    struct functions_figures figures;
    functions_figures(call->context->functions, &figures);
    if (scripting->job != NULL && scripting->job->is_eval) {
        scripting_busy_error(scripting, call->reply);
        return;
    }
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "running_script");
    if (scripting->job != NULL)
        tell_running(call->reply, call->context->functions, scripting->job);
    else
        reply_nil(call->reply);
    reply_bulk_text(call->reply, "engines");
    reply_map(call->reply, 1);
    reply_bulk_text(call->reply, "LUA");
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "libraries_count");
    reply_i64(call->reply, (int64_t)figures.libraries);
    reply_bulk_text(call->reply, "functions_count");
    reply_i64(call->reply, (int64_t)figures.functions);
}

void function_kill(struct call *call)
{
    scripting_kill(call, false);
}
