/* How well keys that expire give their memory back: keys with TTLs are written, and expire, by a
 * clock that runs as fast as it can; heap slack, moves and the cost of sweeping are told.
 * usage: bench-ttl [live keys, 1000000] [shortest TTL s, 1] [longest, 60] [least value bytes, 32]
 *                  [most, 32] [keys to draw from, 0: each new] [rounds of the longest TTL, 3]
 * Built by `make benches`. */
#include "os/process.h"
#include "os/seam.h"
#include "store/defrag.h"
#include "store/store.h"
#include "types/string.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 32, START_MS = 1000000000, STEP_MS = 10, ARGUMENTS = 7 };

struct bench {
    struct seam seam;
    struct store *store;
    struct rng rng;
    uint64_t live, ttl_least_s, ttl_most_s, bytes_least, bytes_most, drawn_from, rounds;
    uint64_t next;
    int64_t now_ms;
    uint8_t *value;
    uint64_t put_ns, puts, expire_ns, swept_late;
    double slack_most, slack_sum;
    uint64_t samples, moved_bytes, allocated_bytes;
    struct defrag defrag;
};

/* CPU time: a neighbour's is not ours. */
static uint64_t cpu_ns(const struct bench *bench)
{
    return bench->seam.cpu_ns(bench->seam.context);
}

static void put_one(struct bench *bench)
{
    char name[NAME_MAX_BYTES];
    uint64_t number =
        bench->drawn_from > 0 ? rng_below(&bench->rng, bench->drawn_from) : bench->next++;
    int count = snprintf(name, sizeof name, "key:%012" PRIu64, number);
    struct key key = store_key(bench->store, bytes_of(name, (size_t)count));
    uint64_t spread = bench->bytes_most - bench->bytes_least + 1;
    size_t bytes = (size_t)(bench->bytes_least + rng_below(&bench->rng, spread));
    struct value value = { VALUE_STRING, STRING_RAW, bytes_of(bench->value, bytes) };
    uint64_t ttl_ms = bench->ttl_least_s * 1000 +
                      rng_below(&bench->rng, (bench->ttl_most_s - bench->ttl_least_s) * 1000 + 1);
    struct entry *entry = store_look(bench->store, 0, &key);
    if (store_put(bench->store, 0, &key, entry, &value, bench->now_ms + (int64_t)ttl_ms, EVENT_SET,
                  NULL) != ERR_NONE)
        abort();
    bench->puts++;
    bench->allocated_bytes += bytes + (size_t)count + ENTRY_HEADER + 6;
}

static void sweep(struct bench *bench)
{
    uint64_t start_ns = cpu_ns(bench);
    while (!store_expire_step(bench->store, UINT64_MAX))
        continue;
    bench->expire_ns += cpu_ns(bench) - start_ns;
}

static void sample(struct bench *bench)
{
    struct heap_figures figures;
    heap_figures(store_heap(bench->store), &figures);
    double slack = 100.0 * (double)(figures.committed - figures.allocated) /
                   (double)(figures.allocated > 0 ? figures.allocated : 1);
    bench->slack_most = slack > bench->slack_most ? slack : bench->slack_most;
    bench->slack_sum += slack;
    bench->samples++;
}

/* Writes end: what is held over the blocks that live, at worst, while they expire. */
static void fade(struct bench *bench)
{
    struct heap_figures begin, now;
    uint64_t worst = 0;
    heap_figures(store_heap(bench->store), &begin);
    for (uint64_t step = 0; step < bench->ttl_most_s * 10 * 9 / 10; step++) {
        bench->now_ms += 100;
        store_set_now_ms(bench->store, bench->now_ms);
        sweep(bench);
        (void)heap_tidy_step(store_heap(bench->store), UINT64_MAX);
        (void)defrag_step(&bench->defrag);
        heap_figures(store_heap(bench->store), &now);
        if (now.active - now.allocated > worst)
            worst = now.active - now.allocated;
    }
    printf("then nothing is written: at worst %.1f MB over the blocks, %.1f MB moved\n",
           (double)worst / 1e6, (double)(now.moved_bytes - begin.moved_bytes) / 1e6);
}

static void run(struct bench *bench)
{
    uint64_t mean_ms = (bench->ttl_least_s + bench->ttl_most_s) * 500;
    uint64_t per_step = bench->live * STEP_MS / mean_ms;
    uint64_t steps = bench->rounds * bench->ttl_most_s * 1000 / STEP_MS;
    for (uint64_t step = 0; step < steps; step++) {
        bench->now_ms += STEP_MS;
        store_set_now_ms(bench->store, bench->now_ms);
        uint64_t start_ns = cpu_ns(bench);
        for (uint64_t i = 0; i < per_step; i++)
            put_one(bench);
        bench->put_ns += cpu_ns(bench) - start_ns;
        if (step % (100 / STEP_MS) == 0)
            sweep(bench);
        (void)heap_tidy_step(store_heap(bench->store), UINT64_MAX);
        (void)defrag_step(&bench->defrag);
        if (step > steps / bench->rounds * 3 / 2)
            sample(bench);
    }
}

static void report(const struct bench *bench)
{
    struct store_figures store;
    struct heap_figures heap;
    store_figures(bench->store, &store);
    heap_figures(store_heap(bench->store), &heap);
    printf("live %" PRIu64 ", put %" PRIu64 " ns, expiry %" PRIu64
           " ns a key; heap over its blocks: mean %.1f %%, most %.1f %%; moved %.3f B a byte "
           "written; end: allocated %.1f MB, active %.1f MB, committed %.1f MB, RSS %.1f MB\n",
           store_count(bench->store, 0), bench->put_ns / (bench->puts + 1),
           bench->expire_ns / (store.expired + 1), bench->slack_sum / (double)bench->samples,
           bench->slack_most, (double)heap.moved_bytes / (double)bench->allocated_bytes,
           (double)heap.allocated / 1e6, (double)heap.active / 1e6, (double)heap.committed / 1e6,
           (double)process_resident_exact() / 1e6);
}

int main(int count, char **words)
{
    static struct bench bench;
    uint64_t arguments[ARGUMENTS] = { 1000000, 1, 60, 32, 32, 0, 3 };
    for (int i = 1; i < count && i <= ARGUMENTS; i++)
        arguments[i - 1] = strtoull(words[i], NULL, 10);
    bench.live = arguments[0];
    bench.ttl_least_s = arguments[1];
    bench.ttl_most_s = arguments[2];
    bench.bytes_least = arguments[3];
    bench.bytes_most = arguments[4];
    bench.drawn_from = arguments[5];
    bench.rounds = arguments[6];
    bench.now_ms = START_MS;
    os_seam_init(&bench.seam);
    rng_init(&bench.rng, 1);
    bench.value = calloc(1, bench.bytes_most + 1);
    struct store_options options = { .seam = &bench.seam, .seed = { 1, 2 }, .databases = 1 };
    bench.store = store_new(&options);
    if (bench.value == NULL || bench.store == NULL)
        return 1;
    store_set_now_ms(bench.store, bench.now_ms);
    defrag_init(&bench.defrag, bench.store, &bench.seam);
    struct move_limits limits = { true, 1 << 20, 5, 100, 2.5, 1, 25 };
    defrag_configure(&bench.defrag, &limits, 100);
    run(&bench);
    report(&bench);
    fade(&bench);
    store_drop(bench.store);
    free(bench.value);
    return 0;
}
