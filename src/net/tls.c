/* One connection over TLS. OpenSSL reads and writes through the seam, by a pair of functions below;
 * what it has made and the system did not take waits in `rest`, so that for OpenSSL a write is done
 * or refused whole, and never has to be repeated with the same bytes. */
#include "net/tls.h"

#include "base/memory.h"
#include "net/tls_parts.h"
#include "os/part.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum {
    RECORD_BYTES = 16384, /* the most that one record carries */
    DIRECT_BYTES = 8192,  /* such a part is a record of its own, and is not copied together */
    /* More held for a handshake than any real one needs: a hello of 128 KB, say. */
    HANDSHAKE_BYTES_MAX = 120 * 1024,
};

struct tls {
    SSL *ssl; /* NULL until the peer has sent something, and the context as well */
    struct tls_context *context;
    const struct seam *seam;
    int socket;
    bool established;
    bool drained; /* the system has given less than it was asked for: there is no more now */
    bool ended;   /* the peer sends no more */
    bool broken;  /* no more can be done */
    bool more;    /* OpenSSL was not read until it had nothing */
    bool held_up; /* it could not read, because it has to write first */
    uint8_t *rest;
    size_t rest_at, rest_count; /* unsent, from `rest_at` on */
    uint64_t library_bytes;     /* taken by OpenSSL in calls for this connection */
};

/* ---- the system beneath ---------------------------------------------------------------------- */

/* Sends what waits; true when nothing does any more. */
static bool flush(struct tls *tls)
{
    while (tls->rest_count > 0) {
        struct iovec part = { tls->rest + tls->rest_at, tls->rest_count };
        ssize_t sent = tls->seam->send(tls->seam->context, tls->socket, &part, 1);
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            tls->broken = true;
        if (sent <= 0)
            return false;
        tls->rest_at += (size_t)sent;
        tls->rest_count -= (size_t)sent;
    }
    memory_give(tls->rest);
    tls->rest = NULL;
    tls->rest_at = 0;
    if (tls->held_up) {
        tls->held_up = false;
        tls->more = true;
    }
    return true;
}

static int bio_read(BIO *bio, char *at, int bytes)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (bytes <= 0)
        return 0;
    if (tls->drained) {
        BIO_set_retry_read(bio);
        return -1;
    }
    ssize_t got = tls->seam->receive(tls->seam->context, tls->socket, at, (size_t)bytes);
    tls->drained = got < bytes;
    tls->ended = tls->ended || got == 0;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_retry_read(bio);
    else if (got < 0)
        tls->broken = true;
    return (int)got;
}

static bool keep_rest(struct tls *tls, const char *at, size_t count)
{
    tls->rest = memory_take(count);
    if (tls->rest == NULL)
        return false;
    memcpy(tls->rest, at, count);
    tls->rest_at = 0;
    tls->rest_count = count;
    return true;
}

/* Takes all, or nothing while earlier bytes wait. */
static int bio_write(BIO *bio, const char *at, int bytes)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (bytes <= 0)
        return 0;
    if (!flush(tls)) {
        if (!tls->broken)
            BIO_set_retry_write(bio);
        return -1;
    }
    struct iovec part = { (void *)(uintptr_t)at, (size_t)bytes };
    ssize_t sent = tls->seam->send(tls->seam->context, tls->socket, &part, 1);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        sent = 0;
    if (sent < 0 || (sent < bytes && !keep_rest(tls, at + sent, (size_t)(bytes - sent)))) {
        tls->broken = true;
        return -1;
    }
    return bytes;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    const struct tls *tls = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_EOF:
        return tls->ended;
    case BIO_CTRL_FLUSH: /* bio_write keeps nothing back that it could send */
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
        return 1;
    default:
        return 0;
    }
}

/* How OpenSSL reaches the system; for tls_context.c, which keeps one for all its connections. */
BIO_METHOD *tls_transport_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "seam");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* ---- calls of OpenSSL ------------------------------------------------------------------------ */

/* Whatever is called belongs to this connection, its memory too. */
static uint64_t begin_call(struct tls *tls)
{
    ERR_clear_error();
    tls->drained = false;
    return tls_memory_held() - tls->library_bytes;
}

static void end_call(struct tls *tls, uint64_t others)
{
    uint64_t held = tls_memory_held(); /* sessions kept for all may have gone meanwhile */
    tls->library_bytes = held > others ? held - others : 0;
}

