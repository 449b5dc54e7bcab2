#include "cmd/string_lcs.h"

#include "cmd/string_command.h"
#include "cmd/string_edit.h"
#include "conf/config.h"

/* ---- the table --------------------------------------------------------------------------------
 */

static uint64_t bit_of(const struct lcs *lcs, uint32_t i, uint32_t j)
{
    return (uint64_t)i * (lcs->b.count + 1) + j;
}

/* One more byte of `a`. In the row, cells up to j - 1 are new and the others still the old ones. */
static void fill_row(struct lcs *lcs, uint32_t i)
{
    uint8_t byte = lcs->a.at[i - 1];
    uint32_t diagonal = 0;
    for (uint32_t j = 1; j <= lcs->b.count; j++) {
        uint32_t above = lcs->row[j], left = lcs->row[j - 1];
        if (lcs->b.at[j - 1] == byte) {
            lcs->row[j] = diagonal + 1;
        } else if (above > left) {
            if (lcs->bits != NULL)
                lcs->bits[bit_of(lcs, i, j) / 8] |= (uint8_t)(1u << bit_of(lcs, i, j) % 8);
        } else {
            lcs->row[j] = left;
        }
        diagonal = above;
    }
}

enum err lcs_init(struct lcs *lcs, struct arena *arena, struct bytes a, struct bytes b,
                  bool length_only)
{
    *lcs = (struct lcs){ .a = a, .b = b };
    lcs->row = arena_take_many(arena, b.count + 1, sizeof *lcs->row);
    if (lcs->row == NULL)
        return ERR_MEMORY;
    memset(lcs->row, 0, (b.count + 1) * sizeof *lcs->row);
    if (!length_only) {
        size_t bytes = (size_t)(bit_of(lcs, (uint32_t)a.count, (uint32_t)b.count) / 8 + 1);
        lcs->bits = arena_take(arena, bytes);
        if (lcs->bits == NULL)
            return ERR_MEMORY;
        memset(lcs->bits, 0, bytes);
    }
    for (uint32_t i = 1; i <= a.count; i++)
        fill_row(lcs, i);
    return ERR_NONE;
}

uint32_t lcs_length(const struct lcs *lcs)
{
    return lcs->row[lcs->b.count];
}

struct lcs_walk lcs_walk(const struct lcs *lcs)
{
    return (struct lcs_walk){ lcs, (uint32_t)lcs->a.count, (uint32_t)lcs->b.count };
}

static bool same_here(const struct lcs_walk *walk)
{
    return walk->lcs->a.at[walk->i - 1] == walk->lcs->b.at[walk->j - 1];
}

bool lcs_next(struct lcs_walk *walk, struct lcs_match *match)
{
    const struct lcs *lcs = walk->lcs;
    while (walk->i > 0 && walk->j > 0 && !same_here(walk)) {
        uint64_t bit = bit_of(lcs, walk->i, walk->j);
        if ((lcs->bits[bit / 8] >> bit % 8 & 1) != 0)
            walk->i--;
        else
            walk->j--;
    }
    uint32_t end = walk->i;
    while (walk->i > 0 && walk->j > 0 && same_here(walk)) {
        walk->i--;
        walk->j--;
    }
    *match = (struct lcs_match){ walk->i, walk->j, end - walk->i };
    return match->count > 0;
}

/* ---- the command ------------------------------------------------------------------------------
 */

struct lcs_options {
    bool length, indexes, match_lengths;
    int64_t match_min;
};

