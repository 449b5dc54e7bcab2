/* HyperLogLogs: registers set one by one, and from sparse to dense. What is written is what Redis
 * writes, to the byte: the same splits, the same merges of neighbours, the same moment to become
 * dense. */
#include "types/hyperloglog.h"

#include "base/number.h"

enum {
    ZEROS_SHORT_MAX = 64,
    RANK_MAX = 32, /* what a sparse run can tell */
    RANKED_MAX = 4,
    OPCODE_LONG = 0x40,
    OPCODE_RANKED = 0x80,
    SPLIT_BYTES_MAX = 5,
    SPLIT_GROWTH_MAX = 3,
    MERGE_STEPS = 5, /* opcodes looked at from the one before the change */
};

/* ---- runs -------------------------------------------------------------------------------------
 */

bool hll_run_at(struct bytes content, size_t offset, struct hll_run *run)
{
    if (offset >= content.count)
        return false;
    unsigned opcode = content.at[offset];
    if ((opcode & OPCODE_RANKED) != 0) {
        *run = (struct hll_run){ (opcode >> 2 & 31) + 1, (opcode & 3) + 1, 1 };
        return true;
    }
    if ((opcode & OPCODE_LONG) == 0) {
        *run = (struct hll_run){ 0, opcode + 1, 1 };
        return true;
    }
    if (offset + 1 >= content.count)
        return false;
    *run = (struct hll_run){ 0, ((opcode & 63) << 8 | content.at[offset + 1]) + 1, 2 };
    return true;
}

static size_t write_zeros(uint8_t *at, unsigned count)
{
    if (count <= ZEROS_SHORT_MAX) {
        at[0] = (uint8_t)(count - 1);
        return 1;
    }
    at[0] = (uint8_t)(OPCODE_LONG | (count - 1) >> 8);
    at[1] = (uint8_t)(count - 1);
    return 2;
}

static void write_ranked(uint8_t *at, unsigned rank, unsigned count)
{
    *at = (uint8_t)(OPCODE_RANKED | (rank - 1) << 2 | (count - 1));
}

static size_t write_run(uint8_t *at, unsigned rank, unsigned count)
{
    if (count == 0)
        return 0;
    if (rank == 0)
        return write_zeros(at, count);
    write_ranked(at, rank, count);
    return 1;
}

/* ---- the edit ---------------------------------------------------------------------------------
 */

static struct bytes view(const struct hll_edit *edit)
{
    return bytes_of(edit->at, edit->count);
}

static void forget_run(struct hll_edit *edit)
{
    edit->run_offset = HLL_HEADER_BYTES;
    edit->run_first = 0;
}

size_t hll_edit_room(size_t count, size_t marks)
{
    size_t room = 0;
    if (count == 0)
        count = HLL_HEADER_BYTES + 2;
    if (!mul_size(marks, SPLIT_GROWTH_MAX, &room) || !add_size(room, count, &room) ||
        room > HLL_BYTES_MAX)
        return HLL_BYTES_MAX;
    return room < HLL_DENSE_BYTES ? HLL_DENSE_BYTES : room;
}

void hll_edit_open(struct hll_edit *edit, uint8_t *at, size_t room, struct bytes content,
                   uint64_t sparse_max)
{
    DCHECK(content.count <= room && room >= HLL_DENSE_BYTES);
    *edit = (struct hll_edit){
        .at = at, .count = content.count, .room = room, .sparse_max = sparse_max
    };
    forget_run(edit);
    if (content.count > 0) {
        memcpy(at, content.at, content.count);
        return;
    }
    memset(at, 0, HLL_HEADER_BYTES);
    memcpy(at, "HYLL", 4);
    at[4] = HLL_SPARSE;
    edit->count = HLL_HEADER_BYTES + write_zeros(at + HLL_HEADER_BYTES, HLL_REGISTERS);
}

bool hll_edit_make_dense(struct hll_edit *edit)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    if (hll_encoding(view(edit)) == HLL_DENSE)
        return true;
    if (!hll_raise(ranks, view(edit)))
        return false;
    memset(edit->at + HLL_HEADER_BYTES, 0, HLL_DENSE_BYTES - HLL_HEADER_BYTES);
    for (unsigned index = 0; index < HLL_REGISTERS; index++) {
        if (ranks[index] != 0)
            hll_dense_set(edit->at, index, ranks[index]);
    }
    edit->at[4] = HLL_DENSE;
    edit->count = HLL_DENSE_BYTES;
    return true;
}

