/* Hashes of fields. Those that have expired are fields too: whoever loads decides about them. */
#include "types/hash.h"
#include "types/making.h"

enum err hash_make_begin(struct value_making *making)
{
    making->edit.value.encoding = HASH_SMALL;
    return hash_begin(&making->edit) ? ERR_NONE : ERR_MEMORY;
}

enum err hash_make_part(struct value_making *making, const struct part *part)
{
    const int64_t all_live = INT64_MIN;
    struct value_edit *edit = &making->edit;
    enum hash_outcome outcome;
    bool expires = part->expiry != VALUE_NEVER;
    if (part->kind != PART_FIELD ||
        (expires && (part->expiry < 0 || part->expiry > HASH_EXPIRY_MAX)))
        return ERR_SYNTAX;
    if (expires && edit->root != NULL) {
        if (!hash_allow_expiries(edit->space, edit->root))
            return ERR_MEMORY;
        edit->value.encoding |= HASH_EXPIRING;
    }
    int64_t expiry = expires ? part->expiry : HASH_NO_EXPIRY;
    enum err err = hash_set(edit, all_live, part->text, part->value, expiry, &outcome);
    return err == ERR_NONE && outcome != HASH_ADDED ? ERR_SYNTAX : err;
}

enum err hash_make_end(struct value_making *making)
{
    hash_settle(&making->edit);
    return making_whole(making);
}
