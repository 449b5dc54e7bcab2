/* cmd/client_types.h - what a connection is used for, as CLIENT LIST and KILL may ask.
 * Model:    four types of Redis.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  the executing thread.
 * Failure:  the error reply is written.
 * Cost:     a few comparisons. */
#ifndef CMD_CLIENT_TYPES_H
#define CMD_CLIENT_TYPES_H

#include "cmd/command.h"

enum client_type { CLIENT_NORMAL, CLIENT_PRIMARY, CLIENT_REPLICA, CLIENT_PUBSUB };

enum client_type client_type(const struct client *client);
MUST_CHECK bool client_type_read(struct call *call, uint32_t at, enum client_type *type);

#endif
