/* maxmemory: what the options say, what only the process can tell, and who is told how long it
 * took. */
#include "base/poison.h"
#include "cmd/memory_gate.h"
#include "os/process.h"
#include "server/server.h"

static uint64_t anonymous(void *context)
{
    (void)context;
#if SNUG_ASAN
    return 0; /* what the sanitizer keeps is not to be counted */
#else
    return process_anonymous();
#endif
}

/* What is on its way to the log. */
static uint64_t apart(void *context)
{
    const struct server *server = context;
    const struct persistence *persistence = server->persistence;
    return persistence == NULL ? 0 : persistence->log.set.log.pending.capacity;
}

static bool is_paused(void *context)
{
    const struct server *server = context;
    return net_is_paused(server->net);
}

void server_make_limit(struct server *server)
{
    const struct pressure_world world = { anonymous, apart, is_paused, server };
    pressure_init(&server->pressure, &server->defrag, &server->seam, &world);
}

static struct evict_rule rule_of(const struct config *config)
{
    unsigned samples = (unsigned)config->maxmemory_samples;
    switch ((enum config_policy)config->maxmemory_policy) {
    case CONFIG_POLICY_VOLATILE_LRU:
        return (struct evict_rule){ EVICT_LRU, true, samples };
    case CONFIG_POLICY_VOLATILE_LFU:
        return (struct evict_rule){ EVICT_LFU, true, samples };
    case CONFIG_POLICY_VOLATILE_RANDOM:
        return (struct evict_rule){ EVICT_RANDOM, true, samples };
    case CONFIG_POLICY_VOLATILE_TTL:
        return (struct evict_rule){ EVICT_TTL, true, samples };
    case CONFIG_POLICY_ALLKEYS_LRU:
        return (struct evict_rule){ EVICT_LRU, false, samples };
    case CONFIG_POLICY_ALLKEYS_LFU:
        return (struct evict_rule){ EVICT_LFU, false, samples };
    case CONFIG_POLICY_ALLKEYS_RANDOM:
        return (struct evict_rule){ EVICT_RANDOM, false, samples };
    case CONFIG_POLICY_NOEVICTION:
    default:
        return (struct evict_rule){ EVICT_NOTHING, false, samples };
    }
}

static uint64_t limit_of(const struct config *config)
{
    if (config->maxmemory.percent == 0)
        return config->maxmemory.bytes;
    return machine_memory_limit() / 100 * config->maxmemory.percent;
}

void server_set_limit(struct server *server, const struct config *config)
{
    const struct pressure_options options = { .limit = limit_of(config),
                                              .tenacity =
                                                  (unsigned)config->maxmemory_eviction_tenacity,
                                              .rule = rule_of(config) };
    pressure_configure(&server->pressure, &options);
    server->context.memory_limited = options.limit != 0;
}

static bool apply_limit(void *context, const struct config *before, struct config *after,
                        struct option_reason *reason)
{
    struct server *server = context;
    uint64_t limit_before = server->pressure.limit, held;
    (void)before;
    (void)reason;
    server_set_limit(server, after);
    held = pressure_held(&server->pressure);
    if (server->pressure.limit != 0 && server->pressure.limit != limit_before &&
        server->pressure.limit < held)
        log_write(&server->log, LOG_LEVEL_WARNING,
                  "The new maxmemory (%llu bytes) is less than what the process holds (%llu): "
                  "memory is given back, keys go as maxmemory-policy says, and where that is not "
                  "enough, writes are refused.",
                  (unsigned long long)server->pressure.limit, (unsigned long long)held);
    return true;
}

void server_hook_limit(struct server *server)
{
    static const char *const options[] = { "maxmemory", "maxmemory-policy", "maxmemory-samples",
                                           "maxmemory-eviction-tenacity", NULL };
    const struct conf_hook hook = { options, apply_limit, server };
    conf_runtime_hook(server->runtime, &hook);
}

uint64_t server_ease_memory(struct server *server, uint64_t now_ns)
{
    if (LIKELY(!server->context.memory_limited))
        return UINT64_MAX;
    uint64_t wait_ns = pressure_step(&server->pressure, now_ns);
    memory_tell_latency(&server->context);
    return wait_ns;
}
