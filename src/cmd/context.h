/* cmd/context.h - what commands may reach besides the store: handed in by server/.
 * Model:    pointers to the parts, and the few requests only the process can grant.
 * Owner:    server/.
 * Pointers: outlive every call.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     none. */
#ifndef CMD_CONTEXT_H
#define CMD_CONTEXT_H

#include "base/seam.h"
#include "base/ticks.h"

#include <stdbool.h>

struct blocker;      /* cmd/blocker.h: who waits for keys */
struct channels;     /* cmd/channels.h: who listens to what */
struct cmd_table;    /* cmd/table.h: rows by name, counters by row */
struct config;       /* conf/config.h */
struct conf_runtime; /* conf/runtime.h: CONFIG GET, SET, REWRITE */
struct defrag;       /* store/defrag.h */
struct dispatch;     /* cmd/dispatch.h: who runs commands */
struct functions;    /* cmd/functions.h: libraries of functions */
struct effects;      /* cmd/effects.h: what commands did, for who wants to know */
struct net;          /* net/client.h */
struct scripting;    /* cmd/scripting.h: who runs scripts */
struct pushes;       /* cmd/push.h: messages nobody asked for */
struct persistence;  /* cmd/persist.h: snapshots and loading */
struct pressure;     /* store/pressure.h: maxmemory */
struct store;
struct peers;        /* cmd/peers.h: connections to other servers */
struct command_logs; /* cmd/command_log.h: SLOWLOG */
struct monitors;     /* cmd/monitor.h: who is shown what runs */
struct watchers;     /* cmd/watch.h: who watches which keys */
struct tracker;      /* cmd/tracking.h: who remembers which keys */
struct users;        /* cmd/users.h: who may do what */
struct observer;     /* observe/: INFO, memory report, latency events */

enum shutdown_flags {
    SHUTDOWN_NOW = 1,
    SHUTDOWN_FORCE = 2,
    SHUTDOWN_SAVE = 4,
    SHUTDOWN_NOSAVE = 8
};

struct cmd_context {
    const struct seam *seam;
    struct ticks_rate ticks;
    struct store *store;
    struct config *config;
    struct conf_runtime *runtime;
    struct defrag *defrag;
    struct net *net;
    struct cmd_table *table;
    struct observer *observer;
    struct blocker *blocker;     /* set by dispatch_new */
    struct effects *effects;     /* likewise */
    struct peers *peers;         /* likewise */
    struct functions *functions; /* likewise */
    struct dispatch *dispatch;   /* likewise */
    struct pushes *pushes;
    struct channels *channels;
    struct watchers *watchers; /* likewise */
    struct tracker *tracker;
    struct monitors *monitors; /* likewise */
    struct command_logs *command_logs;
    struct scripting *scripting; /* likewise */
    struct users *users;         /* who may do what */
    struct persistence *persistence;
    struct pressure *pressure; /* NULL: nobody watches */
    bool memory_limited;       /* there is a limit: commands must ask memory_gate first */
    bool gated;                /* commands must ask persist_gate first */
    bool ending;               /* SHUTDOWN was granted: nothing is executed any more */

    /* Asks the process to end; false with a reason in *refusal when it cannot. */
    bool (*shutdown)(void *server, unsigned flags, const char **refusal);
    void (*log)(void *server, int level, const char *text);
    void *server;
};

#endif
