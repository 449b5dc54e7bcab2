/* Figures of the keyspace's index: bytes an element by size, and the speed of each operation.
 * usage: bench-index [elements, 10000000 by default]
 * Built by `make benches`. Elements are 64-byte records in random order of hash, so that a split
 * reads memory as it does in a server; "cheap hash" computes the hash from the reference. */
#include "struct/index.h"
#include "base/prefetch.h"
#include "base/seam.h"
#include "os/seam.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 16, RECORD_BYTES = 64 };

struct bench {
    struct seam seam;
    struct index index;
    uint64_t elements;
    uint8_t *records; /* each begins with its hash */
    uint64_t sum;     /* keeps the compiler from leaving work out */
};

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t cheap_hash(void *context, uint64_t ref)
{
    (void)context;
    return mixed(ref);
}

static uint64_t record_hash(void *context, uint64_t ref)
{
    uint64_t hash;
    memcpy(&hash, (uint8_t *)context + ref * RECORD_BYTES, sizeof hash);
    return hash;
}

static void record_prefetch(void *context, uint64_t ref)
{
    prefetch((uint8_t *)context + ref * RECORD_BYTES);
}

static void open_index(struct bench *bench, bool cheap)
{
    struct index_ops ops = { cheap_hash, NULL, NULL };
    if (!cheap)
        ops = (struct index_ops){ record_hash, record_prefetch, bench->records };
    if (!index_init(&bench->index, &bench->seam, &ops))
        exit(1);
}

static void insert(struct bench *bench, uint64_t i)
{
    if (!index_insert(&bench->index, mixed(i + 1), i + 1)) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
}

/* Elements that stand in nodes: a hit on one of them reads a second cache line. */
static uint64_t in_nodes(const struct index *index)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < index->node_count; i++) {
        for (int slot = 0; slot < INDEX_NODE_SLOTS; slot++)
            found += index->nodes[i].fingerprint[slot] != 0;
    }
    return found;
}

struct phase_row {
    double bytes, hits, chained; /* an element; share of hits in the bucket; buckets with nodes */
};

static struct phase_row measure_phase(const struct index *index)
{
    struct index_figures figures;
    index_figures(index, &figures);
    double count = (double)index->count;
    return (struct phase_row){
        .bytes = (double)figures.bytes / count,
        .hits = 100 - 100 * (double)in_nodes(index) / count,
        .chained = 100 - 100 * (double)figures.chain[0] / figures.buckets,
    };
}

enum { DOUBLINGS = 4, POINTS_EACH = 24 };
#define ELEMENTS_LEAST (UINT64_C(1) << 20)
#define POINT_FACTOR 1.029302236643492 /* the 24th root of 2 */

struct phases {
    struct phase_row sum, worst;
    int points;
};

static void add_phase(struct phases *phases, struct phase_row row)
{
    phases->points++;
    phases->sum.bytes += row.bytes;
    phases->sum.hits += row.hits;
    phases->sum.chained += row.chained;
    if (phases->points == 1)
        phases->worst = row;
    if (row.bytes > phases->worst.bytes)
        phases->worst.bytes = row.bytes;
    if (row.hits < phases->worst.hits)
        phases->worst.hits = row.hits;
    if (row.chained > phases->worst.chained)
        phases->worst.chained = row.chained;
}

static void print_phase(const char *name, struct phase_row row, int points)
{
    printf("%13s   %10.3f   %12.1f %%   %18.1f %%\n", name, row.bytes / points, row.hits / points,
           row.chained / points);
}

static void print_phases(const char *what, const struct phases *phases)
{
    printf("%s:\n", what);
    print_phase("mean", phases->sum, phases->points);
    print_phase("worst", phases->worst, 1);
}

/* Removes the element that was inserted as number `i`. */
static void remove_one(struct bench *bench, uint64_t i)
{
    struct index_probe probe;
    uint64_t ref = index_first(&bench->index, mixed(i + 1), &probe);
    while (ref != i + 1)
        ref = index_next(&bench->index, &probe);
    index_remove_at(&bench->index, &probe);
}

/* From a million to 16 million elements and back, 24 points to each doubling, every third shown. */
static void sizes(struct bench *bench)
{
    printf("     elements   bytes each   hits in bucket   buckets with a chain\n");
    open_index(bench, true);
    struct phases phases = { .points = 0 };
    double goal = ELEMENTS_LEAST;
    uint64_t count = 0;
    while (phases.points <= DOUBLINGS * POINTS_EACH) {
        insert(bench, count++);
        if ((double)count < goal)
            continue;
        char name[24];
        snprintf(name, sizeof name, "%" PRIu64, count);
        struct phase_row row = measure_phase(&bench->index);
        if (phases.points % 3 == 0)
            print_phase(name, row, 1);
        add_phase(&phases, row);
        goal *= POINT_FACTOR;
    }
    print_phases("growing", &phases);

    phases = (struct phases){ .points = 0 };
    while (phases.points < DOUBLINGS * POINTS_EACH) {
        goal = (double)count / POINT_FACTOR;
        while ((double)count > goal)
            remove_one(bench, --count);
        add_phase(&phases, measure_phase(&bench->index));
    }
    print_phases("shrinking", &phases);
    index_release(&bench->index);
}

