#include "store/pressure.h"

#include "base/memory.h"
#include "store/inside.h"

enum {
    US = 1000,
    MS = 1000 * 1000,
    MEASURE_NS = 100 * MS,       /* the kernel is asked, where nothing seems to happen */
    MEASURE_OVER_NS = 300 * US,  /* and where the limit is passed */
    MEASURE_BYTES = 1024 * 1024, /* or what is known has changed by so much */
    PURGE_NS = 20 * MS,
    STUCK_NS = 1000 * MS, /* so long it is believed that moving gives nothing back */
    BEYOND_SHARE = 32,
    BEYOND_MIN = 2 * 1024 * 1024,
    INDEX_LOOKS = 64,
    TENACITY_STEEP = 10,
    STEP_US_A_TENACITY = 50,
    ACT_LEAST_NS = 50 * US,
    OWED_NS_A_BYTE = 2, /* half of what writing it has cost: so nobody outruns the steps */
    OWED_MOST_NS = 50 * MS,
    SLACK_SHARE = 128,
    SLACK_MAX = 64 * 1024 * 1024,
};

void pressure_init(struct pressure *pressure, struct defrag *defrag, const struct seam *seam,
                   const struct pressure_world *world)
{
    *pressure = (struct pressure){
        .store = defrag->store, .defrag = defrag, .seam = seam, .world = *world
    };
    evictor_init(&pressure->evictor, defrag->store);
}

