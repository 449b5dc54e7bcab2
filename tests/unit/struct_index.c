/* The index beside a naive model: an array that says under which reference each element stands. */
#include "base/rng.h"
#include "harness.h"
#include "struct/index_parts.h"
#include "struct_pages.h"

#include <stdlib.h>

/* A reference is id + 1 in the low bits and a version above, so that elements can move. */
enum { IDS_MAX = 6000, ID_BITS = 20, SCANS = 3, POPS_MAX = 64 };

/* One SCAN under way: what has to be seen, and what was. */
struct walk {
    bool running;
    uint64_t cursor;
    bool owed[IDS_MAX]; /* in the index since the walk began, not yet seen */
};

struct model {
    struct test_pages pages;
    struct index index;
    struct rng rng;
    uint64_t hash[IDS_MAX];
    uint64_t ref[IDS_MAX]; /* 0: not in the index */
    uint64_t count;
    struct walk walks[SCANS];
    struct walk *visited; /* the walk that a scan is for */
};

static uint64_t id_of(uint64_t ref)
{
    return (ref & ((UINT64_C(1) << ID_BITS) - 1)) - 1;
}

static uint64_t hash_of(void *context, uint64_t ref)
{
    const struct model *model = context;
    CHECK(id_of(ref) < IDS_MAX);
    return model->hash[id_of(ref)];
}

static void fetch_early(void *context, uint64_t ref)
{
    struct model *model = context;
    CHECK(id_of(ref) < IDS_MAX && model->ref[id_of(ref)] == ref);
}

/* Hashes: all bits random and'ed with the mask. */
static struct model *model_new(uint64_t mask)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    test_pages_init(&model->pages);
    rng_init(&model->rng, test_seed());
    for (int i = 0; i < IDS_MAX; i++)
        model->hash[i] = rng_next(&model->rng) & mask;
    struct index_ops ops = { hash_of, fetch_early, model };
    CHECK(index_init(&model->index, &model->pages.seam, &ops));
    return model;
}

static void model_drop(struct model *model)
{
    index_release(&model->index);
    CHECK_EQ(model->pages.reserved, 0);
    free(model);
}

static uint64_t new_ref(struct model *model, uint64_t id)
{
    return (1 + rng_below(&model->rng, (1 << 20) - 1)) << ID_BITS | (id + 1);
}

/* Stands on `ref` under its hash. */
static bool find(const struct model *model, uint64_t hash, uint64_t ref, struct index_probe *probe)
{
    index_prefetch(&model->index, hash);
    index_prefetch_found(&model->index, hash);
    uint64_t at = index_first(&model->index, hash, probe);
    while (at != 0 && at != ref)
        at = index_next(&model->index, probe);
    return at != 0;
}

static bool insert(struct model *model, uint64_t id)
{
    uint64_t ref = new_ref(model, id);
    model->ref[id] = ref; /* may be prefetched already */
    if (!index_insert(&model->index, model->hash[id], ref)) {
        model->ref[id] = 0;
        return false;
    }
    model->count++;
    return true;
}

static void forget(struct model *model, uint64_t id)
{
    model->ref[id] = 0;
    model->count--;
    for (int i = 0; i < SCANS; i++)
        model->walks[i].owed[id] = false;
}

static void remove_id(struct model *model, uint64_t id)
{
    struct index_probe probe;
    CHECK(find(model, model->hash[id], model->ref[id], &probe));
    index_remove_at(&model->index, &probe);
    forget(model, id);
}

static void move_id(struct model *model, uint64_t id)
{
    uint64_t to = new_ref(model, id);
    struct index_probe probe;
    if (rng_below(&model->rng, 2) != 0) {
        CHECK(index_move(&model->index, model->hash[id], model->ref[id], to));
    } else {
        CHECK(find(model, model->hash[id], model->ref[id], &probe));
        index_repoint(&probe, to);
    }
    model->ref[id] = to;
}