static void tell(struct bench *bench, const char *what, uint64_t since_ns, uint64_t operations)
{
    double seconds = (double)(seam_now_ns(&bench->seam) - since_ns) / 1e9;
    printf("%-44s %8.2f M/s   %6.1f ns\n", what, (double)operations / seconds / 1e6,
           seconds * 1e9 / (double)operations);
}

/* In another order than that of insertion. */
static uint64_t pick(const struct bench *bench, uint64_t i)
{
    return (uint64_t)((unsigned __int128)mixed(i ^ UINT64_C(0x5bd1e995)) * bench->elements >> 64);
}

static void look_up(struct bench *bench, uint64_t i)
{
    struct index_probe probe;
    uint64_t ref = index_first(&bench->index, mixed(i + 1), &probe);
    while (ref != 0 && ref != i + 1)
        ref = index_next(&bench->index, &probe);
    bench->sum += ref;
}

static void lookups(struct bench *bench)
{
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i++)
        look_up(bench, pick(bench, i));
    tell(bench, "lookup, one by one", start, bench->elements);

    start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i += BATCH) {
        for (uint64_t j = i; j < i + BATCH; j++)
            index_prefetch(&bench->index, mixed(pick(bench, j) + 1));
        for (uint64_t j = i; j < i + BATCH; j++)
            look_up(bench, pick(bench, j));
    }
    tell(bench, "lookup, 16 side by side", start, bench->elements);

    start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i += BATCH) {
        for (uint64_t j = i; j < i + BATCH; j++)
            index_prefetch(&bench->index, mixed(bench->elements + j + 1));
        for (uint64_t j = i; j < i + BATCH; j++)
            look_up(bench, bench->elements + j);
    }
    tell(bench, "lookup of what is not there, 16 side by side", start, bench->elements);
}

static void see(void *context, uint64_t ref)
{
    *(uint64_t *)context += ref;
}

static void walks(struct bench *bench)
{
    uint64_t start = seam_now_ns(&bench->seam);
    uint64_t cursor = 0;
    do {
        cursor = index_scan(&bench->index, cursor, see, &bench->sum);
    } while (cursor != 0);
    tell(bench, "scan", start, bench->elements);

    struct rng rng;
    rng_init(&rng, 1);
    start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements / 10; i++)
        bench->sum += index_random(&bench->index, &rng);
    tell(bench, "random element", start, bench->elements / 10);
}

static void fill(struct bench *bench, const char *what)
{
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i++)
        insert(bench, i);
    tell(bench, what, start, bench->elements);
}

static void fill_side_by_side(struct bench *bench, const char *what)
{
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i += BATCH) {
        for (uint64_t j = i; j < i + BATCH; j++)
            index_prefetch(&bench->index, mixed(j + 1));
        for (uint64_t j = i; j < i + BATCH; j++)
            insert(bench, j);
    }
    tell(bench, what, start, bench->elements);
}

static void empty_by_removing(struct bench *bench)
{
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i++)
        remove_one(bench, i);
    tell(bench, "remove, one by one", start, bench->elements);
    printf("    %" PRIu64 " bytes left\n", index_bytes(&bench->index));
}

static void empty_by_popping(struct bench *bench)
{
    uint64_t refs[256];
    uint64_t longest = 0;
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t taken = 1; taken > 0;) {
        uint64_t before = seam_now_ns(&bench->seam);
        taken = index_pop(&bench->index, refs, 256);
        uint64_t ns = seam_now_ns(&bench->seam) - before;
        longest = ns > longest ? ns : longest;
    }
    tell(bench, "pop, 256 at a time", start, bench->elements);
    printf("    longest step %" PRIu64 " us\n", longest / 1000);
}

static void speeds(struct bench *bench)
{
    open_index(bench, true);
    fill(bench, "insert, one by one, cheap hash");
    index_release(&bench->index);
    open_index(bench, true);
    fill_side_by_side(bench, "insert, 16 side by side, cheap hash");
    index_release(&bench->index);
    open_index(bench, false);
    fill(bench, "insert, one by one");
    lookups(bench);
    walks(bench);
    empty_by_removing(bench);
    fill_side_by_side(bench, "insert, 16 side by side");
    empty_by_popping(bench);
    index_release(&bench->index);
}

int main(int count, char **arguments)
{
    struct bench bench = { .elements = 10000000 };
    if (count > 1)
        bench.elements = strtoull(arguments[1], NULL, 10);
    bench.elements = (bench.elements / BATCH + 1) * BATCH;
    os_seam_init(&bench.seam);
    bench.records = malloc((bench.elements + 1) * RECORD_BYTES);
    if (bench.records == NULL)
        return 1;
    for (uint64_t i = 1; i <= bench.elements; i++) {
        uint64_t hash = mixed(i);
        memcpy(bench.records + i * RECORD_BYTES, &hash, sizeof hash);
    }
    sizes(&bench);
    printf("\n");
    speeds(&bench);
    free(bench.records);
    return bench.sum == 1;
}
