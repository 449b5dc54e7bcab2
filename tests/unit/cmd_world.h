/* tests/unit/cmd_world.h - commands asked without a server: a store, a dispatcher, one client.
 * Model:    request lines in words, replies as the bytes a client would get.
 * Owner:    the test holds the world; world_release ends it.
 * Pointers: a reply is good until the next request.
 * Threads:  one.
 * Failure:  a failed check.
 * Cost:     none worth naming. */
#ifndef TESTS_UNIT_CMD_WORLD_H
#define TESTS_UNIT_CMD_WORLD_H

#include "base/rng.h"
#include "cmd/dispatch.h"
#include "conf/config.h"

enum { WORLD_ARGS_MAX = 64, WORLD_REQUESTS_MAX = 300 };

struct world {
    struct seam seam;
    int64_t wall_ms; /* the time that commands see; starts at 1000000 */
    struct config config;
    struct cmd_context context;
    struct dispatch *dispatch;
    struct reply_pool pool;
    struct client client;
    struct buffer replies;
    /* What is waiting to be executed as one batch. */
    struct net_request requests[WORLD_REQUESTS_MAX];
    struct bytes arguments[WORLD_REQUESTS_MAX][WORLD_ARGS_MAX];
    struct buffer texts[WORLD_REQUESTS_MAX];
    size_t request_count;
};

/* Not on the stack: it is big. `groups` as cmd_table_new wants them. */
struct world *world_new(const struct command *const *groups);
void world_drop(struct world *world);

/* Adds a request, words parted by single spaces. */
void world_add(struct world *world, const char *line);
/* Runs all requests as one batch: how many were executed. world->replies has what came. */
size_t world_run(struct world *world);
/* One request, alone: its reply. */
struct bytes world_ask(struct world *world, const char *line);

#endif
