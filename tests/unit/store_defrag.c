/* The duty cycle of active defragmentation in a simulated world: the clock goes on by a fixed
 * amount with each reading, and by what the test lets pass between two steps. So shares and limits
 * are exact, whatever the machine does. */
#include "harness.h"
#include "os/seam.h"
#include "store/defrag.h"
#include "types/string.h"

#include <stdio.h>

enum {
    KEYS = 30000,
    US = 1000,
    MS = 1000 * 1000,
    READING_NS = 4000,
    RETURN_NS_A_PAGE = 250, /* of the kernel's time, as measured */
    TOUCH_NS_A_PAGE = 500,
};

struct world {
    struct seam seam;
    uint64_t now_ns;
    unsigned keys;
    size_t value_bytes;
    struct store *store;
    struct defrag defrag;
    struct move_limits limits;
};

static uint64_t read_clock(void *context)
{
    struct world *world = context;
    return world->now_ns += READING_NS;
}

static void return_pages(void *context, void *at, size_t bytes)
{
    struct world *world = context;
    (void)at; /* the memory may stay: only the time counts here */
    world->now_ns += bytes / 4096 * RETURN_NS_A_PAGE;
}

static void touch_pages(void *context, void *at, size_t bytes)
{
    struct world *world = context;
    (void)at;
    world->now_ns += bytes / 4096 * TOUCH_NS_A_PAGE;
}

static struct key key_of(const struct world *world, unsigned number, char *name)
{
    int count = snprintf(name, 32, "key:%u", number);
    return store_key(world->store, bytes_of(name, (size_t)count));
}

static void put(struct world *world, unsigned number)
{
    static char content[STRING_INLINE_MAX];
    char name[32];
    struct string_scratch scratch;
    struct value value;
    struct key key = key_of(world, number, name);
    struct entry *entry = store_look(world->store, 0, &key);
    snprintf(content, sizeof content, "value:%u", number);
    CHECK_EQ(string_make(store_heap(world->store), bytes_of(content, world->value_bytes), &scratch,
                         &value),
             ERR_NONE);
    CHECK_EQ(store_put(world->store, 0, &key, entry, &value, STORE_NO_EXPIRY, EVENT_SET, &entry),
             ERR_NONE);
}

static bool stays(unsigned number)
{
    return number % 5 < 2;
}

static void remove_key(struct world *world, unsigned number)
{
    char name[32];
    struct key key = key_of(world, number, name);
    struct entry *entry = store_look(world->store, 0, &key);
    if (entry != NULL)
        store_remove(world->store, 0, &key, entry, EVENT_DEL);
}

static void take_out(struct world *world)
{
    for (unsigned number = 0; number < world->keys; number++)
        if (!stays(number))
            remove_key(world, number);
}

/* Two of five keys left, evenly: about 150 % of fragmentation. */
static void world_of(struct world *world, unsigned keys, size_t value_bytes)
{
    *world = (struct world){ .keys = keys, .value_bytes = value_bytes };
    os_seam_init(&world->seam);
    world->seam.context = world;
    world->seam.pages_return = return_pages;
    world->seam.pages_touch = touch_pages;
    world->seam.now_ns = read_clock;
    world->seam.cpu_ns = read_clock;
    world->now_ns = 1000 * MS;
    struct store_options options = {
        .seam = &world->seam, .seed = { 3, 4 }, .databases = 1, .rng_seed = 5
    };
    world->store = store_new(&options);
    CHECK(world->store != NULL);
    for (unsigned number = 0; number < keys; number++)
        put(world, number);
    take_out(world);
    world->limits = (struct move_limits){ .enabled = true,
                                          .ignore_bytes = 1,
                                          .threshold_lower = 10,
                                          .threshold_upper = 100,
                                          .threshold_stop = 2,
                                          .cycle_min = 1,
                                          .cycle_max = 25 };
    defrag_init(&world->defrag, world->store, &world->seam);
    defrag_configure(&world->defrag, &world->limits, 100);
}

static void world_init(struct world *world)
{
    world_of(world, KEYS, 100);
}

static void world_release(struct world *world)
{
    CHECK(store_valid(world->store));
    CHECK_EQ(store_count(world->store, 0), world->keys / 5 * 2);
    store_drop(world->store);
}

static struct heap_figures figures_of(const struct world *world)
{
    struct heap_figures figures;
    heap_figures(store_heap(world->store), &figures);
    return figures;
}

static double percent_of(const struct world *world)
{
    struct heap_figures figures = figures_of(world);
    return 100 * (double)(figures.active - figures.allocated) / (double)figures.allocated;
}

static void share(struct world *world, unsigned percent)
{
    world->limits.cycle_min = world->limits.cycle_max = percent;
    defrag_configure(&world->defrag, &world->limits, 100);
}

