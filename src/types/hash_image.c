/* Hashes as one run of bytes, and back:
 *
 *   names 1 | count 8 | count times: expiry 8, bytes 8, field, bytes 8, value
 *
 * A small hash keeps its order. The pairs of a big one come in the order of their reversed hashes,
 * so that the same hash gives the same image however many buckets it has. */
#include "types/hash_pairs.h"

#include "base/memory.h"

#include <stdlib.h>

enum { IMAGE_EX = 1, IMAGE_TABLE = 2, NUMBER_BYTES = 8 };

/* --- encoding --------------------------------------------------------------------------------- */

struct sorted_pair {
    uint64_t order;
    const uint8_t *at;
};

struct encoding {
    const struct space *space;
    struct buffer *image;
    struct sorted_pair *bucket;
    size_t count, room;
    bool failed;
};

static bool append_number(struct buffer *image, uint64_t number)
{
    return buffer_append(image, bytes_of(&number, NUMBER_BYTES));
}

static bool append_string(struct encoding *encoding, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes text = packed_view(encoding->space, at, digits);
    return append_number(encoding->image, text.count) && buffer_append(encoding->image, text);
}

static bool append_pair(void *context, const struct hash_pair *pair)
{
    struct encoding *encoding = context;
    encoding->failed =
        encoding->failed || !append_number(encoding->image, (uint64_t)pair->expiry) ||
        !append_string(encoding, pair->field) || !append_string(encoding, pair->value);
    return !encoding->failed;
}

static void gather(void *context, const struct hash_pair *pair)
{
    struct encoding *encoding = context;
    if (encoding->count == encoding->room && !encoding->failed) {
        size_t room = encoding->room == 0 ? 64 : encoding->room * 2;
        void *more = memory_resize(encoding->bucket, room * sizeof *encoding->bucket);
        encoding->failed = more == NULL;
        if (more != NULL) {
            encoding->bucket = more;
            encoding->room = room;
        }
    }
    if (encoding->failed)
        return;
    uint64_t order = linear_reverse(packed_hash(encoding->space, pair->field));
    encoding->bucket[encoding->count++] = (struct sorted_pair){ order, pair->at };
}

static int by_order(const void *one, const void *other)
{
    uint64_t a = ((const struct sorted_pair *)one)->order;
    uint64_t b = ((const struct sorted_pair *)other)->order;
    return a < b ? -1 : a > b;
}

/* SCAN's cursor goes through the buckets in that order already. */
static void encode_big(const struct hash *hash, struct encoding *encoding)
{
    uint64_t cursor = 0;
    do {
        encoding->count = 0;
        cursor = hash_scan(hash, cursor, gather, encoding);
        if (encoding->count > 1)
            qsort(encoding->bucket, encoding->count, sizeof *encoding->bucket, by_order);
        for (size_t i = 0; i < encoding->count && !encoding->failed; i++) {
            struct hash_pair pair = pair_at(encoding->bucket[i].at);
            append_pair(encoding, &pair);
        }
    } while (cursor != 0 && !encoding->failed);
    memory_give(encoding->bucket);
}

enum err hash_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct hash hash;
    struct encoding encoding = { .space = space, .image = image };
    hash_view(&hash, space, value, INT64_MIN); /* what has expired too */
    unsigned names = hash.root != NULL ? hash.root->flags : hash_word(hash.body);
    uint8_t byte = (uint8_t)((names & HASH_NAMED_EX ? IMAGE_EX : 0) |
                             (names & HASH_NAMED_TABLE ? IMAGE_TABLE : 0));
    if (!buffer_append_byte(image, byte) || !append_number(image, hash_count(&hash)))
        return ERR_MEMORY;
    if (hash.root != NULL)
        encode_big(&hash, &encoding);
    else
        hash_each(&hash, append_pair, &encoding);
    return encoding.failed ? ERR_MEMORY : ERR_NONE;
}

/* --- decoding --------------------------------------------------------------------------------- */

struct image_pair {
    struct bytes field, value;
    int64_t expiry;
};

static bool take_number(struct bytes *image, uint64_t *number)
{
    if (image->count < NUMBER_BYTES)
        return false;
    memcpy(number, image->at, NUMBER_BYTES);
    *image = bytes_of(image->at + NUMBER_BYTES, image->count - NUMBER_BYTES);
    return true;
}

static bool take_string(struct bytes *image, struct bytes *text)
{
    uint64_t count;
    if (!take_number(image, &count) || count > image->count)
        return false;
    *text = bytes_of(image->at, (size_t)count);
    *image = bytes_of(image->at + count, image->count - (size_t)count);
    return true;
}

static bool take_pair(struct bytes *image, struct image_pair *pair)
{
    const int64_t most = ((int64_t)1 << 47) - 1;
    uint64_t expiry;
    if (!take_number(image, &expiry) || !take_string(image, &pair->field) ||
        !take_string(image, &pair->value))
        return false;
    pair->expiry = (int64_t)expiry;
    return pair->expiry == HASH_NO_EXPIRY || (pair->expiry >= -most && pair->expiry <= most);
}

