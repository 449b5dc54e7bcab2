/* cmd/effects.h - what commands did, as commands: for the append-only log and for replicas.
 * Model:    after a command that changed something, whoever listens is told what to run to get the
 *           same: the command itself, or what it put in its place (effects_instead) because it goes
 *           by chance, time or what is there: SPOP tells SREM, EXPIRE tells PEXPIREAT, INCRBYFLOAT
 *           tells SET, XADD * tells the id, BLPOP tells LPOP. Keys and fields that expire are told
 *           as DEL and HDEL when they go. Several effects of one command are one transaction.
 * Owner:    the dispatcher has one; what is told is copied by who keeps it.
 * Pointers: arguments hold until the listener returns.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY in effects_instead: the command must fail before it changes anything; after
 *           that, the effects are lost and listeners are told so (lost), who then must start anew.
 * Cost:     nobody listens: one load. */
#ifndef CMD_EFFECTS_H
#define CMD_EFFECTS_H

#include "base/bytes.h"

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

struct call;
struct effects {
    uint32_t count;
    struct effects_listener listeners[EFFECTS_LISTENERS_MAX];
    uint64_t dirty;     /* the store's count before the command */
    uint32_t instead;   /* effects that the command has put in its place */
    bool nothing, lost; /* effects_nothing was called; memory failed */
};

void effects_listen(struct effects *effects, const struct effects_listener *listener);
void effects_leave(struct effects *effects, const void *context);
static inline bool effects_wanted(const struct effects *effects)
{
    return effects->count > 0;
}

/* From within a command, instead of it: may be called several times. argv is copied to the call's
 * arena. effects_nothing: it changed something that is nobody's business. */
void effects_instead(struct call *call, const struct bytes *argv, uint32_t argc);
void effects_nothing(struct call *call);

/* The dispatcher's: before and after each command. */
void effects_begin(struct effects *effects, uint64_t dirty);
void effects_end(struct effects *effects, struct call *call, uint64_t dirty);

#endif
