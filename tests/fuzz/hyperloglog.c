/* Strings as HyperLogLogs: the first byte says how long the sparse encoding may grow, four more a
 * register and rank to set first; the rest is the string. */
#include "types/hyperloglog.h"
#include "base/err.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

enum { HEAD = 5, MARKS = 16 };

static bool ranks_of(struct bytes content, uint8_t *ranks)
{
    memset(ranks, 0, HLL_REGISTERS);
    bool whole = hll_raise(ranks, content);
    uint64_t told = 0, counted = 0;
    ENSURE(hll_count(content, &told) == whole);
    if (whole)
        counted = hll_count_ranks(ranks);
    ENSURE(!whole || told == counted);
    return whole;
}

/* A whole one stays whole, and has what was set. */
static void change(struct hll_edit *edit, struct hll_mark mark, bool whole, uint8_t *ranks)
{
    static uint8_t now[HLL_REGISTERS];
    enum hll_change result = hll_edit_set(edit, mark);
    struct bytes content = bytes_of(edit->at, edit->count);
    ENSURE(edit->count <= edit->room && hll_is(content));
    if (!whole)
        return;
    ENSURE(result == (mark.rank > ranks[mark.index] ? HLL_RAISED : HLL_SAME));
    if (result == HLL_RAISED)
        ranks[mark.index] = mark.rank;
    ENSURE(ranks_of(content, now));
    ENSURE(memcmp(now, ranks, sizeof now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    static uint8_t ranks[HLL_REGISTERS];
    if (count < HEAD)
        return 0;
    struct bytes content = bytes_of(at + HEAD, count - HEAD);
    if (content.count > HLL_BYTES_MAX || !hll_is(content))
        return 0;
    bool whole = ranks_of(content, ranks);
    struct hll_edit edit;
    size_t room = hll_edit_room(content.count, MARKS);
    uint8_t *copy = malloc(room);
    ENSURE(copy != NULL);
    hll_edit_open(&edit, copy, room, content, (uint64_t)at[0] * 16);
    for (unsigned i = 0; i < MARKS; i++) {
        unsigned index = (at[1] | (unsigned)at[2] << 8) + i * (at[3] & 3u);
        struct hll_mark mark = { (uint16_t)(index & (HLL_REGISTERS - 1)),
                                 (uint8_t)(1 + (at[4] + i) % HLL_RANK_MAX) };
        change(&edit, mark, whole, ranks);
    }
    ENSURE(hll_edit_make_dense(&edit) == whole || !whole);
    free(copy);
    return 0;
}
