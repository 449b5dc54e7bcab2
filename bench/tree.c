/* Figures of the counted tree: bytes of inner nodes an element, and the speed of each operation.
 * usage: bench-tree [elements, 1000000 by default] [elements a leaf, 30]
 * Built by `make benches`. Elements are 32 bytes that begin with their key, put in at random.
 * In the second round all keys are equal, so that elements are compared. */
#include "os/seam.h"
#include "struct/kinds.h"
#include "struct/leaves.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct element {
    struct tree_key key;
    uint64_t tie, unused;
};

struct bench {
    struct seam seam;
    struct rng rng;
    struct space space;
    struct root *root;
    struct tree_ops ops;
    struct tree tree;
    uint64_t elements;
    bool ties;
    uint64_t sum; /* keeps the compiler from leaving work out */
};

static const char *const kind_names[BLOCK_KINDS] = { "entry", "expiring", "value", "node" };

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* --- the tree's owner ------------------------------------------------------------------------- */

static size_t element_bytes(const uint8_t *element)
{
    (void)element;
    return sizeof(struct element);
}

static struct tree_key element_key(const struct tree *tree, const uint8_t *element)
{
    struct tree_key key;
    (void)tree;
    memcpy(&key, element, sizeof key);
    return key;
}

static int order_of(const struct element *a, const struct element *b)
{
    if (a->key.high != b->key.high)
        return a->key.high < b->key.high ? -1 : 1;
    return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static int compare(const struct tree *tree, const void *sought, const struct node *leaf)
{
    (void)tree;
    return order_of(sought, (const struct element *)(const void *)leaf->at);
}

static struct element element_of(const struct bench *bench, uint64_t i)
{
    uint64_t number = mixed(i);
    struct element element = { .tie = number };
    element.key.high = bench->ties ? 7 : number;
    return element;
}

/* Where an element is, or belongs. */
static void find(const struct bench *bench, const struct element *element, struct leaf_place *place)
{
    *place = (struct leaf_place){ .leaf = tree_find(&bench->tree, element->key, element) };
    if (place->leaf == NULL)
        return;
    while (place->offset < place->leaf->used &&
           order_of((const struct element *)(const void *)leaf_element(place), element) < 0) {
        place->offset += sizeof *element;
        place->within++;
    }
}

static void must(bool done)
{
    if (!done) {
        fprintf(stderr, "no memory, or an element is lost\n");
        exit(1);
    }
}

/* --- figures ---------------------------------------------------------------------------------- */

struct watch {
    uint64_t began_ns; /* of CPU: others may run beside */
};

static void start(const struct bench *bench, struct watch *watch)
{
    watch->began_ns = bench->seam.cpu_ns(bench->seam.context);
}

static void stop(const struct bench *bench, const struct watch *watch, const char *what,
                 uint64_t times)
{
    double ns = (double)(bench->seam.cpu_ns(bench->seam.context) - watch->began_ns);
    printf("  %-38s %8.1f ns\n", what, ns / (double)times);
}

static void print_bytes(const struct bench *bench)
{
    const struct nodes *nodes = &bench->root->nodes[0];
    uint64_t inner = 0, inner_bytes = 0, leaf_bytes = 0, payload = 0;
    for (uint32_t number = 0; number < nodes->count; number++) {
        const struct node *node = tree_node(&bench->tree, number);
        uint64_t held = heap_block_bytes(bench->space.heap, node);
        bool leaf = tree_is_leaf(node);
        inner += !leaf;
        inner_bytes += leaf ? 0 : held;
        leaf_bytes += leaf ? held : 0;
        payload += leaf ? node->used : 0;
    }
    double count = (double)bench->tree.state->count;
    double directory = (double)(nodes->held - inner_bytes - leaf_bytes);
    printf("  depth %" PRIu32 ", %.1f elements a leaf, %.1f leaves an inner node; "
           "bytes an element:\n",
           bench->tree.state->depth, count / (double)(nodes->count - inner),
           (double)(nodes->count - inner) / (double)inner);
    printf("  inner nodes %.3f, directory %.3f, leaves' heads and rounding %.3f\n",
           (double)inner_bytes / count, directory / count, (double)(leaf_bytes - payload) / count);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void begin(struct bench *bench, bool ties)
{
    bench->ties = ties;
    bench->root = root_new(&bench->space, 0, 1, sizeof(struct tree_state));
    must(bench->root != NULL);
    bench->tree =
        (struct tree){ &bench->space, bench->root, 0, root_more(bench->root), &bench->ops, bench };
}

static void end(struct bench *bench)
{
    const struct nodes *nodes = &bench->root->nodes[0];
    while (nodes->count > 0) {
        node_drop(&bench->space, bench->root, 0, tree_node(&bench->tree, nodes->count - 1));
        nodes_cut(&bench->space, bench->root, 0, nodes->count - 1);
    }
    root_drop(&bench->space, bench->root);
}

static void insert_all(struct bench *bench)
{
    struct watch watch;
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = element_of(bench, i);
        struct leaf_place place;
        find(bench, &element, &place);
        uint8_t *at = leaves_put(&bench->tree, &place, sizeof element, element.key);
        must(at != NULL);
        memcpy(at, &element, sizeof element);
    }
    stop(bench, &watch, "insert, at random", bench->elements);
}

static void look_up(struct bench *bench)
{
    struct watch watch;
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = element_of(bench, mixed(~i) % bench->elements);
        bench->sum += tree_find(&bench->tree, element.key, &element)->used;
    }
    stop(bench, &watch, "leaf of a key", bench->elements);
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = element_of(bench, mixed(~i) % bench->elements);
        struct leaf_place place;
        find(bench, &element, &place);
        must(order_of((const struct element *)(const void *)leaf_element(&place), &element) == 0);
        bench->sum += leaves_rank(&bench->tree, &place);
    }
    stop(bench, &watch, "element of a key, and its rank", bench->elements);
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        uint64_t within;
        bench->sum += tree_at(&bench->tree, mixed(~i) % bench->elements, &within)->used + within;
    }
    stop(bench, &watch, "leaf of a rank", bench->elements);
}

