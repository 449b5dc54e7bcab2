/* Lists of items. What a list is called goes by all of it, as when Redis has loaded one. */
#include "types/list.h"
#include "types/making.h"

enum err list_make_begin(struct value_making *making)
{
    making->edit.value.encoding = LIST_LISTPACK;
    return ERR_NONE;
}

enum err list_make_part(struct value_making *making, const struct part *part)
{
    if (part->kind != PART_ITEM)
        return ERR_SYNTAX;
    return list_push(&making->edit, LIST_TAIL, part->text);
}

enum err list_make_end(struct value_making *making)
{
    if (making->elements > 0)
        list_name_choose(&making->edit);
    return making_whole(making);
}
