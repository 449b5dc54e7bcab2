/* Editions between two threads: whole, in order, fresh where the writer lives, old where not. */
#include "harness.h"
#include "observe/published.h"
#include "os/seam.h"

#include <pthread.h>

enum { EDITIONS = 20000, MS = 1000 * 1000 };

struct world {
    struct seam seam;
    struct heap *heap;
    struct published *published;
    _Atomic bool done;
};

static void begin(struct world *world)
{
    static const char *const kind_names[] = { "one" };
    struct heap_options options = { .kind_names = kind_names, .kinds = 1 };
    os_seam_init(&world->seam);
    world->heap = heap_new(&world->seam, &options);
    world->published = published_new(&world->seam, world->heap);
    CHECK(world->heap != NULL && world->published != NULL);
}

static void end(struct world *world)
{
    published_drop(world->published);
    heap_drop(world->heap);
}

/* Every byte of the text is of the edition's number. */
static void publish(struct world *world)
{
    struct edition *edition = published_begin(world->published);
    for (unsigned at = 0; at < 64; at++)
        if (!buffer_append_byte(&edition->figures, (uint8_t)edition->number))
            test_fail(__FILE__, __LINE__, "no memory");
    published_end(world->published);
}

static void *write_many(void *context)
{
    struct world *world = context;
    for (unsigned at = 0; at < EDITIONS; at++)
        publish(world);
    atomic_store(&world->done, true);
    return NULL;
}

TEST(published_editions_are_whole_and_never_older)
{
    static struct world world;
    pthread_t writer;
    uint64_t last = 0, seen = 0;
    begin(&world);
    publish(&world);
    CHECK_EQ(pthread_create(&writer, NULL, write_many, &world), 0);
    while (!atomic_load(&world.done)) {
        const struct edition *edition = published_read(world.published, 0, 0);
        CHECK(edition->number >= last);
        CHECK_EQ(edition->figures.count, 64);
        for (unsigned at = 0; at < 64; at++)
            CHECK_EQ(edition->figures.at[at], (uint8_t)edition->number);
        seen += edition->number > last;
        last = edition->number;
    }
    CHECK_EQ(pthread_join(writer, NULL), 0);
    CHECK_EQ(published_read(world.published, UINT64_MAX, 0)->number, EDITIONS + 1);
    CHECK(seen > 0);
    end(&world);
}

static void wake(void *context)
{
    publish(context);
}

TEST(published_is_asked_for_and_waited_for)
{
    static struct world world;
    begin(&world);
    CHECK(published_is_asked(world.published, 0));
    publish(&world);
    CHECK(!published_is_asked(world.published, UINT64_MAX));
    CHECK_EQ(published_read(world.published, UINT64_MAX, 0)->number, 1);
    uint64_t began_ns = seam_now_ns(&world.seam);
    CHECK_EQ(published_read(world.published, 0, 20)->number, 1); /* nobody writes */
    CHECK(seam_now_ns(&world.seam) - began_ns >= 20 * MS);
    CHECK(published_is_asked(world.published, UINT64_MAX));
    began_ns = seam_now_ns(&world.seam);
    CHECK_EQ(published_read(world.published, 0, 10000)->number, 1); /* nor did they just now */
    CHECK(seam_now_ns(&world.seam) - began_ns < (uint64_t)5000 * MS);
    world.published->wake = wake;
    world.published->wake_context = &world;
    CHECK_EQ(published_read(world.published, 0, 10000)->number, 2);
    CHECK_EQ(published_read(world.published, UINT64_MAX, 10000)->number, 2);
    end(&world);
}

TEST(published_is_watched_for_some_seconds)
{
    static struct world world;
    begin(&world);
    uint64_t now_ns = seam_now_ns(&world.seam);
    CHECK(!published_is_watched(world.published, now_ns));
    published_watch(world.published);
    CHECK(published_is_watched(world.published, now_ns));
    CHECK(!published_is_watched(world.published, now_ns + (uint64_t)3600 * 1000 * MS));
    end(&world);
}

TEST(published_does_not_wait_where_its_end_is_near)
{
    static struct world world;
    begin(&world);
    publish(&world);
    published_open(world.published, false);
    uint64_t began_ns = seam_now_ns(&world.seam);
    CHECK_EQ(published_read(world.published, 0, 60000)->number, 1);
    CHECK(seam_now_ns(&world.seam) - began_ns < (uint64_t)30000 * MS);
    end(&world);
}
