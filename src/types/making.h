/* types/making.h - a value that is being made part by part, for the types' own files.
 * Model:    struct type_ops has make_begin, then make for each part, then make_end. What there is
 *           so far is always in edit.value, which value_drop takes; big values are built in place.
 *           Parts come from outside: a type refuses what it could not hold, and believes no count.
 * Owner:    types/maker.c: of the memory, and of the value until it is finished.
 * Pointers: edit.root holds within one call; the arena's memory too once the value is big.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY, or ERR_SYNTAX for what cannot be a value; nothing more is taken then.
 * Cost:     as the types' own changes. */
#ifndef TYPES_MAKING_H
#define TYPES_MAKING_H

#include "types/edit.h"
#include "types/parts.h"
#include "types/string.h"

/* What a string may have at most, and any string in a collection. */
enum { MAKING_TEXT_MAX = 512 * 1024 * 1024 };

struct making_string {
    struct buffer text; /* while it is short */
    uint64_t count, capacity;
    struct string_scratch scratch; /* of a long one: the body, which refers to `capacity` bytes */
};

struct making_stream {
    uint32_t group, consumer; /* ids of those told last; 0: none yet */
    uint64_t unowned;         /* pending in that group, at nobody so far */
    uint64_t node_left;       /* entries of the NODE that was told last */
    bool node_begins, stated; /* the next entry is that node's first; STREAM was told */
    struct part state;        /* that STREAM; what it points to is not used */
};

struct value_making {
    struct space *space;
    struct arena arena;
    struct value_edit edit;
    uint64_t expected, elements; /* announced; come so far */
    struct making_string string;
    struct making_stream stream;
};

/* What the types' rows have. make_begin fills `edit`, whose arena is the making's. */
enum err string_make_begin(struct value_making *making);
enum err string_make_part(struct value_making *making, const struct part *part);
enum err string_make_end(struct value_making *making);
enum err list_make_begin(struct value_making *making);
enum err list_make_part(struct value_making *making, const struct part *part);
enum err list_make_end(struct value_making *making);
enum err set_make_begin(struct value_making *making);
enum err set_make_part(struct value_making *making, const struct part *part);
enum err set_make_end(struct value_making *making);
enum err hash_make_begin(struct value_making *making);
enum err hash_make_part(struct value_making *making, const struct part *part);
enum err hash_make_end(struct value_making *making);
enum err zset_make_begin(struct value_making *making);
enum err zset_make_part(struct value_making *making, const struct part *part);
enum err zset_make_end(struct value_making *making);
enum err stream_make_begin(struct value_making *making);
enum err stream_make_part(struct value_making *making, const struct part *part);
enum err stream_make_end(struct value_making *making);

/* A collection has something in it. */
static inline enum err making_whole(const struct value_making *making)
{
    return making->elements > 0 ? ERR_NONE : ERR_SYNTAX;
}

#endif
