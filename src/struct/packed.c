#include "struct/packed.h"

#include "struct/kinds.h"
#include "struct/past.h"

enum {
    SHORT_MAX = 0x7f,
    MIDDLE_MAX = 0x3fff,
    DIGITS_MAX = 20,
    RUN_BYTES = 14,
    RUN_REF = 5,
    /* A cell of a kind that nobody repoints could not move, so that even the shortest is a run. */
    RUN_MIN = HEAP_CELL_MAX + 1,
};

/* --- integers --------------------------------------------------------------------------------- */

static size_t integer_width(int64_t number)
{
    uint64_t magnitude = (uint64_t)(number ^ (number >> 63));
    unsigned bits = magnitude == 0 ? 1 : 65 - (unsigned)__builtin_clzll(magnitude);
    return (bits + 7) / 8;
}

static bool may_be_integer(struct bytes content)
{
    if (content.count == 0 || content.count > DIGITS_MAX)
        return false;
    return (uint8_t)(content.at[0] - '0') < 10 || content.at[0] == '-';
}

void packed_prepare_i64(int64_t number, struct packed_item *item)
{
    size_t width = integer_width(number);
    item->head[0] = (uint8_t)(0xe0u | width);
    memcpy(item->head + 1, &number, sizeof number);
    item->head_bytes = (uint8_t)(1 + width);
    item->tail = bytes_of("", 0);
}

int64_t packed_integer(const uint8_t *at)
{
    unsigned width = at[0] & 0x0fu;
    uint64_t low = 0;
    for (unsigned i = width; i > 0; i--)
        low = low << 8 | at[i];
    unsigned unused = 64 - 8 * width;
    return (int64_t)(low << unused) >> unused;
}

/* --- scores ----------------------------------------------------------------------------------- */

void packed_prepare_score(double score, struct packed_item *item)
{
    const double whole_max = 9007199254740992.0; /* 2^53 */
    if (score > -whole_max && score < whole_max) {
        int64_t number = (int64_t)score;
        if ((double)number == score && (number != 0 || !__builtin_signbit(score)) &&
            integer_width(number) < sizeof score) {
            packed_prepare_i64(number, item);
            return;
        }
    }
    item->head[0] = PACKED_DOUBLE;
    memcpy(item->head + 1, &score, sizeof score);
    item->head_bytes = 1 + sizeof score;
    item->tail = bytes_of("", 0);
}

double packed_score(const uint8_t *at)
{
    double score;
    if (packed_is_integer(at))
        return (double)packed_integer(at);
    memcpy(&score, at + 1, sizeof score);
    return score;
}

/* --- strings ---------------------------------------------------------------------------------- */

static void prepare_string(struct bytes content, struct packed_item *item)
{
    size_t count = content.count;
    item->tail = content;
    if (count <= SHORT_MAX) {
        item->head[0] = (uint8_t)count;
        item->head_bytes = 1;
    } else if (count <= MIDDLE_MAX) {
        item->head[0] = (uint8_t)(0x80u | count >> 8);
        item->head[1] = (uint8_t)count;
        item->head_bytes = 2;
    } else {
        item->head[0] = (uint8_t)(0xc0u | count >> 16);
        item->head[1] = (uint8_t)(count >> 8);
        item->head[2] = (uint8_t)count;
        item->head_bytes = 3;
    }
}

void packed_sought(struct bytes content, struct packed_item *item)
{
    int64_t number;
    if (content.at == NULL)
        content = bytes_of("", 0);
    if (may_be_integer(content) && number_read_i64(content, &number)) {
        packed_prepare_i64(number, item);
    } else if (content.count <= PACKED_INSIDE_MAX) {
        prepare_string(content, item);
    } else {
        item->head[0] = PACKED_RUN;
        item->head_bytes = 1;
        item->tail = content;
    }
}

static void run_read(const uint8_t *at, uint64_t *ref, uint64_t *count)
{
    *ref = 0;
    memcpy(ref, at + 1, RUN_REF);
    memcpy(count, at + 1 + RUN_REF, sizeof *count);
}

/* The sums wrap where one goes. */
static void count_outside(struct space *space, struct root *root, uint64_t bytes)
{
    root->outside_bytes += bytes;
    space->held.by_type[root->type] += bytes;
    space->held.outside += bytes;
}

