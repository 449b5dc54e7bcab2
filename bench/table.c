/* Figures of tables: bytes an element over its payload by size, and the speed of each operation.
 * usage: bench-table [elements, 4000000 by default, [speed]]
 * Built by `make benches`. Members are 16 bytes of text that differ at their ends; a set's element
 * is a member, a hash's a pair of 16 and 16 bytes. */
#include "struct/table.h"
#include "base/seam.h"
#include "heap/mover.h"
#include "os/seam.h"
#include "struct/kinds.h"
#include "struct/packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 16, TEXT_BYTES = 16 };

struct bench {
    struct seam seam;
    struct heap *heap;
    struct rng rng;
    struct space space;
    struct table table;
    uint32_t id;
    unsigned stride; /* 1: a set, 2: a hash */
    uint64_t elements;
    uint64_t rss_before;
    uint64_t sum; /* keeps the compiler from leaving work out */
};

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t resident(void)
{
    unsigned long pages = 0, ours = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &pages, &ours) != 2)
        exit(1);
    fclose(file);
    return (uint64_t)ours * (uint64_t)sysconf(_SC_PAGESIZE);
}

static size_t pair_bytes(const uint8_t *at)
{
    return (size_t)(packed_next(packed_next(at)) - at);
}

static const struct table_ops set_ops = { packed_bytes, packed_hash };
static const struct table_ops hash_ops = { pair_bytes, packed_hash };

static void open_table(struct bench *bench, unsigned stride)
{
    static const char *const names[BLOCK_KINDS] = { "entry", "expiring", "value", "node" };
    bench->rss_before = resident();
    bench->heap = heap_new(&bench->seam, &(struct heap_options){ names, BLOCK_KINDS, 0 });
    if (bench->heap == NULL)
        exit(1);
    space_init(&bench->space, bench->heap, &(struct hash_seed){ 1, 2 }, &bench->rng, NULL);
    struct root *root = root_new(&bench->space, 0, 1, 0);
    if (root == NULL)
        exit(1);
    bench->stride = stride;
    bench->id = root->head.id;
    bench->table =
        (struct table){ &bench->space, root, 0, stride == 1 ? &set_ops : &hash_ops, &root->count };
    if (!table_begin(&bench->table))
        exit(1);
}

static void close_table(struct bench *bench)
{
    space_release(&bench->space);
    heap_drop(bench->heap);
}

struct member {
    uint8_t text[TEXT_BYTES];
    struct packed_item item;
    uint64_t hash;
};

static void make_member(const struct bench *bench, uint64_t i, struct member *member)
{
    memcpy(member->text, "member:000000000", TEXT_BYTES);
    for (uint8_t *at = member->text + TEXT_BYTES; i > 0; i /= 10)
        *--at = (uint8_t)('0' + i % 10);
    packed_sought(bytes_of(member->text, TEXT_BYTES), &member->item);
    member->hash = hash_bytes(&bench->space.seed, bytes_of(member->text, TEXT_BYTES));
}

static const uint8_t *find_among(const struct bench *bench, const uint8_t *at, const uint8_t *end,
                                 const struct packed_item *item)
{
    for (; at < end; at += bench->table.ops->bytes(at))
        if (packed_is(&bench->space, at, item))
            return at;
    return NULL;
}

static bool find(const struct bench *bench, const struct member *member, struct table_place *place)
{
    size_t used;
    const uint8_t *payload = table_bucket(&bench->table, member->hash, place, &used);
    const uint8_t *at = find_among(bench, payload, payload + used, &member->item);
    if (at == NULL)
        return false;
    table_stand(place, payload, (size_t)(at - payload));
    return true;
}