static enum hll_change dense_set(struct hll_edit *edit, struct hll_mark mark)
{
    if (hll_dense_rank(edit->at, mark.index) >= mark.rank)
        return HLL_SAME;
    hll_dense_set(edit->at, mark.index, mark.rank);
    hll_cache_stale(edit->at);
    return HLL_RAISED;
}

static enum hll_change dense_set_from_sparse(struct hll_edit *edit, struct hll_mark mark)
{
    return hll_edit_make_dense(edit) ? dense_set(edit, mark) : HLL_DAMAGED;
}

/* ---- one sparse register ----------------------------------------------------------------------
 */

struct place {
    struct hll_run run;
    size_t offset; /* of the run that holds the register */
    size_t before; /* the run before it, or `offset` when it is the first */
    unsigned first, before_first;
};

static bool walk(const struct hll_edit *edit, size_t offset, unsigned first, unsigned index,
                 struct place *place)
{
    *place = (struct place){ .offset = offset, .before = offset };
    place->first = place->before_first = first;
    while (hll_run_at(view(edit), place->offset, &place->run)) {
        if (index - place->first < place->run.count)
            return true;
        place->before = place->offset;
        place->before_first = place->first;
        place->offset += place->run.bytes;
        place->first += place->run.count;
    }
    return false;
}

/* From where the last walk ended when the register lies behind that run, so that the run before it
 * is known; else from the begin. */
static bool find(struct hll_edit *edit, unsigned index, struct place *place)
{
    bool found = index >= edit->run_first &&
                 walk(edit, edit->run_offset, edit->run_first, index, place) &&
                 place->offset != edit->run_offset;
    if (!found && !walk(edit, HLL_HEADER_BYTES, 0, index, place))
        return false;
    edit->run_offset = place->before;
    edit->run_first = place->before_first;
    return true;
}

/* Puts `count` bytes for a run's opcode. False: the sparse encoding has no room for them. */
static bool replace(struct hll_edit *edit, const struct place *place, const uint8_t *bytes,
                    size_t count)
{
    size_t old = place->run.bytes, after = place->offset + old;
    if (count > old) {
        size_t grown = edit->count + count - old;
        if (grown > edit->sparse_max || grown > edit->room)
            return false;
    }
    memmove(edit->at + place->offset + count, edit->at + after, edit->count - after);
    memcpy(edit->at + place->offset, bytes, count);
    edit->count = edit->count + count - old;
    return true;
}

/* Neighbours of one rank become one run while they fit in it. */
static void merge(struct hll_edit *edit, size_t offset)
{
    struct hll_run run, next;
    for (unsigned step = 0; step < MERGE_STEPS; step++) {
        if (!hll_run_at(view(edit), offset, &run))
            return;
        size_t after = offset + run.bytes;
        if (run.rank == 0 || !hll_run_at(view(edit), after, &next) || next.rank != run.rank ||
            run.count + next.count > RANKED_MAX) {
            offset = after;
            continue;
        }
        write_ranked(edit->at + after, run.rank, run.count + next.count);
        memmove(edit->at + offset, edit->at + after, edit->count - after);
        edit->count--;
    }
}

static enum hll_change sparse_set(struct hll_edit *edit, struct hll_mark mark)
{
    struct place place;
    uint8_t split[SPLIT_BYTES_MAX];
    size_t count = 0;
    if (mark.rank > RANK_MAX)
        return dense_set_from_sparse(edit, mark);
    if (!find(edit, mark.index, &place))
        return HLL_DAMAGED;
    struct hll_run run = place.run;
    if (run.rank >= mark.rank)
        return HLL_SAME;
    unsigned left = mark.index - place.first;
    count += write_run(split, run.rank, left);
    count += write_run(split + count, mark.rank, 1);
    count += write_run(split + count, run.rank, run.count - 1 - left);
    if (!replace(edit, &place, split, count))
        return dense_set_from_sparse(edit, mark);
    merge(edit, place.before);
    hll_cache_stale(edit->at);
    return HLL_RAISED;
}

enum hll_change hll_edit_set(struct hll_edit *edit, struct hll_mark mark)
{
    DCHECK(mark.index < HLL_REGISTERS && mark.rank > 0);
    return hll_encoding(view(edit)) == HLL_DENSE ? dense_set(edit, mark) : sparse_set(edit, mark);
}
