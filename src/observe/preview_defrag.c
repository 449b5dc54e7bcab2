#include "observe/preview.h"

enum {
    MOVE_NS_A_BLOCK = 120, /* hash, index and bookkeeping; measured by bench/store.c */
    COPY_BYTES_A_US = 4000,
    RETURN_BYTES_A_US = 16 * 1024, /* the kernel's time to take pages back */
    MEASURED_FROM = 20000,         /* blocks: fewer tell little */
    BLOCK_NS_MIN = 30,
    BLOCK_NS_MAX = 3000,
    SHARES = 64,
};

static double copy_seconds(uint64_t bytes)
{
    return (double)bytes / COPY_BYTES_A_US / 1e6;
}

static double cost_of(uint64_t blocks, uint64_t bytes, uint64_t returned, double block_ns)
{
    return (double)blocks * block_ns / 1e9 + copy_seconds(bytes) +
           (double)returned / RETURN_BYTES_A_US / 1e6;
}

/* What a block has cost beside its copy, since the counters began. */
static double block_ns(const struct heap_figures *heap, const struct defrag *defrag, bool *measured)
{
    *measured = heap->moved_blocks >= MEASURED_FROM && defrag->slice_cpu_total_ns > 0;
    if (!*measured)
        return MOVE_NS_A_BLOCK;
    double beside = (double)defrag->slice_cpu_total_ns / 1e9 - copy_seconds(heap->moved_bytes);
    double ns = beside * 1e9 / (double)heap->moved_blocks;
    return ns < BLOCK_NS_MIN ? BLOCK_NS_MIN : ns > BLOCK_NS_MAX ? BLOCK_NS_MAX : ns;
}

/* Bytes copied for a byte returned, in 64ths: the mover takes what is cheapest first. */
static unsigned share_of(const struct heap_lane_figures *lane)
{
    uint64_t share = lane->move_bytes * SHARES / lane->reclaimable;
    return share < SHARES ? (unsigned)share : SHARES - 1;
}

/* Until so much has come back. */
static void drain(const struct heap_lane_figures *lanes, unsigned count, uint64_t wanted,
                  struct preview_defrag *sum)
{
    for (unsigned share = 0; share < SHARES && sum->returned < wanted; share++) {
        for (unsigned at = 0; at < count && sum->returned < wanted; at++) {
            const struct heap_lane_figures *lane = &lanes[at];
            if (lane->reclaimable == 0 || share_of(lane) != share)
                continue;
            uint64_t left = wanted - sum->returned;
            double part = left < lane->reclaimable ? (double)left / (double)lane->reclaimable : 1;
            sum->returned += (uint64_t)((double)lane->reclaimable * part);
            sum->move_bytes += (uint64_t)((double)lane->move_bytes * part);
            sum->move_blocks += (uint64_t)((double)lane->move_bytes * part / lane->cell_bytes);
            if (part < 1)
                return;
        }
    }
}

static uint64_t reclaimable_of(const struct heap_lane_figures *lanes, unsigned count)
{
    uint64_t bytes = 0;
    for (unsigned at = 0; at < count; at++)
        bytes += lanes[at].reclaimable;
    return bytes;
}

/* Bytes until the fragmentation is under the bound at which a run ends. */
static uint64_t until_stop(const struct heap_figures *heap, const struct move_limits *limits)
{
    double frag = (double)(heap->active - heap->allocated);
    double kept = (double)heap->allocated * limits->threshold_stop / 100;
    return frag > kept ? (uint64_t)(frag - kept) : 0;
}

void preview_defrag(const struct heap_lane_figures *lanes, unsigned count,
                    const struct heap_figures *heap, const struct defrag *defrag,
                    struct preview_defrag *preview)
{
    struct move_limits limits = defrag->limits;
    struct preview_defrag run = { 0 }, all = { 0 };
    struct move_figures figures = { .running = defrag->running,
                                    .allocated = heap->allocated,
                                    .active = heap->active,
                                    .reclaimable = reclaimable_of(lanes, count) };
    limits.enabled = true;
    struct move_decision decision = move_decide(&limits, &figures);
    double ns = block_ns(heap, defrag, &all.measured);
    drain(lanes, count, UINT64_MAX, &all);
    if (decision.reason == MOVE_RUN)
        drain(lanes, count, until_stop(heap, &limits), &run);
    *preview = (struct preview_defrag){
        .reason = decision.reason,
        .effort = decision.effort,
        .returned = run.returned,
        .returned_at_most = all.returned,
        .move_blocks = all.move_blocks,
        .move_bytes = all.move_bytes,
        .cpu_seconds = cost_of(run.move_blocks, run.move_bytes, run.returned, ns),
        .cpu_seconds_at_most = cost_of(all.move_blocks, all.move_bytes, all.returned, ns),
        .measured = all.measured,
    };
}