static void insert(struct bench *bench, const struct member *member)
{
    struct table_place place;
    if (find(bench, member, &place))
        return;
    size_t bytes = packed_item_bytes(&member->item);
    uint8_t *at = table_add(&bench->table, &place, bytes * bench->stride);
    if (at == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    for (unsigned k = 0; k < bench->stride; k++)
        at = packed_write(at, &member->item);
    table_settle(&bench->table);
}

static void insert_number(struct bench *bench, uint64_t i)
{
    struct member member;
    make_member(bench, i, &member);
    insert(bench, &member);
}

static void look_up(struct bench *bench, const struct member *member)
{
    struct table_place place;
    bench->sum += find(bench, member, &place);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct bench *bench = context;
    (void)kind;
    for (size_t i = 0; i < count; i++)
        moves[i].done = nodes_repoint(&bench->space, moves[i].from, moves[i].to);
}

static void defragment(struct bench *bench)
{
    struct heap_mover mover = { repoint, bench };
    while (heap_move_step(bench->heap, &mover, UINT64_MAX) != HEAP_MOVE_IDLE)
        ;
    heap_purge(bench->heap);
    struct root *root = root_of(&bench->space, bench->id);
    bench->table.root = root;
    bench->table.count = &root->count;
}

/* Bytes an element over its payload. */
static double over(const struct bench *bench, uint64_t bytes)
{
    double count = (double)*bench->table.count;
    return (double)bytes / count - TEXT_BYTES * (double)bench->stride;
}

static double over_resident(const struct bench *bench)
{
    return over(bench, resident() - bench->rss_before);
}

static double over_held(const struct bench *bench)
{
    return over(bench, root_held(&bench->space, bench->table.root));
}

enum { DOUBLINGS = 3, POINTS_EACH = 8 };
#define ELEMENTS_LEAST (UINT64_C(500000))
#define POINT_FACTOR 1.090507732665258 /* the 8th root of 2 */

/* From half a million to four million elements. */
static void sizes(struct bench *bench, unsigned stride)
{
    printf("%s\n     elements   resident   held   buckets\n", stride == 1 ? "set" : "hash");
    open_table(bench, stride);
    double goal = ELEMENTS_LEAST, sum = 0, worst = 0;
    uint64_t count = 0;
    int points = 0;
    for (; points <= DOUBLINGS * POINTS_EACH; points++) {
        while ((double)count < goal)
            insert_number(bench, ++count);
        double now = over_resident(bench);
        printf("%13" PRIu64 "   %8.3f   %8.3f   %" PRIu32 "\n", count, now, over_held(bench),
               bench->table.root->nodes[0].count);
        sum += now;
        worst = now > worst ? now : worst;
        goal *= POINT_FACTOR;
    }
    printf("         mean   %8.3f\n        worst   %8.3f\n", sum / points, worst);
    defragment(bench);
    printf(" defragmented   %8.3f\n", over_resident(bench));
    close_table(bench);
}

/* --- speed ------------------------------------------------------------------------------------ */

static void tell(struct bench *bench, const char *what, uint64_t since_ns, uint64_t operations)
{
    double seconds = (double)(seam_now_ns(&bench->seam) - since_ns) / 1e9;
    printf("%-36s %8.2f M/s   %6.1f ns\n", what, (double)operations / seconds / 1e6,
           seconds * 1e9 / (double)operations);
}

/* In another order than that of insertion. */
static uint64_t pick(const struct bench *bench, uint64_t i)
{
    return 1 + (uint64_t)((unsigned __int128)mixed(i) * bench->elements >> 64);
}

static uint64_t next_number(const struct bench *bench, uint64_t i)
{
    (void)bench;
    return i + 1;
}

static uint64_t missing(const struct bench *bench, uint64_t i)
{
    return bench->elements + 1 + i;
}

static void prefetch_slot(const struct table *table, uint64_t hash)
{
    const struct nodes *nodes = &table->root->nodes[0];
    prefetch(nodes_slot(table->space, nodes, linear_bucket(hash, nodes->count)));
}

static void prefetch_bucket(const struct table *table, uint64_t hash)
{
    const struct nodes *nodes = &table->root->nodes[0];
    table_prefetch_node(node_of(table->space, nodes, linear_bucket(hash, nodes->count)));
}

/* Each of the elements once, one by one or with what a batch reads asked for in advance. */
static void run(struct bench *bench, const char *what, bool side_by_side,
                uint64_t (*number)(const struct bench *bench, uint64_t i),
                void (*visit)(struct bench *bench, const struct member *member))
{
    struct member members[BATCH];
    uint64_t start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements; i += BATCH) {
        for (unsigned j = 0; j < BATCH; j++)
            make_member(bench, number(bench, i + j), &members[j]);
        for (unsigned j = 0; side_by_side && j < BATCH; j++)
            prefetch_slot(&bench->table, members[j].hash);
        for (unsigned j = 0; side_by_side && j < BATCH; j++)
            prefetch_bucket(&bench->table, members[j].hash);
        for (unsigned j = 0; j < BATCH; j++)
            visit(bench, &members[j]);
    }
    tell(bench, what, start, bench->elements);
}

static void remove_one(struct bench *bench, const struct member *member)
{
    struct table_place place;
    if (!find(bench, member, &place))
        exit(1);
    table_remove(&bench->table, &place);
    table_settle(&bench->table);
}

static void see(void *context, const uint8_t *element)
{
    *(uint64_t *)context += element[0];
}

static void walks(struct bench *bench)
{
    uint64_t start = seam_now_ns(&bench->seam), cursor = 0;
    do {
        cursor = table_scan(&bench->table, cursor, see, &bench->sum);
    } while (cursor != 0);
    tell(bench, "scan", start, bench->elements);
    start = seam_now_ns(&bench->seam);
    for (uint64_t i = 0; i < bench->elements / 10; i++) {
        struct table_place place;
        bench->sum += table_random(&bench->table, &bench->rng, &place);
    }
    tell(bench, "random element", start, bench->elements / 10);
}

static void speeds(struct bench *bench, unsigned stride)
{
    printf("%s\n", stride == 1 ? "set" : "hash");
    open_table(bench, stride);
    run(bench, "insert, 16 side by side", true, next_number, insert);
    close_table(bench);
    open_table(bench, stride);
    run(bench, "insert, one by one", false, next_number, insert);
    run(bench, "lookup, one by one", false, pick, look_up);
    run(bench, "lookup, 16 side by side", true, pick, look_up);
    run(bench, "lookup of what is not there", false, missing, look_up);
    run(bench, "the same, 16 side by side", true, missing, look_up);
    walks(bench);
    run(bench, "remove, one by one", false, next_number, remove_one);
    close_table(bench);
}

int main(int count, char **arguments)
{
    struct bench bench = { .elements = 4000000 };
    if (count > 1)
        bench.elements = strtoull(arguments[1], NULL, 10);
    bench.elements = (bench.elements / BATCH + 1) * BATCH;
    os_seam_init(&bench.seam);
    rng_init(&bench.rng, 1);
    for (unsigned stride = 1; stride <= 2; stride++) {
        if (count < 3)
            sizes(&bench, stride);
        speeds(&bench, stride);
    }
    return bench.sum == 1;
}
