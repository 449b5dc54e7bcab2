/* types/value.h - what a key holds, and the one interface every type implements.
 * Model:    a value is a type, an encoding, and a body: the bytes that stand inside the key's
 *           entry. Small values are all body; of big ones the body holds the references to their
 *           blocks.
 * Owner:    a body in an entry owns the blocks it refers to; so does a body not yet put in one.
 * Pointers: body views die with the next change of the entry, and at safe points.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY or ERR_SYNTAX (decode), with nothing taken.
 * Cost:     stated at each type; free_step is bounded. */
#ifndef TYPES_VALUE_H
#define TYPES_VALUE_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "struct/kinds.h"
#include "struct/space.h"
#include "types/digest.h"

/* In the order of Redis's object types, which have one for modules before streams; at most 8. */
enum value_type {
    VALUE_STRING = 0,
    VALUE_LIST,
    VALUE_SET,
    VALUE_ZSET,
    VALUE_HASH,
    VALUE_STREAM,
    VALUE_TYPES,
};

struct value {
    uint8_t type;     /* enum value_type */
    uint8_t encoding; /* the type's own, 0 to 3 */
    struct bytes body;
};

/* What expire_step has done. */
struct value_expiry {
    uint64_t removed;  /* elements */
    unsigned encoding; /* of the value now */
    bool empty;        /* nothing is left: the key goes */
    uint8_t *room;     /* the caller's, as large as the body: a small value's new one */
    size_t body_bytes;
    /* The caller's, told of each element that goes, before it does; NULL: nobody wants to know. */
    void (*gone)(void *context, struct bytes element);
    void *context;
};
#define VALUE_NEVER INT64_MAX

struct part;
struct value_making;
struct value_telling;
struct value_summary;

struct type_ops {
    const char *name; /* TYPE's answer: "string" */
    /* OBJECT ENCODING's */
    const char *(*encoding_name)(const struct space *space, const struct value *value);

    /* The value as one run of bytes, and back; decode takes hostile bytes. The body that decode
     * makes is appended to `body`, and owns what it refers to. */
    enum err (*encode)(struct space *space, const struct value *value, struct buffer *image);
    enum err (*decode)(struct space *space, struct bytes image, struct value *value,
                       struct buffer *body);

    /* A value of its own with the same content; NULL: by encode and decode. The body is appended to
     * `body`. */
    enum err (*copy)(struct space *space, const struct value *value, struct value *copy,
                     struct buffer *body);

    /* Every reference that the value holds to blocks of the heap. */
    void (*each_ref)(struct space *space, const struct value *value,
                     void (*visit)(void *context, uint64_t ref), void *context);

    /* Asks the processor for what finding an element of this hash will read, one dependency a
     * stage: stage 0 comes before the hash is known, and says false where there is nothing to ask
     * for; later ones say false after the last. NULL: there is never anything. */
    bool (*prefetch)(const struct space *space, const struct value *value, uint64_t hash,
                     unsigned stage);

    /* Gives some of the value's blocks back; *cursor starts at 0. True when all are given. */
    bool (*free_step)(struct space *space, const struct value *value, uint64_t *cursor);
    /* Whether a value with a root may be doomed when it goes (root_doom). */
    bool (*has_plain_nodes)(const struct space *space, const struct value *value);

    /* Bytes held beyond the entry, as the heap rounds them. */
    uint64_t (*bytes)(const struct space *space, const struct value *value);

    /* Adds the content as Redis does: equal values give equal digests in any encoding, and those of
     * redis-server (types/README.md says how for each type). */
    void (*digest)(struct space *space, const struct value *value, struct digest *digest);

    bool (*valid)(const struct space *space, const struct value *value);

    /* Part by part, see types/parts.h and types/telling.h. */
    void (*summarise)(struct space *space, const struct value *value,
                      struct value_summary *summary);
    bool (*tell)(struct value_telling *telling);
    /* And made of parts, see types/making.h. */
    enum err (*make_begin)(struct value_making *making);
    enum err (*make_part)(struct value_making *making, const struct part *part);
    enum err (*make_end)(struct value_making *making);
    /* The id of a big value's root; 0: it has none. NULL: values of this type never have. */
    uint32_t (*root_id)(const struct value *value);

    /* Elements that expire by themselves; of a type that has none, 0 and NULL. */
    unsigned expiring; /* a bit for each encoding that may hold such elements */
    /* No element expires before this time, in ms since 1970; or VALUE_NEVER. */
    int64_t (*earliest)(const struct space *space, const struct value *value);
    /* Takes out what expired before `now_ms`: all of a small value, some of a big one, which is
     * changed in place. */
    void (*expire_step)(struct space *space, const struct value *value, int64_t now_ms,
                        struct value_expiry *expiry);
};

/* Gives all blocks of a value back at once: for one that no entry took. */
void value_drop(struct space *space, const struct value *value);

/* The row of a type; never NULL for a type that exists in an entry. */
const struct type_ops *type_ops(unsigned type);

static inline uint32_t value_root_id(const struct value *value)
{
    const struct type_ops *ops = type_ops(value->type);
    return ops->root_id == NULL ? 0 : ops->root_id(value);
}

/* Whether elements of such a value may expire by themselves. */
static inline bool value_may_expire(unsigned type, unsigned encoding)
{
    return (type_ops(type)->expiring >> encoding & 1u) != 0;
}

#endif
