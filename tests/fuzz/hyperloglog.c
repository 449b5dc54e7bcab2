/* Strings as HyperLogLogs, as SET may bring them: the first byte says how long the sparse encoding
 * may grow, two a register to set first, one how far the next ones are (and whether the string is
 * to be unrolled), one a rank; the rest is the string. */
#include "types/hyperloglog.h"
#include "base/err.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

enum { HEAD = 5, MARKS = 16, UNROLLED = 4 };

static uint64_t sparse_max_of(const uint8_t *head)
{
    return (uint64_t)head[0] * 16;
}

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

/* As PFDEBUG DECODE shows it: a whole one's runs are all its registers. */
static void walk(struct bytes content, bool whole, const uint8_t *ranks)
{
    struct hll_run run;
    unsigned index = 0;
    size_t offset = HLL_HEADER_BYTES;
    for (; hll_run_at(content, offset, &run); offset += run.bytes) {
        ENSURE(run.bytes > 0 && offset + run.bytes <= content.count && run.count > 0);
        for (unsigned i = 0; whole && i < run.count; i++, index++)
            ENSURE(index < HLL_REGISTERS && ranks[index] == run.rank);
    }
    ENSURE(!whole || (index == HLL_REGISTERS && offset == content.count));
}

/* As PFMERGE does it into a new key; then what is kept of the count, as PFCOUNT does it. */
static void merge(struct bytes content, const uint8_t *ranks, uint64_t sparse_max)
{
    static uint8_t room[HLL_BYTES_MAX], merged[HLL_REGISTERS];
    struct hll_edit edit;
    uint64_t told = 0, kept = 0;
    hll_edit_open(&edit, room, sizeof room, BYTES(""), sparse_max);
    ENSURE(hll_encoding(content) == HLL_SPARSE || hll_edit_make_dense(&edit));
    for (unsigned index = 0; index < HLL_REGISTERS; index++) {
        struct hll_mark mark = { (uint16_t)index, ranks[index] };
        ENSURE(mark.rank == 0 || hll_edit_set(&edit, mark) == HLL_RAISED);
    }
    ENSURE(ranks_of(bytes_of(edit.at, edit.count), merged));
    ENSURE(memcmp(merged, ranks, sizeof merged) == 0);
    ENSURE(hll_count(content, &told));
    hll_cache(edit.at, told);
    /* A count beyond 63 bits, which ranks that no hash gives may say, is not kept. */
    ENSURE(hll_cached(bytes_of(edit.at, edit.count), &kept) == (told >> 63 == 0));
    ENSURE(told >> 63 != 0 || kept == told);
    hll_cache_stale(edit.at);
    ENSURE(!hll_cached(bytes_of(edit.at, edit.count), &kept));
}

/* As PFADD does it where the registers are. */
static void change_dense(uint8_t *at, struct hll_mark mark)
{
    unsigned beside = (mark.index + 1u) % HLL_REGISTERS, rank = hll_dense_rank(at, beside);
    hll_dense_set(at, mark.index, mark.rank);
    ENSURE(hll_dense_rank(at, mark.index) == mark.rank && hll_dense_rank(at, beside) == rank);
}

/* A dense one of the header and the registers given, over and over: that long an input would take
 * the fuzzer for ever to come by. */
static struct bytes unrolled(struct bytes content, uint8_t *dense)
{
    size_t given = content.count - HLL_HEADER_BYTES;
    memcpy(dense, content.at, HLL_HEADER_BYTES);
    for (size_t i = HLL_HEADER_BYTES; i < HLL_DENSE_BYTES; i++)
        dense[i] = given == 0 ? 0 : content.at[HLL_HEADER_BYTES + i % given];
    return bytes_of(dense, HLL_DENSE_BYTES);
}

/* As PFADD does it: in a copy, whatever the encoding, and where a dense one's registers are. */
static void add(const uint8_t *head, struct bytes content, bool whole, uint8_t *ranks)
{
    struct hll_edit edit;
    bool sparse = hll_encoding(content) == HLL_SPARSE;
    size_t room = hll_edit_room(content.count, MARKS);
    uint8_t *copy = malloc(room);
    ENSURE(copy != NULL);
    hll_edit_open(&edit, copy, room, content, sparse_max_of(head));
    for (unsigned i = 0; i < MARKS; i++) {
        unsigned index = (head[1] | (unsigned)head[2] << 8) + i * (head[3] & 3u);
        struct hll_mark mark = { (uint16_t)(index & (HLL_REGISTERS - 1)),
                                 (uint8_t)(1 + (head[4] + i) % HLL_RANK_MAX) };
        change(&edit, mark, whole, ranks);
        if (sparse)
            continue;
        change_dense(copy, mark);
        ranks[mark.index] = mark.rank;
    }
    ENSURE(hll_edit_make_dense(&edit) == whole || !whole);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    static uint8_t ranks[HLL_REGISTERS], dense[HLL_DENSE_BYTES];
    if (count < HEAD)
        return 0;
    struct bytes content = bytes_of(at + HEAD, count - HEAD);
    if (content.count >= HLL_HEADER_BYTES && (at[3] & UNROLLED) != 0)
        content = unrolled(content, dense);
    if (content.count > HLL_BYTES_MAX || !hll_is(content))
        return 0;
    bool whole = ranks_of(content, ranks);
    if (hll_encoding(content) == HLL_SPARSE)
        walk(content, whole, ranks);
    if (whole)
        merge(content, ranks, sparse_max_of(at));
    add(at, content, whole, ranks);
    return 0;
}