/* As Redis has it: 50 us for each unit up to 10, from there on 15 % more for each; 100: no end. */
static uint64_t step_of(unsigned tenacity)
{
    if (tenacity >= 100)
        return UINT64_MAX / 4;
    if (tenacity <= TENACITY_STEEP)
        return (uint64_t)tenacity * STEP_US_A_TENACITY * US;
    double us = TENACITY_STEEP * STEP_US_A_TENACITY;
    for (unsigned more = TENACITY_STEEP; more < tenacity; more++)
        us *= 1.15;
    return (uint64_t)us * US;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What was measured within a step is younger than its last reading of the clock. */
static uint64_t elapsed(uint64_t since_ns, uint64_t now_ns)
{
    return now_ns > since_ns ? now_ns - since_ns : 0;
}

void pressure_configure(struct pressure *pressure, const struct pressure_options *options)
{
    pressure->limit = options->limit;
    pressure->slack =
        options->rule.by == EVICT_NOTHING ? 0 : least(options->limit / SLACK_SHARE, SLACK_MAX);
    pressure->step_ns = step_of(options->tenacity);
    pressure->measured_ns = pressure->stuck = pressure->owed_ns = 0;
    pressure->expected = UINT64_MAX; /* what is held now nobody has to wait for */
    evictor_set_rule(&pressure->evictor, &options->rule);
    if (options->limit != 0)
        return;
    pressure->failed = pressure->running = false;
    pressure->over_since_ns = 0;
}

/* --- measuring -------------------------------------------------------------------------------- */

static void measure_indexes(struct pressure *pressure)
{
    pressure->index_bytes = store_all_index_bytes(pressure->store);
    pressure->index_age = 0;
}

/* What is known without asking anybody. */
static uint64_t known_bytes(struct pressure *pressure, const struct heap_figures *heap)
{
    if (pressure->index_age++ >= INDEX_LOOKS)
        measure_indexes(pressure);
    return heap->committed + pressure->index_bytes + memory_held();
}

/* Pages that malloc keeps, stacks, and what else there is. */
static void ask_kernel(struct pressure *pressure, uint64_t known, uint64_t now_ns)
{
    uint64_t all = pressure->world.anonymous(pressure->world.context);
    pressure->beyond = all > known ? all - known : 0;
    pressure->measured_ns = now_ns;
    pressure->measured_bytes = known;
}

static bool has_changed(const struct pressure *pressure, uint64_t known)
{
    uint64_t before = pressure->measured_bytes;
    return (known > before ? known - before : before - known) >= MEASURE_BYTES;
}

uint64_t pressure_apart(const struct pressure *pressure)
{
    return pressure->world.apart(pressure->world.context) + store_walk_bytes(pressure->store);
}

static uint64_t held_now(struct pressure *pressure, uint64_t known)
{
    uint64_t apart = pressure_apart(pressure);
    uint64_t held = known + pressure->beyond;
    return apart < held ? held - apart : 0;
}

uint64_t pressure_held(struct pressure *pressure)
{
    struct heap_figures heap;
    heap_figures(pressure->store->heap, &heap);
    measure_indexes(pressure);
    uint64_t known = known_bytes(pressure, &heap);
    ask_kernel(pressure, known, seam_now_ns(pressure->seam));
    return held_now(pressure, known);
}

static bool is_freeing(const struct store *store)
{
    return store->dying != NULL || store->dying_values != NULL || store->space.past_rest != NULL;
}

static void fill_figures(struct pressure *pressure, struct pressure_figures *figures)
{
    struct heap_figures heap;
    heap_figures(pressure->store->heap, &heap);
    uint64_t known = pressure->known = known_bytes(pressure, &heap);
    pressure->stuck = least(pressure->stuck, heap.active - heap.allocated);
    if (UNLIKELY(has_changed(pressure, known)))
        ask_kernel(pressure, known, seam_now_ns(pressure->seam));
    *figures = (struct pressure_figures){
        .limit = pressure->limit,
        .slack = pressure->slack,
        .held = held_now(pressure, known) + pressure->ahead,
        .free_pages = heap.free_spans,
        .free_cells = heap.active - heap.allocated,
        .stuck = pressure->stuck,
        .freeing = is_freeing(pressure->store),
        .may_move = pressure->defrag->limits.enabled,
        .may_evict = pressure->evictor.rule.by != EVICT_NOTHING,
    };
}

/* --- doing something about it ----------------------------------------------------------------- */

/* What is too old for a decision. True: it is asked anew. */
static bool look_again(struct pressure *pressure, uint64_t now_ns)
{
    if (elapsed(pressure->measured_ns, now_ns) < MEASURE_OVER_NS)
        return false;
    (void)pressure_held(pressure);
    return true;
}

/* Malloc keeps pages of buffers that have gone, for some seconds; no key is to go for those. It
 * gives back all at once, some 65 us a MB, so that it is not asked often. True: it has. */
static bool purge_malloc(struct pressure *pressure, uint64_t now_ns)
{
    if (pressure->beyond < pressure->limit / BEYOND_SHARE + BEYOND_MIN ||
        elapsed(pressure->purged_ns, now_ns) < PURGE_NS)
        return false;
    memory_purge();
    pressure->purged_ns = now_ns;
    (void)pressure_held(pressure);
    return true;
}

/* What is left between blocks when there is nothing more to move is stuck, until it is used. */
static void move(struct pressure *pressure, uint64_t deadline_ns)
{
    uint64_t stuck;
    pressure->moved_steps++;
    if (defrag_press(pressure->defrag, deadline_ns, &stuck))
        return;
    pressure->stuck = stuck;
    pressure->stuck_ns = seam_now_ns(pressure->seam);
}

/* What was stuck may have come loose by the going of its neighbours, and no key is to go for it.
 * Where none may go, nobody is let through while it is tried. */
static void try_stuck(struct pressure *pressure, uint64_t now_ns)
{
    if (pressure->evictor.rule.by != EVICT_NOTHING &&
        elapsed(pressure->stuck_ns, now_ns) >= STUCK_NS)
        pressure->stuck = 0;
}

static bool evict(struct pressure *pressure, bool sparse)
{
    uint64_t began_ns = UNLIKELY(pressure->timed) ? seam_now_ns(pressure->seam) : 0;
    bool evicted = sparse ? evict_sparse(&pressure->evictor) : evict_one(&pressure->evictor);
    if (LIKELY(!pressure->timed))
        return evicted;
    uint64_t ns = seam_now_ns(pressure->seam) - began_ns;
    if (ns > pressure->last_evict_ns)
        pressure->last_evict_ns = ns;
    return evicted;
}

static enum pressure_action act(struct pressure *pressure, const struct pressure_figures *figures,
                                enum pressure_action action, uint64_t deadline_ns)
{
    switch (action) {
    case PRESSURE_GIVE_BACK:
        heap_give_back(pressure->store->heap, figures->held - figures->limit, deadline_ns);
        break;
    case PRESSURE_FREE:
        pressure->freed_steps++;
        (void)store_free_step(pressure->store, deadline_ns);
        break;
    case PRESSURE_EVICT:
    case PRESSURE_CLEAR:
        if (!evict(pressure, action == PRESSURE_CLEAR) && !pressure->evictor.looking)
            return PRESSURE_FAIL;
        break;
    case PRESSURE_MOVE:
        move(pressure, deadline_ns);
        break;
    case PRESSURE_REST:
    case PRESSURE_FAIL:
        break;
    }
    return action;
}

static void note_time(struct pressure *pressure, bool over, uint64_t now_ns)
{
    if (over == (pressure->over_since_ns != 0))
        return;
    if (!over)
        pressure->over_total_ns += now_ns - pressure->over_since_ns;
    pressure->over_since_ns = over ? now_ns : 0;
}

static uint64_t owed_for(uint64_t bytes)
{
    return least(bytes, OWED_MOST_NS) * OWED_NS_A_BYTE;
}

/* Whoever writes faster than keys can go has to wait: for what is to be written now, and for what
 * more is held than at the last look, up to a bound for each step. */
static uint64_t allowed_ns(struct pressure *pressure)
{
    uint64_t known = pressure->known, expected = pressure->expected;
    uint64_t grown = known > expected ? known - expected : 0;
    pressure->owed_ns = least(pressure->owed_ns + owed_for(grown), OWED_MOST_NS);
    return pressure->step_ns + least(owed_for(pressure->ahead), OWED_MOST_NS) + pressure->owed_ns;
}

static void pay(struct pressure *pressure, uint64_t spent_ns)
{
    uint64_t beyond = spent_ns > pressure->step_ns ? spent_ns - pressure->step_ns : 0;
    pressure->owed_ns -= least(pressure->owed_ns, beyond);
}

static void end_relief(struct pressure *pressure, enum pressure_action action)
{
    pressure->failed = action == PRESSURE_FAIL;
    pressure->running = action != PRESSURE_FAIL && action != PRESSURE_REST;
    if (pressure->running)
        return;
    defrag_relax(pressure->defrag);
    pressure->owed_ns = 0;
}

/* It gets on, however short the step is. */
static uint64_t act_until(const struct pressure *pressure, uint64_t now_ns, uint64_t end_ns)
{
    uint64_t soon_ns = now_ns + ACT_LEAST_NS, slice_end_ns = now_ns + pressure->step_ns;
    uint64_t deadline_ns = least(slice_end_ns, end_ns);
    return deadline_ns > soon_ns ? deadline_ns : soon_ns;
}

/* Until all is well, or nothing can be done, or the time is over. */
static void relieve(struct pressure *pressure, uint64_t most_ns)
{
    struct pressure_figures figures;
    uint64_t began_ns = seam_now_ns(pressure->seam), now_ns = began_ns;
    bool may_evict = true, acted = false;
    enum pressure_action action;
    pressure->last_evict_ns = 0;
    try_stuck(pressure, now_ns);
    for (;;) {
        fill_figures(pressure, &figures);
        figures.may_evict = figures.may_evict && may_evict;
        action = pressure_decide(&figures);
        bool over = figures.held > figures.limit;
        if ((over && purge_malloc(pressure, now_ns)) ||
            ((action != PRESSURE_REST || over) && look_again(pressure, now_ns))) {
            now_ns = seam_now_ns(pressure->seam);
            continue;
        }
        if (action == PRESSURE_REST || action == PRESSURE_FAIL)
            break;
        if (acted && now_ns - began_ns >= most_ns)
            break;
        if (act(pressure, &figures, action, act_until(pressure, now_ns, began_ns + most_ns)) ==
            PRESSURE_FAIL)
            may_evict = false;
        acted = true;
        now_ns = seam_now_ns(pressure->seam);
    }
    pressure->last_ns = now_ns - began_ns;
    pay(pressure, pressure->last_ns);
    end_relief(pressure, action);
    note_time(pressure, figures.held > figures.limit + pressure->ahead, now_ns);
}

static void settle(struct pressure *pressure)
{
    if (UNLIKELY(pressure->running))
        defrag_relax(pressure->defrag);
    pressure->failed = pressure->running = false;
    pressure->last_ns = pressure->last_evict_ns = pressure->owed_ns = 0;
    if (UNLIKELY(pressure->over_since_ns != 0))
        note_time(pressure, false, seam_now_ns(pressure->seam));
}

/* It would not fit even if every key went, so that none is to go for it. */
static bool never_fits(struct pressure *pressure, struct pressure_figures *figures)
{
    if (pressure->ahead == 0)
        return false;
    if (purge_malloc(pressure, seam_now_ns(pressure->seam)))
        fill_figures(pressure, figures);
    uint64_t values = pressure->known - memory_held() + pressure->ahead;
    uint64_t others = figures->held > values ? figures->held - values : 0;
    return others + pressure->ahead > pressure->limit;
}

bool pressure_ease(struct pressure *pressure, uint64_t ahead)
{
    struct pressure_figures figures;
    pressure->ahead = ahead;
    fill_figures(pressure, &figures);
    if (LIKELY(pressure_decide(&figures) == PRESSURE_REST) ||
        pressure->world.is_paused(pressure->world.context))
        settle(pressure);
    else if (UNLIKELY(never_fits(pressure, &figures)))
        pressure->failed = true;
    else
        relieve(pressure, allowed_ns(pressure));
    pressure->expected = pressure->known + ahead;
    pressure->ahead = 0;
    return !pressure->failed;
}

uint64_t pressure_step(struct pressure *pressure, uint64_t now_ns)
{
    if (LIKELY(pressure->limit == 0))
        return UINT64_MAX;
    if (elapsed(pressure->measured_ns, now_ns) >= MEASURE_NS)
        (void)pressure_held(pressure);
    bool eased = pressure_ease(pressure, 0);
    return eased && pressure->running ? 0 : MEASURE_NS;
}

/* --- figures ---------------------------------------------------------------------------------- */

uint64_t pressure_current_ms(const struct pressure *pressure)
{
    if (pressure->over_since_ns == 0)
        return 0;
    return (seam_now_ns(pressure->seam) - pressure->over_since_ns) / MS;
}

uint64_t pressure_total_ms(const struct pressure *pressure)
{
    return pressure->over_total_ns / MS + pressure_current_ms(pressure);
}

void pressure_reset_counters(struct pressure *pressure)
{
    pressure->evictor.evicted = 0;
    pressure->over_total_ns = 0;
    if (pressure->over_since_ns != 0)
        pressure->over_since_ns = seam_now_ns(pressure->seam);
}
