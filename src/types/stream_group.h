/* types/stream_group.h - groups of consumers: what they were given, and have not acknowledged.
 * Model:    a group is a value of its own, with an id and a root, and so is each consumer; the
 *           stream knows its groups, and a group its consumers, by ids in the order of their names.
 *
 *             group:    last id, entries read | pending: id, consumer, time, count | consumers
 *             consumer: seen, active          | pending: ids only
 *
 *           Every id pending in a group is pending at exactly one of its consumers.
 * Owner:    the stream owns groups, a group its consumers.
 * Pointers: views of a name, and the structs, are good within one command; struct group and struct
 *           consumer stay where they are while they are used.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY or false, with nothing changed.
 * Cost:     50 bytes a pending entry; about 250 a consumer, 300 a group. */
#ifndef TYPES_STREAM_GROUP_H
#define TYPES_STREAM_GROUP_H

#include "types/stream.h"

#define STREAM_READ_UNKNOWN INT64_C(-1) /* entries read */
#define STREAM_NEVER INT64_C(-1)        /* active */

/* What groups and consumers have in front. */
struct stream_name {
    uint32_t at, bytes; /* in the root's own part */
};

struct group_state {
    struct stream_name name;
    struct tree_state pending, consumers;
    struct stream_id last; /* delivered last */
    int64_t read;          /* entries delivered so far, or STREAM_READ_UNKNOWN */
};

struct consumer_state {
    struct stream_name name;
    struct tree_state pending;
    int64_t seen_ms;   /* when it asked for something */
    int64_t active_ms; /* when it got something, or STREAM_NEVER */
};

struct group {
    struct space *space;
    struct root *root;
    struct group_state *state;
    struct sorted pending, consumers;
};

struct consumer {
    struct space *space;
    struct root *root;
    struct consumer_state *state;
    struct sorted pending;
};

struct pending {
    struct stream_id id;
    uint32_t consumer; /* the id of its root */
    int64_t time_ms;   /* delivered at; not negative */
    uint64_t count;    /* how often */
};

/* The records of those with names: 4 bytes, an id of a root. */
void stream_names_open(struct sorted *names, struct space *space, struct root *root,
                       struct tree_state *state);
struct bytes stream_name_of(const struct space *space, uint32_t id);
static inline uint32_t stream_name_id(const uint8_t *record)
{
    uint32_t id;
    memcpy(&id, record, sizeof id);
    return id;
}

void group_open(struct group *group, struct space *space, uint32_t id);
MUST_CHECK bool group_find(const struct stream *stream, struct bytes name, struct group *group);
/* ERR_EXISTS, ERR_MEMORY. */
MUST_CHECK enum err group_create(struct stream *stream, struct bytes name, struct stream_id last,
                                 int64_t read);
/* The stream knows the group no more; who called gives it back: *value is what value_drop, or
 * free_step, takes, with `body` as its body. */
void group_detach(struct stream *stream, struct bytes name, struct value *value,
                  uint8_t body[sizeof(uint32_t)]);

static inline uint64_t group_pending_count(const struct group *group)
{
    return sorted_count(&group->pending);
}

void consumer_open(struct consumer *consumer, struct space *space, uint32_t id);
MUST_CHECK bool consumer_find(const struct group *group, struct bytes name,
                              struct consumer *consumer);
MUST_CHECK enum err consumer_create(struct group *group, struct bytes name, int64_t now_ms,
                                    struct consumer *consumer);
/* With all that is pending at it; returns how many that were. */
uint64_t consumer_delete(struct group *group, struct consumer *consumer);
static inline uint64_t consumer_pending_count(const struct consumer *consumer)
{
    return sorted_count(&consumer->pending);
}
static inline struct bytes consumer_name(const struct consumer *consumer)
{
    return stream_name_of(consumer->space, consumer->root->head.id);
}
/* One after the other, by name: id 0 asks for the first, 0 is the end. */
uint32_t stream_names_next(const struct sorted *names, uint32_t id);

/* How it stands in the leaves of a group's tree. A consumer's have the id alone. */
size_t pending_record_bytes(void);
struct pending pending_of_record(const uint8_t *record);

MUST_CHECK bool pending_find(const struct group *group, struct stream_id id,
                             struct pending *pending);
/* The first from `id` on; of one consumer only where that is not NULL. */
MUST_CHECK bool pending_from(const struct group *group, const struct consumer *consumer,
                             struct stream_id id, struct pending *pending);
MUST_CHECK bool pending_last(const struct group *group, struct pending *pending);
/* Makes pending->id pending, at pending->consumer, or changes what is known of it. */
MUST_CHECK enum err pending_put(struct group *group, const struct pending *pending);
/* The same in two steps, for a group that is being made: first what is pending, at nobody yet
 * (ERR_EXISTS), then each of them at its consumer (ERR_MISSING: it is not, or at somebody).
 * Nothing else may be done with the group in between, but giving it back. */
MUST_CHECK enum err pending_announce(struct group *group, const struct pending *pending);
MUST_CHECK enum err pending_give(struct group *group, const struct consumer *consumer,
                                 struct stream_id id);
/* False: it was not pending. */
bool pending_remove(struct group *group, struct stream_id id);

/* Entries ever added up to `id`, as far as that can be told, or STREAM_READ_UNKNOWN. */
int64_t stream_read_estimate(const struct stream *stream, struct stream_id id);
/* Entries that are still to be delivered; false: nobody knows. */
MUST_CHECK bool group_lag(const struct stream *stream, const struct group *group, int64_t *lag);
/* The group has been given the entry `id`. */
void group_advance(const struct stream *stream, struct group *group, struct stream_id id);

bool group_valid(const struct space *space, uint32_t id);

#endif
