#include "observe/published.h"

#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PUBLISHED_FRESH = 4,            /* in `ready`: the reader has not seen it */
    SPACING_NS = 50 * 1000 * 1000,  /* between two editions, at least */
    MISSED_NS = 1000 * 1000 * 1000, /* who waited in vain does not wait again so soon */
    WATCHED_S = 10,                 /* for how long one look at the picture keeps it up */
};

static uint64_t load(const _Atomic uint64_t *place)
{
    return atomic_load_explicit(place, memory_order_acquire);
}

static bool know_classes(struct published *published, const struct heap *heap)
{
    uint32_t classes = heap_classes(heap);
    published->class_bytes = memory_take(classes * sizeof *published->class_bytes);
    for (uint32_t at = 0; at < classes && published->class_bytes != NULL; at++) {
        struct heap_lane_figures lane;
        heap_lane(heap, 0, at, &lane);
        published->class_bytes[at] = lane.cell_bytes;
    }
    return published->class_bytes != NULL;
}

static void put_facts(struct published *published, const struct heap *heap)
{
    for (unsigned at = 0; at < 3; at++) {
        struct edition *edition = &published->editions[at];
        edition->kinds = heap_kinds(heap);
        edition->classes = heap_classes(heap);
        edition->class_bytes = published->class_bytes;
        for (uint32_t kind = 0; kind < edition->kinds; kind++)
            edition->kind_names[kind] = heap_kind_name(heap, kind);
    }
}

struct published *published_new(const struct seam *seam, const struct heap *heap)
{
    struct published *published = memory_take_zeroed(sizeof *published);
    if (published == NULL)
        return NULL;
    published->seam = seam;
    published->start_wall_ms = (uint64_t)seam_wall_ms(seam);
    published->back = 0;
    published->front = 1;
    atomic_store_explicit(&published->ready, 2, memory_order_relaxed);
    atomic_store_explicit(&published->asked, 1, memory_order_relaxed);
    published->told = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    published->picture = heap_picture_new(seam);
    history_init(&published->history);
    if (published->told < 0 || published->picture == NULL || !know_classes(published, heap)) {
        published_drop(published);
        return NULL;
    }
    put_facts(published, heap);
    return published;
}

void published_drop(struct published *published)
{
    if (published == NULL)
        return;
    for (unsigned at = 0; at < 3; at++) {
        buffer_release(&published->editions[at].figures);
        buffer_release(&published->editions[at].doctor);
        buffer_release(&published->editions[at].commands);
        buffer_release(&published->editions[at].lanes);
    }
    if (published->told >= 0)
        close(published->told);
    heap_picture_drop(published->picture);
    memory_give(published->class_bytes);
    memory_give(published);
}

/* --- the writer ------------------------------------------------------------------------------- */

uint64_t published_bytes(const struct published *published)
{
    uint64_t bytes = sizeof *published + heap_picture_bytes(published->picture) +
                     published->editions[0].classes * sizeof *published->class_bytes;
    for (unsigned at = 0; at < 3; at++) {
        const struct edition *edition = &published->editions[at];
        bytes += edition->figures.capacity + edition->doctor.capacity + edition->commands.capacity +
                 edition->lanes.capacity;
    }
    return bytes;
}

bool published_is_asked(const struct published *published, uint64_t now_ns)
{
    uint64_t made = load(&published->made);
    return load(&published->asked) > made &&
           (made == 0 || now_ns - published->last_ns >= SPACING_NS);
}

struct edition *published_begin(struct published *published)
{
    struct edition *edition = &published->editions[published->back];
    published->last_ns = seam_now_ns(published->seam);
    edition->number = load(&published->made) + 1;
    edition->made_ns = published->last_ns;
    edition->made_wall_ms = seam_wall_ms(published->seam);
    edition->failed = false;
    edition->cost_ns = edition->piece_ns = 0;
    edition->figures.count = edition->doctor.count = 0;
    edition->commands.count = edition->lanes.count = 0;
    return edition;
}

void published_end(struct published *published)
{
    struct edition *edition = &published->editions[published->back];
    uint64_t one = 1;
    unsigned given = atomic_exchange_explicit(&published->ready, published->back | PUBLISHED_FRESH,
                                              memory_order_acq_rel);
    published->back = given & ~(unsigned)PUBLISHED_FRESH;
    atomic_store_explicit(&published->made, edition->number, memory_order_release);
    ssize_t put = write(published->told, &one, sizeof one);
    (void)put; /* a full counter tells as well */
}

bool published_is_watched(const struct published *published, uint64_t now_ns)
{
    uint64_t watched_ns = load(&published->watched_ns);
    return watched_ns != 0 && now_ns < watched_ns + (uint64_t)WATCHED_S * 1000000000;
}

void published_open(struct published *published, bool open)
{
    uint64_t one = 1;
    atomic_store_explicit(&published->closing, !open, memory_order_release);
    ssize_t put = write(published->told, &one, sizeof one);
    (void)put; /* as above */
}

/* --- the reader ------------------------------------------------------------------------------- */

static const struct edition *newest(struct published *published)
{
    if (atomic_load_explicit(&published->ready, memory_order_acquire) & PUBLISHED_FRESH) {
        unsigned given =
            atomic_exchange_explicit(&published->ready, published->front, memory_order_acq_rel);
        published->front = given & ~(unsigned)PUBLISHED_FRESH;
    }
    return &published->editions[published->front];
}

static void wait_for(struct published *published, uint64_t number, int wait_ms)
{
    struct pollfd told = { .fd = published->told, .events = POLLIN };
    uint64_t end_ns = seam_now_ns(published->seam) + (uint64_t)wait_ms * 1000000;
    for (;;) {
        uint64_t now_ns = seam_now_ns(published->seam), count;
        if (load(&published->made) >= number)
            return;
        if (now_ns >= end_ns || atomic_load_explicit(&published->closing, memory_order_acquire)) {
            published->missed_ns = now_ns;
            return;
        }
        if (poll(&told, 1, (int)((end_ns - now_ns) / 1000000) + 1) > 0) {
            ssize_t taken = read(published->told, &count, sizeof count);
            (void)taken;
        }
    }
}

const struct edition *published_read(struct published *published, uint64_t fresh_ns, int wait_ms)
{
    const struct edition *edition = newest(published);
    uint64_t now_ns = seam_now_ns(published->seam);
    if (edition->number != 0 && now_ns - edition->made_ns <= fresh_ns)
        return edition;
    uint64_t wanted = load(&published->made) + 1;
    atomic_store_explicit(&published->asked, wanted, memory_order_release);
    if (published->wake != NULL)
        published->wake(published->wake_context);
    if (now_ns - published->missed_ns > MISSED_NS)
        wait_for(published, wanted, wait_ms);
    return newest(published);
}

void published_watch(struct published *published)
{
    atomic_store_explicit(&published->watched_ns, seam_now_ns(published->seam),
                          memory_order_release);
}
