/* Who is connected, and for how long. Accepting is ours, not microhttpd's: where all places are
 * taken, whoever has waited longest without a whole request makes room, so that connections that
 * send nothing, or a byte now and then, keep nobody out for longer than it takes to come again. */
#include "http/inside.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 64,
    FIRST_REQUEST_S = 10, /* from the connection to its first whole request */
    NEXT_REQUEST_S = 75,  /* from one answer to the next whole request */
    ANSWER_S = 60,        /* for a reply to be taken */
    CROWDED_ANSWER_S = 2, /* the same, where others wait for the place */
    REST_NS = 100 * 1000 * 1000,
};

void connections_init(struct http *http)
{
    for (unsigned at = 0; at < HTTP_CONNECTIONS_MAX; at++)
        http->connections[at].socket = -1;
}

static struct connection *free_place(struct http *http)
{
    for (unsigned at = 0; at < HTTP_CONNECTIONS_MAX; at++)
        if (http->connections[at].socket < 0)
            return &http->connections[at];
    return NULL;
}

void connections_note(void *cls, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    struct connection *place = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (place != NULL)
            place->socket = -1;
        http->figures.open -= place != NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    place = free_place(http);
    if (place == NULL || info == NULL)
        return;
    *place = (struct connection){ .socket = info->connect_fd, .since_ns = seam_now_ns(http->seam) };
    *socket_context = place;
    http->figures.open++;
}

static struct connection *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

void connections_begin(struct http *http, struct MHD_Connection *connection)
{
    struct connection *place = place_of(connection);
    http->figures.requests++;
    if (place == NULL)
        return;
    place->answering = true;
    place->since_ns = seam_now_ns(http->seam);
}

/* microhttpd sees the end of the stream and closes. */
static void end_connection(struct http *http, struct connection *place)
{
    shutdown(place->socket, SHUT_RDWR);
    place->since_ns = seam_now_ns(http->seam); /* not twice */
}

static void send_away(struct http *http, struct connection *place)
{
    end_connection(http, place);
    http->figures.closed++;
}

/* Who will ask nothing more: what it was sent still reaches it. */
static bool has_closed_its_half(const struct connection *place)
{
    char byte;
    return recv(place->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void connections_done(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code)
{
    struct http *http = cls;
    struct connection *place = place_of(connection);
    (void)con_cls;
    if (place == NULL)
        return;
    place->answering = false;
    place->answered = place->answered || code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    place->since_ns = seam_now_ns(http->seam);
    if (has_closed_its_half(place))
        end_connection(http, place);
}

/* Who came without asking anything leaves first, then who is between two requests, and last who
 * does not take a reply. */
static unsigned claim(const struct connection *place)
{
    return place->answering ? 2 : place->answered ? 1 : 0;
}

static bool make_room(struct http *http)
{
    uint64_t now_ns = seam_now_ns(http->seam);
    struct connection *oldest = NULL;
    for (unsigned at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        struct connection *place = &http->connections[at];
        bool busy =
            place->answering && now_ns - place->since_ns < (uint64_t)CROWDED_ANSWER_S * 1000000000;
        if (place->socket < 0 || busy)
            continue;
        if (oldest == NULL || claim(place) < claim(oldest) ||
            (claim(place) == claim(oldest) && place->since_ns < oldest->since_ns))
            oldest = place;
    }
    if (oldest == NULL)
        return false;
    send_away(http, oldest);
    MHD_run(http->daemon);
    return free_place(http) != NULL;
}

static bool wants_something(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

void connections_accept(struct http *http, int listener)
{
    for (unsigned times = 0; times < ACCEPTS_A_TURN; times++) {
        struct sockaddr_storage address;
        socklen_t bytes = sizeof address;
        int socket =
            http->seam->accept(http->seam->context, listener, (struct sockaddr *)&address, &bytes);
        if (socket < 0) {
            if (wants_something(errno))
                http->accept_ns = seam_now_ns(http->seam) + REST_NS;
            return;
        }
        if (free_place(http) == NULL && !make_room(http)) {
            close(socket);
            http->figures.closed++;
        } else if (MHD_add_connection(http->daemon, socket, (struct sockaddr *)&address, bytes) !=
                   MHD_YES)
            http->figures.closed++; /* microhttpd has closed it: too many of one address */
        else
            http->figures.accepted++;
    }
}

static uint64_t seconds_allowed(const struct connection *place)
{
    if (place->answering)
        return ANSWER_S;
    return place->answered ? NEXT_REQUEST_S : FIRST_REQUEST_S;
}

uint64_t connections_sweep(struct http *http, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned at = 0; at < HTTP_CONNECTIONS_MAX; at++) {
        struct connection *place = &http->connections[at];
        if (place->socket < 0)
            continue;
        if (now_ns >= place->since_ns + seconds_allowed(place) * 1000000000)
            send_away(http, place);
        uint64_t end_ns = place->since_ns + seconds_allowed(place) * 1000000000;
        next_ns = end_ns < next_ns ? end_ns : next_ns;
    }
    return next_ns;
}
