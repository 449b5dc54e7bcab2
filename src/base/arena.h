/* base/arena.h - temporaries of one command, which go together.
 * Model:    a chain of blocks, filled from the front; a reset forgets all but the first block.
 * Owner:    the executing thread; nothing in it outlives the command.
 * Pointers: stable until the reset.
 * Threads:  one.
 * Failure:  NULL when memory fails.
 * Cost:     a bump; 8-byte alignment. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first; /* kept over resets, at most ARENA_KEPT_BYTES */
    struct arena_block *last;
    size_t used; /* in `last` */
    size_t held; /* bytes in all blocks */
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);
void arena_reset(struct arena *arena);
MUST_CHECK void *arena_take(struct arena *arena, size_t bytes);
/* `count` things of `bytes`; NULL when the product overflows too. */
MUST_CHECK void *arena_take_many(struct arena *arena, size_t count, size_t bytes);

/* A command within a command: what it took goes with it, what the outer one has stays. Marks nest,
 * and there is no reset between a mark and its rewind. */
struct arena_mark {
    struct arena_block *last;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#endif
