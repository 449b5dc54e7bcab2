/* cmd/connection.h - the commands by which a client says who it is and what it wants to hear.
 * Model:    one function a command; the rows say the rest.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as the rows say. */
#ifndef CMD_CONNECTION_H
#define CMD_CONNECTION_H

#include "cmd/args.h"

void connection_auth(struct call *call);
void connection_hello(struct call *call);
void connection_ping(struct call *call);
void connection_echo(struct call *call);
void connection_select(struct call *call);
void connection_quit(struct call *call);
void connection_reset(struct call *call);

/* Appends the client's line of CLIENT LIST, without its end; false when memory fails. */
MUST_CHECK bool client_describe(struct cmd_context *context, const struct client *client,
                                struct buffer *line);

void client_id(struct call *call);
void client_info(struct call *call);
void client_list(struct call *call);
void client_kill(struct call *call);
void client_getname(struct call *call);
void client_setname(struct call *call);
void client_setinfo(struct call *call);
void client_reply(struct call *call);
void client_pause(struct call *call);
void client_unpause(struct call *call);
void client_unblock_one(struct call *call); /* blocking_client.c */
void client_no_evict(struct call *call);
void client_no_touch(struct call *call);
void client_capa(struct call *call);
void client_tracking(struct call *call); /* client_tracking.c */
void client_caching(struct call *call);
int64_t client_redirect(const struct client *client); /* -1: it does not track */
void client_getredir(struct call *call);
void client_trackinginfo(struct call *call);
void client_help(struct call *call);

/* Names are made of visible ASCII, so that CLIENT LIST can be taken apart again. False with the
 * error written. An empty name takes the old one away. */
MUST_CHECK bool client_take_name(struct call *call, struct bytes name);
MUST_CHECK bool client_name_fits(struct call *call, struct bytes name);

#endif
