#include "persist/rdb_items.h"
#include "persist/rdb_format.h"

enum { ZIPLIST_HEAD = 10, ZIPLIST_MANY = 65535, ZIPMAP_LONG = 254, INTSET_HEAD = 8, END = 255 };

static uint64_t load_little(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static int64_t load_signed(const uint8_t *at, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(load_little(at, bytes) << shift) >> shift;
}

/* Bytes that may be used: the last one is the mark of the end. */
static size_t room(const struct rdb_items *items)
{
    return items->bytes.count - 1 - items->at;
}

static bool ends_well(const struct rdb_items *items)
{
    return items->at == items->bytes.count - 1 &&
           (items->announced == UINT64_MAX || items->announced == items->told);
}

static void set_integer(struct rdb_item *item, int64_t value)
{
    item->integer = true;
    item->value = value;
    item->text = bytes_of(item->digits, number_write_i64(item->digits, value));
}

static void set_text(struct rdb_item *item, const uint8_t *at, size_t count)
{
    item->integer = false;
    item->text = bytes_of(at, count);
}

/* An item's form: bytes of its head, bytes that follow, or no such form (head 0). */
struct shape {
    unsigned head;
    uint64_t body;
    bool integer;
};

/* --- ziplists ---------------------------------------------------------------------------------
 * [bytes 4] [where the last item is 4] [items 2] then [bytes of the one before] [form] [text] ...
 * Numbers are little-endian but the lengths of strings. */

static struct shape ziplist_shape(const uint8_t *at, size_t left)
{
    unsigned first = at[0];
    if (first < 0x40)
        return (struct shape){ 1, first, false };
    if (first < 0x80)
        return (struct shape){ left < 2 ? 0 : 2, left < 2 ? 0 : (first & 63u) << 8 | at[1], false };
    if (first < 0xc0) {
        if (left < 5)
            return (struct shape){ 0 };
        uint64_t count =
            (uint64_t)at[1] << 24 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 8 | at[4];
        return (struct shape){ 5, count, false };
    }
    switch (first) {
    case 0xc0:
        return (struct shape){ 1, 2, true };
    case 0xd0:
        return (struct shape){ 1, 4, true };
    case 0xe0:
        return (struct shape){ 1, 8, true };
    case 0xf0:
        return (struct shape){ 1, 3, true };
    case 0xfe:
        return (struct shape){ 1, 1, true };
    default:
        return (struct shape){ first > 0xf0 && first < 0xfe ? 1 : 0, 0, true };
    }
}

static enum rdb_items_result ziplist_next(struct rdb_items *items, struct rdb_item *item)
{
    const uint8_t *at = items->bytes.at + items->at;
    size_t left = room(items), back = 1;
    uint64_t before = at[0];
    if (at[0] == END) {
        bool tail_fits = items->tail == items->at - items->before;
        return ends_well(items) && tail_fits ? RDB_ITEMS_END : RDB_ITEMS_BAD;
    }
    if (at[0] == 254) {
        if (left < 5)
            return RDB_ITEMS_BAD;
        before = load_little(at + 1, 4);
        back = 5;
    }
    if (before != items->before || left <= back)
        return RDB_ITEMS_BAD;
    at += back;
    left -= back;
    struct shape shape = ziplist_shape(at, left);
    if (shape.head == 0 || shape.body > left - shape.head)
        return RDB_ITEMS_BAD;
    if (!shape.integer)
        set_text(item, at + shape.head, (size_t)shape.body);
    else if (shape.body > 0)
        set_integer(item, load_signed(at + 1, (unsigned)shape.body));
    else
        set_integer(item, (at[0] & 15) - 1);
    items->before = back + shape.head + (size_t)shape.body;
    items->at += items->before;
    items->told++;
    return RDB_ITEMS_ONE;
}

static bool ziplist_open(struct rdb_items *items)
{
    const uint8_t *head = items->bytes.at;
    if (items->bytes.count < ZIPLIST_HEAD + 1 || load_little(head, 4) != items->bytes.count ||
        head[items->bytes.count - 1] != END)
        return false;
    items->next = ziplist_next;
    items->at = ZIPLIST_HEAD;
    items->tail = (size_t)load_little(head + 4, 4);
    items->announced = load_little(head + 8, 2);
    if (items->announced == ZIPLIST_MANY)
        items->announced = UINT64_MAX;
    return true;
}

/* --- listpacks --------------------------------------------------------------------------------
 * [bytes 4] [items 2] then [form] [text] [bytes of both, to be read backwards] ... */

static struct shape listpack_shape(const uint8_t *at, size_t left)
{
    unsigned first = at[0];
    if (first < 0x80)
        return (struct shape){ 1, 0, true };
    if (first < 0xc0)
        return (struct shape){ 1, first & 63, false };
    if (first < 0xe0)
        return (struct shape){ left < 2 ? 0 : 2, 0, true };
    if (first < 0xf0)
        return (struct shape){ left < 2 ? 0 : 2, left < 2 ? 0 : (first & 15u) << 8 | at[1], false };
    if (first == 0xf0)
        return (struct shape){ left < 5 ? 0 : 5, left < 5 ? 0 : load_little(at + 1, 4), false };
    if (first > 0xf4)
        return (struct shape){ 0 };
    return (struct shape){ 1, first == 0xf4 ? 8 : first - 0xf1 + 2, true };
}

static int64_t listpack_integer(const uint8_t *at, const struct shape *shape)
{
    if (shape->body > 0)
        return load_signed(at + 1, (unsigned)shape->body);
    if (shape->head == 1)
        return at[0];
    int64_t value = (at[0] & 31) << 8 | at[1];
    return value < 4096 ? value : value - 8192;
}

/* How many bytes say an item's length behind it; 0: they do not say that. */
static size_t back_length(const uint8_t *at, size_t left, uint64_t length)
{
    static const uint64_t ends[4] = { 128, 16383, 2097151, 268435455 };
    unsigned count = 1;
    while (count < 5 && length >= ends[count - 1])
        count++;
    if (left < count)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        if (at[i] != ((length >> 7 * (count - 1 - i) & 127) | (i > 0 ? 128u : 0)))
            return 0;
    }
    return count;
}

