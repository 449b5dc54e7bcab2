#include "conf/title.h"

#include "server/server.h"

#include <stdio.h>
#include <string.h>

static struct bytes digits_of(int64_t number, char *at, size_t bytes)
{
    int count = snprintf(at, bytes, "%lld", (long long)number);
    return bytes_of(at, (size_t)count);
}

static struct bytes listen_address(const struct config *config, char *at, size_t bytes)
{
    int count;
    int64_t port = config->port != 0 ? config->port : config->tls_port;
    if (port == 0)
        count = snprintf(at, bytes, "unixsocket:%s", config->unixsocket.at);
    else
        count =
            snprintf(at, bytes, "%s:%lld",
                     config->bind.count > 0 ? config->bind.addresses[0].at : "*", (long long)port);
    return bytes_of(at, (size_t)count < bytes ? (size_t)count : bytes - 1);
}

void server_show_title(struct server *server)
{
    char address[160], port[24], tls_port[24];
    const struct config *config = &server->config;
    struct buffer text = { 0 };
    struct conf_title title = {
        .title = BYTES("snug-server"),
        .listen_addr = listen_address(config, address, sizeof address),
        .port = digits_of(config->port, port, sizeof port),
        .tls_port = digits_of(config->tls_port, tls_port, sizeof tls_port),
        .unixsocket = config_text_view(&config->unixsocket),
        .config_file = config_text_view(&config->file),
    };
    if (!config->set_proc_title)
        return;
    if (conf_title_expand(config_text_view(&config->proc_title_template), &title, &text) ==
            ERR_NONE &&
        buffer_append_byte(&text, 0))
        title_set(&server->title, (const char *)text.at);
    buffer_release(&text);
}