/* Steps with a pause between, while it runs; returns the time from the first to the last. */
static uint64_t run_with_pauses(struct world *world, uint64_t pause_ns)
{
    defrag_step(&world->defrag);
    CHECK(world->defrag.running);
    uint64_t began = world->now_ns;
    for (unsigned step = 0; world->defrag.running; step++) {
        CHECK(step < 10 * 1000 * 1000);
        world->now_ns += pause_ns;
        defrag_step(&world->defrag);
    }
    return world->now_ns - began;
}

TEST(defrag_effort_is_the_share_asked_for)
{
    static const unsigned shares[] = { 1, 5, 25, 60, 99 };
    for (size_t at = 0; at < sizeof shares / sizeof *shares; at++) {
        struct world world;
        world_init(&world);
        share(&world, shares[at]);
        uint64_t elapsed = run_with_pauses(&world, 20 * US);
        const struct defrag *defrag = &world.defrag;
        double spent = (double)defrag->slice_total_ns / (double)elapsed * 100;
        CHECKF(defrag->slices >= 10, "%llu slices", (unsigned long long)defrag->slices);
        CHECKF(spent <= 1.02 * shares[at] && spent > 0.6 * shares[at], "%u asked for, %f spent",
               shares[at], spent);
        world_release(&world);
    }
}

/* A busy server comes by rarely: what it missed is not made up for by longer or more slices. */
TEST(defrag_does_not_save_up)
{
    struct world world;
    world_init(&world);
    share(&world, 25);
    defrag_step(&world.defrag);
    for (unsigned turn = 0; turn < 50 && world.defrag.running; turn++) {
        uint64_t before = world.defrag.slices;
        world.now_ns += 500 * (uint64_t)MS;
        for (unsigned step = 0; step < 5; step++)
            defrag_step(&world.defrag);
        CHECK(world.defrag.slices <= before + 1);
    }
    world_release(&world);
}

TEST(defrag_slices_keep_their_limit)
{
    static const uint64_t limits_us[] = { 20, 50, 100, 1000 };
    for (size_t at = 0; at < sizeof limits_us / sizeof *limits_us; at++) {
        struct world world;
        world_init(&world);
        defrag_configure(&world.defrag, &world.limits, limits_us[at]);
        run_with_pauses(&world, 50 * US);
        CHECK(world.defrag.slices > 0);
        CHECK(world.defrag.slice_max_ns <= limits_us[at] * US);
        CHECK(world.defrag.slice_max_ns > limits_us[at] * US / 2);
        CHECK_EQ(world.defrag.slices_over, 0);
        world_release(&world);
    }
}

/* Giving spans of 2 MiB back and touching new ones takes the kernel longer than any batch takes the
 * mover. */
TEST(defrag_slices_of_large_cells_keep_their_limit)
{
    static const size_t sizes[] = { 3000, 20000, 60000 };
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        struct world world;
        world_of(&world, (unsigned)(40 * 1000 * 1000 / sizes[at]) / 5 * 5, sizes[at]);
        share(&world, 25);
        run_with_pauses(&world, 50 * US);
        CHECK(world.defrag.slices > 10);
        CHECKF(world.defrag.slice_max_ns <= 100 * US, "%zu bytes: %llu ns", sizes[at],
               (unsigned long long)world.defrag.slice_max_ns);
        CHECK(heap_reclaimable(store_heap(world.store)) == 0 || percent_of(&world) < 2);
        world_release(&world);
    }
}

/* A writer that deletes faster than the effort of so little waste can mend meets more effort, up to
 * the most; and when that is mended, the effort is again that of the waste alone. */
TEST(defrag_keeps_up_with_a_writer)
{
    struct world world;
    world_of(&world, 10 * KEYS, 100);
    world.limits.threshold_stop = 0;
    share(&world, 60);
    run_with_pauses(&world, 20 * US);
    world.limits.cycle_min = 1;
    world.limits.cycle_max = 60;
    defrag_configure(&world.defrag, &world.limits, 100);
    unsigned greatest = 0;
    double worst = 0;
    for (unsigned turn = 0; turn < world.keys; turn++) {
        unsigned number = (unsigned)((uint64_t)turn * 7919 % world.keys); /* no order of places */
        if (stays(number) && number % 10 < 5)
            remove_key(&world, number);
        if (turn % 256 != 0)
            continue;
        world.now_ns += 50 * US;
        defrag_step(&world.defrag);
        worst = percent_of(&world) > worst ? percent_of(&world) : worst;
        greatest = world.defrag.effort > greatest ? world.defrag.effort : greatest;
    }
    CHECKF(greatest > 15 && greatest <= 60, "effort %u, %f percent", greatest, worst);
    CHECKF(worst < 15, "%f percent", worst);
    double linear = 1 + (worst - 10) * 59 / 90;
    for (unsigned step = 0; step < 5000 && world.defrag.effort > linear; step++) {
        world.now_ns += 100 * US;
        defrag_step(&world.defrag);
    }
    CHECKF(world.defrag.effort <= linear, "effort %u", world.defrag.effort);
    CHECK(store_valid(world.store));
    store_drop(world.store);
}

