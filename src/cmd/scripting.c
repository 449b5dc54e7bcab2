#include "cmd/scripting.h"

#include "base/memory.h"
#include "base/version.h"
#include "cmd/args.h"
#include "cmd/dispatch.h"
#include "cmd/functions.h"
#include "cmd/memory_gate.h"
#include "cmd/nested.h"
#include "conf/config.h"
#include "conf/options.h"

#include <stdio.h>
#include <string.h>

enum { NS_PER_MS = 1000000, COLLECT_NS = 100 * 1000, FREE_AT_ONCE = 64 };

/* --- flags ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint32_t flag;
} flag_names[] = {
    { "no-writes", SCRIPT_NO_WRITES },
    { "allow-oom", SCRIPT_ALLOW_OOM },
    { "allow-stale", SCRIPT_ALLOW_STALE },
    { "no-cluster", SCRIPT_NO_CLUSTER },
    { "allow-cross-slot-keys", SCRIPT_ALLOW_CROSS_SLOT_KEYS },
};
enum { FLAGS = sizeof flag_names / sizeof *flag_names };

uint32_t script_flag_by_name(struct bytes name)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (bytes_equal(name, bytes_of_text(flag_names[i].name)))
            return flag_names[i].flag;
    }
    return 0;
}

const char *script_flag_name(uint32_t index, uint32_t *flag)
{
    if (index >= FLAGS)
        return NULL;
    *flag = flag_names[index].flag;
    return flag_names[index].name;
}

/* --- making ----------------------------------------------------------------------------------- */

struct scripting *scripting_new(struct cmd_context *context)
{
    struct scripting *scripting = memory_take_zeroed(sizeof *scripting);
    if (scripting != NULL)
        scripting->context = context;
    return scripting;
}

void scripting_drop(struct scripting *scripting)
{
    if (scripting == NULL)
        return;
    script_cache_release(&scripting->cache);
    script_engine_drop(scripting->engine);
    memory_give(scripting);
}

struct script_engine *scripting_make_engine(const struct cmd_context *context)
{
    const struct script_settings settings = { .seam = context->seam,
                                              .memory_max = context->config->script_memory_limit,
                                              .version = SNUG_REDIS_VERSION };
    return script_engine_new(&settings);
}

struct script_engine *scripting_engine(struct call *call)
{
    struct scripting *scripting = call->context->scripting;
    if (scripting->engine == NULL)
        scripting->engine = scripting_make_engine(call->context);
    if (scripting->engine == NULL)
        call_memory_error(call);
    return scripting->engine;
}

/* --- what a script calls ---------------------------------------------------------------------- */

/* Rights are told as those of the script: its words stand before the reason. */
static void tell_denied(struct reply *reply, struct reply *refusal)
{
    enum { TEXT_MAX = 512 };
    static const char code[] = "-NOPERM ";
    uint8_t text[TEXT_MAX];
    struct iovec part;
    size_t count = 0;
    if (reply_parts(refusal, &part, 1) == 1) {
        count = part.iov_len < sizeof text ? part.iov_len : sizeof text;
        memcpy(text, part.iov_base, count);
    }
    while (count > 0 && (text[count - 1] == '\r' || text[count - 1] == '\n'))
        count--;
    if (count > sizeof code && memcmp(text, code, sizeof code - 1) == 0)
        reply_errorf(reply, "ERR ACL failure in script: %.*s", (int)(count - (sizeof code - 1)),
                     (const char *)text + sizeof code - 1);
    else if (count > 1)
        reply_error_bytes(reply, bytes_of(text + 1, count - 1));
    else
        reply_error(reply, "ERR out of memory");
}

/* NULL with the error written when the script may not call it. */
static struct command_row *allowed_row(const struct scripting *scripting, const struct bytes *argv,
                                       uint32_t argc, struct reply *reply)
{
    struct command_row *row = cmd_table_find(scripting->context->table, argv, argc);
    const char *refusal = NULL;
    if (row == NULL || row->run == NULL)
        refusal = "ERR Unknown Redis command called from script";
    else if (!dispatch_arity_fits(row, argc))
        refusal = "ERR Wrong number of args calling Redis command from script";
    else if ((row->flags & CMD_NOSCRIPT) != 0)
        refusal = "ERR This Redis command is not allowed from script";
    if (refusal == NULL)
        return row;
    reply_error(reply, refusal);
    nested_refused(scripting->outer, row, reply);
    return NULL;
}

/* Whether rights and, with NESTED_GATED, the state of the server let it: false with the error
 * written. */