static void walk(struct bench *bench)
{
    struct watch watch;
    uint64_t leaves = 0;
    start(bench, &watch);
    for (const struct node *leaf = tree_first(&bench->tree); leaf != NULL; leaves++) {
        bench->sum += leaf->used;
        leaf = tree_next(&bench->tree, leaf);
    }
    stop(bench, &watch, "next leaf", leaves);
    leaves = 0;
    start(bench, &watch);
    for (const struct node *leaf = tree_first(&bench->tree); leaf != NULL; leaves++) {
        bench->sum += tree_rank(&bench->tree, leaf);
        leaf = tree_next(&bench->tree, leaf);
    }
    stop(bench, &watch, "next leaf, and its rank", leaves);
}

static void remove_all(struct bench *bench)
{
    struct watch watch;
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = element_of(bench, i);
        struct leaf_place place;
        find(bench, &element, &place);
        leaves_cut(&bench->tree, &place, 1);
    }
    stop(bench, &watch, "remove, in the order of insertion", bench->elements);
    must(bench->tree.state->depth == 0);
}

static void at_random(struct bench *bench, bool ties)
{
    printf("%" PRIu64 " elements, %s:\n", bench->elements,
           ties ? "equal keys" : "keys that differ");
    begin(bench, ties);
    insert_all(bench);
    print_bytes(bench);
    look_up(bench);
    walk(bench);
    remove_all(bench);
    end(bench);
}

static void in_order(struct bench *bench)
{
    printf("%" PRIu64 " elements, in order:\n", bench->elements);
    begin(bench, false);
    struct watch watch;
    struct leaves_builder builder = { .tree = &bench->tree };
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = { .key = { i, 0 } };
        uint8_t *at = leaves_append(&builder, sizeof element, element.key);
        must(at != NULL);
        memcpy(at, &element, sizeof element);
    }
    leaves_finish(&builder);
    stop(bench, &watch, "append, by a builder", bench->elements);
    print_bytes(bench);
    end(bench);
    begin(bench, false);
    start(bench, &watch);
    struct leaf_place place = { 0 };
    for (uint64_t i = 0; i < bench->elements; i++) {
        struct element element = { .key = { i, 0 } };
        place.leaf = tree_last(&bench->tree);
        place.offset = place.leaf == NULL ? 0 : place.leaf->used;
        place.within = place.leaf == NULL ? 0 : tree_leaf_count(&bench->tree, place.leaf);
        uint8_t *at = leaves_put(&bench->tree, &place, sizeof element, element.key);
        must(at != NULL);
        memcpy(at, &element, sizeof element);
    }
    stop(bench, &watch, "append, one by one", bench->elements);
    start(bench, &watch);
    for (uint64_t i = 0; i < bench->elements; i++) {
        leaves_at(&bench->tree, 0, &place);
        leaves_cut(&bench->tree, &place, 1);
    }
    stop(bench, &watch, "remove the first, one by one", bench->elements);
    end(bench);
}

int main(int count, char **arguments)
{
    struct bench bench = { .elements = 1000000 };
    uint64_t leaf = 30;
    if (count > 1)
        bench.elements = strtoull(arguments[1], NULL, 10);
    if (count > 2)
        leaf = strtoull(arguments[2], NULL, 10);
    os_seam_init(&bench.seam);
    struct heap *heap = heap_new(&bench.seam, &(struct heap_options){ kind_names, BLOCK_KINDS, 0 });
    must(heap != NULL && bench.elements > 0 && leaf > 0);
    space_init(&bench.space, heap, &(struct hash_seed){ 0 }, &bench.rng, NULL);
    /* A leaf at random is filled to about 70 %. */
    bench.ops =
        (struct tree_ops){ .compare = compare,
                           .bytes = element_bytes,
                           .key = element_key,
                           .leaf_bytes = (uint32_t)(leaf * sizeof(struct element) * 10 / 7) };
    at_random(&bench, false);
    at_random(&bench, true);
    in_order(&bench);
    space_release(&bench.space);
    heap_drop(heap);
    return bench.sum == 1;
}
