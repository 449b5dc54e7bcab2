/* Values whose elements are strings of their own, and the table of all types. */
#include "base/number.h"
#include "persist/rdb_take.h"

#include <math.h>

/* A string is told in pieces of this length, unless it must be in memory whole. */
enum { PIECE_BYTES = 64 * 1024 };

/* One piece at least, if it is an empty one. */
static bool tell_pieces(struct rdb_reader *reader, uint64_t left)
{
    do {
        size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        reader->text.count = 0;
        if (!buffer_reserve(&reader->text, piece))
            return rdb_fail_memory(reader);
        if (!rdb_take(reader, reader->text.at, piece))
            return false;
        reader->text.count = piece;
        if (!rdb_tell(reader,
                      &(struct part){ .kind = PART_TEXT, .text = buffer_view(&reader->text) }))
            return false;
        left -= piece;
    } while (left > 0);
    return true;
}

static bool take_string(struct rdb_reader *reader, unsigned type)
{
    struct rdb_string string;
    (void)type;
    if (!rdb_take_string_head(reader, &string))
        return false;
    reader->facts.summary.count = string.count;
    if (!rdb_tell_key(reader))
        return false;
    if (string.plain)
        return tell_pieces(reader, string.count);
    return rdb_take_string_rest(reader, &string, &reader->text) &&
           rdb_tell(reader,
                    &(struct part){ .kind = PART_TEXT, .text = buffer_view(&reader->text) });
}

/* How many elements follow. */
static bool take_count(struct rdb_reader *reader, uint64_t *count)
{
    if (!rdb_take_count(reader, count))
        return false;
    reader->facts.summary.count = *count;
    return true;
}

/* Lists and sets. */
static bool take_strings(struct rdb_reader *reader, unsigned type)
{
    enum part_kind kind = type == RDB_LIST ? PART_ITEM : PART_MEMBER;
    uint64_t count;
    if (!take_count(reader, &count))
        return false;
    while (count-- > 0) {
        if (!rdb_take_string(reader, &reader->text) ||
            !rdb_tell(reader, &(struct part){ .kind = kind, .text = buffer_view(&reader->text) }))
            return false;
    }
    return true;
}

static bool take_score(struct rdb_reader *reader, double *score)
{
    uint64_t bits;
    if (!rdb_take_u64(reader, &bits))
        return false;
    memcpy(score, &bits, sizeof bits);
    return !isnan(*score) || rdb_fail(reader, "a score that is no number");
}

/* A byte says how long the text is, or that it is no finite number. */
static bool take_score_text(struct rdb_reader *reader, double *score)
{
    uint8_t text[256];
    unsigned count;
    if (!rdb_take_byte(reader, &count))
        return false;
    if (count >= 254) {
        *score = count == 254 ? INFINITY : -INFINITY;
        return true;
    }
    if (count == 253 || !rdb_take(reader, text, count))
        return rdb_fail(reader, "a score that is no number");
    return number_read_double(bytes_of(text, count), score) ||
           rdb_fail(reader, "a score that is no number");
}

static bool take_sorted_set(struct rdb_reader *reader, unsigned type)
{
    uint64_t count;
    if (!take_count(reader, &count))
        return false;
    while (count-- > 0) {
        struct part part = { .kind = PART_SCORED };
        if (!rdb_take_string(reader, &reader->text) ||
            !(type == RDB_ZSET ? take_score_text : take_score)(reader, &part.score))
            return false;
        part.text = buffer_view(&reader->text);
        if (!rdb_tell(reader, &part))
            return false;
    }
    return true;
}

/* An expiry is counted from the first, which is 1; 0 is none. Before that form was settled, it was
 * the time itself. */
static bool take_expiry(struct rdb_reader *reader, uint64_t first, int64_t *expiry)
{
    uint64_t number;
    if (!rdb_take_length(reader, &number))
        return false;
    if (number == 0)
        return true;
    if (number >= RDB_FIELD_EXPIRY_END || first >= RDB_FIELD_EXPIRY_END ||
        number + first >= RDB_FIELD_EXPIRY_END)
        return rdb_fail(reader, "a field's expiry out of range");
    *expiry = (int64_t)(number + first);
    return true;
}

static bool take_field(struct rdb_reader *reader, struct part *part)
{
    if (!rdb_take_string(reader, &reader->text) || !rdb_take_string(reader, &reader->more))
        return false;
    part->text = buffer_view(&reader->text);
    part->value = buffer_view(&reader->more);
    return rdb_tell(reader, part);
}

