/* cmd/memory_ahead.h - how much more memory a command will take, by its words, before it runs.
 * Model:    what a client sends it wants kept: the bytes of its words. Some words are short and
 *           ask for much: an offset behind a string's end, a payload that was compressed. What a
 *           command makes of other keys (COPY, SUNIONSTORE) is not foreseen.
 * Owner:    nobody.
 * Pointers: none kept; the key's entry is looked at, which may be the moment when it expires.
 * Threads:  the executing thread.
 * Failure:  none: words that are no numbers ask for nothing, the command will refuse them.
 * Cost:     a word's length each; one look where an offset is large. */
#ifndef CMD_MEMORY_AHEAD_H
#define CMD_MEMORY_AHEAD_H

#include "cmd/table.h"
#include "net/net.h"

/* Bytes; less than MEMORY_AHEAD_MIN are 0: what is held beside the limit is more than that. */
enum { MEMORY_AHEAD_MIN = 64 * 1024 };
uint64_t memory_ahead(struct cmd_context *context, const struct command_row *row,
                      const struct net_request *request);

#endif
