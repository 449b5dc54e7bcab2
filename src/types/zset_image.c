/* Sorted sets as the interface of types sees them.
 * The image: a byte for the name, then score and member of each in order, packed; a member with a
 * run as PACKED_RUN, its length (8 bytes), and its bytes. */
#include "types/limits.h"
#include "types/making.h"
#include "types/telling.h"
#include "types/zset_big.h"
#include "types/zset_small.h"

#include <stdio.h>

enum { RUN_HEAD = 9, DIGEST_SCORE_MAX = 32 };

static bool named_skiplist(const struct space *space, const struct value *value)
{
    if (value->encoding != ZSET_BIG)
        return value->encoding == ZSET_SKIPLIST;
    return (big_root(space, value)->flags & ZSET_NAMED_SKIPLIST) != 0;
}

static const char *zset_encoding_name(const struct space *space, const struct value *value)
{
    return named_skiplist(space, value) ? "skiplist" : "listpack";
}

/* --- out -------------------------------------------------------------------------------------- */

struct encoding {
    struct space *space;
    struct buffer *image;
    bool failed;
};

static bool encode_item(void *context, const struct zset_item *item, bool passing)
{
    struct encoding *encoding = context;
    struct pair_items parts;
    uint8_t run[RUN_HEAD] = { PACKED_RUN };
    (void)passing;
    packed_prepare_score(item->score, &parts.score);
    packed_sought(item->member, &parts.member);
    struct bytes head = bytes_of(parts.member.head, parts.member.head_bytes);
    if (head.at[0] == PACKED_RUN) {
        uint64_t count = item->member.count;
        memcpy(run + 1, &count, sizeof count);
        head = bytes_of(run, sizeof run);
    }
    encoding->failed =
        !buffer_append(encoding->image, bytes_of(parts.score.head, parts.score.head_bytes)) ||
        !buffer_append(encoding->image, head) ||
        (parts.member.tail.count > 0 && !buffer_append(encoding->image, parts.member.tail));
    return !encoding->failed;
}

static enum err zset_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct zset zset = zset_view(space, value);
    struct encoding encoding = { space, image, false };
    if (!buffer_append_byte(image, named_skiplist(space, value) ? ZSET_SKIPLIST : ZSET_LISTPACK))
        return ERR_MEMORY;
    zset_walk(&zset, 0, zset.count, false, &(struct zset_visitor){ encode_item, &encoding });
    return encoding.failed ? ERR_MEMORY : ERR_NONE;
}

/* --- in --------------------------------------------------------------------------------------- */

/* A pair of an image. */
struct image_pair {
    struct zset_item item;
    bool run;
    size_t bytes; /* in the image */
    uint8_t digits[NUMBER_I64_MAX];
};

static bool read_score(const uint8_t *at, size_t left, double *score, size_t *bytes)
{
    struct packed_item item;
    if (!packed_check(at, left, true) || (at[0] != PACKED_DOUBLE && !packed_is_integer(at)))
        return false;
    *score = packed_score(at);
    *bytes = packed_bytes(at);
    packed_prepare_score(*score, &item);
    return item.head_bytes == *bytes && memcmp(item.head, at, *bytes) == 0;
}

static bool read_run(const uint8_t *at, size_t left, struct bytes *member)
{
    uint64_t count;
    if (left < RUN_HEAD)
        return false;
    memcpy(&count, at + 1, sizeof count);
    if (count <= PACKED_INSIDE_MAX || count > left - RUN_HEAD)
        return false;
    *member = bytes_of(at + RUN_HEAD, (size_t)count);
    return true;
}

static bool read_pair(struct bytes image, size_t at, struct image_pair *pair)
{
    size_t left = image.count - at, score_bytes;
    const uint8_t *from = image.at + at;
    if (!read_score(from, left, &pair->item.score, &score_bytes) || score_bytes == left)
        return false;
    from += score_bytes;
    left -= score_bytes;
    pair->run = from[0] == PACKED_RUN;
    if (pair->run) {
        pair->bytes = score_bytes + RUN_HEAD;
        if (!read_run(from, left, &pair->item.member))
            return false;
        pair->bytes += pair->item.member.count;
        return true;
    }
    if (!packed_check(from, left, false))
        return false;
    pair->item.member = packed_view(NULL, from, pair->digits);
    pair->bytes = score_bytes + packed_bytes(from);
    return true;
}

