/* What TLS is made from: files and rules become a context, or a reason why not. */
#include "base/memory.h"
#include "net/tls_parts.h"

#include <limits.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    CERTIFICATES_BYTES_MAX = 32 * 1024, /* that a client may show */
    ERROR_BYTES = 160,
};

void tls_error_text(char *at, size_t bytes)
{
    unsigned long error = ERR_get_error();
    if (error == 0)
        snprintf(at, bytes, "no reason told");
    else
        ERR_error_string_n(error, at, bytes);
    ERR_clear_error();
}

static bool refuse(struct tls_reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct tls_reason *reason, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(reason->text, sizeof reason->text, format, values);
    va_end(values);
    return false;
}

/* With what OpenSSL says. */
static bool refuse_file(struct tls_reason *reason, const char *what, const char *file)
{
    char error[ERROR_BYTES];
    tls_error_text(error, sizeof error);
    return refuse(reason, "%s: %.64s: %s", what, file, error);
}

static bool is_set(const char *text)
{
    return text[0] != '\0';
}

/* ---- versions -------------------------------------------------------------------------------- */

enum version { VERSION_OLD = 1, VERSION_1_2 = 2, VERSION_1_3 = 4 };

static unsigned version_of(struct bytes word)
{
    if (bytes_is(word, "TLSv1.3"))
        return VERSION_1_3;
    if (bytes_is(word, "TLSv1.2"))
        return VERSION_1_2;
    if (bytes_is(word, "TLSv1.1") || bytes_is(word, "TLSv1"))
        return VERSION_OLD;
    return 0;
}

/* The set that a list names, both when it is empty; 0: a word is unknown. */
static unsigned versions_of(struct bytes list)
{
    unsigned versions = 0;
    size_t at = 0;
    while (at < list.count) {
        size_t end = at;
        while (end < list.count && list.at[end] != ' ')
            end++;
        if (end > at) {
            unsigned version = version_of(bytes_of(list.at + at, end - at));
            if (version == 0)
                return 0;
            versions |= version;
        }
        at = end + 1;
    }
    return versions == 0 ? VERSION_1_2 | VERSION_1_3 : versions;
}

const char *tls_refuse_protocols(struct bytes protocols)
{
    unsigned versions = versions_of(protocols);
    if (versions == 0)
        return "Invalid tls-protocols: the words are TLSv1.2 and TLSv1.3";
    return versions == VERSION_OLD ? "Only TLSv1.2 and TLSv1.3 are offered" : NULL;
}

static bool set_versions(SSL_CTX *ssl, const struct tls_settings *settings,
                         struct tls_reason *reason)
{
    struct bytes protocols = bytes_of_text(settings->protocols);
    const char *refusal = tls_refuse_protocols(protocols);
    if (refusal != NULL)
        return refuse(reason, "%s", refusal);
    unsigned versions = versions_of(protocols);
    int least = versions & VERSION_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    int most = versions & VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (SSL_CTX_set_min_proto_version(ssl, least) && SSL_CTX_set_max_proto_version(ssl, most))
        return true;
    return refuse_file(reason, "The versions cannot be set", settings->protocols);
}

/* ---- what the files hold --------------------------------------------------------------------- */

/* Without this OpenSSL would ask at the terminal. */
static int give_pass(char *at, int room, int writing, void *context)
{
    const struct tls_context *made = context;
    size_t count = made->pass == NULL ? 0 : strlen(made->pass);
    (void)writing;
    if (count == 0 || count > (size_t)room)
        return -1;
    memcpy(at, made->pass, count);
    return (int)count;
}

static void forget_pass(struct tls_context *context)
{
    if (context->pass != NULL)
        OPENSSL_cleanse(context->pass, strlen(context->pass));
    memory_give(context->pass);
    context->pass = NULL;
}

static bool load_key(struct tls_context *context, const struct tls_settings *settings,
                     struct tls_reason *reason)
{
    size_t count = strlen(settings->key_pass);
    context->pass = memory_take(count + 1);
    if (context->pass == NULL)
        return refuse(reason, "out of memory");
    memcpy(context->pass, settings->key_pass, count + 1);
    SSL_CTX_set_default_passwd_cb(context->ssl, give_pass);
    SSL_CTX_set_default_passwd_cb_userdata(context->ssl, context);
    int done = SSL_CTX_use_PrivateKey_file(context->ssl, settings->key_file, SSL_FILETYPE_PEM);
    forget_pass(context);
    if (done != 1)
        return refuse_file(reason, "Failed to load private key", settings->key_file);
    if (SSL_CTX_check_private_key(context->ssl) != 1)
        return refuse_file(reason, "The key does not fit the certificate", settings->key_file);
    return true;
}

static bool load_certificate(struct tls_context *context, const struct tls_settings *settings,
                             struct tls_reason *reason)
{
    if (!is_set(settings->cert_file))
        return refuse(reason, "No tls-cert-file configured!");
    if (!is_set(settings->key_file))
        return refuse(reason, "No tls-key-file configured!");
    if (SSL_CTX_use_certificate_chain_file(context->ssl, settings->cert_file) != 1)
        return refuse_file(reason, "Failed to load certificate", settings->cert_file);
    return load_key(context, settings, reason);
}

