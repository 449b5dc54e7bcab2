#include "base/arena.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/poison.h"

enum { ARENA_BLOCK_BYTES = 16 * 1024, ARENA_KEPT_BYTES = 64 * 1024, ARENA_ALIGN = 8 };

/* `next` and `bytes` lead a block; the room for temporaries follows. */
struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of the room */
    uint8_t room[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){ 0 };
}

static void drop_from(struct arena *arena, struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        arena->held -= sizeof(*block) + block->bytes;
        unpoison(block->room, block->bytes);
        memory_give(block);
        block = next;
    }
}

void arena_release(struct arena *arena)
{
    drop_from(arena, arena->first);
    ENSURE(arena->held == 0);
    *arena = (struct arena){ 0 };
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->first;
    if (first == NULL)
        return;
    if (first->bytes > ARENA_KEPT_BYTES) {
        arena_release(arena);
        return;
    }
    drop_from(arena, first->next);
    first->next = NULL;
    arena->last = first;
    arena->used = 0;
    poison(first->room, first->bytes);
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){ arena->last, arena->used };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    if (mark.last == NULL) {
        arena_reset(arena);
        return;
    }
    drop_from(arena, mark.last->next);
    mark.last->next = NULL;
    arena->last = mark.last;
    arena->used = mark.used;
    poison(mark.last->room + mark.used, mark.last->bytes - mark.used);
}

/* Blocks double with what is held, so that a big command needs few of them. */
static struct arena_block *add_block(struct arena *arena, size_t least)
{
    size_t bytes = ARENA_BLOCK_BYTES - sizeof(struct arena_block);
    if (bytes < arena->held)
        bytes = arena->held;
    if (bytes < least)
        bytes = least;
    size_t whole;
    if (!add_size(bytes, sizeof(struct arena_block), &whole))
        return NULL;
    struct arena_block *block = memory_take(whole);
    if (block == NULL)
        return NULL;
    *block = (struct arena_block){ .next = NULL, .bytes = bytes };
    if (arena->last == NULL)
        arena->first = block;
    else
        arena->last->next = block;
    arena->last = block;
    arena->used = 0;
    arena->held += whole;
    poison(block->room, block->bytes);
    return block;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    size_t padded;
    if (!add_size(bytes, ARENA_ALIGN - 1, &padded))
        return NULL;
    padded &= ~(size_t)(ARENA_ALIGN - 1);
    struct arena_block *block = arena->last;
    if (block == NULL || padded > block->bytes - arena->used) {
        block = add_block(arena, padded);
        if (block == NULL)
            return NULL;
    }
    uint8_t *at = block->room + arena->used;
    arena->used += padded;
    unpoison(at, bytes);
    return at;
}

void *arena_take_many(struct arena *arena, size_t count, size_t bytes)
{
    size_t product;
    return mul_size(count, bytes, &product) ? arena_take(arena, product) : NULL;
}
