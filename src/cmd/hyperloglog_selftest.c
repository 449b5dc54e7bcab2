/* PFSELFTEST: that this build's registers and estimates are sound. It takes some milliseconds. */
#include "cmd/args.h"
#include "cmd/hyperloglog_command.h"
#include "types/hyperloglog.h"

#include <math.h>

enum { ELEMENTS = 50000, ROUNDS = 5, SPARSE_MAX = 3000 };

/* Random ranks in all registers, which neighbours must not disturb. */
static bool registers_hold(struct rng *rng, uint8_t *at)
{
    uint8_t ranks[HLL_REGISTERS], found[HLL_REGISTERS] = { 0 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned index = 0; index < HLL_REGISTERS; index++) {
            ranks[index] = (uint8_t)rng_below(rng, HLL_RANKS);
            hll_dense_set(at, index, ranks[index]);
        }
        for (unsigned index = 0; index < HLL_REGISTERS; index++) {
            if (hll_dense_rank(at, index) != ranks[index])
                return false;
        }
    }
    return hll_raise(found, bytes_of(at, HLL_DENSE_BYTES)) &&
           memcmp(found, ranks, sizeof ranks) == 0;
}

/* Six times the standard error, and a few for small numbers. */
static bool is_near(uint64_t count, uint64_t wanted)
{
    double error = 1.04 / sqrt((double)HLL_REGISTERS) * 6 * (double)wanted;
    return fabs((double)count - (double)wanted) <= error + 2;
}

static bool both_count(const struct hll_edit *sparse, const struct hll_edit *dense, uint64_t wanted)
{
    uint64_t count = 0, other = 0;
    return hll_count(bytes_of(sparse->at, sparse->count), &count) &&
           hll_count(bytes_of(dense->at, dense->count), &other) && count == other &&
           is_near(count, wanted);
}

/* One begins sparse, one is dense from the start: they say the same, and what is near the truth. */
static bool estimates_hold(struct rng *rng, uint8_t *at, uint8_t *other_at)
{
    struct hll_edit sparse, dense;
    hll_edit_open(&sparse, at, HLL_BYTES_MAX, BYTES(""), SPARSE_MAX);
    hll_edit_open(&dense, other_at, HLL_BYTES_MAX, BYTES(""), SPARSE_MAX);
    uint64_t begin = rng_next(rng), checked = 1;
    if (!hll_edit_make_dense(&dense))
        return false;
    for (uint64_t element = 1; element <= ELEMENTS; element++) {
        uint64_t name = begin + element;
        struct hll_mark mark = hll_mark(bytes_of(&name, sizeof name));
        if (hll_edit_set(&sparse, mark) != hll_edit_set(&dense, mark))
            return false;
        if (element < checked)
            continue;
        if (!both_count(&sparse, &dense, element))
            return false;
        checked = checked * 2;
    }
    return true;
}

void cmd_pfselftest(struct call *call)
{
    uint8_t *at = arena_take(call->arena, HLL_BYTES_MAX);
    uint8_t *other_at = arena_take(call->arena, HLL_BYTES_MAX);
    if (at == NULL || other_at == NULL) {
        call_memory_error(call);
        return;
    }
    memset(at, 0, HLL_BYTES_MAX);
    memcpy(at, "HYLL", 4);
    if (!registers_hold(call->space->rng, at))
        reply_error(call->reply, "TESTFAILED a register does not hold what was set");
    else if (!estimates_hold(call->space->rng, at, other_at))
        reply_error(call->reply, "TESTFAILED sparse and dense differ, or are far from the truth");
    else
        reply_ok(call->reply);
}