struct plan {
    uint64_t count;
    unsigned names;
    bool expiring, big;
    struct bytes pairs;
};

/* Reads the image through once: whether it is one, and which form its hash gets. */
static bool make_plan(struct bytes image, struct plan *plan)
{
    if (image.count == 0 || image.at[0] > (IMAGE_EX | IMAGE_TABLE))
        return false;
    plan->names = (image.at[0] & IMAGE_EX ? (unsigned)HASH_NAMED_EX : 0) |
                  (image.at[0] & IMAGE_TABLE ? (unsigned)HASH_NAMED_TABLE : 0);
    image = bytes_of(image.at + 1, image.count - 1);
    if (!take_number(&image, &plan->count) || plan->count == 0)
        return false;
    plan->pairs = image;
    uint64_t packed = HASH_WORD_BYTES;
    for (uint64_t i = 0; i < plan->count; i++) {
        struct image_pair pair;
        struct packed_item field, value;
        if (!take_pair(&image, &pair))
            return false;
        packed_sought(pair.field, &field);
        packed_sought(pair.value, &value);
        packed += packed_item_bytes(&field) + packed_item_bytes(&value);
        if (pair.expiry != HASH_NO_EXPIRY) {
            packed += PAIR_MARK_BYTES;
            plan->expiring = true;
        }
    }
    plan->big = packed > VALUE_SMALL_MAX || plan->count > HASH_SMALL_PAIRS_MAX;
    return image.count == 0;
}

static enum err append_packed(struct space *space, const struct image_pair *pair,
                              struct buffer *body, size_t from)
{
    struct hash_place place;
    struct packed_item field, value;
    uint8_t mark[PAIR_MARK_BYTES];
    struct hash hash = { .space = space,
                         .body = bytes_of(body->at + from, body->count - from),
                         .now_ms = INT64_MIN };
    if (hash_get(&hash, pair->field, &place))
        return ERR_SYNTAX; /* a field twice */
    packed_sought(pair->field, &field);
    packed_sought(pair->value, &value);
    size_t bytes = (size_t)(pair_write_mark(mark, pair->expiry) - mark);
    return buffer_append(body, bytes_of(mark, bytes)) &&
                   buffer_append(body, bytes_of(field.head, field.head_bytes)) &&
                   buffer_append(body, field.tail) &&
                   buffer_append(body, bytes_of(value.head, value.head_bytes)) &&
                   buffer_append(body, value.tail)
               ? ERR_NONE
               : ERR_MEMORY;
}

static enum err decode_small(struct space *space, const struct plan *plan, struct buffer *body)
{
    size_t from = body->count;
    uint8_t word[HASH_WORD_BYTES];
    struct bytes image = plan->pairs;
    hash_write_word(word, (unsigned)plan->count | plan->names);
    if (!buffer_append(body, bytes_of(word, sizeof word)))
        return ERR_MEMORY;
    enum err err = ERR_NONE;
    for (uint64_t i = 0; i < plan->count && err == ERR_NONE; i++) {
        struct image_pair pair;
        ENSURE(take_pair(&image, &pair)); /* as it was when planned */
        err = append_packed(space, &pair, body, from);
    }
    if (err != ERR_NONE)
        body->count = from;
    return err;
}

static enum err decode_big(struct space *space, const struct plan *plan, struct buffer *body)
{
    struct root *root = hash_root_new(space, plan->names, plan->expiring);
    if (root == NULL)
        return ERR_MEMORY;
    struct value_edit edit = { .space = space, .root = root };
    struct bytes image = plan->pairs;
    enum err err = ERR_NONE;
    for (uint64_t i = 0; i < plan->count && err == ERR_NONE; i++) {
        struct image_pair pair;
        enum hash_outcome outcome;
        ENSURE(take_pair(&image, &pair));
        err = hash_set(&edit, INT64_MIN, pair.field, pair.value, pair.expiry, &outcome);
        if (err == ERR_NONE && outcome == HASH_REPLACED)
            err = ERR_SYNTAX;
    }
    root->flags = (uint16_t)plan->names; /* and not by the options of today */
    uint32_t id = root->head.id;
    if (err == ERR_NONE && !buffer_append(body, bytes_of(&id, sizeof id)))
        err = ERR_MEMORY;
    if (err != ERR_NONE)
        big_drop(space, root, &hash_big_ops);
    return err;
}

enum err hash_decode(struct space *space, struct bytes image, struct value *value,
                     struct buffer *body)
{
    struct plan plan = { 0 };
    size_t from = body->count;
    if (!make_plan(image, &plan))
        return ERR_SYNTAX;
    if (plan.expiring)
        plan.names |= HASH_NAMED_EX;
    enum err err = plan.big ? decode_big(space, &plan, body) : decode_small(space, &plan, body);
    if (err != ERR_NONE)
        return err;
    unsigned encoding = (plan.big ? HASH_BIG : HASH_SMALL) | (plan.expiring ? HASH_EXPIRING : 0);
    *value = (struct value){ VALUE_HASH, (uint8_t)encoding,
                             bytes_of(body->at + from, body->count - from) };
    return ERR_NONE;
}
