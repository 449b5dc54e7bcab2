#include "types/stream_sorted.h"

#include "struct/past.h"

enum { LEAF_BYTES = 2048 };

static const struct sorted *sorted_of(const struct tree *tree)
{
    return tree->context;
}

/* Where keys are equal. */
static int compare_first(const struct tree *tree, const void *sought, const struct node *leaf)
{
    return sorted_of(tree)->order->compare(tree->space, sought, leaf->at);
}

static const struct tree_ops sorted_tree_ops = { .compare = compare_first };

void sorted_open(struct sorted *sorted, struct space *space, struct root *root, unsigned set,
                 struct tree_state *state, const struct sorted_order *order, uint32_t bytes)
{
    *sorted = (struct sorted){ .tree = { .space = space,
                                         .root = root,
                                         .set = set,
                                         .state = state,
                                         .ops = &sorted_tree_ops,
                                         .context = sorted },
                               .order = order,
                               .bytes = bytes };
}

static struct node *leaf_for(const struct sorted *sorted, const void *sought)
{
    return tree_find(&sorted->tree, sorted->order->key(sought), sought);
}

static int compare_at(const struct sorted *sorted, const struct node *leaf, const void *sought,
                      uint32_t place)
{
    return sorted->order->compare(sorted->tree.space, sought,
                                  leaf->at + (size_t)place * sorted->bytes);
}

/* The place in the leaf of the first record that is not before `sought`; *found: it is equal. The
 * ends are looked at first: an entry is delivered behind all others, and the oldest is often the
 * next that is acknowledged. pre: the leaf has records, as all have. */
