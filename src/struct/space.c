#include "struct/space.h"

#include "base/memory.h"

/* Free ids have this bit; references have 40. */
#define ROOTS_FREE (UINT64_C(1) << 63)

void space_init(struct space *space, struct heap *heap, const struct hash_seed *seed,
                struct rng *rng, const struct type_limits *limits)
{
    *space = (struct space){
        .heap = heap, .base = heap_base(heap), .seed = *seed, .rng = rng, .limits = limits
    };
}

void space_release(struct space *space)
{
    for (uint32_t i = 0; i < space->roots.count; i++)
        memory_give(space->roots.chunks[i]);
    memory_give(space->roots.chunks);
    space->roots = (struct roots){ 0 };
}

/* Room for one more pointer to a chunk. */
static bool widen(struct roots *roots)
{
    if (roots->count < roots->capacity)
        return true;
    uint32_t capacity = roots->capacity == 0 ? 8 : roots->capacity * 2;
    struct roots_chunk **chunks =
        memory_resize(roots->chunks, (size_t)capacity * sizeof(struct roots_chunk *));
    if (chunks == NULL)
        return false;
    roots->chunks = chunks;
    roots->capacity = capacity;
    return true;
}

/* The first chunk from `sparse` on that has room, or may be made; UINT32_MAX: no memory. */
static uint32_t chunk_with_room(struct roots *roots)
{
    uint32_t i = roots->sparse;
    while (i < roots->count && roots->chunks[i] != NULL && roots->chunks[i]->live == ROOTS_CHUNK)
        i++;
    roots->sparse = i;
    if (i == roots->count && !widen(roots))
        return UINT32_MAX;
    if (i < roots->count && roots->chunks[i] != NULL)
        return i;
    struct roots_chunk *chunk = memory_take(sizeof *chunk);
    if (chunk == NULL)
        return UINT32_MAX;
    for (uint32_t k = 0; k < ROOTS_CHUNK; k++)
        chunk->refs[k] = ROOTS_FREE | (k + 1);
    chunk->live = 0;
    chunk->free = 0;
    roots->chunks[i] = chunk;
    if (i == roots->count)
        roots->count++;
    return i;
}

uint32_t roots_take(struct roots *roots, uint64_t ref)
{
    uint32_t number = chunk_with_room(roots);
    if (number == UINT32_MAX)
        return 0;
    struct roots_chunk *chunk = roots->chunks[number];
    uint32_t place = chunk->free;
    chunk->free = (uint32_t)(chunk->refs[place] & ~ROOTS_FREE);
    chunk->refs[place] = ref;
    chunk->live++;
    roots->live++;
    return 1 + number * ROOTS_CHUNK + place;
}

void roots_give(struct roots *roots, uint32_t id)
{
    uint32_t number = (id - 1) / ROOTS_CHUNK, place = (id - 1) % ROOTS_CHUNK;
    struct roots_chunk *chunk = roots->chunks[number];
    chunk->refs[place] = ROOTS_FREE | chunk->free;
    chunk->free = place;
    chunk->live--;
    roots->live--;
    if (number < roots->sparse)
        roots->sparse = number;
    if (chunk->live > 0)
        return;
    memory_give(chunk);
    roots->chunks[number] = NULL;
    while (roots->count > 0 && roots->chunks[roots->count - 1] == NULL)
        roots->count--;
}

bool roots_may_have(const struct roots *roots, uint32_t id)
{
    uint32_t number = (id - 1) / ROOTS_CHUNK;
    return id != 0 && number < roots->count && roots->chunks[number] != NULL;
}

bool roots_has(const struct roots *roots, uint32_t id)
{
    return roots_may_have(roots, id) && (roots_ref(roots, id) & ROOTS_FREE) == 0;
}

uint64_t roots_bytes(const struct roots *roots)
{
    uint64_t bytes = roots->capacity * sizeof(struct roots_chunk *);
    for (uint32_t i = 0; i < roots->count; i++)
        bytes += roots->chunks[i] != NULL ? sizeof(struct roots_chunk) : 0;
    return bytes;
}
