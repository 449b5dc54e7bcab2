#include "cmd/push.h"

enum { KEPT_BYTES_MAX = 64 * 1024 };

void pushes_release(struct pushes *pushes)
{
    buffer_release(&pushes->later);
    buffer_release(&pushes->text);
}

/* --- encoding --------------------------------------------------------------------------------- */

static void put_line(struct pushes *pushes, char type, long long number)
{
    pushes->failed = pushes->failed || !buffer_printf(&pushes->text, "%c%lld\r\n", type, number);
}

void push_begin(struct pushes *pushes, unsigned count)
{
    pushes->text.count = 0;
    pushes->failed = false;
    put_line(pushes, '>', count);
}

void push_bulk(struct pushes *pushes, struct bytes bytes)
{
    put_line(pushes, '$', (long long)bytes.count);
    pushes->failed = pushes->failed || !buffer_append(&pushes->text, bytes) ||
                     !buffer_append_text(&pushes->text, "\r\n");
}

void push_word(struct pushes *pushes, const char *word)
{
    push_bulk(pushes, bytes_of_text(word));
}

void push_number(struct pushes *pushes, int64_t number)
{
    put_line(pushes, ':', number);
}

void push_encoded(struct pushes *pushes, struct bytes element)
{
    pushes->failed = pushes->failed || !buffer_append(&pushes->text, element);
}

static void shrink(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES_MAX)
        buffer_release(buffer);
    buffer->count = 0;
}

void push_end(struct pushes *pushes)
{
    shrink(&pushes->text);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void write_now(struct client *client, struct bytes message)
{
    struct reply *reply = &client->reply;
    bool muted = reply->muted;
    reply->muted = false;
    reply_message(reply, message);
    reply->muted = muted;
}

/* A command that publishes to itself without end meets its own limit. */
static void write_later(struct pushes *pushes, struct client *client, struct bytes message)
{
    struct reply *reply = &client->reply;
    if (reply->bytes_max != 0 && pushes->later.count > reply->bytes_max)
        reply_give_up(reply, true);
    else if (!buffer_append(&pushes->later, message))
        reply_give_up(reply, false);
}

/* The two protocols differ in the first byte alone. */
void push_send(struct pushes *pushes, struct client *client)
{
    if (push_is_over(client))
        return;
    if (pushes->failed) {
        reply_give_up(&client->reply, false);
        return;
    }
    pushes->text.at[0] = client->reply.resp == 3 ? '>' : '*';
    if (client == pushes->executing)
        write_later(pushes, client, buffer_view(&pushes->text));
    else
        write_now(client, buffer_view(&pushes->text));
}

void push_line(struct pushes *pushes, struct client *client, struct bytes line)
{
    if (push_is_over(client))
        return;
    if (client == pushes->executing)
        write_later(pushes, client, line);
    else
        write_now(client, line);
}

void pushes_flush(struct pushes *pushes, struct client *client)
{
    if (!push_is_over(client))
        write_now(client, buffer_view(&pushes->later));
    shrink(&pushes->later);
}