/* Every element is where it belongs, once; what is not there is not found. */
static void check_all(const struct model *model)
{
    CHECK_EQ(model->index.count, model->count);
    struct index_probe probe;
    for (uint64_t id = 0; id < IDS_MAX; id++) {
        unsigned found = 0;
        uint64_t at = index_first(&model->index, model->hash[id], &probe);
        for (; at != 0; at = index_next(&model->index, &probe)) {
            CHECK(model->ref[id_of(at)] == at);
            found += id_of(at) == id;
        }
        CHECK_EQ(found, model->ref[id] != 0);
    }
}

static void see(void *context, uint64_t ref)
{
    struct model *model = context;
    CHECK(model->ref[id_of(ref)] == ref);
    model->visited->owed[id_of(ref)] = false;
}

static void walk_step(struct model *model, struct walk *walk)
{
    if (!walk->running) {
        walk->running = true;
        walk->cursor = 0;
        for (int i = 0; i < IDS_MAX; i++)
            walk->owed[i] = model->ref[i] != 0;
    }
    model->visited = walk;
    walk->cursor = index_scan(&model->index, walk->cursor, see, model);
    if (walk->cursor != 0)
        return;
    walk->running = false;
    for (int i = 0; i < IDS_MAX; i++)
        CHECKF(!walk->owed[i], "element %d was never visited", i);
}

static void pop_some(struct model *model)
{
    uint64_t refs[POPS_MAX];
    uint64_t most = rng_below(&model->rng, POPS_MAX + 1);
    uint64_t taken = index_pop(&model->index, refs, most);
    CHECK_EQ(taken, most < model->count ? most : model->count);
    for (uint64_t i = 0; i < taken; i++) {
        CHECK(model->ref[id_of(refs[i])] == refs[i]);
        forget(model, id_of(refs[i]));
    }
}

/* One random step; `insert_share` of 100 are inserts. */
static void random_step(struct model *model, uint64_t ids, unsigned insert_share)
{
    uint64_t id = rng_below(&model->rng, ids);
    uint64_t choice = rng_below(&model->rng, 100);
    if (model->ref[id] == 0 && choice < insert_share)
        CHECK(insert(model, id));
    else if (model->ref[id] != 0 && choice >= insert_share)
        remove_id(model, id);
    else if (model->ref[id] != 0)
        move_id(model, id);
    else
        CHECK(!index_move(&model->index, model->hash[id], id + 1, 1));
    if (choice % 3 == 0)
        walk_step(model, &model->walks[rng_below(&model->rng, SCANS)]);
}

/* Grows and shrinks between 0 and `ids` elements, everything checked after each step or, when
 * large, after each 97th. */
static void storms(uint64_t mask, uint64_t ids, int phases)
{
    struct model *model = model_new(mask);
    uint64_t step = 0;
    for (int phase = 0; phase < phases; phase++) {
        unsigned share = phase % 2 == 0 ? 85 : 15;
        for (uint64_t i = 0; i < ids * 4; i++) {
            random_step(model, ids, share);
            if (rng_below(&model->rng, 20000) == 0)
                pop_some(model);
            if (ids <= 300 || ++step % 97 == 0)
                CHECK(index_valid(&model->index));
        }
        check_all(model);
    }
    model_drop(model);
}

TEST(index_as_the_model_small)
{
    storms(UINT64_MAX, 12, 40);
    storms(UINT64_MAX, 60, 20);
    storms(UINT64_MAX, 300, 6);
}

TEST(index_as_the_model_large)
{
    storms(UINT64_MAX, IDS_MAX, 6);
}

/* Hashes that share fingerprints, low bits, or nearly everything: slow, and still right. */
TEST(index_as_the_model_bad_hashes)
{
    storms(UINT64_MAX >> 8, 2000, 4);
    storms(UINT64_C(0xff) << 56 | 7, 300, 4);
    storms(UINT64_C(0xff) << 56 | 7, 2000, 4);
    storms(UINT64_C(0xfff0), 1000, 4);
    storms(1, 300, 2);
}

