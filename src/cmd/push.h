/* cmd/push.h - messages that a client did not ask for just now: published ones, invalidations.
 * Model:    a message is encoded once and copied to whom it is for. Between two commands every
 *           reply stands at an end, so it goes there at once; what the client whose command runs
 *           gets meanwhile waits until that command has answered (as in Redis 7.2), so that no
 *           message ever stands in the midst of a reply. CLIENT REPLY OFF does not silence them.
 * Owner:    the dispatcher makes one.
 * Pointers: none kept but to the client whose command runs.
 * Threads:  the executing thread.
 * Failure:  a client that cannot get its message (no memory, over its output limit) is closed.
 * Cost:     a copy for each client. */
#ifndef CMD_PUSH_H
#define CMD_PUSH_H

#include "base/buffer.h"
#include "net/client.h"

struct pushes {
    struct client *executing; /* NULL between two commands */
    struct buffer later;      /* for it, whole messages */
    struct buffer text;       /* the one that is being encoded */
    bool failed;              /* it could not be, for want of memory */
};

void pushes_release(struct pushes *pushes);

/* The message that is being encoded: an array or push of `count` elements, which follow. */
void push_begin(struct pushes *pushes, unsigned count);
void push_bulk(struct pushes *pushes, struct bytes bytes);
void push_word(struct pushes *pushes, const char *word);
void push_number(struct pushes *pushes, int64_t number);
void push_encoded(struct pushes *pushes, struct bytes element); /* in the protocol's form */
/* Sends what has been encoded, as often as wanted. Who is about to be closed gets nothing. */
void push_send(struct pushes *pushes, struct client *client);
/* Sends a whole message that is the same in both protocols: +text. */
void push_line(struct pushes *pushes, struct client *client, struct bytes line);
/* Gives back what a long message took. */
void push_end(struct pushes *pushes);

/* A command of this client begins; it has answered. */
static inline void pushes_begin(struct pushes *pushes, struct client *client)
{
    pushes->executing = client;
}
void pushes_flush(struct pushes *pushes, struct client *client);
static inline void pushes_answered(struct pushes *pushes, struct client *client)
{
    pushes->executing = NULL;
    if (UNLIKELY(pushes->later.count != 0))
        pushes_flush(pushes, client);
}

/* True when it is closing: nothing is sent to it any more. */
static inline bool push_is_over(const struct client *client)
{
    return (client->flags & (CLIENT_CLOSE_NOW | CLIENT_CLOSE_AFTER_REPLY)) != 0;
}

#endif
