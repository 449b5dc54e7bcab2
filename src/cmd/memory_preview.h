/* cmd/memory_preview.h - MEMORY PREVIEW, and the limits of encodings by the configuration.
 * Model:    a command; see observe/preview.h.
 * Owner:    cmd/.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as observe/preview.h says. */
#ifndef CMD_MEMORY_PREVIEW_H
#define CMD_MEMORY_PREVIEW_H

#include "types/limits.h"

struct config;

struct type_limits limits_by_config(const struct config *config);

#endif
