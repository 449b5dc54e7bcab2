/* cmd/args.h - what most commands do with their arguments, and the errors they share.
 * Model:    small readers over call->argv that reply with Redis's error text when they say false.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false or NULL: the error reply is written, the command only returns.
 * Cost:     O(argument). */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include "cmd/command.h"
#include "types/edit.h"

void call_syntax_error(struct call *call);
void call_no_key_error(struct call *call);
void call_memory_error(struct call *call);
void call_arity_error(struct call *call);
void call_wrong_type_error(struct call *call);

/* "ERR value is not an integer or out of range" when it is none. */
MUST_CHECK bool call_i64(struct call *call, uint32_t at, int64_t *number);
/* The same, and an error that names the bounds when it is outside of them. */
MUST_CHECK bool call_i64_within(struct call *call, uint32_t at, int64_t min, int64_t max,
                                int64_t *number);

/* Elements of a reply that a client's number alone makes as long as it likes, however little the
 * key holds: members drawn with repeats. */
enum { DRAWN_ELEMENTS_MAX = 1 << 27 };
/* Whether `count` draws of so many elements each fit; "ERR value is out of range" otherwise. */
MUST_CHECK bool call_may_draw(struct call *call, uint64_t count, uint64_t elements);

/* A database's number, with the errors of SELECT. */
MUST_CHECK bool call_db(struct call *call, uint32_t at, uint32_t *db);

/* A waiting time in ms: "ERR timeout is not an integer or out of range", or negative, or it would
 * end past the last ms that an int64_t tells. */
MUST_CHECK bool call_timeout_ms(struct call *call, uint32_t at, int64_t *timeout_ms);

/* An argument compared with a word, in any case. */
static inline bool call_is(const struct call *call, uint32_t at, const char *word)
{
    return at < call->argc && bytes_is(call->argv[at], word);
}

/* A time to expire at, in ms since 1970, from an argument that says it in one of four ways. What
 * an entry cannot hold (after the year 6429) becomes the last that it can. */
enum expiry_form {
    EXPIRY_SECONDS = 0,
    EXPIRY_MS = 1,
    EXPIRY_ABSOLUTE = 2, /* since 1970; otherwise from now */
    EXPIRY_POSITIVE = 4, /* zero and less is an error (SET EX; not EXPIRE) */
};
MUST_CHECK bool call_expiry(struct call *call, uint32_t at, unsigned form, int64_t *expiry);

/* The `nth` key of the command, which stands at argv[at]; hashed already if it is an early one. */
static inline struct key call_key(const struct call *call, uint32_t nth, uint32_t at)
{
    return nth < call->key_count ? call->keys[nth] : store_key(call->store, call->argv[at]);
}

static inline struct entry *call_read(const struct call *call, const struct key *key)
{
    return store_read(call->store, call->db, key, call->read_flags);
}

/* True when the entry is absent or of this type; else the WRONGTYPE error is written. */
MUST_CHECK static inline bool call_type_fits(struct call *call, const struct entry *entry,
                                             unsigned type)
{
    if (LIKELY(entry == NULL || entry_type(entry) == type))
        return true;
    call_wrong_type_error(call);
    return false;
}

/* What was changed in `edit` becomes the key's, through the store's door; nothing when nothing was.
 * entry NULL: there was no such key. When the value is left `empty` the key goes, with a "del"
 * behind the event. On ERR_MEMORY the error reply is written, and a small value is unchanged. */
MUST_CHECK enum err call_commit(struct call *call, uint32_t db, const struct key *key,
                                struct entry *entry, struct value_edit *edit, enum event event,
                                bool empty);

/* The lines of a HELP subcommand: what Redis prints before and after, ours between. NULL ends. */
void call_help(struct call *call, const char *command, const char *const *lines);

#endif
