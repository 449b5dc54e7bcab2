/* What is answered: the path decides, and nothing else is read of a request but three headers. */
#include "http/inside.h"

#include "base/memory.h"
#include "base/number.h"
#include "http/heap_reply.h"
#include "http/history_reply.h"
#include "http/pages.h"
#include "http/state.h"

#include <string.h>
#include <strings.h>

enum {
    FRESH_NS = 250 * 1000 * 1000, /* an edition of that age will do */
    WAIT_MS = 250,                /* for a newer one, of a server that may be busy */
    UNSENT_MAX = 32 * 1024 * 1024,
};

/* --- sending ---------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value); /* without memory it is left out */
}

static void add_security(struct MHD_Response *response)
{
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "Content-Security-Policy",
               "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    add_header(response, "Referrer-Policy", "no-referrer");
    add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
}

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status,
                                     const char *type, struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    add_header(response, "Content-Type", type);
    add_security(response);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *static_response(const void *at, size_t count)
{
    /* The library takes a pointer that it may write through, and does not in this mode. */
    union {
        const void *in;
        void *out;
    } body = { .in = at };
    return MHD_create_response_from_buffer(count, body.out, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_words(struct MHD_Connection *connection, unsigned status,
                                  const char *words)
{
    return send_response(connection, status, "text/plain; charset=utf-8",
                         static_response(words, strlen(words)));
}

/* A body that was made for one reply, counted until it is sent. */
struct body {
    struct http *http;
    size_t count, held;
    uint8_t at[];
};

static void body_sent(void *context)
{
    struct body *body = context;
    body->http->unsent_bytes -= body->held;
    memory_give(body);
}

static ssize_t read_body(void *context, uint64_t offset, char *to, size_t most)
{
    const struct body *body = context;
    if (offset >= body->count)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = body->count - (size_t)offset;
    size_t count = left < most ? left : most;
    memcpy(to, body->at + offset, count);
    return (ssize_t)count;
}

static enum MHD_Result send_made(struct http *http, struct MHD_Connection *connection,
                                 const char *type, struct buffer *text)
{
    struct body *body = memory_take(sizeof *body + text->count);
    if (body == NULL)
        return MHD_NO;
    *body = (struct body){ http, text->count, sizeof *body + text->count };
    memcpy(body->at, text->at, text->count);
    struct MHD_Response *response =
        MHD_create_response_from_callback(text->count, 16 * 1024, read_body, body, body_sent);
    if (response == NULL) {
        memory_give(body);
        return MHD_NO;
    }
    http->unsent_bytes += body->held;
    return send_response(connection, MHD_HTTP_OK, type, response);
}

/* --- the paths -------------------------------------------------------------------------------- */

static enum MHD_Result too_much(struct http *http, struct MHD_Connection *connection)
{
    http->figures.unserved++;
    return send_words(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                      "Too many replies wait to be taken.\n");
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer_metrics(struct http *http, struct MHD_Connection *connection)
{
    struct buffer text = { 0 };
    enum metrics_format format = metrics_format_for(header(connection, "Accept"));
    const struct edition *edition = published_read(http->published, FRESH_NS, WAIT_MS);
    http->figures.unsent_bytes = http->unsent_bytes;
    enum MHD_Result result = MHD_NO;
    if (metrics_write(edition, &http->figures, seam_now_ns(http->seam), format, &text))
        result = send_made(http, connection, metrics_content_type(format), &text);
    buffer_release(&text);
    return result;
}

static enum MHD_Result answer_state(struct http *http, struct MHD_Connection *connection)
{
    struct buffer text = { 0 };
    published_watch(http->published);
    const struct edition *edition = published_read(http->published, FRESH_NS, WAIT_MS);
    enum MHD_Result result = MHD_NO;
    if (state_write(edition, &http->figures, seam_now_ns(http->seam), &text))
        result = send_made(http, connection, "application/json", &text);
    buffer_release(&text);
    return result;
}

static enum MHD_Result answer_history(struct http *http, struct MHD_Connection *connection)
{
    struct buffer text = { 0 };
    enum MHD_Result result = MHD_NO;
    if (history_write(&http->published->history, seam_now_ns(http->seam), seam_wall_ms(http->seam),
                      &text))
        result = send_made(http, connection, "application/json", &text);
    buffer_release(&text);
    return result;
}

static enum MHD_Result answer_heap(struct http *http, struct MHD_Connection *connection)
{
    const char *word = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "since");
    uint64_t since = 0;
    if (word != NULL && (!number_read_u64(bytes_of_text(word), &since) || since > UINT32_MAX))
        return send_words(connection, MHD_HTTP_BAD_REQUEST, "since is a number.\n");
    published_watch(http->published);
    return send_response(connection, MHD_HTTP_OK, "application/octet-stream",
                         heap_reply(http->published, (uint32_t)since, &http->unsent_bytes));
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, struct bytes path)
{
    const struct page *page = page_find(path);
    if (page == NULL)
        return send_words(connection, MHD_HTTP_NOT_FOUND, "There is nothing here.\n");
    return send_response(connection, MHD_HTTP_OK, page_type(page),
                         static_response(page->at, page->count));
}

static enum MHD_Result answer_path(struct http *http, struct MHD_Connection *connection,
                                   struct bytes path)
{
    static const struct {
        const char *path;
        enum MHD_Result (*answer)(struct http *http, struct MHD_Connection *connection);
    } made[] = { { "/metrics", answer_metrics },
                 { "/api/state.json", answer_state },
                 { "/api/history", answer_history },
                 { "/api/heap", answer_heap } };
    for (size_t at = 0; at < sizeof made / sizeof *made; at++) {
        if (!bytes_equal(path, bytes_of_text(made[at].path)))
            continue;
        if (http->unsent_bytes > UNSENT_MAX)
            return too_much(http, connection);
        return made[at].answer(http, connection);
    }
    return answer_page(connection, path);
}

/* --- who may ---------------------------------------------------------------------------------- */

static struct bytes text_of(const char *text)
{
    return text == NULL ? bytes_of(NULL, 0) : bytes_of_text(text);
}

static enum MHD_Result deny(struct http *http, struct MHD_Connection *connection)
{
    static const char words[] = "A password or a token is asked for.\n";
    struct MHD_Response *response = static_response(words, sizeof words - 1);
    http->figures.denied++;
    if (response != NULL)
        add_header(response, "WWW-Authenticate", "Basic realm=\"Snug\", charset=\"UTF-8\"");
    return send_response(connection, MHD_HTTP_UNAUTHORIZED, "text/plain; charset=utf-8", response);
}

/* The connection ends with it: what follows may be a body, however its length was told, and is no
 * request. `allow`: the methods there are, or NULL. */
static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *words,
                              const char *allow)
{
    struct MHD_Response *response = static_response(words, strlen(words));
    if (response != NULL)
        add_header(response, "Connection", "close");
    if (response != NULL && allow != NULL)
        add_header(response, "Allow", allow);
    return send_response(connection, status, "text/plain; charset=utf-8", response);
}

/* A body that was announced would hold a place until it has come; and where a name has a blank
 * behind it, or a length stands twice, others may read another request than this thread does. */
static enum MHD_Result look_at_header(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    unsigned *status = context;
    (void)kind;
    if (strpbrk(name, " \t") != NULL)
        *status = MHD_HTTP_BAD_REQUEST;
    else if (strcasecmp(name, "Transfer-Encoding") == 0 ||
             (strcasecmp(name, "Content-Length") == 0 &&
              (value == NULL || strcmp(value, "0") != 0)))
        *status = MHD_HTTP_CONTENT_TOO_LARGE;
    return *status == 0 ? MHD_YES : MHD_NO;
}

/* Before anything of a body is read. */
static enum MHD_Result look_at_request(struct MHD_Connection *connection, const char *method)
{
    unsigned status = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are answered.\n",
                      "GET, HEAD");
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, &status);
    if (status == MHD_HTTP_BAD_REQUEST)
        return refuse(connection, status, "The name of a header has a blank in it.\n", NULL);
    if (status != 0)
        return refuse(connection, status, "No body is taken.\n", NULL);
    return MHD_YES;
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
                              struct bytes path)
{
    if (bytes_equal(path, BYTES("/healthz")))
        return send_words(connection, MHD_HTTP_OK, "ok\n");
    if (!guard_asks(&http->guard) && !guard_knows_host(text_of(header(connection, "Host")))) {
        http->figures.denied++;
        return send_words(connection, MHD_HTTP_MISDIRECTED_REQUEST,
                          "Ask by an address or localhost, or set http-password.\n");
    }
    if (!guard_admits(&http->guard, text_of(header(connection, "Authorization"))))
        return deny(http, connection);
    return answer_path(http, connection, path);
}

/* Called once when the headers are there, and again when the request is whole. */
enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *upload_data,
                            size_t *upload_data_size, void **con_cls)
{
    struct http *http = cls;
    (void)version;
    (void)upload_data;
    if (*con_cls == NULL) {
        *con_cls = http;
        connections_begin(http, connection);
        return look_at_request(connection, method);
    }
    if (*upload_data_size != 0)
        return MHD_NO; /* a body: closed */
    return answer(http, connection, bytes_of_text(url));
}
