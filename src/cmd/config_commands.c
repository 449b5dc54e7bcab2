#include "cmd/access.h"
#include "cmd/server.h"
#include "cmd/table.h"
#include "conf/runtime.h"
#include "observe/observer.h"
#include "store/defrag.h"
#include "store/pressure.h"

static bool values_of(const struct conf_matches *matches, const struct config *config,
                      struct buffer *values, size_t *ends)
{
    for (size_t i = 0; i < matches->count; i++) {
        if (!option_get(matches->items[i].option, config, values))
            return false;
        ends[i] = values->count;
    }
    return true;
}

/* All values first, so that memory failing on the way leaves no half reply. */
void config_get(struct call *call)
{
    const struct conf_matches *matches =
        conf_runtime_match(call->context->runtime, call->argv + 2, call->argc - 2);
    size_t *ends = arena_take_many(call->arena, matches->count + 1, sizeof *ends);
    struct buffer values = { 0 };
    if (ends == NULL || !values_of(matches, call->context->config, &values, ends)) {
        buffer_release(&values);
        call_memory_error(call);
        return;
    }
    reply_map(call->reply, matches->count);
    for (size_t i = 0, from = 0; i < matches->count; from = ends[i++]) {
        reply_bulk(call->reply, matches->items[i].name);
        reply_bulk(call->reply, bytes_of(ends[i] > from ? values.at + from : NULL, ends[i] - from));
    }
    buffer_release(&values);
}

static void reply_outcome(struct call *call, enum err err, struct buffer *error)
{
    if (err == ERR_NONE)
        reply_ok(call->reply);
    else if (error->count > 0)
        reply_error_bytes(call->reply, buffer_view(error));
    else
        call_memory_error(call);
    buffer_release(error);
}

void config_set(struct call *call)
{
    struct buffer error = { 0 };
    enum err err = conf_runtime_set(call->context->runtime, call->argv + 2, call->argc - 2,
                                    access_is_local(call->client), &error);
    reply_outcome(call, err, &error);
}

void config_rewrite(struct call *call)
{
    struct buffer error = { 0 };
    enum err err = conf_runtime_rewrite(call->context->runtime, &error);
    reply_outcome(call, err, &error);
}

void config_resetstat(struct call *call)
{
    cmd_table_reset(call->context->table);
    store_reset_counters(call->store);
    if (call->context->pressure != NULL)
        pressure_reset_counters(call->context->pressure);
    net_reset_counters(call->context->net);
    defrag_reset_counters(call->context->defrag);
    observer_reset(call->context->observer);
    reply_ok(call->reply);
}

void config_help(struct call *call)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    The options whose names match, and their values.",
        "SET <option> <value> [<option> <value> ...]",
        "    Change options: all of them, or none when one is refused.",
        "RESETSTAT",
        "    Begin to count anew what INFO tells.",
        "REWRITE",
        "    Write the options in force to the configuration file.",
        NULL,
    };
    call_help(call, "config", lines);
}
