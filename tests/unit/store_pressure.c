/* What is decided about too much memory, from a table; and that an evictor chooses near to exactly,
 * in a simulated world where a turn of the clock is a second. */
#include "harness.h"
#include "os/seam.h"
#include "store/defrag.h"
#include "store/evict.h"
#include "store/pressure_policy.h"
#include "types/string.h"

#include <stdio.h>
#include <string.h>

TEST(pressure_decides_by_figures)
{
    static const struct {
        struct pressure_figures figures;
        enum pressure_action action;
    } rows[] = {
        { { .limit = 100, .held = 100 }, PRESSURE_REST },
        { { .limit = 100, .held = 101 }, PRESSURE_FAIL },
        { { .limit = 100, .held = 101, .may_evict = true }, PRESSURE_EVICT },
        { { .limit = 100, .held = 101, .free_pages = 1, .may_evict = true }, PRESSURE_GIVE_BACK },
        { { .limit = 100, .held = 100, .free_pages = 9, .may_evict = true }, PRESSURE_REST },
        { { .limit = 100, .held = 120, .free_cells = 20, .may_evict = true, .may_move = true },
          PRESSURE_MOVE },
        { { .limit = 100, .held = 120, .free_cells = 20, .may_move = true }, PRESSURE_MOVE },
        { { .limit = 100, .held = 120, .free_cells = 20 }, PRESSURE_FAIL },
        { { .limit = 100, .held = 120, .free_cells = 20, .may_evict = true }, PRESSURE_CLEAR },
        { { .limit = 100, .held = 120, .free_cells = 19, .may_evict = true }, PRESSURE_EVICT },
        { { .limit = 100, .held = 120, .free_cells = 19, .may_evict = true, .may_move = true },
          PRESSURE_EVICT },
        { { .limit = 100,
            .held = 120,
            .free_cells = 20,
            .stuck = 1,
            .may_evict = true,
            .may_move = true },
          PRESSURE_EVICT },
        { { .limit = 100, .held = 120, .free_cells = 20, .stuck = 20, .may_move = true },
          PRESSURE_FAIL },
        { { .limit = 100, .held = 120, .free_cells = 9, .stuck = 20, .may_move = true },
          PRESSURE_FAIL },
        { { .limit = 100, .held = 120, .freeing = true, .may_evict = true }, PRESSURE_FREE },
        { { .limit = 100, .held = 90, .freeing = true, .may_evict = true }, PRESSURE_REST },
        { { .limit = 100, .slack = 10, .held = 95, .may_evict = true }, PRESSURE_EVICT },
        { { .limit = 100,
            .slack = 10,
            .held = 95,
            .free_cells = 5,
            .may_evict = true,
            .may_move = true },
          PRESSURE_REST },
        { { .limit = 100, .slack = 10, .held = 95 }, PRESSURE_REST },
        { { .limit = 1, .slack = 10, .held = 1, .free_cells = 500 }, PRESSURE_REST },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        CHECKF(pressure_decide(&rows[at].figures) == rows[at].action, "row %zu", at);
}

/* --- choosing --------------------------------------------------------------------------------- */

struct choosing {
    struct seam seam;
    struct store *store;
    struct evictor evictor;
    int64_t now_ms;
};

static void choosing_init(struct choosing *choosing, enum evict_by by, bool volatile_only)
{
    os_seam_init(&choosing->seam);
    struct store_options options = {
        .seam = &choosing->seam, .seed = { 1, 2 }, .databases = 3, .rng_seed = 11
    };
    choosing->store = store_new(&options);
    CHECK(choosing->store != NULL);
    choosing->now_ms = INT64_C(1700000000000);
    store_set_now_ms(choosing->store, choosing->now_ms);
    evictor_init(&choosing->evictor, choosing->store);
    struct evict_rule rule = { by, volatile_only, 5 };
    evictor_set_rule(&choosing->evictor, &rule);
}

static void choosing_release(struct choosing *choosing)
{
    CHECK(store_valid(choosing->store));
    store_drop(choosing->store);
}

static struct key key_of(const struct choosing *choosing, unsigned number, char *name)
{
    int count = snprintf(name, 32, "key:%u", number);
    return store_key(choosing->store, bytes_of(name, (size_t)count));
}

static void pass_seconds(struct choosing *choosing, int64_t seconds)
{
    choosing->now_ms += seconds * 1000;
    store_set_now_ms(choosing->store, choosing->now_ms);
}

static void put(struct choosing *choosing, unsigned db, unsigned number, int64_t expiry)
{
    char name[32];
    struct string_scratch scratch;
    struct value value;
    struct key key = key_of(choosing, number, name);
    struct entry *entry = store_look(choosing->store, db, &key);
    CHECK_EQ(string_make(store_heap(choosing->store), BYTES("some value"), &scratch, &value),
             ERR_NONE);
    CHECK_EQ(store_put(choosing->store, db, &key, entry, &value, expiry, EVENT_SET, &entry),
             ERR_NONE);
}

static bool is_there(struct choosing *choosing, unsigned db, unsigned number)
{
    char name[32];
    struct key key = key_of(choosing, number, name);
    return store_holds(choosing->store, db, &key);
}

/* Of half the keys gone, how many an exact order would have chosen too. */
static double share_of_oldest(enum evict_by by, bool volatile_only)
{
    enum { KEYS = 20000 };
    struct choosing choosing;
    choosing_init(&choosing, by, volatile_only);
    for (unsigned number = 0; number < KEYS; number++) {
        pass_seconds(&choosing, 1);
        int64_t expiry = by == EVICT_TTL ? choosing.now_ms + INT64_C(1000000000)
                         : volatile_only ? choosing.now_ms + INT64_C(100000000000)
                                         : STORE_NO_EXPIRY;
        put(&choosing, number % 3, number, expiry);
    }
    for (unsigned gone = 0; gone < KEYS / 2; gone++)
        CHECK(evict_one(&choosing.evictor));
    unsigned right = 0;
    for (unsigned number = 0; number < KEYS / 2; number++)
        right += !is_there(&choosing, number % 3, number);
    CHECK_EQ(choosing.evictor.evicted, KEYS / 2);
    choosing_release(&choosing);
    return (double)right / (KEYS / 2);
}

TEST(evict_goes_by_age_nearly_exactly)
{
    double lru = share_of_oldest(EVICT_LRU, false), volatile_lru = share_of_oldest(EVICT_LRU, true);
    double ttl = share_of_oldest(EVICT_TTL, true), random = share_of_oldest(EVICT_RANDOM, false);
    CHECKF(lru > 0.94, "%f", lru);
    CHECKF(volatile_lru > 0.94, "%f", volatile_lru);
    CHECKF(ttl > 0.94, "%f", ttl);
    CHECKF(random > 0.47 && random < 0.53, "%f", random);
}

/* Who was seen when it was old, and used since, stays. */
TEST(evict_looks_again_at_who_was_used)
{
    enum { KEYS = 200 };
    struct choosing choosing;
    choosing_init(&choosing, EVICT_LRU, false);
    for (unsigned number = 0; number < KEYS; number++)
        put(&choosing, 0, number, STORE_NO_EXPIRY);
    pass_seconds(&choosing, 100);
    CHECK(evict_one(&choosing.evictor));
    unsigned used = 0;
    for (unsigned number = 0; number < KEYS; number += 2) {
        char name[32];
        struct key key = key_of(&choosing, number, name);
        used += store_read(choosing.store, 0, &key, STORE_TOUCH) != NULL;
    }
    for (uint64_t left = store_count(choosing.store, 0); left > used; left--)
        CHECK(evict_one(&choosing.evictor));
    for (unsigned number = 1; number < KEYS; number += 2)
        CHECK(!is_there(&choosing, 0, number));
    choosing_release(&choosing);
}

TEST(evict_finds_the_few_that_expire)
{
    enum { KEYS = 30000, FEW = 7 };
    static const enum evict_by ways[] = { EVICT_LRU, EVICT_LFU, EVICT_RANDOM, EVICT_TTL };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct choosing choosing;
        choosing_init(&choosing, ways[way], true);
        for (unsigned number = 0; number < KEYS; number++)
            put(&choosing, 0, number, STORE_NO_EXPIRY);
        CHECK(!evict_one(&choosing.evictor));
        for (unsigned number = 0; number < FEW; number++)
            put(&choosing, 1, number, choosing.now_ms + 1000000);
        for (unsigned number = 0; number < FEW; number++)
            CHECK(evict_one(&choosing.evictor));
        CHECK(!evict_one(&choosing.evictor));
        CHECK_EQ(store_count(choosing.store, 0), KEYS);
        CHECK_EQ(store_count(choosing.store, 1), 0);
        choosing_release(&choosing);
    }
}

