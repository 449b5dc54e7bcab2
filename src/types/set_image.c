/* Sets as one run of bytes, and what else the interface of types asks for.
 *
 *   image:  name 1 | members: packed elements, but a long one as  PACKED_RUN 1 | count 8 | bytes */
#include "types/making.h"
#include "types/set_inside.h"
#include "types/telling.h"

enum { LONG_HEAD = 9 };

static const char *set_encoding_name(const struct space *space, const struct value *value)
{
    static const char *const names[] = { "intset", "listpack", "hashtable" };
    return names[set_name(space, value)];
}

/* --- encode ----------------------------------------------------------------------------------- */

struct encoding {
    const struct space *space;
    struct buffer *image;
    bool failed;
};

static bool encode_long(struct encoding *encoding, const uint8_t *element)
{
    struct bytes content = packed_view(encoding->space, element, NULL);
    uint8_t head[LONG_HEAD] = { PACKED_RUN };
    uint64_t count = content.count;
    memcpy(head + 1, &count, sizeof count);
    return buffer_append(encoding->image, bytes_of(head, sizeof head)) &&
           buffer_append(encoding->image, content);
}

static bool encode_element(void *context, const uint8_t *element)
{
    struct encoding *encoding = context;
    bool done = element[0] == PACKED_RUN
                    ? encode_long(encoding, element)
                    : buffer_append(encoding->image, bytes_of(element, packed_bytes(element)));
    encoding->failed = !done;
    return done;
}

static enum err set_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct encoding encoding = { space, image, false };
    if (!buffer_append_byte(image, (uint8_t)set_name(space, value)))
        return ERR_MEMORY;
    set_each(space, value, encode_element, &encoding);
    return encoding.failed ? ERR_MEMORY : ERR_NONE;
}

/* --- decode ----------------------------------------------------------------------------------- */

/* Takes the next member off the image. */
static bool next_member(const struct space *space, struct bytes *image, struct packed_item *item)
{
    size_t bytes;
    if (image->at[0] != PACKED_RUN) {
        if (!packed_check(image->at, image->count, false))
            return false;
        bytes = packed_bytes(image->at);
        set_item(space, image->at, item);
    } else {
        uint64_t count;
        if (image->count <= LONG_HEAD)
            return false;
        memcpy(&count, image->at + 1, sizeof count);
        if (count <= PACKED_INSIDE_MAX || count > image->count - LONG_HEAD)
            return false;
        bytes = LONG_HEAD + (size_t)count;
        packed_sought(bytes_of(image->at + LONG_HEAD, (size_t)count), item);
    }
    *image = bytes_of(image->at + bytes, image->count - bytes);
    return item->head[0] != PACKED_RUN || item->tail.count > PACKED_INSIDE_MAX;
}

static enum err put_members(struct value_edit *edit, struct bytes image)
{
    while (image.count > 0) {
        struct packed_item item;
        bool added;
        if (!next_member(edit->space, &image, &item))
            return ERR_SYNTAX;
        enum err err = set_put(edit, &item, &added);
        if (err != ERR_NONE)
            return err;
        if (!added)
            return ERR_SYNTAX;
    }
    return ERR_NONE;
}

/* The members' bytes are copied from the edit, which ends with its arena. */
static enum err keep(struct value_edit *edit, struct value *value, struct buffer *body)
{
    struct bytes made = edit->value.body;
    if (!buffer_append(body, made))
        return ERR_MEMORY;
    *value = edit->value;
    value->body = bytes_of(body->at + (body->count - made.count), made.count);
    return ERR_NONE;
}

static enum err set_decode(struct space *space, struct bytes image, struct value *value,
                           struct buffer *body)
{
    struct arena arena;
    struct value_edit edit;
    if (image.count < 2 || image.at[0] > SET_HASHTABLE)
        return ERR_SYNTAX;
    arena_init(&arena);
    set_new(&edit, space, &arena, (enum set_name)image.at[0]);
    enum err err = put_members(&edit, bytes_of(image.at + 1, image.count - 1));
    if (err == ERR_NONE)
        err = keep(&edit, value, body);
    if (err != ERR_NONE)
        edit_abandon(&edit);
    arena_release(&arena);
    return err;
}

/* --- the rest --------------------------------------------------------------------------------- */

static void set_each_ref(struct space *space, const struct value *value,
                         void (*visit)(void *context, uint64_t ref), void *context)
{
    if (value->encoding == SET_BIG)
        big_each_ref(space, value, &set_big_ops, visit, context);
}

static bool set_prefetch(const struct space *space, const struct value *value, uint64_t hash,
                         unsigned stage)
{
    return value->encoding == SET_BIG && big_prefetch(space, value, 0, hash, stage);
}

static bool set_free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    return value->encoding != SET_BIG || big_free_step(space, value, &set_big_ops, cursor);
}

static uint64_t set_bytes(const struct space *space, const struct value *value)
{
    return value->encoding == SET_BIG ? big_bytes(space, value) : 0;
}

static enum err set_copy(struct space *space, const struct value *value, struct value *copy,
                         struct buffer *body)
{
    if (value->encoding == SET_BIG)
        return big_copy(space, value, &set_big_ops, copy, body);
    if (!buffer_append(body, value->body))
        return ERR_MEMORY;
    *copy = *value;
    copy->body = bytes_of(body->at + (body->count - value->body.count), value->body.count);
    return ERR_NONE;
}

struct digesting {
    const struct space *space;
    struct digest *digest;
};

static bool digest_element(void *context, const uint8_t *element)
{
    struct digesting *digesting = context;
    uint8_t digits[NUMBER_I64_MAX];
    digest_add(digesting->digest, packed_view(digesting->space, element, digits));
    return true;
}

static void set_digest(struct space *space, const struct value *value, struct digest *digest)
{
    struct digesting digesting = { space, digest };
    set_each(space, value, digest_element, &digesting);
}

/* Whole members, and each of them once. */
static bool members_valid(const struct space *space, struct bytes body)
{
    size_t offset = 0;
    while (offset < body.count) {
        const uint8_t *at = body.at + offset;
        struct packed_item item;
        if (!packed_check(at, body.count - offset, false))
            return false;
        set_item(space, at, &item);
        if (members_find(space, body.at, offset, &item) != NULL)
            return false;
        offset += packed_bytes(at);
    }
    return true;
}

static bool big_set_valid(const struct space *space, const struct value *value)
{
    if (!big_valid(space, value))
        return false;
    struct root *root = big_root(space, value);
    struct table table = set_table(space, root);
    return root->sets == 1 && root->flags <= SET_HASHTABLE && table_valid(&table);
}

static bool set_valid(const struct space *space, const struct value *value)
{
    if (value->type != VALUE_SET)
        return false;
    if (value->encoding == SET_BIG)
        return big_set_valid(space, value);
    if (value->body.count > VALUE_SMALL_MAX)
        return false;
    return value->encoding == SET_INTEGERS ? integers_valid(value->body)
                                           : members_valid(space, value->body);
}

const struct type_ops set_ops = {
    .name = "set",
    .encoding_name = set_encoding_name,
    .encode = set_encode,
    .decode = set_decode,
    .copy = set_copy,
    .each_ref = set_each_ref,
    .prefetch = set_prefetch,
    .free_step = set_free_step,
    .has_plain_nodes = big_has_plain_nodes,
    .bytes = set_bytes,
    .digest = set_digest,
    .valid = set_valid,
    .summarise = set_summarise,
    .tell = set_tell,
    .make_begin = set_make_begin,
    .make_part = set_make_part,
    .make_end = set_make_end,
    .root_id = set_root_id,
};