/* What a call that has brought nothing means. */
static enum tls_progress stopped(struct tls *tls, int result)
{
    tls->more = false;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WAITS;
    case SSL_ERROR_WANT_WRITE:
        tls->held_up = true;
        return TLS_WAITS;
    case SSL_ERROR_ZERO_RETURN:
        tls->ended = true;
        break;
    default:
        tls->broken = true;
        break;
    }
    return TLS_FAILED;
}

/* ---- coming and going ------------------------------------------------------------------------ */

struct tls *tls_new(const struct seam *seam, int socket)
{
    struct tls *tls = memory_take_zeroed(sizeof *tls);
    if (tls == NULL)
        return NULL;
    tls->seam = seam;
    tls->socket = socket;
    return tls;
}

void tls_drop(struct tls *tls)
{
    if (tls == NULL)
        return;
    if (tls->established && !tls->broken && tls->rest_count == 0) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl); /* one attempt: the peer sees the socket close in any case */
    }
    SSL_free(tls->ssl);
    ERR_clear_error();
    tls_context_drop(tls->context);
    memory_give(tls->rest);
    memory_give(tls);
}

static bool make_session(struct tls *tls, struct tls_context *context)
{
    BIO *bio = BIO_new(context->transport);
    tls->ssl = SSL_new(context->ssl);
    if (bio == NULL || tls->ssl == NULL) {
        BIO_free(bio);
        SSL_free(tls->ssl);
        tls->ssl = NULL;
        return false;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    tls->context = tls_context_share(context);
    return true;
}

static enum tls_progress go_on(struct tls *tls)
{
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1)
        return stopped(tls, result);
    tls->established = true;
    tls->more = true; /* requests may have come with the peer's last words */
    return TLS_DONE;
}

static void tell(struct tls_reason *reason, const char *text)
{
    snprintf(reason->text, sizeof reason->text, "%s", text);
}

static enum tls_progress too_much(struct tls *tls, struct tls_reason *reason)
{
    tls->broken = true;
    tell(reason, "its handshake takes too much memory");
    return TLS_FAILED;
}

enum tls_progress tls_handshake(struct tls *tls, struct tls_context *context,
                                struct tls_reason *reason)
{
    if (tls->rest_count > 0 && !flush(tls)) {
        tell(reason, "it cannot be written to");
        return tls->broken ? TLS_FAILED : TLS_WAITS;
    }
    uint64_t others = begin_call(tls);
    enum tls_progress progress = TLS_FAILED;
    tell(reason, "out of memory");
    if (tls->ssl != NULL || (context != NULL && make_session(tls, context))) {
        progress = go_on(tls);
        if (progress == TLS_FAILED && tls->ended)
            tell(reason, "the peer has left");
        else if (progress == TLS_FAILED)
            tls_error_text(reason->text, sizeof reason->text);
    }
    end_call(tls, others);
    if (progress == TLS_WAITS && tls->library_bytes > HANDSHAKE_BYTES_MAX)
        return too_much(tls, reason);
    return progress;
}

bool tls_established(const struct tls *tls)
{
    return tls->established;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Record by record, until there is no room or nothing more. */
static size_t read_records(struct tls *tls, uint8_t *at, size_t room)
{
    size_t count = 0;
    while (count < room) {
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, at + count, room - count, &got);
        if (result != 1) {
            (void)stopped(tls, result);
            return count;
        }
        count += got;
    }
    tls->more = true;
    return count;
}

ssize_t tls_receive(struct tls *tls, void *at, size_t room)
{
    size_t count = 0;
    if (!tls->ended && !tls->broken) {
        uint64_t others = begin_call(tls);
        count = read_records(tls, at, room);
        end_call(tls, others);
    }
    if (count > 0) {
        /* The end comes with the next call, and the system may have told of it already. */
        tls->more = tls->more || tls->ended || tls->broken;
        return (ssize_t)count;
    }
    if (tls->ended)
        return 0;
    errno = tls->broken ? EPROTO : EAGAIN;
    return -1;
}

bool tls_has_more(const struct tls *tls)
{
    return tls->more;
}

