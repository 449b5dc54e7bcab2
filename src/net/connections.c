#include "base/memory.h"
#include "net/internal.h"
#include "os/net.h"

#include <errno.h>

/* ---- by id ----------------------------------------------------------------------------------- */

enum { IDS_LEAST = 64 };

/* Ids are drawn in order, so that the low bits spread well by themselves. */
static struct connection **id_place(struct connection **ids, uint32_t mask, uint64_t id)
{
    uint32_t at = (uint32_t)id & mask;
    while (ids[at] != NULL && ids[at]->client.id != id)
        at = (at + 1) & mask;
    return &ids[at];
}

static bool ids_resize(struct net *net, uint32_t count)
{
    struct connection **ids = memory_take_zeroed(count * sizeof(struct connection *));
    if (ids == NULL)
        return false;
    for (struct connection *at = net->oldest; at != NULL; at = at->newer)
        *id_place(ids, count - 1, at->client.id) = at;
    memory_give(net->ids);
    net->ids = ids;
    net->ids_mask = count - 1;
    return true;
}

/* At most half full, so that a search is short and always ends. */
static bool ids_make_room(struct net *net)
{
    uint32_t count = net->ids == NULL ? 0 : net->ids_mask + 1;
    if (net->ids_used < count / 2)
        return true;
    return ids_resize(net, count == 0 ? IDS_LEAST : count * 2);
}

static void ids_add(struct net *net, struct connection *connection)
{
    *id_place(net->ids, net->ids_mask, connection->client.id) = connection;
    net->ids_used++;
}

/* Those behind the hole that were displaced over it move up, so that no search ends early. */
static void ids_remove(struct net *net, struct connection *connection)
{
    struct connection **ids = net->ids;
    uint32_t mask = net->ids_mask;
    uint32_t hole = (uint32_t)(id_place(ids, mask, connection->client.id) - ids);
    for (uint32_t at = (hole + 1) & mask; ids[at] != NULL; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)ids[at]->client.id & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        ids[hole] = ids[at];
        hole = at;
    }
    ids[hole] = NULL;
    net->ids_used--;
}

struct client *net_client_by_id(struct net *net, uint64_t id)
{
    if (net->ids == NULL || id == 0)
        return NULL;
    struct connection *found = *id_place(net->ids, net->ids_mask, id);
    return found == NULL || found->closing ? NULL : &found->client;
}

/* ---- all of them ----------------------------------------------------------------------------- */

uint32_t net_clients(const struct net *net)
{
    return net->open;
}

void net_each_client(struct net *net, void (*visit)(void *context, struct client *client),
                     void *context)
{
    for (struct connection *at = net->oldest; at != NULL; at = at->newer) {
        if (!at->closing)
            visit(context, &at->client);
    }
}

static void list_add(struct net *net, struct connection *connection)
{
    connection->older = net->newest;
    if (net->newest == NULL)
        net->oldest = connection;
    else
        net->newest->newer = connection;
    net->newest = connection;
}

static void list_remove(struct net *net, struct connection *connection)
{
    struct connection *older = connection->older, *newer = connection->newer;
    if (older == NULL)
        net->oldest = newer;
    else
        older->newer = newer;
    if (newer == NULL)
        net->newest = older;
    else
        newer->older = older;
    if (net->cron_next == connection)
        net->cron_next = newer;
}

/* ---- queues ---------------------------------------------------------------------------------- */

void queue_leave(struct connection *connection)
{
    if (connection->queue == QUEUE_NONE)
        return;
    struct net *net = connection->client.net;
    struct connection *before = connection->before, *behind = connection->behind;
    if (before == NULL)
        net->queues[connection->queue].first = behind;
    else
        before->behind = behind;
    if (behind == NULL)
        net->queues[connection->queue].last = before;
    else
        behind->before = before;
    net->queues[connection->queue].count--;
    connection->queue = QUEUE_NONE;
}

void queue_put(struct connection *connection, enum net_queue_kind kind)
{
    struct net *net = connection->client.net;
    queue_leave(connection);
    connection->queue = kind;
    connection->before = net->queues[kind].last;
    connection->behind = NULL;
    if (connection->before == NULL)
        net->queues[kind].first = connection;
    else
        connection->before->behind = connection;
    net->queues[kind].last = connection;
    net->queues[kind].count++;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static void fill(struct connection *connection, struct net *net, int fd, enum net_door door)
{
    connection->client = (struct client){
        .id = ++net->last_id,
        .fd = fd,
        .flags = door == NET_UNIX ? CLIENT_UNIX_SOCKET : 0,
        .net = net,
        .created_ms = net->clock.wall_ms,
        .active_ms = net->clock.wall_ms,
        .connection = connection,
    };
    reply_init(&connection->client.reply, &net->pool);
    connection->client.reply.owner = connection;
}

static bool watch(struct net *net, struct connection *connection)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
    connection->interest = EPOLLIN;
    return epoll_ctl(net->epoll, EPOLL_CTL_ADD, connection->client.fd, &event) == 0;
}

struct connection *connection_new(struct net *net, int fd, enum net_door door)
{
    if (!ids_make_room(net))
        return NULL;
    struct connection *connection = memory_take_zeroed(sizeof(*connection));
    if (connection == NULL)
        return NULL;
    fill(connection, net, fd, door);
    if ((door == NET_TLS && !secure_begin(connection)) || !watch(net, connection)) {
        secure_end(connection);
        memory_give(connection);
        return NULL;
    }
    ids_add(net, connection);
    list_add(net, connection);
    net->structs_held += memory_usable(connection);
    if (++net->open > net->figures.clients_max_seen)
        net->figures.clients_max_seen = net->open;
    net->handler.arrived(net->handler.context, &connection->client);
    return connection;
}

