/* Sorted sets, in their order. */
#include "types/telling.h"
#include "types/zset_big.h"

uint32_t zset_root_id(const struct value *value)
{
    return value->encoding == ZSET_BIG ? big_id(value) : 0;
}

void zset_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    uint32_t id = zset_root_id(value);
    summary->count = id != 0 ? past_root(space, id)->count : zset_view(space, value).count;
}

static void tell_pairs(const struct value_telling *telling, const uint8_t *at, const uint8_t *end)
{
    uint8_t digits[NUMBER_I64_MAX];
    while (at < end) {
        struct pair pair = pair_at(at);
        struct zset_item item = pair_item(telling->space, &pair, digits);
        struct part part = { .kind = PART_SCORED, .text = item.member, .score = item.score };
        tell_part(telling, &part);
        at = pair.end;
    }
}

bool zset_tell(struct value_telling *telling)
{
    uint32_t id = zset_root_id(&telling->value);
    if (id == 0) {
        struct bytes pairs = zset_view(telling->space, &telling->value).pairs;
        tell_pairs(telling, pairs.at, pairs.at + pairs.count);
        return true;
    }
    if (telling->stage++ == 0) {
        const struct root *root = past_root(telling->space, id);
        const struct tree_state *tree = root_more(root);
        past_tree_begin(&telling->walk, root, ZSET_LEAVES, tree);
    }
    const struct node *leaf = past_tree_next(&telling->walk, telling->space);
    if (leaf != NULL)
        tell_pairs(telling, leaf->at, leaf->at + leaf->used);
    return leaf == NULL;
}
