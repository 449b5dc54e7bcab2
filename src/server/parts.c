/* The rooms, made in the order in which they need each other. */
#include "cmd/memory_others.h"
#include "observe/observer.h"
#include "server/server.h"

#include <string.h>
#include <unistd.h>

static void log_line(void *context, int level, const char *text)
{
    struct server *server = context;
    log_write(&server->log, (enum log_level)level, "%s", text);
}

/* What the keys' hashes and the sampling start from: nobody outside can know it. */
static bool make_store(struct server *server)
{
    struct store_options options = { .seam = &server->seam,
                                     .databases = (unsigned)server->config.databases };
    server->seam.random(server->seam.context, &options.seed, sizeof options.seed);
    server->seam.random(server->seam.context, &options.rng_seed, sizeof options.rng_seed);
    server->store = store_new(&options);
    if (server->store == NULL)
        return false;
    defrag_init(&server->defrag, server->store, &server->seam);
    return true;
}

static void fill_context(struct server *server)
{
    server->context = (struct cmd_context){ .seam = &server->seam,
                                            .store = server->store,
                                            .config = &server->config,
                                            .runtime = server->runtime,
                                            .defrag = &server->defrag,
                                            .net = server->net,
                                            .table = server->table,
                                            .users = server->users,
                                            .observer = server->observer,
                                            .pressure = &server->pressure,
                                            .shutdown = server_shutdown,
                                            .log = log_line,
                                            .server = server };
    ticks_rate_init(&server->context.ticks, &server->seam);
}

/* The dispatcher comes after the loop whose handler needs it: both go through the server. */
static size_t on_batch(void *context, struct net_request *requests, size_t count)
{
    struct server *server = context;
    return dispatch_batch(server->dispatch, requests, count);
}

static bool on_held(void *context, const struct net_request *request, bool writes_only)
{
    struct server *server = context;
    return dispatch_held(server->dispatch, request, writes_only);
}

static void on_sending(void *context)
{
    struct server *server = context;
    if (LIKELY(server->persistence != NULL))
        persist_flush(server->persistence);
}

static void on_arrived(void *context, struct client *client)
{
    struct server *server = context;
    dispatch_arrived(server->dispatch, client);
}

static void on_left(void *context, struct client *client)
{
    struct server *server = context;
    if (server->dispatch != NULL)
        dispatch_left(server->dispatch, client);
}

/* tls-auth-clients-user: who has shown a name that a user bears, and that is on, is that user. */
static void on_certified(void *context, struct client *client, struct bytes common_name)
{
    struct server *server = context;
    if (server->config.tls_auth_clients_user != CONFIG_TLS_USER_COMMON_NAME)
        return;
    struct user *user = users_find(server->users, common_name);
    if (user != NULL && (user->flags & USER_ON) != 0)
        users_log_in(client, user);
}

static bool make_net(struct server *server)
{
    struct net_handler handler = { .batch = on_batch,
                                   .held = on_held,
                                   .sending = on_sending,
                                   .between = server_between,
                                   .arrived = on_arrived,
                                   .left = on_left,
                                   .certified = on_certified,
                                   .log = log_line,
                                   .context = server };
    server->net = net_new(&server->seam, &handler);
    return server->net != NULL;
}

static void on_slow(void *context, const struct call *call, uint64_t ns)
{
    struct server *server = context;
    bool fast = (call->command->flags & CMD_FAST) != 0;
    latency_add(&server->observer->latency, fast ? LATENCY_FAST_COMMAND : LATENCY_COMMAND, ns,
                server->config.latency_monitor_threshold, seam_wall_ms(&server->seam));
}

bool server_make_parts(struct server *server)
{
    server->runtime = conf_runtime_new(&server->seam, &conf_host_real, &server->config);
    if (server->runtime == NULL || !make_store(server) || !make_net(server))
        return false;
    server->observer =
        observer_new(&server->seam, server->store, &server->defrag, server->net, &server->config);
    if (server->observer == NULL)
        return false;
    server_make_limit(server);
    fill_context(server);
    users_attach(server->users, server->net);
    server->dispatch = dispatch_new(&server->context);
    if (server->dispatch == NULL)
        return false;
    dispatch_on_slow(server->dispatch, on_slow, server);
    server->persistence = server->context.persistence = persist_new(&server->context);
    server->observer->others = memory_count_others;
    server->observer->others_context = &server->context;
    return server->persistence != NULL;
}

void server_drop_parts(struct server *server)
{
    server_drop_http(server);
    persist_drop(server->persistence);
    if (server->net != NULL)
        net_drop(server->net);
    if (server->dispatch != NULL)
        dispatch_drop(server->dispatch);
    observer_drop(server->observer);
    users_drop(server->users);
    if (server->table != NULL)
        cmd_table_drop(server->table);
    if (server->runtime != NULL)
        conf_runtime_drop(server->runtime);
    store_drop(server->store);
}
