#include "struct_world.h"

#include "base/memory.h"
#include "harness.h"
#include "heap/mover.h"
#include "os/seam.h"
#include "struct/kinds.h"

#include <errno.h>

static const char *const kind_names[BLOCK_KINDS] = { "entry", "expiring", "value", "node" };

void struct_world_init(struct struct_world *world)
{
    memset(world, 0, sizeof *world);
    os_seam_init(&world->real);
    fault_seam_init(&world->fault, &world->real);
    rng_init(&world->rng, test_seed());
    world->heap =
        heap_new(&world->fault.seam, &(struct heap_options){ kind_names, BLOCK_KINDS, 0 });
    CHECK(world->heap != NULL);
    struct hash_seed seed = { rng_next(&world->rng), rng_next(&world->rng) };
    space_init(&world->space, world->heap, &seed, &world->rng, NULL);
}

void struct_world_release(struct struct_world *world)
{
    CHECK_EQ(struct_world_blocks(world), 0);
    CHECK_EQ(world->space.roots.live, 0);
    CHECK(heap_valid(world->heap));
    space_release(&world->space);
    heap_drop(world->heap);
}

void struct_world_refuse(struct struct_world *world, bool refuse)
{
    const struct fault_plan plan = { .classes = refuse ? FAULT_PAGES : 0,
                                     .error = ENOMEM,
                                     .always = true };
    fault_seam_plan(&world->fault, &plan);
    memory_fail_always(false);
    memory_fail_after(refuse ? 0 : UINT64_MAX);
    memory_fail_always(refuse);
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct struct_world *world = context;
    CHECK_EQ(kind, BLOCK_NODE);
    for (size_t i = 0; i < count; i++) {
        moves[i].done = nodes_repoint(&world->space, moves[i].from, moves[i].to);
        CHECK(moves[i].done);
    }
}

void struct_world_move(struct struct_world *world, uint64_t blocks)
{
    struct heap_mover mover = { repoint, world };
    heap_move_all(world->heap, &mover, blocks);
}

void struct_world_drop(struct struct_world *world, struct root *root,
                       void (*empty)(struct space *space, struct root *root,
                                     const struct node *node))
{
    struct space *space = &world->space;
    for (unsigned set = 0; set < root->sets; set++) {
        for (uint32_t number = 0; number < root->nodes[set].count; number++) {
            struct node *node = node_of(space, &root->nodes[set], number);
            if (node == NULL)
                continue;
            if (empty != NULL)
                empty(space, root, node);
            node_drop(space, root, set, node);
        }
        nodes_cut(space, root, set, 0);
    }
    root_drop(space, root);
}

uint64_t struct_world_blocks(const struct struct_world *world)
{
    struct heap_figures figures;
    heap_figures(world->heap, &figures);
    return figures.blocks;
}
