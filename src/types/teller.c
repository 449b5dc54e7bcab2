#include "base/memory.h"
#include "types/telling.h"

struct teller {
    struct value_telling telling;
    const struct type_ops *ops;
};

struct teller *teller_new(struct space *space, const struct value *value)
{
    struct teller *teller = memory_take_zeroed(sizeof *teller);
    if (teller == NULL)
        return NULL;
    struct value_telling *telling = &teller->telling;
    teller->ops = type_ops(value->type);
    telling->space = space;
    telling->value = *value;
    if (value->body.count <= sizeof telling->own_body) {
        memcpy(telling->own_body, value->body.at, value->body.count);
        telling->value.body.at = telling->own_body;
    }
    return teller;
}

void teller_summary(const struct teller *teller, struct value_summary *summary)
{
    *summary = (struct value_summary){ .first_expiry = VALUE_NEVER };
    teller->ops->summarise(teller->telling.space, &teller->telling.value, summary);
}

bool teller_step(struct teller *teller, void (*visit)(void *context, const struct part *part),
                 void *context)
{
    teller->telling.visit = visit;
    teller->telling.context = context;
    return teller->ops->tell(&teller->telling);
}

bool teller_is_spoiled(const struct teller *teller)
{
    return teller->telling.spoiled;
}

void teller_drop(struct teller *teller)
{
    if (teller == NULL)
        return;
    uint32_t id = value_root_id(&teller->telling.value);
    if (id != 0)
        past_done(teller->telling.space, id);
    buffer_release(&teller->telling.ids);
    buffer_release(&teller->telling.inner_ids);
    memory_give(teller);
}
