/* TLS by the configuration: the files are read, then the port is listened on. */
#include "net/tls.h"
#include "os/part.h"
#include "server/server.h"

#include <string.h>

_Static_assert((int)TLS_CLIENTS_ANY == (int)CONFIG_TLS_CLIENTS_ANY &&
                   (int)TLS_CLIENTS_CERTIFIED == (int)CONFIG_TLS_CLIENTS_CERTIFIED &&
                   (int)TLS_CLIENTS_OPTIONAL == (int)CONFIG_TLS_CLIENTS_OPTIONAL,
               "the option's words are those of the context");

bool server_secure(struct server *server, const struct config *config)
{
    const struct tls_settings settings = {
        .cert_file = config->tls_cert_file.at,
        .key_file = config->tls_key_file.at,
        .key_pass = config->tls_key_file_pass.at,
        .authorities_file = config->tls_ca_cert_file.at,
        .authorities_directory = config->tls_ca_cert_dir.at,
        .dh_params_file = config->tls_dh_params_file.at,
        .protocols = config->tls_protocols.at,
        .ciphers = config->tls_ciphers.at,
        .ciphersuites = config->tls_ciphersuites.at,
        .clients = (enum tls_clients)config->tls_auth_clients,
        .prefer_server_ciphers = config->tls_prefer_server_ciphers,
        .session_caching = config->tls_session_caching,
        .sessions_max = config->tls_session_cache_size,
        .session_seconds = config->tls_session_cache_timeout,
    };
    struct tls_reason reason;
    if (config->tls_port == 0) {
        net_set_tls(server->net, server->tls, NULL);
        return true;
    }
    if (server->tls == NULL)
        server->tls = part_load(TLS_PART_FILE, TLS_PART_SYMBOL, reason.text, sizeof reason.text);
    struct tls_context *context =
        server->tls == NULL ? NULL : server->tls->context_new(&settings, &reason);
    if (context == NULL) {
        log_write(&server->log, LOG_LEVEL_WARNING, "%s", reason.text);
        return false;
    }
    net_set_tls(server->net, server->tls, context);
    return true;
}

static bool refuse(struct option_reason *reason, const char *text)
{
    size_t count = strlen(text);
    ENSURE(count < sizeof reason->text);
    memcpy(reason->text, text, count + 1);
    return false;
}

static bool apply_context(void *context, const struct config *before, struct config *after,
                          struct option_reason *reason)
{
    (void)before;
    if (server_secure(context, after))
        return true;
    return refuse(reason, "Unable to update TLS configuration. Check server logs.");
}

static bool apply_port(void *context, const struct config *before, struct config *after,
                       struct option_reason *reason)
{
    struct server *server = context;
    net_unlisten(server->net, NET_TLS);
    if (server_listen_tls(server, after))
        return true;
    if (!server_listen_tls(server, before))
        log_write(&server->log, LOG_LEVEL_WARNING, "Nor can the old port be listened on again.");
    return refuse(reason, "Unable to listen on this port. Check server logs.");
}

static const char *const context_options[] = {
    "tls-port",
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-dh-params-file",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
    "tls-auth-clients",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-session-caching",
    "tls-session-cache-size",
    "tls-session-cache-timeout",
    NULL,
};
static const char *const port_options[] = { "tls-port", "bind", NULL };

void server_hook_secure(struct server *server)
{
    const struct conf_hook hooks[] = {
        { context_options, apply_context, server },
        { port_options, apply_port, server },
    };
    for (size_t at = 0; at < sizeof hooks / sizeof *hooks; at++)
        conf_runtime_hook(server->runtime, &hooks[at]);
}
