/* cmd/command_log.h - SLOWLOG and COMMANDLOG: the latest commands that took long or were large.
 * Model:    three lists, newest first: slow ones by microseconds, long requests and long replies by
 *           bytes. What is kept is a copy, cut short, with secrets hidden.
 * Owner:    the dispatcher has them.
 * Pointers: none kept of calls.
 * Threads:  the executing thread.
 * Failure:  without memory a command is not kept.
 * Cost:     a block of memory a kept command: at most 32 arguments of 128 bytes. */
#ifndef CMD_COMMAND_LOG_H
#define CMD_COMMAND_LOG_H

#include "cmd/command.h"

enum command_log_kind { LOG_SLOW, LOG_LARGE_REQUEST, LOG_LARGE_REPLY, LOG_KINDS };

struct logged_command;
struct command_log {
    struct logged_command *newest, *oldest;
    uint64_t count, next_id;
};
struct command_logs {
    struct command_log kinds[LOG_KINDS];
};

void command_logs_release(struct command_logs *logs);

/* The least that is kept in a list, by the configuration; UINT64_MAX: nothing is. */
uint64_t command_log_threshold(const struct config *config, enum command_log_kind kind);
/* Keeps the call in a list if `amount` is as much as that: us, or bytes. */
void command_log_note(struct command_logs *logs, enum command_log_kind kind,
                      const struct call *call, uint64_t amount);

/* The last one that was kept; false: there is none. */
bool command_log_last(const struct command_logs *logs, enum command_log_kind kind, uint64_t *id,
                      uint64_t *amount);

void slowlog_get(struct call *call);
void slowlog_len(struct call *call);
void slowlog_reset(struct call *call);
void slowlog_help(struct call *call);
void commandlog_get(struct call *call);
void commandlog_len(struct call *call);
void commandlog_reset(struct call *call);
void commandlog_help(struct call *call);

#endif
