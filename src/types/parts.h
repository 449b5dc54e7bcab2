/* types/parts.h - a value part by part: how values are told to files and peers, and made of them.
 * Model:    a teller walks a value and gives its parts in the order below; a maker takes parts in
 *           that order and builds a value. What writes or reads a format stands between the two and
 *           knows no type's inside:
 *
 *             value -> teller -> parts -> RDB, commands          RDB, commands -> parts -> maker
 *
 *             string: TEXT pieces                         list: ITEM, in order
 *             set:    MEMBER                              sorted set: SCORED, ascending
 *             hash:   FIELD
 *             stream: STREAM, then for each node NODE and its ENTRYs; then for each group GROUP,
 *                     its PENDINGs by id, then for each consumer CONSUMER and its OWNEDs by id
 *
 *           A reader of RDB tells STREAM behind the last ENTRY, where that format has it, and in
 *           GROUP 0 consumers, whose count comes after the PENDINGs: a maker takes both orders, and
 *           no count of what follows for more than a hint.
 *
 *           A big value is told as it was when the open snapshot began (struct/past.h), or as it is
 *           where none is open or it is not wanted by it; a teller goes on after changes and safe
 *           points only while a past is open. A small value's body must stay where it is.
 * Owner:    the teller owns nothing but its memory; the maker what it has made.
 * Pointers: a part's bytes hold until the visit ends.
 * Threads:  the executing thread.
 * Failure:  teller: none. maker: ERR_MEMORY, or ERR_SYNTAX for what cannot be a value (a member
 *           twice, ids out of order, a score that is no number, nothing at all).
 * Cost:     a step of the teller tells some hundred parts, or a node's worth, or 64 KiB of text. */
#ifndef TYPES_PARTS_H
#define TYPES_PARTS_H

#include "base/arena.h"
#include "types/stream_id.h"
#include "types/value.h"

enum part_kind {
    PART_TEXT,     /* text: a piece of a string's content */
    PART_ITEM,     /* text */
    PART_MEMBER,   /* text */
    PART_SCORED,   /* text, score */
    PART_FIELD,    /* text, value, expiry (ms since 1970, or VALUE_NEVER) */
    PART_STREAM,   /* id: last; stream: the rest */
    PART_NODE,     /* count: entries that follow from one node of the stream */
    PART_ENTRY,    /* id; strings: count of them: field, value, field, value ... */
    PART_GROUP,    /* text: name; id: last delivered; read; pending, consumers: how many follow */
    PART_PENDING,  /* id; time_ms: delivered at; count: how often */
    PART_CONSUMER, /* text: name; seen_ms, active_ms (-1: never); pending: how many follow */
    PART_OWNED,    /* id: is pending at this consumer */
};

struct part {
    enum part_kind kind;
    struct bytes text, value;
    double score;
    int64_t expiry;
    struct stream_id id, first, max_deleted;
    const struct bytes *strings;
    uint64_t count; /* NODE, ENTRY (strings), PENDING; STREAM: entries */
    uint64_t added; /* STREAM: entries ever added */
    uint64_t nodes; /* STREAM: NODEs that follow */
    uint64_t groups, pending, consumers;
    int64_t read; /* GROUP: entries read, -1: unknown */
    int64_t time_ms, seen_ms, active_ms;
};

/* What a format has to say of a value before its parts. */
struct value_summary {
    uint64_t count;       /* items, members, fields, entries; bytes of a string */
    uint64_t nodes;       /* of a stream */
    int64_t first_expiry; /* of a hash's fields, or VALUE_NEVER */
    bool integer;         /* a string that is one */
};

struct teller;
/* NULL: no memory. The value's type, encoding and body are as they were when the snapshot began;
 * the body of a big value is copied, that of a small one must hold. */
MUST_CHECK struct teller *teller_new(struct space *space, const struct value *value);
void teller_summary(const struct teller *teller, struct value_summary *summary);
/* Tells some parts; true after the last. */
MUST_CHECK bool teller_step(struct teller *teller,
                            void (*visit)(void *context, const struct part *part), void *context);
/* No memory on the way: what was told is not whole. */
bool teller_is_spoiled(const struct teller *teller);
/* The value has been read (past_done of all that belongs to it), or is given up. */
void teller_drop(struct teller *teller);

struct maker;
/* `expected`: how many elements are announced (a hint from outside: nothing is taken for it). */
MUST_CHECK struct maker *maker_new(struct space *space, unsigned type, uint64_t expected);
MUST_CHECK enum err maker_take(struct maker *maker, const struct part *part);
/* The value is whole: *value and its body, which is appended to `body` and owns what it refers to.
 * Its encoding is what Redis would choose on loading, by the limits as they are. */
MUST_CHECK enum err maker_finish(struct maker *maker, struct value *value, struct buffer *body);
/* Gives back what was made, unless it was finished, and the maker. */
void maker_drop(struct maker *maker);

#endif