void connection_close(struct connection *connection)
{
    connection->client.flags |= CLIENT_CLOSE_NOW;
    if (connection->closing)
        return;
    struct net *net = connection->client.net;
    connection->closing = true;
    connection->next_closing = net->closing;
    net->closing = connection;
    net->open--;
    queue_leave(connection);
    unknown_count(connection);
}

static void leave_ending(struct net *net, struct connection *connection)
{
    if (!connection->ending)
        return;
    struct connection **at = &net->ending;
    while (*at != connection)
        at = &(*at)->next_ending;
    *at = connection->next_ending;
}

static void free_connection(struct net *net, struct connection *connection)
{
    struct client *client = &connection->client;
    net->handler.left(net->handler.context, client);
    ids_remove(net, connection);
    list_remove(net, connection);
    queue_leave(connection);
    leave_ending(net, connection);
    reply_release(&client->reply);
    reader_reset(&connection->reader);
    input_release(connection);
    secure_end(connection);
    net->structs_held -= memory_usable(connection);
    memory_give(client->name);
    memory_give(client->lib_name);
    memory_give(client->lib_version);
    net->seam->close(net->seam->context, client->fd);
    memory_give(connection);
}

/* left() may close others. */
void net_free_closing(struct net *net)
{
    struct connection *connection;
    while ((connection = net->closing) != NULL) {
        net->closing = connection->next_closing;
        free_connection(net, connection);
    }
}

/* Who was asked to go once all is sent, and has nothing to be sent any more. */
void net_end_connections(struct net *net)
{
    struct connection *connection;
    while ((connection = net->ending) != NULL) {
        net->ending = connection->next_ending;
        connection->ending = false;
        if (connection_unsent(connection) == 0)
            connection_close(connection);
        else
            connection_interest(connection);
    }
}

void client_close(struct client *client, bool after_reply)
{
    struct connection *connection = connection_of(client);
    if (!after_reply) {
        connection_close(connection);
        return;
    }
    client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    if (connection->ending)
        return;
    connection->ending = true;
    connection->next_ending = client->net->ending;
    client->net->ending = connection;
}

/* ---- what epoll reports ---------------------------------------------------------------------- */

/* Who waits is not read from, but a peer that leaves is noticed. */
void connection_interest(struct connection *connection)
{
    struct client *client = &connection->client;
    uint32_t wanted = connection_stopped(connection) ? EPOLLRDHUP : EPOLLIN;
    if (client->flags & CLIENT_CLOSE_AFTER_REPLY)
        wanted = 0;
    if (connection->choked)
        wanted |= EPOLLOUT;
    if (UNLIKELY(connection->tls != NULL))
        wanted = secure_interest(connection, wanted);
    if (LIKELY(wanted == connection->interest) || connection->closing)
        return;
    struct epoll_event event = { .events = wanted, .data.ptr = connection };
    if (epoll_ctl(client->net->epoll, EPOLL_CTL_MOD, client->fd, &event) != 0)
        connection_close(connection);
    else
        connection->interest = wanted;
}

/* Whether the batch still has to settle it, which then sees to its state. */
static bool in_batch(const struct connection *connection)
{
    return connection->served || connection->client.net->batch.current == connection;
}

void client_block(struct client *client)
{
    struct connection *connection = connection_of(client);
    client->flags |= CLIENT_BLOCKED;
    if (!in_batch(connection))
        connection_interest(connection);
}

void client_unblock(struct client *client)
{
    struct connection *connection = connection_of(client);
    if (!(client->flags & CLIENT_BLOCKED))
        return;
    client->flags &= ~(uint32_t)CLIENT_BLOCKED;
    if (connection->closing || in_batch(connection))
        return;
    if (client->input.count != 0 && !(client->flags & CLIENT_PAUSED))
        queue_put(connection, QUEUE_READY);
    connection_interest(connection);
}

/* ---- what commands ask ----------------------------------------------------------------------- */

void client_peer(const struct client *client, char *at, size_t bytes)
{
    socket_text(client->fd, SOCKET_PEER, at, bytes);
}

void client_local(const struct client *client, char *at, size_t bytes)
{
    socket_text(client->fd, SOCKET_LOCAL, at, bytes);
}

uint64_t client_memory(const struct client *client)
{
    const struct connection *connection = client->connection;
    uint64_t texts = 0;
    const char *const all[] = { client->name, client->lib_name, client->lib_version };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        texts += all[i] == NULL ? 0 : memory_usable(all[i]);
    return memory_usable(connection) + client->input.capacity + client_output_memory(client) +
           reader_memory(&connection->reader) + connection->tls_bytes + texts + client->held_bytes;
}

void net_hold(struct net *net, int64_t bytes)
{
    if (net != NULL)
        net->held += (uint64_t)bytes;
}

void client_hold(struct client *client, int64_t bytes)
{
    client->held_bytes += (uint64_t)bytes;
    net_hold(client->net, bytes);
}

uint64_t client_input_free(const struct client *client)
{
    return client->input.capacity - client->input.count;
}

uint32_t client_output_chunks(const struct client *client)
{
    uint64_t bytes;
    return reply_chunks(&client->reply, &bytes);
}

uint64_t client_output_memory(const struct client *client)
{
    uint64_t bytes;
    reply_chunks(&client->reply, &bytes);
    return bytes;
}

bool client_set_text(char **text, struct bytes to)
{
    char *copy = NULL;
    if (to.at != NULL) {
        copy = memory_take(to.count + 1);
        if (copy == NULL)
            return false;
        if (to.count > 0)
            memcpy(copy, to.at, to.count);
        copy[to.count] = '\0';
    }
    memory_give(*text);
    *text = copy;
    return true;
}
