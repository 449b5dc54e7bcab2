#include "cmd/monitor.h"

#include "base/memory.h"
#include "cmd/args.h"
#include "cmd/push.h"
#include "cmd/redact.h"

enum { ADDRESS_BYTES = 160, KEPT_LINE_MAX = 64 * 1024 };

void monitors_release(struct monitors *monitors)
{
    memory_give(monitors->clients);
    buffer_release(&monitors->line);
    *monitors = (struct monitors){ .count = 0 };
}

void monitors_leave(struct monitors *monitors, struct client *client)
{
    uint32_t kept = 0;
    if ((client->flags & CLIENT_MONITOR) == 0)
        return;
    client->flags &= ~(uint32_t)CLIENT_MONITOR;
    for (uint32_t i = 0; i < monitors->count; i++)
        if (monitors->clients[i] != client)
            monitors->clients[kept++] = monitors->clients[i];
    monitors->count = kept;
    if (kept == 0)
        monitors_release(monitors);
}

static bool join(struct monitors *monitors, struct client *client)
{
    if (monitors->count == monitors->room) {
        uint32_t room = monitors->room == 0 ? 4 : monitors->room * 2;
        void *more = memory_resize(monitors->clients, room * sizeof(struct client *));
        if (more == NULL)
            return false;
        monitors->clients = more;
        monitors->room = room;
    }
    monitors->clients[monitors->count++] = client;
    client->flags |= CLIENT_MONITOR;
    return true;
}

void cmd_monitor(struct call *call)
{
    /* Within a transaction or a script its lines would stand in the midst of a reply. */
    if (call->never_waits) {
        reply_error(call->reply, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if ((call->client->flags & CLIENT_MONITOR) == 0 &&
        !join(call->context->monitors, call->client)) {
        call_memory_error(call);
        return;
    }
    reply_ok(call->reply);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* How a byte is written; 0: as \xHH. */
static char letter_of(uint8_t byte)
{
    switch (byte) {
    case '\\':
    case '"':
        return (char)byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    default:
        return 0;
    }
}

static uint8_t *quote_byte(uint8_t *at, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    char letter = letter_of(byte);
    bool plain = letter == 0 && byte >= ' ' && byte <= '~';
    if (!plain)
        *at++ = '\\';
    if (letter != 0) {
        *at++ = (uint8_t)letter;
    } else if (plain) {
        *at++ = byte;
    } else {
        *at++ = 'x';
        *at++ = (uint8_t)digits[byte >> 4];
        *at++ = (uint8_t)digits[byte & 15];
    }
    return at;
}

static bool put_quoted(struct buffer *line, struct bytes text)
{
    enum { LONGEST = 4 }; /* \xHH */
    if (!buffer_reserve(line, text.count * LONGEST + sizeof " \"\""))
        return false;
    uint8_t *at = line->at + line->count;
    *at++ = ' ';
    *at++ = '"';
    for (size_t i = 0; i < text.count; i++)
        at = quote_byte(at, text.at[i]);
    *at++ = '"';
    line->count = (size_t)(at - line->at);
    return true;
}

static bool make_line(struct buffer *line, const struct call *call, bool script)
{
    char peer[ADDRESS_BYTES];
    int64_t now_us = seam_wall_us(call->context->seam);
    client_peer(call->client, peer, sizeof peer);
    bool is_unix = (call->client->flags & CLIENT_UNIX_SOCKET) != 0;
    const char *kind = is_unix && !script ? "unix:" : "";
    line->count = 0;
    bool made =
        buffer_printf(line, "+%lld.%06lld [%u %s%s]", (long long)(now_us / 1000000),
                      (long long)(now_us % 1000000), call->client->db, kind, script ? "lua" : peer);
    for (uint32_t i = 0; i < call->argc && made; i++)
        made = put_quoted(line, redact_argument(call, i));
    return made && buffer_append_text(line, "\r\n");
}

void monitors_tell(struct monitors *monitors, const struct call *call, bool script)
{
    bool made = make_line(&monitors->line, call, script);
    for (uint32_t i = 0; i < monitors->count; i++) {
        if (made)
            push_line(call->context->pushes, monitors->clients[i], buffer_view(&monitors->line));
        else
            reply_give_up(&monitors->clients[i]->reply, false);
    }
    if (monitors->line.capacity > KEPT_LINE_MAX)
        buffer_release(&monitors->line);
}
