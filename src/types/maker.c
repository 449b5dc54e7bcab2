#include "base/memory.h"
#include "types/big.h"
#include "types/making.h"

struct maker {
    struct value_making making;
    const struct type_ops *ops;
    enum err err; /* the first that happened: nothing is taken any more */
    bool finished;
};

struct maker *maker_new(struct space *space, unsigned type, uint64_t expected)
{
    const struct type_ops *ops = type_ops(type);
    ENSURE(ops != NULL);
    struct maker *maker = memory_take_zeroed(sizeof *maker);
    if (maker == NULL)
        return NULL;
    maker->ops = ops;
    maker->making.space = space;
    maker->making.expected = expected;
    arena_init(&maker->making.arena);
    edit_new(&maker->making.edit, space, &maker->making.arena, type, 0);
    if (ops->make_begin(&maker->making) == ERR_NONE)
        return maker;
    maker_drop(maker);
    return NULL;
}

/* There may have been a safe point since the last part, and what is big is not in the arena. */
static void go_on(struct value_making *making)
{
    struct value_edit *edit = &making->edit;
    if (edit->root == NULL)
        return;
    edit->root = big_root(making->space, &edit->value);
    arena_reset(&making->arena);
}

enum err maker_take(struct maker *maker, const struct part *part)
{
    ENSURE(!maker->finished);
    if (part->text.count > MAKING_TEXT_MAX || part->value.count > MAKING_TEXT_MAX)
        maker->err = ERR_SYNTAX;
    if (maker->err != ERR_NONE)
        return maker->err;
    go_on(&maker->making);
    maker->err = maker->ops->make_part(&maker->making, part);
    maker->making.elements++;
    return maker->err;
}

enum err maker_finish(struct maker *maker, struct value *value, struct buffer *body)
{
    struct value_making *making = &maker->making;
    ENSURE(!maker->finished);
    if (maker->err != ERR_NONE)
        return maker->err;
    go_on(making);
    maker->err = maker->ops->make_end(making);
    if (maker->err != ERR_NONE)
        return maker->err;
    const struct value *made = &making->edit.value;
    if (!buffer_append(body, made->body)) {
        maker->err = ERR_MEMORY;
        return ERR_MEMORY;
    }
    *value = *made;
    value->body.at = body->at + body->count - made->body.count;
    maker->finished = true;
    return ERR_NONE;
}

void maker_drop(struct maker *maker)
{
    if (maker == NULL)
        return;
    struct value_making *making = &maker->making;
    if (!maker->finished && making->edit.value.body.count > 0)
        value_drop(making->space, &making->edit.value);
    buffer_release(&making->string.text);
    arena_release(&making->arena);
    memory_give(maker);
}
