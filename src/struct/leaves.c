#include "struct/leaves.h"

/* --- places ----------------------------------------------------------------------------------- */

void leaves_at(const struct tree *tree, uint64_t rank, struct leaf_place *place)
{
    *place = (struct leaf_place){ 0 };
    if (rank >= tree->state->count)
        return;
    place->leaf = tree_at(tree, rank, &place->within);
    for (uint64_t i = 0; i < place->within; i++)
        place->offset += tree->ops->bytes(leaf_element(place));
}

uint64_t leaves_rank(const struct tree *tree, const struct leaf_place *place)
{
    return tree_rank(tree, place->leaf) + place->within;
}

bool leaves_next(const struct tree *tree, struct leaf_place *place)
{
    size_t offset = place->offset + tree->ops->bytes(leaf_element(place));
    if (offset < place->leaf->used) {
        place->offset = offset;
        place->within++;
        return true;
    }
    struct node *next = tree_next(tree, place->leaf);
    if (next == NULL)
        return false;
    *place = (struct leaf_place){ .leaf = next };
    return true;
}

/* The place of the last element of a leaf that begins before `end`. */
static struct leaf_place last_before(const struct tree *tree, struct node *leaf, size_t end)
{
    struct leaf_place place = { .leaf = leaf };
    for (;;) {
        size_t next = place.offset + tree->ops->bytes(leaf_element(&place));
        if (next >= end)
            return place;
        place.offset = next;
        place.within++;
    }
}

bool leaves_previous(const struct tree *tree, struct leaf_place *place)
{
    if (place->offset > 0) {
        *place = last_before(tree, place->leaf, place->offset);
        return true;
    }
    struct node *previous = tree_previous(tree, place->leaf);
    if (previous == NULL)
        return false;
    *place = last_before(tree, previous, previous->used);
    return true;
}

/* --- splitting -------------------------------------------------------------------------------- */

static struct tree_key key_of(const struct tree *tree, const uint8_t *element)
{
    return tree->ops->key == NULL ? (struct tree_key){ 0 } : tree->ops->key(tree, element);
}

static void rekey(const struct tree *tree, const struct leaf_place *place, struct tree_key key)
{
    if (place->within == 0 && tree->ops->key != NULL)
        tree_rekey(tree, place->leaf, key);
}

/* Cuts the leaf before the element at `cut`, which stands there and is not its first. Returns the
 * leaf behind; `*leaf` is updated. */
static struct node *cut_leaf(const struct tree *tree, struct node **leaf,
                             const struct leaf_place *cut)
{
    uint64_t moved = tree_leaf_count(tree, *leaf) - cut->within;
    struct tree_key key = key_of(tree, (*leaf)->at + cut->offset);
    return tree_split(tree, leaf, cut->offset, moved, key, 0);
}

/* Halves the leaf, of two elements or more, by bytes; the place follows: at the cut itself it is
 * the left one's end or, where it is of an `element`, the right one's start. */
static bool halve(const struct tree *tree, struct leaf_place *place, bool element)
{
    struct leaf_place cut = last_before(tree, place->leaf, place->leaf->used / 2 + 1);
    if (cut.within == 0)
        cut = (struct leaf_place){ place->leaf, tree->ops->bytes(place->leaf->at), 1 };
    struct node *right = cut_leaf(tree, &place->leaf, &cut);
    if (right == NULL)
        return false;
    if (place->offset > cut.offset || (element && place->offset == cut.offset))
        *place =
            (struct leaf_place){ right, place->offset - cut.offset, place->within - cut.within };
    return true;
}

/* Whether an element of these bytes has a leaf of its own. */
static bool is_big(const struct tree *tree, size_t bytes)
{
    return bytes > tree->ops->leaf_bytes / 2;
}

/* Whether the leaf may have so many bytes: if nothing can be cut off, any. */
static bool may_hold(const struct tree *tree, const struct node *leaf, size_t used)
{
    return used <= tree->ops->leaf_bytes || tree_leaf_count(tree, leaf) < 2;
}

/* Lists have no keys, whatever is given. */
static struct node *insert_leaf(const struct tree *tree, const struct node *after, size_t bytes,
                                struct tree_key key)
{
    return tree_insert(tree, after, bytes, tree->ops->key == NULL ? (struct tree_key){ 0 } : key);
}

/* --- putting ---------------------------------------------------------------------------------- */

static uint8_t *put_alone(const struct tree *tree, struct leaf_place *place,
                          const struct node *after, size_t bytes, struct tree_key key)
{
    struct node *leaf = insert_leaf(tree, after, bytes, key);
    if (leaf == NULL)
        return NULL;
    tree_add(tree, leaf, 1);
    *place = (struct leaf_place){ .leaf = leaf };
    return leaf->at;
}

static uint8_t *put_inside(const struct tree *tree, struct leaf_place *place, size_t bytes,
                           struct tree_key key)
{
    struct node *leaf = tree_splice(tree, place->leaf, place->offset, 0, bytes, 1);
    if (leaf == NULL)
        return NULL;
    place->leaf = leaf;
    rekey(tree, place, key);
    return leaf_element(place);
}

/* Whether an element for which the leaf has no room gets a leaf of its own beside it: at the ends
 * of the tree, where the next ones will follow, and where there is nothing to cut. */
static bool goes_beside(const struct tree *tree, const struct leaf_place *place, size_t bytes)
{
    const struct node *leaf = place->leaf;
    bool alone = is_big(tree, bytes) || tree_leaf_count(tree, leaf) == 1;
    if (place->offset == leaf->used)
        return alone || tree_is_last(tree, leaf);
    return place->offset == 0 && (alone || tree_is_first(tree, leaf));
}

