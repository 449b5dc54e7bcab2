#include "types_conformance.h"

#include "harness.h"
#include "os/seam.h"

static const char *const kind_names[BLOCK_KINDS] = { "keys", "expiring-keys", "values", "nodes" };

void type_world_init(struct type_world *world)
{
    os_seam_init(&world->seam);
    rng_init(&world->rng, test_seed());
    world->heap = heap_new(&world->seam, &(struct heap_options){ kind_names, BLOCK_KINDS, 0 });
    CHECK(world->heap != NULL);
    world->limits = type_limits_default;
    struct hash_seed seed = { rng_next(&world->rng), rng_next(&world->rng) };
    space_init(&world->space, world->heap, &seed, &world->rng, &world->limits);
    arena_init(&world->arena);
}

void type_world_release(struct type_world *world)
{
    CHECK(heap_valid(world->heap));
    CHECK_EQ(type_blocks(world), 0);
    CHECK_EQ(type_allocated(world), 0);
    CHECK_EQ(world->space.roots.live, 0);
    arena_release(&world->arena);
    space_release(&world->space);
    heap_drop(world->heap);
}

uint64_t type_blocks(const struct type_world *world)
{
    struct heap_figures figures;
    heap_figures(world->heap, &figures);
    return figures.blocks;
}

uint64_t type_allocated(const struct type_world *world)
{
    struct heap_figures figures;
    heap_figures(world->heap, &figures);
    return figures.allocated;
}

struct counted_refs {
    struct heap *heap;
    uint64_t count;
};

/* A reference that leads to no block of the heap's ends in heap_block_kind. */
static void count_ref(void *context, uint64_t ref)
{
    struct counted_refs *refs = context;
    CHECK(ref != 0);
    unsigned kind = heap_block_kind(refs->heap, heap_at(heap_base(refs->heap), ref));
    CHECK(kind == BLOCK_VALUE || kind == BLOCK_NODE);
    refs->count++;
}

static uint64_t refs_of(struct type_world *world, const struct value *value)
{
    struct counted_refs refs = { world->heap, 0 };
    type_ops(value->type)->each_ref(&world->space, value, count_ref, &refs);
    return refs.count;
}

void type_same_digest(struct type_world *world, const struct value *a, const struct value *b,
                      bool wanted)
{
    struct digest one = { { 0 } }, other = { { 0 } };
    type_ops(a->type)->digest(&world->space, a, &one);
    type_ops(b->type)->digest(&world->space, b, &other);
    CHECK_EQ(memcmp(one.at, other.at, SHA1_BYTES) == 0, wanted);
}

static void free_whole(struct type_world *world, const struct value *value)
{
    uint64_t cursor = 0, before = type_allocated(world);
    while (!type_ops(value->type)->free_step(&world->space, value, &cursor)) {
        CHECK(type_allocated(world) < before); /* each step gives something */
        before = type_allocated(world);
    }
}

/* A stream's groups are in its image, and not in its digest. */
static void check_same(struct type_world *world, const struct value *value, struct value *copy)
{
    struct buffer image = { 0 }, other = { 0 };
    type_same_digest(world, value, copy, true);
    if (value->type != VALUE_STREAM)
        return;
    CHECK_EQ(type_ops(VALUE_STREAM)->encode(&world->space, value, &image), ERR_NONE);
    CHECK_EQ(type_ops(VALUE_STREAM)->encode(&world->space, copy, &other), ERR_NONE);
    CHECK_BYTES(buffer_view(&other), buffer_view(&image));
    buffer_release(&image);
    buffer_release(&other);
}

