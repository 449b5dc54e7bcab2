/* Sets, member by member. */
#include "types/set_inside.h"
#include "types/telling.h"

uint32_t set_root_id(const struct value *value)
{
    return value->encoding == SET_BIG ? big_id(value) : 0;
}

void set_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    uint32_t id = set_root_id(value);
    summary->count = id != 0 ? past_root(space, id)->count : set_count(space, value);
}

static bool tell_member(void *context, const uint8_t *element)
{
    const struct value_telling *telling = context;
    uint8_t digits[NUMBER_I64_MAX];
    tell_text(telling, PART_MEMBER, packed_view(telling->space, element, digits));
    return true;
}

bool set_tell(struct value_telling *telling)
{
    uint32_t id = set_root_id(&telling->value);
    if (id == 0) {
        set_each(telling->space, &telling->value, tell_member, telling);
        return true;
    }
    const struct node *node = tell_bucket(telling, id, 0);
    if (node == NULL)
        return true;
    for (const uint8_t *at = node->at; at < node->at + node->used; at = packed_next(at))
        tell_member(telling, at);
    return false;
}