enum err packed_prepare(struct space *space, struct root *root, struct bytes content,
                        struct packed_item *item)
{
    packed_sought(content, item);
    if (item->head[0] != PACKED_RUN)
        return ERR_NONE;
    ENSURE(root != NULL);
    size_t bytes = content.count < RUN_MIN ? RUN_MIN : content.count;
    uint8_t *run = heap_take(space->heap, bytes, BLOCK_VALUE);
    if (run == NULL)
        return ERR_MEMORY;
    memcpy(run, content.at, content.count);
    uint64_t ref = space_ref(space, run), count = content.count;
    memcpy(item->head + 1, &ref, RUN_REF);
    memcpy(item->head + 1 + RUN_REF, &count, sizeof count);
    item->head_bytes = RUN_BYTES;
    item->tail = bytes_of("", 0);
    root->outside++;
    count_outside(space, root, heap_block_bytes(space->heap, run));
    return ERR_NONE;
}

static struct bytes run_view(const struct space *space, const uint8_t *at)
{
    uint64_t ref, count;
    run_read(at, &ref, &count);
    return bytes_of(space_at(space, ref), (size_t)count);
}

struct bytes packed_view(const struct space *space, const uint8_t *at, uint8_t *digits)
{
    uint8_t first = at[0];
    if (LIKELY(first < 0x80))
        return bytes_of(at + 1, first);
    if (first < 0xc0)
        return bytes_of(at + 2, packed_bytes(at) - 2);
    if (first < 0xe0)
        return bytes_of(at + 3, packed_bytes(at) - 3);
    if (first == PACKED_RUN)
        return run_view(space, at);
    return bytes_of(digits, number_write_i64(digits, packed_integer(at)));
}

size_t packed_text_bytes(const struct space *space, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    return packed_view(space, at, digits).count;
}

bool packed_is_long(const struct space *space, const uint8_t *at, const struct packed_item *item)
{
    struct bytes content = item->head_bytes == RUN_BYTES ? run_view(space, item->head) : item->tail;
    return at[0] == PACKED_RUN && bytes_equal(run_view(space, at), content);
}

uint64_t packed_run(const uint8_t *at)
{
    uint64_t ref, count;
    if (at[0] != PACKED_RUN)
        return 0;
    run_read(at, &ref, &count);
    return ref;
}

void packed_empty(struct space *space, struct root *root, const uint8_t *at)
{
    if (LIKELY(at[0] != PACKED_RUN))
        return;
    void *run = space_at(space, packed_run(at));
    root->outside--;
    count_outside(space, root, -(uint64_t)heap_block_bytes(space->heap, run));
    if (!past_keep_run(space, root, packed_run(at)))
        heap_give(space->heap, run);
}

void packed_item_empty(struct space *space, struct root *root, const struct packed_item *item)
{
    if (item->head_bytes == RUN_BYTES)
        packed_empty(space, root, item->head);
}

uint64_t packed_hash(const struct space *space, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    return hash_bytes(&space->seed, packed_view(space, at, digits));
}

/* --- images from outside ---------------------------------------------------------------------- */

static bool head_fits(const uint8_t *at, size_t left)
{
    size_t head = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 2 : at[0] < 0xe0 ? 3 : 1;
    return left >= head;
}

static bool in_one_form(const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct packed_item item;
    struct bytes view = packed_view(NULL, at, digits);
    if (view.count > PACKED_INSIDE_MAX)
        return false;
    packed_sought(view, &item);
    return packed_item_bytes(&item) == packed_bytes(at) && packed_is(NULL, at, &item);
}

static bool double_in_one_form(const uint8_t *at)
{
    struct packed_item item;
    double score = packed_score(at);
    packed_prepare_score(score, &item);
    return score == score && item.head[0] == PACKED_DOUBLE;
}

bool packed_check(const uint8_t *at, size_t left, bool scores)
{
    if (left == 0 || !head_fits(at, left) || at[0] == PACKED_RUN || at[0] > PACKED_DOUBLE ||
        packed_bytes(at) > left)
        return false;
    if (at[0] == PACKED_DOUBLE)
        return scores && double_in_one_form(at);
    if (packed_is_integer(at) && ((at[0] & 0x0fu) == 0 || (at[0] & 0x0fu) > 8))
        return false;
    return in_one_form(at);
}