static bool is_let(const struct scripting *scripting, const struct bytes *argv, uint32_t argc,
                   unsigned flags, struct reply *reply)
{
    struct reply_pool pool = { 0 };
    struct reply refusal;
    struct command_row *row;
    reply_init(&refusal, &pool);
    bool let = nested_check(scripting->outer, argv, argc, flags, &refusal, &row) == NESTED_RAN;
    if (!let) {
        tell_denied(reply, &refusal);
        nested_refused(scripting->outer, row, reply);
    }
    reply_release(&refusal);
    reply_pool_release(&pool);
    return let;
}

static bool writes_where_it_must_not(const struct script_job *job, const struct command_row *row)
{
    return (job->read_only || (job->flags & SCRIPT_NO_WRITES) != 0) &&
           (row->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
}

/* That the user may not run it at all is told first. */
static void refuse_write(const struct scripting *scripting, const struct bytes *argv, uint32_t argc,
                         struct command_row *row, struct reply *reply)
{
    if (!is_let(scripting, argv, argc, 0, reply))
        return;
    reply_error(reply, "ERR Write commands are not allowed from read-only scripts.");
    nested_refused(scripting->outer, row, reply);
}

/* A script that has begun to write goes on, for nobody could take back what it did. */
static bool lacks_memory(const struct scripting *scripting, struct command_row *row,
                         struct reply *reply)
{
    const struct script_job *job = scripting->job;
    bool may = (job->flags & SCRIPT_PLAIN) == 0 && (job->flags & SCRIPT_ALLOW_OOM) != 0;
    if (LIKELY(!memory_is_short(scripting->context)) || may || scripting->wrote ||
        (row->flags & CMD_DENYOOM) == 0)
        return false;
    memory_error(reply);
    nested_refused(scripting->outer, row, reply);
    return true;
}

static void run_command(void *context, struct bytes *argv, uint32_t argc, struct reply *reply)
{
    struct scripting *scripting = context;
    unsigned flags = NESTED_SCRIPTED;
    struct command_row *row = allowed_row(scripting, argv, argc, reply);
    if (row == NULL)
        return;
    if (UNLIKELY(writes_where_it_must_not(scripting->job, row))) {
        refuse_write(scripting, argv, argc, row, reply);
        return;
    }
    if (!is_let(scripting, argv, argc, NESTED_GATED, reply) || lacks_memory(scripting, row, reply))
        return;
    if ((row->flags & CMD_WRITE) != 0)
        scripting->wrote = true;
    if ((scripting->repl & SCRIPT_REPL_AOF) == 0)
        flags |= NESTED_UNTOLD;
    (void)nested_run_row(scripting->outer, row, argv, argc, flags, reply);
}

static int may_run(void *context, struct bytes *argv, uint32_t argc)
{
    const struct scripting *scripting = context;
    const struct call *outer = scripting->outer;
    struct command_row *row = cmd_table_find(scripting->context->table, argv, argc);
    struct access_why why;
    if (row == NULL || row->run == NULL || !dispatch_arity_fits(row, argc))
        return -1;
    return access_may(outer->context, outer->client, row, argv, argc, &why);
}

static void write_log(void *context, enum script_log_level level, struct bytes text)
{
    static const int levels[] = { CONFIG_LOG_DEBUG, CONFIG_LOG_VERBOSE, CONFIG_LOG_NOTICE,
                                  CONFIG_LOG_WARNING };
    enum { LINE_MAX_BYTES = 1024 };
    const struct scripting *scripting = context;
    char line[LINE_MAX_BYTES];
    size_t count = text.count < sizeof line - 1 ? text.count : sizeof line - 1;
    for (size_t i = 0; i < count; i++)
        line[i] = text.at[i] < ' ' ? ' ' : (char)text.at[i];
    line[count] = '\0';
    scripting->context->log(scripting->context->server, levels[level], line);
}

static void set_repl(void *context, unsigned repl)
{
    struct scripting *scripting = context;
    scripting->repl = repl;
}

/* --- time ------------------------------------------------------------------------------------- */

static bool must_end(void *context)
{
    struct scripting *scripting = context;
    if (!scripting->busy) {
        char line[128];
        snprintf(line, sizeof line, "Slow script detected: still in execution after %lld ms.",
                 (long long)(script_running_ns(scripting->job->engine) / NS_PER_MS));
        scripting->context->log(scripting->context->server, CONFIG_LOG_WARNING, line);
        scripting->busy = true;
    }
    dispatch_while_busy(scripting->context->dispatch);
    return scripting->killed || scripting->context->ending;
}

void scripting_busy_error(const struct scripting *scripting, struct reply *reply)
{
    bool is_eval = scripting->job == NULL || scripting->job->is_eval;
    reply_errorf(reply,
                 "BUSY Redis is busy running a script. You can only call %s KILL or SHUTDOWN "
                 "NOSAVE.",
                 is_eval ? "SCRIPT" : "FUNCTION");
}

void scripting_kill(struct call *call, bool is_eval)
{
    struct scripting *scripting = call->context->scripting;
    if (scripting->job == NULL) {
        reply_error(call->reply, "NOTBUSY No scripts in execution right now.");
    } else if (scripting->wrote) {
        reply_error(call->reply,
                    "UNKILLABLE Sorry the script already executed write commands against the "
                    "dataset. You can either wait the script termination or kill the server in a "
                    "hard way using the SHUTDOWN NOSAVE command.");
    } else if (is_eval != scripting->job->is_eval) {
        scripting_busy_error(scripting, call->reply);
    } else {
        scripting->killed = true;
        reply_ok(call->reply);
    }
}

/* --- running ---------------------------------------------------------------------------------- */

bool scripting_arguments(struct call *call, uint32_t at, struct script_job *job)
{
    int64_t keys;
    if (!call_i64(call, at, &keys))
        return false;
    if (keys > (int64_t)(call->argc - at - 1)) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return false;
    }
    if (keys < 0) {
        reply_error(call->reply, "ERR Number of keys can't be negative");
        return false;
    }
    job->keys = call->argv + at + 1;
    job->key_count = (uint32_t)keys;
    job->args = job->keys + keys;
    job->arg_count = call->argc - at - 1 - job->key_count;
    return true;
}