/* Cursors at every place of the walk while the index grows from nothing and shrinks again. */
TEST(index_scan_through_growth_and_shrinking)
{
    struct model *model = model_new(UINT64_MAX);
    for (uint64_t id = 0; id < 500; id++)
        CHECK(insert(model, id));
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < SCANS; i++)
            walk_step(model, &model->walks[i]);
        for (uint64_t id = 500; id < IDS_MAX; id++) {
            CHECK(insert(model, id));
            if (id % (97 + (uint64_t)round * 10) == 0)
                walk_step(model, &model->walks[0]);
            if (id % 1009 == 0)
                walk_step(model, &model->walks[1]);
        }
        for (uint64_t id = 500; id < IDS_MAX; id++) {
            remove_id(model, id);
            if (id % (89 + (uint64_t)round * 10) == 0)
                walk_step(model, &model->walks[0]);
            if (id % 1013 == 0)
                walk_step(model, &model->walks[2]);
        }
    }
    for (int i = 0; i < SCANS; i++) {
        while (model->walks[i].running)
            walk_step(model, &model->walks[i]);
    }
    CHECK(index_valid(&model->index));
    model_drop(model);
}

static void count_visit(void *context, uint64_t ref)
{
    (void)ref;
    ++*(uint64_t *)context;
}

TEST(index_scan_takes_any_cursor)
{
    struct model *model = model_new(UINT64_MAX);
    uint64_t seen = 0;
    CHECK_EQ(index_scan(&model->index, UINT64_MAX, count_visit, &seen), 0);
    CHECK_EQ(seen, 0);
    for (uint64_t id = 0; id < 3000; id++)
        CHECK(insert(model, id));
    for (int i = 0; i < 500; i++) {
        uint64_t cursor = i == 0 ? UINT64_MAX : rng_next(&model->rng);
        uint64_t steps = 0;
        do {
            cursor = index_scan(&model->index, cursor, count_visit, &seen);
            CHECK(++steps <= model->index.bucket_count);
        } while (cursor != 0);
    }
    model_drop(model);
}

static void remove_all(struct model *model)
{
    for (uint64_t id = 0; id < IDS_MAX; id++) {
        if (model->ref[id] != 0)
            remove_id(model, id);
    }
}

/* What the index says it holds is what the kernel says, to the page. */
static void check_bytes(struct model *model)
{
    struct index *index = &model->index;
    CHECK_EQ(index_bytes(index), test_pages_resident(index->buckets, index->buckets_committed) +
                                     test_pages_resident(index->nodes, index->nodes_committed));
}

TEST(index_bytes_are_exact)
{
    struct model *model = model_new(UINT64_MAX);
    CHECK_EQ(index_bytes(&model->index), 0);
    for (int round = 0; round < 3; round++) {
        for (uint64_t id = 0; id < IDS_MAX; id++) {
            CHECK(insert(model, id));
            if (id % 50 == 0)
                check_bytes(model);
        }
        CHECK(index_bytes(&model->index) < IDS_MAX * 93 / 10 + 4 * 4096);
        for (uint64_t id = 0; id < IDS_MAX; id++) {
            remove_id(model, id);
            if (id % 50 == 0)
                check_bytes(model);
        }
        CHECK_EQ(index_bytes(&model->index), 4096);
        check_bytes(model);
        CHECK(index_valid(&model->index));
    }
    model_drop(model);
}

