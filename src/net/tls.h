/* net/tls.h - TLS: what it is made from, and the transport of one connection. What is behind it is
 * a part of its own (snug-tls.so), loaded when a port for TLS is set: OpenSSL takes 1.7 MB.
 * Model:    a context is all that the options name (certificate, key, authorities, rules), read and
 *           checked as a whole. A connection keeps the context it began with; a new one is for
 *           those who come later.
 * Owner:    who makes a context drops it, or hands it to net_set_tls. A connection owns its tls.
 * Pointers: settings are read while a context is made, and not kept.
 * Threads:  the executing thread.
 * Failure:  a context that cannot be made says why, and the one in force stays.
 * Cost:     a context reads its files; a handshake takes about a millisecond and 50 KB, a
 *           connection at rest about 10 KB. What OpenSSL holds is part of memory_held(). */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/seam.h"

/* ---- a context ------------------------------------------------------------------------------- */

/* As the words of tls-auth-clients. */
enum tls_clients { TLS_CLIENTS_ANY, TLS_CLIENTS_CERTIFIED, TLS_CLIENTS_OPTIONAL };

/* The texts end with NUL; an empty one is not set. */
struct tls_settings {
    const char *cert_file, *key_file, *key_pass;
    const char *authorities_file, *authorities_directory;
    const char *dh_params_file;
    const char *protocols; /* "TLSv1.2 TLSv1.3" */
    const char *ciphers, *ciphersuites;
    enum tls_clients clients;
    bool prefer_server_ciphers;
    bool session_caching;
    int64_t sessions_max; /* 0: no limit */
    int64_t session_seconds;
};

struct tls_reason {
    char text[256];
};

struct tls_context;

/* NULL with the reason: a file that cannot be read, a key that does not fit, an unknown word. */
MUST_CHECK struct tls_context *tls_context_new(const struct tls_settings *settings,
                                               struct tls_reason *reason);
void tls_context_drop(struct tls_context *context); /* NULL is allowed; connections go on */

/* Why `protocols` is no list of versions, or NULL. */
const char *tls_refuse_protocols(struct bytes protocols);

/* What OpenSSL holds now, in usable sizes. */
uint64_t tls_memory_held(void);

/* ---- a connection; private to net/ ----------------------------------------------------------- */

struct tls;

/* What a call has brought. */
enum tls_progress {
    TLS_DONE,
    TLS_WAITS,  /* for the peer, or for room to send to it */
    TLS_FAILED, /* the connection is to be closed */
};

MUST_CHECK struct tls *tls_new(const struct seam *seam, int socket);
/* Says goodbye first if the peer can be told so. NULL is allowed. */
void tls_drop(struct tls *tls);

/* Begins the handshake (with this context) or goes on with it, until it is done. */
enum tls_progress tls_handshake(struct tls *tls, struct tls_context *context,
                                struct tls_reason *reason);
bool tls_established(const struct tls *tls);

/* As recv and sendmsg: bytes, 0 when the peer has ended, -1 and errno (EAGAIN: none now). What
 * tls_send has taken may wait in part inside. */
ssize_t tls_receive(struct tls *tls, void *at, size_t room);
ssize_t tls_send(struct tls *tls, const struct iovec *parts, int count);

/* Whether there may be bytes of which the system will not tell: the last call stopped short. */
bool tls_has_more(const struct tls *tls);
/* Whether nothing can be received before the system takes what is unsent. */
bool tls_wants_room(const struct tls *tls);
/* Bytes made, and not yet taken by the system. */
size_t tls_unsent(const struct tls *tls);
/* All that is held for it. */
uint64_t tls_memory(const struct tls *tls);

/* The common name of the peer's verified certificate, or no bytes. Written to `at`. */
enum { TLS_NAME_MAX = 256 };
struct bytes tls_common_name(const struct tls *tls, uint8_t at[TLS_NAME_MAX]);

/* ---- the part -------------------------------------------------------------------------------- */

/* All of the above, for who has loaded it: the symbol is TLS_PART_SYMBOL, and stays for good. */
struct tls_part {
    struct tls_context *(*context_new)(const struct tls_settings *settings,
                                       struct tls_reason *reason);
    void (*context_drop)(struct tls_context *context);
    struct tls *(*make)(const struct seam *seam, int socket);
    void (*drop)(struct tls *tls);
    enum tls_progress (*handshake)(struct tls *tls, struct tls_context *context,
                                   struct tls_reason *reason);
    ssize_t (*receive)(struct tls *tls, void *at, size_t room);
    ssize_t (*send)(struct tls *tls, const struct iovec *parts, int count);
    bool (*has_more)(const struct tls *tls);
    bool (*wants_room)(const struct tls *tls);
    size_t (*unsent)(const struct tls *tls);
    uint64_t (*memory)(const struct tls *tls);
    struct bytes (*common_name)(const struct tls *tls, uint8_t at[TLS_NAME_MAX]);
};

extern const struct tls_part tls_part;
#define TLS_PART_FILE "snug-tls.so"
#define TLS_PART_SYMBOL "tls_part"

#endif
