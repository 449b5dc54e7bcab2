/* The process's title. */
#include "conf/title.h"

static const struct bytes *variable(const struct conf_title *title, struct bytes name)
{
    const struct {
        const char *name;
        const struct bytes *value;
    } rows[] = {
        { "title", &title->title },
        { "listen-addr", &title->listen_addr },
        { "server-mode", &title->server_mode },
        { "port", &title->port },
        { "tls-port", &title->tls_port },
        { "unixsocket", &title->unixsocket },
        { "config-file", &title->config_file },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (bytes_is(name, rows[i].name))
            return rows[i].value;
    return NULL;
}

/* Appends what the brace at `at` stands for; `end` becomes the first byte behind it. */
static enum err expand_brace(struct bytes pattern, size_t at, const struct conf_title *title,
                             struct buffer *text, size_t *end)
{
    const uint8_t *from = pattern.at + at + 1;
    size_t left = pattern.count - at - 1;
    if (left > 0 && from[0] == '{') {
        *end = at + 2;
        return buffer_append_byte(text, '{') ? ERR_NONE : ERR_MEMORY;
    }
    const uint8_t *close = left == 0 ? NULL : memchr(from, '}', left);
    if (close == NULL)
        return ERR_SYNTAX;
    const struct bytes *value = variable(title, bytes_of(from, (size_t)(close - from)));
    if (value == NULL)
        return ERR_SYNTAX;
    *end = (size_t)(close - pattern.at) + 1;
    return buffer_append(text, *value) ? ERR_NONE : ERR_MEMORY;
}

enum err conf_title_expand(struct bytes pattern, const struct conf_title *title,
                           struct buffer *text)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < pattern.count;) {
        if (pattern.at[i] == '{')
            err = expand_brace(pattern, i, title, text, &i);
        else
            err = buffer_append_byte(text, pattern.at[i++]) ? ERR_NONE : ERR_MEMORY;
    }
    return err;
}
