#include "load/value.h"

#include <stdlib.h>
#include <string.h>

#include "load/random.h"

/* Slices begin anywhere in the first POOL_STARTS bytes; small enough to stay in the cache. */
enum { POOL_STARTS = 1 << 16, NAME_BYTES = 8 };

bool values_init(struct values *values, uint32_t bytes_min, uint32_t bytes_max, uint64_t seed)
{
    size_t words = ((size_t)POOL_STARTS + bytes_max) / 8 + 1;
    uint64_t *pool = malloc(words * 8);
    *values = (struct values){ bytes_min, bytes_max, mix64(seed), (uint8_t *)pool };
    if (pool == NULL) {
        return false;
    }
    struct random random = { values->seed };
    for (size_t i = 0; i < words; i++) {
        pool[i] = random_next(&random);
    }
    return true;
}

void values_release(struct values *values)
{
    free(values->pool);
    values->pool = NULL;
}

uint32_t value_bytes(const struct values *values, uint64_t number)
{
    uint64_t span = (uint64_t)values->bytes_max - values->bytes_min + 1;
    if (span == 1) {
        return values->bytes_min;
    }
    uint64_t drawn = mix64(number ^ (values->seed * 3)) >> 32;
    return values->bytes_min + (uint32_t)((drawn * span) >> 32);
}

/* The first bytes of every value: a hash that names its key. */
static void render_name(const struct values *values, uint64_t number, uint8_t name[NAME_BYTES])
{
    uint64_t hash = mix64(number + values->seed);
    memcpy(name, &hash, NAME_BYTES);
}

static const uint8_t *slice_of(const struct values *values, uint64_t number)
{
    return values->pool + (mix64(number ^ values->seed) % POOL_STARTS);
}

void value_render(const struct values *values, uint64_t number, uint32_t bytes, uint8_t *out)
{
    uint8_t name[NAME_BYTES];
    render_name(values, number, name);
    memcpy(out, slice_of(values, number), bytes);
    memcpy(out, name, bytes < NAME_BYTES ? bytes : NAME_BYTES);
}

bool value_holds(const struct values *values, uint64_t number, uint32_t bytes, uint64_t offset,
                 const uint8_t *fragment, size_t length)
{
    if (offset > bytes || length > bytes - offset) {
        return false;
    }
    uint8_t name[NAME_BYTES];
    render_name(values, number, name);
    while (length > 0 && offset < NAME_BYTES) {
        if (*fragment++ != name[offset++]) {
            return false;
        }
        length--;
    }
    return memcmp(fragment, slice_of(values, number) + offset, length) == 0;
}
