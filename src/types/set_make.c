/* Sets of members. A set that is announced with more members than an intset may have is a hashtable
 * from the first one on, also when they would fit a listpack: so it is when Redis loads one. */
#include "types/limits.h"
#include "types/making.h"
#include "types/set.h"

enum err set_make_begin(struct value_making *making)
{
    bool many = making->expected > INT64_MAX ||
                (int64_t)making->expected > making->space->limits->set_intset_entries;
    set_new(&making->edit, making->space, &making->arena, many ? SET_HASHTABLE : SET_INTSET);
    return ERR_NONE;
}

enum err set_make_part(struct value_making *making, const struct part *part)
{
    struct packed_item item;
    bool added;
    if (part->kind != PART_MEMBER)
        return ERR_SYNTAX;
    packed_sought(part->text, &item);
    enum err err = set_add(&making->edit, &item, &added);
    return err == ERR_NONE && !added ? ERR_SYNTAX : err;
}

enum err set_make_end(struct value_making *making)
{
    return making_whole(making);
}
