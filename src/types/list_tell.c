/* Lists, item by item. */
#include "types/big.h"
#include "types/list.h"
#include "types/telling.h"

uint32_t list_root_id(const struct value *value)
{
    return value->encoding == LIST_BIG ? big_id(value) : 0;
}

void list_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    struct list list;
    uint32_t id = list_root_id(value);
    if (id != 0) {
        summary->count = past_root(space, id)->count;
        return;
    }
    list_open(space, value, &list);
    summary->count = list.count;
}

static void tell_run(const struct value_telling *telling, const uint8_t *at, const uint8_t *end)
{
    uint8_t digits[NUMBER_I64_MAX];
    for (; at < end; at = item_next(at))
        tell_text(telling, PART_ITEM, packed_view(telling->space, at, digits));
}

bool list_tell(struct value_telling *telling)
{
    uint32_t id = list_root_id(&telling->value);
    if (id == 0) {
        struct bytes body = telling->value.body;
        if (body.count > LIST_SMALL_HEADER)
            tell_run(telling, body.at + LIST_SMALL_HEADER, body.at + body.count);
        return true;
    }
    if (telling->stage++ == 0) {
        const struct root *root = past_root(telling->space, id);
        const struct list_more *more = root_more(root);
        past_tree_begin(&telling->walk, root, 0, &more->tree);
    }
    const struct node *leaf = past_tree_next(&telling->walk, telling->space);
    if (leaf != NULL)
        tell_run(telling, list_leaf_begin(leaf), list_leaf_end(leaf));
    return leaf == NULL;
}