uint8_t *leaves_put(const struct tree *tree, struct leaf_place *place, size_t bytes,
                    struct tree_key key)
{
    if (place->leaf == NULL)
        return put_alone(tree, place, NULL, bytes, key);
    while (place->leaf->used + bytes > tree->ops->leaf_bytes) {
        if (goes_beside(tree, place, bytes)) {
            bool behind = place->offset > 0;
            const struct node *leaf = place->leaf;
            return put_alone(tree, place, behind ? leaf : tree_previous(tree, leaf), bytes, key);
        }
        if (is_big(tree, bytes) ? cut_leaf(tree, &place->leaf, place) == NULL
                                : !halve(tree, place, false))
            return NULL;
    }
    return put_inside(tree, place, bytes, key);
}

/* Leaves the element at `place` alone in its leaf. */
static bool isolate(const struct tree *tree, struct leaf_place *place)
{
    if (place->within > 0) {
        struct node *right = cut_leaf(tree, &place->leaf, place);
        if (right == NULL)
            return false;
        *place = (struct leaf_place){ .leaf = right };
    }
    struct leaf_place behind = { place->leaf, tree->ops->bytes(place->leaf->at), 1 };
    return behind.offset == place->leaf->used || cut_leaf(tree, &place->leaf, &behind) != NULL;
}

uint8_t *leaves_resize(const struct tree *tree, struct leaf_place *place, size_t bytes,
                       struct tree_key key)
{
    size_t before = tree->ops->bytes(leaf_element(place));
    while (bytes > before && !may_hold(tree, place->leaf, place->leaf->used - before + bytes)) {
        bool big = is_big(tree, bytes);
        if (big ? !isolate(tree, place) : !halve(tree, place, true))
            return NULL;
    }
    struct node *leaf = tree_splice(tree, place->leaf, place->offset, before, bytes, 0);
    if (leaf == NULL)
        return NULL;
    place->leaf = leaf;
    rekey(tree, place, key);
    return leaf_element(place);
}

/* --- cutting ---------------------------------------------------------------------------------- */

uint64_t leaves_left(const struct tree *tree, const struct leaf_place *place)
{
    return tree_leaf_count(tree, place->leaf) - place->within;
}

/* Two leaves that are joined leave room to grow in. */
static bool may_join(const struct tree *tree, const struct node *a, const struct node *b)
{
    return a != NULL && b != NULL &&
           (size_t)a->used + b->used <= (size_t)tree->ops->leaf_bytes * 3 / 4;
}

/* Where there is no memory for it the leaf stays sparse. */
static void join_sparse(const struct tree *tree, struct leaf_place *place)
{
    if (place->leaf->used > tree->ops->leaf_bytes / 4)
        return;
    if (may_join(tree, place->leaf, tree_next(tree, place->leaf))) {
        struct node *joined = tree_join(tree, place->leaf, 0);
        place->leaf = joined != NULL ? joined : place->leaf;
        return;
    }
    struct node *previous = tree_previous(tree, place->leaf);
    if (!may_join(tree, previous, place->leaf))
        return;
    size_t used = previous->used;
    uint64_t count = tree_leaf_count(tree, previous);
    struct node *joined = tree_join(tree, previous, 0);
    if (joined != NULL)
        *place = (struct leaf_place){ joined, place->offset + used, place->within + count };
}

void leaves_cut(const struct tree *tree, struct leaf_place *place, uint64_t count)
{
    uint64_t all = tree_leaf_count(tree, place->leaf);
    DCHECK(count > 0 && place->within + count <= all);
    if (count == all) {
        *place = (struct leaf_place){ .leaf = tree_remove(tree, place->leaf) };
        return;
    }
    size_t end = place->leaf->used;
    if (place->within + count < all) {
        end = place->offset;
        for (uint64_t i = 0; i < count; i++)
            end += tree->ops->bytes(place->leaf->at + end);
    }
    place->leaf =
        tree_splice(tree, place->leaf, place->offset, end - place->offset, 0, -(int64_t)count);
    ENSURE(place->leaf != NULL); /* it has not grown */
    if (place->within == 0)
        rekey(tree, place, key_of(tree, place->leaf->at));
    join_sparse(tree, place);
    if (place->offset == place->leaf->used)
        *place = (struct leaf_place){ .leaf = tree_next(tree, place->leaf) };
}

/* --- building --------------------------------------------------------------------------------- */

void leaves_finish(struct leaves_builder *builder)
{
    struct node *leaf = builder->leaf;
    if (leaf == NULL || builder->count == 0)
        return;
    leaf = tree_splice(builder->tree, leaf, builder->used, leaf->used - builder->used, 0,
                       (int64_t)builder->count);
    ENSURE(leaf != NULL); /* it has not grown */
    builder->leaf = leaf;
    builder->count = 0;
}

uint8_t *leaves_append(struct leaves_builder *builder, size_t bytes, struct tree_key key)
{
    const struct tree *tree = builder->tree;
    if (builder->leaf == NULL || builder->used + bytes > builder->leaf->used) {
        leaves_finish(builder);
        size_t room = bytes > tree->ops->leaf_bytes ? bytes : tree->ops->leaf_bytes;
        const struct node *after = builder->leaf != NULL ? builder->leaf : tree_last(tree);
        struct node *leaf = insert_leaf(tree, after, room, key);
        if (leaf == NULL)
            return NULL;
        *builder = (struct leaves_builder){ .tree = tree, .leaf = leaf };
    }
    uint8_t *at = builder->leaf->at + builder->used;
    builder->used += bytes;
    builder->count++;
    return at;
}
