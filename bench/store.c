/* Figures of the store without protocol: bytes a key from the kernel's RSS, the speed of puts and
 * reads, and what draining a fragmented heap costs.
 * usage: bench-store [keys, 5000000 by default] [value bytes, 150]
 * Built by `make benches`. */
#include "store/store.h"
#include "os/process.h"
#include "os/seam.h"
#include "store/relocate.h"
#include "types/string.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 16, NAME_MAX_BYTES = 32 };

struct bench {
    struct seam seam;
    struct store *store;
    uint64_t keys;
    size_t value_bytes;
    uint8_t *value;
    struct rng rng;
};

static double seconds_since(const struct bench *bench, uint64_t start_ns)
{
    return (double)(seam_now_ns(&bench->seam) - start_ns) / 1e9;
}

static struct key key_of(const struct bench *bench, uint64_t number, char *name)
{
    int count = snprintf(name, NAME_MAX_BYTES, "key:%012" PRIu64, number);
    return store_key(bench->store, bytes_of(name, (size_t)count));
}

static void load(struct bench *bench)
{
    uint64_t before = process_resident_exact();
    uint64_t start = seam_now_ns(&bench->seam);
    struct value value = { VALUE_STRING, STRING_RAW, bytes_of(bench->value, bench->value_bytes) };
    for (uint64_t number = 0; number < bench->keys; number++) {
        char name[NAME_MAX_BYTES];
        struct key key = key_of(bench, number, name);
        struct entry *entry = store_look(bench->store, 0, &key);
        if (store_put(bench->store, 0, &key, entry, &value, STORE_NO_EXPIRY, EVENT_SET, NULL) !=
            ERR_NONE)
            exit(1);
    }
    double seconds = seconds_since(bench, start);
    double each = (double)(process_resident_exact() - before) / (double)bench->keys;
    printf(
        "load: %.2f M/s, %.1f bytes a key, %.1f over the payload; index %.2f; peak over end %.3f\n",
        (double)bench->keys / seconds / 1e6, each, each - 16 - (double)bench->value_bytes,
        (double)store_index_bytes(bench->store, 0) / (double)bench->keys,
        (double)process_resident_peak() / (double)process_resident_exact());
}

static void read_all(struct bench *bench)
{
    char names[BATCH][NAME_MAX_BYTES];
    struct key keys[BATCH];
    uint64_t start = seam_now_ns(&bench->seam), sum = 0, rounds = bench->keys / BATCH;
    for (uint64_t round = 0; round < rounds; round++) {
        for (unsigned at = 0; at < BATCH; at++) {
            keys[at] = key_of(bench, rng_below(&bench->rng, bench->keys), names[at]);
            store_prefetch_bucket(bench->store, 0, &keys[at]);
        }
        for (unsigned at = 0; at < BATCH; at++)
            store_prefetch_entry(bench->store, 0, &keys[at]);
        for (unsigned at = 0; at < BATCH; at++) {
            const struct entry *entry = store_read(bench->store, 0, &keys[at], STORE_TOUCH);
            sum += entry != NULL ? entry_body(entry).at[0] : 0;
        }
    }
    printf("read: %.2f M/s (sum %" PRIu64 ")\n",
           (double)(rounds * BATCH) / seconds_since(bench, start) / 1e6, sum);
}

static void delete_some(struct bench *bench)
{
    uint64_t start = seam_now_ns(&bench->seam), count = 0;
    for (uint64_t number = 0; number < bench->keys; number++) {
        char name[NAME_MAX_BYTES];
        if (rng_below(&bench->rng, 4) == 0)
            continue;
        struct key key = key_of(bench, number, name);
        struct entry *entry = store_look(bench->store, 0, &key);
        store_remove(bench->store, 0, &key, entry, EVENT_DEL);
        count++;
    }
    printf("delete: %.2f M/s\n", (double)count / seconds_since(bench, start) / 1e6);
}

static void drain(struct bench *bench)
{
    struct heap_mover mover = store_mover(bench->store);
    struct heap *heap = store_heap(bench->store);
    struct heap_figures before, after;
    uint64_t longest = 0, start = bench->seam.cpu_ns(bench->seam.context);
    heap_figures(heap, &before);
    for (;;) {
        uint64_t slice = seam_now_ns(&bench->seam);
        enum heap_move_outcome outcome = heap_move_step(heap, &mover, slice + 80000);
        uint64_t took = seam_now_ns(&bench->seam) - slice;
        longest = took > longest ? took : longest;
        heap_tidy_step(heap, seam_now_ns(&bench->seam) + 50000);
        if (outcome == HEAP_MOVE_IDLE)
            break;
    }
    double seconds = (double)(bench->seam.cpu_ns(bench->seam.context) - start) / 1e9;
    heap_figures(heap, &after);
    uint64_t moved = after.moved_blocks - before.moved_blocks;
    printf("drain: %.3f s of CPU, %" PRIu64 " blocks, %.0f ns a block, %.2f GB returned a second, "
           "longest slice %.0f us, active over allocated %.3f -> %.3f\n",
           seconds, moved, seconds * 1e9 / (double)(moved ? moved : 1),
           (double)(before.active - after.active) / seconds / 1e9, (double)longest / 1e3,
           (double)before.active / (double)before.allocated,
           (double)after.active / (double)after.allocated);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench.keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    bench.value_bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 150;
    bench.value = calloc(1, bench.value_bytes);
    os_seam_init(&bench.seam);
    rng_init(&bench.rng, 1);
    struct store_options options = { .seam = &bench.seam, .seed = { 1, 2 }, .databases = 16 };
    bench.store = store_new(&options);
    if (bench.store == NULL || bench.value == NULL)
        return 1;
    load(&bench);
    read_all(&bench);
    delete_some(&bench);
    drain(&bench);
    printf("valid: %s\n", store_valid(bench.store) ? "yes" : "NO");
    store_drop(bench.store);
    free(bench.value);
    return 0;
}