/* Pages come free with few keys more than they held, whatever order the keys came in. */
TEST(evict_sparse_empties_spans)
{
    enum { KEYS = 40000 };
    struct choosing choosing;
    choosing_init(&choosing, EVICT_LRU, false);
    struct heap *heap = store_heap(choosing.store);
    struct heap_figures figures;
    for (unsigned number = 0; number < KEYS; number++)
        put(&choosing, number % 3, number * 7919u % KEYS, STORE_NO_EXPIRY);
    heap_figures(heap, &figures);
    uint64_t goal = figures.active / 4 * 3;
    unsigned gone = 0;
    for (; figures.active > goal; gone++) {
        CHECK(evict_sparse(&choosing.evictor));
        heap_figures(heap, &figures);
    }
    CHECKF(gone >= KEYS / 5 && gone < KEYS / 3, "%u", gone);
    uint64_t held = figures.free_spans;
    CHECK(held > 0 && heap_give_back(heap, held, UINT64_MAX) >= held);
    heap_figures(heap, &figures);
    CHECK_EQ(figures.free_spans, 0);
    for (; gone < KEYS; gone++)
        CHECK(evict_sparse(&choosing.evictor));
    CHECK(!evict_sparse(&choosing.evictor));
    choosing_release(&choosing);
}

