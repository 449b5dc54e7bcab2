#include "types/string.h"
#include "types/making.h"
#include "types/telling.h"

enum {
    BIG_REF_BYTES = 5,
    RUN_BODY_BYTES = BIG_REF_BYTES + 8,
    /* Nobody could repoint the body of a moved cell, so that even the shortest is a run. */
    BIG_RUN_MIN = HEAP_CELL_MAX + 1,
    INTEGER_DIGITS_MAX = 20,
    EMBEDDED_MAX = 44, /* what Redis keeps in one allocation with its object, "embstr" */
};

/* ---- integers ---------------------------------------------------------------------------------
 */

static size_t integer_width(int64_t number)
{
    uint64_t magnitude = (uint64_t)(number ^ (number >> 63));
    unsigned bits = magnitude == 0 ? 1 : 65 - (unsigned)__builtin_clzll(magnitude);
    return (bits + 7) / 8;
}

static int64_t integer_at(struct bytes body)
{
    uint64_t low = 0;
    for (size_t i = body.count; i-- > 0;)
        low = low << 8 | body.at[i];
    unsigned unused = 64 - 8 * (unsigned)body.count;
    return (int64_t)(low << unused) >> unused;
}

/* Most values are no integers and tell by their first byte or their length. */
static bool may_be_integer(struct bytes content)
{
    if (content.count == 0 || content.count > INTEGER_DIGITS_MAX)
        return false;
    return (uint8_t)(content.at[0] - '0') < 10 || content.at[0] == '-';
}

void string_make_int(int64_t number, struct string_scratch *scratch, struct value *value)
{
    memcpy(scratch->at, &number, sizeof number);
    *value =
        (struct value){ VALUE_STRING, STRING_INT, bytes_of(scratch->at, integer_width(number)) };
}

/* ---- big ones ---------------------------------------------------------------------------------
 */

struct big {
    uint64_t ref;
    uint64_t count;
};

static struct big big_read(const uint8_t *body)
{
    struct big big = { 0, 0 };
    memcpy(&big.ref, body, BIG_REF_BYTES);
    memcpy(&big.count, body + BIG_REF_BYTES, sizeof big.count);
    return big;
}

static void big_write(uint8_t *body, struct big big)
{
    memcpy(body, &big.ref, BIG_REF_BYTES);
    memcpy(body + BIG_REF_BYTES, &big.count, sizeof big.count);
}

static size_t run_bytes(size_t count)
{
    return count < BIG_RUN_MIN ? BIG_RUN_MIN : count;
}

static struct bytes big_view(const struct heap *heap, const uint8_t *body)
{
    return bytes_of(string_big_at(heap, body), (size_t)big_read(body).count);
}

/* The content is the caller's to write. */
static enum err big_take(struct heap *heap, size_t count, struct string_scratch *scratch,
                         struct value *value, uint8_t **at)
{
    *at = heap_take(heap, run_bytes(count), BLOCK_VALUE);
    if (*at == NULL)
        return ERR_MEMORY;
    big_write(scratch->at, (struct big){ heap_ref(heap_base(heap), *at), count });
    *value = (struct value){ VALUE_STRING, STRING_BIG, bytes_of(scratch->at, RUN_BODY_BYTES) };
    return ERR_NONE;
}

enum err string_make_big(struct heap *heap, size_t count, struct string_scratch *scratch,
                         struct value *value, uint8_t **at)
{
    DCHECK(count > STRING_INLINE_MAX);
    enum err err = big_take(heap, count, scratch, value, at);
    if (err == ERR_NONE)
        memset(*at, 0, count);
    return err;
}

uint8_t *string_big_at(const struct heap *heap, const uint8_t *body)
{
    return heap_at(heap_base(heap), big_read(body).ref);
}

uint8_t *string_big_resize(struct heap *heap, uint8_t *body, size_t count)
{
    DCHECK(count > STRING_INLINE_MAX);
    struct big big = big_read(body);
    uint8_t *at = heap_resize(heap, string_big_at(heap, body), run_bytes(count), BLOCK_VALUE);
    if (at == NULL)
        return NULL;
    if (count > big.count)
        memset(at + big.count, 0, count - big.count);
    big_write(body, (struct big){ heap_ref(heap_base(heap), at), count });
    return at;
}

/* ---- making and reading -----------------------------------------------------------------------
 */

enum err string_make_raw(struct heap *heap, struct bytes content, enum string_encoding encoding,
                         struct string_scratch *scratch, struct value *value)
{
    if (LIKELY(content.count <= STRING_INLINE_MAX)) {
        *value = (struct value){ VALUE_STRING, (uint8_t)encoding, content };
        return ERR_NONE;
    }
    uint8_t *at;
    enum err err = big_take(heap, content.count, scratch, value, &at);
    if (err == ERR_NONE)
        memcpy(at, content.at, content.count);
    return err;
}

enum err string_make(struct heap *heap, struct bytes content, struct string_scratch *scratch,
                     struct value *value)
{
    int64_t number;
    if (may_be_integer(content) && number_read_i64(content, &number)) {
        string_make_int(number, scratch, value);
        return ERR_NONE;
    }
    return string_make_raw(heap, content, STRING_RAW, scratch, value);
}

