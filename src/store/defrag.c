#include "store/defrag.h"

#include "store/relocate.h"

enum {
    DECIDE_NS = 1000 * 1000,
    NOTHING_LEFT_NS = 20 * 1000 * 1000, /* to find out whether that is still so takes longer */
    CALL_IDLE_NS = 100 * 1000 * 1000,
    MOVE_ALL_BLOCKS = 4096,
    SLICE_MIN_NS = 10 * 1000,
};

void defrag_init(struct defrag *defrag, struct store *store, const struct seam *seam)
{
    *defrag = (struct defrag){ .store = store, .seam = seam, .cycle_ns = 100 * 1000 };
    defrag->reason = MOVE_DISABLED;
}

void defrag_configure(struct defrag *defrag, const struct move_limits *limits, uint64_t cycle_us)
{
    defrag->limits = *limits;
    defrag->cycle_ns = cycle_us * 1000 < SLICE_MIN_NS ? SLICE_MIN_NS : cycle_us * 1000;
    defrag->decided_ns = 0; /* at the next step */
}

static void stop(struct defrag *defrag, uint64_t now_ns)
{
    if (!defrag->running)
        return;
    defrag->running = false;
    defrag->total_ns += now_ns - defrag->started_ns;
    heap_move_end(store_heap(defrag->store));
}

static void start(struct defrag *defrag, uint64_t now_ns)
{
    if (defrag->running)
        return;
    defrag->running = true;
    defrag->started_ns = now_ns;
    defrag->last_ns = now_ns;
    defrag->credit_ns = 0;
}

static void decide(struct defrag *defrag, uint64_t now_ns)
{
    struct heap *heap = store_heap(defrag->store);
    struct heap_figures heap_now;
    heap_figures(heap, &heap_now);
    struct move_figures figures = { .running = defrag->running,
                                    .allocated = heap_now.allocated,
                                    .active = heap_now.active,
                                    .reclaimable = UINT64_MAX,
                                    .least = defrag->least };
    struct move_decision decision = move_decide(&defrag->limits, &figures);
    /* The costly figure, only when it matters: a run finds out by itself when nothing is left. */
    if (decision.reason == MOVE_RUN && !defrag->running) {
        figures.reclaimable = heap_reclaimable(heap);
        decision = move_decide(&defrag->limits, &figures);
    }
    defrag->decided_ns = now_ns;
    defrag->reason = decision.reason;
    defrag->effort = decision.effort;
    if (!defrag->running || decision.percent < defrag->least)
        defrag->least = decision.percent;
    if (decision.reason == MOVE_RUN)
        start(defrag, now_ns);
    else
        stop(defrag, now_ns);
}

static void account_slice(struct defrag *defrag, uint64_t spent_ns, uint64_t cpu_ns)
{
    defrag->slice_cpu_total_ns += cpu_ns;
    defrag->slices_over += cpu_ns > defrag->cycle_ns;
    if (cpu_ns > defrag->slice_cpu_max_ns)
        defrag->slice_cpu_max_ns = cpu_ns;
    defrag->slices++;
    defrag->slice_total_ns += spent_ns;
    if (spent_ns > defrag->slice_max_ns)
        defrag->slice_max_ns = spent_ns;
    defrag->credit_ns -= (int64_t)spent_ns;
}

/* A slice ends a batch before its limit, since a batch is not cut short. */
static void run_slice(struct defrag *defrag, uint64_t now_ns)
{
    struct heap_mover mover = store_mover(defrag->store);
    const struct seam *seam = defrag->seam;
    uint64_t slice = defrag->cycle_ns - defrag->cycle_ns / 5;
    uint64_t cpu_ns = seam->cpu_ns(seam->context);
    enum heap_move_outcome outcome =
        heap_move_step(store_heap(defrag->store), &mover, now_ns + slice);
    uint64_t end_ns = seam_now_ns(defrag->seam);
    account_slice(defrag, end_ns - now_ns, seam->cpu_ns(seam->context) - cpu_ns);
    defrag->last_ns = now_ns;
    if (outcome != HEAP_MOVE_IDLE)
        return;
    stop(defrag, end_ns);
    defrag->reason = MOVE_NOTHING_LEFT;
    defrag->effort = 0;
    defrag->decided_ns = end_ns;
}

/* When the credit will be enough for a slice. */
static uint64_t next_slice_in(const struct defrag *defrag)
{
    int64_t missing = (int64_t)defrag->cycle_ns - defrag->credit_ns;
    if (missing <= 0 || defrag->effort == 0)
        return 0;
    return (uint64_t)missing * 100 / defrag->effort;
}

static void earn_credit(struct defrag *defrag, uint64_t now_ns)
{
    defrag->credit_ns += (int64_t)((now_ns - defrag->last_ns) * defrag->effort / 100);
    defrag->last_ns = now_ns;
    if (defrag->credit_ns > (int64_t)defrag->cycle_ns)
        defrag->credit_ns = (int64_t)defrag->cycle_ns;
}

