/* What OBJECT ENCODING says of a list: "listpack" while all of it would fit in one node of Redis's,
 * "quicklist" from then on, and "listpack" again when it has shrunk to half of that. The bytes are
 * those of Redis's listpack of the same items, computed; nothing of it is stored. A quicklist of
 * Redis becomes a listpack only when one node is left of it; here all items count. */
#include "types/limits.h"
#include "types/list.h"

enum {
    LISTPACK_FRAME = 7,         /* header and end */
    LISTPACK_SAFE_BYTES = 8192, /* where the limit is a number of items */
    SIZE_LEVELS = 5,
};

/* --- the size of a listpack ------------------------------------------------------------------- */

static uint64_t with_back_length(uint64_t bytes)
{
    enum { DIGIT_BITS = 7 };
    uint64_t length = 1;
    for (uint64_t rest = bytes >> DIGIT_BITS; rest > 0; rest >>= DIGIT_BITS)
        length++;
    return bytes + length;
}

static uint64_t integer_entry_bytes(int64_t number)
{
    if (number >= 0 && number <= 127)
        return 1;
    if (number >= -4096 && number <= 4095)
        return 2;
    if (number >= INT16_MIN && number <= INT16_MAX)
        return 3;
    if (number >= -(1 << 23) && number < 1 << 23)
        return 4;
    return number >= INT32_MIN && number <= INT32_MAX ? 5 : 9;
}

static uint64_t string_entry_bytes(uint64_t count)
{
    if (count < 64)
        return 1 + count;
    return count < 4096 ? 2 + count : 5 + count;
}

uint64_t list_entry_bytes(const struct space *space, const uint8_t *at)
{
    return with_back_length(packed_is_integer(at)
                                ? integer_entry_bytes(packed_integer(at))
                                : string_entry_bytes(packed_text_bytes(space, at)));
}

static uint64_t walk_bytes(const struct list *list)
{
    uint64_t bytes = LISTPACK_FRAME;
    struct list_cursor cursor;
    if (list->count == 0)
        return bytes;
    list_seek(list, 0, &cursor);
    do
        bytes += list_entry_bytes(list->space, cursor.at);
    while (list_forward(&cursor));
    return bytes;
}

static uint64_t own_bytes(const struct list *list)
{
    return list->root != NULL ? list_more(list->root)->item_bytes : list->body.count;
}

/* Bounds that need no walk: an integer of five bytes takes seven here and ten there; one of a
 * single byte three and two. Runs (15 bytes here) are left to the walk. */
static uint64_t most_bytes(const struct list *list)
{
    if (list->root != NULL && list->root->outside > 0)
        return UINT64_MAX;
    return own_bytes(list) * 10 / 7 + LISTPACK_FRAME + 1;
}

static uint64_t least_bytes(const struct list *list)
{
    return own_bytes(list) * 2 / 3;
}

/* Kept for the next time; pushes and pops keep it up to date, other changes forget it. */
static uint64_t listpack_bytes(const struct list *list)
{
    if (list->root == NULL)
        return walk_bytes(list);
    struct list_more *more = list_more(list->root);
    if (more->listpack_bytes == 0)
        more->listpack_bytes = walk_bytes(list);
    return more->listpack_bytes;
}

/* --- the limit -------------------------------------------------------------------------------- */

struct name_limit {
    uint64_t bytes, count;
    bool by_count;
};

static struct name_limit limit_of(const struct space *space)
{
    static const uint64_t levels[SIZE_LEVELS] = { 4096, 8192, 16384, 32768, 65536 };
    int64_t size = space->limits->list_listpack_size;
    if (size >= 0)
        return (struct name_limit){ LISTPACK_SAFE_BYTES, size == 0 ? 1 : (uint64_t)size, true };
    uint64_t level = size < -SIZE_LEVELS ? SIZE_LEVELS - 1 : (uint64_t)(-size - 1);
    return (struct name_limit){ levels[level], UINT64_MAX, false };
}

/* --- names ------------------------------------------------------------------------------------ */

bool list_is_quicklist(const struct space *space, const struct value *value)
{
    struct list list;
    if (value->encoding != LIST_BIG)
        return value->encoding == LIST_QUICKLIST;
    list_open((struct space *)(uintptr_t)space, value, &list);
    return (list.root->flags & LIST_IS_QUICKLIST) != 0;
}

static bool edit_is_quicklist(const struct value_edit *edit)
{
    return edit->root != NULL ? (edit->root->flags & LIST_IS_QUICKLIST) != 0
                              : edit->value.encoding == LIST_QUICKLIST;
}

static void set_name(struct value_edit *edit, bool quicklist)
{
    if (edit->root == NULL) {
        edit->value.encoding = quicklist ? LIST_QUICKLIST : LIST_LISTPACK;
        return;
    }
    edit->root->flags = quicklist ? LIST_IS_QUICKLIST : 0;
    if (quicklist)
        list_more(edit->root)->listpack_bytes = 0;
}

static bool passes(const struct list *list, const struct name_limit *limit, uint64_t more_bytes,
                   uint64_t more_count)
{
    if (limit->by_count && list->count + more_count > limit->count)
        return true;
    uint64_t most = most_bytes(list);
    if (most < UINT64_MAX - more_bytes && most + more_bytes <= limit->bytes)
        return false;
    return listpack_bytes(list) + more_bytes > limit->bytes;
}

void list_name_growing(struct value_edit *edit, uint64_t bytes, uint64_t count)
{
    struct list list;
    if (edit_is_quicklist(edit))
        return;
    struct name_limit limit = limit_of(edit->space);
    list_of_edit(edit, &list);
    if (passes(&list, &limit, bytes, count))
        set_name(edit, true);
}

void list_name_shrunk(struct value_edit *edit)
{
    struct name_limit limit = limit_of(edit->space);
    struct list list;
    if (!edit_is_quicklist(edit))
        return;
    list_of_edit(edit, &list);
    if (limit.by_count) {
        if (list.count <= limit.count / 2 && (list.root == NULL || list.root->outside == 0))
            set_name(edit, false);
        return;
    }
    if (least_bytes(&list) <= limit.bytes / 2 && listpack_bytes(&list) <= limit.bytes / 2)
        set_name(edit, false);
}

void list_name_choose(struct value_edit *edit)
{
    struct name_limit limit = limit_of(edit->space);
    struct list list;
    list_of_edit(edit, &list);
    set_name(edit, passes(&list, &limit, 0, 0));
}
