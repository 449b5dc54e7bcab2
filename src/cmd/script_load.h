/* cmd/script_load.h - a text becomes a script that is kept by its digest: EVAL and SCRIPT LOAD.
 * Model:    the first line may name the engine and flags; the rest is compiled once.
 * Owner:    the cache (cmd/script_cache.h).
 * Pointers: as those of the cache.
 * Threads:  the executing thread.
 * Failure:  NULL, with the error written.
 * Cost:     a SHA-1 of the text; compiling when it is new. */
#ifndef CMD_SCRIPT_LOAD_H
#define CMD_SCRIPT_LOAD_H

#include "cmd/scripting.h"

MUST_CHECK struct cached_script *script_load_text(struct call *call, struct bytes text);

#endif