static enum rdb_items_result listpack_next(struct rdb_items *items, struct rdb_item *item)
{
    const uint8_t *at = items->bytes.at + items->at;
    size_t left = room(items);
    if (at[0] == END)
        return ends_well(items) ? RDB_ITEMS_END : RDB_ITEMS_BAD;
    struct shape shape = listpack_shape(at, left);
    if (shape.head == 0 || shape.head > left || shape.body > left - shape.head)
        return RDB_ITEMS_BAD;
    size_t length = shape.head + (size_t)shape.body;
    size_t back = back_length(at + length, left - length, length);
    if (back == 0)
        return RDB_ITEMS_BAD;
    if (shape.integer)
        set_integer(item, listpack_integer(at, &shape));
    else
        set_text(item, at + shape.head, (size_t)shape.body);
    items->at += length + back;
    items->told++;
    return RDB_ITEMS_ONE;
}

static bool listpack_open(struct rdb_items *items)
{
    const uint8_t *head = items->bytes.at;
    if (items->bytes.count < LISTPACK_HEAD + 1 || load_little(head, 4) != items->bytes.count ||
        head[items->bytes.count - 1] != LISTPACK_END)
        return false;
    items->next = listpack_next;
    items->at = LISTPACK_HEAD;
    items->announced = load_little(head + 4, 2);
    if (items->announced == LISTPACK_MANY)
        items->announced = UINT64_MAX;
    return true;
}

/* --- intsets: [bytes of an integer 4] [integers 4] and the integers --------------------------- */

static enum rdb_items_result intset_next(struct rdb_items *items, struct rdb_item *item)
{
    if (items->told == items->announced)
        return RDB_ITEMS_END;
    set_integer(item, load_signed(items->bytes.at + items->at, items->width));
    items->at += items->width;
    items->told++;
    return RDB_ITEMS_ONE;
}

static bool intset_open(struct rdb_items *items)
{
    if (items->bytes.count < INTSET_HEAD)
        return false;
    uint64_t width = load_little(items->bytes.at, 4);
    items->next = intset_next;
    items->at = INTSET_HEAD;
    items->width = (unsigned)width;
    items->announced = load_little(items->bytes.at + 4, 4);
    return (width == 2 || width == 4 || width == 8) &&
           items->bytes.count - INTSET_HEAD == items->announced * width;
}

/* --- zipmaps: [pairs 1] then [length] [field] [length] [bytes unused 1] [value] [unused] ------ */

static bool zipmap_length(struct rdb_items *items, size_t *count)
{
    size_t left = room(items);
    const uint8_t *at = items->bytes.at + items->at;
    if (left < 1 || (at[0] >= ZIPMAP_LONG && left < 5))
        return false;
    *count = at[0] < ZIPMAP_LONG ? at[0] : (size_t)load_little(at + 1, 4);
    items->at += at[0] < ZIPMAP_LONG ? 1 : 5;
    return true;
}

static enum rdb_items_result zipmap_next(struct rdb_items *items, struct rdb_item *item)
{
    size_t count, unused = 0;
    bool value = items->told % 2 == 1;
    if (!value && items->bytes.at[items->at] == END)
        return ends_well(items) ? RDB_ITEMS_END : RDB_ITEMS_BAD;
    if (items->bytes.at[items->at] == END || !zipmap_length(items, &count))
        return RDB_ITEMS_BAD;
    if (value) {
        if (room(items) < 1)
            return RDB_ITEMS_BAD;
        unused = items->bytes.at[items->at++];
    }
    if (count > room(items) || unused > room(items) - count)
        return RDB_ITEMS_BAD;
    set_text(item, items->bytes.at + items->at, count);
    items->at += count + unused;
    items->told++;
    return RDB_ITEMS_ONE;
}

static bool zipmap_open(struct rdb_items *items)
{
    const uint8_t *bytes = items->bytes.at;
    if (items->bytes.count < 2 || bytes[items->bytes.count - 1] != END)
        return false;
    items->next = zipmap_next;
    items->at = 1;
    items->announced = bytes[0] < ZIPMAP_LONG ? 2 * (uint64_t)bytes[0] : UINT64_MAX;
    return true;
}

bool rdb_items_open(struct rdb_items *items, enum rdb_items_form form, struct bytes bytes)
{
    *items = (struct rdb_items){ .bytes = bytes };
    switch (form) {
    case RDB_ITEMS_ZIPLIST:
        return ziplist_open(items);
    case RDB_ITEMS_LISTPACK:
        return listpack_open(items);
    case RDB_ITEMS_INTSET:
        return intset_open(items);
    case RDB_ITEMS_ZIPMAP:
    default:
        return zipmap_open(items);
    }
}
