/* conf/title.h - proc-title-template: the process's title made from a template.
 * Model:    {name} becomes the text of that name; "{{" is a brace.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  ERR_SYNTAX for an unknown name or a brace without end, ERR_MEMORY.
 * Cost:     linear. */
#ifndef CONF_TITLE_H
#define CONF_TITLE_H

#include "base/buffer.h"

struct conf_title {
    struct bytes title;       /* the program's name and arguments */
    struct bytes listen_addr; /* "*:6379", or "unixsocket:/path" */
    struct bytes server_mode; /* empty: standalone */
    struct bytes port;
    struct bytes tls_port;
    struct bytes unixsocket;
    struct bytes config_file;
};

MUST_CHECK enum err conf_title_expand(struct bytes pattern, const struct conf_title *title,
                                      struct buffer *text);

#endif
