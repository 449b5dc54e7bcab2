/* cmd/redact.h - which arguments are secrets: those who look on see "(redacted)" instead.
 * Model:    passwords of AUTH, HELLO, CONFIG SET and MIGRATE; all that ACL says of users.
 * Owner:    nobody.
 * Pointers: static text.
 * Threads:  any.
 * Failure:  none.
 * Cost:     O(arguments before the one asked about) for the few commands that have secrets. */
#ifndef CMD_REDACT_H
#define CMD_REDACT_H

#include "cmd/command.h"

/* The argument as it may be shown. */
struct bytes redact_argument(const struct call *call, uint32_t at);

#endif
