/* Who is told of a key, and in which form. */
#include "cmd/channels.h"
#include "cmd/tracking.h"

static void tell_broken(struct tracker *tracker, struct client *client)
{
    struct pushes *pushes = tracker->context->pushes;
    client->tracking->flags |= TRACKING_BROKEN;
    if (client->reply.resp != 3)
        return;
    push_begin(pushes, 2);
    push_word(pushes, "tracking-redir-broken");
    push_number(pushes, (int64_t)client->tracking->redirect);
    push_send(pushes, client);
}

/* In RESP2 nothing but a message of a channel can come unasked, so there only another connection
 * that listens to any can be told. */
void tracking_send(struct tracker *tracker, struct client *client, struct bytes value)
{
    struct pushes *pushes = tracker->context->pushes;
    uint64_t redirect = client->tracking->redirect;
    struct client *to = redirect == 0 ? client : net_client_by_id(client->net, redirect);
    if (to == NULL) {
        tell_broken(tracker, client);
        return;
    }
    if (to->reply.resp == 3) {
        push_begin(pushes, 2);
        push_word(pushes, "invalidate");
    } else if (to != client && to->subscriptions != NULL) {
        push_begin(pushes, 3);
        push_word(pushes, "message");
        push_word(pushes, "__redis__:invalidate");
    } else {
        return;
    }
    push_encoded(pushes, value);
    push_send(pushes, to);
}
