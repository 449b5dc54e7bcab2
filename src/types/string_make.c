/* Strings of pieces: short ones are gathered, long ones written where they stay. */
#include "types/making.h"

enum err string_make_begin(struct value_making *making)
{
    making->edit.value.encoding = STRING_RAW;
    return ERR_NONE;
}

/* Room for `count` bytes in a run. It becomes twice what has come, or at once what was announced
 * where that is less: then the run is taken once or twice, and no more is taken on trust. */
static enum err make_room(struct value_making *making, uint64_t count)
{
    struct making_string *string = &making->string;
    struct heap *heap = making->space->heap;
    uint64_t capacity = making->expected < 2 * count ? making->expected : 2 * count;
    uint8_t *at;
    if (capacity > MAKING_TEXT_MAX)
        capacity = MAKING_TEXT_MAX;
    if (capacity < count)
        capacity = count;
    if (string->capacity == 0) {
        enum err err =
            string_make_big(heap, (size_t)capacity, &string->scratch, &making->edit.value, &at);
        if (err != ERR_NONE)
            return err;
        if (string->count > 0)
            memcpy(at, string->text.at, (size_t)string->count);
        buffer_release(&string->text);
    } else if (string_big_resize(heap, string->scratch.at, (size_t)capacity) == NULL) {
        return ERR_MEMORY;
    }
    string->capacity = capacity;
    return ERR_NONE;
}

enum err string_make_part(struct value_making *making, const struct part *part)
{
    struct making_string *string = &making->string;
    uint64_t count = string->count + part->text.count;
    if (part->kind != PART_TEXT || count > MAKING_TEXT_MAX)
        return ERR_SYNTAX;
    if (count <= STRING_INLINE_MAX) {
        if (!buffer_append(&string->text, part->text))
            return ERR_MEMORY;
    } else {
        enum err err = count > string->capacity ? make_room(making, count) : ERR_NONE;
        if (err != ERR_NONE)
            return err;
        uint8_t *at = string_big_at(making->space->heap, string->scratch.at);
        if (part->text.count > 0)
            memcpy(at + string->count, part->text.at, part->text.count);
    }
    string->count = count;
    return ERR_NONE;
}

enum err string_make_end(struct value_making *making)
{
    struct making_string *string = &making->string;
    struct heap *heap = making->space->heap;
    if (making->elements == 0)
        return ERR_SYNTAX;
    if (string->capacity == 0)
        return string_make(heap, buffer_view(&string->text), &string->scratch, &making->edit.value);
    if (string->capacity > string->count &&
        string_big_resize(heap, string->scratch.at, (size_t)string->count) == NULL)
        return ERR_MEMORY;
    return ERR_NONE;
}
