/* Images of values of every type: the first byte says which type, the rest is its image. What is
 * taken is a value, survives being written and read again, and leaves nothing behind. */
#include "types/value.h"
#include "base/err.h"
#include "os/seam.h"
#include "types/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

static const char *const kind_names[BLOCK_KINDS] = { "keys", "expiring-keys", "values", "nodes" };

struct value_world {
    struct seam seam;
    struct rng rng;
    struct space space;
    struct buffer body, again, image;
};

static struct value_world *world_once(void)
{
    static struct value_world world;
    if (world.space.heap != NULL)
        return &world;
    os_seam_init(&world.seam);
    rng_init(&world.rng, 1);
    struct heap *heap = heap_new(&world.seam, &(struct heap_options){ kind_names, BLOCK_KINDS, 0 });
    ENSURE(heap != NULL);
    space_init(&world.space, heap, &(struct hash_seed){ 1, 2 }, &world.rng, &type_limits_default);
    return &world;
}

static uint64_t blocks_of(const struct value_world *world)
{
    struct heap_figures figures;
    heap_figures(world->space.heap, &figures);
    return figures.blocks;
}

static void same_digest(struct value_world *world, const struct value *one,
                        const struct value *other)
{
    struct digest a = { { 0 } }, b = { { 0 } };
    type_ops(one->type)->digest(&world->space, one, &a);
    type_ops(other->type)->digest(&world->space, other, &b);
    ENSURE(memcmp(a.at, b.at, SHA1_BYTES) == 0);
}

static void write_and_read(struct value_world *world, const struct value *value)
{
    const struct type_ops *ops = type_ops(value->type);
    struct value copy;
    world->image.count = 0;
    world->again.count = 0;
    ENSURE(ops->valid(&world->space, value));
    ENSURE(ops->encoding_name(&world->space, value) != NULL);
    ENSURE(ops->encode(&world->space, value, &world->image) == ERR_NONE);
    ENSURE(ops->decode(&world->space, buffer_view(&world->image), &copy, &world->again) ==
           ERR_NONE);
    ENSURE(ops->valid(&world->space, &copy));
    same_digest(world, value, &copy);
    value_drop(&world->space, &copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct value_world *world = world_once();
    struct value value;
    if (count == 0)
        return 0;
    const struct type_ops *ops = type_ops(at[0] % VALUE_TYPES);
    world->body.count = 0;
    if (ops->decode(&world->space, bytes_of(at + 1, count - 1), &value, &world->body) == ERR_NONE) {
        write_and_read(world, &value);
        value_drop(&world->space, &value);
    } else {
        ENSURE(world->body.count == 0);
    }
    ENSURE(blocks_of(world) == 0);
    return 0;
}