static bool due(const struct defrag *defrag, uint64_t now_ns)
{
    uint64_t pause = defrag->reason == MOVE_NOTHING_LEFT ? NOTHING_LEFT_NS : DECIDE_NS;
    return defrag->decided_ns == 0 || now_ns - defrag->decided_ns >= pause;
}

/* Before each slice it is decided anew, so that a run ends within a slice of its threshold; and
 * each millisecond that it is called, since a fast writer makes 1 % of waste in a few. */
uint64_t defrag_step(struct defrag *defrag)
{
    uint64_t now_ns = seam_now_ns(defrag->seam);
    if (defrag->running)
        earn_credit(defrag, now_ns);
    bool ready = defrag->running && defrag->credit_ns == (int64_t)defrag->cycle_ns;
    if (ready || due(defrag, now_ns))
        decide(defrag, now_ns);
    if (!defrag->running)
        return defrag->limits.enabled ? CALL_IDLE_NS : UINT64_MAX;
    if (ready)
        run_slice(defrag, now_ns);
    return defrag->running ? next_slice_in(defrag) : CALL_IDLE_NS;
}

static uint64_t holes_of(const struct heap *heap)
{
    struct heap_figures figures;
    heap_figures(heap, &figures);
    return figures.active - figures.allocated;
}

/* Draining first, since it gives back whole spans; and again behind a round of packing, for what
 * was freed meanwhile. */
static enum heap_move_outcome press_slice(struct defrag *defrag, uint64_t end_ns)
{
    struct heap *heap = store_heap(defrag->store);
    struct heap_mover mover = store_mover(defrag->store);
    if (defrag->pack_row == 0) {
        if (heap_move_step(heap, &mover, end_ns) == HEAP_MOVE_STEPPED)
            return HEAP_MOVE_STEPPED;
        defrag->pack_whole = true;
        defrag->pack_holes = holes_of(heap);
    }
    if (heap_pack_step(heap, &mover, &defrag->pack_row, end_ns) || !defrag->pack_whole)
        return HEAP_MOVE_STEPPED;
    return heap_move_step(heap, &mover, end_ns);
}

bool defrag_press(struct defrag *defrag, uint64_t deadline_ns, uint64_t *stuck)
{
    const struct seam *seam = defrag->seam;
    enum heap_move_outcome outcome = HEAP_MOVE_STEPPED;
    uint64_t now_ns = seam_now_ns(seam), holes;
    *stuck = holes_of(store_heap(defrag->store));
    if (!defrag->limits.enabled)
        return false;
    while (outcome == HEAP_MOVE_STEPPED && now_ns < deadline_ns) {
        uint64_t slice_ns = now_ns + defrag->cycle_ns - defrag->cycle_ns / 5, began_ns = now_ns;
        uint64_t cpu_ns = seam->cpu_ns(seam->context);
        outcome = press_slice(defrag, slice_ns < deadline_ns ? slice_ns : deadline_ns);
        now_ns = seam_now_ns(seam);
        account_slice(defrag, now_ns - began_ns, seam->cpu_ns(seam->context) - cpu_ns);
    }
    holes = holes_of(store_heap(defrag->store));
    *stuck = holes < defrag->pack_holes ? holes : defrag->pack_holes;
    return outcome == HEAP_MOVE_STEPPED;
}

void defrag_relax(struct defrag *defrag)
{
    defrag->pack_whole = false;
}

void defrag_move_all(struct defrag *defrag)
{
#ifdef SNUG_MOVE_ALL
    struct heap_mover mover = store_mover(defrag->store);
    heap_move_all(store_heap(defrag->store), &mover, MOVE_ALL_BLOCKS);
#else
    (void)defrag;
#endif
}

uint64_t defrag_move_every(struct defrag *defrag)
{
    struct heap *heap = store_heap(defrag->store);
    struct heap_mover mover = store_mover(defrag->store);
    struct heap_figures figures;
    heap_move_all(heap, &mover, UINT64_MAX / 2);
    heap_figures(heap, &figures);
    return figures.blocks;
}

const char *defrag_reason_name(enum move_reason reason)
{
    static const char *const names[] = {
        [MOVE_DISABLED] = "disabled",
        [MOVE_BELOW_IGNORE] = "below-ignore-bytes",
        [MOVE_BELOW_THRESHOLD] = "below-threshold",
        [MOVE_HEALED] = "healed",
        [MOVE_NOTHING_LEFT] = "nothing-left",
        [MOVE_RUN] = "running",
    };
    return names[reason];
}

uint64_t defrag_current_ms(const struct defrag *defrag)
{
    if (!defrag->running)
        return 0;
    return (seam_now_ns(defrag->seam) - defrag->started_ns) / 1000000;
}

uint64_t defrag_total_ms(const struct defrag *defrag)
{
    return defrag->total_ns / 1000000 + defrag_current_ms(defrag);
}

void defrag_reset_counters(struct defrag *defrag)
{
    defrag->total_ns = 0;
    defrag->slices = defrag->slice_max_ns = defrag->slice_total_ns = 0;
    defrag->slice_cpu_max_ns = defrag->slice_cpu_total_ns = defrag->slices_over = 0;
    if (defrag->running)
        defrag->started_ns = seam_now_ns(defrag->seam);
}