/* What its flags say about the whole, before it runs. */
static bool is_refused(const struct call *call, const struct script_job *job)
{
    if ((job->flags & (SCRIPT_PLAIN | SCRIPT_NO_WRITES)) != 0)
        return false;
    bool lacks = memory_is_short(call->context) && (job->flags & SCRIPT_ALLOW_OOM) == 0;
    if (lacks && !call->never_waits) /* Redis asks this before it runs the command */
        memory_error(call->reply);
    else if (job->read_only)
        reply_error(call->reply,
                    "ERR Can not execute a script with write flag using *_ro command.");
    else if (lacks)
        reply_error(call->reply, "OOM allow-oom flag is not set on the script, can not run it when "
                                 "used memory > 'maxmemory'");
    else
        return false;
    return true;
}

enum script_outcome scripting_run(struct call *call, const struct script_job *job)
{
    struct scripting *scripting = call->context->scripting;
    const struct script_host host = { .context = scripting,
                                      .command = run_command,
                                      .may_run = may_run,
                                      .log = write_log,
                                      .set_repl = set_repl,
                                      .must_end = must_end };
    const struct script_run run = {
        .host = &host,
        .name = job->name,
        .keys = job->keys,
        .key_count = job->key_count,
        .args = job->args,
        .arg_count = job->arg_count,
        .parameters = job->parameters,
        .limit_ns = (uint64_t)call->context->config->busy_reply_threshold * NS_PER_MS,
    };
    if (is_refused(call, job))
        return SCRIPT_FAILED;
    uint32_t db = call->client->db;
    scripting->job = job;
    scripting->outer = call;
    scripting->wrote = scripting->killed = scripting->busy = false;
    scripting->repl = SCRIPT_REPL_AOF | SCRIPT_REPL_REPLICA;
    script_set_memory_max(job->engine, call->context->config->script_memory_limit);
    enum script_outcome outcome = script_run(job->engine, job->function, &run, call->reply);
    if (script_error_is_commands(job->engine))
        reply_error_was_counted(call->reply);
    scripting->job = NULL;
    scripting->outer = NULL;
    scripting->busy = false;
    call->client->db = db; /* SELECT within is the script's own */
    return outcome;
}

/* --- between commands ------------------------------------------------------------------------- */

uint64_t scripting_step(struct scripting *scripting)
{
    struct script_engine *engine = scripting->engine;
    struct script_engine *of_functions = functions_engine(scripting->context->functions);
    bool more = false;
    if (LIKELY(engine == NULL && of_functions == NULL))
        return UINT64_MAX;
    uint64_t deadline_ns = seam_now_ns(scripting->context->seam) + COLLECT_NS;
    if (engine != NULL)
        more = script_cache_free_some(&scripting->cache, engine, FREE_AT_ONCE);
    if (engine != NULL)
        more = script_collect(engine, deadline_ns) || more;
    if (of_functions != NULL)
        more = script_collect(of_functions, deadline_ns) || more;
    return more ? 0 : UINT64_MAX;
}

void scripting_figures(const struct scripting *scripting, struct scripting_figures *figures)
{
    *figures = (struct scripting_figures){ 0 };
    if (scripting == NULL || scripting->engine == NULL)
        return;
    figures->vm_bytes = script_memory(scripting->engine);
    figures->cache_bytes = script_cache_bytes(&scripting->cache);
    figures->cached = script_cache_count(&scripting->cache);
}