static uint32_t place_of(const struct sorted *sorted, const struct node *leaf, const void *sought,
                         bool *found)
{
    uint32_t low = 1, high = leaf->used / sorted->bytes;
    *found = false;
    if (compare_at(sorted, leaf, sought, high - 1) > 0)
        return high;
    int first = compare_at(sorted, leaf, sought, 0);
    *found = first == 0;
    if (first <= 0)
        return 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_at(sorted, leaf, sought, middle);
        *found = *found || order == 0;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint8_t *sorted_find(const struct sorted *sorted, const void *sought)
{
    bool found;
    struct node *leaf = leaf_for(sorted, sought);
    if (leaf == NULL)
        return NULL;
    uint32_t place = place_of(sorted, leaf, sought, &found);
    return found ? leaf->at + (size_t)place * sorted->bytes : NULL;
}

void sorted_touch(const struct sorted *sorted, const void *sought)
{
    const struct tree *tree = &sorted->tree;
    if (tree->space->past != NULL)
        past_node_changes(tree->space, tree->root, tree->set, leaf_for(sorted, sought));
}

uint8_t *sorted_seek(const struct sorted *sorted, const void *sought, enum sorted_from from)
{
    bool found;
    struct node *leaf = leaf_for(sorted, sought);
    if (leaf == NULL)
        return NULL;
    size_t at = (size_t)place_of(sorted, leaf, sought, &found) * sorted->bytes;
    if (found && from == SORTED_BEYOND)
        at += sorted->bytes;
    if (at < leaf->used)
        return leaf->at + at;
    leaf = tree_next(&sorted->tree, leaf);
    return leaf == NULL ? NULL : leaf->at;
}

uint8_t *sorted_first(const struct sorted *sorted)
{
    struct node *leaf = tree_first(&sorted->tree);
    return leaf == NULL ? NULL : leaf->at;
}

uint8_t *sorted_last(const struct sorted *sorted)
{
    struct node *leaf = tree_last(&sorted->tree);
    return leaf == NULL ? NULL : leaf->at + leaf->used - sorted->bytes;
}

/* A leaf of one record behind `after`, or the first of all. */
static uint8_t *insert_leaf(const struct sorted *sorted, const struct node *after,
                            const void *sought)
{
    struct node *leaf =
        tree_insert(&sorted->tree, after, sorted->bytes, sorted->order->key(sought));
    if (leaf == NULL)
        return NULL;
    tree_add(&sorted->tree, leaf, 1);
    return leaf->at;
}

static uint8_t *insert_at(const struct sorted *sorted, struct node *leaf, uint32_t place,
                          const void *sought)
{
    size_t offset = (size_t)place * sorted->bytes;
    leaf = tree_splice(&sorted->tree, leaf, offset, 0, sorted->bytes, 1);
    if (leaf == NULL)
        return NULL;
    if (place == 0)
        tree_rekey(&sorted->tree, leaf, sorted->order->key(sought));
    return leaf->at + offset;
}

/* A full leaf in two halves; the one that `place` is in, and *place in it. */
static struct node *halve(const struct sorted *sorted, struct node *leaf, uint32_t *place)
{
    uint32_t count = leaf->used / sorted->bytes, kept = count / 2;
    size_t offset = (size_t)kept * sorted->bytes;
    struct tree_key key = sorted->order->key_of(sorted->tree.space, leaf->at + offset);
    struct node *behind = tree_split(&sorted->tree, &leaf, offset, count - kept, key, 0);
    if (behind == NULL)
        return NULL;
    if (*place <= kept)
        return leaf;
    *place -= kept;
    return behind;
}

uint8_t *sorted_insert(const struct sorted *sorted, const void *sought)
{
    bool found;
    struct node *leaf = leaf_for(sorted, sought);
    if (leaf == NULL)
        return insert_leaf(sorted, NULL, sought);
    uint32_t place = place_of(sorted, leaf, sought, &found);
    ENSURE(!found);
    if (leaf->used + sorted->bytes > LEAF_BYTES) {
        if (place == leaf->used / sorted->bytes && tree_next(&sorted->tree, leaf) == NULL)
            return insert_leaf(sorted, leaf, sought);
        leaf = halve(sorted, leaf, &place);
        if (leaf == NULL)
            return NULL;
    }
    return insert_at(sorted, leaf, place, sought);
}

void sorted_remove(const struct sorted *sorted, const void *sought)
{
    bool found;
    struct node *leaf = leaf_for(sorted, sought);
    ENSURE(leaf != NULL);
    uint32_t place = place_of(sorted, leaf, sought, &found);
    ENSURE(found);
    if (leaf->used == sorted->bytes) {
        (void)tree_remove(&sorted->tree, leaf);
        return;
    }
    leaf = tree_splice(&sorted->tree, leaf, (size_t)place * sorted->bytes, sorted->bytes, 0, -1);
    ENSURE(leaf != NULL); /* it has not grown */
    if (place == 0)
        tree_rekey(&sorted->tree, leaf, sorted->order->key_of(sorted->tree.space, leaf->at));
    struct node *next = tree_next(&sorted->tree, leaf);
    if (next != NULL && leaf->used + next->used <= LEAF_BYTES / 2)
        (void)!tree_join(&sorted->tree, leaf, 0); /* without memory they stay two */
}

static bool key_is(const struct sorted *sorted, const uint8_t *record, struct tree_key key)
{
    struct tree_key own = sorted->order->key_of(sorted->tree.space, record);
    return own.high == key.high && own.low == key.low;
}

bool sorted_valid(const struct sorted *sorted)
{
    const struct tree *tree = &sorted->tree;
    uint64_t count = 0;
    struct tree_key before = { 0, 0 };
    if (!tree_valid(tree))
        return false;
    for (const struct node *leaf = tree_first(tree); leaf != NULL; leaf = tree_next(tree, leaf)) {
        if (leaf->used == 0 || leaf->used % sorted->bytes != 0 ||
            tree_leaf_count(tree, leaf) != leaf->used / sorted->bytes)
            return false;
        for (uint32_t at = 0; at < leaf->used; at += sorted->bytes, count++) {
            struct tree_key key = sorted->order->key_of(tree->space, leaf->at + at);
            if (count > 0 &&
                (key.high < before.high || (key.high == before.high && key.low < before.low)))
                return false;
            before = key;
        }
    }
    const struct node *first = tree_first(tree);
    return count == tree->state->count &&
           (tree->state->depth != 1 || key_is(sorted, first->at, tree->state->only));
}
