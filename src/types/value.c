#include "types/value.h"

#include "types/string.h"

static const struct type_ops *const type_rows[VALUE_TYPES] = {
    [VALUE_STRING] = &string_ops,
};

const struct type_ops *type_ops(unsigned type)
{
    return type < VALUE_TYPES ? type_rows[type] : NULL;
}

void value_drop(struct heap *heap, const struct value *value)
{
    uint64_t cursor = 0;
    while (!type_ops(value->type)->free_step(heap, value, &cursor))
        continue;
}