/* A copy shares nothing and is as good as the original. */
static void check_copy(struct type_world *world, const struct value *value)
{
    const struct type_ops *ops = type_ops(value->type);
    struct buffer body = { 0 };
    struct value copy;
    uint64_t blocks = type_blocks(world), bytes = type_allocated(world);
    if (ops->copy == NULL || refs_of(world, value) == 0)
        return;
    CHECK_EQ(ops->copy(&world->space, value, &copy, &body), ERR_NONE);
    CHECK(ops->valid(&world->space, &copy) && ops->valid(&world->space, value));
    CHECK_EQ(type_blocks(world) - blocks, refs_of(world, &copy));
    check_same(world, value, &copy);
    free_whole(world, &copy);
    CHECK_EQ(type_blocks(world), blocks);
    CHECK_EQ(type_allocated(world), bytes);
    CHECK(ops->valid(&world->space, value));
    buffer_release(&body);
}

void type_conforms(struct type_world *world, const struct value *value, uint64_t blocks,
                   uint64_t bytes)
{
    const struct type_ops *ops = type_ops(value->type);
    struct buffer image = { 0 }, again = { 0 }, body = { 0 };
    struct value copy;
    CHECK(ops->valid(&world->space, value));
    CHECK(ops->encoding_name(&world->space, value) != NULL);
    CHECK_EQ(refs_of(world, value), blocks);
    CHECK_EQ(ops->bytes(&world->space, value), bytes);
    check_copy(world, value);

    uint64_t blocks_before = type_blocks(world), bytes_before = type_allocated(world);
    CHECK_EQ(ops->encode(&world->space, value, &image), ERR_NONE);
    CHECK_EQ(type_blocks(world), blocks_before);

    /* The body is appended: what stood in the buffer stays. */
    CHECK(buffer_append(&body, BYTES("before")));
    CHECK_EQ(ops->decode(&world->space, buffer_view(&image), &copy, &body), ERR_NONE);
    CHECK_TEXT(bytes_of(body.at, 6), "before");
    CHECK_EQ(copy.body.count, body.count - 6);
    CHECK(copy.body.count == 0 || copy.body.at == body.at + 6);
    CHECK_EQ(copy.type, value->type);
    CHECK(ops->valid(&world->space, &copy));
    CHECK_EQ(type_blocks(world) - blocks_before, refs_of(world, &copy));
    CHECK_EQ(type_allocated(world) - bytes_before, ops->bytes(&world->space, &copy));
    check_same(world, value, &copy);
    CHECK_EQ(ops->encode(&world->space, &copy, &again), ERR_NONE);
    if (blocks == 0 && refs_of(world, &copy) == 0)
        CHECK_BYTES(buffer_view(&again), buffer_view(&image));
    else /* a table's order goes by its history */
        CHECK_EQ(again.count, image.count);

    free_whole(world, &copy);
    CHECK_EQ(type_blocks(world), blocks_before);
    CHECK_EQ(type_allocated(world), bytes_before);
    buffer_release(&image);
    buffer_release(&again);
    buffer_release(&body);
}

static void hostile_image(struct type_world *world, enum value_type type, struct bytes image)
{
    const struct type_ops *ops = type_ops(type);
    struct buffer body = { 0 };
    struct value value;
    uint64_t blocks = type_blocks(world);
    if (ops->decode(&world->space, image, &value, &body) == ERR_NONE) {
        CHECK(ops->valid(&world->space, &value));
        value_drop(&world->space, &value);
    }
    CHECK_EQ(type_blocks(world), blocks);
    buffer_release(&body);
}

void type_hostile_images(struct type_world *world, enum value_type type, struct bytes seed,
                         unsigned rounds)
{
    uint8_t image[256];
    for (unsigned i = 0; i < rounds; i++) {
        size_t count = rng_below(&world->rng, sizeof image);
        for (size_t k = 0; k < count; k++)
            image[k] = (uint8_t)rng_next(&world->rng);
        hostile_image(world, type, bytes_of(image, count));

        count = seed.count < sizeof image ? seed.count : sizeof image;
        memcpy(image, seed.at, count);
        for (unsigned changes = 0; changes < 3 && count > 0; changes++)
            image[rng_below(&world->rng, count)] = (uint8_t)rng_next(&world->rng);
        hostile_image(world, type, bytes_of(image, count - rng_below(&world->rng, count + 1)));
    }
}
