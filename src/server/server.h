/* server/server.h - the process: every room made once, wired, and run.
 * Model:    one struct holds the parts; start makes them in order, stop ends them in reverse.
 * Owner:    main.
 * Pointers: parts live as long as the server.
 * Threads:  the executing thread is the main thread.
 * Failure:  a part that cannot be made ends the start with a line in the log and exit code 1.
 * Cost:     none of its own but the cron. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "cmd/context.h"
#include "cmd/dispatch.h"
#include "cmd/persist.h"
#include "cmd/users.h"
#include "conf/config.h"
#include "conf/file.h"
#include "conf/runtime.h"
#include "http/http.h"
#include "net/net.h"
#include "observe/published.h"
#include "os/log.h"
#include "os/title.h"
#include "server/cmdline.h"
#include "store/defrag.h"
#include "store/pressure.h"
#include "store/store.h"

struct server {
    struct seam seam;
    struct log log;
    struct title title;
    struct cmdline cmdline;
    struct config config;
    struct conf_report report;
    struct conf_runtime *runtime;
    struct store *store;
    struct defrag defrag;
    struct pressure pressure;
    struct net *net;
    const struct tls_part *tls; /* NULL: not loaded */
    struct cmd_table *table;
    struct users *users;
    struct dispatch *dispatch;
    struct observer *observer;
    struct persistence *persistence;
    struct published *published;        /* NULL until http-port is set for the first time */
    const struct http_part *http_part;  /* NULL: not loaded */
    struct http *http;                  /* NULL: no http-port */
    struct edition *edition;            /* that is being written, or NULL */
    unsigned edition_piece;             /* the next of it */
    struct biggest *biggest;            /* likewise */
    struct arena diagnosis;             /* for the doctor's words */
    uint64_t machine_limit, machine_ns; /* what the machine allows, and when it was asked */
    uint64_t watch_ns, sweep_ns;        /* when watching goes on, and the picture of the heap */
    struct cmd_context context;

    uint64_t cron_ns;                         /* when the cron ran last */
    uint64_t cron_due_ns;                     /* when any of the work below is due */
    uint64_t expire_ns, tidy_ns;              /* when each goes on */
    uint64_t expire_left_ns, expire_round_ns; /* its last step's end, and its round's begin or 0 */
    uint64_t expire_spent_ns;                 /* by this round */
    uint64_t free_left_ns;                    /* the end of a step that left something, or 0 */
    bool detached;                            /* in the background */
    bool stopping;
    int exit_code;
};

/* parts.c */
MUST_CHECK bool server_make_parts(struct server *server);
void server_drop_parts(struct server *server);

/* crash.c: for os/crash.h */
void server_crash_add(void *server, int file);

/* settings.c: options put into effect, at the start and by CONFIG SET. */
void server_hook_settings(struct server *server);
void server_apply_settings(struct server *server);
struct move_limits server_move_limits(const struct config *config);

/* limit.c: maxmemory, against what the process holds. */
void server_make_limit(struct server *server);
void server_hook_limit(struct server *server);
void server_set_limit(struct server *server, const struct config *config);
uint64_t server_ease_memory(struct server *server, uint64_t now_ns);

/* listen.c: false with a line in the log. */
MUST_CHECK bool server_listen(struct server *server);
MUST_CHECK bool server_listen_tcp(struct server *server, const struct config *config);
MUST_CHECK bool server_listen_tls(struct server *server, const struct config *config);
MUST_CHECK bool server_listen_unix(struct server *server, const struct config *config);

/* secure.c: TLS by the configuration. false with a line in the log; what was in force stays. */
MUST_CHECK bool server_secure(struct server *server, const struct config *config);
void server_hook_secure(struct server *server);

/* watch.c: HTTP by the configuration, and what is published for it. */
MUST_CHECK bool server_serve_http(struct server *server, const struct config *config);
void server_hook_http(struct server *server);
/* At a safe point: bounded work, where somebody asked for it; in how many ns to come again. */
uint64_t server_publish(struct server *server, uint64_t now_ns);
void server_drop_http(struct server *server);

/* cron.c: the safe point, once a turn of the loop. */
uint64_t server_between(void *server);

/* signals.c */
void server_catch_signals(struct server *server);
/* A signal asked the server to end, since the last call: which. */
bool server_end_was_asked(struct server *server, int *number);

/* title.c: what ps shows. */
void server_show_title(struct server *server);

/* Asks the loop to end after this turn; see cmd/context.h. */
bool server_shutdown(void *server, unsigned flags, const char **refusal);

#endif
