#include "struct/table.h"

static struct nodes *nodes_of(const struct table *table)
{
    return &table->root->nodes[table->set];
}

static struct node *bucket_at(const struct table *table, uint32_t number)
{
    return node_of(table->space, nodes_of(table), number);
}

/* --- changes ---------------------------------------------------------------------------------- */

bool table_begin(const struct table *table)
{
    DCHECK(nodes_of(table)->count == 0);
    return nodes_extend(table->space, table->root, table->set);
}

uint8_t *table_add(const struct table *table, struct table_place *place, size_t bytes)
{
    struct node *node = bucket_at(table, place->bucket);
    size_t offset = node == NULL ? 0 : node->used;
    if (node == NULL)
        node = node_make(table->space, table->root, table->set, place->bucket, bytes);
    else
        node = node_splice(table->space, table->root, table->set, node, offset, 0, bytes);
    if (node == NULL)
        return NULL;
    ++*table->count;
    place->offset = offset;
    place->at = node->at + offset;
    return place->at;
}

uint8_t *table_resize(const struct table *table, struct table_place *place, size_t bytes)
{
    struct node *node = bucket_at(table, place->bucket);
    DCHECK(node != NULL && place->at == node->at + place->offset);
    node = node_splice(table->space, table->root, table->set, node, place->offset,
                       table->ops->bytes(place->at), bytes);
    if (node == NULL)
        return NULL;
    place->at = node->at + place->offset;
    return place->at;
}

void table_remove(const struct table *table, struct table_place *place)
{
    struct node *node = bucket_at(table, place->bucket);
    DCHECK(node != NULL && place->at == node->at + place->offset);
    size_t bytes = table->ops->bytes(place->at);
    if (bytes == node->used)
        node_drop(table->space, table->root, table->set, node);
    else
        ENSURE(node_splice(table->space, table->root, table->set, node, place->offset, bytes, 0) !=
               NULL);
    --*table->count;
    place->at = NULL;
}

/* --- walks ------------------------------------------------------------------------------------ */

/* Asks for a bucket's first lines. */
static void prefetch_bucket(const struct table *table, uint32_t number)
{
    if (number < nodes_of(table)->count)
        table_prefetch_node(bucket_at(table, number));
}

uint64_t table_scan(const struct table *table, uint64_t cursor,
                    void (*visit)(void *context, const uint8_t *element), void *context)
{
    uint32_t count = nodes_of(table)->count;
    uint32_t number = linear_bucket(cursor, count);
    uint64_t next = linear_cursor_next(cursor, linear_depth(number, count));
    prefetch_bucket(table, linear_bucket(next, count));
    const struct node *node = bucket_at(table, number);
    if (node == NULL)
        return next;
    for (const uint8_t *at = node->at; at < node->at + node->used; at += table->ops->bytes(at))
        visit(context, at);
    return next;
}

void table_each(const struct table *table, bool (*visit)(void *context, const uint8_t *element),
                void *context)
{
    enum { AHEAD = 4 };
    uint32_t count = nodes_of(table)->count;
    for (uint32_t number = 0; number < count; number++) {
        prefetch_bucket(table, number + AHEAD);
        const struct node *node = bucket_at(table, number);
        if (node == NULL)
            continue;
        for (const uint8_t *at = node->at; at < node->at + node->used; at += table->ops->bytes(at))
            if (!visit(context, at))
                return;
    }
}

static uint64_t elements_in(const struct table *table, const struct node *node)
{
    uint64_t elements = 0;
    for (const uint8_t *at = node->at; at < node->at + node->used; at += table->ops->bytes(at))
        elements++;
    return elements;
}

static void place_at(const struct table *table, uint32_t number, uint64_t index,
                     struct table_place *place)
{
    struct node *node = bucket_at(table, number);
    uint8_t *at = node->at;
    while (index-- > 0)
        at += table->ops->bytes(at);
    *place = (struct table_place){ number, (size_t)(at - node->at), at };
}

/* The first bucket from `number` on, round the end, that is not empty. pre: there is one. */
static uint32_t taken_from(const struct table *table, uint32_t number)
{
    while (bucket_at(table, number) == NULL)
        number = number + 1 < nodes_of(table)->count ? number + 1 : 0;
    return number;
}

/* Draws a bucket and one of `bound` places in it, again while nobody stands there. The bound is
 * well over what nearly every bucket has (those that have not split hold twice as much as others,
 * a third over the mean); where a bucket has more, each of them has a little less of a chance. */
bool table_random(const struct table *table, struct rng *rng, struct table_place *place)
{
    enum { TRIES_MAX = 128, PLACES_MORE = 6 };
    uint32_t buckets = nodes_of(table)->count;
    if (*table->count == 0)
        return false;
    uint64_t bound = *table->count / buckets * 2 + PLACES_MORE;
    uint32_t number = 0;
    for (int i = 0; i < TRIES_MAX; i++) {
        number = (uint32_t)rng_below(rng, buckets);
        uint64_t index = rng_below(rng, bound);
        const struct node *node = bucket_at(table, number);
        uint64_t elements = node == NULL ? 0 : elements_in(table, node);
        if (elements > bound)
            index = rng_below(rng, elements);
        if (index < elements) {
            place_at(table, number, index, place);
            return true;
        }
    }
    number = taken_from(table, number);
    place_at(table, number, rng_below(rng, elements_in(table, bucket_at(table, number))), place);
    return true;
}

/* --- verification ----------------------------------------------------------------------------- */

static bool bucket_valid(const struct table *table, uint32_t number, uint64_t *elements)
{
    const struct node *node = bucket_at(table, number);
    if (node == NULL)
        return true;
    size_t offset = 0;
    for (; offset < node->used; ++*elements) {
        uint64_t hash = table->ops->hash(table->space, node->at + offset);
        if (linear_bucket(hash, nodes_of(table)->count) != number)
            return false;
        offset += table->ops->bytes(node->at + offset);
    }
    return offset > 0 && offset == node->used;
}

bool table_valid(const struct table *table)
{
    uint64_t elements = 0;
    uint32_t count = nodes_of(table)->count;
    for (uint32_t number = 0; number < count; number++)
        if (!bucket_valid(table, number, &elements))
            return false;
    return count > 0 && elements == *table->count;
}
