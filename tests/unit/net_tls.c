/* Connections over TLS on a loop whose system, and whose memory, fail in turn. The peer is
 * OpenSSL's client in the same process and thread. */
#include "base/memory.h"
#include "net/tls_parts.h"
#include "net_world.h"
#include "os/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PATIENCE = 3000 }; /* turns */

/* ---- papers ---------------------------------------------------------------------------------- */

struct papers {
    char certificate[64], key[64];
};

static FILE *new_file(char path[64])
{
    snprintf(path, 64, "/tmp/snug-tls-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    return fdopen(fd, "w");
}

/* Signed by itself, so that it is its own authority. */
static void papers_begin(struct papers *papers)
{
    tls_memory_begin(); /* before OpenSSL takes any: it has to fail with ours */
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    CHECK(key != NULL && x509 != NULL);
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME *name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tester", -1, -1,
                               0);
    X509_set_issuer_name(x509, name);
    CHECK(X509_sign(x509, key, EVP_sha256()) != 0);
    FILE *file = new_file(papers->certificate);
    CHECK(PEM_write_X509(file, x509) == 1);
    fclose(file);
    file = new_file(papers->key);
    CHECK(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void papers_end(const struct papers *papers)
{
    CHECK_EQ(unlink(papers->certificate), 0);
    CHECK_EQ(unlink(papers->key), 0);
}

static struct tls_settings settings_of(const struct papers *papers)
{
    return (struct tls_settings){ .cert_file = papers->certificate,
                                  .key_file = papers->key,
                                  .key_pass = "",
                                  .authorities_file = papers->certificate,
                                  .authorities_directory = "",
                                  .dh_params_file = "",
                                  .protocols = "",
                                  .ciphers = "",
                                  .ciphersuites = "",
                                  .clients = TLS_CLIENTS_CERTIFIED,
                                  .session_caching = true,
                                  .sessions_max = 100,
                                  .session_seconds = 60 };
}

/* ---- a secure world -------------------------------------------------------------------------- */

/* When memory fails: in the turn `turn`, after `takes` in it. */
struct shortage {
    uint64_t turn, takes;
    uint64_t turns; /* taken so far */
    bool happened;
};

struct secure {
    struct world world;
    struct papers papers;
    SSL_CTX *client;
    struct shortage shortage;
};

static void secure_world_begin(struct secure *secure)
{
    struct tls_reason reason;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's sockets do not say MSG_NOSIGNAL */
    papers_begin(&secure->papers);
    secure->shortage = (struct shortage){ .turn = UINT64_MAX };
    world_begin(&secure->world);
    const struct tls_settings settings = settings_of(&secure->papers);
    struct tls_context *context = tls_context_new(&settings, &reason);
    CHECK(context != NULL);
    net_set_tls(secure->world.net, &tls_part, context);
    net_unlisten(secure->world.net, NET_TCP);
    int listener = socket_listen_tcp("127.0.0.1", 0, 511);
    struct sockaddr_in name;
    socklen_t bytes = sizeof name;
    CHECK(getsockname(listener, (struct sockaddr *)&name, &bytes) == 0);
    secure->world.port = ntohs(name.sin_port);
    CHECK(net_listen(secure->world.net, listener, NET_TLS));
    secure->client = SSL_CTX_new(TLS_client_method());
    CHECK(SSL_CTX_use_certificate_file(secure->client, secure->papers.certificate,
                                       SSL_FILETYPE_PEM) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(secure->client, secure->papers.key, SSL_FILETYPE_PEM) == 1);
}

static void secure_world_end(struct secure *secure)
{
    SSL_CTX_free(secure->client);
    world_end(&secure->world);
    papers_end(&secure->papers);
}

static void turn(struct secure *secure)
{
    struct shortage *shortage = &secure->shortage;
    bool now = shortage->turns++ == shortage->turn;
    if (now)
        memory_fail_after(shortage->takes);
    net_turn(secure->world.net, 0);
    if (now) {
        shortage->happened = memory_has_failed();
        memory_fail_after(UINT64_MAX);
    }
}

/* A client's side; everything gives up when the server does not go on. */
struct talk {
    struct secure *secure;
    struct peer peer;
    SSL *ssl;
    bool lost;
};

/* Whether to try again. */
static bool goes_on(struct talk *talk, int result, int *turns)
{
    int error = SSL_get_error(talk->ssl, result);
    if ((error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) || ++*turns > PATIENCE) {
        talk->lost = true;
        return false;
    }
    turn(talk->secure);
    return true;
}

static void talk_begin(struct talk *talk, struct secure *secure)
{
    *talk = (struct talk){ .secure = secure };
    peer_open(&talk->peer, &secure->world);
    talk->ssl = SSL_new(secure->client);
    int nonblocking = 1;
    CHECK(ioctl(talk->peer.fd, FIONBIO, &nonblocking) == 0);
    SSL_set_fd(talk->ssl, talk->peer.fd);
    int result, turns = 0;
    do {
        ERR_clear_error();
        result = SSL_connect(talk->ssl);
    } while (result != 1 && goes_on(talk, result, &turns));
}

static void talk_end(struct talk *talk)
{
    ERR_clear_error();
    SSL_free(talk->ssl);
    peer_close(&talk->peer);
}

static void say(struct talk *talk, struct bytes bytes)
{
    int turns = 0;
    while (!talk->lost && bytes.count > 0) {
        ERR_clear_error();
        int result = SSL_write(talk->ssl, bytes.at, (int)bytes.count);
        if (result > 0)
            return; /* whole, without partial writes */
        if (!goes_on(talk, result, &turns))
            return;
    }
}

/* Whether exactly `count` bytes come, the same that BIG sends when they are asked for. */
static void hear(struct talk *talk, uint8_t *at, size_t count)
{
    int turns = 0;
    size_t got = 0;
    while (!talk->lost && got < count) {
        ERR_clear_error();
        int result = SSL_read(talk->ssl, at + got, (int)(count - got));
        if (result > 0)
            got += (size_t)result;
        else if (!goes_on(talk, result, &turns))
            return;
    }
}

static void expect(struct talk *talk, const char *request, const char *reply)
{
    uint8_t got[256];
    size_t count = strlen(reply);
    CHECK(count <= sizeof got);
    say(talk, bytes_of_text(request));
    hear(talk, got, count);
    if (!talk->lost)
        test_bytes(__FILE__, __LINE__, "received", bytes_of(got, count), bytes_of_text(reply));
}

enum { BIG_BYTES = 300000, BIG_REPLY = 9 + BIG_BYTES + 2 };

/* A bit of everything. What comes is right, or the connection is lost. */
static void use_all(struct secure *secure, struct talk *talk)
{
    static uint8_t value[100000], got[BIG_REPLY];
    talk_begin(talk, secure);
    expect(talk, "PING\r\nECHO a\r\n", "+PONG\r\n$1\r\na\r\n");
    expect(talk, "*2\r\n$4\r\nECHO\r\n$100000\r\n", "");
    say(talk, bytes_of(value, sizeof value));
    say(talk, BYTES("\r\n"));
    hear(talk, got, 9 + sizeof value + 2);
    say(talk, BYTES("BIG 300000\r\n"));
    hear(talk, got, BIG_REPLY);
    for (size_t i = 0; !talk->lost && i < BIG_BYTES; i++)
        if (got[9 + i] != 'a' + i % 26)
            CHECK(false);
    expect(talk, "LATE\r\n", "+LATE\r\n");
}

static bool is_served(struct secure *secure)
{
    struct talk talk;
    talk_begin(&talk, secure);
    expect(&talk, "PING\r\n", "+PONG\r\n");
    bool served = !talk.lost;
    talk_end(&talk);
    return served;
}

TEST(net_tls_carries_everything)
{
    struct secure secure;
    struct talk talk;
    secure_world_begin(&secure);
    use_all(&secure, &talk);
    CHECK(!talk.lost);
    CHECK(tls_memory_held() > 10000);
    expect(&talk, "QUIT\r\n", "+OK\r\n");
    uint8_t byte;
    hear(&talk, &byte, 1); /* it ends, and with a goodbye */
    CHECK(talk.lost);
    CHECK(SSL_get_shutdown(talk.ssl) & SSL_RECEIVED_SHUTDOWN);
    talk_end(&talk);
    secure_world_end(&secure);
}

TEST(net_tls_goes_byte_by_byte)
{
    struct secure secure;
    struct talk talk;
    secure_world_begin(&secure);
    fault_seam_plan(&secure.world.fault,
                    &(struct fault_plan){ .classes = FAULT_SOCKETS, .trickle = true });
    talk_begin(&talk, &secure);
    expect(&talk, "PING\r\nECHO hello\r\n", "+PONG\r\n$5\r\nhello\r\n");
    CHECK(!talk.lost);
    talk_end(&talk);
    secure_world_end(&secure);
}

static bool fail_call(uint64_t after, int error)
{
    struct secure secure;
    struct talk talk;
    secure_world_begin(&secure);
    fault_seam_plan(&secure.world.fault,
                    &(struct fault_plan){ FAULT_SOCKETS, after, error, false, false });
    use_all(&secure, &talk);
    bool happened = secure.world.fault.failed != 0;
    fault_seam_plan(&secure.world.fault, &(struct fault_plan){ 0 });
    if (error == EAGAIN || error == EINTR)
        CHECK(!talk.lost);
    talk_end(&talk);
    secure.world.later_ms += 300; /* listeners rest no longer */
    usleep(1000);
    CHECK(is_served(&secure));
    secure_world_end(&secure);
    return happened;
}

TEST(net_tls_survives_each_socket_call_failing)
{
    static const int errors[] = { ECONNRESET, EAGAIN, EINTR, EPIPE };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        uint64_t after = 0;
        while (fail_call(after, errors[i]))
            after += 1 + after / 8;
        CHECK(after > 20);
    }
}

/* One world for all: what is left behind by a failure would show at its end. */
static bool fail_memory(struct secure *secure, uint64_t in_turn, uint64_t takes)
{
    struct talk talk;
    secure->shortage = (struct shortage){ .turn = in_turn, .takes = takes };
    use_all(secure, &talk);
    bool happened = secure->shortage.happened;
    secure->shortage = (struct shortage){ .turn = UINT64_MAX };
    talk_end(&talk);
    for (int i = 0; i < 3; i++)
        turn(secure);
    return happened;
}

TEST(net_tls_survives_each_taking_of_memory_failing)
{
    struct secure secure;
    secure_world_begin(&secure);
    CHECK(is_served(&secure));
    for (uint64_t in_turn = 0; in_turn < 8; in_turn++) {
        uint64_t takes = 0;
        while (fail_memory(&secure, in_turn, takes))
            takes += 1 + takes / 8;
    }
    CHECK(is_served(&secure));
    turn(&secure);
    CHECK_EQ(net_clients(secure.world.net), 0);
    secure_world_end(&secure);
}

TEST(net_tls_handshakes_end_in_time)
{
    struct secure secure;
    struct peer silent;
    secure_world_begin(&secure);
    peer_open(&silent, &secure.world);
    for (int i = 0; i < 3; i++)
        turn(&secure);
    CHECK_EQ(net_clients(secure.world.net), 1);
    secure.world.later_ms += 9000;
    usleep(1000);
    turn(&secure);
    CHECK_EQ(net_clients(secure.world.net), 1);
    secure.world.later_ms += 1500;
    usleep(1000);
    turn(&secure);
    CHECK_EQ(net_clients(secure.world.net), 0);
    peer_close(&silent);
    secure_world_end(&secure);
}

TEST(net_tls_context_says_why_not)
{
    struct papers papers;
    struct tls_reason reason;
    papers_begin(&papers);
    struct tls_settings settings = settings_of(&papers);
    settings.key_file = papers.certificate;
    CHECK(tls_context_new(&settings, &reason) == NULL);
    CHECK(strstr(reason.text, "Failed to load private key") != NULL);
    settings = settings_of(&papers);
    settings.protocols = "TLSv1.2 SSLv3";
    CHECK(tls_context_new(&settings, &reason) == NULL);
    settings.protocols = " TLSv1.1  TLSv1.3 ";
    struct tls_context *context = tls_context_new(&settings, &reason);
    CHECK(context != NULL);
    tls_context_drop(context);
    papers_end(&papers);
}