struct image_facts {
    uint64_t count;
    bool runs;
};

/* Whether all pairs can be read and are in order. That no member comes twice is seen later. */
static bool pairs_in_order(struct bytes image, struct image_facts *facts)
{
    struct image_pair pairs[2];
    *facts = (struct image_facts){ 0 };
    for (size_t at = 0; at < image.count; facts->count++) {
        struct image_pair *pair = &pairs[facts->count % 2], *before = &pairs[1 - facts->count % 2];
        if (!read_pair(image, at, pair) ||
            (facts->count > 0 && zset_compare(&before->item, &pair->item) >= 0))
            return false;
        facts->runs = facts->runs || pair->run;
        at += pair->bytes;
    }
    return facts->count > 0;
}

static struct bytes pairs_of(struct bytes image)
{
    return bytes_of(image.at + 1, image.count - 1);
}

/* In pairs that are in order no member comes twice. */
static bool members_differ(const struct space *space, struct bytes pairs)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    while (at < end) {
        struct pair pair = pair_at(at), other;
        struct packed_item item;
        uint64_t index;
        uint8_t digits[NUMBER_I64_MAX];
        packed_sought(packed_view(space, pair.member, digits), &item);
        if (pairs_find(space, bytes_of(pair.end, (size_t)(end - pair.end)), &item, &other, &index))
            return false;
        at = pair.end;
    }
    return true;
}

static enum err decode_small(struct space *space, struct bytes image, uint64_t count,
                             struct value *value, struct buffer *body)
{
    struct bytes pairs = pairs_of(image);
    uint8_t head[ZSET_SMALL_HEAD] = { (uint8_t)count, (uint8_t)(count >> 8) };
    size_t before = body->count;
    if (!members_differ(space, pairs))
        return ERR_SYNTAX;
    if (!buffer_append(body, bytes_of(head, sizeof head)) || !buffer_append(body, pairs)) {
        body->count = before;
        return ERR_MEMORY;
    }
    *value = (struct value){ VALUE_ZSET, image.at[0],
                             bytes_of(body->at + before, body->count - before) };
    return ERR_NONE;
}

static enum err build(struct zset_builder *builder, struct bytes pairs)
{
    const struct table *table = &builder->big.table;
    enum err err = ERR_NONE;
    for (size_t at = 0; at < pairs.count;) {
        struct image_pair pair;
        struct pair_items items;
        if (!read_pair(pairs, at, &pair))
            return ERR_SYNTAX;
        packed_prepare_score(pair.item.score, &items.score);
        err = packed_prepare(table->space, table->root, pair.item.member, &items.member);
        if (err != ERR_NONE)
            return err;
        uint8_t *room = zset_build_room(builder, pair_items_bytes(&items), &err);
        if (room == NULL) {
            packed_item_empty(table->space, table->root, &items.member);
            return err;
        }
        pair_write(room, &items);
        at += pair.bytes;
    }
    return zset_build_end(builder);
}

static enum err decode_big(struct space *space, struct bytes image, struct value *value,
                           struct buffer *body)
{
    struct zset_builder builder;
    struct root *root = zset_big_new(space);
    if (root == NULL)
        return ERR_MEMORY;
    zset_build_begin(&builder, space, root);
    enum err err = build(&builder, pairs_of(image));
    if (err == ERR_NONE && !buffer_append(body, bytes_of(&root->head.id, BIG_BODY_BYTES)))
        err = ERR_MEMORY;
    if (err != ERR_NONE) {
        zset_build_drop(&builder);
        return err == ERR_EXISTS ? ERR_SYNTAX : err;
    }
    if (image.at[0] == ZSET_SKIPLIST)
        root->flags |= ZSET_NAMED_SKIPLIST;
    *value = (struct value){ VALUE_ZSET, ZSET_BIG,
                             bytes_of(body->at + (body->count - BIG_BODY_BYTES), BIG_BODY_BYTES) };
    return ERR_NONE;
}

