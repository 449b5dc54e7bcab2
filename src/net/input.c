#include "base/memory.h"
#include "net/internal.h"
#include "os/log.h"

#include <errno.h>

/* ---- the buffer of a connection -------------------------------------------------------------- */

void input_release(struct connection *connection)
{
    struct client *client = &connection->client;
    if (client->input.capacity == 0)
        return;
    client->net->input_held -= client->input.capacity;
    buffer_release(&client->input);
}

/* Exactly so much, not amortised: who asks knows what is coming. */
bool input_reserve(struct connection *connection, size_t capacity)
{
    struct client *client = &connection->client;
    struct buffer *input = &client->input;
    if (capacity <= input->capacity)
        return true;
    uint8_t *at = memory_resize(input->at, capacity);
    if (at == NULL)
        return false;
    client->net->input_held += capacity - input->capacity;
    input->at = at;
    input->capacity = capacity;
    return true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void log_close(struct connection *connection, const char *what)
{
    char peer[128];
    client_peer(&connection->client, peer, sizeof(peer));
    net_log(connection->client.net, LOG_LEVEL_WARNING, "Closing client %llu (%s): %s",
            (unsigned long long)connection->client.id, peer, what);
}

/* Bytes received, or 0 when there is nothing to be done now; the connection may be closed. */
static size_t receive(struct connection *connection, uint8_t *at, size_t room)
{
    struct client *client = &connection->client;
    struct net *net = client->net;
    ssize_t got = LIKELY(connection->tls == NULL)
                      ? net->seam->receive(net->seam->context, client->fd, at, room)
                      : secure_receive(connection, at, room);
    if (UNLIKELY(got <= 0)) {
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            connection_close(connection);
        return 0;
    }
    client->active_ms = net->clock.wall_ms;
    client->input_bytes += (uint64_t)got;
    net->figures.input_bytes += (uint64_t)got;
    net->figures.reads++;
    return (size_t)got;
}

/* Room in the shared bytes behind what the batch still needs. */
static uint8_t *shared_room(struct net *net, size_t bytes)
{
    if (NET_SHARED_BYTES - net->shared_used < bytes)
        batch_run(net);
    return net->shared + net->shared_used;
}

static void parse(struct connection *connection);

/* A short incomplete request goes in front of what is received now. */
static void receive_shared(struct connection *connection)
{
    struct net *net = connection->client.net;
    struct buffer *input = &connection->client.input;
    size_t kept = input->count;
    uint8_t *at = shared_room(net, kept + NET_RECEIVE_MAX);
    size_t got = receive(connection, at + kept, NET_RECEIVE_MAX);
    if (got == 0)
        return;
    if (kept != 0)
        memcpy(at, input->at, kept);
    input->count = 0;
    net->shared_used += kept + got;
    connection->at = at;
    connection->end = at + kept + got;
    connection->in_input = false;
    parse(connection);
}

/* How much to hold for a long request: what it is known to need, but growing only as bytes arrive,
 * since announcing a long argument costs a client nothing. While it grows both the old buffer and
 * the new are held: so a fourth of the need is the last step before the whole. */
static size_t capacity_wanted(const struct connection *connection)
{
    enum { GROW_BY = 4 };
    const struct buffer *input = &connection->client.input;
    bool known = (connection->client.flags & CLIENT_AUTHENTICATED) != 0;
    uint64_t need = connection->reader.need;
    uint64_t most = GROW_BY * (uint64_t)input->count;
    uint64_t at_once = known ? NET_BIG_RECEIVE_MAX : NET_INPUT_UNKNOWN_MAX;
    if (most < at_once)
        most = at_once;
    if (need < input->count + NET_BIG_BULK) /* many small arguments */
        need = input->count + NET_BIG_BULK + input->count / 2;
    while (need > most)
        need /= GROW_BY;
    return need > input->count ? need : most;
}

static bool over_query_limit(struct connection *connection)
{
    struct net *net = connection->client.net;
    if (net->limits.query_buffer_max == 0 ||
        connection->client.input.count <= net->limits.query_buffer_max)
        return false;
    net->figures.query_buffer_disconnections++;
    log_close(connection, "its requests pass client-query-buffer-limit");
    connection_close(connection);
    return true;
}

static void receive_long(struct connection *connection)
{
    struct buffer *input = &connection->client.input;
    if (input->count == input->capacity &&
        !input_reserve(connection, capacity_wanted(connection))) {
        log_close(connection, "no memory for its request");
        connection_close(connection);
        return;
    }
    size_t room = input->capacity - input->count;
    if (room > NET_BIG_RECEIVE_MAX)
        room = NET_BIG_RECEIVE_MAX;
    size_t got = receive(connection, input->at + input->count, room);
    if (got == 0)
        return;
    input->count += got;
    if (!over_query_limit(connection))
        connection_resume(connection);
}

static bool is_long(const struct connection *connection)
{
    size_t count = connection->client.input.count;
    return count > NET_PARTIAL_SHARED ||
           (count > 0 && connection->reader.need > count + NET_BIG_BULK);
}

void connection_receive(struct connection *connection)
{
    if (UNLIKELY(connection->tls != NULL) && !secure_may_receive(connection))
        return;
    if (connection->queue != QUEUE_NONE || connection_stopped(connection))
        return; /* what was received before comes first */
    /* A batch that runs may look after this very connection meanwhile (net_turn_within). */
    const struct net *net = connection->client.net;
    if (connection->served ||
        NET_SHARED_BYTES - net->shared_used < NET_PARTIAL_SHARED + NET_RECEIVE_MAX)
        batch_run(connection->client.net);
    if (connection->closing || connection->queue != QUEUE_NONE || connection_stopped(connection))
        return;
    if (is_long(connection))
        receive_long(connection);
    else
        receive_shared(connection);
}

void connection_resume(struct connection *connection)
{
    struct buffer *input = &connection->client.input;
    if (connection->served)
        batch_run(connection->client.net);
    if (connection->closing || connection_stopped(connection))
        return;
    connection->at = input->at;
    connection->end = input->at + input->count;
    connection->in_input = true;
    parse(connection);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* What was asked before is answered before. The text goes out, then the connection closes. */
static bool protocol_error(struct connection *connection)
{
    struct client *client = &connection->client;
    uint8_t text[READER_ERROR_BYTES];
    size_t count = reader_error(&connection->reader, text);
    batch_run(client->net);
    if (connection_stopped(connection) || connection->cut)
        return false; /* it comes up again when the client goes on */
    net_log(client->net, LOG_LEVEL_VERBOSE, "Client %llu: %.*s", (unsigned long long)client->id,
            (int)count, (const char *)text);
    reply_error_bytes(&client->reply, bytes_of(text, count));
    client_close(client, true);
    return false;
}

static bool no_memory(struct connection *connection)
{
    log_close(connection, "no memory for its request");
    connection_close(connection);
    return false;
}

/* A browser that was made to speak to this port (cross-protocol scripting) sends these lines before
 * it sends, in the body, what its attacker wants executed. */
static bool is_http(struct bytes data, const struct reader_request *request)
{
    return data.at[0] != '*' &&
           (bytes_is(request->argv[0], "post") || bytes_is(request->argv[0], "host:"));
}

static bool refuse_http(struct connection *connection)
{
    enum { HTTP_LOG_MS = 60000 };
    struct net *net = connection->client.net;
    batch_run(net);
    if (net->logged_http_ms == 0 || net->clock.wall_ms - net->logged_http_ms > HTTP_LOG_MS) {
        net->logged_http_ms = net->clock.wall_ms;
        log_close(connection, "it sends POST or Host:, as a browser does; this may be an attack by "
                              "cross-protocol scripting");
    }
    connection_close(connection);
    return false;
}

/* Everything that is not complete and plain. */
static bool take_other(struct connection *connection, const struct reader_limits *limits)
{
    struct net *net = connection->client.net;
    struct reader_request request = { 0 };
    struct bytes data = bytes_of(connection->at, (size_t)(connection->end - connection->at));
    switch (reader_step(&connection->reader, data, limits, &net->batch.arena, &request)) {
    case READER_REQUEST:
        if (UNLIKELY(is_http(data, &request)))
            return refuse_http(connection);
        return batch_add(net, connection, request.argv, request.argc, request.bytes);
    case READER_EMPTY:
        connection->at += request.bytes;
        return true;
    case READER_ERROR:
        return protocol_error(connection);
    case READER_MEMORY:
        return no_memory(connection);
    case READER_MORE:
        break;
    }
    return false;
}

/* The next request joins the batch; false when there is none to be had now. */
static bool take_request(struct connection *connection)
{
    struct net *net = connection->client.net;
    struct batch *batch = &net->batch;
    const struct reader_limits limits = { net->limits.bulk_max,
                                          (connection->client.flags & CLIENT_AUTHENTICATED) != 0 };
    if (LIKELY(connection->reader.need == 0)) {
        struct bytes data = bytes_of(connection->at, (size_t)(connection->end - connection->at));
        struct bytes *argv = batch->argv + batch->argv_used;
        uint32_t argc;
        size_t bytes = reader_whole(data, &limits, argv, NET_ARGV_MAX - batch->argv_used, &argc);
        if (LIKELY(bytes != 0)) {
            batch->argv_used += argc;
            return batch_add(net, connection, argv, argc, bytes);
        }
    }
    return take_other(connection, &limits);
}

/* Before authentication each request runs alone: it may lift the limits for the next. */
static bool must_run(const struct net *net, const struct connection *connection)
{
    return batch_full(&net->batch) ||
           (net->batch.count > 0 && !(connection->client.flags & CLIENT_AUTHENTICATED));
}

static void parse(struct connection *connection)
{
    struct net *net = connection->client.net;
    net->batch.current = connection;
    output_set_limit(connection);
    connection->cut = connection->hold = false;
    for (uint32_t left = NET_TURN_REQUESTS_MAX; connection->at < connection->end; left--) {
        if (left == 0) {
            connection->cut = true;
            break;
        }
        if (UNLIKELY(must_run(net, connection)))
            batch_run(net);
        if (connection_stopped(connection))
            connection->cut = true;
        if (connection->cut || !take_request(connection))
            break;
    }
    net->batch.current = NULL;
    batch_serve(net, connection);
    if (net->batch.count >= NET_BATCH_MAX / 2)
        batch_run(net);
}

/* ---- after the batch ------------------------------------------------------------------------- */

/* A request that was begun moves to the front of memory that fits it. */
static bool keep_shared(struct connection *connection, size_t rest)
{
    enum { KEPT_LEAST = 64 };
    struct buffer *input = &connection->client.input;
    if (rest == 0) {
        input_release(connection);
        return true;
    }
    if (!input_reserve(connection, rest < KEPT_LEAST ? KEPT_LEAST : rest))
        return false;
    memcpy(input->at, connection->at, rest);
    input->count = rest;
    return true;
}

/* Memory that is much more than is left goes back; the rest moves to the front. */
static void keep_input(struct connection *connection, size_t rest)
{
    struct buffer *input = &connection->client.input;
    if (rest == 0) {
        input_release(connection);
        return;
    }
    buffer_consume(input, (size_t)(connection->at - input->at));
    if (input->capacity <= 2 * rest + NET_BIG_BULK || connection->reader.need > rest)
        return;
    uint8_t *at = memory_resize(input->at, rest);
    if (at == NULL)
        return;
    connection->client.net->input_held -= input->capacity - rest;
    input->at = at;
    input->capacity = rest;
}

bool input_settle(struct connection *connection)
{
    size_t rest = (size_t)(connection->end - connection->at);
    bool kept = true;
    if (connection->in_input)
        keep_input(connection, rest);
    else
        kept = keep_shared(connection, rest);
    connection->at = connection->end = NULL;
    if (!kept || connection->closing)
        return kept;
    net_note_peaks(connection->client.net, connection->client.input.capacity, 0);
    if (UNLIKELY(!unknown_fits(connection)))
        unknown_close(connection);
    return true;
}
