/* cmd/persist.h - snapshots, the log and loading, as commands, cron, shutdown and INFO see them.
 * Model:    the saver and what is known of loading, put together with the configuration. While a
 *           snapshot runs, a file is loaded or writes are to be refused, context->gated is set and
 *           every command asks persist_gate first.
 * Owner:    server/ makes one.
 * Pointers: the context outlives it.
 * Threads:  the executing thread.
 * Failure:  error replies and lines in the log.
 * Cost:     nothing of it goes on: one load a command, and two for each turn of the loop. */
#ifndef CMD_PERSIST_H
#define CMD_PERSIST_H

#include "cmd/args.h"
#include "cmd/persist_log.h"
#include "cmd/table.h"
#include "persist/load.h"
#include "persist/saver.h"

struct persistence {
    struct cmd_context *context;
    struct saver saver;
    struct persist_log log;

    const struct load *loading; /* the file that is being loaded while clients are looked after */
    int64_t loading_began_s;
    uint64_t loading_used_memory; /* as the file says */
    bool stop_loading;
    uint64_t loaded, expired; /* keys of the last file */

    uint64_t commands; /* executed until the last step: who has none between two steps is idle */
};

MUST_CHECK struct persistence *persist_new(struct cmd_context *context);
void persist_drop(struct persistence *persistence);

/* Between commands: a step of what goes on; in how many ns to come back. */
uint64_t persist_step(struct persistence *persistence, uint64_t now_ns);
/* Before replies go out: what they answer is in the log. */
static inline void persist_flush(struct persistence *persistence)
{
    if (UNLIKELY(persist_log_has_pending(&persistence->log)) && persistence->loading == NULL)
        persist_log_flush_now(&persistence->log, persistence);
}
/* Each cron tick: save points, and the log. */
void persist_cron(struct persistence *persistence);
/* A line in the log; `level` is an enum config_log_level. */
void persist_tell(const struct persistence *persistence, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The options it depends on have changed. */
void persist_regate(struct persistence *persistence);
/* Before the process ends: a last snapshot, as the flags (enum shutdown_flags) and the save points
 * say. false: it could not be written, and the process must go on. */
MUST_CHECK bool persist_before_exit(struct persistence *persistence, unsigned flags);

/* false: the command may not run now, the error is written. `flags`: the row's; of EXEC those of
 * what it runs too. */
MUST_CHECK bool persist_gate(struct cmd_context *context, const struct command_row *row,
                             uint32_t flags, struct reply *reply);

/* persist_load.c: the file of dir and dbfilename. `serve`: clients are looked after meanwhile.
 * ERR_MISSING: there is none. Other errors stand in the log. */
enum persist_load_flags {
    PERSIST_SERVE = 1,
    PERSIST_MERGE = 2,
    PERSIST_CHECK = 4, /* load_check: nothing is loaded, and no file is worth a line too */
};
/* A library of functions of a file. */
MUST_CHECK bool persist_load_library(struct persistence *persistence, struct load *load,
                                     struct bytes source);
MUST_CHECK enum err persist_load(struct persistence *persistence, unsigned flags);
/* The store was emptied for a file that then could not be loaded: half of it must not take the
 * place of what is on disk. */
_Noreturn void persist_end_half_loaded(struct persistence *persistence);

/* At the start, before anything is loaded: what a process that was killed has left behind of files
 * it was writing. */
void persist_remove_leftovers(struct persistence *persistence);

void cmd_save(struct call *call);
void cmd_bgsave(struct call *call);
void cmd_lastsave(struct call *call);
/* DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE] */
void debug_reload(struct call *call);
/* FLUSHALL has removed everything: an older file must not bring it back. */
void persist_flushed(struct persistence *persistence);

#endif
