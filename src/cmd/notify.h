/* cmd/notify.h - keyspace notifications: what happens to keys, published.
 * Model:    hangs at the store's door while notify-keyspace-events asks for anything. An event
 *           whose class is wanted goes to __keyspace@DB__:KEY, which tells the event, to
 *           __keyevent@DB__:EVENT, which tells the key, or to both.
 * Owner:    nobody: the wish stands in the channels' struct.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  without memory for a channel's name its message is not sent.
 * Cost:     none while nothing is wanted; else a look at two tables and all patterns an event. */
#ifndef CMD_NOTIFY_H
#define CMD_NOTIFY_H

#include "cmd/context.h"

/* wanted: a set of enum config_notify; only a place (K, E) together with a class is heard of. */
void notify_configure(struct cmd_context *context, unsigned wanted);

#endif