bool tls_wants_room(const struct tls *tls)
{
    return tls->held_up || (!tls->established && tls->rest_count > 0);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Where the bytes to be sent go on. */
struct cursor {
    const struct iovec *parts;
    int count, at;
    size_t done; /* of parts[at] */
};

static void advance(struct cursor *cursor, size_t bytes)
{
    cursor->done += bytes;
    while (cursor->at < cursor->count && cursor->done >= cursor->parts[cursor->at].iov_len) {
        cursor->done -= cursor->parts[cursor->at].iov_len;
        cursor->at++;
    }
}

static struct bytes piece_at(const struct cursor *cursor, int at)
{
    size_t skip = at == cursor->at ? cursor->done : 0;
    const struct iovec *part = &cursor->parts[at];
    return bytes_of((const uint8_t *)part->iov_base + skip, part->iov_len - skip);
}

/* The next record's bytes: a long piece where it lies, short ones copied together. */
static struct bytes next_record(const struct cursor *cursor, uint8_t together[RECORD_BYTES])
{
    struct bytes first = piece_at(cursor, cursor->at);
    if (first.count >= DIRECT_BYTES || cursor->at + 1 == cursor->count)
        return bytes_of(first.at, first.count < RECORD_BYTES ? first.count : RECORD_BYTES);
    size_t count = 0;
    for (int i = cursor->at; i < cursor->count && count < RECORD_BYTES; i++) {
        struct bytes piece = piece_at(cursor, i);
        size_t fits = RECORD_BYTES - count < piece.count ? RECORD_BYTES - count : piece.count;
        memcpy(together + count, piece.at, fits);
        count += fits;
    }
    return bytes_of(together, count);
}

static size_t write_records(struct tls *tls, struct cursor *cursor)
{
    uint8_t together[RECORD_BYTES];
    size_t total = 0;
    advance(cursor, 0); /* over empty parts */
    while (cursor->at < cursor->count && tls->rest_count == 0) {
        struct bytes record = next_record(cursor, together);
        size_t sent = 0;
        int result = SSL_write_ex(tls->ssl, record.at, record.count, &sent);
        if (result != 1) {
            tls->broken = true; /* nothing waits, so that there is no other reason */
            return total;
        }
        total += sent;
        advance(cursor, sent);
    }
    return total;
}

ssize_t tls_send(struct tls *tls, const struct iovec *parts, int count)
{
    struct cursor cursor = { .parts = parts, .count = count };
    size_t total = 0;
    if (tls->established && !tls->broken && flush(tls)) {
        uint64_t others = begin_call(tls);
        total = write_records(tls, &cursor);
        end_call(tls, others);
    }
    if (total > 0)
        return (ssize_t)total;
    errno = tls->broken ? EPIPE : EAGAIN;
    return -1;
}

size_t tls_unsent(const struct tls *tls)
{
    return tls->rest_count;
}

/* ---- what is known of it --------------------------------------------------------------------- */

uint64_t tls_memory(const struct tls *tls)
{
    return memory_usable(tls) + memory_usable(tls->rest) + tls->library_bytes;
}

/* The first one, as text; with a NUL inside it is nobody's. */
static struct bytes name_of(const X509 *certificate, uint8_t at[TLS_NAME_MAX])
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int count = 0;
    if (place >= 0)
        count = ASN1_STRING_to_UTF8(&text,
                                    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
    if (count <= 0 || count > TLS_NAME_MAX || memchr(text, 0, (size_t)count) != NULL)
        count = 0;
    else
        memcpy(at, text, (size_t)count);
    OPENSSL_free(text);
    return bytes_of(at, (size_t)count);
}

struct bytes tls_common_name(const struct tls *tls, uint8_t at[TLS_NAME_MAX])
{
    struct bytes name = bytes_of(at, 0);
    if (!tls->established || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return name;
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    if (certificate != NULL)
        name = name_of(certificate, at);
    X509_free(certificate);
    return name;
}

/* ---- the part -------------------------------------------------------------------------------- */

PART_OF_SNUG;

__attribute__((visibility("default"))) const struct tls_part tls_part = {
    .context_new = tls_context_new,
    .context_drop = tls_context_drop,
    .make = tls_new,
    .drop = tls_drop,
    .handshake = tls_handshake,
    .receive = tls_receive,
    .send = tls_send,
    .has_more = tls_has_more,
    .wants_room = tls_wants_room,
    .unsent = tls_unsent,
    .memory = tls_memory,
    .common_name = tls_common_name,
};