TEST(index_pop_gives_pages_back_as_it_goes)
{
    struct model *model = model_new(UINT64_MAX);
    for (uint64_t id = 0; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    while (model->count > 0) {
        pop_some(model);
        CHECK(index_bytes(&model->index) < model->count * 12 + 6 * 4096);
        check_bytes(model);
    }
    CHECK(index_valid(&model->index));
    CHECK_EQ(index_bytes(&model->index), 4096);
    CHECK_EQ(index_pop(&model->index, NULL, 0), 0);
    CHECK(insert(model, 5));
    check_all(model);
    model_drop(model);
}

static void come_and_go(struct model *model, int times)
{
    while (times-- > 0) {
        CHECK(insert(model, IDS_MAX - 1));
        remove_id(model, IDS_MAX - 1);
    }
}

/* At whatever size, one element coming and going neither splits nor merges nor returns pages, but
 * for splits that are due still: an insert does two at most. */
TEST(index_does_not_thrash)
{
    struct model *model = model_new(UINT64_MAX);
    for (uint64_t id = 0; id + 1 < IDS_MAX; id++) {
        CHECK(insert(model, id));
        uint32_t buckets = 0;
        for (int i = 0; i < 20 && buckets != model->index.bucket_count; i++) {
            buckets = model->index.bucket_count;
            come_and_go(model, 2);
        }
        uint64_t returns = model->pages.returns;
        come_and_go(model, 3);
        CHECK_EQ(model->index.bucket_count, buckets);
        CHECK_EQ(model->pages.returns, returns);
    }
    remove_all(model);
    model_drop(model);
}

/* Grows and shrinks while the n-th page call fails, once or for good; the number of inserts that
 * were refused. */
static uint64_t run_with_failure(uint64_t nth, bool once)
{
    struct model *model = model_new(UINT64_MAX);
    model->pages.fails_left = nth;
    model->pages.fails_once = once;
    uint64_t refused = 0;
    for (uint64_t id = 0; id < 4000; id++) {
        if (!insert(model, id)) {
            CHECK(index_valid(&model->index));
            refused++;
        }
    }
    CHECK(index_valid(&model->index));
    check_all(model);
    for (uint64_t id = 0; id < 4000; id += id % 7 == 0 ? 2 : 1) {
        if (model->ref[id] != 0)
            remove_id(model, id);
    }
    CHECK(index_valid(&model->index));
    check_all(model);
    model->pages.fails_left = UINT64_MAX;
    for (uint64_t id = 4000; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    CHECK(index_valid(&model->index));
    check_all(model);
    remove_all(model);
    CHECK_EQ(index_bytes(&model->index), model->index.buckets != NULL ? 4096 : 0);
    model_drop(model);
    return refused;
}

TEST(index_survives_refused_pages)
{
    uint64_t refused = 0;
    for (uint64_t nth = 0; nth < 24; nth++) {
        refused += run_with_failure(nth, true);
        refused += run_with_failure(nth, false);
    }
    CHECK(refused > 0);
}

/* Splits that had no page are made up for, and cost no element. */
TEST(index_catches_up_after_put_off_splits)
{
    struct model *model = model_new(UINT64_MAX);
    CHECK(insert(model, 0));
    CHECK(insert(model, 1));
    uint64_t id = 2;
    for (; model->index.node_count == 0; id++)
        CHECK(insert(model, id));
    for (; id < 1500; id++) {
        model->pages.fails_left = model->index.node_count % 128 == 0 ? UINT64_MAX : 0;
        CHECK(insert(model, id));
    }
    model->pages.fails_left = UINT64_MAX;
    check_all(model);
    for (; id < 2000; id++)
        CHECK(insert(model, id));
    CHECK(index_valid(&model->index));
    CHECK(index_bytes(&model->index) < 2000 * 93 / 10 + 3 * 4096);
    model_drop(model);
}

/* A reservation that is full refuses splits first and elements in the end, and loses nothing. */
TEST(index_full_reservation)
{
    struct model *model = model_new(UINT64_MAX);
    CHECK(insert(model, 0));
    uint64_t buckets = model->index.buckets_reserved;
    uint64_t nodes = model->index.nodes_reserved;
    model->index.buckets_reserved = 3 * 4096;
    model->index.nodes_reserved = 2 * 4096;
    model->pages.reserve_most = 1;
    uint64_t id = 1;
    while (insert(model, id))
        id++;
    CHECK_EQ(model->index.bucket_count, 3 * 64);
    CHECK_EQ(model->index.node_count, 2 * 128);
    CHECK(index_valid(&model->index));
    check_all(model);
    model->index.buckets_reserved = buckets;
    model->index.nodes_reserved = nodes;
    model->pages.reserve_most = 0;
    for (; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    CHECK(index_valid(&model->index));
    remove_all(model);
    model_drop(model);
}

/* Where address space is short an index starts small, and is moved to where there is more. */
TEST(index_widens_its_reservation)
{
    struct model *model = model_new(UINT64_MAX);
    model->pages.reserve_most = 64u << 20;
    for (uint64_t id = 0; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    CHECK_EQ(model->index.buckets_reserved, 1 << 20);
    CHECK(index_valid(&model->index));
    /* Refused at first: splits and elements are, and nothing is lost; then it goes on. */
    uint8_t *before = (uint8_t *)model->index.buckets;
    model->index.buckets_reserved = model->index.buckets_committed;
    model->pages.reserve_most = 1;
    CHECK(!index_pages_buckets(&model->index, (uint64_t)model->index.bucket_count * 8));
    CHECK((uint8_t *)model->index.buckets == before);
    model->index.buckets_reserved = 1 << 20;
    model->pages.reserve_most = 64u << 20;
    CHECK(index_pages_buckets(&model->index, (1 << 20) / 64 + 1));
    CHECK(index_pages_nodes(&model->index, (1 << 20) / 32 + 1));
    CHECK((uint8_t *)model->index.buckets != before);
    CHECK_EQ(model->index.buckets_reserved, 2 << 20);
    CHECK_EQ(model->index.nodes_reserved, 2 << 20);
    CHECK_EQ(model->pages.reserved, 4 << 20);
    check_all(model);
    CHECK(index_valid(&model->index));
    remove_all(model);
    model_drop(model);
}

/* Without any page for nodes full buckets refuse elements, and no buckets merge; both are made up
 * for when there are pages again. */
TEST(index_puts_merges_off)
{
    struct model *model = model_new(UINT64_MAX);
    CHECK(insert(model, IDS_MAX - 1));
    uint64_t nodes = model->index.nodes_reserved;
    model->index.nodes_reserved = 0;
    model->pages.reserve_most = 1;
    uint64_t refused = 0;
    for (uint64_t id = 0; id + 1 < IDS_MAX; id++)
        refused += !insert(model, id);
    CHECK(refused > 0 && model->index.node_count == 0);
    CHECK(index_valid(&model->index));
    uint32_t buckets = model->index.bucket_count;
    for (uint64_t id = 0; id + 1 < IDS_MAX; id++) {
        if (model->ref[id] != 0)
            remove_id(model, id);
    }
    CHECK_EQ(model->index.bucket_count, buckets);
    CHECK(index_valid(&model->index));
    for (int i = 0; i < 100; i++)
        CHECK_EQ(id_of(index_random(&model->index, &model->rng)), IDS_MAX - 1);

    model->index.nodes_reserved = nodes;
    model->pages.reserve_most = 0;
    for (uint64_t id = 0; id + 1 < IDS_MAX; id++) {
        CHECK(insert(model, id));
        remove_id(model, id);
    }
    CHECK(model->index.bucket_count < 10);
    CHECK(index_valid(&model->index));
    model_drop(model);
}

TEST(index_random_is_uniform)
{
    enum { ELEMENTS = 1000, DRAWS = 200 * ELEMENTS };
    struct model *model = model_new(UINT64_MAX);
    CHECK_EQ(index_random(&model->index, &model->rng), 0);
    for (uint64_t id = 0; id < ELEMENTS; id++)
        CHECK(insert(model, id));
    struct rng rng;
    rng_init(&rng, 42);
    static unsigned drawn[ELEMENTS];
    memset(drawn, 0, sizeof drawn);
    for (int i = 0; i < DRAWS; i++)
        drawn[id_of(index_random(&model->index, &rng))]++;
    double chi_square = 0;
    for (int i = 0; i < ELEMENTS; i++) {
        double off = (double)drawn[i] - (double)DRAWS / ELEMENTS;
        chi_square += off * off * ELEMENTS / DRAWS;
    }
    /* 999 degrees of freedom: mean 999, deviation 44.7; five of them either way. */
    CHECKF(chi_square > 775 && chi_square < 1223, "chi square is %f", chi_square);
    model_drop(model);
}

TEST(index_random_of_few)
{
    struct model *model = model_new(UINT64_MAX);
    for (uint64_t id = 0; id < 3000; id++)
        CHECK(insert(model, id));
    for (uint64_t id = 0; id < 2998; id++)
        remove_id(model, id);
    unsigned first = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t id = id_of(index_random(&model->index, &model->rng));
        CHECK(id == 2998 || id == 2999);
        first += id == 2998;
    }
    CHECKF(first > 300 && first < 700, "%u of 1000", first);
    model_drop(model);
}

/* A bucket whose chain has two nodes at least. */
static struct index_bucket *long_chain(const struct index *index)
{
    for (uint32_t i = 0; i < index->bucket_count; i++) {
        uint32_t link = index_next_load(&index->buckets[i]);
        if (link != 0 && index->nodes[link - 1].next != 0)
            return &index->buckets[i];
    }
    CHECK(false);
    return NULL;
}

#define CHECK_SEEN(index, place, wrong)                                                            \
    do {                                                                                           \
        __typeof__(place) kept = (place);                                                          \
        (place) = (wrong);                                                                         \
        CHECK(!index_valid(index));                                                                \
        (place) = kept;                                                                            \
        CHECK(index_valid(index));                                                                 \
    } while (0)

TEST(index_valid_sees_what_is_wrong)
{
    struct model *model = model_new(UINT64_MAX);
    for (uint64_t id = 0; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    struct index *index = &model->index;
    struct index_bucket *bucket = long_chain(index);
    struct index_node *first = &index->nodes[index_next_load(bucket) - 1];
    struct index_node *second = &index->nodes[first->next - 1];
    CHECK_SEEN(index, bucket->fingerprint[3], (uint8_t)(bucket->fingerprint[3] ^ 1));
    CHECK_SEEN(index, bucket->fingerprint[3], 0);
    CHECK_SEEN(index, bucket->fingerprint[9], 0);
    CHECK_SEEN(index, first->fingerprint[0], (uint8_t)(first->fingerprint[0] ^ 1));
    CHECK_SEEN(index, second->fingerprint[3], 0);
    CHECK_SEEN(index, first->home, first->home + 1);
    CHECK_SEEN(index, first->next, index->node_count + 1);
    CHECK_SEEN(index, first->next, index_next_load(bucket));
    CHECK_SEEN(index, first->next, 0);
    CHECK_SEEN(index, index->count, index->count - 1);
    CHECK_SEEN(index, index->node_count, index->node_count + 1);
    CHECK_SEEN(index, index->bucket_count, index->bucket_count - 1);
    CHECK_SEEN(index, index->buckets_touched, index->buckets_touched - 4096);
    CHECK_SEEN(index, index->nodes_touched, index->nodes_committed + 4096);
    uint8_t ref[5];
    memcpy(ref, bucket->ref[0], 5);
    memset(bucket->ref[0], 0, 5);
    CHECK(!index_valid(index));
    memcpy(bucket->ref[0], ref, 5);
    CHECK(index_valid(index));
    model_drop(model);
}

TEST(index_figures_add_up)
{
    struct model *model = model_new(UINT64_MAX);
    struct index_figures figures;
    index_figures(&model->index, &figures);
    CHECK_EQ(figures.bytes, 0);
    for (uint64_t id = 0; id < IDS_MAX; id++)
        CHECK(insert(model, id));
    index_figures(&model->index, &figures);
    uint64_t buckets = 0;
    uint64_t nodes = 0;
    for (unsigned i = 0; i < 6; i++) {
        buckets += figures.chain[i];
        nodes += (uint64_t)figures.chain[i] * i;
    }
    CHECK_EQ(buckets, figures.buckets);
    CHECK(nodes <= figures.nodes);
    CHECK_EQ(figures.slots, (uint64_t)figures.buckets * 10 + (uint64_t)figures.nodes * 4);
    CHECK(figures.slots >= IDS_MAX && figures.slots < 2 * IDS_MAX);
    CHECK_EQ(figures.bytes, index_bytes(&model->index));
    model_drop(model);
}