static enum err zset_decode(struct space *space, struct bytes image, struct value *value,
                            struct buffer *body)
{
    struct image_facts facts;
    if (image.count < 2 || image.at[0] > ZSET_SKIPLIST || !pairs_in_order(pairs_of(image), &facts))
        return ERR_SYNTAX;
    size_t small = ZSET_SMALL_HEAD + image.count - 1;
    if (!facts.runs && small <= VALUE_SMALL_MAX && facts.count <= ZSET_SMALL_COUNT_MAX)
        return decode_small(space, image, facts.count, value, body);
    return decode_big(space, image, value, body);
}

static enum err zset_copy(struct space *space, const struct value *value, struct value *copy,
                          struct buffer *body)
{
    if (value->encoding == ZSET_BIG)
        return big_copy(space, value, &zset_big_ops, copy, body);
    if (!buffer_append(body, value->body))
        return ERR_MEMORY;
    *copy =
        (struct value){ value->type, value->encoding,
                        bytes_of(body->at + (body->count - value->body.count), value->body.count) };
    return ERR_NONE;
}

/* --- the rest of the interface ---------------------------------------------------------------- */

static void zset_each_ref(struct space *space, const struct value *value,
                          void (*visit)(void *context, uint64_t ref), void *context)
{
    if (value->encoding == ZSET_BIG)
        big_each_ref(space, value, &zset_big_ops, visit, context);
}

static bool zset_prefetch(const struct space *space, const struct value *value, uint64_t hash,
                          unsigned stage)
{
    return value->encoding == ZSET_BIG && zset_big_prefetch(space, value, hash, stage);
}

static bool zset_free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    return value->encoding != ZSET_BIG || big_free_step(space, value, &zset_big_ops, cursor);
}

static uint64_t zset_bytes(const struct space *space, const struct value *value)
{
    return value->encoding == ZSET_BIG ? big_bytes(space, value) : 0;
}

static bool digest_item(void *context, const struct zset_item *item, bool passing)
{
    char score[DIGEST_SCORE_MAX];
    struct digest element = { { 0 } };
    int count = snprintf(score, sizeof score, "%.17g", item->score);
    (void)passing;
    digest_mix(&element, item->member);
    digest_mix(&element, bytes_of(score, count > 0 ? (size_t)count : 0));
    digest_add_element(context, &element);
    return true;
}

static void zset_digest(struct space *space, const struct value *value, struct digest *digest)
{
    struct zset zset = zset_view(space, value);
    zset_walk(&zset, 0, zset.count, false, &(struct zset_visitor){ digest_item, digest });
}

static bool small_valid(const struct space *space, const struct value *value)
{
    struct image_facts facts;
    struct bytes body = value->body;
    if (value->encoding > ZSET_SKIPLIST || body.count <= ZSET_SMALL_HEAD ||
        body.count > VALUE_SMALL_MAX)
        return false;
    uint64_t count = (uint64_t)body.at[0] | (uint64_t)body.at[1] << 8;
    struct bytes pairs = bytes_of(body.at + ZSET_SMALL_HEAD, body.count - ZSET_SMALL_HEAD);
    return pairs_in_order(pairs, &facts) && !facts.runs && facts.count == count &&
           members_differ(space, pairs);
}

static bool zset_valid(const struct space *space, const struct value *value)
{
    if (value->type != VALUE_ZSET)
        return false;
    if (value->encoding != ZSET_BIG)
        return small_valid(space, value);
    if (!big_valid(space, value))
        return false;
    struct space *there = (struct space *)(uintptr_t)space;
    struct zset_big big;
    zset_big_open(&big, there, big_root(space, value));
    return zset_big_valid(&big);
}

const struct type_ops zset_ops = {
    .name = "zset",
    .encoding_name = zset_encoding_name,
    .encode = zset_encode,
    .decode = zset_decode,
    .copy = zset_copy,
    .each_ref = zset_each_ref,
    .prefetch = zset_prefetch,
    .free_step = zset_free_step,
    .has_plain_nodes = big_has_plain_nodes,
    .bytes = zset_bytes,
    .digest = zset_digest,
    .valid = zset_valid,
    .summarise = zset_summarise,
    .tell = zset_tell,
    .make_begin = zset_make_begin,
    .make_part = zset_make_part,
    .make_end = zset_make_end,
    .root_id = zset_root_id,
};