/* Called when it asks to be, it loses no slice. */
TEST(defrag_says_when_it_wants_to_go_on)
{
    struct world world;
    world_init(&world);
    share(&world, 10);
    defrag_step(&world.defrag);
    uint64_t began = world.now_ns, wait_ns = 0, calls = 0;
    for (; world.defrag.running; calls++) {
        world.now_ns += wait_ns;
        wait_ns = defrag_step(&world.defrag);
    }
    double spent = (double)world.defrag.slice_total_ns / (double)(world.now_ns - began) * 100;
    CHECKF(spent > 8 && spent <= 10.2, "%f", spent);
    CHECKF(calls <= 2 * world.defrag.slices + 10, "%llu calls", (unsigned long long)calls);
    world_release(&world);
}

static void expect(struct world *world, enum move_reason reason)
{
    defrag_configure(&world->defrag, &world->limits, 100);
    uint64_t moved = figures_of(world).moved_blocks;
    for (unsigned step = 0; step < 100; step++) {
        world->now_ns += MS;
        defrag_step(&world->defrag);
    }
    CHECK_EQ(world->defrag.reason, reason);
    CHECK_EQ(world->defrag.effort, 0);
    CHECK(!world->defrag.running);
    CHECK_EQ(figures_of(world).moved_blocks, moved);
}

TEST(defrag_starts_and_stops_by_its_limits)
{
    struct world world;
    world_init(&world);
    double percent = percent_of(&world);
    CHECK(percent > 100);
    world.limits.enabled = false;
    expect(&world, MOVE_DISABLED);
    CHECK_EQ(defrag_step(&world.defrag), UINT64_MAX);
    world.limits.enabled = true;
    world.limits.ignore_bytes = figures_of(&world).active;
    expect(&world, MOVE_BELOW_IGNORE);
    world.limits.ignore_bytes = 1;
    world.limits.threshold_lower = (unsigned)percent + 1;
    expect(&world, MOVE_BELOW_THRESHOLD);
    world.limits.threshold_lower = 10;
    world.limits.threshold_stop = 40;
    share(&world, 5);
    run_with_pauses(&world, 20 * US);
    CHECK_EQ(world.defrag.reason, MOVE_HEALED);
    CHECKF(percent_of(&world) < 40 && percent_of(&world) > 25, "%f percent", percent_of(&world));
    world.limits.threshold_stop = 0;
    share(&world, 5);
    run_with_pauses(&world, 20 * US);
    CHECK_EQ(world.defrag.reason, MOVE_NOTHING_LEFT);
    CHECK_EQ(heap_reclaimable(store_heap(world.store)), 0);
    expect(&world, percent_of(&world) < 10 ? MOVE_BELOW_THRESHOLD : MOVE_NOTHING_LEFT);
    world_release(&world);
}

TEST(defrag_ends_at_once_when_turned_off)
{
    struct world world;
    world_init(&world);
    share(&world, 50);
    for (unsigned step = 0; step < 5; step++) {
        world.now_ns += 200 * US;
        defrag_step(&world.defrag);
    }
    CHECK(world.defrag.running && world.defrag.slices > 0);
    CHECK(defrag_current_ms(&world.defrag) == defrag_total_ms(&world.defrag));
    world.limits.enabled = false;
    expect(&world, MOVE_DISABLED);
    CHECK_EQ(defrag_current_ms(&world.defrag), 0);
    CHECK_EQ(defrag_total_ms(&world.defrag), 2); /* five steps of 0.2 ms, and the one that saw it */
    defrag_reset_counters(&world.defrag);
    CHECK_EQ(defrag_total_ms(&world.defrag) + world.defrag.slices + world.defrag.slice_max_ns, 0);
    world_release(&world);
}

TEST(defrag_moves_every_block_when_told)
{
    struct world world;
    world_init(&world);
    uint64_t blocks = figures_of(&world).blocks, before = figures_of(&world).moved_blocks;
    CHECK_EQ(defrag_move_every(&world.defrag), blocks);
    CHECK(figures_of(&world).moved_blocks >= before + blocks);
    CHECK_EQ(figures_of(&world).missed_blocks, 0);
    for (unsigned number = 0; number < KEYS; number++) {
        char name[32];
        struct key key = key_of(&world, number, name);
        CHECK_EQ(store_look(world.store, 0, &key) != NULL, stays(number));
    }
    world_release(&world);
}
