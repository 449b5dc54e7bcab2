/* Rules of single options. */
#include "conf/checks.h"

#include "base/buffer.h"
#include "conf/title.h"

#include <ctype.h>

const char *conf_refuse_title(struct bytes value)
{
    const struct bytes none = BYTES("");
    const struct conf_title title = { none, none, none, none, none, none, none };
    struct buffer text = { 0 };
    enum err err = conf_title_expand(value, &title, &text);
    buffer_release(&text);
    return err == ERR_SYNTAX ? "template format is invalid or contains unknown variables" : NULL;
}

static bool is_path(struct bytes value)
{
    return value.count > 0 && memchr(value.at, '/', value.count) != NULL;
}

const char *conf_refuse_dbfilename(struct bytes value)
{
    return is_path(value) ? "dbfilename can't be a path, just a filename" : NULL;
}

const char *conf_refuse_appendfilename(struct bytes value)
{
    if (value.count == 0)
        return "appendfilename can't be empty";
    return is_path(value) ? "appendfilename can't be a path, just a filename" : NULL;
}

const char *conf_refuse_appenddirname(struct bytes value)
{
    if (value.count == 0)
        return "appenddirname can't be empty";
    return is_path(value) ? "appenddirname can't be a path, just a dirname" : NULL;
}

const char *conf_refuse_nodes_file(struct bytes value)
{
    return value.count == 0 ? "cluster-config-file can't be empty" : NULL;
}

/* As the cluster's messages can carry it: 255 bytes of letters, digits, '-' and '.'. */
const char *conf_refuse_hostname(struct bytes value)
{
    if (value.count >= 256)
        return "Hostnames must be less than 256 characters";
    for (size_t i = 0; i < value.count; i++)
        if (!isalnum(value.at[i]) && value.at[i] != '-' && value.at[i] != '.')
            return "Hostnames may only contain alphanumeric characters, hyphens or dots";
    return NULL;
}

const char *conf_refuse_nodename(struct bytes value)
{
    for (size_t i = 0; i < value.count; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~' ||
            strchr("!#$%&()*+:;<>?@[]^{|}~", value.at[i]))
            return "Announced human node name contained invalid character";
    return NULL;
}

void conf_settle_hz(struct config *config)
{
    if (config->hz < 1)
        config->hz = 1;
    if (config->hz > 500)
        config->hz = 500;
}