static bool read_options(struct call *call, struct lcs_options *options)
{
    *options = (struct lcs_options){ 0 };
    for (uint32_t at = 3; at < call->argc; at++) {
        if (call_is(call, at, "idx")) {
            options->indexes = true;
        } else if (call_is(call, at, "len")) {
            options->length = true;
        } else if (call_is(call, at, "withmatchlen")) {
            options->match_lengths = true;
        } else if (call_is(call, at, "minmatchlen") && at + 1 < call->argc) {
            if (!call_i64(call, ++at, &options->match_min))
                return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    if (!options->indexes || !options->length)
        return true;
    reply_error(call->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

/* Redis's limits, by the table that it would make. */
static bool sizes_fit(struct call *call, size_t a, size_t b)
{
    if (a >= UINT32_MAX - 1 || b >= UINT32_MAX - 1) {
        reply_error(call->reply, "ERR String too long for LCS");
        return false;
    }
    uint64_t cells = ((uint64_t)a + 1) * ((uint64_t)b + 1);
    if (cells > UINT64_MAX / 4) {
        reply_error(call->reply,
                    "ERR Insufficient memory, failed allocating transient memory for LCS");
        return false;
    }
    if (cells * 4 <= call->context->config->proto_max_bulk_len)
        return true;
    reply_error(call->reply, "ERR Insufficient memory, transient memory for LCS exceeds "
                             "proto-max-bulk-len");
    return false;
}

static void reply_range(struct reply *reply, uint32_t start, uint32_t count)
{
    reply_array(reply, 2);
    reply_i64(reply, start);
    reply_i64(reply, (int64_t)start + count - 1);
}

static void reply_indexes(struct call *call, const struct lcs *lcs,
                          const struct lcs_options *options)
{
    struct lcs_walk walk = lcs_walk(lcs);
    struct lcs_match match;
    uint64_t matches = 0;
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "matches");
    struct reply_mark mark = reply_array_later(call->reply);
    while (lcs_next(&walk, &match)) {
        if (match.count < options->match_min)
            continue;
        reply_array(call->reply, options->match_lengths ? 3 : 2);
        reply_range(call->reply, match.a, match.count);
        reply_range(call->reply, match.b, match.count);
        if (options->match_lengths)
            reply_i64(call->reply, match.count);
        matches++;
    }
    reply_count(call->reply, mark, matches);
    reply_bulk_text(call->reply, "len");
    reply_i64(call->reply, lcs_length(lcs));
}

static void reply_subsequence(struct call *call, const struct lcs *lcs)
{
    uint32_t left = lcs_length(lcs);
    struct lcs_walk walk = lcs_walk(lcs);
    struct lcs_match match;
    uint8_t *text = arena_take(call->arena, (size_t)left + 1);
    if (text == NULL) {
        call_memory_error(call);
        return;
    }
    uint32_t length = left;
    while (lcs_next(&walk, &match)) {
        left -= match.count;
        memcpy(text + left, lcs->a.at + match.a, match.count);
    }
    reply_bulk(call->reply, bytes_of(text, length));
}

static void reply_lcs(struct call *call, struct bytes a, struct bytes b,
                      const struct lcs_options *options)
{
    struct lcs lcs;
    if (!sizes_fit(call, a.count, b.count))
        return;
    if (lcs_init(&lcs, call->arena, a, b, options->length) != ERR_NONE)
        reply_error(call->reply,
                    "ERR Insufficient memory, failed allocating transient memory for LCS");
    else if (options->indexes)
        reply_indexes(call, &lcs, options);
    else if (options->length)
        reply_i64(call->reply, lcs_length(&lcs));
    else
        reply_subsequence(call, &lcs);
}

/* Reading may remove a key that has expired, after which no other entry's address is sure; so both
 * are read first and looked at again, when nothing can change any more. */
void cmd_lcs(struct call *call)
{
    struct string_reading strings[2];
    struct lcs_options options;
    bool fit = true;
    for (uint32_t i = 0; i < 2; i++) {
        struct key key = call_key(call, i, 1 + i);
        const struct entry *entry = call_read(call, &key);
        fit = fit && (entry == NULL || entry_type(entry) == VALUE_STRING);
    }
    if (!fit) {
        reply_error(call->reply, "ERR The specified keys must contain string values");
        return;
    }
    if (!read_options(call, &options))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        struct key key = call_key(call, i, 1 + i);
        string_read(call, store_look(call->store, call->db, &key), &strings[i]);
    }
    reply_lcs(call, strings[0].content, strings[1].content, &options);
}