struct bytes string_view(const struct heap *heap, const struct value *value,
                         struct string_scratch *scratch)
{
    if (value->encoding == STRING_INT)
        return bytes_of(scratch->at, number_write_i64(scratch->at, integer_at(value->body)));
    if (UNLIKELY(value->encoding == STRING_BIG))
        return big_view(heap, value->body.at);
    return value->body;
}

size_t string_count(const struct heap *heap, const struct value *value)
{
    struct string_scratch scratch;
    return string_view(heap, value, &scratch).count;
}

bool string_read_i64(const struct heap *heap, const struct value *value, int64_t *number)
{
    if (LIKELY(value->encoding == STRING_INT)) {
        *number = integer_at(value->body);
        return true;
    }
    struct string_scratch scratch;
    struct bytes content = string_view(heap, value, &scratch);
    return may_be_integer(content) && number_read_i64(content, number);
}

/* ---- the interface of types -------------------------------------------------------------------
 */

static const char *string_encoding_name(const struct space *space, const struct value *value)
{
    (void)space;
    if (value->encoding == STRING_INT)
        return "int";
    return value->encoding == STRING_RAW && value->body.count <= EMBEDDED_MAX ? "embstr" : "raw";
}

static enum err string_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct string_scratch scratch;
    return buffer_append(image, string_view(space->heap, value, &scratch)) ? ERR_NONE : ERR_MEMORY;
}

static void give_run(struct heap *heap, const struct value *value)
{
    if (value->encoding == STRING_BIG)
        heap_give(heap, string_big_at(heap, value->body.at));
}

/* Any bytes are a string, so nothing of an image can be wrong. */
static enum err string_decode(struct space *space, struct bytes image, struct value *value,
                              struct buffer *body)
{
    struct string_scratch scratch;
    struct value made;
    enum err err = string_make(space->heap, image, &scratch, &made);
    if (err != ERR_NONE)
        return err;
    if (!buffer_append(body, made.body)) {
        give_run(space->heap, &made);
        return ERR_MEMORY;
    }
    made.body = made.body.count == 0
                    ? bytes_of("", 0)
                    : bytes_of(body->at + (body->count - made.body.count), made.body.count);
    *value = made;
    return ERR_NONE;
}

static enum err string_copy(struct space *space, const struct value *value, struct value *copy,
                            struct buffer *body)
{
    struct string_scratch scratch;
    struct value made = *value;
    if (value->encoding == STRING_BIG &&
        string_make_raw(space->heap, big_view(space->heap, value->body.at), STRING_RAW, &scratch,
                        &made) != ERR_NONE)
        return ERR_MEMORY;
    if (!buffer_append(body, made.body)) {
        if (value->encoding == STRING_BIG)
            give_run(space->heap, &made);
        return ERR_MEMORY;
    }
    made.body = bytes_of(body->at + (body->count - made.body.count), made.body.count);
    *copy = made;
    return ERR_NONE;
}

static void string_each_ref(struct space *space, const struct value *value,
                            void (*visit)(void *context, uint64_t ref), void *context)
{
    (void)space;
    if (value->encoding == STRING_BIG)
        visit(context, big_read(value->body.at).ref);
}

/* One run is one step: the heap gives its pages back to the system later, and bounded. */
static bool string_free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    if (*cursor == 0)
        give_run(space->heap, value);
    *cursor = 1;
    return true;
}

static uint64_t string_bytes(const struct space *space, const struct value *value)
{
    if (value->encoding != STRING_BIG)
        return 0;
    return heap_block_bytes(space->heap, string_big_at(space->heap, value->body.at));
}

static void string_digest(struct space *space, const struct value *value, struct digest *digest)
{
    struct string_scratch scratch;
    digest_mix(digest, string_view(space->heap, value, &scratch));
}

static bool run_valid(const struct heap *heap, struct bytes body)
{
    if (body.count != RUN_BODY_BYTES)
        return false;
    struct big big = big_read(body.at);
    if (big.ref == 0 || big.count <= STRING_INLINE_MAX)
        return false;
    const uint8_t *at = string_big_at(heap, body.at);
    return heap_block_kind(heap, at) == BLOCK_VALUE && heap_block_bytes(heap, at) >= big.count;
}

static bool string_valid(const struct space *space, const struct value *value)
{
    struct bytes body = value->body;
    if (value->type != VALUE_STRING)
        return false;
    if (value->encoding == STRING_INT)
        return body.count >= 1 && body.count <= 8 && integer_width(integer_at(body)) == body.count;
    if (value->encoding == STRING_BIG)
        return run_valid(space->heap, body);
    return body.count <= STRING_INLINE_MAX;
}

const struct type_ops string_ops = {
    .name = "string",
    .encoding_name = string_encoding_name,
    .encode = string_encode,
    .decode = string_decode,
    .copy = string_copy,
    .each_ref = string_each_ref,
    .free_step = string_free_step,
    .bytes = string_bytes,
    .digest = string_digest,
    .valid = string_valid,
    .summarise = string_summarise,
    .tell = string_tell,
    .make_begin = string_make_begin,
    .make_part = string_make_part,
    .make_end = string_make_end,
};
