/* cmd/access_log.h - what was refused, for ACL LOG.
 * Model:    entries, the newest first. A refusal like one of the last ten, within a minute, is
 *           counted in that one, which comes to the front.
 * Owner:    struct users.
 * Pointers: an entry is good until the next addition or reset.
 * Threads:  the executing thread.
 * Failure:  without memory a refusal is not noted.
 * Cost:     an addition looks at ten entries. */
#ifndef CMD_ACCESS_LOG_H
#define CMD_ACCESS_LOG_H

#include "base/buffer.h"
#include "cmd/access.h"

struct access_entry {
    struct access_entry *newer, *older;
    uint64_t id, count;
    enum access_missing missing;
    enum access_place place;
    struct buffer object, user, client; /* the client as CLIENT INFO shows it */
    int64_t created_ms, updated_ms;
};

struct access_log {
    struct access_entry *newest, *oldest;
    uint64_t count, next_id;
};

struct access_refusal {
    enum access_missing missing;
    enum access_place place;
    struct bytes object, user;
};
void access_log_add(struct access_log *log, struct cmd_context *context,
                    const struct client *client, const struct access_refusal *refusal);
/* Drops the oldest until at most `most` are left. */
void access_log_trim(struct access_log *log, uint64_t most);

#endif
