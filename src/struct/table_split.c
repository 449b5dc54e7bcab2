/* Growing and shrinking by one bucket at a time. */
#include "struct/past.h"
#include "struct/table.h"

/* Steps of table_settle: one suffices in steady state, more catch up after a long element, or when
 * memory was refused for a while. The window is weighed in README.md. */
enum { STEPS_MAX = 2, TIDY_WINDOW = 16 };

static struct nodes *nodes_of(const struct table *table)
{
    return &table->root->nodes[table->set];
}

/* One bucket more while the mean payload is over the goal and some bucket must have two elements:
 * so that a header's share of the payload is the same in every phase of a doubling. */
static bool may_split(const struct table *table)
{
    const struct nodes *nodes = nodes_of(table);
    return nodes->used > (uint64_t)nodes->count * TABLE_BUCKET_BYTES &&
           *table->count > nodes->count;
}

/* Half a bucket's bytes, or one element, less than what one bucket fewer would hold at the goal:
 * what comes and goes at the edge of a split stays within that gap. */
static bool may_merge(const struct table *table)
{
    const struct nodes *nodes = nodes_of(table);
    return nodes->count > 1 && (nodes->used + TABLE_BUCKET_BYTES / 2 <
                                    (uint64_t)(nodes->count - 1) * TABLE_BUCKET_BYTES ||
                                *table->count + 1 < nodes->count - 1);
}

/* Elements whose hash has the bit go from `node` to the payload of `made`, which has room for all
 * of them; both keep the order. Returns the bytes that went. */
static size_t part(const struct table *table, struct node *node, struct node *made, unsigned bit)
{
    size_t kept = 0, moved = 0, bytes;
    for (size_t offset = 0; offset < node->used; offset += bytes) {
        const uint8_t *at = node->at + offset;
        bytes = table->ops->bytes(at);
        if ((table->ops->hash(table->space, at) >> bit & 1) != 0) {
            memcpy(made->at + moved, at, bytes);
            moved += bytes;
        } else {
            if (kept != offset)
                memmove(node->at + kept, at, bytes);
            kept += bytes;
        }
    }
    return moved;
}

/* Cuts the payload to its first `bytes`; an empty bucket has no block. */
static void trim(const struct table *table, struct node *node, size_t bytes)
{
    if (bytes == 0)
        node_drop(table->space, table->root, table->set, node);
    else if (bytes < node->used)
        ENSURE(node_splice(table->space, table->root, table->set, node, bytes, node->used - bytes,
                           0) != NULL);
}

/* Memory for the worst case is taken first, so that nothing fails half-way: elements are hashed
 * once, and what is left over goes back. */
static bool split(const struct table *table)
{
    struct nodes *nodes = nodes_of(table);
    uint32_t number = nodes->count;
    unsigned bit = linear_split_bit(number);
    if (number >= LINEAR_COUNT_MAX || !nodes_extend(table->space, table->root, table->set))
        return false;
    struct node *node = node_of(table->space, nodes, linear_split_source(number));
    if (node == NULL)
        return true;
    size_t used = node->used;
    past_node_changes(table->space, table->root, table->set, node);
    struct node *made = node_make(table->space, table->root, table->set, number, used);
    if (made == NULL) {
        nodes_cut(table->space, table->root, table->set, number);
        return false;
    }
    size_t moved = part(table, node, made, bit);
    trim(table, node, used - moved);
    trim(table, made, moved);
    return true;
}

static bool merge(const struct table *table)
{
    struct nodes *nodes = nodes_of(table);
    uint32_t number = nodes->count - 1, target = linear_merge_target(nodes->count);
    struct node *source = node_of(table->space, nodes, number);
    struct node *node = node_of(table->space, nodes, target);
    if (source != NULL && node == NULL) {
        node_renumber(table->space, table->root, table->set, source, target);
    } else if (source != NULL) {
        size_t used = node->used;
        node = node_splice(table->space, table->root, table->set, node, used, 0, source->used);
        if (node == NULL)
            return false;
        memcpy(node->at + used, source->at, source->used);
        node_drop(table->space, table->root, table->set, source);
    }
    nodes_cut(table->space, table->root, table->set, number);
    return true;
}

/* As a doubling goes on the buckets grow through the classes of sizes like a wave, which leaves
 * spans with few of them. So each split looks at a window of buckets, and those in sparse spans
 * move to fuller ones: each bucket is looked at some times in a doubling. */
static void tidy(const struct table *table)
{
    const struct nodes *nodes = nodes_of(table);
    uint32_t window = nodes->count < TIDY_WINDOW ? nodes->count : TIDY_WINDOW;
    uint64_t turn = linear_split_source(nodes->count);
    uint32_t number = (uint32_t)(turn * TIDY_WINDOW % nodes->count);
    for (uint32_t i = 0; i < window; i++) {
        struct node *node = node_of(table->space, nodes, number);
        if (node != NULL)
            node_tidy(table->space, table->root, table->set, node);
        number = number + 1 < nodes->count ? number + 1 : 0;
    }
}

/* What the next split reads, while there is time. */
static void look_ahead(const struct table *table)
{
    const struct nodes *nodes = nodes_of(table);
    uint32_t source = linear_split_source(nodes->count);
    table_prefetch_node(node_of(table->space, nodes, source));
}

void table_settle(const struct table *table)
{
    for (int i = 0; i < STEPS_MAX && may_split(table); i++) {
        if (!split(table))
            return;
        look_ahead(table);
        tidy(table);
    }
    for (int i = 0; i < STEPS_MAX && may_merge(table); i++) {
        if (!merge(table))
            return;
        tidy(table);
    }
}
