/* How good the choice of keys is: hits of a cache on recorded patterns, with our evictor, with an
 * exact LRU and LFU, and with a model of how Redis samples: five keys, a pool of sixteen, nobody
 * looks again. Time is simulated, 500 accesses a second, so that the ratios are the same wherever
 * this runs. */
#include "harness.h"
#include "os/seam.h"
#include "store/evict.h"
#include "store/inside.h"
#include "types/string.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 8000, ACCESSES = 60000, ACCESS_MS = 2, MODEL_POOL = 16, SAMPLES = 5 };

enum pattern { PATTERN_ZIPF, PATTERN_SCAN, PATTERN_SHIFTING, PATTERNS };
static const char *const pattern_names[] = { "zipf", "scan", "shifting" };

/* A pattern over so many keys, of which so many have room. */
struct scene {
    enum pattern pattern;
    unsigned keys, room;
    uint64_t seed;
};

/* --- patterns --------------------------------------------------------------------------------- */

struct drawing {
    const struct scene *scene;
    struct rng rng;
    double sums[KEYS_MAX]; /* of 1 / rank^0.9 */
    unsigned scan_at;
};

static void drawing_init(struct drawing *drawing, const struct scene *scene)
{
    drawing->scene = scene;
    rng_init(&drawing->rng, scene->seed);
    double sum = 0;
    for (unsigned rank = 0; rank < scene->keys; rank++) {
        double weight = 1;
        for (double of = rank + 1; of >= 2; of /= 2)
            weight *= of / 2 >= 1 ? 0.536 : 1; /* 2^-0.9 for each doubling */
        drawing->sums[rank] = sum += weight;
    }
    drawing->scan_at = 0;
}