static void put_long(struct choosing *choosing, unsigned number, size_t bytes)
{
    static char content[STRING_INLINE_MAX];
    char name[32];
    struct string_scratch scratch;
    struct value value;
    struct key key = key_of(choosing, number, name);
    struct entry *entry;
    memset(content, (int)(number % 251), bytes);
    CHECK_EQ(string_make(store_heap(choosing->store), bytes_of(content, bytes), &scratch, &value),
             ERR_NONE);
    CHECK_EQ(store_put(choosing->store, 0, &key, NULL, &value, STORE_NO_EXPIRY, EVENT_SET, &entry),
             ERR_NONE);
}

static void check_long(struct choosing *choosing, unsigned number)
{
    char name[32];
    struct key key = key_of(choosing, number, name);
    struct entry *entry = store_look(choosing->store, 0, &key);
    if (entry == NULL)
        return;
    struct bytes body = entry_body(entry);
    for (size_t at = 0; at < body.count; at += 97)
        CHECK_EQ(body.at[at], number % 251);
}

static bool press(struct choosing *choosing, struct defrag *defrag, uint64_t *stuck)
{
    return defrag_press(defrag, seam_now_ns(&choosing->seam) + 50000, stuck);
}

/* Of every size a few: no span can be drained into another, and yet their pages come back. */
TEST(pressure_packs_what_cannot_be_drained)
{
    enum { KEYS = 3000 };
    struct choosing choosing;
    struct defrag defrag;
    struct heap_figures figures;
    uint64_t stuck;
    choosing_init(&choosing, EVICT_RANDOM, false);
    struct heap *heap = store_heap(choosing.store);
    struct move_limits limits = { .enabled = true };
    defrag_init(&defrag, choosing.store, &choosing.seam);
    CHECK(!defrag_press(&defrag, UINT64_MAX, &stuck)); /* it is not enabled */
    defrag_configure(&defrag, &limits, 100);
    for (unsigned number = 0; number < KEYS; number++)
        put_long(&choosing, number, 64 + number * 7919u % (STRING_INLINE_MAX - 64));
    for (unsigned gone = 0; gone < KEYS / 10 * 9; gone++)
        CHECK(evict_one(&choosing.evictor));
    heap_give_back(heap, UINT64_MAX, UINT64_MAX);
    heap_figures(heap, &figures);
    uint64_t before = figures.active - figures.allocated, live = figures.allocated;
    for (unsigned steps = 0; press(&choosing, &defrag, &stuck); steps++)
        CHECK(steps < 1000000 && (steps % 16 != 0 || store_valid(choosing.store)));
    heap_figures(heap, &figures);
    CHECK_EQ(figures.allocated, live);
    CHECKF(figures.active - live < before / 2, "%llu of %llu",
           (unsigned long long)(figures.active - live), (unsigned long long)before);
    for (unsigned number = 0; number < KEYS; number++)
        check_long(&choosing, number);
    for (unsigned number = 0; number < KEYS; number++) /* trimmed pages are there again */
        put_long(&choosing, KEYS + number, 64 + number * 104729u % (STRING_INLINE_MAX - 64));
    for (unsigned number = 0; number < 2 * KEYS; number++)
        check_long(&choosing, number);
    choosing_release(&choosing);
}

/* Who had enough in the middle of a round of packing left it there; what was freed since, before
 * that place or behind it, is not said to be stuck where that round ends. */