static bool take_hash(struct rdb_reader *reader, unsigned type)
{
    uint64_t count, first = 1;
    bool expiries = type != RDB_HASH;
    if (type == RDB_HASH_METADATA && !rdb_take_u64(reader, &first))
        return false;
    if (type == RDB_HASH_METADATA_PRE_GA)
        first = 1;
    if (!take_count(reader, &count))
        return false;
    while (count-- > 0) {
        struct part part = { .kind = PART_FIELD, .expiry = VALUE_NEVER };
        if ((expiries && !take_expiry(reader, first - 1, &part.expiry)) ||
            !take_field(reader, &part))
            return false;
    }
    return true;
}

/* --- quicklists ------------------------------------------------------------------------------- */

static bool take_list_node(struct rdb_reader *reader, unsigned type)
{
    uint64_t container = RDB_NODE_PACKED;
    if (type == RDB_LIST_QUICKLIST_2 && !rdb_take_length(reader, &container))
        return false;
    if (container != RDB_NODE_PACKED && container != RDB_NODE_PLAIN)
        return rdb_fail(reader, "a list's node of no known form");
    if (!rdb_take_string(reader, &reader->node))
        return false;
    if (container == RDB_NODE_PACKED)
        return rdb_tell_items(reader, buffer_view(&reader->node), type);
    return rdb_tell(reader,
                    &(struct part){ .kind = PART_ITEM, .text = buffer_view(&reader->node) });
}

static bool take_quicklist(struct rdb_reader *reader, unsigned type)
{
    uint64_t nodes;
    if (!rdb_take_count(reader, &nodes))
        return false;
    while (nodes-- > 0) {
        if (!take_list_node(reader, type))
            return false;
    }
    return true;
}

/* --- all types -------------------------------------------------------------------------------- */

struct type_row {
    bool (*take)(struct rdb_reader *reader, unsigned type);
    uint8_t value; /* enum value_type */
};

static const struct type_row TYPES[] = {
    [RDB_STRING] = { take_string, VALUE_STRING },
    [RDB_LIST] = { take_strings, VALUE_LIST },
    [RDB_SET] = { take_strings, VALUE_SET },
    [RDB_ZSET] = { take_sorted_set, VALUE_ZSET },
    [RDB_HASH] = { take_hash, VALUE_HASH },
    [RDB_ZSET_2] = { take_sorted_set, VALUE_ZSET },
    [RDB_MODULE_PRE_GA] = { rdb_take_module, VALUE_TYPES },
    [RDB_MODULE_2] = { rdb_take_module, VALUE_TYPES },
    [RDB_HASH_ZIPMAP] = { rdb_take_packed, VALUE_HASH },
    [RDB_LIST_ZIPLIST] = { rdb_take_packed, VALUE_LIST },
    [RDB_SET_INTSET] = { rdb_take_packed, VALUE_SET },
    [RDB_ZSET_ZIPLIST] = { rdb_take_packed, VALUE_ZSET },
    [RDB_HASH_ZIPLIST] = { rdb_take_packed, VALUE_HASH },
    [RDB_LIST_QUICKLIST] = { take_quicklist, VALUE_LIST },
    [RDB_STREAM_LISTPACKS] = { rdb_take_stream, VALUE_STREAM },
    [RDB_HASH_LISTPACK] = { rdb_take_packed, VALUE_HASH },
    [RDB_ZSET_LISTPACK] = { rdb_take_packed, VALUE_ZSET },
    [RDB_LIST_QUICKLIST_2] = { take_quicklist, VALUE_LIST },
    [RDB_STREAM_LISTPACKS_2] = { rdb_take_stream, VALUE_STREAM },
    [RDB_SET_LISTPACK] = { rdb_take_packed, VALUE_SET },
    [RDB_STREAM_LISTPACKS_3] = { rdb_take_stream, VALUE_STREAM },
    [RDB_HASH_METADATA_PRE_GA] = { take_hash, VALUE_HASH },
    [RDB_HASH_LISTPACK_EX_PRE_GA] = { rdb_take_packed, VALUE_HASH },
    [RDB_HASH_METADATA] = { take_hash, VALUE_HASH },
    [RDB_HASH_LISTPACK_EX] = { rdb_take_packed, VALUE_HASH },
};

/* Redis passes over collections without elements, which some versions have written. */
bool rdb_take_value(struct rdb_reader *reader, unsigned type)
{
    const struct rdb_handler *handler = reader->handler;
    if (type >= sizeof TYPES / sizeof *TYPES || TYPES[type].take == NULL)
        return rdb_fail(reader, "a type that is not known here");
    reader->facts.type = TYPES[type].value;
    if (!TYPES[type].take(reader, type))
        return false;
    if (!reader->told)
        return !reader->dump || rdb_fail(reader, "a collection without elements");
    return handler->value_end == NULL || rdb_told(reader, handler->value_end(handler->context));
}
