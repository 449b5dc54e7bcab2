/* net/tls_parts.h - what the files of TLS share; private to them.
 * Model:    OpenSSL's own type for a context, and its memory through ours.
 * Owner:    net/tls_context.c makes contexts.
 * Pointers: as net/tls.h.
 * Threads:  the executing thread.
 * Failure:  as net/tls.h.
 * Cost:     none of its own. */
#ifndef NET_TLS_PARTS_H
#define NET_TLS_PARTS_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *transport;
    char *pass;     /* of the key, while it is read */
    uint32_t users; /* who made it, and connections */
};

/* One user more; each drops it. */
struct tls_context *tls_context_share(struct tls_context *context);

/* tls.c: the functions by which OpenSSL reaches a connection's seam. NULL: no memory. */
MUST_CHECK BIO_METHOD *tls_transport_new(void);

/* From now on OpenSSL takes its memory from base/memory.h. Nothing changes when it has begun to
 * take some before: then that is not counted. */
void tls_memory_begin(void);

/* The first of OpenSSL's errors as text; the others are forgotten. */
void tls_error_text(char *at, size_t bytes);

#endif
