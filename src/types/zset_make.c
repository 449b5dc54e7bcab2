/* Sorted sets of members, in whatever order: files of old servers have none. */
#include "types/making.h"
#include "types/zset.h"

#include <math.h>

enum err zset_make_begin(struct value_making *making)
{
    making->edit.value.encoding = ZSET_LISTPACK;
    return ERR_NONE;
}

enum err zset_make_part(struct value_making *making, const struct part *part)
{
    struct zset_result result;
    if (part->kind != PART_SCORED || isnan(part->score))
        return ERR_SYNTAX;
    if (making->elements == 0)
        zset_expect(&making->edit, 1, part->text.count);
    enum err err = zset_add(&making->edit, part->text, part->score, 0, &result);
    return err == ERR_NONE && result.outcome != ZSET_ADDED ? ERR_SYNTAX : err;
}

enum err zset_make_end(struct value_making *making)
{
    return making_whole(making);
}
