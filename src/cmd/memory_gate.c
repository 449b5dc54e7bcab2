#include "cmd/memory_gate.h"

#include "cmd/connection.h"
#include "cmd/memory_ahead.h"
#include "cmd/persist.h"
#include "cmd/transaction.h"
#include "conf/config.h"
#include "observe/observer.h"
#include "store/pressure.h"

enum { NS_PER_MS = 1000 * 1000 };

bool memory_is_short(const struct cmd_context *context)
{
    return context->pressure != NULL && context->pressure->failed;
}

void memory_error(struct reply *reply)
{
    reply_error(reply, "OOM command not allowed when used memory > 'maxmemory'.");
}

void memory_tell_latency(struct cmd_context *context)
{
    const struct pressure *pressure = context->pressure;
    int64_t threshold_ms = context->config->latency_monitor_threshold;
    context->pressure->timed = threshold_ms > 0;
    if (LIKELY(pressure->last_ns < NS_PER_MS) || threshold_ms == 0)
        return;
    int64_t wall_ms = seam_wall_ms(context->seam);
    struct latency *latency = &context->observer->latency;
    latency_add(latency, LATENCY_EVICT, pressure->last_ns, threshold_ms, wall_ms);
    latency_add(latency, LATENCY_EVICT_DEL, pressure->last_evict_ns, threshold_ms, wall_ms);
}

/* What is queued takes memory too. */
static bool is_queued(const struct command_row *row, const struct client *client)
{
    void (*run)(struct call *) = row->run;
    return (client->flags & CLIENT_IN_MULTI) != 0 && run != cmd_exec && run != cmd_discard &&
           run != connection_quit && run != connection_reset;
}

bool memory_gate(struct cmd_context *context, const struct command_row *row, uint32_t flags,
                 const struct net_request *request, struct reply *reply)
{
    if (UNLIKELY(context->persistence->loading != NULL))
        return true;
    bool takes = (flags & CMD_DENYOOM) != 0 || is_queued(row, request->client);
    uint64_t ahead = takes ? memory_ahead(context, row, request) : 0;
    bool eased = pressure_ease(context->pressure, ahead);
    memory_tell_latency(context);
    if (LIKELY(eased) || !takes)
        return true;
    memory_error(reply);
    return false;
}
