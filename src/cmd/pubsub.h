/* cmd/pubsub.h - the commands that listen and publish.
 * Model:    one function a command; the rows say the rest. Whom messages reach is channels.h's.
 *           Whether the user may use a channel has been asked before (cmd/access.h).
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as the rows say. */
#ifndef CMD_PUBSUB_H
#define CMD_PUBSUB_H

#include "cmd/args.h"
#include "cmd/table.h"

/* Who listens in RESP2 may run few commands, for replies and messages could not be told apart:
 * false with the error written. */
MUST_CHECK bool pubsub_may_run(const struct command_row *row, const struct client *client,
                               struct reply *reply);

void pubsub_subscribe(struct call *call);
void pubsub_unsubscribe(struct call *call);
void pubsub_psubscribe(struct call *call);
void pubsub_punsubscribe(struct call *call);
void pubsub_ssubscribe(struct call *call);
void pubsub_sunsubscribe(struct call *call);
void pubsub_publish(struct call *call);
void pubsub_spublish(struct call *call);
void pubsub_channels(struct call *call);
void pubsub_numsub(struct call *call);
void pubsub_numpat(struct call *call);
void pubsub_shardchannels(struct call *call);
void pubsub_shardnumsub(struct call *call);
void pubsub_help(struct call *call);

#endif
