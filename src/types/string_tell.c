/* Strings, piece by piece. */
#include "types/string.h"
#include "types/telling.h"

enum { PIECE_BYTES = 64 * 1024 };

void string_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    int64_t number;
    summary->count = string_count(space->heap, value);
    summary->integer = string_read_i64(space->heap, value, &number);
}

bool string_tell(struct value_telling *telling)
{
    struct string_scratch scratch;
    struct bytes text = string_view(telling->space->heap, &telling->value, &scratch);
    size_t left = text.count - telling->at, piece = left < PIECE_BYTES ? left : PIECE_BYTES;
    tell_text(telling, PART_TEXT, bytes_of(text.at + telling->at, piece));
    telling->at += piece;
    return telling->at == text.count;
}