static unsigned draw_zipf(struct drawing *drawing)
{
    unsigned low = 0, high = drawing->scene->keys - 1;
    double at = (double)(rng_next(&drawing->rng) >> 11) / 9007199254740992.0 * drawing->sums[high];
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (drawing->sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Popular keys, with a walk over all of them between; or popular ones that are others by and by. */
static unsigned draw(struct drawing *drawing, unsigned access)
{
    enum pattern pattern = drawing->scene->pattern;
    unsigned rank = draw_zipf(drawing), keys = drawing->scene->keys;
    if (pattern == PATTERN_SCAN && access / 2000 % 3 == 2)
        return drawing->scan_at++ % keys;
    if (pattern == PATTERN_SHIFTING)
        return (rank + access / 10000 * 700) % keys;
    return rank;
}

/* --- an exact cache --------------------------------------------------------------------------- */

struct exact {
    bool there[KEYS_MAX];
    uint64_t used[KEYS_MAX], count[KEYS_MAX];
    unsigned held;
};

static unsigned worst_of(const struct exact *exact, bool by_count)
{
    unsigned worst = KEYS_MAX;
    for (unsigned key = 0; key < KEYS_MAX; key++) {
        if (!exact->there[key])
            continue;
        bool worse = worst == KEYS_MAX || (by_count && exact->count[key] != exact->count[worst]
                                               ? exact->count[key] < exact->count[worst]
                                               : exact->used[key] < exact->used[worst]);
        if (worse)
            worst = key;
    }
    return worst;
}

static double hits_of_exact(const struct scene *scene, bool by_count)
{
    struct exact *exact = calloc(1, sizeof *exact);
    struct drawing *drawing = malloc(sizeof *drawing);
    unsigned hits = 0;
    CHECK(exact != NULL && drawing != NULL);
    drawing_init(drawing, scene);
    for (unsigned access = 0; access < ACCESSES; access++) {
        unsigned key = draw(drawing, access);
        hits += exact->there[key];
        if (!exact->there[key]) {
            if (exact->held == scene->room)
                exact->there[worst_of(exact, by_count)] = false;
            else
                exact->held++;
            exact->there[key] = true;
            exact->count[key] = 0;
        }
        exact->used[key] = access;
        exact->count[key]++;
    }
    free(drawing);
    free(exact);
    return (double)hits / ACCESSES;
}

/* --- our store -------------------------------------------------------------------------------- */

struct cache {
    struct seam seam;
    struct store *store;
    struct evictor evictor;
    struct model_candidate {
        uint64_t score;
        char name[16];
        bool used;
    } pool[MODEL_POOL];
};

static void cache_init(struct cache *cache, bool lfu)
{
    os_seam_init(&cache->seam);
    struct store_options options = {
        .seam = &cache->seam, .seed = { 9, 2 }, .databases = 1, .rng_seed = 3
    };
    *cache = (struct cache){ .seam = cache->seam };
    options.seam = &cache->seam;
    cache->store = store_new(&options);
    CHECK(cache->store != NULL);
    struct store_use_options use = { lfu, 10, 1 };
    store_set_use_options(cache->store, &use);
    evictor_init(&cache->evictor, cache->store);
    struct evict_rule rule = { lfu ? EVICT_LFU : EVICT_LRU, false, SAMPLES };
    evictor_set_rule(&cache->evictor, &rule);
}

static struct key name_of(const struct cache *cache, unsigned number, char *name)
{
    int count = snprintf(name, 16, "%u", number);
    return store_key(cache->store, bytes_of(name, (size_t)count));
}

static void model_offer(struct cache *cache, const struct entry *entry, bool lfu)
{
    uint64_t score =
        lfu ? 255 - store_frequency(cache->store, entry) : store_idle_seconds(cache->store, entry);
    struct model_candidate *least = &cache->pool[0];
    struct bytes key = entry_key(entry);
    for (unsigned at = 0; at < MODEL_POOL; at++) {
        struct model_candidate *one = &cache->pool[at];
        if (one->used && strlen(one->name) == key.count &&
            memcmp(one->name, key.at, key.count) == 0)
            return;
        if (!one->used || (least->used && one->score < least->score))
            least = one;
    }
    if (least->used && least->score >= score)
        return;
    *least = (struct model_candidate){ .score = score, .used = true };
    memcpy(least->name, key.at, key.count);
}

static void model_evict(struct cache *cache, bool lfu)
{
    for (;;) {
        struct model_candidate *best = NULL;
        for (unsigned sample = 0; sample < SAMPLES; sample++)
            model_offer(cache, store_random(cache->store, 0), lfu);
        for (unsigned at = 0; at < MODEL_POOL; at++) {
            struct model_candidate *one = &cache->pool[at];
            if (one->used && (best == NULL || one->score > best->score))
                best = one;
        }
        best->used = false;
        struct key key = store_key(cache->store, bytes_of_text(best->name));
        struct entry *entry = store_look(cache->store, 0, &key);
        if (entry == NULL)
            continue;
        store_remove(cache->store, 0, &key, entry, EVENT_EVICTED);
        return;
    }
}

static void insert(struct cache *cache, const struct key *key)
{
    struct string_scratch scratch;
    struct value value;
    struct entry *entry;
    CHECK_EQ(string_make(store_heap(cache->store), BYTES("value"), &scratch, &value), ERR_NONE);
    CHECK_EQ(store_put(cache->store, 0, key, NULL, &value, STORE_NO_EXPIRY, EVENT_SET, &entry),
             ERR_NONE);
}

static double hits_of_store(const struct scene *scene, bool lfu, bool model)
{
    struct cache *cache = malloc(sizeof *cache);
    struct drawing *drawing = malloc(sizeof *drawing);
    unsigned hits = 0;
    CHECK(cache != NULL && drawing != NULL);
    cache_init(cache, lfu);
    drawing_init(drawing, scene);
    for (unsigned access = 0; access < ACCESSES; access++) {
        char name[16];
        struct key key = name_of(cache, draw(drawing, access), name);
        store_set_now_ms(cache->store, INT64_C(1700000000000) + (int64_t)access * ACCESS_MS);
        if (store_read(cache->store, 0, &key, STORE_TOUCH) != NULL) {
            hits++;
            continue;
        }
        if (store_count(cache->store, 0) == scene->room && model)
            model_evict(cache, lfu);
        else if (store_count(cache->store, 0) == scene->room)
            CHECK(evict_one(&cache->evictor));
        insert(cache, &key);
    }
    CHECK(store_valid(cache->store));
    store_drop(cache->store);
    free(drawing);
    free(cache);
    return (double)hits / ACCESSES;
}

static void show(const struct scene *scene, const char *by, double exact, double ours, double model)
{
    if (getenv("SNUG_SHOW") == NULL)
        return;
    printf("%u of %u, %-8s %s: exact %.4f, ours %.4f, as Redis %.4f\n", scene->room, scene->keys,
           pattern_names[scene->pattern], by, exact, ours, model);
}

TEST(evict_hits_as_often_as_an_exact_order)
{
    for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
        for (int lfu = 0; lfu < 2; lfu++) {
            const struct scene scene = { pattern, KEYS_MAX, 1500, 5 };
            double exact = hits_of_exact(&scene, lfu != 0);
            double ours = hits_of_store(&scene, lfu != 0, false);
            double model = hits_of_store(&scene, lfu != 0, true);
            show(&scene, lfu ? "lfu" : "lru", exact, ours, model);
            CHECKF(ours >= exact - 0.005, "%s: exact %f, ours %f", pattern_names[pattern], exact,
                   ours);
            CHECKF(ours >= model - (lfu ? 0 : 0.003), "%s: as Redis %f, ours %f",
                   pattern_names[pattern], model, ours);
        }
    }
}

/* Under LFU, also where few of the keys have room, or most. */
TEST(evict_hits_with_other_room_as_often_as_redis)
{
    static const unsigned sizes[][2] = { { 8000, 400 }, { 3000, 1500 } };
    for (unsigned at = 0; at < 2 * PATTERNS; at++) {
        const unsigned *size = sizes[at / PATTERNS];
        double ours = 0, model = 0;
        struct scene scene = { at % PATTERNS, size[0], size[1], 0 };
        for (scene.seed = 11; scene.seed <= 12; scene.seed++) {
            ours += hits_of_store(&scene, true, false) / 2;
            model += hits_of_store(&scene, true, true) / 2;
        }
        show(&scene, "lfu", 0, ours, model);
        CHECKF(ours >= model, "%u of %u, %s: as Redis %f, ours %f", size[1], size[0],
               pattern_names[scene.pattern], model, ours);
    }
}