static const char *set_or_null(const char *text)
{
    return is_set(text) ? text : NULL;
}

static bool load_authorities(SSL_CTX *ssl, const struct tls_settings *settings,
                             struct tls_reason *reason)
{
    const char *file = set_or_null(settings->authorities_file);
    const char *directory = set_or_null(settings->authorities_directory);
    if (file == NULL && directory == NULL) {
        if (settings->clients == TLS_CLIENTS_ANY)
            return true;
        return refuse(reason, "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when "
                              "tls-auth-clients is enabled!");
    }
    if (SSL_CTX_load_verify_locations(ssl, file, directory) == 1)
        return true;
    return refuse_file(reason, "Failed to configure CA certificate(s) file/directory",
                       file != NULL ? file : directory);
}

static EVP_PKEY *read_dh_params(const char *file)
{
    EVP_PKEY *params = NULL;
    BIO *bio = BIO_new_file(file, "r");
    if (bio == NULL)
        return NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
        &params, "PEM", NULL, "DH", OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, NULL, NULL);
    if (decoder == NULL || !OSSL_DECODER_from_bio(decoder, bio)) {
        EVP_PKEY_free(params);
        params = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    BIO_free(bio);
    return params;
}

/* Without a file OpenSSL chooses by the strength of the certificate. */
static bool load_dh_params(SSL_CTX *ssl, const struct tls_settings *settings,
                           struct tls_reason *reason)
{
    const char *file = settings->dh_params_file;
    if (!is_set(file)) {
        SSL_CTX_set_dh_auto(ssl, 1);
        return true;
    }
    EVP_PKEY *params = read_dh_params(file);
    if (params != NULL && SSL_CTX_set0_tmp_dh_pkey(ssl, params) == 1)
        return true;
    EVP_PKEY_free(params);
    return refuse_file(reason, "Failed to load DH params file", file);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static bool set_ciphers(SSL_CTX *ssl, const struct tls_settings *settings,
                        struct tls_reason *reason)
{
    if (is_set(settings->ciphers) && SSL_CTX_set_cipher_list(ssl, settings->ciphers) != 1)
        return refuse_file(reason, "Failed to configure ciphers", settings->ciphers);
    if (is_set(settings->ciphersuites) &&
        SSL_CTX_set_ciphersuites(ssl, settings->ciphersuites) != 1)
        return refuse_file(reason, "Failed to configure ciphersuites", settings->ciphersuites);
    if (settings->prefer_server_ciphers)
        SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    return true;
}

static void set_verification(SSL_CTX *ssl, enum tls_clients clients)
{
    switch (clients) {
    case TLS_CLIENTS_CERTIFIED:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        break;
    case TLS_CLIENTS_OPTIONAL:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        break;
    case TLS_CLIENTS_ANY:
    default:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        break;
    }
}

/* Without caching nobody can resume, by a ticket neither. */
static void set_sessions(SSL_CTX *ssl, const struct tls_settings *settings)
{
    static const unsigned char name[] = "snug";
    if (!settings->session_caching) {
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_num_tickets(ssl, 0);
        return;
    }
    long most = settings->sessions_max > LONG_MAX ? LONG_MAX : (long)settings->sessions_max;
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(ssl, most);
    SSL_CTX_set_timeout(ssl, (long)settings->session_seconds);
    (void)SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1);
}

/* Buffers are given back when they are empty; what lies ready is read in one call, not header by
 * header; nobody changes the keys of TLS 1.2 once they are agreed on. */
static void set_habits(SSL_CTX *ssl)
{
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_SINGLE_DH_USE | SSL_OP_SINGLE_ECDH_USE);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_max_cert_list(ssl, CERTIFICATES_BYTES_MAX);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool fill(struct tls_context *context, const struct tls_settings *settings,
                 struct tls_reason *reason)
{
    context->ssl = SSL_CTX_new(TLS_server_method());
    context->transport = tls_transport_new();
    if (context->ssl == NULL || context->transport == NULL)
        return refuse_file(reason, "Failed to make a context", "OpenSSL");
    set_habits(context->ssl);
    set_sessions(context->ssl, settings);
    set_verification(context->ssl, settings->clients);
    return set_versions(context->ssl, settings, reason) &&
           load_certificate(context, settings, reason) &&
           load_authorities(context->ssl, settings, reason) &&
           load_dh_params(context->ssl, settings, reason) &&
           set_ciphers(context->ssl, settings, reason);
}

struct tls_context *tls_context_new(const struct tls_settings *settings, struct tls_reason *reason)
{
    tls_memory_begin();
    ERR_clear_error();
    struct tls_context *context = memory_take_zeroed(sizeof *context);
    if (context == NULL) {
        (void)refuse(reason, "out of memory");
        return NULL;
    }
    context->users = 1;
    if (fill(context, settings, reason))
        return context;
    tls_context_drop(context);
    return NULL;
}

struct tls_context *tls_context_share(struct tls_context *context)
{
    context->users++;
    return context;
}

void tls_context_drop(struct tls_context *context)
{
    if (context == NULL || --context->users > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->transport);
    memory_give(context);
}
