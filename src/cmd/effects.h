/* cmd/effects.h - what commands did, as commands: for the append-only log and for replicas.
 * Model:    after a command that changed something, whoever listens is told what to run to get the
 *           same: the command itself, or what it put in its place (effects_instead) because it goes
 *           by chance, time or what is there: SPOP tells SREM, EXPIRE tells PEXPIREAT, INCRBYFLOAT
 *           tells SET, XADD * tells the id, BLPOP tells LPOP. Keys and fields that expire are told
 *           as DEL and HDEL when they go. Several effects of one command are one transaction,
 *           and so are those of the commands that a command runs (cmd/nested.h); one alone may be
 *           such a transaction too.
 *           Who runs effects holds the clock (store_hold_clock): there nothing expires by itself.
 * Owner:    the dispatcher has one; what is told is copied by who keeps it.
 * Pointers: arguments hold until the listener returns.
 * Threads:  the executing thread.
 * Failure:  where memory fails the effects are lost and listeners are told so (lost), who then must
 *           start anew. So it is where a command changed something and then answered an error
 *           without saying what it did: run again, it could do more.
 * Cost:     nobody listens: one load. */
#ifndef CMD_EFFECTS_H
#define CMD_EFFECTS_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "cmd/command.h"

#include <stdbool.h>
#include <stdint.h>

struct effects_listener {
    /* A transaction's effects come between begin and end; single ones without. */
    void (*begin)(void *context, unsigned db);
    void (*effect)(void *context, unsigned db, const struct bytes *argv, uint32_t argc);
    void (*end)(void *context, unsigned db);
    void (*lost)(void *context);
    void *context;
};
enum { EFFECTS_LISTENERS_MAX = 4 };

struct effect; /* one that waits for the end of its command, in the call's arena */
struct effects {
    struct store *store;
    uint32_t count;
    struct effects_listener listeners[EFFECTS_LISTENERS_MAX];
    bool open;  /* a command that runs others: what they do is one transaction */
    bool begun; /* and listeners know, for something was told */
    unsigned begun_db;
    bool running;                /* a command; else what changes is told by those who change it */
    bool aside;                  /* what changes now has been told already */
    uint64_t changes;            /* of the command, but for what expired on its way */
    struct effect *first, *last; /* that the command has put in its place */
    bool nothing, lost;          /* effects_nothing was called; memory failed */
    uint32_t errors;             /* of the reply, before the command */
    struct buffer gone;          /* fields that are about to be told: their sizes, their bytes */
    uint32_t gone_count;
    struct effects_record *record; /* DEBUG EFFECTS */
};

void effects_init(struct effects *effects, struct store *store);
void effects_release(struct effects *effects);

/* pre: fewer than EFFECTS_LISTENERS_MAX listen. */
void effects_listen(struct effects *effects, const struct effects_listener *listener);
void effects_leave(struct effects *effects, const void *context);
static inline bool effects_wanted(const struct effects *effects)
{
    return UNLIKELY(effects->count > 0);
}

/* From within a command, instead of it: may be called several times. argv is copied to the call's
 * arena. effects_nothing: it changed something that is nobody's business. */
void effects_instead(struct call *call, const struct bytes *argv, uint32_t argc);
void effects_nothing(struct call *call);
/* The command could not say what it did, for want of memory. */
static inline void effects_lose(struct call *call)
{
    call->context->effects->lost = true;
}

/* From within a command: what went before it did anything. It is told at once; the changes made
 * between aside and its end are not the command's. */
void effects_at_once(struct call *call, const struct bytes *argv, uint32_t argc);
static inline void effects_aside(struct call *call, bool aside)
{
    call->context->effects->aside = aside;
}

/* The dispatcher's: before and after each command, while somebody listens. */
void effects_begin(struct effects *effects, const struct call *call);
void effects_end(struct effects *effects, struct call *call);

/* For cmd/nested.c: around a command within another. What both did is one transaction, told in the
 * order in which it was done, which ends with the outer one. pre: effects_wanted. */
struct effects_outer {
    struct effect *first, *last;
    uint64_t changes;
    bool running, aside, nothing, lost;
    uint32_t errors;
};
void effects_enter(struct effects *effects, const struct call *call, struct effects_outer *outer);
/* What the inner one did, but for what expired on its way, is told to nobody. */
void effects_forget(struct effects *effects);
void effects_exit(struct effects *effects, struct call *call, const struct effects_outer *outer);

static inline bool call_is_heard(const struct call *call)
{
    return effects_wanted(call->context->effects);
}

/* --- effects put together word by word, in the call's arena ----------------------------------- */

struct effect_words {
    struct call *call;
    struct bytes *argv;
    uint32_t argc, room;
    bool failed;
};
/* pre: call_is_heard. */
void effect_start(struct effect_words *words, struct call *call, const char *command);
void effect_word(struct effect_words *words, const char *word); /* static text */
void effect_text(struct effect_words *words, struct bytes text);
void effect_number(struct effect_words *words, int64_t number);
/* effects_instead, with these words. */
void effect_tell(const struct effect_words *words);
void effect_tell_at_once(const struct effect_words *words); /* effects_at_once */

/* The same for the commonest; they do nothing when nobody listens. */
void effect_of_key(struct call *call, const char *command, struct bytes key);
void effect_of_key_number(struct call *call, const char *command, struct bytes key, int64_t number);

/* --- DEBUG EFFECTS ---------------------------------------------------------------------------- */

/* Keeps what is told, up to a bound, until it is taken. False: no memory. */
MUST_CHECK bool effects_record_start(struct effects *effects);
void effects_record_stop(struct effects *effects);
/* Replies with an array of arrays, database first, and forgets them. */
void effects_record_take(struct effects *effects, struct reply *reply);

#endif