TEST(pressure_finds_what_was_freed_since_it_rested)
{
    enum { KEYS = 3000, LATER = 20000 };
    struct choosing choosing;
    struct defrag defrag;
    struct heap_figures figures;
    struct move_limits limits = { .enabled = true };
    uint64_t stuck;
    unsigned steps;
    choosing_init(&choosing, EVICT_RANDOM, false);
    struct heap *heap = store_heap(choosing.store);
    defrag_init(&defrag, choosing.store, &choosing.seam);
    defrag_configure(&defrag, &limits, 100);
    for (unsigned number = 0; number < KEYS; number++)
        put_long(&choosing, number, 64 + number * 7919u % (STRING_INLINE_MAX - 64));
    for (unsigned gone = 0; gone < KEYS / 10 * 9; gone++)
        CHECK(evict_one(&choosing.evictor));
    for (steps = 0; defrag.pack_row == 0 && steps < 100000; steps++)
        CHECK(press(&choosing, &defrag, &stuck));
    CHECK(defrag.pack_row != 0);
    defrag_relax(&defrag);
    for (unsigned number = KEYS; number < KEYS + LATER; number++)
        put_long(&choosing, number, 1000);
    for (unsigned gone = 0; gone < LATER / 4 * 3; gone++)
        CHECK(evict_one(&choosing.evictor));
    defrag.pack_row = UINT32_MAX / 2; /* as if it had been left at the end */
    for (steps = 0; press(&choosing, &defrag, &stuck); steps++)
        CHECK(steps < 1000000);
    heap_figures(heap, &figures);
    CHECK_EQ(heap_reclaimable(heap), 0);
    CHECK_EQ(stuck, figures.active - figures.allocated);
    CHECKF(stuck < figures.allocated / 4, "%llu", (unsigned long long)stuck);
    choosing_release(&choosing);
}

TEST(evict_of_nothing)
{
    struct choosing choosing;
    choosing_init(&choosing, EVICT_LRU, false);
    CHECK(!evict_one(&choosing.evictor));
    put(&choosing, 2, 1, STORE_NO_EXPIRY);
    store_flush(choosing.store, STORE_ALL_DATABASES, false);
    CHECK(!evict_one(&choosing.evictor));
    choosing_release(&choosing);
}

/* Keys of many databases go by how many there are in each, and the last of each is found. */
TEST(evict_draws_databases_by_their_keys)
{
    enum { KEYS = 8000, FEW = 20 };
    struct choosing choosing;
    choosing_init(&choosing, EVICT_RANDOM, false);
    for (unsigned number = 0; number < KEYS; number++)
        put(&choosing, number % 4 == 0 ? 0 : 2, number, STORE_NO_EXPIRY);
    for (unsigned gone = 0; gone < KEYS / 2; gone++)
        CHECK(evict_one(&choosing.evictor));
    uint64_t left = store_count(choosing.store, 0);
    CHECKF(left > KEYS / 10 && left < KEYS / 20 * 3, "%llu", (unsigned long long)left);
    for (unsigned gone = 0; gone < KEYS / 2; gone++)
        CHECK(evict_one(&choosing.evictor));
    for (unsigned number = 0; number < FEW; number++)
        put(&choosing, 1, number, STORE_NO_EXPIRY);
    for (unsigned number = 0; number < FEW; number++)
        CHECK(evict_one(&choosing.evictor));
    CHECK(!evict_one(&choosing.evictor));
    choosing_release(&choosing);
}

/* However far apart they stand, it says that it looks on until it has been everywhere. */
TEST(evict_looks_on_for_the_few_that_expire)
{
    enum { KEYS = 60000, LONG_NAME = 70000, FEW = 3 };
    static uint8_t name[LONG_NAME];
    struct choosing choosing;
    struct string_scratch scratch;
    struct value value;
    choosing_init(&choosing, EVICT_LRU, true);
    choosing.evictor.look_steps = 1;
    for (unsigned number = 0; number < KEYS; number++)
        put(&choosing, 0, number, STORE_NO_EXPIRY);
    CHECK(!evict_one(&choosing.evictor) && !choosing.evictor.looking);
    for (unsigned number = 0; number < FEW; number++)
        put(&choosing, 0, KEYS + number, choosing.now_ms + 1000000);
    struct key key = store_key(choosing.store, bytes_of(name, LONG_NAME));
    CHECK_EQ(string_make(store_heap(choosing.store), BYTES("x"), &scratch, &value), ERR_NONE);
    CHECK_EQ(store_put(choosing.store, 0, &key, NULL, &value, choosing.now_ms + 1000000, EVENT_SET,
                       NULL),
             ERR_NONE);
    unsigned vain = 0;
    while (choosing.evictor.evicted <= FEW) {
        if (evict_one(&choosing.evictor))
            continue;
        CHECK(choosing.evictor.looking && vain++ < 1000);
    }
    CHECK(vain > 0);
    CHECK(!evict_one(&choosing.evictor) && !choosing.evictor.looking);
    CHECK_EQ(store_count(choosing.store, 0), KEYS);
    choosing_release(&choosing);
}
